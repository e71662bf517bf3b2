//! The store in a Redis or Valkey, which several servers may share.
//!
//! ```text
//! callers -> a task on the link's thread: one script (scripts.rs) -> one connection (session.rs) -> Redis
//!            away: "try again" at once; late: "try again" after 1.5 s; a beat twice a second (link.rs)
//! ```
//!
//! What may be large goes in pieces, one after another (rooms.rs): everything is on one connection, and is answered in its
//! order.
//!
//! Names and player numbers are unique among all servers with one prefix. Rooms are each node's own, under its name, and one
//! server at a time has the name.
//!
//! | key, behind the prefix | kind | value | lifetime |
//! |---|---|---|---|
//! | `schema` | string | the version of the keys | for ever |
//! | `last_player` | string | the last player number that was given | for ever |
//! | `accounts` | hash | by folded name: the account, as JSON | until it is deleted |
//! | `account_names` | hash | by account's number: folded name | as the account |
//! | `account_order` | sorted set | folded names, to be listed | as the account |
//! | `token:HASH` | hash | `player`, `name`, `guest`, `expires`, `node` | until it expires, by Redis itself, or is revoked |
//! | `tokens_of:PLAYER` | set | the hashes | as the player's last token |
//! | `node:NODE` | string | which connection writes for the node | 3 s, renewed twice a second |
//! | `rooms:NODE` | hash | by room: incarnation (4 bytes, little-endian), the room | until the room closes |
//! | `rooms_set_aside:NODE` | hash | by room: why it is not loaded | for ever |
//! | `rooms_set_aside:NODE:records` | hash | by room: as in `rooms` | for ever |
//! | `last_room:NODE` | string | the highest number of a room | for ever |

mod address;
mod census;
mod fault;
mod link;
mod rooms;
mod scripts;
mod session;

pub use address::{RedisAddress, RedisAddressError};
pub use link::RedisOpenError;

use super::{
    Account, Answer, Ban, Census, CreateError, NewAccount, Piece, RoomChange, SavedRoom, SecretHash, Store, StoreError,
    TokenHash, TokenRecord, encoding, unix_now,
};
use fault::Fault;
use futures::{FutureExt as _, future::ready};
use link::Link;
use malpan_protocol::{Name, PlayerId};
use scripts::{ACCOUNT, ACCOUNTS, CREATE, DELETE, PUT_TOKEN, REPLACE, RESERVE, REVOKE_TOKEN, REVOKE_TOKENS};
use session::{NOTHING, Session};
use std::{collections::HashMap, fmt, fmt::Write as _, ops::Range, path::PathBuf, time::Duration};

/// Accounts that one script looks up. None has much more than 1 KB: all are a piece such as [`rooms::PIECE`] at most.
const PAGE: usize = 250;
/// Time for what reads everything, piece by piece. Each piece has the time of one answer, as everything has, and fails
/// where Redis is away: this ends what would come forward too slowly for ever.
const LONG: Duration = Duration::from_secs(600);
/// The longest life of a token: Redis counts the milliseconds until then.
const LONGEST_LIFE: u64 = 100 * 365 * 24 * 3600;
/// How often an account is changed that others change at the same time.
const TRIES: usize = 16;

/// A store in a Redis. Whether that is there is known at any time; it is connected to again by itself.
pub struct RedisStore(Link);

impl RedisStore {
    /// Connects to it. One that cannot be reached is no error.
    ///
    /// # Errors
    /// [`RedisOpenError`] where an operator has to do something.
    pub fn open(address: &RedisAddress) -> Result<Self, RedisOpenError> {
        Link::open(address.clone()).map(Self)
    }

    fn change(&self, id: PlayerId, change: impl Fn(&mut Account) + Send + Sync + 'static) -> Answer<'_, bool> {
        self.0.ask(move |session| async move {
            for _ in 0..TRIES {
                let Some(bytes) = session.run::<Option<Vec<u8>>>(&ACCOUNT, (id.0,)).await? else { return Ok(false) };
                let mut account = encoding::read_account(&bytes)?;
                let folded = account.name.folded();
                change(&mut account);
                let replaced: bool = session.run(&REPLACE, (id.0, folded, bytes, encoding::account(&account))).await?;
                if replaced {
                    return Ok(true);
                }
            }
            Err(Fault::Record("the account is changed all the time".into()))
        })
    }
}

impl Store for RedisStore {
    fn create_account(&self, new: NewAccount) -> Answer<'_, Account, CreateError> {
        let NewAccount { name, secret, created } = new;
        let mut account = Account { id: PlayerId(0), name, secret, created, banned: None };
        let written = encoding::account(&account);
        // Redis gives the number.
        let behind_id = written.strip_prefix(br#"{"id":0"#).expect("the number comes first").to_vec();
        let folded = account.name.folded();
        let created = self.0.ask(move |session| async move { session.run::<u64>(&CREATE, (folded, behind_id)).await });
        async move {
            match created.await? {
                0 => Err(CreateError::NameTaken(account.name)),
                id => {
                    account.id = PlayerId(id);
                    Ok(account)
                }
            }
        }
        .boxed()
    }

    fn account_named(&self, name: &Name) -> Answer<'_, Option<Account>> {
        let folded = name.folded();
        self.0.ask(move |session| async move {
            let bytes: Option<Vec<u8>> = session.ask("HGET", "accounts", folded).await?;
            Ok(bytes.map(|bytes| encoding::read_account(&bytes)).transpose()?)
        })
    }

