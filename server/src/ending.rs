//! The reasons of our own for which a session ends, as malpan-net carries them.

use malpan_net::CloseReason;
use malpan_protocol::KickReason;

/// Why the service ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The client said goodbye.
    Bye,
    /// The client broke a rule, and the denial that says so is queued already.
    Denied,
    /// Too much over the rate limits.
    Flooding,
    /// The room ended by a fault of ours.
    RoomFailed,
    /// The player has come back over another connection.
    TakenOver,
    /// The owner of the name signed in over another connection.
    SignedInElsewhere,
    /// The operator has banned the account.
    Banned,
    /// The operator has deleted the account.
    AccountDeleted,
}

impl Ending {
    const ALL: [Self; 8] = [
        Self::Bye,
        Self::Denied,
        Self::Flooding,
        Self::RoomFailed,
        Self::TakenOver,
        Self::SignedInElsewhere,
        Self::Banned,
        Self::AccountDeleted,
    ];

    /// The ending that `code` stands for.
    pub(crate) fn of(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|&ending| ending as u16 == code)
    }

    /// What the client is told last.
    pub(crate) fn kick(self) -> Option<KickReason> {
        match self {
            Self::Bye | Self::Denied => None,
            Self::Flooding => Some(KickReason::Flooding),
            Self::RoomFailed => Some(KickReason::RoomFailed),
            Self::TakenOver => Some(KickReason::TakenOver),
            Self::SignedInElsewhere => Some(KickReason::SignedInElsewhere),
            Self::Banned => Some(KickReason::Banned),
            Self::AccountDeleted => Some(KickReason::AccountDeleted),
        }
    }
}

impl From<Ending> for CloseReason {
    fn from(ending: Ending) -> Self {
        Self::Service(ending as u16)
    }
}
