//! How far a run is, on stderr: a bar on a terminal, a line now and then elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(1);

/// Shows how far a run is.
#[derive(Debug)]
pub(super) struct Progress {
    /// `None` where stderr is no terminal.
    bar: Option<ProgressBar>,
    last_line: Option<Instant>,
}

impl Progress {
    /// Nothing shown yet.
    pub(super) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {msg}").expect("a valid constant");
            ProgressBar::new(1).with_style(style)
        });
        Self { bar, last_line: None }
    }

    /// Shows `message` and that `done` of `all` is over.
    pub(super) fn show(&mut self, done: u64, all: u64, message: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(all);
                bar.set_position(done);
                bar.set_message(message.to_owned());
            }
            None if self.last_line.is_none_or(|last| last.elapsed() >= LINE_EVERY) => {
                self.last_line = Some(Instant::now());
                eprintln!("{message}");
            }
            None => {}
        }
    }

    /// Writes a line that stays.
    pub(super) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    /// Takes the bar away, for what is printed next.
    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
