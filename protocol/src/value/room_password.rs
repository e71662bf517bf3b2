//! What whoever comes into a room has to know.

use super::ValueError;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

/// A room's password: 1 to 64 bytes of UTF-8. It is wiped out when it is dropped; neither `Debug` nor any
/// error shows it or its length.
#[derive(Clone, PartialEq, Eq)]
pub struct RoomPassword(Zeroizing<Box<str>>);

impl RoomPassword {
    /// The most bytes it may have.
    pub const MAX_BYTES: usize = 64;

    /// Takes 1 to [`RoomPassword::MAX_BYTES`] bytes.
    ///
    /// # Errors
    /// [`ValueError::Malformed`] where it is empty or too long.
    pub fn new(text: &str) -> Result<Self, ValueError> {
        if !(1..=Self::MAX_BYTES).contains(&text.len()) {
            return Err(ValueError::Malformed { what: "a room's password", form: "of 1 to 64 bytes" });
        }
        Ok(Self(Zeroizing::new(text.into())))
    }

    /// Its bytes, to be compared with what the room has.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for RoomPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RoomPassword(..)")
    }
}

impl FromStr for RoomPassword {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::new(text)
    }
}

impl Serialize for RoomPassword {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for RoomPassword {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&'de str>::deserialize(deserializer)?;
        Self::new(text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::RoomPassword;

    #[test]
    fn any_text_of_1_to_64_bytes_will_do_and_is_shown_nowhere() {
        let password = RoomPassword::new("열려라 참깨").unwrap();
        assert_eq!(password.as_bytes(), "열려라 참깨".as_bytes());
        assert_eq!(format!("{password:?}"), "RoomPassword(..)");
        assert!(RoomPassword::new("").is_err());
        assert!(RoomPassword::new(&"x".repeat(64)).is_ok());
        let error = RoomPassword::new(&"secret ".repeat(10)).unwrap_err().to_string();
        assert_eq!(error, "a room's password is not of the form of 1 to 64 bytes");
    }
}
