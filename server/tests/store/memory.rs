//! The store in memory.

use crate::Fresh;
use malpan_server::store::{MemoryStore, Store, StoreError};
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
