//! What changes the model. No terminal, no connection, no clock: `now` is an argument.

mod hear;
mod moves;
mod rooms;
mod talk;

use super::{
    identity::Identity,
    link::LinkEvent,
    model::{Ended, Mode, Model},
    session::Goal,
};
use hear::hear;
use malpan_client::protocol::{ChatText, ClientPacket, Direction, Name, Part};
use std::{mem, time::Instant};
use tui_input::{Input, InputRequest};

/// Something that comes to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// The link tells something.
    Link(LinkEvent),
    /// Time has passed.
    Tick,
    /// The own piece, or the cursor, shall move.
    Step(Direction),
    /// The large key: a stone shall be put, or, where there are none, a line of chat be written.
    Enter,
    /// A stone shall be put where the cursor is.
    Place,
    /// It shall be asked whether the game is given up.
    Resign,
    /// What was asked is meant.
    Yes,
    /// Another game shall be played.
    Rematch,
    /// A line of chat shall be written.
    OpenChat,
    /// A line with a slash shall be written.
    OpenCommand,
    /// The room list shall be shown, or asked for again.
    OpenRooms,
    /// It shall be said what titles are looked for.
    OpenFilter,
    /// A room shall be opened.
    OpenNewRoom,
    /// The room shall be left for the lobby.
    ToLobby,
    /// The chosen room shall be watched.
    Watch,
    /// The keys shall be explained.
    OpenHelp,
    /// Back to the board.
    Close,
    /// What is written or chosen is meant.
    Submit,
    /// The text that is being written changes.
    Edit(InputRequest),
    /// The next field of a form shall be written, or the one before.
    NextField(bool),
    /// A text from the clipboard.
    Paste(String),
    /// Another room is chosen: so many further down.
    Choose(isize),
    /// The log is scrolled back by so many entries.
    ScrollLog(isize),
    /// The client shall end.
    Quit,
}

/// What shall be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Send a packet.
    Send(ClientPacket),
    /// Sign in.
    SignIn(Identity),
}

/// Takes in one message. Whether the client ends is in [`Model::ended`].
pub(crate) fn update(model: &mut Model, message: Message, now: Instant) -> Vec<Effect> {
    let mut effects = vec![];
    match message {
        Message::Link(event) => {
            for news in model.session.hear(event, now) {
                hear(model, news, now);
            }
        }
        Message::Tick => {
            for news in model.session.tick(now) {
                hear(model, news, now);
            }
        }
        Message::Step(direction) => moves::step(model, direction, now),
        Message::Enter if model.session.table().is_some_and(|table| table.five().is_some()) => {
            moves::place(model, now);
        }
        Message::Enter | Message::OpenChat => talk::open(model, now),
        Message::OpenCommand => {
            model.clear_notice();
            model.mode = Mode::Chat(Input::new("/".into()));
        }
        Message::Place => moves::place(model, now),
        Message::Resign => moves::resign(model, now),
        Message::Yes => moves::yes(model, now),
        Message::Rematch => moves::rematch(model, now),
        Message::OpenRooms => rooms::open(model, now),
        Message::OpenFilter => rooms::open_filter(model),
        Message::OpenNewRoom => rooms::open_new(model),
        Message::ToLobby => rooms::go(model, Goal::Lobby, now),
        Message::Watch => rooms::enter(model, Part::Watch, now),
        Message::OpenHelp => model.mode = Mode::Help,
        Message::Close => close(model),
        Message::Submit => effects.extend(submit(model, now)),
        Message::Edit(request) => {
            model.clear_notice();
            edit(model, request);
        }
        Message::NextField(forward) => {
            if let Some(form) = model.mode.form() {
                form.go(forward);
            }
        }
        Message::Paste(text) => paste(model, &text),
        Message::Choose(by) => rooms::choose(model, by, now),
        Message::ScrollLog(by) => model.log.scroll(by),
        Message::Quit => model.ended = Some(Ended::Quit),
    }
    effects.extend(model.session.take_packets().into_iter().map(Effect::Send));
    effects
}

fn close(model: &mut Model) {
    model.mode = match mem::replace(&mut model.mode, Mode::Board) {
        // Without a name there is nothing to go back to.
        mode @ (Mode::AskName { .. } | Mode::SignIn(_)) => {
            model.ended = Some(Ended::Quit);
            mode
        }
        Mode::Filter { list, .. } => Mode::Rooms(list),
        _ => Mode::Board,
    };
}

/// Changes the text that is being written.
fn edit(model: &mut Model, request: InputRequest) {
    match &mut model.mode {
        Mode::Chat(input) | Mode::AskName { input, .. } => {
            input.handle(request);
        }
        Mode::SignIn(sign_in) if !sign_in.form.waits => {
            sign_in.form.edit(request);
            sign_in.changed();
        }
        Mode::NewRoom(new) => {
            new.form.edit(request);
            new.changed();
        }
        Mode::Filter { form, .. } | Mode::Unlock { form, .. } => form.edit(request),
        Mode::SignIn(_) | Mode::Board | Mode::Rooms(_) | Mode::Help => {}
    }
}

/// Puts a text from the clipboard into what is being written, as one line. Pasted over the board it would be a walk, and
/// is left out.
fn paste(model: &mut Model, text: &str) {
    let chars = text.trim_end_matches(['\r', '\n']).chars().map(|c| if c.is_control() { ' ' } else { c });
    // More than the longest text fits nowhere.
    for c in chars.take(ChatText::MAX_CHARS) {
        edit(model, InputRequest::InsertChar(c));
    }
}

fn submit(model: &mut Model, now: Instant) -> Option<Effect> {
    match &mut model.mode {
        Mode::Board | Mode::Help => {}
        Mode::Chat(_) => talk::submit(model, now),
        Mode::SignIn(sign_in) => return sign_in.submit().map(Effect::SignIn),
        Mode::Filter { .. } => rooms::filter(model, now),
        Mode::NewRoom(new) => {
            if let Some(plan) = new.submit() {
                rooms::go(model, Goal::Create(Box::new(plan)), now);
            }
        }
        Mode::Unlock { .. } => rooms::unlock(model, now),
        Mode::Rooms(_) => rooms::enter(model, Part::Seat, now),
        Mode::AskName { input, problem, .. } => match Name::new(input.value().trim()) {
            Ok(name) => {
                model.mode = Mode::Board;
                return Some(Effect::SignIn(Identity::guest(name)));
            }
            Err(why) => *problem = Some(why.to_string()),
        },
    }
    None
}

#[cfg(test)]
mod tests;
