//! Passwords on their way.

use super::ValueError;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use zeroize::Zeroizing;

/// A password: 8 to 128 bytes of UTF-8, and no other rule. It is compared as it is, byte for byte.
///
/// Its memory is wiped when it is dropped; a clone has memory of its own. Neither `Debug` nor any error shows it or its
/// length.
#[derive(Clone)]
pub struct Secret(Zeroizing<Box<str>>);

impl Secret {
    /// The fewest bytes it may have.
    pub const MIN_BYTES: usize = 8;
    /// The most bytes it may have.
    pub const MAX_BYTES: usize = 128;

    /// Takes a copy of `text`, whose own memory stays the caller's to wipe.
    ///
    /// # Errors
    /// [`ValueError::Malformed`] where it is too short or too long.
    pub fn new(text: &str) -> Result<Self, ValueError> {
        if !(Self::MIN_BYTES..=Self::MAX_BYTES).contains(&text.len()) {
            return Err(ValueError::Malformed { what: "a password", form: "of 8 to 128 bytes" });
        }
        Ok(Self(Zeroizing::new(text.into())))
    }

    /// The password itself. Whoever copies it has to wipe the copy.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Looks at every byte whatever differs, so that the time tells nothing but the lengths.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (own, other) = (self.0.as_bytes(), other.0.as_bytes());
        own.len() == other.len() && own.iter().zip(other).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Borrowed from the frame, so that this is the only copy.
        let text = <&'de str>::deserialize(deserializer)?;
        Self::new(text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_secret_has_8_to_128_bytes_of_any_kind() {
        for text in ["12345678", "  \t\n\u{1b}   ", "비밀번호", &"x".repeat(128)] {
            assert_eq!(Secret::new(text).unwrap().expose(), text);
        }
        for text in ["", "1234567", "비밀", &"x".repeat(129), &"비".repeat(43)] {
            assert!(Secret::new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn secrets_are_equal_where_every_byte_is() {
        let secret = |text| Secret::new(text).unwrap();
        assert_eq!(secret("correct horse"), secret("correct horse"));
        for other in ["correct horsf", "Correct horse", "correct hors", "correct horse "] {
            assert_ne!(secret("correct horse"), secret(other));
        }
    }

    #[test]
    fn neither_debug_nor_an_error_shows_a_secret() {
        assert_eq!(format!("{:?}", Secret::new("correct horse").unwrap()), "Secret(..)");
        let short = Secret::new("hunter2").unwrap_err();
        assert_eq!(short.to_string(), "a password is not of the form of 8 to 128 bytes");
        assert!(!format!("{short:?}").contains("hunter2"));
    }
}
