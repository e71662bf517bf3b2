//! The tables, and what each operation does to them.
//!
//! | table | key | value |
//! |---|---|---|
//! | `meta` | `schema`, `last_player`, `last_room` | a number |
//! | `accounts` | folded name | the account, as JSON |
//! | `account_names` | player | folded name |
//! | `tokens` | SHA-256 of the token | player, second of expiry, whether a guest's, name |
//! | `tokens_by_player` | player, hash | |
//! | `tokens_by_end` | second of expiry, hash | |
//! | `rooms` | room | incarnation, the room's record |
//! | `rooms_set_aside` | room | the reason, the room's record |

use super::fault::Fault;
use crate::store::{Account, NewAccount, RoomChange, SavedRoom, TokenHash, TokenRecord, encoding, unix_now};
use malpan_protocol::{Name, PlayerId, RoomId};
use redb::{ReadTransaction, ReadableTable as _, TableDefinition, WriteTransaction};
use std::ops::{Bound, Range};

pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
pub(super) const ACCOUNTS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("accounts");
pub(super) const ACCOUNT_NAMES: TableDefinition<'_, u64, &str> = TableDefinition::new("account_names");
pub(super) const TOKENS: TableDefinition<'_, &[u8; 32], (u64, u64, bool, &str)> = TableDefinition::new("tokens");
pub(super) const TOKENS_BY_PLAYER: TableDefinition<'_, (u64, &[u8; 32]), ()> = TableDefinition::new("tokens_by_player");
pub(super) const TOKENS_BY_END: TableDefinition<'_, (u64, &[u8; 32]), ()> = TableDefinition::new("tokens_by_end");
pub(super) const ROOMS: TableDefinition<'_, u32, (u32, &[u8])> = TableDefinition::new("rooms");
pub(super) const ROOMS_SET_ASIDE: TableDefinition<'_, u32, (&str, &[u8])> = TableDefinition::new("rooms_set_aside");

pub(super) const SCHEMA: &str = "schema";
pub(super) const LAST_PLAYER: &str = "last_player";
pub(super) const LAST_ROOM: &str = "last_room";

/// How many tokens that have expired are forgotten with each new one: more than come, so that none stay.
const FORGOTTEN_AT_ONCE: usize = 4;

type Done<T> = Result<T, Fault>;

/// Makes every table, so that reading finds them.
pub(super) fn create_all(writing: &WriteTransaction) -> Done<()> {
    writing.open_table(META)?;
    writing.open_table(ACCOUNTS)?;
    writing.open_table(ACCOUNT_NAMES)?;
    writing.open_table(TOKENS)?;
    writing.open_table(TOKENS_BY_PLAYER)?;
    writing.open_table(TOKENS_BY_END)?;
    writing.open_table(ROOMS)?;
    writing.open_table(ROOMS_SET_ASIDE)?;
    Ok(())
}

/// Nothing where the name is taken.
pub(super) fn create_account(writing: &WriteTransaction, new: NewAccount) -> Done<Option<Account>> {
    let folded = new.name.folded();
    let mut accounts = writing.open_table(ACCOUNTS)?;
    if accounts.get(&*folded)?.is_some() {
        return Ok(None);
    }
    let id = PlayerId(reserve_players(writing, 1)?.start);
    let NewAccount { name, secret, created } = new;
    let account = Account { id, name, secret, created, banned: None };
    accounts.insert(&*folded, &*encoding::account(&account))?;
    writing.open_table(ACCOUNT_NAMES)?.insert(id.0, &*folded)?;
    Ok(Some(account))
}

