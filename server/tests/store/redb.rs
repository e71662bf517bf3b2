//! The store in a file.

use crate::{
    Fresh,
    samples::{hash, name, new_account, room, token},
};
use futures::FutureExt as _;
use malpan_server::store::{Account, RedbStore, RoomChange, Store, StoreError};
use std::sync::Arc;
use tempfile::TempDir;

async fn fresh() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(&folder.path().join("store.redb")).unwrap();
    Fresh::new(Arc::new(store), folder)
}

conformance_tests!(fresh, cases = 16);

fn open(folder: &TempDir) -> RedbStore {
    RedbStore::open(&folder.path().join("store.redb")).unwrap()
}

async fn create(store: &RedbStore, text: &str) -> Account {
    store.create_account(new_account(text)).await.unwrap()
}

#[tokio::test]
async fn everything_is_there_after_the_store_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let ann = create(&store, "Ann").await;
    let given = store.reserve_players(100).await.unwrap();
    store.put_token(hash(1), token(ann.id)).await.unwrap();
    store.save_rooms(vec![RoomChange::Saved(room(3, b"three"))]).await.unwrap();
    drop(store);

    let store = open(&folder);
    assert_eq!(store.account_named(&name("ANN")).await.unwrap(), Some(ann.clone()));
    assert_eq!(store.reserve_players(1).await.unwrap().start, given.end, "no number is given twice");
    assert_eq!(store.token(hash(1)).await.unwrap().unwrap().player, ann.id);
    assert_eq!(store.rooms().await.unwrap(), [room(3, b"three")]);
    assert_eq!(store.last_room().await.unwrap(), 3);
}

#[tokio::test]
async fn whatever_was_asked_for_is_done_before_the_store_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    for number in 0..50 {
        // Nobody waits for it.
        drop(store.create_account(new_account(&format!("player {number}"))));
    }
    drop(store);
    assert_eq!(open(&folder).accounts(None, 100).await.unwrap().len(), 50);
}

#[tokio::test]
async fn a_backup_is_a_store_of_its_own_as_of_one_moment() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let ann = create(&store, "Ann").await;
    store.put_token(hash(1), token(ann.id)).await.unwrap();
    store.save_rooms(vec![RoomChange::Saved(room(3, b"three"))]).await.unwrap();
    let copy = folder.path().join("copy.redb");
    let bytes = store.backup(copy.clone()).await.unwrap();
    assert_eq!(bytes, std::fs::metadata(&copy).unwrap().len());
    let before = store.check().await.unwrap();
    create(&store, "Bob").await;

    let again = store.backup(copy.clone()).await.unwrap_err();
    let there = format!("the backup {}: it is there already; name a new file", copy.display());
    assert_eq!(again.to_string(), there, "the store is well, and nothing else is said");
    let copy = RedbStore::open_existing(&copy).unwrap();
    assert_eq!(copy.check().await.unwrap(), before);
    assert_eq!(copy.accounts(None, 9).await.unwrap(), [ann]);
    assert_eq!(copy.reserve_players(1).await.unwrap(), 2..3, "its numbers go on as well");
    let nowhere = store.backup(folder.path().join("no/folder/here")).await;
    assert!(matches!(nowhere, Err(StoreError::Backup(_))), "{nowhere:?}");
    assert!(store.is_well(), "a backup that failed is no fault of the store's");
}

#[tokio::test]
async fn more_than_may_wait_are_told_so_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder);
    let mut asked = Vec::new();
    let mut refused = None;
    for number in 0..100_000 {
        let mut answer = store.create_account(new_account(&format!("p{number}")));
        match (&mut answer).now_or_never() {
            None => asked.push(answer),
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                refused = Some(error);
                break;
            }
        }
    }
    let refused = refused.expect("the channel is bounded").to_string();
    assert!(refused.contains("not available") && refused.contains("wait already"), "{refused}");
    assert!(store.queued() > 0);
    for answer in asked {
        answer.await.unwrap();
    }
    create(&store, "Ann").await;
    assert!(store.is_well());
}
