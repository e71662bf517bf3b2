//! What can go wrong with a Redis, and what that means for whoever waits.

use crate::store::{StoreError, encoding::Unreadable};
use redis::{ErrorKind, RedisError};

/// Why an operation was not done.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// Redis cannot be reached, or does not do it now. The same may work later.
    Away(String),
    /// It does not let us in, or is none. Only an operator can change that.
    Refused(String),
    /// Another server has the node's name.
    Held,
    /// A record is not what it should be.
    Record(String),
}

impl Fault {
    /// Whether it concerns everyone who asks.
    pub(super) fn is_everyones(&self) -> bool {
        !matches!(self, Self::Record(_))
    }
}

impl From<RedisError> for Fault {
    fn from(error: RedisError) -> Self {
        let refused = matches!(
            error.kind(),
            ErrorKind::AuthenticationFailed
                | ErrorKind::InvalidClientConfig
                | ErrorKind::Parse
                | ErrorKind::RESP3NotSupported
        );
        match error.code() {
            Some("NOAUTH" | "WRONGPASS" | "NOPERM") => Self::Refused(error.to_string()),
            _ if refused => Self::Refused(error.to_string()),
            // Of a wrong type: what is there is not ours.
            Some("WRONGTYPE") => Self::Record(error.to_string()),
            _ => Self::Away(error.to_string()),
        }
    }
}

impl From<Unreadable> for Fault {
    fn from(error: Unreadable) -> Self {
        Self::Record(error.to_string())
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Away(what) | Fault::Refused(what) => Self::unavailable(what),
            Fault::Held => Self::unavailable("another server uses this node's name"),
            Fault::Record(what) => Self::broken(what),
        }
    }
}
