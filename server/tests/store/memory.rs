//! The store in memory.

use crate::{Fresh, samples::new_account};
use malpan_server::store::{CreateError, MemoryStore, Store, StoreError};
use std::sync::Arc;

async fn fresh() -> Fresh {
    Fresh::new(Arc::new(MemoryStore::default()), ())
}

conformance_tests!(fresh, cases = 256);

#[tokio::test]
async fn there_is_no_backup_of_what_does_not_last() {
    let answer = MemoryStore::default().backup("nowhere".into()).await;
    assert!(matches!(answer, Err(StoreError::Unsupported(_))), "{answer:?}");
}

#[tokio::test]
async fn it_can_be_away_and_does_nothing_meanwhile() {
    let store = MemoryStore::default();
    store.be_away(true);
    let answer = store.create_account(new_account("Ann")).await;
    assert!(matches!(&answer, Err(CreateError::Store(error)) if error.may_pass()), "{answer:?}");
    assert!(!store.is_well() && store.rooms().await.is_err());
    store.be_away(false);
    assert_eq!(store.accounts(None, 9).await.unwrap(), []);
    assert!(store.is_well());
}
