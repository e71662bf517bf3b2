//! What brings a player back after a lost connection.

use serde::{Deserialize, Serialize};
use std::fmt;

/// 32 random bytes that only the server and its client know. Whoever has them is the player, so they are shown nowhere:
/// not in a log, not in an error.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeToken([u8; Self::BYTES]);

impl ResumeToken {
    /// How many bytes it has.
    pub const BYTES: usize = 32;

    /// The token of these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

impl fmt::Debug for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumeToken")
    }
}

#[cfg(test)]
mod tests {
    use super::ResumeToken;

    #[test]
    fn a_token_is_not_shown() {
        let token = ResumeToken::new([0xab; 32]);
        assert_eq!(format!("{token:?} {token:#?}"), "ResumeToken ResumeToken");
        assert_eq!(token.as_bytes(), &[0xab; 32]);
    }
}
