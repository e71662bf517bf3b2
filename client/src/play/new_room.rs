//! The screen for a new room.

use super::{
    form::{Field, Form},
    game::Game,
};
use malpan_client::protocol::{BoardSize, RoomPassword, RoomPlan, RoomTitle, SeatCount};
use std::str::FromStr;

const TITLE: usize = 0;
const GAME: usize = 1;
const SEATS: usize = 2;
const BOARD: usize = 3;
const PASSWORD: usize = 4;

/// In the order of [`Game::ALL`].
const GAMES: &[&str] = &["board", "five"];

/// What is written for a new room.
#[derive(Debug)]
pub(crate) struct NewRoom {
    /// Its fields.
    pub(crate) form: Form,
}

impl NewRoom {
    /// A room of `game`, unless another is chosen.
    pub(crate) fn new(game: Game) -> Self {
        let chosen = Game::ALL.iter().position(|other| *other == game).unwrap_or(0);
        let fields = vec![
            Field::text("title", "what the list shows", ""),
            Field::choice("game", GAMES, chosen),
            Field::text("seats", "as many as the game has", ""),
            Field::text("board", "the server's, or such as 8x8", ""),
            Field::hidden("password", "none: everyone may come in"),
        ];
        let mut new = Self { form: Form::new(fields, TITLE) };
        new.changed();
        new
    }

    /// Something was written or chosen: only the shared board has a size to choose, and five in a row has two seats.
    pub(crate) fn changed(&mut self) {
        let is_board = self.game() == Game::Board;
        self.form.show(SEATS, is_board);
        self.form.show(BOARD, is_board);
    }

    /// The plan, where all of it is written; else the field that is wanting is gone to.
    pub(crate) fn submit(&mut self) -> Option<RoomPlan> {
        let title = match self.form.text(TITLE).trim().parse::<RoomTitle>() {
            Ok(title) => title,
            Err(why) => {
                self.form.ask_again(TITLE, why.to_string());
                return None;
            }
        };
        let seats = self.read(SEATS, |text| {
            let count = text.parse().map_err(|_| "The seats are a number.".to_owned())?;
            SeatCount::new(count).map_err(|why| why.to_string())
        })?;
        let board = self.read(BOARD, parsed::<BoardSize>)?;
        let password = self.read(PASSWORD, parsed::<RoomPassword>)?;
        Some(RoomPlan { game: Some(self.game().name()), title, seats, board, password })
    }

    fn game(&self) -> Game {
        Game::ALL[self.form.chosen(GAME)]
    }

    /// What is written in a field that may be empty.
    fn read<T>(&mut self, at: usize, read: impl Fn(&str) -> Result<T, String>) -> Option<Option<T>> {
        match self.form.text(at) {
            "" => Some(None),
            text => match read(text) {
                Ok(value) => Some(Some(value)),
                Err(why) => {
                    self.form.ask_again(at, why);
                    None
                }
            },
        }
    }
}

fn parsed<T: FromStr<Err: ToString>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|why: T::Err| why.to_string())
}

#[cfg(test)]
mod tests {
    use super::{BOARD, GAME, GAMES, NewRoom, PASSWORD, SEATS, TITLE};
    use crate::play::game::Game;
    use malpan_client::protocol::{BoardSize, GameName, RoomPassword, RoomPlan, RoomTitle, SeatCount};

    #[test]
    fn the_games_are_those_that_this_client_plays() {
        assert_eq!(GAMES, Game::ALL.map(|game| game.name().to_string()));
    }

    #[test]
    fn a_title_is_enough() {
        let mut new = NewRoom::new(Game::Board);
        assert_eq!(new.submit(), None);
        assert_eq!(new.form.problem.as_deref(), Some("a room title must not be empty"));
        new.form.set(TITLE, " 우리 방 ");
        let title = RoomTitle::new("우리 방").unwrap();
        let plan = RoomPlan { game: Some(GameName::BOARD), title, seats: None, board: None, password: None };
        assert_eq!(new.submit(), Some(plan));
    }

    #[test]
    fn what_is_written_is_asked_for_and_what_is_wrong_is_said() {
        let mut new = NewRoom::new(Game::Board);
        new.form.set(TITLE, "Ours");
        for (at, wrong, right) in [(SEATS, "many", "4"), (SEATS, "11", "4"), (BOARD, "8", "6x4")] {
            new.form.set(at, wrong);
            assert_eq!(new.submit(), None, "{wrong}");
            assert!(new.form.problem.is_some(), "{wrong}");
            new.form.set(at, right);
        }
        new.form.set(PASSWORD, "sesame");
        let plan = new.submit().unwrap();
        assert_eq!((plan.seats, plan.board), (SeatCount::new(4).ok(), BoardSize::new(6, 4).ok()));
        assert_eq!(plan.password, RoomPassword::new("sesame").ok());
        new.form.set(GAME, "five");
        new.changed();
        let plan = new.submit().unwrap();
        assert_eq!((plan.game, plan.seats, plan.board), (Some(GameName::FIVE), None, None));
    }
}
