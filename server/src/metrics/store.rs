//! A store that is counted: what is asked of it, what fails, how long it takes.

use super::{Metrics, kinds::StoreOperation};
use crate::store::{
    Account, Answer, Ban, Census, CreateError, NewAccount, Piece, RoomChange, SavedRoom, SecretHash, Store, StoreError,
    TokenHash, TokenRecord,
};
use futures::FutureExt as _;
use malpan_protocol::{Name, PlayerId};
use std::{ops::Range, path::PathBuf, sync::Arc};
use tokio::time::Instant;

/// A store, and the numbers that it is counted in.
#[derive(Debug)]
pub(crate) struct MeteredStore {
    store: Arc<dyn Store>,
    metrics: Metrics,
}

/// Whether an answer is the store's failure.
trait Answered {
    fn has_failed(&self) -> bool;
}

impl Answered for StoreError {
    fn has_failed(&self) -> bool {
        true
    }
}

impl Answered for CreateError {
    fn has_failed(&self) -> bool {
        matches!(self, Self::Store(_))
    }
}

impl MeteredStore {
    pub(crate) fn new(store: Arc<dyn Store>, metrics: Metrics) -> Self {
        Self { store, metrics }
    }

    /// Whoever stops waiting is not counted.
    fn counted<'a, T: Send + 'a, E: Answered + Send + 'a>(
        &'a self,
        operation: StoreOperation,
        answer: Answer<'a, T, E>,
    ) -> Answer<'a, T, E> {
        let asked = Instant::now();
        let count = move |answer: &Result<T, E>| {
            let failed = answer.as_ref().is_err_and(Answered::has_failed);
            self.metrics.store_answered(operation, failed, asked.elapsed());
        };
        answer.inspect(count).boxed()
    }
}

impl Store for MeteredStore {
    fn create_account(&self, new: NewAccount) -> Answer<'_, Account, CreateError> {
        self.counted(StoreOperation::CreateAccount, self.store.create_account(new))
    }

    fn account_named(&self, name: &Name) -> Answer<'_, Option<Account>> {
        self.counted(StoreOperation::ReadAccount, self.store.account_named(name))
    }

    fn account(&self, id: PlayerId) -> Answer<'_, Option<Account>> {
        self.counted(StoreOperation::ReadAccount, self.store.account(id))
    }

    fn set_secret(&self, id: PlayerId, secret: SecretHash) -> Answer<'_, bool> {
        self.counted(StoreOperation::ChangeAccount, self.store.set_secret(id, secret))
    }

    fn set_ban(&self, id: PlayerId, ban: Option<Ban>) -> Answer<'_, bool> {
        self.counted(StoreOperation::ChangeAccount, self.store.set_ban(id, ban))
    }

    fn delete_account(&self, id: PlayerId) -> Answer<'_, bool> {
        self.counted(StoreOperation::ChangeAccount, self.store.delete_account(id))
    }

    fn accounts(&self, after: Option<&str>, limit: usize) -> Answer<'_, Vec<Account>> {
        self.counted(StoreOperation::ListAccounts, self.store.accounts(after, limit))
    }

    fn put_token(&self, hash: TokenHash, token: TokenRecord) -> Answer<'_, ()> {
        self.counted(StoreOperation::ChangeToken, self.store.put_token(hash, token))
    }

    fn token(&self, hash: TokenHash) -> Answer<'_, Option<TokenRecord>> {
        self.counted(StoreOperation::ReadToken, self.store.token(hash))
    }

    fn revoke_token(&self, hash: TokenHash) -> Answer<'_, bool> {
        self.counted(StoreOperation::ChangeToken, self.store.revoke_token(hash))
    }

    fn revoke_tokens(&self, player: PlayerId) -> Answer<'_, ()> {
        self.counted(StoreOperation::ChangeToken, self.store.revoke_tokens(player))
    }

    fn save_rooms(&self, changes: Vec<RoomChange>) -> Answer<'_, ()> {
        self.counted(StoreOperation::SaveRooms, self.store.save_rooms(changes))
    }

    fn rooms_at_once(&self) -> Piece {
        self.store.rooms_at_once()
    }

    fn rooms(&self) -> Answer<'_, Vec<SavedRoom>> {
        self.counted(StoreOperation::ReadRooms, self.store.rooms())
    }

    fn last_room(&self) -> Answer<'_, u32> {
        self.counted(StoreOperation::ReadRooms, self.store.last_room())
    }

    fn reserve_players(&self, count: u32) -> Answer<'_, Range<u64>> {
        self.counted(StoreOperation::ReservePlayers, self.store.reserve_players(count))
    }

    fn is_well(&self) -> bool {
        self.store.is_well()
    }

    fn queued(&self) -> usize {
        self.store.queued()
    }

    fn check(&self) -> Answer<'_, Census> {
        self.counted(StoreOperation::ReadAll, self.store.check())
    }

    fn backup(&self, file: PathBuf) -> Answer<'_, u64> {
        self.counted(StoreOperation::ReadAll, self.store.backup(file))
    }
}

#[cfg(test)]
mod tests {
    use super::MeteredStore;
    use crate::{
        metrics::Metrics,
        store::{MemoryStore, NewAccount, SecretHash, Store},
    };
    use malpan_protocol::Name;
    use std::sync::Arc;

    #[tokio::test]
    async fn what_is_asked_is_counted_and_what_fails_as_well() {
        let metrics = Metrics::default();
        let store = MeteredStore::new(Arc::new(MemoryStore::default()), metrics.clone());
        let new = NewAccount { name: Name::new("Ann").unwrap(), secret: SecretHash::new("x"), created: 1 };
        store.create_account(new.clone()).await.unwrap();
        store.create_account(new.clone()).await.unwrap_err();
        assert_eq!(store.account_named(&new.name).await.unwrap().unwrap().name, new.name);
        store.backup("nowhere".into()).await.unwrap_err();
        let counted =
            |tally: &super::super::meter::Tally<_>| tally.totals().filter(|&(_, count)| count > 0).collect::<Vec<_>>();
        let meters = &metrics.0;
        let answered = [("create_account", 2), ("read_account", 1), ("read_all", 1)];
        assert_eq!(counted(&meters.store_operations), answered);
        assert_eq!(counted(&meters.store_failures), [("read_all", 1)], "a name that is taken is no failure");
        assert_eq!(meters.store_seconds.snapshot().count, 4);
    }
}
