//! The games that this client plays.

use malpan_client::protocol::GameName;

/// A game that this client plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Game {
    /// The shared board.
    Board,
    /// Five in a row.
    Five,
}

impl Game {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Board, Self::Five];

    /// The game of that name, if this client plays it.
    pub(crate) fn of(name: GameName) -> Option<Self> {
        Self::ALL.into_iter().find(|game| game.name() == name)
    }

    /// Reads a name; where this client does not play that game, the error lists those that it does.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|game| game.name().as_str() == text);
        found.ok_or_else(|| format!("{text:?} is no game that this client plays; it plays {}", Self::names()))
    }

    /// What packets call it.
    pub(crate) fn name(self) -> GameName {
        match self {
            Self::Board => GameName::BOARD,
            Self::Five => GameName::FIVE,
        }
    }

    /// What people call it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Board => "the shared board",
            Self::Five => "five in a row",
        }
    }

    /// What plain mode takes in it.
    pub(crate) fn commands(self) -> &'static str {
        match self {
            Self::Board => "up, down, left, right",
            Self::Five => "place X,Y, resign, rematch, board",
        }
    }

    /// The names of all of them.
    pub(crate) fn names() -> String {
        Self::ALL.map(|game| game.name().to_string()).join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::Game;
    use clap::ValueEnum;
    use malpan_client::protocol::GameName;

    #[test]
    fn the_command_line_calls_games_as_packets_do() {
        assert_eq!(Game::value_variants(), Game::ALL);
        for game in Game::ALL {
            let name = game.name();
            assert_eq!(game.to_possible_value().unwrap().get_name(), name.as_str());
            assert_eq!((Game::of(name), Game::parse(name.as_str())), (Some(game), Ok(game)));
        }
    }

    #[test]
    fn another_game_is_refused_with_those_there_are() {
        assert_eq!(Game::of(GameName::constant("chess")), None);
        assert!(Game::parse("chess").unwrap_err().ends_with("it plays board, five"));
    }
}
