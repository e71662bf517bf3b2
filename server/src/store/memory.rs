//! The store that forgets: everything is gone with the process. For tests, simulations, and servers without accounts.

use super::{
    Account, Answer, Ban, Census, CreateError, NewAccount, Piece, RoomChange, SavedRoom, SecretHash, Store, StoreError,
    TokenHash, TokenRecord, unix_now,
};
use bytes::Bytes;
use futures::{FutureExt as _, future::ready};
use malpan_protocol::{Name, PlayerId, RoomId};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::{Bound, Range},
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// How many tokens that have expired are forgotten with each new one: more than come, so that none stay.
const FORGOTTEN_AT_ONCE: usize = 4;

/// A store in this process's memory. It answers at once.
#[derive(Debug, Default)]
pub struct MemoryStore {
    records: Mutex<Records>,
    away: AtomicBool,
}

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
    /// As [`MemoryStore::take_rooms_in`] said.
    piece: Option<Piece>,
    /// As [`MemoryStore::refuse_room`] said.
    refused: Option<RoomId>,
}

impl MemoryStore {
    /// From now on it answers that it is not available, or answers again: for tests of those who use a store.
    pub fn be_away(&self, away: bool) {
        self.away.store(away, Ordering::Relaxed);
    }

    /// From now on it wants rooms in such pieces: for the same tests.
    pub fn take_rooms_in(&self, piece: Piece) {
        self.records().piece = Some(piece);
    }

    /// From now on it is not available for this room, or for every one again: for the same tests.
    pub fn refuse_room(&self, room: Option<RoomId>) {
        self.records().refused = room;
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer that is there already.
    fn answer<'a, T, E>(&self, work: impl FnOnce(&mut Records) -> Result<T, E>) -> Answer<'a, T, E>
    where
        T: Send + 'a,
        E: From<StoreError> + Send + 'a,
    {
        if !self.is_well() {
            return ready(Err(StoreError::unavailable("it is away").into())).boxed();
        }
        ready(work(&mut self.records())).boxed()
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
        if !token.is_guest && self.account(token.player).is_none_or(|account| account.banned.is_some()) {
            return;
        }
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

impl Store for MemoryStore {
    fn create_account(&self, new: NewAccount) -> Answer<'_, Account, CreateError> {
        self.answer(|records| records.create(new))
    }

    fn account_named(&self, name: &Name) -> Answer<'_, Option<Account>> {
        self.answer(|records| Ok(records.accounts.get(&name.folded()).cloned()))
    }

    fn account(&self, id: PlayerId) -> Answer<'_, Option<Account>> {
        self.answer(|records| Ok(records.account(id).cloned()))
    }

    fn set_secret(&self, id: PlayerId, secret: SecretHash) -> Answer<'_, bool> {
        self.answer(|records| Ok(records.change(id, |account| account.secret = secret)))
    }

    fn set_ban(&self, id: PlayerId, ban: Option<Ban>) -> Answer<'_, bool> {
        self.answer(|records| Ok(records.change(id, |account| account.banned = ban)))
    }

    fn delete_account(&self, id: PlayerId) -> Answer<'_, bool> {
        self.answer(|records| Ok(records.delete(id)))
    }

    fn accounts(&self, after: Option<&str>, limit: usize) -> Answer<'_, Vec<Account>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.answer(|records| {
            let accounts = records.accounts.range::<str, _>((from, Bound::Unbounded)).take(limit);
            Ok(accounts.map(|(_, account)| account.clone()).collect())
        })
    }

    fn put_token(&self, hash: TokenHash, token: TokenRecord) -> Answer<'_, ()> {
        self.answer(|records| {
            records.put_token(hash, token);
            Ok(())
        })
    }

    fn token(&self, hash: TokenHash) -> Answer<'_, Option<TokenRecord>> {
        self.answer(|records| Ok(records.token(hash).cloned()))
    }

    fn revoke_token(&self, hash: TokenHash) -> Answer<'_, bool> {
        self.answer(|records| Ok(records.revoke(hash).is_some_and(|token| token.expires > unix_now())))
    }

    fn revoke_tokens(&self, player: PlayerId) -> Answer<'_, ()> {
        self.answer(|records| {
            records.revoke_all(player);
            Ok(())
        })
    }

    fn save_rooms(&self, changes: Vec<RoomChange>) -> Answer<'_, ()> {
        self.answer(|records| {
            if changes.iter().any(|change| Some(change.room()) == records.refused) {
                return Err(StoreError::unavailable("it refuses a room"));
            }
            changes.into_iter().for_each(|change| records.change_room(change));
            Ok(())
        })
    }

    fn rooms_at_once(&self) -> Piece {
        self.records().piece.unwrap_or(Piece::ALL)
    }

    fn rooms(&self) -> Answer<'_, Vec<SavedRoom>> {
        self.answer(|records| Ok(records.rooms.values().cloned().collect()))
    }

    fn last_room(&self) -> Answer<'_, u32> {
        self.answer(|records| Ok(records.last_room))
    }

    fn reserve_players(&self, count: u32) -> Answer<'_, Range<u64>> {
        self.answer(|records| {
            let first = records.last_player + 1;
            records.last_player += u64::from(count);
            Ok(first..records.last_player + 1)
        })
    }

    fn is_well(&self) -> bool {
        !self.away.load(Ordering::Relaxed)
    }

    fn check(&self) -> Answer<'_, Census> {
        self.answer(|records| Ok(records.census()))
    }

    fn backup(&self, _file: PathBuf) -> Answer<'_, u64> {
        const NONE: StoreError =
            StoreError::Unsupported("a store in memory has nothing that outlives it, and no backup");
        self.answer(|_| Err(NONE))
    }
}
