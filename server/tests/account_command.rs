//! Accounts as an operator sees them: `malpan-server account ...` and `notice`, with a server that runs and without one.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod running;

use malpan_client::{Client, ClientError, ConnectOptions};
use malpan_protocol::{DenialCode, KickReason, Name, Secret, ServerPacket};
use running::{Running, within};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// What a command prints and exits with; it is given `input`.
fn run(store: &Path, args: &[&str], input: &str) -> (String, i32) {
    let which = format!("redb:{}", store.display());
    let mut command = assert_cmd::Command::cargo_bin("malpan-server").unwrap();
    let output = command.env_clear().args(args).args(["--store", &which]).write_stdin(input).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout) + &text(output.stderr), output.status.code().unwrap())
}

fn account(store: &Path, args: &[&str], input: &str) -> (String, i32) {
    run(store, &[&["account"], args].concat(), input)
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

/// The names in a list.
fn names(list: &str) -> Vec<&str> {
    list.lines().map(|line| line.split('\t').nth(1).unwrap()).collect()
}

#[test]
fn without_a_server_it_is_done_on_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.redb");
    let (out, code) = account(&store, &["list"], "");
    assert!(code == 1 && out.contains("store.redb"), "there is none: {out}");
    assert_eq!(account(&store, &["add", "Ann"], "correct horse\n"), ("account 1 of Ann is made\n".into(), 0));
    assert_eq!(account(&store, &["add", "bob"], "correct horse"), ("account 2 of bob is made\n".into(), 0));
    let (out, code) = account(&store, &["add", "ANN"], "correct horse\n");
    assert_eq!((out.as_str(), code), ("malpan-server: an account has the name ANN\n", 1));
    let (out, code) = account(&store, &["add", "carl"], "short\n");
    assert_eq!((out.as_str(), code), ("malpan-server: a password has to have 8 to 128 bytes\n", 1));
    let (out, code) = account(&store, &["add", "carl"], "\ncorrect horse\n");
    assert!(code == 1 && out.contains("the first line of the standard input is empty"), "{out}");
    assert_eq!(account(&store, &["ban", "bob", "--reason", "cheated"], ""), ("bob is banned\n".into(), 0));
    let (out, code) = account(&store, &["list"], "");
    assert_eq!((names(&out), code), (vec!["Ann", "bob"], 0));
    assert!(out.contains("\tbanned: cheated\n") && !out.contains("argon2"), "{out}");
    let (out, _) = account(&store, &["list", "--json"], "");
    let bob: serde_json::Value = serde_json::from_str(out.lines().nth(1).unwrap()).unwrap();
    assert_eq!((&bob["name"], &bob["player"], &bob["banned"]["reason"]), (&"bob".into(), &2.into(), &"cheated".into()));
    assert_eq!(account(&store, &["unban", "BOB"], ""), ("bob may sign in\n".into(), 0));
    assert_eq!(account(&store, &["delete", "bob"], ""), ("bob is deleted\n".into(), 0));
    let (out, code) = account(&store, &["delete", "bob"], "");
    assert_eq!((out.as_str(), code), ("malpan-server: no account has the name bob\n", 1));
    let (out, code) = run(&store, &["notice", "hello"], "");
    assert!(code == 1 && out.contains("no server is running"), "{out}");
}

/// Signs in; what the server answers.
async fn login(address: &str, who: &str, password: &str) -> Result<Client, ClientError> {
    let mut client = within(Client::connect(address, &ConnectOptions::default())).await?;
    within(client.login(name(who), secret(password))).await?;
    Ok(client)
}

fn denied(answer: Result<Client, ClientError>) -> (DenialCode, String) {
    match answer {
        Err(ClientError::Denied(denial)) => (denial.code, denial.reason.to_string()),
        other => panic!("{other:?}"),
    }
}

/// The last word to a client that is sent away.
async fn last_word(client: &mut Client) -> KickReason {
    loop {
        if let ServerPacket::Kicked { reason } = within(client.next()).await.unwrap() {
            return reason;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_is_asked_and_what_it_does_takes_effect_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.redb");
    let which = format!("redb:{}", store.display());
    let args = ["--listen", "127.0.0.1:0", "--store", &which, "--drain", "0s"];
    let server = Running::start(&args).await;
    let address = server.addresses()[0].to_string();
    let control = folder.path().join("store.redb.control");
    assert_eq!(fs::metadata(&control).unwrap().permissions().mode() & 0o777, 0o600);

    assert_eq!(account(&store, &["add", "Ann"], "correct horse\n").1, 0);
    let mut ann = login(&address, "ann", "correct horse").await.unwrap();
    assert_eq!(run(&store, &["notice", "back at ten"], ""), ("told 1 player\n".into(), 0));
    let told = loop {
        if let ServerPacket::Notice { text } = within(ann.next()).await.unwrap() {
            break text;
        }
    };
    assert_eq!(told.as_str(), "back at ten");

    assert_eq!(account(&store, &["passwd", "Ann"], "another horse\n"), ("Ann has another password\n".into(), 0));
    assert_eq!(denied(login(&address, "Ann", "correct horse").await).0, DenialCode::WrongCredentials);
    assert_eq!(account(&store, &["ban", "Ann", "--reason", "cheated"], "").1, 0);
    assert_eq!(last_word(&mut ann).await, KickReason::Banned);
    let banned = denied(login(&address, "Ann", "another horse").await);
    assert_eq!(banned, (DenialCode::Banned, "this account is banned: cheated".into()));
    assert_eq!(account(&store, &["unban", "Ann"], "").1, 0);
    let mut ann = login(&address, "Ann", "another horse").await.unwrap();
    assert_eq!(names(&account(&store, &["list"], "").0), ["Ann"]);
    assert_eq!(account(&store, &["delete", "Ann"], "").1, 0);
    assert_eq!(last_word(&mut ann).await, KickReason::AccountDeleted);

    // A second server with another store would put its channel elsewhere; one that is told the same place says so.
    let other = Running::spawn(&["--listen", "127.0.0.1:0", "--control", control.to_str().unwrap()]).end().await;
    assert_eq!(other.code, Some(1));
    assert!(other.log.contains("another server listens there") && other.log.contains("--control"), "{}", other.log);
    server.signal("KILL");
    within(server.end()).await;
    // What a killed server leaves behind is in nobody's way.
    assert_eq!(account(&store, &["list"], ""), (String::new(), 0));
    drop(Running::start(&args).await);
}

/// Whoever goes around the channel is told that somebody has the store.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_channel_has_the_store_to_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.redb");
    let which = format!("redb:{}", store.display());
    let _server = Running::start(&["--listen", "127.0.0.1:0", "--store", &which, "--control", "off"]).await;
    let (out, code) = account(&store, &["list"], "");
    assert!(code == 1 && out.contains("--control"), "{out}");
    assert!(!folder.path().join("store.redb.control").exists());
}
