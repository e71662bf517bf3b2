//! What may be typed in plain mode.

use malpan_client::protocol::{ChatText, Direction, JoinTarget, RoomId, RoomTitle};

/// Every command, for help and for errors.
pub(super) const COMMANDS: &str = "up, down, left, right, chat TEXT, who, rooms, join N, join any, open TITLE, leave, \
                                   status, help, quit";

/// One line of input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Step(Direction),
    Chat(ChatText),
    Who,
    Rooms,
    Join(JoinTarget),
    Open(RoomTitle),
    Leave,
    Status,
    Help,
    Quit,
}

/// Reads a line: `None` where it is blank, an error that says what would be right.
pub(super) fn parse(line: &str) -> Result<Option<Command>, String> {
    let line = line.trim();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let word = word.to_lowercase();
    let alone = |command| {
        if rest.is_empty() { Ok(command) } else { Err(format!("{word} stands alone on its line")) }
    };
    Ok(Some(match word.as_str() {
        "" => return Ok(None),
        "up" => alone(Command::Step(Direction::Up))?,
        "down" => alone(Command::Step(Direction::Down))?,
        "left" => alone(Command::Step(Direction::Left))?,
        "right" => alone(Command::Step(Direction::Right))?,
        "chat" => Command::Chat(ChatText::new(rest).map_err(|error| error.to_string())?),
        "who" => alone(Command::Who)?,
        "rooms" => alone(Command::Rooms)?,
        "join" if rest == "any" => Command::Join(JoinTarget::Any),
        "join" => match rest.parse() {
            Ok(room) => Command::Join(JoinTarget::Room(RoomId(room))),
            Err(_) => return Err("join takes the number of a room, or any".into()),
        },
        "open" => Command::Open(RoomTitle::new(rest).map_err(|error| error.to_string())?),
        "leave" => alone(Command::Leave)?,
        "status" => alone(Command::Status)?,
        "help" => alone(Command::Help)?,
        "quit" => alone(Command::Quit)?,
        _ => return Err(format!("unknown command {word:?}; commands: {COMMANDS}")),
    }))
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, Command, parse};
    use malpan_client::protocol::{Direction, JoinTarget, RoomId};

    #[test]
    fn every_listed_command_is_understood() {
        for listed in COMMANDS.split(", ") {
            let line = listed.replace("TEXT", "hello").replace("TITLE", "my room").replace(" N", " 3");
            assert!(matches!(parse(&line), Ok(Some(_))), "{line}");
        }
    }

    #[test]
    fn case_and_white_space_do_not_matter() {
        assert_eq!(parse("  UP \r"), Ok(Some(Command::Step(Direction::Up))));
        assert_eq!(parse("join  7"), Ok(Some(Command::Join(JoinTarget::Room(RoomId(7))))));
        assert_eq!(parse("join any"), Ok(Some(Command::Join(JoinTarget::Any))));
        assert_eq!(parse(" "), Ok(None));
        let Ok(Some(Command::Chat(text))) = parse("chat  Hello, World ") else { panic!() };
        assert_eq!(text.as_str(), "Hello, World");
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(parse("jump").unwrap_err().contains(COMMANDS));
        for (line, part) in [
            ("chat", "a chat text must not be empty"),
            ("join", "number of a room"),
            ("join x", "number of a room"),
            ("join -1", "number of a room"),
            ("open", "a room title must not be empty"),
            ("up 3", "up stands alone"),
            ("chat \u{1b}[2J", "control or formatting"),
        ] {
            assert!(parse(line).unwrap_err().contains(part), "{line}: {:?}", parse(line));
        }
    }
}
