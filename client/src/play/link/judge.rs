//! What to do after a connection was lost or could not be made.

use super::{Problem, Start, task::Task};
use crate::play::{dial::Dial, identity::Identity, words};
use malpan_client::{ClientError, protocol::DenialCode};
use std::time::Duration;

/// For how long after a loss the own name may still be held by the session that was lost.
pub(super) const NAME_HELD: Duration = Duration::from_secs(45);
/// Generated names tried in a row.
const MOST_NAMES: u32 = 8;

/// What to do next.
pub(super) enum Next {
    /// Try again after a while.
    Retry(String),
    /// Try another made-up name at once.
    OtherName,
    /// Ask who shall be tried instead.
    Ask(Problem),
    /// End.
    GiveUp { why: String, unreachable: bool },
}

impl<D: Dial> Task<D> {
    /// After a connection could not be made.
    pub(super) fn judge(&mut self, error: &ClientError) -> Next {
        let code = match error {
            ClientError::Denied(denial) => Some(denial.code),
            _ => None,
        };
        let problem = |why| Problem { code, why };
        if let (Identity::Guest { generated, .. }, Some(DenialCode::NameTaken)) = (&self.identity, code) {
            if self.was_online && self.lost_at.elapsed() < NAME_HELD {
                return Next::Retry("the name is still held by the lost session".into());
            }
            self.names_tried += 1;
            return if *generated && self.names_tried < MOST_NAMES {
                Next::OtherName
            } else {
                Next::Ask(problem(words::client_error(error)))
            };
        }
        if self.was_online {
            return after_loss(error);
        }
        let why = words::client_error(error);
        if self.start == Start::AtOnce {
            use ClientError as E;
            return Next::GiveUp { why, unreachable: matches!(error, E::Io(_) | E::TimedOut(_) | E::NoAddress(_)) };
        }
        Next::Ask(problem(why))
    }
}

/// After a connection was lost. Whoever was sent away for good, such as by signing in from elsewhere, stays away: coming
/// back would send the other away in turn.
pub(super) fn after_loss(error: &ClientError) -> Next {
    let why = words::client_error(error);
    if error.is_transient() { Next::Retry(why) } else { Next::GiveUp { why, unreachable: false } }
}
