//! What a game is called.

use super::ValueError;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

const MAX_BYTES: usize = 15;

/// A game's name, such as `board`: 1 to 15 characters out of `a` to `z`, `0` to `9` and `-`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GameName {
    bytes: [u8; MAX_BYTES],
    length: u8,
}

impl GameName {
    /// The most characters it may have.
    pub const MAX_CHARS: usize = MAX_BYTES;
    /// The shared board.
    pub const BOARD: Self = Self::constant("board");
    /// Five in a row.
    pub const FIVE: Self = Self::constant("five");

    /// A name.
    ///
    /// # Errors
    /// [`ValueError`] where it is empty, too long, or has other characters.
    pub fn new(text: &str) -> Result<Self, ValueError> {
        let what = "a game's name";
        match Self::checked(text) {
            Some(name) => Ok(name),
            None if text.is_empty() => Err(ValueError::Empty { what }),
            None if text.len() > MAX_BYTES => {
                let length = text.chars().count();
                Err(ValueError::TooLong { what, length, max: MAX_BYTES, unit: "characters" })
            }
            None => Err(ValueError::Malformed { what, form: "of letters a to z, digits and -" }),
        }
    }

    /// A name that a program knows: a wrong one does not compile where the result is a constant.
    ///
    /// # Panics
    /// Where [`GameName::new`] has an error.
    #[must_use]
    pub const fn constant(text: &str) -> Self {
        Self::checked(text).expect("a game's name has 1 to 15 characters out of a to z, 0 to 9 and -")
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length as usize]).expect("only ASCII is let in")
    }

    #[allow(clippy::cast_possible_truncation, reason = "checked just before")]
    const fn checked(text: &str) -> Option<Self> {
        let from = text.as_bytes();
        if from.is_empty() || from.len() > MAX_BYTES {
            return None;
        }
        let mut bytes = [0; MAX_BYTES];
        let mut index = 0;
        while index < from.len() {
            if !matches!(from[index], b'a'..=b'z' | b'0'..=b'9' | b'-') {
                return None;
            }
            bytes[index] = from[index];
            index += 1;
        }
        Some(Self { bytes, length: from.len() as u8 })
    }
}

impl fmt::Display for GameName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for GameName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GameName({self})")
    }
}

impl FromStr for GameName {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        Self::new(text)
    }
}

impl Serialize for GameName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for GameName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(<&'de str>::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::GameName;

    #[test]
    fn letters_digits_and_dashes_up_to_fifteen() {
        assert_eq!(GameName::new("five").unwrap(), GameName::FIVE);
        assert_eq!(GameName::new("a-1").unwrap().to_string(), "a-1");
        for bad in ["", "Five", "a b", "오목", "0123456789abcdef", "a\u{1b}"] {
            assert!(GameName::new(bad).is_err(), "{bad:?}");
        }
    }
}
