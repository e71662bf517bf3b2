//! Writes behind.

use crate::store::{RoomChange, Store, StoreError, TokenHash, TokenRecord};
use futures::future::try_join_all;
use malpan_protocol::RoomId;
use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    convert::Infallible,
    future::pending,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout_at},
};

/// For so long after its first change a room waits for others. With [`WRITE_AFTER`] it leaves the store a part of the second.
pub(crate) const SAVE_AFTER: Duration = Duration::from_millis(600);
/// For so long what has changed waits for others, to be written with them.
const WRITE_AFTER: Duration = Duration::from_millis(300);
/// After a failure.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Tokens that are written at the same time; the store has places for others beside them.
const TOKENS_AT_ONCE: usize = 64;

/// Takes what has changed and writes it to the store. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Saver(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    store: Arc<dyn Store>,
    changes: Mutex<Changes>,
    /// Something has changed.
    changed: Notify,
    /// What was saved last is of that time, in Unix milliseconds.
    last_time: AtomicU64,
    /// Held while it writes, so that the latest of two writes is the latest in the store. Whether the last one failed.
    writing: tokio::sync::Mutex<bool>,
}

type Rooms = BTreeMap<RoomId, RoomChange>;
type Tokens = BTreeMap<TokenHash, Token>;

/// The latest of each.
#[derive(Debug, Default)]
struct Changes {
    rooms: Rooms,
    tokens: Tokens,
    /// The tokens that are being revoked in the store at this moment.
    being_revoked: BTreeSet<TokenHash>,
    /// The rooms of which the store has something, or will have.
    saved: BTreeSet<RoomId>,
    /// The server ends: what happens from now on is not for the next one.
    frozen: bool,
}

#[derive(Debug)]
struct Token {
    /// `None` revokes it.
    record: Option<TokenRecord>,
    /// The store has never been told of it.
    new: bool,
}

impl Saver {
    /// Into `store`.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        let (changes, changed, last_time, writing) = Default::default();
        Self(Some(Arc::new(Shared { store, changes, changed, last_time, writing })))
    }

    /// Keeps nothing.
    pub(crate) fn off() -> Self {
        Self(None)
    }

    /// Whether anything is kept.
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// This is what became of a room.
    pub(crate) fn room(&self, change: RoomChange) {
        self.change(|changes| {
            let id = change.room();
            // Of a room that was never saved there is nothing to say when it is gone.
            let was_saved = changes.saved.remove(&id);
            if matches!(change, RoomChange::Saved(_)) {
                changes.saved.insert(id);
            } else if !was_saved {
                return;
            }
            changes.rooms.insert(id, change);
        });
    }

    /// A room is in the store, saved at that time in an earlier life of the server.
    pub(crate) fn knows(&self, room: RoomId, saved_at: u64) {
        if let Some(shared) = &self.0 {
            shared.changes().saved.insert(room);
            shared.last_time.fetch_max(saved_at, Ordering::Relaxed);
        }
    }

    /// The time now, in Unix milliseconds; always later than what it was before.
    pub(crate) fn time(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let now = u64::try_from(now).unwrap_or(u64::MAX);
        let Some(Shared { last_time, .. }) = self.0.as_deref() else { return now };
        let later = |last: u64| Some(now.max(last.saturating_add(1)));
        let last = last_time.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later).unwrap_or_else(|last| last);
        later(last).unwrap_or(now)
    }

    /// A token that nobody had before.
    pub(crate) fn token(&self, hash: TokenHash, record: TokenRecord) {
        self.change(|changes| drop(changes.tokens.insert(hash, Token { record: Some(record), new: true })));
    }

    /// A token is good for longer.
    pub(crate) fn prolong(&self, hash: TokenHash, record: TokenRecord) {
        self.change(|changes| {
            let new = changes.tokens.get(&hash).is_some_and(|token| token.new);
            changes.tokens.insert(hash, Token { record: Some(record), new });
        });
    }

    /// A token is worth nothing any more.
    pub(crate) fn revoke(&self, hash: TokenHash) {
        self.change(|changes| {
            if changes.tokens.remove(&hash).is_none_or(|token| !token.new) {
                changes.tokens.insert(hash, Token { record: None, new: false });
            }
        });
    }

    /// Whether a token is worth nothing any more, which the store does not know yet.
    pub(crate) fn revokes(&self, hash: TokenHash) -> bool {
        self.0.as_ref().map(|shared| shared.changes()).is_some_and(|changes| {
            let waits = changes.tokens.get(&hash).is_some_and(|token| token.record.is_none());
            waits || changes.being_revoked.contains(&hash)
        })
    }

    /// How many changes wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.0.as_ref().map(|shared| shared.changes()).map_or(0, |changes| changes.rooms.len() + changes.tokens.len())
    }

    /// What happens from now on is not kept.
    pub(crate) fn freeze(&self) {
        if let Some(shared) = &self.0 {
            shared.changes().frozen = true;
        }
    }

    /// Writes whatever changes, a little later. Ends only with the server.
    pub(crate) async fn run(self) -> Infallible {
        let Some(shared) = self.0 else { return pending().await };
        let mut failing = false;
        loop {
            shared.changed.notified().await;
            sleep(WRITE_AFTER).await;
            while let Err(error) = shared.write().await {
                if !failing {
                    tracing::warn!(%error, "rooms and tokens cannot be saved; what has changed is kept and tried again");
                    failing = true;
                }
                sleep(RETRY_AFTER).await;
            }
            if failing {
                tracing::info!("rooms and tokens are saved again");
                failing = false;
            }
        }
    }

    /// Writes all that waits, by `end` at the latest; whether it is written.
    pub(crate) async fn finish(&self, end: Instant) -> bool {
        let Some(shared) = &self.0 else { return true };
        let written = async {
            while let Err(error) = shared.write().await {
                tracing::debug!(%error, "the last of it is not saved yet");
                sleep(RETRY_AFTER / 10).await;
            }
        };
        timeout_at(end, written).await.is_ok()
    }

    fn change(&self, change: impl FnOnce(&mut Changes)) {
        let Some(shared) = &self.0 else { return };
        let mut changes = shared.changes();
        if changes.frozen {
            return;
        }
        change(&mut changes);
        drop(changes);
        shared.changed.notify_one();
    }
}

