//! Lines that begin with `/`: what may be asked for where one otherwise says something. Both front ends read them here.

use super::game::Game;
use malpan_client::protocol::{
    BoardSize, ChatText, Door, GameName, Name, RoomFilter, RoomId, RoomPassword, RoomPlan, RoomQuery, SeatCount,
};
use std::str::FromStr;

/// Every command, for help and for errors.
pub(crate) const SLASH_COMMANDS: &str = "/me TEXT, /w NAME TEXT, /who, /mute NAME, /unmute NAME, /mute, /rooms [--free] \
                                         [--unlocked] [--game GAME] [PART OF TITLE], /open [--game GAME] [--board WxH] \
                                         [--seats N] [--password WORD] TITLE, /join N [PASSWORD], /watch N [PASSWORD], \
                                         /leave, /kick NAME, /handover NAME, /help; //TEXT says /TEXT; a NAME with \
                                         spaces stands in \"\"";

/// What such a line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Slash {
    /// Say a line that begins with a slash.
    Say(ChatText),
    /// Say what one does.
    Emote(ChatText),
    /// Say something to one player.
    Whisper { to: Name, text: ChatText },
    /// Who is here.
    Who,
    /// Show nothing of theirs.
    Mute(Name),
    /// Show it again.
    Unmute(Name),
    /// Who is muted.
    Muted,
    /// The rooms that are so.
    Rooms(Box<RoomQuery>),
    /// A room of one's own.
    Open(Box<RoomPlan>),
    /// A seat in a room.
    Join { room: RoomId, password: Option<RoomPassword> },
    /// To watch a room.
    Watch { room: RoomId, password: Option<RoomPassword> },
    /// To the lobby.
    Leave,
    /// Put someone out of the own room.
    Kick(Name),
    /// Give someone the own room.
    HandOver(Name),
    /// What can be asked for.
    Help,
}

/// Reads a line: `None` where it does not begin with a slash, an error that says what would be right.
pub(crate) fn parse(line: &str) -> Option<Result<Slash, String>> {
    let rest = line.strip_prefix('/')?;
    Some(if rest.starts_with('/') { value(rest).map(Slash::Say) } else { command(rest) })
}

fn command(line: &str) -> Result<Slash, String> {
    let (word, rest) = first_word(line);
    let alone = |slash| if rest.is_empty() { Ok(slash) } else { Err(format!("/{word} stands alone on its line")) };
    match word.to_lowercase().as_str() {
        "me" => value(rest).map(Slash::Emote),
        "w" => {
            let (name, text) = name(rest)?;
            Ok(Slash::Whisper { to: name, text: value(text)? })
        }
        "who" => alone(Slash::Who),
        "mute" if rest.is_empty() => Ok(Slash::Muted),
        "mute" => lone_name(rest).map(Slash::Mute),
        "unmute" => lone_name(rest).map(Slash::Unmute),
        "rooms" => rooms(rest),
        "open" => open(rest),
        "join" => room(rest).map(|(room, password)| Slash::Join { room, password }),
        "watch" => room(rest).map(|(room, password)| Slash::Watch { room, password }),
        "leave" => alone(Slash::Leave),
        "kick" => lone_name(rest).map(Slash::Kick),
        "handover" => lone_name(rest).map(Slash::HandOver),
        "help" => alone(Slash::Help),
        _ => Err(format!("unknown command /{word}; commands: {SLASH_COMMANDS}")),
    }
}

fn rooms(mut rest: &str) -> Result<Slash, String> {
    let mut query = RoomQuery::ALL;
    while rest.starts_with("--") {
        let (option, after) = first_word(rest);
        rest = match option {
            "--free" => {
                query.seats = RoomFilter::Open;
                after
            }
            "--unlocked" => {
                query.door = Some(Door::Open);
                after
            }
            "--game" => taken(after, |game: GameName| query.game = Some(game))?,
            _ => return Err(format!("/rooms has no option {option}")),
        };
    }
    query.title = if rest.is_empty() { None } else { Some(value(rest)?) };
    Ok(Slash::Rooms(Box::new(query)))
}

fn open(mut rest: &str) -> Result<Slash, String> {
    let (mut game, mut seats, mut board, mut password) = (None, None, None, None);
    while rest.starts_with("--") {
        let (option, after) = first_word(rest);
        rest = match option {
            "--game" => {
                let (word, after) = first_word(after);
                game = Some(Game::parse(word)?.name());
                after
            }
            "--seats" => {
                let (word, after) = first_word(after);
                let count = word.parse().map_err(|_| "--seats takes a number".to_owned())?;
                seats = Some(SeatCount::new(count).map_err(|error| error.to_string())?);
                after
            }
            "--board" => taken(after, |size: BoardSize| board = Some(size))?,
            "--password" => taken(after, |word: RoomPassword| password = Some(word))?,
            _ => return Err(format!("/open has no option {option}")),
        };
    }
    Ok(Slash::Open(Box::new(RoomPlan { game, title: value(rest)?, seats, board, password })))
}

