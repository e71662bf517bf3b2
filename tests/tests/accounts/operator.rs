//! An operator at the server's control channel.

use malpan_e2e::within;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

/// The hash of another password.
const OTHER: &str = "$argon2id$v=19$m=1024,t=1,p=1$c29tZXRoaW5nc2FsdHk$Ro3zTpBHdDzkwMm1pKMFjn5Q5hvqXWrXyPQNjfgQnlI";

/// Where a server can be told to listen for one.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("control")
    }
}

/// Asks, and returns what was done.
pub(crate) async fn ask(path: &Path, request: Value) -> String {
    let answer = within(async {
        let mut stream = BufReader::new(UnixStream::connect(path).await.unwrap());
        stream.write_all(format!("{request}\n").as_bytes()).await.unwrap();
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        line
    })
    .await;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer["done"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// As `malpan-server account passwd NAME`.
pub(crate) fn passwd(name: &str) -> Value {
    json!({ "do": "passwd", "name": name, "secret": OTHER })
}

/// As `malpan-server account ban NAME`.
pub(crate) fn ban(name: &str) -> Value {
    json!({ "do": "ban", "name": name, "reason": "cheated" })
}

/// As `malpan-server account delete NAME`.
pub(crate) fn delete(name: &str) -> Value {
    json!({ "do": "delete", "name": name })
}
