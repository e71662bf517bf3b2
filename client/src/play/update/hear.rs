//! What the session tells: to the log, to the status line, or to the mode.

use super::rooms;
use crate::play::{
    five::MIDDLE,
    game::Game,
    log::LogLine,
    model::{Ended, Mode, Model},
    session::{FiveNews, GameCommand, Goal, News, Refusal},
    sign_in::SignIn,
    words,
};
use malpan_client::protocol::{
    Denial, DenialCode, Direction, JoinTarget, Manner, Name, Part, RoomId, RoomQuery, game::five,
};
use std::time::Instant;
use tui_input::Input;

/// Tells one piece of news.
pub(super) fn hear(model: &mut Model, news: News, now: Instant) {
    let event = match news {
        News::Connecting { .. } | News::Moved { .. } => None,
        News::Online { name, server } => {
            if matches!(model.mode, Mode::AskName { .. } | Mode::SignIn(_)) {
                model.mode = Mode::Board;
            }
            Some(format!("signed in as {name} ({server})"))
        }
        News::Back { name, room } => {
            model.announce("back", now);
            Some(match room {
                Some(room) => format!("back in room {room}"),
                None => format!("signed in as {name}"),
            })
        }
        // Who was away knows, and has been told.
        News::Away(name) | News::Returned(name) if name == *model.session.name() => None,
        News::Away(name) => Some(format!("{name} is away")),
        News::Returned(name) => Some(format!("{name} is back")),
        News::NameTaken(taken) => {
            let input = Input::new(with_suffix(&taken));
            model.mode = Mode::AskName { taken, input, problem: None };
            None
        }
        News::SignInAsked { like, problem } => {
            if !matches!(model.mode, Mode::SignIn(_)) {
                model.mode = Mode::SignIn(SignIn::new(&like));
            }
            if let (Mode::SignIn(sign_in), Some(problem)) = (&mut model.mode, problem) {
                sign_in.refused(problem);
            }
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
            let was_online = model.session.was_online();
            model.ended = Some(Ended::Failed(words::failure(model.address.as_str(), &why, unreachable, was_online)));
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
            ask_for_password(model, &goal, &denial);
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
        News::Emote { name, text, .. } => {
            model.log.push(LogLine::Emote(words::spoken(Manner::Emote, &name, &text)));
            None
        }
        News::LobbyChat(said) => {
            let line = format!("(lobby) {}", words::spoken(said.manner, &said.name, &said.text));
            model.log.push(LogLine::Lobby(line));
            None
        }
        News::Whisper(whisper) => {
            model.log.push(LogLine::Whisper(words::whisper(&whisper, model.session.name())));
            None
        }
        News::History(lines) => {
            let said = lines.iter().map(|line| words::spoken(line.manner, &line.name, &line.text));
            model.log.push_history(said.collect());
            None
        }
        News::Owner(Some(name)) => Some(format!("the room is {name}'s")),
        News::Owner(None) => None,
        News::Removed { room, by } => Some(format!("{by} removed you from room {room}")),
        News::Lobby { total, names, next } => {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            let more = if next.is_some() { " and more" } else { "" };
            Some(format!("in the lobby ({total}): {}{more}", names.join(", ")))
        }
        News::Found { query, rooms, first, next } => {
            if let Mode::Rooms(list) | Mode::Filter { list, .. } = &mut model.mode
                && (RoomQuery { after: RoomId(0), ..query }) == list.query
            {
                list.take(rooms, first, next);
            }
            rooms::more(model, now);
            None
        }
        // Plain mode's list.
        News::Rooms { .. } => None,
        News::Denied(denial) => {
            no_list(model, words::denial(&denial), now);
            None
        }
        News::Unanswered => {
            no_list(model, "the server did not answer".into(), now);
            None
        }
        News::Notice(text) => Some(format!("the operator says: {text}")),
        News::Draining { seconds } => Some(format!("the server stops within {seconds} s; no room can be joined")),
        News::Kicked(reason) => Some(format!("the server closed the connection: {}", words::kick(reason))),
    };
    if let Some(text) = event {
        model.log.push(LogLine::Event(text));
    }
}

/// Something was not done. Where a list was waited for, it was that.
fn no_list(model: &mut Model, why: String, now: Instant) {
    if let Mode::Rooms(list) = &mut model.mode
        && !list.loaded
    {
        list.problem = Some(why.clone());
    }
    model.notify(why, now);
}

/// A password was wanting or wrong: asks for it, unless something else is being written.
fn ask_for_password(model: &mut Model, goal: &Goal, denial: &Denial) {
    let (room, part) = match goal {
        Goal::Join(JoinTarget::Room(room)) => (*room, Part::Seat),
        Goal::Watch(room) => (*room, Part::Watch),
        Goal::Unlock { room, part, .. } => (*room, *part),
        _ => return,
    };
    if matches!(denial.code, DenialCode::PasswordRequired | DenialCode::WrongPassword)
        && matches!(model.mode, Mode::Board)
    {
        model.mode = Mode::unlock(room, part);
        if let Some(form) = model.mode.form().filter(|_| denial.code == DenialCode::WrongPassword) {
            form.problem = Some(words::denial(denial));
        }
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