    fn account(&self, id: PlayerId) -> Answer<'_, Option<Account>> {
        self.0.ask(move |session| async move {
            let bytes: Option<Vec<u8>> = session.run(&ACCOUNT, (id.0,)).await?;
            Ok(bytes.map(|bytes| encoding::read_account(&bytes)).transpose()?)
        })
    }

    fn set_secret(&self, id: PlayerId, secret: SecretHash) -> Answer<'_, bool> {
        self.change(id, move |account| account.secret = secret.clone())
    }

    fn set_ban(&self, id: PlayerId, ban: Option<Ban>) -> Answer<'_, bool> {
        self.change(id, move |account| account.banned.clone_from(&ban))
    }

    fn delete_account(&self, id: PlayerId) -> Answer<'_, bool> {
        self.0.ask(move |session| async move { session.run(&DELETE, (id.0,)).await })
    }

    fn accounts(&self, after: Option<&str>, limit: usize) -> Answer<'_, Vec<Account>> {
        let after = after.map(str::to_owned);
        self.0.ask_within(LONG, move |session| async move { list(&session, after, limit).await })
    }

    fn put_token(&self, hash: TokenHash, token: TokenRecord) -> Answer<'_, ()> {
        let life = token.expires.saturating_sub(unix_now()).min(LONGEST_LIFE);
        let TokenRecord { player, name, is_guest, expires } = token;
        self.0.ask(move |session| async move {
            let args = (hex(hash), player.0, name.as_str(), u8::from(is_guest), expires, life);
            session.run(&PUT_TOKEN, args).await
        })
    }

    fn token(&self, hash: TokenHash) -> Answer<'_, Option<TokenRecord>> {
        self.0.ask(move |session| async move {
            let key = format!("token:{}", hex(hash));
            let fields: HashMap<String, String> = session.ask("HGETALL", &key, NOTHING).await?;
            // Another node may have the player still, and has the seat.
            let is_ours = fields.get("node").is_none_or(|node| node == session.node());
            let token = (is_ours && !fields.is_empty()).then(|| read_token(&fields)).transpose()?;
            Ok(token.filter(|token| token.expires > unix_now()))
        })
    }

    fn revoke_token(&self, hash: TokenHash) -> Answer<'_, bool> {
        self.0.ask(move |session| async move { session.run(&REVOKE_TOKEN, (hex(hash),)).await })
    }

    fn revoke_tokens(&self, player: PlayerId) -> Answer<'_, ()> {
        self.0.ask(move |session| async move { session.run(&REVOKE_TOKENS, (player.0,)).await })
    }

    fn save_rooms(&self, changes: Vec<RoomChange>) -> Answer<'_, ()> {
        self.0.ask(move |session| async move { rooms::save(&session, changes).await })
    }

    fn rooms_at_once(&self) -> Piece {
        rooms::PIECE
    }

    fn rooms(&self) -> Answer<'_, Vec<SavedRoom>> {
        self.0.ask_within(LONG, |session| async move { rooms::rooms(&session).await })
    }

    fn last_room(&self) -> Answer<'_, u32> {
        self.0.ask(|session| async move {
            Ok(session.ask_of_node::<Option<u32>>("GET", "last_room", NOTHING).await?.unwrap_or_default())
        })
    }

    fn reserve_players(&self, count: u32) -> Answer<'_, Range<u64>> {
        self.0.ask(move |session| async move {
            let last: u64 = session.run(&RESERVE, (count,)).await?;
            Ok(last + 1 - u64::from(count)..last + 1)
        })
    }

    fn is_well(&self) -> bool {
        self.0.is_well()
    }

    fn queued(&self) -> usize {
        self.0.running()
    }

    fn check(&self) -> Answer<'_, Census> {
        self.0.ask_within(LONG, |session| async move { census::census(&session).await })
    }

    fn backup(&self, _file: PathBuf) -> Answer<'_, u64> {
        const NONE: StoreError = StoreError::Unsupported(
            "a store in Redis is copied as Redis is: BGSAVE, or a copy of its append-only file",
        );
        ready(Err(NONE)).boxed()
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisStore({:?})", self.0.address())
    }
}

/// Accounts page by page: a script holds everyone up while it runs.
async fn list(session: &Session, mut after: Option<String>, limit: usize) -> Result<Vec<Account>, Fault> {
    let mut accounts = Vec::new();
    while accounts.len() < limit {
        let count = PAGE.min(limit - accounts.len());
        let from = after.map_or_else(|| "-".into(), |after| format!("({after}"));
        let page: Vec<Vec<u8>> = session.run(&ACCOUNTS, (from, count)).await?;
        for bytes in &page {
            accounts.push(encoding::read_account(bytes)?);
        }
        after = accounts.last().map(|account| account.name.folded());
        if page.len() < count {
            break;
        }
    }
    Ok(accounts)
}

fn read_token(fields: &HashMap<String, String>) -> Result<TokenRecord, Fault> {
    let number = |field: &str| fields.get(field).and_then(|text| text.parse().ok());
    let token = || {
        Some(TokenRecord {
            player: PlayerId(number("player")?),
            name: Name::new(fields.get("name")?).ok()?,
            is_guest: number("guest")? == 1,
            expires: number("expires")?,
        })
    };
    token().ok_or_else(|| Fault::Record("a token is no record of this version".into()))
}

fn hex(hash: TokenHash) -> String {
    hash.0.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("a string takes everything");
        hex
    })
}