/// Changes an account, after which its tokens are worth nothing. Whether there is one.
pub(super) fn change_account(
    writing: &WriteTransaction,
    id: PlayerId,
    change: impl FnOnce(&mut Account),
) -> Done<bool> {
    let names = writing.open_table(ACCOUNT_NAMES)?;
    let Some(folded) = names.get(id.0)? else { return Ok(false) };
    let mut accounts = writing.open_table(ACCOUNTS)?;
    let Some(mut account) = read_account(&accounts, folded.value())? else { return Ok(false) };
    change(&mut account);
    accounts.insert(folded.value(), &*encoding::account(&account))?;
    revoke_tokens(writing, id)?;
    Ok(true)
}

/// It does not read the account: one that is damaged can be deleted.
pub(super) fn delete_account(writing: &WriteTransaction, id: PlayerId) -> Done<bool> {
    let mut names = writing.open_table(ACCOUNT_NAMES)?;
    let Some(folded) = names.remove(id.0)? else { return Ok(false) };
    writing.open_table(ACCOUNTS)?.remove(folded.value())?;
    revoke_tokens(writing, id)?;
    Ok(true)
}

pub(super) fn reserve_players(writing: &WriteTransaction, count: u32) -> Done<Range<u64>> {
    let mut meta = writing.open_table(META)?;
    let first = number(&meta, LAST_PLAYER)? + 1;
    let end = first + u64::from(count);
    meta.insert(LAST_PLAYER, end - 1)?;
    Ok(first..end)
}

pub(super) fn put_token(writing: &WriteTransaction, hash: TokenHash, token: &TokenRecord) -> Done<()> {
    forget_expired(writing)?;
    revoke_token(writing, hash)?;
    let TokenRecord { player, name, is_guest, expires } = token;
    if !is_guest && !may_sign_in(writing, *player)? {
        return Ok(());
    }
    writing.open_table(TOKENS)?.insert(&hash.0, (player.0, *expires, *is_guest, name.as_str()))?;
    writing.open_table(TOKENS_BY_PLAYER)?.insert((player.0, &hash.0), ())?;
    writing.open_table(TOKENS_BY_END)?.insert((*expires, &hash.0), ())?;
    Ok(())
}

/// Whether there is such an account, and it is not banned. One that cannot be read is none: the tokens of others are to be kept.
fn may_sign_in(writing: &WriteTransaction, id: PlayerId) -> Done<bool> {
    let names = writing.open_table(ACCOUNT_NAMES)?;
    let Some(folded) = names.get(id.0)? else { return Ok(false) };
    match read_account(&writing.open_table(ACCOUNTS)?, folded.value()) {
        Err(fault) if fault.is_one_records() => Ok(false),
        account => Ok(account?.is_some_and(|account| account.banned.is_none())),
    }
}

fn forget_expired(writing: &WriteTransaction) -> Done<()> {
    let mut expired = Vec::new();
    {
        let by_end = writing.open_table(TOKENS_BY_END)?;
        for entry in by_end.range((0, &[0; 32])..=(unix_now(), &[u8::MAX; 32]))?.take(FORGOTTEN_AT_ONCE) {
            expired.push(TokenHash(*entry?.0.value().1));
        }
    }
    for hash in expired {
        revoke_token(writing, hash)?;
    }
    Ok(())
}

/// Whether there was one that had not expired.
pub(super) fn revoke_token(writing: &WriteTransaction, hash: TokenHash) -> Done<bool> {
    let mut tokens = writing.open_table(TOKENS)?;
    let Some(token) = tokens.remove(&hash.0)? else { return Ok(false) };
    let (player, expires, ..) = token.value();
    writing.open_table(TOKENS_BY_PLAYER)?.remove((player, &hash.0))?;
    writing.open_table(TOKENS_BY_END)?.remove((expires, &hash.0))?;
    Ok(expires > unix_now())
}

pub(super) fn revoke_tokens(writing: &WriteTransaction, player: PlayerId) -> Done<()> {
    let mut hashes = Vec::new();
    {
        let by_player = writing.open_table(TOKENS_BY_PLAYER)?;
        for entry in by_player.range((player.0, &[0; 32])..=(player.0, &[u8::MAX; 32]))? {
            hashes.push(TokenHash(*entry?.0.value().1));
        }
    }
    for hash in hashes {
        revoke_token(writing, hash)?;
    }
    Ok(())
}

