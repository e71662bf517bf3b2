//! The reckoning of open files against what a runtime really opens. Alone in its process, so that nothing else opens
//! files meanwhile.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(target_os = "linux")]

use malpan_server::files::{FileLimit, raise_limit, shortage};
use std::fs;
use tokio::runtime::Builder;

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn shards_open_no_more_files_than_are_reckoned() {
    let FileLimit::Files(hard) = raise_limit().unwrap() else { panic!("Linux has a limit of open files") };
    assert_eq!(rlimit::Resource::NOFILE.get().unwrap(), (hard, hard), "the soft limit is the hard one");

    let before = open_files();
    let runtimes: Vec<_> = (0..32).map(|_| Builder::new_current_thread().enable_all().build().unwrap()).collect();
    let opened = open_files() - before;
    drop(runtimes);

    // What 32 shards take away from the sessions, by the server's own reckoning.
    let left = |shards| shortage(1_000_000, FileLimit::Files(10_000), shards, 1, false).unwrap().unwrap().sessions;
    let reckoned = left(0) - left(32);
    assert!(opened <= reckoned, "{opened} opened, {reckoned} reckoned");
    assert!(opened * 2 >= reckoned, "{opened} opened, {reckoned} reckoned: the reckoning wastes files");
}
