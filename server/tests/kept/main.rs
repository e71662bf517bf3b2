//! What the real server has confirmed is kept: when it is killed while players register, and when the disk is full.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(target_os = "linux")]

mod full_disk;
mod killed;
#[path = "../running/mod.rs"]
mod running;

use malpan_client::{Client, ClientError, ConnectOptions};
use malpan_protocol::{DenialCode, Name, Secret};
use running::{PATIENCE, within};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

/// The cheapest passwords, and players who may talk as much and wait as long as the test has them.
const CONFIG: &str = r#"
[accounts]
argon2_memory_kib = 1024
argon2_iterations = 1
[limits]
chat_lines = 1000
steps_per_second = 100
silence = "1h"
sign_in_within = "1h"
"#;

/// A folder for a store, and a configuration.
struct Place {
    folder: TempDir,
    arguments: Vec<String>,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("malpan.toml");
        fs::write(&config, CONFIG).unwrap();
        let store = format!("redb:{}", folder.path().join("data/store.redb").display());
        fs::create_dir(folder.path().join("data")).unwrap();
        let arguments = ["--listen", "127.0.0.1:0", "--http", "off", "--store", &store, "--config"];
        let arguments = arguments.into_iter().map(str::to_owned).chain([config.display().to_string()]).collect();
        Self { folder, arguments }
    }

    /// Of the store alone.
    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn store(&self) -> PathBuf {
        self.data().join("store.redb")
    }

    fn arguments(&self) -> Vec<&str> {
        self.arguments.iter().map(String::as_str).collect()
    }
}

async fn connect(address: &str) -> Result<Client, ClientError> {
    // A test's own time ends it, on a machine however busy.
    Client::connect(address, &ConnectOptions { timeout: PATIENCE, ..ConnectOptions::default() }).await
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// The password of whoever has this name.
fn secret(name: &str) -> Secret {
    Secret::new(&format!("{name}'s own password")).unwrap()
}

/// Whether someone has an account of this name and their own password.
async fn can_log_in(address: &str, who: &str) -> bool {
    let mut client = connect(address).await.unwrap();
    match within(client.login(name(who), secret(who))).await {
        Ok(_) => {
            within(client.bye()).await.unwrap();
            true
        }
        Err(ClientError::Denied(denial)) if denial.code == DenialCode::WrongCredentials => false,
        Err(error) => panic!("{who}: {error}"),
    }
}

/// All is well with a store that no server uses any more; the names in it.
async fn names_in(store: &Path) -> Vec<String> {
    use malpan_server::store::{RedbStore, Store};
    let store = RedbStore::open_existing(store).unwrap();
    assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
    store.accounts(None, 1_000_000).await.unwrap().into_iter().map(|account| account.name.to_string()).collect()
}