pub(super) fn save_rooms(writing: &WriteTransaction, changes: Vec<RoomChange>) -> Done<()> {
    let mut rooms = writing.open_table(ROOMS)?;
    let mut set_aside = writing.open_table(ROOMS_SET_ASIDE)?;
    let mut last = 0;
    for change in changes {
        last = last.max(change.room().0);
        match change {
            RoomChange::Saved(room) => drop(rooms.insert(room.id.0, (room.incarnation, &*room.record))?),
            RoomChange::Gone(id) => drop(rooms.remove(id.0)?),
            RoomChange::SetAside { id, why } => {
                let room = rooms.remove(id.0)?;
                let record = room.as_ref().map_or(&[][..], |room| room.value().1);
                set_aside.insert(id.0, (&*why, record))?;
            }
        }
    }
    let mut meta = writing.open_table(META)?;
    if u64::from(last) > number(&meta, LAST_ROOM)? {
        meta.insert(LAST_ROOM, u64::from(last))?;
    }
    Ok(())
}

pub(super) fn account_named(reading: &ReadTransaction, folded: &str) -> Done<Option<Account>> {
    read_account(&reading.open_table(ACCOUNTS)?, folded)
}

pub(super) fn account(reading: &ReadTransaction, id: PlayerId) -> Done<Option<Account>> {
    match reading.open_table(ACCOUNT_NAMES)?.get(id.0)? {
        Some(folded) => account_named(reading, folded.value()),
        None => Ok(None),
    }
}

pub(super) fn accounts(reading: &ReadTransaction, after: Option<&str>, limit: usize) -> Done<Vec<Account>> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let accounts = reading.open_table(ACCOUNTS)?;
    let page = accounts.range::<&str>((from, Bound::Unbounded))?.take(limit);
    page.map(|entry| Ok(encoding::read_account(entry?.1.value())?)).collect()
}

pub(super) fn token(reading: &ReadTransaction, hash: TokenHash) -> Done<Option<TokenRecord>> {
    let tokens = reading.open_table(TOKENS)?;
    let token = tokens.get(&hash.0)?.map(|token| read_token(token.value())).transpose()?;
    Ok(token.filter(|token| token.expires > unix_now()))
}

pub(super) fn read_token((player, expires, is_guest, name): (u64, u64, bool, &str)) -> Done<TokenRecord> {
    let name = Name::new(name).map_err(|error| Fault::Record(error.to_string()))?;
    Ok(TokenRecord { player: PlayerId(player), name, is_guest, expires })
}

pub(super) fn rooms(reading: &ReadTransaction) -> Done<Vec<SavedRoom>> {
    let rooms = reading.open_table(ROOMS)?;
    let saved = rooms.iter()?.map(|entry| {
        let (id, room) = entry?;
        let (incarnation, record) = room.value();
        Ok(SavedRoom { id: RoomId(id.value()), incarnation, record: record.to_vec().into() })
    });
    saved.collect()
}

pub(super) fn last_room(reading: &ReadTransaction) -> Done<u32> {
    let last = number(&reading.open_table(META)?, LAST_ROOM)?;
    u32::try_from(last).map_err(|_| Fault::broken("the last room's number is none"))
}

/// A number of `meta`; 0 where it has none yet.
pub(super) fn number(meta: &impl redb::ReadableTable<&'static str, u64>, key: &str) -> Done<u64> {
    Ok(meta.get(key)?.map_or(0, |number| number.value()))
}

fn read_account(
    accounts: &impl redb::ReadableTable<&'static str, &'static [u8]>,
    folded: &str,
) -> Done<Option<Account>> {
    Ok(accounts.get(folded)?.map(|bytes| encoding::read_account(bytes.value())).transpose()?)
}
