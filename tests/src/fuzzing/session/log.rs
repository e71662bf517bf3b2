//! What the server logs while an input is played.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing_subscriber::{filter::LevelFilter, fmt::MakeWriter};

/// What was written so far, event by event.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<Vec<u8>>>>);

/// Takes in this thread's log until the guard is dropped.
pub(super) fn listen() -> (DefaultGuard, Log) {
    let log = Log::default();
    let builder = tracing_subscriber::fmt().with_max_level(LevelFilter::DEBUG).with_ansi(false).without_time();
    (set_default(builder.with_writer(log.clone()).finish()), log)
}

impl Log {
    /// Each event is one line, with nothing in it that a terminal obeys, and none of them calls for help.
    pub(super) fn is_clean(&self) {
        for event in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let text = std::str::from_utf8(event).expect("the log is text");
            let line = text.strip_suffix('\n').expect("whole lines");
            assert!(!line.chars().any(char::is_control), "{line:?}");
            assert!(line.starts_with(" INFO ") || line.starts_with("DEBUG "), "{line:?}");
        }
    }
}

impl io::Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes.into());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> &'a Self {
        self
    }
}
