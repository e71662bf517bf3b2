//! The log in a file: all of it, bounded, and a clear word where it cannot be had.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod running;

use running::{Running, within};
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// A folder with a configuration that has this in its section `log`, beside the file's name.
fn configured(file: &str, rest: &str) -> (TempDir, String, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join(file);
    let config = folder.path().join("malpan.toml");
    fs::write(&config, format!("[log]\nfile = '{}'\n{rest}", log.display())).unwrap();
    (folder, config.to_str().unwrap().into(), log)
}

fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.len())
}

#[tokio::test]
async fn the_file_gets_what_the_standard_error_output_would_and_goes_on_at_the_next_start() {
    let (_folder, config, log) = configured("malpan.log", "format = 'json'\nfilter = 'trace'\n");
    for start in 1..=2 {
        let mut server = Running::start(&["--listen", "127.0.0.1:0", "--config", &config]).await;
        drop(within(TcpStream::connect(server.addresses()[0])).await.unwrap());
        within(async {
            // The second start's behind the first one's.
            let ended = || fs::read_to_string(&log).unwrap().matches("session ended").count();
            while ended() < start {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        })
        .await;
        server.stop_now();
        let ended = server.end().await;
        assert_eq!(ended.log, "", "nothing is beside the file");
    }
    let lines = fs::read_to_string(&log).unwrap();
    for line in lines.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
}

#[tokio::test]
async fn however_much_is_logged_the_files_are_bounded() {
    let bounds = "filter = 'trace'\nfile_bytes = 65536\nold_files = 1\n";
    let (folder, config, log) = configured("malpan.log", bounds);
    let server = Running::start(&["--listen", "127.0.0.1:0", "--config", &config]).await;
    let (first, second) = (folder.path().join("malpan.log.1"), folder.path().join("malpan.log.2"));
    within(async {
        // Until it has been put aside, and its successor is begun.
        while length(&first) == 0 {
            drop(TcpStream::connect(server.addresses()[0]).await.unwrap());
        }
    })
    .await;
    assert!(length(&first) <= 65_536 && length(&first) > 32_768, "{}", length(&first));
    assert!(length(&log) <= 65_536, "{}", length(&log));
    assert!(!second.exists());
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_a_message_that_names_it() {
    for file in ["no/malpan.log", ""] {
        let (_folder, config, log) = configured(file, "");
        let ended = Running::spawn(&["--listen", "127.0.0.1:0", "--config", &config]).end().await;
        assert_eq!((ended.code, ended.out), (Some(1), Vec::new()));
        let expected = format!("malpan-server: the log file {} (log.file) cannot be written: ", log.display());
        assert!(ended.log.starts_with(&expected) && ended.log.lines().count() == 1, "{}", ended.log);
    }
}

#[tokio::test]
async fn why_it_does_not_start_is_in_the_file_too() {
    let (_folder, config, log) = configured("malpan.log", "");
    // Kept free for documentation: no machine has it.
    let ended = Running::spawn(&["--listen", "192.0.2.1:0", "--config", &config]).end().await;
    assert_eq!(ended.code, Some(1));
    let why = "cannot listen on 192.0.2.1:0: this machine has no such address";
    assert!(ended.log.starts_with(&format!("malpan-server: {why}")) && ended.log.lines().count() == 1, "{}", ended.log);
    assert!(fs::read_to_string(&log).unwrap().contains(why));
}
