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

#[cfg(test)]
mod tests {
    use super::{BoardView, View};
    use malpan_protocol::{
        BoardSize, Cell, Seat,
        game::{
            board::{self, Position},
            five::{self, Phase, Update},
        },
    };

    fn seat(index: u8) -> Seat {
        Seat::new(index).unwrap()
    }

    fn at(index: u8, x: u8) -> Position {
        Position { seat: seat(index), cell: Cell { x, y: 2 } }
    }

    #[test]
    fn the_board_has_each_piece_where_it_was_last() {
        let size = BoardSize::new(6, 4).unwrap();
        let mut view = BoardView::new(board::State { size, positions: vec![at(0, 1), at(9, 5)].try_into().unwrap() });
        assert_eq!((view.size(), view.cell(seat(0)), view.cell(seat(1))), (size, Some(Cell { x: 1, y: 2 }), None));
        view.update(at(0, 2));
        view.update(at(0, 3));
        assert_eq!(view.cell(seat(0)), Some(Cell { x: 3, y: 2 }));
        view.left(seat(0));
        assert_eq!((view.cell(seat(0)), view.cell(seat(9))), (None, Some(Cell { x: 5, y: 2 })));
    }

    #[test]
    fn five_in_a_row_is_its_state_and_who_leaves_leaves_the_stones() {
        let mut view = <five::State as View>::new(five::State::new(seat(0)));
        View::update(&mut view, Update::Began { black: seat(1) });
        View::update(&mut view, Update::Placed { seat: seat(1), cell: Cell { x: 3, y: 3 } });
        let before = view.clone();
        assert_eq!((before.phase, before.stone(Cell { x: 3, y: 3 })), (Phase::Playing, Some(seat(1))));
        View::left(&mut view, seat(1));
        assert_eq!(view, before);
    }
}
