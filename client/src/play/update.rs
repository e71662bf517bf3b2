//! What changes the model. No terminal, no connection, no clock: `now` is an argument.

mod hear;
mod moves;

use super::{
    game::Game,
    link::LinkEvent,
    model::{Ended, Mode, Model, RoomList},
    session::{Goal, NotNow, Table},
};
use hear::hear;
use malpan_client::protocol::{ChatText, ClientPacket, Direction, JoinTarget, Name, RoomId, RoomTitle};
use std::time::Instant;
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
    /// The room list shall be shown, or asked for again.
    OpenRooms,
    /// A room shall be opened.
    OpenNewRoom,
    /// Another game shall be played in it.
    OtherGame,
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
    /// Sign in under this name.
    SignIn(Name),
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
        Message::Enter | Message::OpenChat => open_chat(model, now),
        Message::Place => moves::place(model, now),
        Message::Resign => moves::resign(model, now),
        Message::Yes => moves::yes(model, now),
        Message::Rematch => moves::rematch(model, now),
        Message::OpenRooms => open_rooms(model, now),
        Message::OpenNewRoom => {
            let game = model.session.game().unwrap_or(Game::Board);
            model.mode = Mode::NewRoom { game, input: Input::default() };
        }
        Message::OtherGame => {
            if let Mode::NewRoom { game, .. } = &mut model.mode {
                *game = game.next();
            }
        }
        Message::Watch => {
            if let Some(room) = chosen(model) {
                go(model, Goal::Watch(room), now);
            }
        }
        Message::OpenHelp => model.mode = Mode::Help,
        Message::Close => close(model),
        Message::Submit => effects.extend(submit(model, now)),
        Message::Edit(request) => {
            model.clear_notice();
            if let Some(input) = input(model) {
                input.handle(request);
            }
        }
        Message::Paste(text) => paste(model, &text),
        Message::Choose(by) => choose(model, by, now),
        Message::ScrollLog(by) => model.log.scroll(by),
        Message::Quit => model.ended = Some(Ended::Quit),
    }
    effects.extend(model.session.take_packets().into_iter().map(Effect::Send));
    effects
}

fn open_chat(model: &mut Model, now: Instant) {
    // A line that could never be sent is not begun.
    if model.session.table().is_some_and(Table::is_watched) {
        return model.notify(NotNow::Watching.to_string(), now);
    }
    model.clear_notice();
    model.mode = Mode::Chat(Input::default());
}

fn open_rooms(model: &mut Model, now: Instant) {
    match model.session.list_rooms(RoomId(0), now) {
        Ok(()) if matches!(model.mode, Mode::Rooms(_)) => {}
        Ok(()) => model.mode = Mode::Rooms(RoomList::default()),
        Err(why) => model.notify(why.to_string(), now),
    }
}

fn close(model: &mut Model) {
    match model.mode {
        // Without a name there is nothing to go back to.
        Mode::AskName { .. } => model.ended = Some(Ended::Quit),
        _ => model.mode = Mode::Board,
    }
}

fn choose(model: &mut Model, by: isize, now: Instant) {
    let Mode::Rooms(list) = &mut model.mode else { return };
    list.chosen = list.chosen.saturating_add_signed(by).min(list.rooms.len().saturating_sub(1));
    list_more(model, now);
}

/// The room that is chosen in the list.
fn chosen(model: &Model) -> Option<RoomId> {
    let Mode::Rooms(list) = &model.mode else { return None };
    list.rooms.get(list.chosen).map(|info| info.room)
}

/// Asks for the next page of the list when the end of what has come is near.
fn list_more(model: &mut Model, now: Instant) {
    let Mode::Rooms(list) = &model.mode else { return };
    if list.chosen + 5 >= list.rooms.len()
        && let Some(after) = list.next
        && let Err(why) = model.session.list_rooms(after, now)
    {
        model.notify(why.to_string(), now);
    }
}

fn input(model: &mut Model) -> Option<&mut Input> {
    match &mut model.mode {
        Mode::Chat(input) | Mode::NewRoom { input, .. } | Mode::AskName { input, .. } => Some(input),
        Mode::Board | Mode::Rooms(_) | Mode::Help => None,
    }
}

/// Puts a text from the clipboard into what is being written, as one line. Pasted over the board it would be a walk, and
/// is left out.
fn paste(model: &mut Model, text: &str) {
    let Some(input) = input(model) else { return };
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    // More than the longest text fits nowhere.
    for c in chars.by_ref().take(ChatText::MAX_CHARS) {
        input.handle(InputRequest::InsertChar(c));
    }
}

fn submit(model: &mut Model, now: Instant) -> Option<Effect> {
    match &mut model.mode {
        Mode::Board | Mode::Help => {}
        Mode::Chat(input) => {
            let line = input.value().to_owned();
            submit_chat(model, &line, now);
        }
        Mode::NewRoom { game, input } => match RoomTitle::new(input.value().trim()) {
            Ok(title) => {
                let game = Some(*game);
                go(model, Goal::Open { game, title }, now);
            }
            Err(why) => model.notify(why.to_string(), now),
        },
        Mode::Rooms(_) => {
            if let Some(room) = chosen(model) {
                go(model, Goal::Join(JoinTarget::Room(room)), now);
            }
        }
        Mode::AskName { input, problem, .. } => match Name::new(input.value().trim()) {
            Ok(name) => {
                model.mode = Mode::Board;
                return Some(Effect::SignIn(name));
            }
            Err(why) => *problem = Some(why.to_string()),
        },
    }
    None
}

fn submit_chat(model: &mut Model, line: &str, now: Instant) {
    if line.trim().is_empty() {
        model.mode = Mode::Board;
        return;
    }
    let said = ChatText::new(line)
        .map_err(|why| why.to_string())
        .and_then(|text| model.session.chat(text, now).map_err(|why| why.to_string()));
    match said {
        Ok(()) => model.mode = Mode::Board,
        // The line stays, so that it can be mended or sent later.
        Err(why) => model.notify(why, now),
    }
}

fn go(model: &mut Model, goal: Goal, now: Instant) {
    match model.session.go(goal, now) {
        Ok(()) => model.mode = Mode::Board,
        Err(why) => model.notify(why.to_string(), now),
    }
}

#[cfg(test)]
mod tests;
