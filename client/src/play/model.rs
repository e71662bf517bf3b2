//! What the screen shows: the conversation, and what its reader is doing.

use super::{
    address::Address,
    five,
    game::Game,
    session::{Fallback, Goal, Session},
};
use malpan_client::protocol::{Cell, Name, RoomId, RoomInfo, Seat};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};
use tui_input::Input;

/// Lines of the log that are kept.
const LOG_LINES: usize = 500;
/// How long a notice stands in the status line.
const NOTICE_STANDS: Duration = Duration::from_secs(4);

/// The whole state of the terminal client.
#[derive(Debug)]
pub(crate) struct Model {
    /// The server.
    pub(crate) address: Address,
    /// The conversation with it.
    pub(crate) session: Session,
    /// What the keys mean now.
    pub(crate) mode: Mode,
    /// Where the next stone would go, in five in a row.
    pub(crate) cursor: Cell,
    /// Chat and what happened.
    pub(crate) log: Log,
    /// What the status line says for a moment.
    notice: Option<Notice>,
    /// Set when the client ends, with why if it failed.
    pub(crate) ended: Option<Ended>,
}

/// What the keys mean.
#[derive(Debug)]
pub(crate) enum Mode {
    /// They play.
    Board,
    /// They write a line of chat.
    Chat(Input),
    /// They choose a room.
    Rooms(RoomList),
    /// They write the title of a room to open.
    NewRoom {
        /// What will be played in it.
        game: Game,
        /// The title.
        input: Input,
    },
    /// They write another name, because this one is taken.
    AskName {
        /// The name that is taken.
        taken: Name,
        /// The new one.
        input: Input,
        /// What is wrong with what was entered.
        problem: Option<String>,
    },
    /// The keys are explained.
    Help,
}

/// The room list.
#[derive(Debug, Default)]
pub(crate) struct RoomList {
    /// The rooms seen so far.
    pub(crate) rooms: Vec<RoomInfo>,
    /// Which of them is chosen.
    pub(crate) chosen: usize,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<RoomId>,
    /// Whether the first page has come.
    pub(crate) loaded: bool,
}

/// How the client ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By the person's wish.
    Quit,
    /// By a failure.
    Failed(String),
}

/// A sentence in the status line.
#[derive(Debug)]
struct Notice {
    text: String,
    until: Instant,
}

impl Model {
    /// The state before the connection is made. Any room is one of `game`, where that is given.
    pub(crate) fn new(address: Address, name: Name, home: Goal, game: Option<Game>, now: Instant) -> Self {
        Self {
            address,
            session: Session::new(name, home, game, Fallback::AnyRoom, now),
            mode: Mode::Board,
            cursor: five::MIDDLE,
            log: Log::default(),
            notice: None,
            ended: None,
        }
    }

    /// Puts a sentence into the status line for a moment.
    pub(crate) fn notify(&mut self, text: impl Into<String>, now: Instant) {
        self.notice = Some(Notice { text: text.into(), until: now + NOTICE_STANDS });
    }

    /// Takes the sentence away: it is about what was, and the person goes on.
    pub(crate) fn clear_notice(&mut self) {
        self.notice = None;
    }

    /// The sentence that stands in the status line now.
    pub(crate) fn notice(&self, now: Instant) -> Option<&str> {
        self.notice.as_ref().filter(|notice| now < notice.until).map(|notice| notice.text.as_str())
    }
}

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
    /// Something happened.
    Event(String),
}

impl Log {
    /// Adds an entry and drops the oldest over the bound. A view that is scrolled back stays where it is.
    pub(crate) fn push(&mut self, line: LogLine) {
        if self.lines.len() == LOG_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
        if self.back > 0 {
            self.scroll(1);
        }
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
    use super::{LOG_LINES, Log, LogLine};

    #[test]
    fn the_log_is_bounded_and_stays_where_it_is_read() {
        let mut log = Log::default();
        let event = |n: usize| LogLine::Event(n.to_string());
        (0..LOG_LINES + 5).for_each(|n| log.push(event(n)));
        assert_eq!(log.newest_first().count(), LOG_LINES);
        log.scroll(3);
        let seen = log.newest_first().next().cloned();
        log.push(event(9999));
        assert_eq!(log.newest_first().next().cloned(), seen, "new lines do not pull it away");
        log.scroll(-100);
        assert_eq!(log.newest_first().next(), Some(&event(9999)));
        log.scroll(isize::MAX);
        assert_eq!(log.newest_first().count(), 1, "the oldest stays in view");
    }
}
