//! Numbers for guests, out of blocks that the store reserves: one guest in a thousand waits for it.

use crate::store::{Store, StoreError};
use malpan_protocol::PlayerId;
use std::ops::Range;
use tokio::sync::Mutex;

/// How many are reserved at once. What is left of a block when the server stops is lost, and no harm.
const BLOCK: u32 = 1000;

/// Numbers that no account and no other guest has.
#[derive(Debug, Default)]
pub(super) struct Numbers(Mutex<Range<u64>>);

impl Numbers {
    /// The next one.
    pub(super) async fn next(&self, store: &dyn Store) -> Result<PlayerId, StoreError> {
        // Held while the store reserves: everyone else would only reserve another block.
        let mut left = self.0.lock().await;
        if left.is_empty() {
            *left = store.reserve_players(BLOCK).await?;
        }
        left.next().map(PlayerId).ok_or_else(|| StoreError::broken("it reserved no numbers"))
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Numbers};
    use crate::store::{MemoryStore, NewAccount, SecretHash, Store};
    use malpan_protocol::Name;
    use std::collections::BTreeSet;

    #[tokio::test]
    async fn no_number_comes_twice_not_even_an_accounts() {
        let (store, numbers, mut seen) = (MemoryStore::default(), Numbers::default(), BTreeSet::new());
        for index in 0..2 * u64::from(BLOCK) + 1 {
            if index % 700 == 0 {
                let (name, secret) = (Name::new(&format!("a{index}")).unwrap(), SecretHash::new(""));
                let account = store.create_account(NewAccount { name, secret, created: 0 }).await.unwrap();
                assert!(seen.insert(account.id));
            }
            assert!(seen.insert(numbers.next(&store).await.unwrap()));
        }
    }
}
