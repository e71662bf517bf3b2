//! Five in a row (오목) on 15 x 15: two seats, black begins, five or more in a row win.

use crate::{Cell, List, Seat};
use serde::{Deserialize, Serialize};

/// Cells in a row and in a column.
pub const SIDE: u8 = 15;
/// Cells in all.
pub const CELLS: usize = SIDE as usize * SIDE as usize;
/// Stones in a row that win.
pub const TO_WIN: usize = 5;

/// What a player asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Command {
    /// Put a stone of the own colour there.
    Place(Cell),
    /// Give the game up.
    Resign,
    /// Play again, with the colours exchanged; it begins when both have asked.
    Rematch,
}

/// What has happened. All of them must be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Update {
    /// A new game on an empty board; black is to move.
    Began {
        /// Who has the black stones.
        black: Seat,
    },
    /// A stone was put down. The turn is the other's.
    Placed {
        /// Whose stone.
        seat: Seat,
        /// Where.
        cell: Cell,
    },
    /// The game is over.
    Over(Outcome),
    /// Someone wants to play again.
    RematchAsked {
        /// Who.
        seat: Seat,
    },
}

/// How a game ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Outcome {
    /// Someone won.
    Won {
        /// Who.
        seat: Seat,
        /// By what.
        by: Victory,
    },
    /// The board is full.
    Draw,
}

/// By what a game was won.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Victory {
    /// Five or more in a row.
    Five,
    /// The other gave up.
    Resignation,
    /// The other left.
    Departure,
}

/// Why a command was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Refusal {
    /// No game is on: there is no opponent yet, or the last game is over.
    NoGame,
    /// It is the other's turn.
    NotYourTurn,
    /// That cell is off the board.
    OffBoard,
    /// A stone lies there.
    Taken,
    /// The game is still on: no rematch yet.
    StillOn,
    /// The opponent is gone: nobody could play again.
    NoOpponent,
}

/// Where a game stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Phase {
    /// No game yet: an opponent is awaited.
    Waiting,
    /// A game is on; with an even number of stones black is to move.
    Playing,
    /// The last game is over; its stones still lie there.
    Over(Outcome),
}

/// The game as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Where it stands.
    pub phase: Phase,
    /// Who has, or had, the black stones. Without a game yet, it means nothing.
    pub black: Seat,
    /// The stones in the order in which they were put down: black, white, black...
    pub stones: List<Cell, CELLS>,
    /// Who wants to play again, while the other has not said so.
    pub rematch: Option<Seat>,
}

impl State {
    /// No game yet.
    #[must_use]
    pub const fn new(black: Seat) -> Self {
        Self { phase: Phase::Waiting, black, stones: List::new(), rematch: None }
    }

    /// What the state is after `update`. The server's rules and everyone who watches go by this.
    pub fn apply(&mut self, update: Update) {
        match update {
            Update::Began { black } => *self = Self { phase: Phase::Playing, ..Self::new(black) },
            // More stones than cells are a fault of the server; there is no place to show them.
            Update::Placed { cell, .. } => drop(self.stones.push(cell)),
            Update::Over(outcome) => self.phase = Phase::Over(outcome),
            Update::RematchAsked { seat } => self.rematch = Some(seat),
        }
    }

    /// Whose stone comes next, while a game is on.
    #[must_use]
    pub fn to_move(&self) -> Option<Seat> {
        (self.phase == Phase::Playing).then(|| self.owner(self.stones.len()))
    }

    /// Whose the stone with this number is; the first is number 0.
    #[must_use]
    pub fn owner(&self, number: usize) -> Seat {
        if number.is_multiple_of(2) { self.black } else { other(self.black) }
    }

    /// Whose stone lies there.
    #[must_use]
    pub fn stone(&self, cell: Cell) -> Option<Seat> {
        self.stones.iter().position(|&stone| stone == cell).map(|number| self.owner(number))
    }
}

/// The other of the two seats.
#[must_use]
pub fn other(seat: Seat) -> Seat {
    Seat::new(u8::from(seat.index() == 0)).expect("0 and 1 are seats")
}

#[cfg(test)]
mod tests {
    use super::{CELLS, Outcome, Phase, State, Update, Victory, other};
    use crate::{Cell, Seat};

    /// Everyone goes by this: the rules, and whoever plays or watches.
    #[test]
    fn a_game_is_what_its_updates_say() {
        let (ann, bob) = (Seat::new(0).unwrap(), Seat::new(1).unwrap());
        assert_eq!((other(ann), other(bob)), (bob, ann));
        let mut state = State::new(ann);
        assert_eq!(state.to_move(), None, "an opponent is awaited");

        state.apply(Update::Began { black: bob });
        assert_eq!(state, State { phase: Phase::Playing, ..State::new(bob) });
        let cell = |x| Cell { x, y: 7 };
        for (number, seat) in [(0, bob), (1, ann), (2, bob)] {
            assert_eq!(state.to_move(), Some(seat));
            state.apply(Update::Placed { seat, cell: cell(number) });
        }
        assert_eq!([0, 1, 2, 3].map(|x| state.stone(cell(x))), [Some(bob), Some(ann), Some(bob), None]);

        let won = Outcome::Won { seat: bob, by: Victory::Resignation };
        state.apply(Update::Over(won));
        state.apply(Update::RematchAsked { seat: ann });
        assert_eq!((state.phase, state.rematch, state.to_move()), (Phase::Over(won), Some(ann), None));
        assert_eq!(state.stones.len(), 3, "they still lie there");
    }

    #[test]
    fn a_game_has_as_many_stones_as_cells_and_no_more() {
        let mut state = State::new(Seat::new(0).unwrap());
        for _ in 0..300 {
            state.apply(Update::Placed { seat: state.black, cell: Cell { x: 0, y: 0 } });
        }
        assert_eq!((state.stones.len(), CELLS), (225, 225));
    }
}
