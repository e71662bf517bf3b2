//! What may be in the place of a store's file, and what is said of it.

use crate::samples::new_account;
use malpan_server::store::{FileError, RedbStore, Store, StoreAddress, open, open_existing};
use redb::{Database, TableDefinition};
use std::{
    fs::{self, OpenOptions},
    io::{Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};
use tempfile::TempDir;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    (folder, path)
}

fn refused(path: &Path) -> String {
    let error = RedbStore::open(path).expect_err("it is no store").to_string();
    assert!(error.contains(path.to_str().unwrap()), "it names the file: {error}");
    error
}

/// A store with accounts, closed.
async fn filled(path: &Path) {
    let store = RedbStore::open(path).unwrap();
    for number in 0..100 {
        store.create_account(new_account(&format!("player {number}"))).await.unwrap();
    }
}

#[tokio::test]
async fn a_second_server_on_the_same_file_is_told_so() {
    let (_folder, path) = place();
    let first = RedbStore::open(&path).unwrap();
    let error = refused(&path);
    assert!(error.contains("is open in another program") && error.contains("--store"), "{error}");
    first.create_account(new_account("Ann")).await.unwrap();
    drop(first);
    assert_eq!(RedbStore::open(&path).unwrap().accounts(None, 9).await.unwrap().len(), 1);
}

#[test]
fn what_is_not_there_is_made_but_for_its_folder() {
    let (folder, path) = place();
    let missing = open_existing(&StoreAddress::File(path.clone())).unwrap_err().to_string();
    assert!(missing.contains(&format!("there is no store at {};", path.display())) && !path.exists(), "{missing}");
    drop(open(&StoreAddress::File(path.clone())).unwrap());
    drop(open_existing(&StoreAddress::File(path)).unwrap());

    let error = refused(&folder.path().join("no/such/store.redb"));
    assert!(error.contains("there is no folder") && error.contains("make it first"), "{error}");
    let error = refused(folder.path());
    assert!(error.contains("is a folder; name a file in it"), "{error}");
}

#[test]
fn an_empty_file_is_a_new_store() {
    let (_folder, path) = place();
    fs::write(&path, b"").unwrap();
    drop(RedbStore::open(&path).unwrap());
    drop(RedbStore::open_existing(&path).unwrap());
}

#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_folder, path) = place();
    drop(RedbStore::open(&path).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_foreign_file_is_refused_and_left_as_it_is() {
    let (_folder, path) = place();
    for content in [&b"x"[..], b"not a store\n", &[0; 4096], &[0xFF; 200_000], b"SQLite format 3\0"] {
        fs::write(&path, content).unwrap();
        let error = refused(&path);
        assert!(error.contains("is no store") || error.contains("is damaged"), "{error}");
        assert!(error.contains("move"), "it says what to do: {error}");
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}

#[test]
fn another_programs_redb_file_is_refused() {
    const THEIRS: TableDefinition<'_, u64, u64> = TableDefinition::new("theirs");
    const META: TableDefinition<'_, u64, u64> = TableDefinition::new("meta");
    for table in [THEIRS, META] {
        let (_folder, path) = place();
        let database = Database::create(&path).unwrap();
        let writing = database.begin_write().unwrap();
        writing.open_table(table).unwrap().insert(1, 2).unwrap();
        writing.commit().unwrap();
        drop(database);
        let error = refused(&path);
        assert!(error.contains("another program's"), "{error}");
        Database::open(&path).unwrap();
    }
}

#[test]
fn a_later_versions_file_is_refused() {
    const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
    let (_folder, path) = place();
    drop(RedbStore::open(&path).unwrap());
    let database = Database::open(&path).unwrap();
    let writing = database.begin_write().unwrap();
    writing.open_table(META).unwrap().insert("schema", 1000).unwrap();
    writing.commit().unwrap();
    drop(database);
    let error = RedbStore::open(&path).unwrap_err();
    assert!(matches!(error, FileError::Newer { found: 1000, .. }), "{error}");
    assert!(error.to_string().contains("later version"), "{error}");
}

/// Each page of a good file is damaged in turn, or the file is cut: it is refused, or what was damaged was not in use and
/// everything is there.
#[tokio::test]
async fn a_damaged_file_is_refused_and_never_panics() {
    let (folder, path) = place();
    filled(&path).await;
    let good = fs::read(&path).unwrap();
    let damaged = folder.path().join("damaged.redb");
    let mut refusals = 0;
    let mut look_at = async |what: &str| match RedbStore::open(&damaged) {
        Err(error) => {
            refusals += 1;
            assert!(error.to_string().contains("move"), "{what}: it says what to do: {error}");
        }
        Ok(store) => {
            assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new(), "{what}");
            assert_eq!(store.accounts(None, 1000).await.unwrap().len(), 100, "{what}");
        }
    };
    for offset in (0..good.len()).step_by(1021) {
        fs::write(&damaged, &good).unwrap();
        let mut file = OpenOptions::new().write(true).open(&damaged).unwrap();
        file.seek(SeekFrom::Start(offset as u64)).unwrap();
        file.write_all(&[0x5A; 64]).unwrap();
        look_at(&format!("damaged at {offset}")).await;
    }
    for length in [1, 64, 4095, 4096, good.len() / 2, good.len() - 4096, good.len() - 1] {
        fs::write(&damaged, &good[..length]).unwrap();
        look_at(&format!("cut to {length}")).await;
    }
    assert!(refusals > 10, "{refusals} of {} were refused", good.len() / 1021 + 8);
}
