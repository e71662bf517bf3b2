//! What a service is called.

use std::{fmt, str::FromStr};

/// The most characters of a name.
const LONGEST: usize = 80;

/// The name of a service. It names its folder and its account too, so it is plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceName(String);

/// A text that is no such name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 80 letters (a to z), digits, - and _, and begins with a letter or a digit")]
pub struct NameError;

impl ServiceName {
    /// The one that no other is named for.
    pub(super) const USUAL: &str = "Malpan";

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What people see in the list of services; Windows wants another one for each.
    pub(super) fn displayed(&self) -> String {
        if self.0 == Self::USUAL { "Malpan game server".into() } else { format!("Malpan game server ({self})") }
    }

    /// The account that the service runs as: one of its own, which Windows makes with it and which has no password.
    pub(super) fn account(&self) -> String {
        format!(r"NT SERVICE\{self}")
    }
}

impl FromStr for ServiceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        if begins && text.len() <= LONGEST && text.chars().all(plain) { Ok(Self(text.into())) } else { Err(NameError) }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{NameError, ServiceName};

    #[test]
    fn a_name_is_plain_enough_for_a_folder() {
        for text in ["Malpan", "malpan-2", "x", "2_players"] {
            assert_eq!(text.parse::<ServiceName>().unwrap().to_string(), text);
        }
        for text in ["", "..", "-x", "a b", r"a\b", "a/b", "말판", &"x".repeat(81)] {
            assert_eq!(text.parse::<ServiceName>(), Err(NameError), "{text}");
        }
    }

    #[test]
    fn each_has_a_displayed_name_and_an_account_of_its_own() {
        let (usual, other): (ServiceName, ServiceName) = ("Malpan".parse().unwrap(), "Second".parse().unwrap());
        assert_eq!(
            (usual.displayed().as_str(), usual.account().as_str()),
            ("Malpan game server", r"NT SERVICE\Malpan")
        );
        assert_eq!(other.displayed(), "Malpan game server (Second)");
    }
}
