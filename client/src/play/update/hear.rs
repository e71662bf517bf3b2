//! What the session tells: to the log, to the status line, or to the mode.

use super::list_more;
use crate::play::{
    five::MIDDLE,
    game::Game,
    model::{Ended, LogLine, Mode, Model},
    session::{FiveNews, GameCommand, Goal, News, Refusal},
    words,
};
use malpan_client::protocol::{Direction, JoinTarget, Manner, Name, Part, game::five};
use std::time::Instant;
use tui_input::Input;

/// Tells one piece of news.
pub(super) fn hear(model: &mut Model, news: News, now: Instant) {
    let event = match news {
        News::Connecting { .. } | News::Moved { .. } => None,
        News::Online { name, server } => {
            if matches!(model.mode, Mode::AskName { .. }) {
                model.mode = Mode::Board;
            }
            Some(format!("signed in as {name} ({server})"))
        }
        News::Back { name, room } => Some(match room {
            Some(room) => format!("back in room {room}"),
            None => format!("signed in as {name}"),
        }),
        News::Away(name) => Some(format!("{name} is away")),
        News::Returned(name) => Some(format!("{name} is back")),
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
        News::Joined { room, title, seat, game, .. } => {
            model.cursor = MIDDLE;
            let what = if seat.is_some() { "joined" } else { "watching" };
            let game = if game == Game::Board { String::new() } else { format!(" ({})", game.title()) };
            Some(format!("{what} room {room}, {title}{game}"))
        }
        News::Unplayable { room, game, known } => {
            let text = words::unplayable(room, game, known);
            model.notify(text.clone(), now);
            Some(text)
        }
        News::RoomLeft(room) => Some(format!("left room {room}")),
        News::RoomClosed(room) => Some(format!("room {room} has closed")),
        News::JoinFailed { goal, denial } => {
            let text = format!("{}: {}", wanted(&goal), words::denial(&denial));
            model.notify(text.clone(), now);
            Some(text)
        }
        News::OutOfStep => Some("out of step with the room; joining it again".into()),
        News::Entered { name, .. } => Some(format!("{name} came")),
        News::Left { name, reason, .. } => Some(match words::leave(reason) {
            Some(why) => format!("{name} left ({why})"),
            None => format!("{name} left"),
        }),
        News::Five(news) => five_in_a_row(&news),
        News::Refused { why, command, by } => {
            model.notify(refused(why, command, by.as_ref()), now);
            None
        }
        News::Chat { seat, name, text } => {
            let is_board = model.session.game() == Some(Game::Board);
            let line = LogLine::Chat { seat: is_board.then_some(seat), name: name.to_string(), text: text.to_string() };
            model.log.push(line);
            None
        }
        News::Emote { name, text, .. } => Some(words::spoken(Manner::Emote, &name, &text)),
        News::LobbyChat(said) => Some(format!("(lobby) {}", words::spoken(said.manner, &said.name, &said.text))),
        News::Whisper(whisper) => Some(words::whisper(&whisper, model.session.name())),
        News::History(lines) => {
            let said = lines.iter().map(|line| words::spoken(line.manner, &line.name, &line.text));
            said.for_each(|line| model.log.push(LogLine::Event(line)));
            None
        }
        News::Owner(Some(name)) => Some(format!("the room is {name}'s")),
        News::Owner(None) => None,
        News::Removed { room, by } => Some(format!("{by} removed you from room {room}")),
        // The screen does not ask for these.
        News::Lobby { .. } | News::Found { .. } => None,
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

fn wanted(goal: &Goal) -> String {
    match goal {
        Goal::Join(JoinTarget::Room(room)) => format!("room {room}"),
        Goal::Join(JoinTarget::Any) => "any room".into(),
        Goal::Join(JoinTarget::AnyOf(game)) => format!("any room of {game}"),
        Goal::Watch(room) => format!("watching room {room}"),
        Goal::Open { title, .. } => format!("new room {title}"),
        Goal::Create(plan) => format!("new room {}", plan.title),
        Goal::Unlock { room, part: Part::Seat, .. } => format!("room {room}"),
        Goal::Unlock { room, part: Part::Watch, .. } => format!("watching room {room}"),
        Goal::Lobby => "lobby".into(),
    }
}

/// The stones themselves are seen on the board.
fn five_in_a_row(news: &FiveNews) -> Option<String> {
    Some(match news {
        FiveNews::Began { black, white } => format!("the game is on: {black} X black, {white} O white"),
        FiveNews::Placed { .. } | FiveNews::Turn { .. } => return None,
        FiveNews::Over { winner: Some((name, by)) } => format!("{name} won ({})", words::victory(*by)),
        FiveNews::Over { winner: None } => "a draw: the board is full".into(),
        FiveNews::RematchAsked { name } => format!("{name} wants to play again"),
    })
}

fn refused(why: Refusal, command: Option<GameCommand>, by: Option<&Name>) -> String {
    let what = match command {
        Some(GameCommand::Step(Direction::Up)) => "up ".into(),
        Some(GameCommand::Step(Direction::Down)) => "down ".into(),
        Some(GameCommand::Step(Direction::Left)) => "left ".into(),
        Some(GameCommand::Step(Direction::Right)) => "right ".into(),
        Some(GameCommand::Five(five::Command::Place(cell))) => format!("{cell} "),
        Some(GameCommand::Five(five::Command::Resign)) => "resigning ".into(),
        Some(GameCommand::Five(five::Command::Rematch)) => "playing again ".into(),
        None => String::new(),
    };
    match by {
        Some(name) => format!("{what}refused: {} by {name}", words::refusal(why)),
        None => format!("{what}refused: {}", words::refusal(why)),
    }
}

/// A name to offer instead of one that is taken: `Ann` becomes `Ann2`, and `Ann2` becomes `Ann3`.
pub(super) fn with_suffix(taken: &Name) -> String {
    let text = taken.as_str();
    let stem = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = text[stem.len()..].parse::<u32>().unwrap_or(1).saturating_add(1).to_string();
    let room = Name::MAX_CHARS - number.len();
    stem.chars().take(room).chain(number.chars()).collect()
}
