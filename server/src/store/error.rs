//! What a store answers when it does not do what it was asked.

use malpan_protocol::Name;
use std::{error::Error, io};

/// Why a store did not answer. Fit for the log and for the operator; a player is told no more than "try again".
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Not now: it is away, full, busy or read-only. The same may work later.
    #[error("the store is not available: {what}{}", because(.source))]
    Unavailable {
        /// What is the matter.
        what: String,
        /// What the system or the other side says.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// It will not work later either: a record or the whole of it is damaged, or not what it should be.
    #[error("the store is broken: {what}{}", because(.source))]
    Broken {
        /// What is the matter.
        what: String,
        /// What the system or the other side says.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// A backup's own file cannot be written; the store is well.
    #[error("{0}")]
    Backup(String),
    /// This kind of store cannot do it.
    #[error("{0}")]
    Unsupported(&'static str),
}

/// Why there is no new account.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// An account has it.
    #[error("an account has the name {0}")]
    NameTaken(Name),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StoreError {
    /// Not now, with the reason in words.
    pub fn unavailable(what: impl Into<String>) -> Self {
        Self::Unavailable { what: what.into(), source: None }
    }

    /// Not now, for what the system or the other side says.
    pub fn unavailable_for(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unavailable { what: what.into(), source: Some(source.into()) }
    }

    /// Never, with the reason in words.
    pub fn broken(what: impl Into<String>) -> Self {
        Self::Broken { what: what.into(), source: None }
    }

    /// Never, for what the system or the other side says.
    pub fn broken_for(what: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Broken { what: what.into(), source: Some(source.into()) }
    }

    /// Whether the same may work later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        Self::other(error)
    }
}

/// The reason's own words, where there is one.
fn because(source: &Option<Box<dyn Error + Send + Sync>>) -> String {
    source.as_ref().map_or_else(String::new, |source| format!(": {source}"))
}
