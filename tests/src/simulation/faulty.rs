//! A game that is at fault: its rules panic now and then, and only its own room may suffer from that.

use malpan_client::{BoardView, View};
use malpan_game::{Board, Effects, Game};
use malpan_protocol::{Direction, GameName, Seat, game::board};
use std::time::Duration;

/// The game whose rules panic, by design.
pub(super) const FAULTY: GameName = GameName::constant("faulty");
/// What it says when it does.
pub(super) const BY_DESIGN: &str = "a fault by design";

/// A board whose rules panic now and then.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Faulty {
    board: Board,
    left: u64,
}

impl Faulty {
    /// A board that panics when it is asked for the `left`th time.
    pub(super) fn new(board: Board, left: u64) -> Self {
        Self { board, left }
    }

    fn wear(&mut self) {
        self.left -= 1;
        assert!(self.left > 0, "{BY_DESIGN}");
    }
}

impl Game for Faulty {
    const NAME: GameName = FAULTY;
    type Command = Direction;
    type Update = board::Position;
    type Refusal = board::Refusal;
    type Snapshot = board::State;
    type Saved = ();

    fn take_seat(&mut self, now: Duration, seat: Seat) -> Effects<board::Position> {
        self.wear();
        self.board.take_seat(now, seat)
    }

    fn leave_seat(&mut self, now: Duration, seat: Seat) -> Effects<board::Position> {
        self.wear();
        self.board.leave_seat(now, seat)
    }

    fn apply(&mut self, now: Duration, seat: Seat, to: Direction) -> Result<Effects<board::Position>, board::Refusal> {
        self.wear();
        self.board.apply(now, seat, to)
    }

    fn snapshot(&self) -> board::State {
        self.board.snapshot()
    }
}

/// The faulty board as a client sees it.
#[derive(Debug, Clone)]
pub(super) struct FaultyView(BoardView);

impl View for FaultyView {
    const GAME: GameName = FAULTY;
    type Update = board::Position;
    type State = board::State;

    fn new(state: board::State) -> Self {
        Self(View::new(state))
    }

    fn update(&mut self, update: board::Position) {
        self.0.update(update);
    }

    fn left(&mut self, seat: Seat) {
        self.0.left(seat);
    }
}
