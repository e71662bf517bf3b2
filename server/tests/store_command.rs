//! The store as an operator sees it: what the server says at start, and `malpan-server store ...`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod running;

use malpan_protocol::Name;
use malpan_server::store::{NewAccount, RedbStore, SecretHash, Store};
use running::Running;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_malpan-server");

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    (folder, path)
}

fn address(path: &Path) -> String {
    format!("redb:{}", path.display())
}

fn server(program: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).env_clear();
    command
}

/// What `malpan-server store ...` prints, and its exit code.
fn store(args: &[&str]) -> (String, i32) {
    told(server(Path::new(PROGRAM), &[&["store"], args].concat()).output().unwrap())
}

fn told(output: Output) -> (String, i32) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout) + &text(output.stderr), output.status.code().unwrap())
}

async fn make_accounts(path: &Path, count: u32) {
    let store = RedbStore::open(path).unwrap();
    for number in 0..count {
        let name = Name::new(&format!("player {number}")).unwrap();
        store.create_account(NewAccount { name, secret: SecretHash::new("x"), created: 1 }).await.unwrap();
    }
}

#[tokio::test]
async fn a_store_is_checked_and_copied_while_no_server_uses_it() {
    let (folder, path) = place();
    let which = address(&path);
    let (out, code) = store(&["check", "--store", &which]);
    let none =
        format!("malpan-server: no server listens on the control channel: there is no store at {};", path.display());
    assert!(code == 1 && out.starts_with(&none) && out.contains("--store"), "{out}");
    make_accounts(&path, 3).await;
    assert_eq!(
        store(&["check", "--store", &which]),
        ("accounts 3, resume tokens 0, rooms 0, rooms set aside 0\nok\n".into(), 0)
    );
    let copy = folder.path().join("copy.redb");
    let (out, code) = store(&["backup", copy.to_str().unwrap(), "--store", &which]);
    assert!(code == 0 && out.contains("bytes"), "{out}");
    let (out, code) = store(&["backup", copy.to_str().unwrap(), "--store", &which]);
    assert!(code == 1 && out.contains("it is there already"), "{out}");
    assert_eq!(store(&["check", "--store", &address(&copy)]).1, 0);
    let (out, code) = store(&["check", "--store", "sqlite:x"]);
    assert!(code == 2 && out.contains("store (flag --store)"), "{out}");
}

#[tokio::test]
async fn damage_is_told_and_is_a_failure() {
    let (_folder, path) = place();
    make_accounts(&path, 3).await;
    // A record that redb knows nothing of, for it is bytes to it.
    const ACCOUNTS: redb::TableDefinition<'_, &str, &[u8]> = redb::TableDefinition::new("accounts");
    let database = redb::Database::open(&path).unwrap();
    let writing = database.begin_write().unwrap();
    writing.open_table(ACCOUNTS).unwrap().insert("player 1", &b"{\"id\":1,\"secret\":\"$argon2id$\"}"[..]).unwrap();
    writing.commit().unwrap();
    drop(database);
    let (out, code) = store(&["check", "--store", &address(&path)]);
    assert!(code == 1 && out.contains("player 1") && !out.contains("\nok"), "{out}");
    assert!(!out.contains("argon2id"), "nothing of a secret is printed: {out}");

    fs::write(&path, "nothing of the kind").unwrap();
    let (out, code) = store(&["check", "--store", &address(&path)]);
    assert!(code == 1 && out.contains("is no store"), "{out}");
}

#[tokio::test]
async fn a_running_server_is_asked_to_check_and_copy_its_store() {
    let (folder, path) = place();
    make_accounts(&path, 3).await;
    let which = address(&path);
    let mut running = Running::start(&["--listen", "127.0.0.1:0", "--store", &which]).await;
    let checked = ("accounts 3, resume tokens 0, rooms 0, rooms set aside 0\nok\n".to_owned(), 0);
    assert_eq!(store(&["check", "--store", &which]), checked);
    // A relative path begins where the command is given, and not where the server was.
    let mut backup = server(Path::new(PROGRAM), &["store", "backup", "copy.redb", "--store", &which]);
    let (out, code) = told(backup.current_dir(folder.path()).output().unwrap());
    assert!(code == 0 && out.contains("copy.redb: ") && out.contains(" bytes"), "{out}");
    let copy = folder.path().join("copy.redb");
    let (out, code) = store(&["backup", copy.to_str().unwrap(), "--store", &which]);
    assert!(code == 1 && out.contains("it is there already"), "{out}");
    assert_eq!(store(&["check", "--store", &address(&copy)]), checked, "nobody has the copy open");
    running.stop_now();
    running.end().await;
    let accounts = RedbStore::open_existing(&copy).unwrap().accounts(None, 10).await.unwrap();
    assert_eq!(accounts, RedbStore::open_existing(&path).unwrap().accounts(None, 10).await.unwrap());
}

