//! Games as a client sees them.

use malpan_protocol::{
    BoardSize, Cell, GameName, MAX_SEATS, Seat,
    game::{
        board::{self, Position},
        five,
    },
};
use serde::de::DeserializeOwned;

/// What one game looks like, kept true by its updates. Write one for a game of your own.
pub trait View: Sized {
    /// The game's name.
    const GAME: GameName;
    /// What happens in it.
    type Update: DeserializeOwned;
    /// The whole of it, as it comes first and after updates were left out.
    type State: DeserializeOwned;

    /// The game as `state` says.
    fn new(state: Self::State) -> Self;

    /// Something happened.
    fn update(&mut self, update: Self::Update);

    /// Someone left. Updates that come with that are told before.
    fn left(&mut self, seat: Seat) {
        let _ = seat;
    }
}

/// The shared board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardView {
    size: BoardSize,
    cells: [Option<Cell>; MAX_SEATS],
}

impl BoardView {
    /// The board's size.
    #[must_use]
    pub fn size(&self) -> BoardSize {
        self.size
    }

    /// Where the piece of a seat stands.
    #[must_use]
    pub fn cell(&self, seat: Seat) -> Option<Cell> {
        self.cells[seat.index()]
    }
}

impl View for BoardView {
    const GAME: GameName = GameName::BOARD;
    type Update = Position;
    type State = board::State;

    fn new(state: board::State) -> Self {
        let mut view = Self { size: state.size, cells: [None; MAX_SEATS] };
        state.positions.into_iter().for_each(|position| view.update(position));
        view
    }

    fn update(&mut self, Position { seat, cell }: Position) {
        self.cells[seat.index()] = Some(cell);
    }

    fn left(&mut self, seat: Seat) {
        self.cells[seat.index()] = None;
    }
}

/// Five in a row: the state says all.
impl View for five::State {
    const GAME: GameName = GameName::FIVE;
    type Update = five::Update;
    type State = Self;

    fn new(state: Self) -> Self {
        state
    }

    fn update(&mut self, update: five::Update) {
        self.apply(update);
    }
}
