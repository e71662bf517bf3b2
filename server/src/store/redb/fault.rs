//! What can go wrong with the file, and what that means for whoever waits.

use crate::store::{StoreError, encoding::Unreadable};
use std::io;

/// Why an operation was not done. Cheap to tell everyone who waited for the same transaction.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// The system does not do it now: no room on the disk, an error of the disk.
    Now(String),
    /// The file is not what it should be.
    Broken(String),
    /// One record is not what it should be. The others are not concerned.
    Record(String),
    /// A backup's own file cannot be written. The store is not concerned.
    Backup(String),
}

impl Fault {
    pub(super) fn broken(what: impl Into<String>) -> Self {
        Self::Broken(what.into())
    }

    /// Whether it concerns one operation and not the file.
    pub(super) fn is_one_records(&self) -> bool {
        matches!(self, Self::Record(_) | Self::Backup(_))
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Now(what) => Self::unavailable(what),
            Fault::Broken(what) | Fault::Record(what) => Self::broken(what),
            Fault::Backup(what) => Self::Backup(what),
        }
    }
}

impl From<Unreadable> for Fault {
    fn from(error: Unreadable) -> Self {
        Self::Record(error.to_string())
    }
}

impl From<redb::Error> for Fault {
    fn from(error: redb::Error) -> Self {
        match &error {
            redb::Error::Io(io) if io.kind() != io::ErrorKind::InvalidData => Self::Now(said(io)),
            redb::Error::PreviousIo => Self::Now("an earlier error of the disk".into()),
            redb::Error::DatabaseClosed => Self::Now("it is being opened again".into()),
            redb::Error::DatabaseAlreadyOpen => Self::Now("another program has it open".into()),
            _ => Self::Broken(error.to_string()),
        }
    }
}

/// What to do about it, where that is known.
fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => format!("{error}; make room on the disk"),
        io::ErrorKind::FileTooLarge => format!("{error}; the system lets the file grow no further"),
        _ => error.to_string(),
    }
}

macro_rules! from {
    ($($error:ident)+) => {
        $(impl From<redb::$error> for Fault {
            fn from(error: redb::$error) -> Self {
                redb::Error::from(error).into()
            }
        })+
    };
}

from! { StorageError TableError TransactionError CommitError DatabaseError }
