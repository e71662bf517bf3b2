//! What was said and what happened.

use malpan_client::protocol::Seat;
use std::collections::VecDeque;

/// Lines that are kept.
const LINES: usize = 500;

/// Chat and what happened, the newest last, bounded.
#[derive(Debug, Default)]
pub(crate) struct Log {
    lines: VecDeque<LogLine>,
    /// How many entries the view is scrolled back from the newest.
    back: usize,
}

/// One entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogLine {
    /// Someone said something.
    Chat {
        /// Their seat, for the colour: on the shared board, where seats have one.
        seat: Option<Seat>,
        /// Their name.
        name: String,
        /// What they said.
        text: String,
    },
    /// Someone did something, by their own words: the whole line.
    Emote(String),
    /// Said in the room before one came: the whole line.
    Past(String),
    /// Said in the lobby: the whole line.
    Lobby(String),
    /// Said to one alone: the whole line.
    Whisper(String),
    /// Something happened.
    Event(String),
}

impl LogLine {
    /// What was said to the room, as a line of its history has it.
    fn said(&self) -> Option<String> {
        match self {
            Self::Chat { name, text, .. } => Some(format!("{name}: {text}")),
            Self::Emote(line) | Self::Past(line) => Some(line.clone()),
            Self::Lobby(_) | Self::Whisper(_) | Self::Event(_) => None,
        }
    }
}

impl Log {
    /// Adds an entry and drops the oldest over the bound. A view that is scrolled back stays where it is.
    pub(crate) fn push(&mut self, line: LogLine) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
        if self.back > 0 {
            self.scroll(1);
        }
    }

    /// Adds what was said in the room before, the oldest first, without what stands here already: whoever comes back to
    /// the same room has heard the beginning of it.
    pub(crate) fn push_history(&mut self, lines: Vec<String>) {
        let shown: Vec<String> = self.lines.iter().filter_map(LogLine::said).collect();
        let heard = (0..=lines.len().min(shown.len())).rev().find(|count| shown.ends_with(&lines[..*count]));
        let new = lines.into_iter().skip(heard.unwrap_or(0));
        new.for_each(|line| self.push(LogLine::Past(line)));
    }

    /// Scrolls back in time by `by` entries, or forward where it is negative.
    pub(crate) fn scroll(&mut self, by: isize) {
        self.back = self.back.saturating_add_signed(by).min(self.lines.len().saturating_sub(1));
    }

    /// Whether it is scrolled back.
    pub(crate) fn is_scrolled(&self) -> bool {
        self.back > 0
    }

    /// The entries from the newest that is in view backwards.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &LogLine> {
        self.lines.iter().rev().skip(self.back)
    }
}

#[cfg(test)]
mod tests {
    use super::{LINES, Log, LogLine};

    #[test]
    fn the_log_is_bounded_and_stays_where_it_is_read() {
        let mut log = Log::default();
        let event = |n: usize| LogLine::Event(n.to_string());
        (0..LINES + 5).for_each(|n| log.push(event(n)));
        assert_eq!(log.newest_first().count(), LINES);
        log.scroll(3);
        let seen = log.newest_first().next().cloned();
        log.push(event(9999));
        assert_eq!(log.newest_first().next().cloned(), seen, "new lines do not pull it away");
        log.scroll(-100);
        assert_eq!(log.newest_first().next(), Some(&event(9999)));
        log.scroll(isize::MAX);
        assert_eq!(log.newest_first().count(), 1, "the oldest stays in view");
    }

    #[test]
    fn history_is_shown_but_for_what_was_heard() {
        let mut log = Log::default();
        let chat = |text: &str| LogLine::Chat { seat: None, name: "Ann".into(), text: text.into() };
        let lines = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<String>>();
        log.push_history(lines(&["Bob: hi", "* Bob waves"]));
        log.push(LogLine::Event("Ann came".into()));
        log.push(chat("hello"));
        log.push_history(lines(&["Bob: hi", "* Bob waves", "Ann: hello", "Bob: where were you?"]));
        assert_eq!(log.newest_first().next(), Some(&LogLine::Past("Bob: where were you?".into())));
        assert_eq!(log.newest_first().count(), 5);
        log.push_history(lines(&["Bob: another room"]));
        assert_eq!(log.newest_first().count(), 6);
    }
}
