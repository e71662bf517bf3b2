//! The version handshake: the client offers a range, the server picks the highest that both speak.

use serde::{Deserialize, Serialize};

/// The protocol version that this crate speaks.
pub const PROTOCOL_VERSION: u16 = 1;

/// The protocol versions that one side speaks, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRange {
    /// The oldest version spoken.
    pub min: u16,
    /// The newest version spoken.
    pub max: u16,
}

impl VersionRange {
    /// What this build speaks.
    pub const SUPPORTED: Self = Self { min: PROTOCOL_VERSION, max: PROTOCOL_VERSION };

    /// The highest version in both ranges, or `None` where they do not meet (a range with `min > max` meets nothing).
    #[must_use]
    pub fn choose(self, other: Self) -> Option<u16> {
        let highest = self.max.min(other.max);
        (highest >= self.min && highest >= other.min).then_some(highest)
    }
}

#[cfg(test)]
mod tests {
    use super::VersionRange;

    #[test]
    fn picks_the_highest_common_version() {
        let ours = VersionRange { min: 2, max: 5 };
        assert_eq!(ours.choose(VersionRange { min: 1, max: 3 }), Some(3));
        assert_eq!(ours.choose(VersionRange { min: 5, max: 9 }), Some(5));
        assert_eq!(ours.choose(VersionRange { min: 6, max: 9 }), None);
        assert_eq!(ours.choose(VersionRange { min: 0, max: 1 }), None);
        assert_eq!(ours.choose(VersionRange { min: 4, max: 3 }), None);
    }
}
