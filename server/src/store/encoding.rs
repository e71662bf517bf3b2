//! Accounts as bytes, for the stores that keep bytes: JSON, which an operator can read and a later version can
//! add to. What it does not know it refuses: nothing is dropped by being read and written again.

use super::{Account, Ban, SecretHash};
use malpan_protocol::{Name, PlayerId};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A record that cannot be read. It says where, and nothing of what stands there.
#[derive(Debug, thiserror::Error)]
#[error("it is no record of this version ({0})")]
pub(super) struct Unreadable(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountForm<'a> {
    id: u64,
    name: Cow<'a, str>,
    secret: Cow<'a, str>,
    created: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    banned: Option<BanForm<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BanForm<'a> {
    reason: Cow<'a, str>,
    since: u64,
}

pub(super) fn account(account: &Account) -> Vec<u8> {
    let ban = account.banned.as_ref();
    written(&AccountForm {
        id: account.id.0,
        name: account.name.as_str().into(),
        secret: account.secret.expose().into(),
        created: account.created,
        banned: ban.map(|ban| BanForm { reason: ban.reason.as_str().into(), since: ban.since }),
    })
}

pub(super) fn read_account(bytes: &[u8]) -> Result<Account, Unreadable> {
    let AccountForm { id, name, secret, created, banned } = read(bytes)?;
    Ok(Account {
        id: PlayerId(id),
        name: read_name(&name)?,
        secret: SecretHash::new(secret),
        created,
        banned: banned.map(|ban| Ban { reason: ban.reason.into(), since: ban.since }),
    })
}

fn written(form: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(form).expect("numbers and texts have a JSON form")
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Unreadable> {
    // serde would quote what it does not expect, which may be a secret's hash.
    serde_json::from_slice(bytes)
        .map_err(|error| Unreadable(format!("{:?}, column {}", error.classify(), error.column())))
}

fn read_name(text: &str) -> Result<Name, Unreadable> {
    Name::new(text).map_err(|error| Unreadable(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{account, read_account};
    use crate::store::{Account, Ban, SecretHash};
    use malpan_protocol::{Name, PlayerId};

    #[test]
    fn records_look_like_this_and_are_read_again() {
        let name = Name::new("Ann \"가\"").unwrap();
        let mut ann =
            Account { id: PlayerId(7), name, secret: SecretHash::new("$argon2id$x"), created: 1, banned: None };
        let plain = r#"{"id":7,"name":"Ann \"가\"","secret":"$argon2id$x","created":1}"#;
        assert_eq!(String::from_utf8(account(&ann)).unwrap(), plain);
        assert_eq!(read_account(plain.as_bytes()).unwrap(), ann);
        ann.banned = Some(Ban { reason: "\n".into(), since: 2 });
        assert_eq!(read_account(&account(&ann)).unwrap(), ann);
    }

    #[test]
    fn what_is_no_record_is_refused_and_not_quoted() {
        for bytes in [
            &b""[..],
            b"null",
            b"\xFF",
            br#"{"id":7,"name":"Ann","secret":"$argon2id$x"}"#,
            br#"{"id":"$argon2id$x","name":"Ann","secret":"","created":1}"#,
            br#"{"id":7,"name":"","secret":"$argon2id$x","created":1}"#,
            br#"{"id":7,"name":"Ann","secret":"$argon2id$x","created":1,"more":2}"#,
        ] {
            let error = read_account(bytes).unwrap_err().to_string();
            assert!(!error.contains("argon2id"), "{error}");
        }
    }
}
