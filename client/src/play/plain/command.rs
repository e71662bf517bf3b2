//! What may be typed in plain mode.

use crate::play::{
    game::Game,
    session::GameCommand,
    slash::{self, Slash},
};
use malpan_client::protocol::{Cell, ChatText, Direction, RoomId, RoomTitle, game::five};

/// Every command, for help and for errors.
pub(super) const COMMANDS: &str = "up, down, left, right, place X,Y, resign, rematch, board, chat TEXT, who, rooms, \
                                   join N, join any, watch N, open TITLE, open --game NAME TITLE, leave, status, help, \
                                   quit";

/// One line of input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Game(GameCommand),
    Board,
    Chat(ChatText),
    Who,
    Rooms,
    Join(RoomId),
    JoinAny,
    Watch(RoomId),
    Open {
        game: Option<Game>,
        title: RoomTitle,
    },
    Leave,
    /// A line that begins with a slash.
    Slash(Slash),
    Status,
    Help,
    Quit,
}

/// Reads a line: `None` where it is blank, an error that says what would be right.
pub(super) fn parse(line: &str) -> Result<Option<Command>, String> {
    let line = line.trim();
    if let Some(slash) = slash::parse(line) {
        return slash.map(|slash| Some(Command::Slash(slash)));
    }
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let rest = rest.trim();
    let word = word.to_lowercase();
    let alone = |command| {
        if rest.is_empty() { Ok(command) } else { Err(format!("{word} stands alone on its line")) }
    };
    Ok(Some(match word.as_str() {
        "" => return Ok(None),
        "up" => alone(step(Direction::Up))?,
        "down" => alone(step(Direction::Down))?,
        "left" => alone(step(Direction::Left))?,
        "right" => alone(step(Direction::Right))?,
        "place" => Command::Game(GameCommand::place(cell(rest).ok_or("place takes a cell as X,Y, both from 0")?)),
        "resign" => alone(Command::Game(GameCommand::Five(five::Command::Resign)))?,
        "rematch" => alone(Command::Game(GameCommand::Five(five::Command::Rematch)))?,
        "board" => alone(Command::Board)?,
        "chat" => Command::Chat(ChatText::new(rest).map_err(|error| error.to_string())?),
        "who" => alone(Command::Who)?,
        "rooms" => alone(Command::Rooms)?,
        "join" if rest == "any" => Command::JoinAny,
        "join" => Command::Join(room(rest).ok_or("join takes the number of a room, or any")?),
        "watch" => Command::Watch(room(rest).ok_or("watch takes the number of a room")?),
        "open" => open(rest)?,
        "leave" => alone(Command::Leave)?,
        "status" => alone(Command::Status)?,
        "help" => alone(Command::Help)?,
        "quit" => alone(Command::Quit)?,
        _ => return Err(format!("unknown command {word:?}; commands: {COMMANDS}")),
    }))
}

fn step(direction: Direction) -> Command {
    Command::Game(GameCommand::Step(direction))
}

fn cell(text: &str) -> Option<Cell> {
    let (x, y) = text.split_once(',')?;
    Some(Cell { x: x.trim().parse().ok()?, y: y.trim().parse().ok()? })
}

fn room(text: &str) -> Option<RoomId> {
    text.parse().ok().map(RoomId)
}

/// Reads `TITLE` or `--game NAME TITLE`.
fn open(text: &str) -> Result<Command, String> {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let (game, title) = match first {
        "--game" => {
            let (game, title) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
            (Some(Game::parse(game)?), title.trim())
        }
        _ => (None, text),
    };
    let title = RoomTitle::new(title).map_err(|error| error.to_string())?;
    Ok(Command::Open { game, title })
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, Command, parse, step};
    use crate::play::{game::Game, session::GameCommand};
    use malpan_client::protocol::{Cell, Direction, RoomId, RoomTitle};

    #[test]
    fn every_listed_command_is_understood() {
        for listed in COMMANDS.split(", ") {
            let line = listed.replace("TEXT", "hello").replace("TITLE", "my room").replace(" NAME", " five");
            let line = line.replace(" N", " 3").replace("X,Y", "7,8");
            assert!(matches!(parse(&line), Ok(Some(_))), "{line}");
        }
    }

    #[test]
    fn case_and_white_space_do_not_matter() {
        assert_eq!(parse("  UP \r"), Ok(Some(step(Direction::Up))));
        assert_eq!(parse("join  7"), Ok(Some(Command::Join(RoomId(7)))));
        assert_eq!(parse("join any"), Ok(Some(Command::JoinAny)));
        assert_eq!(parse("place 7, 14"), Ok(Some(Command::Game(GameCommand::place(Cell { x: 7, y: 14 })))));
        assert_eq!(parse(" "), Ok(None));
        let Ok(Some(Command::Chat(text))) = parse("chat  Hello, World ") else { panic!() };
        assert_eq!(text.as_str(), "Hello, World");
    }

    #[test]
    fn a_room_is_opened_with_a_game_or_without() {
        let open = |game, title: &str| Ok(Some(Command::Open { game, title: RoomTitle::new(title).unwrap() }));
        assert_eq!(parse("open Our room"), open(None, "Our room"));
        assert_eq!(parse("open --game  five  Our room"), open(Some(Game::Five), "Our room"));
        assert_eq!(parse("open --games night"), open(None, "--games night"), "only that word is one");
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(parse("jump").unwrap_err().contains(COMMANDS));
        for (line, part) in [
            ("chat", "a chat text must not be empty"),
            ("join", "number of a room"),
            ("join x", "number of a room"),
            ("join -1", "number of a room"),
            ("watch any", "watch takes the number of a room"),
            ("open", "a room title must not be empty"),
            ("open --game five", "a room title must not be empty"),
            ("open --game chess Ours", "it plays board, five"),
            ("open --game", "it plays board, five"),
            ("place", "a cell as X,Y"),
            ("place 7", "a cell as X,Y"),
            ("place 7,8,9", "a cell as X,Y"),
            ("place 7,-1", "a cell as X,Y"),
            ("place 256,0", "a cell as X,Y"),
            ("resign now", "resign stands alone"),
            ("up 3", "up stands alone"),
            ("chat \u{1b}[2J", "control or formatting"),
        ] {
            assert!(parse(line).unwrap_err().contains(part), "{line}: {:?}", parse(line));
        }
    }
}
