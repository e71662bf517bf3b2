//! The store that forgets: everything is gone with the process. For tests, simulations, and servers without accounts.

use super::{
    Account, Answer, Ban, Census, CreateError, NewAccount, RoomChange, SavedRoom, SecretHash, Store, StoreError,
    TokenHash, TokenRecord, unix_now,
};
use bytes::Bytes;
use futures::{FutureExt as _, future::ready};
use malpan_protocol::{Name, PlayerId, RoomId};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::{Bound, Range},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How many tokens that have expired are forgotten with each new one: more than come, so that none stay.
const FORGOTTEN_AT_ONCE: usize = 4;

/// A store in this process's memory. It answers at once.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Records>);

#[derive(Debug, Default)]
struct Records {
    /// The last player number that was given.
    last_player: u64,
    /// By folded name.
    accounts: BTreeMap<String, Account>,
    /// The folded name of each account.
    names: HashMap<PlayerId, String>,
    tokens: HashMap<TokenHash, TokenRecord>,
    tokens_of: BTreeSet<(PlayerId, TokenHash)>,
    tokens_by_end: BTreeSet<(u64, TokenHash)>,
    last_room: u32,
    rooms: BTreeMap<RoomId, SavedRoom>,
    set_aside: BTreeMap<RoomId, (String, Option<Bytes>)>,
}

impl MemoryStore {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    fn create(&mut self, new: NewAccount) -> Result<Account, CreateError> {
        let folded = new.name.folded();
        if self.accounts.contains_key(&folded) {
            return Err(CreateError::NameTaken(new.name));
        }
        self.last_player += 1;
        let NewAccount { name, secret, created } = new;
        let account = Account { id: PlayerId(self.last_player), name, secret, created, banned: None };
        self.names.insert(account.id, folded.clone());
        self.accounts.insert(folded, account.clone());
        Ok(account)
    }

    fn account(&self, id: PlayerId) -> Option<&Account> {
        self.accounts.get(self.names.get(&id)?)
    }

    /// Changes an account, after which its tokens are worth nothing. Whether there is one.
    fn change(&mut self, id: PlayerId, change: impl FnOnce(&mut Account)) -> bool {
        let Some(account) = self.names.get(&id).and_then(|name| self.accounts.get_mut(name)) else { return false };
        change(account);
        self.revoke_all(id);
        true
    }

    fn delete(&mut self, id: PlayerId) -> bool {
        let Some(name) = self.names.remove(&id) else { return false };
        self.accounts.remove(&name);
        self.revoke_all(id);
        true
    }

    fn put_token(&mut self, hash: TokenHash, token: TokenRecord) {
        self.forget_expired();
        self.revoke(hash);
        self.tokens_of.insert((token.player, hash));
        self.tokens_by_end.insert((token.expires, hash));
        self.tokens.insert(hash, token);
    }

    fn forget_expired(&mut self) {
        let now = unix_now();
        for _ in 0..FORGOTTEN_AT_ONCE {
            match self.tokens_by_end.first() {
                Some(&(expires, hash)) if expires <= now => drop(self.revoke(hash)),
                _ => return,
            }
        }
    }

    fn token(&self, hash: TokenHash) -> Option<&TokenRecord> {
        self.tokens.get(&hash).filter(|token| token.expires > unix_now())
    }

    fn revoke(&mut self, hash: TokenHash) -> Option<TokenRecord> {
        let token = self.tokens.remove(&hash)?;
        self.tokens_of.remove(&(token.player, hash));
        self.tokens_by_end.remove(&(token.expires, hash));
        Some(token)
    }

    fn revoke_all(&mut self, player: PlayerId) {
        let all = (player, TokenHash([0; 32]))..=(player, TokenHash([u8::MAX; 32]));
        let hashes: Vec<_> = self.tokens_of.range(all).map(|&(_, hash)| hash).collect();
        for hash in hashes {
            self.revoke(hash);
        }
    }