#[tokio::test]
async fn a_running_server_has_its_file_for_itself() {
    let (_folder, path) = place();
    let which = address(&path);
    let without_channel = ["--listen", "127.0.0.1:0", "--store", &which, "--control", "off"];
    let first = Running::start(&without_channel).await;
    assert_eq!(first.addresses().len(), 1, "it serves");
    let (out, code) = store(&["check", "--store", &which]);
    assert!(code == 1 && out.contains("is open in another program, most likely a server: stop that one"), "{out}");
    assert!(out.contains("--control"), "it says how else: {out}");
    let second = Running::spawn(&["--listen", "127.0.0.1:0", "--store", &which]).end().await;
    assert_eq!((second.code, second.out), (Some(1), Vec::new()), "{}", second.log);
    assert!(second.log.contains("is open in another program"), "{}", second.log);
    drop(first);
}

#[tokio::test]
async fn a_server_without_a_place_for_its_store_does_not_start() {
    let (folder, path) = place();
    fs::write(&path, "nothing of the kind").unwrap();
    let foreign = folder.path().join("foreign.redb");
    let database = redb::Database::create(&foreign).unwrap();
    let writing = database.begin_write().unwrap();
    writing.open_table(redb::TableDefinition::<&str, &str>::new("songs")).unwrap().insert("a", "b").unwrap();
    writing.commit().unwrap();
    drop(database);
    for (which, says) in [
        (address(&path), "is no store"),
        (address(&foreign), "is no store of Malpan's"),
        (address(folder.path()), "is a folder"),
        (address(&folder.path().join("no/such.redb")), "there is no folder"),
        // The environment is empty.
        ("redb".into(), "name one with --store redb:PATH"),
    ] {
        let ended = Running::spawn(&["--listen", "127.0.0.1:0", "--store", &which]).end().await;
        assert_eq!((ended.code, ended.out), (Some(1), Vec::new()), "{which}: {}", ended.log);
        assert!(ended.log.contains(says) && !ended.log.contains("panic"), "{which}: {}", ended.log);
    }
}

/// Without rights: as another user where this one has all of them.
#[cfg(unix)]
#[tokio::test]
async fn a_read_only_folder_or_file_is_a_clear_error() {
    use std::os::unix::{fs::PermissionsExt as _, process::CommandExt as _};
    let (folder, path) = place();
    make_accounts(&path, 1).await;
    // Where another user can reach it.
    let program = folder.path().join("malpan-server");
    fs::copy(PROGRAM, &program).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let is_root = fs::write(folder.path().join("probe"), "").is_ok();
    for file in [path, folder.path().join("new.redb")] {
        let mut command = server(&program, &["--listen", "127.0.0.1:0", "--http", "off", "--store", &address(&file)]);
        if is_root {
            command.uid(65_534).gid(65_534);
        }
        let (out, code) = told(command.output().unwrap());
        assert_eq!(code, 1, "{out}");
        assert!(out.contains("cannot be read and written"), "{out}");
        assert_eq!(out.matches("ermission denied").count(), 1, "it says why, once: {out}");
        assert!(!out.contains("panic"), "{out}");
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

/// A server that says it has written the backup, where its operator does not see it.
#[cfg(unix)]
#[tokio::test]
async fn a_backup_that_is_nowhere_to_be_seen_is_none() {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let (control, copy) = (folder.path().join("control"), folder.path().join("copy.redb"));
    let listener = tokio::net::UnixListener::bind(&control).unwrap();
    let mut backup = tokio::process::Command::new(PROGRAM);
    backup.args(["store", "backup"]).arg(&copy).arg("--control").arg(&control).env_clear();
    let serve = async {
        let mut stream = BufReader::new(listener.accept().await.unwrap().0);
        let mut asked = String::new();
        stream.read_line(&mut asked).await.unwrap();
        stream.write_all(b"{\"done\":\"copy.redb: 5 bytes\"}\n").await.unwrap();
        asked
    };
    let (output, asked) = tokio::join!(backup.output(), serve);
    assert!(asked.contains("backup") && asked.contains("copy.redb"), "{asked}");
    let (out, code) = told(output.unwrap());
    assert!(code == 1 && out.contains("here there is no such file") && out.contains("ReadWritePaths="), "{out}");
}
