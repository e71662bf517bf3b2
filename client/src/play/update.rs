//! What changes the model. No terminal, no connection, no clock: `now` is an argument.

use super::{
    link::LinkEvent,
    model::{Ended, LogLine, Mode, Model, RoomList},
    session::{Goal, News, NotNow},
    words,
};
use malpan_client::protocol::{ChatText, ClientPacket, Direction, JoinTarget, Name, Refusal, RoomId, RoomTitle};
use std::time::Instant;
use tui_input::{Input, InputRequest};

/// Something that comes to the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// The link tells something.
    Link(LinkEvent),
    /// Time has passed.
    Tick,
    /// The own piece shall move.
    Step(Direction),
    /// A line of chat shall be written.
    OpenChat,
    /// The room list shall be shown, or asked for again.
    OpenRooms,
    /// A room shall be opened.
    OpenNewRoom,
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
        Message::Step(direction) => step(model, direction, now),
        Message::OpenChat => {
            model.clear_notice();
            model.mode = Mode::Chat(Input::default());
        }
        Message::OpenRooms => open_rooms(model, now),
        Message::OpenNewRoom => model.mode = Mode::NewRoom(Input::default()),
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

fn step(model: &mut Model, direction: Direction, now: Instant) {
    match model.session.step(direction, now) {
        // What was wrong with the step before is over.
        Ok(()) => model.clear_notice(),
        // A held key repeats faster than pieces may move. What is too much is left out: no need to mention it.
        Err(NotNow::TooFast) => {}
        Err(why) => model.notify(why.to_string(), now),
    }
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
        Mode::Chat(input) | Mode::NewRoom(input) | Mode::AskName { input, .. } => Some(input),
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
        Mode::NewRoom(input) => match RoomTitle::new(input.value().trim()) {
            Ok(title) => go(model, Goal::Open(title), now),
            Err(why) => model.notify(why.to_string(), now),
        },
        Mode::Rooms(list) => {
            let chosen = list.rooms.get(list.chosen).map(|info| info.room);
            if let Some(room) = chosen {
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

fn hear(model: &mut Model, news: News, now: Instant) {
    let event = match news {
        News::Connecting { .. } | News::Moved { .. } => None,
        News::Online { name, server } => {
            if matches!(model.mode, Mode::AskName { .. }) {
                model.mode = Mode::Board;
            }
            Some(format!("signed in as {name} ({server})"))
        }
        News::NameTaken(taken) => {
            let input = Input::new(with_suffix(&taken));
            model.mode = Mode::AskName { taken, input, problem: None };
            None
        }
        News::Offline { why, again, .. } => {
            // What was being chosen belongs to the lost connection; what was being written does not.
            if matches!(model.mode, Mode::Rooms(_)) {
                model.mode = Mode::Board;
            }
            // The status line tells of each attempt; here they would push out what was said.
            (!again).then(|| format!("connection lost: {why}"))
        }
        News::Failed { why, unreachable } => {
            model.ended = Some(Ended::Failed(words::failure(model.address.as_str(), &why, unreachable)));
            None
        }
        News::Joined { room, title, .. } => Some(format!("joined room {room}, {title}")),
        News::RoomLeft(room) => Some(format!("left room {room}")),
        News::JoinFailed { goal, denial } => {
            let what = match goal {
                Goal::Join(JoinTarget::Room(room)) => format!("room {room}"),
                Goal::Join(JoinTarget::Any) => "any room".into(),
                Goal::Open(title) => format!("new room {title}"),
                Goal::Lobby => "lobby".into(),
            };
            let text = format!("{what}: {}", words::denial(&denial));
            model.notify(text.clone(), now);
            Some(text)
        }
        News::OutOfStep => Some("out of step with the room; joining it again".into()),
        News::Entered { name, .. } => Some(format!("{name} came")),
        News::Left { name, reason, .. } => Some(match words::leave(reason) {
            Some(why) => format!("{name} left ({why})"),
            None => format!("{name} left"),
        }),
        News::Refused { why, direction, by } => {
            model.notify(refused(why, direction, by.as_ref()), now);
            None
        }
        News::Chat { seat, name, text } => {
            let line = LogLine::Chat { seat, name: name.to_string(), text: text.to_string() };
            model.log.push(line);
            None
        }
        News::Rooms { rooms, first, next } => {
            if let Mode::Rooms(list) = &mut model.mode {
                if first {
                    list.rooms.clear();
                }
                list.rooms.extend(rooms);
                list.chosen = list.chosen.min(list.rooms.len().saturating_sub(1));
                (list.next, list.loaded) = (next, true);
            }
            list_more(model, now);
            None
        }
        News::Denied(denial) => {
            model.notify(words::denial(&denial), now);
            None
        }
        News::Unanswered => {
            model.notify("the server did not answer", now);
            None
        }
        News::Draining { seconds } => Some(format!("the server stops within {seconds} s; no room can be joined")),
        News::Kicked(reason) => Some(format!("the server closed the connection: {}", words::kick(reason))),
    };
    if let Some(text) = event {
        model.log.push(LogLine::Event(text));
    }
}

fn refused(why: Refusal, direction: Option<Direction>, by: Option<&Name>) -> String {
    let to = match direction {
        Some(Direction::Up) => "up ",
        Some(Direction::Down) => "down ",
        Some(Direction::Left) => "left ",
        Some(Direction::Right) => "right ",
        None => "",
    };
    match by {
        Some(name) => format!("{to}refused: {} by {name}", words::refusal(why)),
        None => format!("{to}refused: {}", words::refusal(why)),
    }
}

/// A name to offer instead of one that is taken: `Ann` becomes `Ann2`, and `Ann2` becomes `Ann3`.
fn with_suffix(taken: &Name) -> String {
    let text = taken.as_str();
    let stem = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = text[stem.len()..].parse::<u32>().unwrap_or(1).saturating_add(1).to_string();
    let room = Name::MAX_CHARS - number.len();
    stem.chars().take(room).chain(number.chars()).collect()
}

#[cfg(test)]
mod tests;
