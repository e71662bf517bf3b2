//! Records to try a store with.

use malpan_protocol::{Name, PlayerId, RoomId};
use malpan_server::store::{NewAccount, SavedRoom, SecretHash, TokenHash, TokenRecord, unix_now};

/// Long enough for any test, in seconds.
pub(crate) const HOUR: u64 = 3600;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn secret(text: &str) -> SecretHash {
    SecretHash::new(format!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA${text}"))
}

pub(crate) fn new_account(text: &str) -> NewAccount {
    NewAccount { name: name(text), secret: secret(text), created: 1_700_000_000 }
}

pub(crate) fn hash(number: u8) -> TokenHash {
    TokenHash([number; 32])
}

/// A token of a guest, or of an account's owner as if of a guest, that lives for an hour.
pub(crate) fn token(player: PlayerId) -> TokenRecord {
    TokenRecord { player, name: name("Ann"), is_guest: true, expires: unix_now() + HOUR }
}

pub(crate) fn room(id: u32, record: &'static [u8]) -> SavedRoom {
    SavedRoom { id: RoomId(id), incarnation: id + 1, record: record.into() }
}
