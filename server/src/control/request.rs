//! What may be asked over the control channel, and the answers: one JSON object a line each.

use crate::store::{Account, Ban, SecretHash};
use malpan_protocol::{ChatText, Name};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::path::PathBuf;

/// Accounts on one page of a list.
pub(crate) const PAGE: usize = 1000;
/// The longest line of either side: a page of the longest accounts.
pub(super) const LONGEST_LINE: usize = 1 << 20;
/// Most characters of the reason for a ban: what a player is told of it has to fit.
pub(crate) const LONGEST_REASON: usize = 150;

/// What an operator asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Request {
    /// A page of the accounts, from behind the folded name `after`.
    List { after: Option<String> },
    /// Makes an account.
    Add { name: Text<Name>, secret: Hash },
    /// Gives an account another password.
    Passwd { name: Text<Name>, secret: Hash },
    /// Bans an account.
    Ban { name: Text<Name>, reason: String },
    /// Bans it no longer.
    Unban { name: Text<Name> },
    /// Deletes an account.
    Delete { name: Text<Name> },
    /// Tells everyone who is signed in.
    Notice { text: Text<ChatText> },
    /// Reads every record of the store.
    Check,
    /// Copies everything in the store into a new file, named from the root: the server has a working directory of its own.
    Backup { file: PathBuf },
}

/// What becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// It is done; this says what.
    Done(String),
    /// A page of accounts, and whether there are more behind it.
    Accounts { accounts: Vec<Listed>, more: bool },
    /// What was found in the store, for people, and whether all of it is well.
    Checked { lines: Vec<String>, well: bool },
    /// It is not done, for this reason.
    Failed(String),
}

/// An account in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    pub(crate) player: u64,
    pub(crate) name: Text<Name>,
    /// Unix seconds.
    pub(crate) created: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) banned: Option<Banned>,
}

/// A ban in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Banned {
    pub(crate) reason: String,
    /// Unix seconds.
    pub(crate) since: u64,
}

/// A text of the protocol's. JSON may have to write it with escapes, so it is not borrowed as on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text<T>(pub(crate) T);

/// A password's hash; nothing of it is printed.
#[derive(Debug, Clone)]
pub(crate) struct Hash(pub(crate) SecretHash);

impl Request {
    /// Whether it takes the longer the more there is in the store.
    pub(super) fn reads_everything(&self) -> bool {
        matches!(self, Self::Check | Self::Backup { .. })
    }
}

impl From<Account> for Listed {
    fn from(account: Account) -> Self {
        let banned = account.banned.map(|Ban { reason, since }| Banned { reason, since });
        Self { player: account.id.0, name: Text(account.name), created: account.created, banned }
    }
}

impl<T: AsRef<str>> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_ref())
    }
}

impl<'de, T: std::str::FromStr<Err: std::fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(de::Error::custom)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(SecretHash::new(String::deserialize(deserializer)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Request};

    #[test]
    fn a_request_is_one_object_whose_values_are_checked() {
        let read = |line: &str| serde_json::from_str::<Request>(line);
        let ban = read(r#"{"do":"ban","name":"\u0041nn","reason":"said \"no\""}"#).unwrap();
        assert!(matches!(ban, Request::Ban { name, reason } if name.0.as_str() == "Ann" && reason == "said \"no\""));
        for wrong in
            [r#"{"do":"ban","name":""}"#, r#"{"do":"reboot"}"#, r#"{"do":"delete","name":"\u001b[2J"}"#, "", "x"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn neither_a_request_nor_an_answer_breaks_its_line() {
        let answer = Answer::Failed("two\nlines".into());
        assert_eq!(serde_json::to_string(&answer).unwrap(), r#"{"failed":"two\nlines"}"#);
    }

    #[test]
    fn no_hash_is_printed() {
        let request = r#"{"do":"add","name":"Ann","secret":"$argon2id$hidden"}"#;
        let request: Request = serde_json::from_str(request).unwrap();
        assert!(!format!("{request:?}").contains("hidden"));
    }
}
