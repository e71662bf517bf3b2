//! What can go wrong between a client and its server.

use crate::TlsError;
use malpan_protocol::{CodecError, Denial, KickReason};
use std::{io, time::Duration};

/// Why a request or the connection failed. After any but [`ClientError::Denied`] the connection is of no further use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The connection could not be made, or broke.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// What came is not this protocol: probably not a Malpan server.
    #[error("the server's bytes are not Malpan packets: {0}")]
    Protocol(#[from] CodecError),
    /// The connection could not be encrypted.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What came is TLS, and plain words were expected.
    #[error("the server speaks TLS; use --tls")]
    SpeaksTls,
    /// The server closed the connection.
    #[error("the server closed the connection")]
    Closed,
    /// The server closed the connection and said why.
    #[error("the server closed the connection: {0:?}")]
    Kicked(KickReason),
    /// The server did not do what was asked.
    #[error("{} ({:?})", .0.reason, .0.code)]
    Denied(Denial),
    /// No answer came in time.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The address names no host.
    #[error("{0} has no address")]
    NoAddress(String),
}

impl ClientError {
    /// Whether connecting again after a while can help: the network or the server's load was at fault, not the
    /// request.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        use malpan_protocol::{DenialCode as C, KickReason as K};
        match self {
            Self::Io(_) | Self::Closed | Self::TimedOut(_) | Self::Tls(TlsError::CutOff(_)) => true,
            // Whoever signed in elsewhere would be pushed out, and would push back for ever.
            Self::Kicked(reason) => !matches!(reason, K::SignedInElsewhere | K::Banned | K::AccountDeleted),
            Self::Denied(denial) => matches!(
                denial.code,
                C::ServerFull
                    | C::AddressFull
                    | C::TooManyUnsigned
                    | C::RateLimited
                    | C::Draining
                    | C::NameTaken
                    | C::Busy
                    | C::TooSoon
            ),
            Self::Protocol(_) | Self::NoAddress(_) | Self::Tls(_) | Self::SpeaksTls => false,
        }
    }
}
