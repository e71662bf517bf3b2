//! A panic that nobody catches, in a log that goes to a file. Alone in its process, which has one log.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use malpan_server::{
    config::{LogConfig, PathOrOff},
    logging,
};
use std::{fs, thread};

#[test]
fn a_panic_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("malpan.log");
    logging::init(&LogConfig { file: PathOrOff::Path(path.clone()), ..LogConfig::default() }).unwrap();
    let fails = thread::Builder::new().name("fails".into()).spawn(|| panic!("on purpose")).unwrap();
    fails.join().unwrap_err();
    let log = fs::read_to_string(&path).unwrap();
    let line = log.lines().next().unwrap();
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(
        line.contains(" ERROR ") && line.contains(r#"panic="on purpose""#) && line.contains("log_panic.rs:"),
        "{line}"
    );
}
