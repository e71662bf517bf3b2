//! What a server keeps beyond its own life: accounts, resume tokens, rooms.
//!
//! ```text
//! accounts, resume, rooms -> Arc<dyn Store> -> memory.rs   gone with the process: tests, simulations
//!                                redb/       a file of this machine, of one server
//!                                redis/      a Redis or Valkey, of one server or several
//! records.rs: what is kept; encoding.rs: how it is written where bytes are kept
//! ```
//!
//! A store knows no socket, no room's task and no rule of accounts: it keeps records. What has been answered with `Ok` is
//! kept; what has been answered with an error may have been done or not, except where the error says more, and is never
//! done by half. Every answer comes within seconds, also from a store that is away.

mod address;
mod encoding;
mod error;
mod memory;
mod open;
mod piece;
mod records;
mod redb;
mod redis;

pub use address::{StoreAddress, StoreAddressError, default_file};
pub use error::{CreateError, StoreError};
pub use memory::MemoryStore;
pub use open::{OpenError, open, open_existing};
pub use piece::Piece;
pub use records::{
    Account, Ban, Census, NewAccount, RoomChange, SavedRoom, SecretHash, TokenHash, TokenRecord, unix_now,
};
pub use redb::{FileError, RedbStore};
pub use redis::{RedisAddress, RedisAddressError, RedisOpenError, RedisStore};

use futures::future::BoxFuture;
use malpan_protocol::{Name, PlayerId};
use std::{fmt, ops::Range, path::PathBuf};

/// An answer that comes later. It borrows nothing but the store.
pub type Answer<'a, T, E = StoreError> = BoxFuture<'a, Result<T, E>>;

/// A place that keeps records. Several servers may share one.
///
/// What one call does is done whole or not at all, and calls at the same time are done one after another.
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// Makes an account, unless an account has that name already, as [`Name::folded`] sees it. Its number is new.
    fn create_account(&self, new: NewAccount) -> Answer<'_, Account, CreateError>;

    /// The account of this name, as [`Name::folded`] sees it.
    fn account_named(&self, name: &Name) -> Answer<'_, Option<Account>>;

    /// The account with this number.
    fn account(&self, id: PlayerId) -> Answer<'_, Option<Account>>;

    /// Gives an account another secret and revokes its tokens. Whether there is such an account.
    fn set_secret(&self, id: PlayerId, secret: SecretHash) -> Answer<'_, bool>;

    /// Bans an account, or no longer, and revokes its tokens. Whether there is such an account.
    fn set_ban(&self, id: PlayerId, ban: Option<Ban>) -> Answer<'_, bool>;

    /// Deletes an account and revokes its tokens. Its name is free again, its number is never given to another. Whether
    /// there was such an account.
    fn delete_account(&self, id: PlayerId) -> Answer<'_, bool>;

    /// At most `limit` accounts in the order of their folded names, from the first one behind `after`, which is a folded
    /// name too and need not be any account's.
    fn accounts(&self, after: Option<&str>, limit: usize) -> Answer<'_, Vec<Account>>;

    /// Keeps a token until it expires or is revoked. One of the same hash is replaced. Of an account that is banned, or that there
    /// is not, none is kept: it was given by a server that does not know yet.
    fn put_token(&self, hash: TokenHash, token: TokenRecord) -> Answer<'_, ()>;

    /// What belongs to a token; nothing where it is unknown, revoked, has expired, or is another server's.
    fn token(&self, hash: TokenHash) -> Answer<'_, Option<TokenRecord>>;

    /// Revokes a token. Whether there was one that had not expired.
    fn revoke_token(&self, hash: TokenHash) -> Answer<'_, bool>;

    /// Revokes all tokens of a player.
    fn revoke_tokens(&self, player: PlayerId) -> Answer<'_, ()>;

    /// Makes all these changes at once, in their order. Many belong into several calls, as [`Store::rooms_at_once`] says.
    fn save_rooms(&self, changes: Vec<RoomChange>) -> Answer<'_, ()>;

    /// How much of [`Store::save_rooms`] is one call: a larger one may never be answered in time. Rooms know nothing of
    /// each other, so their changes may be kept apart.
    fn rooms_at_once(&self) -> Piece {
        Piece::ALL
    }

    /// This server's rooms in the order of their numbers, without those that were set aside.
    fn rooms(&self) -> Answer<'_, Vec<SavedRoom>>;

    /// The highest number of a room that this server ever saved, also of those that are gone; 0 where there was none. A
    /// server that counts on from here gives no number twice.
    fn last_room(&self) -> Answer<'_, u32>;

    /// Player numbers for guests: never given before, and never again, neither here nor to an account.
    fn reserve_players(&self, count: u32) -> Answer<'_, Range<u64>>;

    /// Whether the store answers, as far as is known: what its last operation or heartbeat said. It waits for nothing.
    fn is_well(&self) -> bool;

    /// Operations that wait.
    fn queued(&self) -> usize {
        0
    }

    /// Reads every record and counts them.
    fn check(&self) -> Answer<'_, Census>;

    /// Writes a copy of everything, as of one moment, to a new file; its length in bytes.
    fn backup(&self, file: PathBuf) -> Answer<'_, u64>;
}
