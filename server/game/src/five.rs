//! Five in a row (오목): two seats, black begins, five or more stones in a row win; whoever resigns or leaves loses. After
//! a game both may ask for another, with the colours exchanged. No opening rules and no forbidden moves (freestyle).

use crate::{Effects, Game, Unfit};
use malpan_protocol::{
    Cell, GameName, Seat,
    game::five::{CELLS, Command, Outcome, Phase, Refusal, SIDE, State, TO_WIN, Update, Victory, other},
};
use std::time::Duration;

/// The four lines through a cell, each as one of its two ways.
const LINES: [(i8, i8); 4] = [(1, 0), (0, 1), (1, 1), (1, -1)];

/// A table for two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiveInARow {
    state: State,
    seated: [bool; 2],
}

impl FiveInARow {
    /// Nobody sits there yet; the first seat will have the black stones.
    ///
    /// # Panics
    /// Never: seat 0 exists.
    #[must_use]
    pub fn new() -> Self {
        Self { state: State::new(Seat::new(0).expect("0 is a seat")), seated: [false; 2] }
    }

    /// Lets the updates happen, and tells of them.
    fn happen<const N: usize>(&mut self, updates: [Update; N]) -> Effects<Update> {
        updates.into_iter().fold(Effects::none(), |effects, update| {
            self.state.apply(update);
            effects.and_event(update)
        })
    }

    fn place(&mut self, seat: Seat, cell: Cell) -> Result<Effects<Update>, Refusal> {
        let to_move = self.state.to_move().ok_or(Refusal::NoGame)?;
        if to_move != seat {
            return Err(Refusal::NotYourTurn);
        }
        if cell.x >= SIDE || cell.y >= SIDE {
            return Err(Refusal::OffBoard);
        }
        if self.state.stone(cell).is_some() {
            return Err(Refusal::Taken);
        }
        let placed = Update::Placed { seat, cell };
        let outcome = if self.wins(seat, cell) {
            Outcome::Won { seat, by: Victory::Five }
        } else if self.state.stones.len() + 1 == CELLS {
            Outcome::Draw
        } else {
            return Ok(self.happen([placed]));
        };
        Ok(self.happen([placed, Update::Over(outcome)]))
    }

    /// Whether a stone of `seat` on `cell`, which is free, makes five or more in a row.
    fn wins(&self, seat: Seat, cell: Cell) -> bool {
        LINES.iter().any(|&(dx, dy)| 1 + self.run(seat, cell, dx, dy) + self.run(seat, cell, -dx, -dy) >= TO_WIN)
    }

    /// Stones of `seat` one after the other from `cell` on, that one not counted.
    fn run(&self, seat: Seat, cell: Cell, dx: i8, dy: i8) -> usize {
        let next = |at: &Cell| Some(Cell { x: at.x.checked_add_signed(dx)?, y: at.y.checked_add_signed(dy)? });
        std::iter::successors(next(&cell), next).take_while(|&at| self.state.stone(at) == Some(seat)).count()
    }

    fn resign(&mut self, seat: Seat) -> Result<Effects<Update>, Refusal> {
        if self.state.phase != Phase::Playing {
            return Err(Refusal::NoGame);
        }
        Ok(self.happen([Update::Over(Outcome::Won { seat: other(seat), by: Victory::Resignation })]))
    }

    fn rematch(&mut self, seat: Seat) -> Result<Effects<Update>, Refusal> {
        match self.state.phase {
            Phase::Waiting => Err(Refusal::NoOpponent),
            Phase::Playing => Err(Refusal::StillOn),
            Phase::Over(_) if !self.seated[other(seat).index()] => Err(Refusal::NoOpponent),
            Phase::Over(_) => Ok(match self.state.rematch {
                Some(asked) if asked == other(seat) => self.happen([Update::Began { black: other(self.state.black) }]),
                // To ask again changes nothing.
                Some(_) => Effects::none(),
                None => self.happen([Update::RematchAsked { seat }]),
            }),
        }
    }
}

impl Default for FiveInARow {
    fn default() -> Self {
        Self::new()
    }
}

impl Game for FiveInARow {
    const NAME: GameName = GameName::FIVE;
    type Command = Command;
    type Update = Update;
    type Refusal = Refusal;
    type Snapshot = State;
    /// Nothing of it is hidden.
    type Saved = State;

    fn take_seat(&mut self, _now: Duration, seat: Seat) -> Effects<Update> {
        self.seated[seat.index()] = true;
        if self.seated[other(seat).index()] {
            // A new opponent is a new game: whoever waited has black.
            self.happen([Update::Began { black: other(seat) }])
        } else {
            Effects::none()
        }
    }

    fn leave_seat(&mut self, _now: Duration, seat: Seat) -> Effects<Update> {
        self.seated[seat.index()] = false;
        if self.state.phase == Phase::Playing {
            self.happen([Update::Over(Outcome::Won { seat: other(seat), by: Victory::Departure })])
        } else {
            Effects::none()
        }
    }

    fn apply(&mut self, _now: Duration, seat: Seat, command: Command) -> Result<Effects<Update>, Refusal> {
        match command {
            Command::Place(cell) => self.place(seat, cell),
            Command::Resign => self.resign(seat),
            Command::Rematch => self.rematch(seat),
        }
    }

    fn snapshot(&self) -> State {
        self.state.clone()
    }

    fn save(&self) -> Option<State> {
        Some(self.snapshot())
    }

    /// The stones are put down once more, one after the other: what could not have come about so is not taken.
    fn restore(&mut self, saved: State, seated: &[Seat]) -> Result<(), Unfit> {
        let is_seated = [0, 1].map(|index| seated.iter().any(|seat| seat.index() == index));
        let mut game = Self { state: State { phase: Phase::Playing, ..State::new(saved.black) }, seated: is_seated };
        if saved.black.index() > 1 || seated.len() != is_seated.iter().filter(|&&seated| seated).count() {
            return Err(Unfit("there are two seats"));
        }
        let mut five = None;
        for (number, &cell) in saved.stones.iter().enumerate() {
            let seat = game.state.owner(number);
            if five.is_some() {
                return Err(Unfit("the game was over before the last stone"));
            }
            if cell.x >= SIDE || cell.y >= SIDE || game.state.stone(cell).is_some() {
                return Err(Unfit("a stone lies off the board, or on another"));
            }
            five = game.wins(seat, cell).then_some(seat);
            game.state.apply(Update::Placed { seat, cell });
        }
        let is_full = saved.stones.len() == CELLS;
        let fits = match saved.phase {
            Phase::Waiting => saved.stones.is_empty() && seated.len() < 2,
            Phase::Playing => five.is_none() && !is_full && seated.len() == 2,
            Phase::Over(Outcome::Draw) => five.is_none() && is_full,
            Phase::Over(Outcome::Won { seat, by: Victory::Five }) => five == Some(seat),
            Phase::Over(Outcome::Won { seat, by: Victory::Resignation }) => five.is_none() && seat.index() < 2,
            Phase::Over(Outcome::Won { seat, by: Victory::Departure }) => {
                five.is_none() && seat.index() < 2 && seated.len() < 2
            }
        };
        let asks = saved.rematch.is_some_and(|seat| seat.index() > 1 || !matches!(saved.phase, Phase::Over(_)));
        if !fits || asks {
            return Err(Unfit("the game does not stand as it says"));
        }
        game.state = saved;
        *self = game;
        Ok(())
    }
}

#[cfg(test)]
#[path = "five_tests.rs"]
mod tests;