    fn change_room(&mut self, change: RoomChange) {
        self.last_room = self.last_room.max(change.room().0);
        match change {
            RoomChange::Saved(room) => drop(self.rooms.insert(room.id, room)),
            RoomChange::Gone(id) => drop(self.rooms.remove(&id)),
            RoomChange::SetAside { id, why } => {
                let record = self.rooms.remove(&id).map(|room| room.record);
                self.set_aside.insert(id, (why, record));
            }
        }
    }

    fn census(&self) -> Census {
        let now = unix_now();
        Census {
            accounts: self.accounts.len() as u64,
            tokens: self.tokens.values().filter(|token| token.expires > now).count() as u64,
            rooms: self.rooms.len() as u64,
            set_aside: self.set_aside.iter().map(|(&id, (why, _))| (id, why.clone())).collect(),
            problems: Vec::new(),
        }
    }
}

/// An answer that is there already.
fn at_once<'a, T: Send + 'a, E: Send + 'a>(answer: Result<T, E>) -> Answer<'a, T, E> {
    ready(answer).boxed()
}

impl Store for MemoryStore {
    fn create_account(&self, new: NewAccount) -> Answer<'_, Account, CreateError> {
        at_once(self.records().create(new))
    }

    fn account_named(&self, name: &Name) -> Answer<'_, Option<Account>> {
        at_once(Ok(self.records().accounts.get(&name.folded()).cloned()))
    }

    fn account(&self, id: PlayerId) -> Answer<'_, Option<Account>> {
        at_once(Ok(self.records().account(id).cloned()))
    }

    fn set_secret(&self, id: PlayerId, secret: SecretHash) -> Answer<'_, bool> {
        at_once(Ok(self.records().change(id, |account| account.secret = secret)))
    }

    fn set_ban(&self, id: PlayerId, ban: Option<Ban>) -> Answer<'_, bool> {
        at_once(Ok(self.records().change(id, |account| account.banned = ban)))
    }

    fn delete_account(&self, id: PlayerId) -> Answer<'_, bool> {
        at_once(Ok(self.records().delete(id)))
    }

    fn accounts(&self, after: Option<&str>, limit: usize) -> Answer<'_, Vec<Account>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let records = self.records();
        let accounts = records.accounts.range::<str, _>((from, Bound::Unbounded)).take(limit);
        at_once(Ok(accounts.map(|(_, account)| account.clone()).collect()))
    }

    fn put_token(&self, hash: TokenHash, token: TokenRecord) -> Answer<'_, ()> {
        self.records().put_token(hash, token);
        at_once(Ok(()))
    }

    fn token(&self, hash: TokenHash) -> Answer<'_, Option<TokenRecord>> {
        at_once(Ok(self.records().token(hash).cloned()))
    }

    fn revoke_token(&self, hash: TokenHash) -> Answer<'_, bool> {
        let revoked = self.records().revoke(hash);
        at_once(Ok(revoked.is_some_and(|token| token.expires > unix_now())))
    }

    fn revoke_tokens(&self, player: PlayerId) -> Answer<'_, ()> {
        self.records().revoke_all(player);
        at_once(Ok(()))
    }

    fn save_rooms(&self, changes: Vec<RoomChange>) -> Answer<'_, ()> {
        let mut records = self.records();
        changes.into_iter().for_each(|change| records.change_room(change));
        at_once(Ok(()))
    }

    fn rooms(&self) -> Answer<'_, Vec<SavedRoom>> {
        at_once(Ok(self.records().rooms.values().cloned().collect()))
    }

    fn last_room(&self) -> Answer<'_, u32> {
        at_once(Ok(self.records().last_room))
    }

    fn reserve_players(&self, count: u32) -> Answer<'_, Range<u64>> {
        let mut records = self.records();
        let first = records.last_player + 1;
        records.last_player += u64::from(count);
        at_once(Ok(first..records.last_player + 1))
    }

    fn is_well(&self) -> bool {
        true
    }

    fn check(&self) -> Answer<'_, Census> {
        at_once(Ok(self.records().census()))
    }

    fn backup(&self, _file: PathBuf) -> Answer<'_, u64> {
        at_once(Err(StoreError::Unsupported("a store in memory has nothing that outlives it, and no backup")))
    }
}
