//! A panic anywhere in a conversation or a room: contained, counted, and one line of the log that says where it happened
//! and to whom.
//!
//! Each scene runs as a process of its own, whose hook, log and standard error output are as the server's; this process
//! reads what it printed.
#![allow(clippy::unwrap_used, reason = "a test")]

mod fragile;
mod log;
mod rooms;
mod sessions;
mod touchy;

use log::{Line, lines_of};

/// Set in the processes that play a scene: the form of the log.
const FORM: &str = "MALPAN_SCENE_LOG";

/// Plays the test of this name in a process of its own, with the log in each form; `check` gets each time the one line
/// that it logged.
fn plays(test: &str, check: impl Fn(&Line)) {
    for form in ["json", "text"] {
        let lines = lines_of(test, form);
        let [line] = lines.as_slice() else { panic!("one line in {form}, not {lines:#?}") };
        assert_eq!(line.level, "ERROR");
        check(line);
    }
}

/// Whether this process plays a scene; if so, its log is set up as the server's.
fn is_scene() -> bool {
    log::set_up_if_asked()
}
