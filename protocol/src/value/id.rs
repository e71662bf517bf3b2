//! Numbers that name things.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A room's number: unique while the server runs, counted from 1, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoomId(pub u32);

/// A signed-in player's number: unique while the server runs, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlayerId(pub u64);

impl fmt::Display for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PlayerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::{PlayerId, RoomId};

    #[test]
    fn a_number_is_shown_as_it_is() {
        assert_eq!(format!("player {} in room {}", PlayerId(12), RoomId(34)), "player 12 in room 34");
    }
}
