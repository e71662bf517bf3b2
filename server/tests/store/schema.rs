//! Files that earlier versions wrote, one for each version of the schema. A new version adds its own and keeps the others.

use crate::samples::{hash, name, new_account, room, secret};
use malpan_protocol::{PlayerId, RoomId};
use malpan_server::store::{Account, Ban, Census, RedbStore, RoomChange, Store, TokenRecord};
use std::{fs, path::Path};

/// Written by [`write_a_file_of_this_version`] when the schema was new.
const SCHEMA_1: &[u8] = include_bytes!("schema-1.redb");

fn ann() -> Account {
    let banned = Some(Ban { reason: "for \"that\"".into(), since: 1_700_000_001 });
    Account { id: PlayerId(1), name: name("Ann"), secret: secret("Ann"), created: 1_700_000_000, banned }
}

fn guest() -> TokenRecord {
    TokenRecord { player: PlayerId(5), name: name("ゲスト"), is_guest: true, expires: u64::MAX }
}

#[tokio::test]
async fn a_file_of_schema_1_is_this_versions_with_everything_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    fs::write(&path, SCHEMA_1).unwrap();
    for _ in 0..2 {
        let store = RedbStore::open_existing(&path).unwrap();
        assert_eq!(store.account_named(&name("ANN")).await.unwrap(), Some(ann()));
        assert_eq!(store.account(PlayerId(2)).await.unwrap().unwrap().name, name("Zoë"));
        assert_eq!(store.token(hash(1)).await.unwrap(), Some(guest()));
        assert_eq!(store.rooms().await.unwrap(), [room(3, b"three")]);
        assert_eq!(store.last_room().await.unwrap(), 9);
        let set_aside = vec![(RoomId(9), "it panicked".to_owned())];
        let census = Census { accounts: 2, tokens: 1, rooms: 1, set_aside, problems: Vec::new() };
        assert_eq!(store.check().await.unwrap(), census);
    }
    let store = RedbStore::open_existing(&path).unwrap();
    assert_eq!(store.reserve_players(1).await.unwrap(), 13..14);
}

#[tokio::test]
#[ignore = "writes what the other tests read, when there is a new version of the schema"]
async fn write_a_file_of_this_version() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/store/schema-new.redb");
    let store = RedbStore::open(&path).unwrap();
    let id = store.create_account(new_account("Ann")).await.unwrap().id;
    assert!(store.set_ban(id, ann().banned).await.unwrap());
    store.create_account(new_account("Zoë")).await.unwrap();
    store.reserve_players(10).await.unwrap();
    store.put_token(hash(1), guest()).await.unwrap();
    let aside = RoomChange::SetAside { id: RoomId(9), why: "it panicked".into() };
    let saved = [room(3, b"three"), room(9, b"nine")].map(RoomChange::Saved);
    store.save_rooms(saved.into_iter().chain([aside]).collect()).await.unwrap();
}
