//! What a store keeps.

use bytes::Bytes;
use malpan_protocol::{Name, PlayerId, RoomId};
use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

/// An account that does not exist yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Its name, as its owner writes it.
    pub name: Name,
    /// What its secret is held against.
    pub secret: SecretHash,
    /// When it was made, in Unix seconds.
    pub created: u64,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its owner's number, for ever.
    pub id: PlayerId,
    /// Its name, as its owner writes it. No other account's folds to the same.
    pub name: Name,
    /// What its secret is held against.
    pub secret: SecretHash,
    /// When it was made, in Unix seconds.
    pub created: u64,
    /// Whether its owner may not sign in, and why.
    pub banned: Option<Ban>,
}

/// Why and since when the owner of an account may not sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// The operator's words.
    pub reason: String,
    /// In Unix seconds.
    pub since: u64,
}

/// A secret's hash with its salt and cost, as a PHC string. Nothing of it is ever printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHash(String);

impl SecretHash {
    /// Of a PHC string.
    #[must_use]
    pub fn new(phc: impl Into<String>) -> Self {
        Self(phc.into())
    }

    /// The PHC string, to hold a secret against, and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// The SHA-256 of a resume token; the token itself is its owner's alone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

/// Whose a resume token is, and until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// The player's number.
    pub player: PlayerId,
    /// The player's name, for guests have no account that would know it.
    pub name: Name,
    /// Whether there is no account.
    pub is_guest: bool,
    /// From this Unix second on it is worth nothing.
    pub expires: u64,
}

/// A room as it was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedRoom {
    /// Its number.
    pub id: RoomId,
    /// How often it has been loaded.
    pub incarnation: u32,
    /// The room, in its own encoding.
    pub record: Bytes,
}

/// What happened to a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomChange {
    /// This is how it is now.
    Saved(SavedRoom),
    /// It is no more.
    Gone(RoomId),
    /// What was saved of it is not to be loaded again; it is kept for whoever wants to know why. Of a room that was not
    /// saved, the reason alone is kept.
    SetAside {
        /// Its number.
        id: RoomId,
        /// What went wrong.
        why: String,
    },
}

/// How many records there are, and what is wrong with them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Census {
    /// Accounts.
    pub accounts: u64,
    /// Resume tokens that have not expired.
    pub tokens: u64,
    /// Rooms that will be loaded.
    pub rooms: u64,
    /// Rooms that were set aside, with the reasons, in the order of their numbers.
    pub set_aside: Vec<(RoomId, String)>,
    /// What is wrong; empty where all is well.
    pub problems: Vec<String>,
}

impl RoomChange {
    /// The room's number.
    #[must_use]
    pub fn room(&self) -> RoomId {
        match self {
            Self::Saved(room) => room.id,
            Self::Gone(id) | Self::SetAside { id, .. } => *id,
        }
    }

    /// The bytes of its record or reason.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Saved(room) => room.record.len(),
            Self::Gone(_) => 0,
            Self::SetAside { why, .. } => why.len(),
        }
    }
}

/// The time now, in Unix seconds.
#[must_use]
pub fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