impl Shared {
    /// Writes what has changed. On an error what was not written waits still, but for what has changed once more.
    async fn write(&self) -> Result<(), StoreError> {
        let mut has_failed = self.writing.lock().await;
        let (mut rooms, mut tokens) = self.changes().take();
        let written = self.write_all(&mut rooms, &mut tokens, *has_failed).await;
        *has_failed = written.is_err();
        let mut changes = self.changes();
        if written.is_err() {
            changes.give_back(rooms, tokens);
        }
        changes.being_revoked.clear();
        written
    }

    async fn write_all(&self, rooms: &mut Rooms, tokens: &mut Tokens, has_failed: bool) -> Result<(), StoreError> {
        // A store that is still away is told of no token: what it was never told of need not be taken from it later.
        if has_failed {
            self.store.save_rooms(Vec::new()).await?;
        }
        let (mut given, revoked): (Vec<_>, Vec<_>) = tokens.iter_mut().partition(|(_, token)| token.record.is_some());
        for given in given.chunks_mut(TOKENS_AT_ONCE) {
            let answers = given.iter_mut().filter_map(|(hash, token)| {
                // From here on it may be in the store, whatever is answered.
                token.new = false;
                Some(self.store.put_token(**hash, token.record.clone()?))
            });
            try_join_all(answers).await?;
        }
        self.write_rooms(rooms).await?;
        // Last: where a token is in place of another, it is in the store before that one is gone.
        for revoked in revoked.chunks(TOKENS_AT_ONCE) {
            try_join_all(revoked.iter().map(|(hash, _)| self.store.revoke_token(**hash))).await?;
        }
        Ok(())
    }

    /// Writes the rooms piece by piece, and leaves those that are not written.
    async fn write_rooms(&self, rooms: &mut Rooms) -> Result<(), StoreError> {
        let pieces: Vec<_> = self.store.rooms_at_once().cut(rooms.values().cloned(), RoomChange::bytes).collect();
        for piece in pieces {
            let written: Vec<_> = piece.iter().map(RoomChange::room).collect();
            self.store.save_rooms(piece).await?;
            for room in written {
                rooms.remove(&room);
            }
        }
        Ok(())
    }

    fn changes(&self) -> MutexGuard<'_, Changes> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Changes {
    fn take(&mut self) -> (Rooms, Tokens) {
        let revoked = self.tokens.iter().filter(|(_, token)| token.record.is_none());
        self.being_revoked.extend(revoked.map(|(&hash, _)| hash));
        (std::mem::take(&mut self.rooms), std::mem::take(&mut self.tokens))
    }

    /// What could not be written waits once more, where nothing newer does.
    fn give_back(&mut self, rooms: Rooms, tokens: Tokens) {
        for (id, change) in rooms {
            self.rooms.entry(id).or_insert(change);
        }
        for (hash, token) in tokens {
            match self.tokens.entry(hash) {
                Entry::Vacant(place) => drop(place.insert(token)),
                // Revoked meanwhile, and the store was never told of it.
                Entry::Occupied(newer) if token.new && newer.get().record.is_none() => drop(newer.remove()),
                Entry::Occupied(mut newer) => newer.get_mut().new |= token.new,
            }
        }
    }
}

#[cfg(test)]
#[path = "saver_tests.rs"]
mod tests;
