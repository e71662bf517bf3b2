//! What the screen shows: the conversation, and what its reader is doing.

use super::{
    browser::RoomList,
    five,
    form::{Field, Form},
    game::Game,
    log::Log,
    new_room::NewRoom,
    session::{Fallback, Goal, Session},
    sign_in::SignIn,
};
use crate::address::Address;
use malpan_client::protocol::{Cell, Name, Part, RoomId, RoomTitle};
use std::time::{Duration, Instant};
use tui_input::Input;

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
    /// They say who signs in.
    SignIn(SignIn),
    /// They choose a room.
    Rooms(RoomList),
    /// They say what titles are looked for in the list behind it.
    Filter {
        /// The list.
        list: RoomList,
        /// One field.
        form: Form,
    },
    /// They plan a room to open.
    NewRoom(NewRoom),
    /// They write the password of a room.
    Unlock {
        /// Which room.
        room: RoomId,
        /// To sit there or to watch.
        part: Part,
        /// One field.
        form: Form,
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

impl Mode {
    /// The form that is being written, if it is one.
    pub(crate) fn form(&mut self) -> Option<&mut Form> {
        match self {
            Self::SignIn(SignIn { form, .. })
            | Self::NewRoom(NewRoom { form })
            | Self::Filter { form, .. }
            | Self::Unlock { form, .. } => Some(form),
            Self::Board | Self::Chat(_) | Self::Rooms(_) | Self::AskName { .. } | Self::Help => None,
        }
    }

    /// A part of a title is asked for.
    pub(crate) fn filter(list: RoomList) -> Self {
        let title = list.query.title.as_ref().map_or("", RoomTitle::as_str);
        let form = Form::new(vec![Field::text("title", "any", title)], 0);
        Self::Filter { list, form }
    }

    /// The password of a room is asked for.
    pub(crate) fn unlock(room: RoomId, part: Part) -> Self {
        Self::Unlock { room, part, form: Form::new(vec![Field::hidden("password", "")], 0) }
    }
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
pub(crate) struct Notice {
    /// The sentence.
    pub(crate) text: String,
    /// Whether it is good news.
    pub(crate) is_good: bool,
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
        self.notice = Some(Notice { text: text.into(), is_good: false, until: now + NOTICE_STANDS });
    }

    /// The same with good news.
    pub(crate) fn announce(&mut self, text: impl Into<String>, now: Instant) {
        self.notice = Some(Notice { text: text.into(), is_good: true, until: now + NOTICE_STANDS });
    }

    /// Takes the sentence away: it is about what was, and the person goes on.
    pub(crate) fn clear_notice(&mut self) {
        self.notice = None;
    }

    /// The sentence that stands in the status line now.
    pub(crate) fn notice(&self, now: Instant) -> Option<&Notice> {
        self.notice.as_ref().filter(|notice| now < notice.until)
    }
}