/// `N` or `N PASSWORD`.
fn room(text: &str) -> Result<(RoomId, Option<RoomPassword>), String> {
    let (number, password) = first_word(text);
    let room = number.parse().map(RoomId).map_err(|_| "it takes the number of a room".to_owned())?;
    Ok((room, if password.is_empty() { None } else { Some(value(password)?) }))
}

/// Hands over the first word of `text` as what it stands for; returns the rest.
fn taken<T: FromStr<Err: ToString>>(text: &str, take: impl FnOnce(T)) -> Result<&str, String> {
    let (word, rest) = first_word(text);
    take(value(word)?);
    Ok(rest)
}

fn value<T: FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn lone_name(text: &str) -> Result<Name, String> {
    // Where nothing follows it, a name with spaces needs no quotes.
    if !text.starts_with('"') {
        return value(text);
    }
    match name(text)? {
        (name, "") => Ok(name),
        _ => Err("a name stands alone here".into()),
    }
}

/// A name, in quotes where it has spaces, and what follows it.
fn name(text: &str) -> Result<(Name, &str), String> {
    let (name, rest) = match text.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or("the \" of the name is not closed")?,
        None => first_word(text),
    };
    Ok((value(name)?, rest.trim_start()))
}

fn first_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

#[cfg(test)]
mod tests {
    use super::{SLASH_COMMANDS, Slash, parse};
    use malpan_client::protocol::{
        BoardSize, Door, GameName, RoomFilter, RoomId, RoomPassword, RoomPlan, RoomQuery, RoomTitle, SeatCount,
    };

    fn ok(line: &str) -> Slash {
        parse(line).unwrap().unwrap_or_else(|why| panic!("{line}: {why}"))
    }

    #[test]
    fn every_listed_command_is_understood() {
        let commands = SLASH_COMMANDS.split(';').next().unwrap();
        for listed in commands.split(", ") {
            let line = listed.replace(['[', ']'], "").replace("NAME", "ann").replace("GAME", "five");
            let line = line.replace("WxH", "4x4").replace(" N", " 3");
            assert!(matches!(parse(&line), Some(Ok(_))), "{line}: {:?}", parse(&line));
        }
    }

    #[test]
    fn a_line_without_a_slash_is_none_and_two_slashes_say_one() {
        assert_eq!(parse("hello /me"), None);
        assert_eq!(ok("//me is said"), Slash::Say("/me is said".parse().unwrap()));
        assert_eq!(ok("/ME waves"), Slash::Emote("waves".parse().unwrap()));
    }

    #[test]
    fn a_name_with_spaces_stands_in_quotes() {
        let whisper = |to: &str, text: &str| Slash::Whisper { to: to.parse().unwrap(), text: text.parse().unwrap() };
        assert_eq!(ok("/w ann  hi there"), whisper("ann", "hi there"));
        assert_eq!(ok("/w \"Big Ann\" hi"), whisper("Big Ann", "hi"));
        assert_eq!(ok("/kick Big Ann"), Slash::Kick("Big Ann".parse().unwrap()));
        assert_eq!(ok("/mute \"Big Ann\""), Slash::Mute("Big Ann".parse().unwrap()));
    }

    #[test]
    fn rooms_are_opened_and_found_as_said() {
        let plan = RoomPlan {
            game: Some(GameName::BOARD),
            title: RoomTitle::new("Our room").unwrap(),
            seats: SeatCount::new(4).ok(),
            board: BoardSize::new(4, 6).ok(),
            password: RoomPassword::new("sesame").ok(),
        };
        let line = "/open --game board --board 4x6 --seats 4 --password sesame Our room";
        assert_eq!(ok(line), Slash::Open(Box::new(plan)));
        let query = RoomQuery {
            seats: RoomFilter::Open,
            door: Some(Door::Open),
            game: Some(GameName::FIVE),
            title: RoomTitle::new("night").ok(),
            ..RoomQuery::ALL
        };
        assert_eq!(ok("/rooms --free --unlocked --game five night"), Slash::Rooms(Box::new(query)));
        assert_eq!(ok("/rooms"), Slash::Rooms(Box::new(RoomQuery::ALL)));
        let password = RoomPassword::new("open sesame").ok();
        assert_eq!(ok("/join 7 open sesame"), Slash::Join { room: RoomId(7), password });
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, part) in [
            ("/", "unknown command /; commands: /me"),
            ("/dance", "unknown command /dance"),
            ("/me", "must not be empty"),
            ("/w", "a name must not be empty"),
            ("/w \"ann hi", "not closed"),
            ("/w ann", "must not be empty"),
            ("/who there", "stands alone"),
            ("/mute \"ann\" now", "stands alone"),
            ("/join x", "number of a room"),
            ("/open --seats 0 T", "a number of seats is 0"),
            ("/open --size 4x4 T", "no option --size"),
            ("/open --game chess T", "it plays board, five"),
            ("/open", "a room title must not be empty"),
            ("/rooms --game !", "a game's name"),
        ] {
            let why = parse(line).unwrap().unwrap_err();
            assert!(why.contains(part), "{line}: {why}");
        }
    }
}
