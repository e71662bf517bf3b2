//! Real signals, sent to this process. Alone in it, because signals reach the whole process.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

use malpan_server::manager::{StopSignal, StopSignals};
use std::{process, process::Command, time::Duration};
use tokio::time::timeout;

fn send(name: &str) {
    let kill = format!("kill -s {name} {}", process::id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

#[tokio::test]
async fn each_signal_arrives_with_its_name_and_none_is_lost() {
    let mut signals = StopSignals::install().unwrap();
    let mut next = async || timeout(Duration::from_secs(10), signals.next()).await.expect("a signal");

    // Sent while nobody waits.
    send("TERM");
    let first = next().await;
    assert_eq!((first, first.name(), first.limit()), (StopSignal::Terminate, "SIGTERM", None));

    send("INT");
    assert_eq!(next().await.name(), "SIGINT");

    // The same one again: the handler stays.
    send("TERM");
    assert_eq!(next().await, StopSignal::Terminate);
}
