//! The shared board: one piece a seat, one step at a time, one piece a cell.

use crate::{Effects, Game, Unfit};
use malpan_protocol::{
    BoardSize, Cell, Direction, GameName, MAX_SEATS, Seat, SeatCount,
    game::board::{Position, Refusal, State},
};
use std::time::Duration;

/// A board and its pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    size: BoardSize,
    seats: SeatCount,
    pieces: [Option<Cell>; MAX_SEATS],
}

impl Board {
    /// An empty board.
    ///
    /// # Panics
    /// Where it has fewer cells than seats: the configuration is checked for that.
    #[must_use]
    pub fn new(size: BoardSize, seats: SeatCount) -> Self {
        assert!(size.cells() >= seats.count(), "every piece needs a cell");
        Self { size, seats, pieces: [None; MAX_SEATS] }
    }

    /// Its size.
    #[must_use]
    pub fn size(&self) -> BoardSize {
        self.size
    }

    /// Where the piece of `seat` stands, if it has one.
    #[must_use]
    pub fn piece(&self, seat: Seat) -> Option<Cell> {
        self.pieces[seat.index()]
    }

    fn is_taken(&self, cell: Cell) -> bool {
        self.pieces.contains(&Some(cell))
    }

    /// The first free cell from the seat's own starting point on. The starting points lie evenly over the board.
    fn start_of(&self, seat: Seat) -> Cell {
        let cells = self.size.cells();
        let first = seat.index() * cells / self.seats.count();
        (first..cells)
            .chain(0..first)
            .map(|index| self.cell(index))
            .find(|&cell| !self.is_taken(cell))
            .expect("a board has at least as many cells as seats, and this seat has no piece yet")
    }

    #[allow(clippy::cast_possible_truncation, reason = "a side has at most 64 cells")]
    fn cell(&self, index: usize) -> Cell {
        let width = usize::from(self.size.width());
        Cell { x: (index % width) as u8, y: (index / width) as u8 }
    }
}

impl Game for Board {
    const NAME: GameName = GameName::BOARD;
    type Command = Direction;
    type Update = Position;
    type Refusal = Refusal;
    type Snapshot = State;
    /// Nothing of it is hidden.
    type Saved = State;

    fn take_seat(&mut self, _now: Duration, seat: Seat) -> Effects<Position> {
        debug_assert!(self.piece(seat).is_none(), "the lobby hands out free seats only");
        let cell = self.start_of(seat);
        self.pieces[seat.index()] = Some(cell);
        Effects::latest(Position { seat, cell })
    }

    /// The piece goes with its player; nothing else changes.
    fn leave_seat(&mut self, _now: Duration, seat: Seat) -> Effects<Position> {
        self.pieces[seat.index()] = None;
        Effects::none()
    }

    fn apply(&mut self, _now: Duration, seat: Seat, direction: Direction) -> Result<Effects<Position>, Refusal> {
        let from = self.piece(seat).ok_or(Refusal::OffBoard)?;
        let cell = from.step(direction).filter(|&cell| self.size.contains(cell)).ok_or(Refusal::OffBoard)?;
        if self.is_taken(cell) {
            return Err(Refusal::Taken);
        }
        self.pieces[seat.index()] = Some(cell);
        Ok(Effects::latest(Position { seat, cell }))
    }

    fn snapshot(&self) -> State {
        let positions = Seat::all(self.seats).filter_map(|seat| Some(Position { seat, cell: self.piece(seat)? }));
        let positions = positions.collect::<Vec<_>>().try_into().expect("a board has at most MAX_SEATS pieces");
        State { size: self.size, positions }
    }

    fn save(&self) -> Option<State> {
        Some(self.snapshot())
    }

    fn restore(&mut self, State { size, positions }: State, seated: &[Seat]) -> Result<(), Unfit> {
        if size.cells() < self.seats.count() {
            return Err(Unfit("it has fewer cells than seats"));
        }
        // The size of the rooms that are opened from now on may be another.
        let mut board = Self::new(size, self.seats);
        for &Position { seat, cell } in positions.iter() {
            if !seated.contains(&seat) {
                return Err(Unfit("a piece stands there whose seat nobody has"));
            }
            if !size.contains(cell) {
                return Err(Unfit("a piece stands off the board"));
            }
            if board.is_taken(cell) {
                return Err(Unfit("two pieces stand on one cell"));
            }
            if board.pieces[seat.index()].replace(cell).is_some() {
                return Err(Unfit("someone has two pieces"));
            }
        }
        if seated.iter().any(|&seat| board.piece(seat).is_none()) {
            return Err(Unfit("someone has no piece"));
        }
        *self = board;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Board;
    use crate::{Effects, Game, Unfit};
    use malpan_protocol::{
        BoardSize, Cell, Direction, Seat, SeatCount,
        game::board::{Position, Refusal, State},
    };
    use proptest::prelude::*;
    use std::{collections::HashSet, time::Duration};

    const NOW: Duration = Duration::ZERO;

    fn seat(index: u8) -> Seat {
        Seat::new(index).unwrap()
    }

    fn board(width: u8, height: u8, seats: u8) -> Board {
        Board::new(BoardSize::new(width, height).unwrap(), SeatCount::new(seats).unwrap())
    }

    #[test]
    fn a_step_goes_one_cell_and_stops_at_the_edge() {
        let mut board = board(2, 1, 1);
        let at = |x| Effects::latest(Position { seat: seat(0), cell: Cell { x, y: 0 } });
        assert_eq!(board.take_seat(NOW, seat(0)), at(0));
        assert_eq!(board.apply(NOW, seat(0), Direction::Right), Ok(at(1)));
        let before = board.clone();
        for off in [Direction::Right, Direction::Up, Direction::Down] {
            assert_eq!(board.apply(NOW, seat(0), off), Err(Refusal::OffBoard));
        }
        assert_eq!(board, before);
    }

    #[test]
    fn a_taken_cell_is_refused_until_it_is_free() {
        let mut board = board(2, 1, 2);
        board.take_seat(NOW, seat(0));
        board.take_seat(NOW, seat(1));
        let before = board.clone();
        assert_eq!(board.apply(NOW, seat(0), Direction::Right), Err(Refusal::Taken));
        assert_eq!(board, before);
        board.leave_seat(NOW, seat(1));
        assert!(board.apply(NOW, seat(0), Direction::Right).is_ok());
    }

    #[test]
    fn a_full_board_of_pieces_finds_a_cell_for_everyone() {
        let mut board = board(5, 2, 10);
        (0..10).for_each(|index| drop(board.take_seat(NOW, seat(index))));
        let cells: HashSet<_> = (0..10).map(|index| board.piece(seat(index)).unwrap()).collect();
        assert_eq!(cells.len(), 10);
    }

    #[test]
    fn pieces_begin_evenly_over_the_board_each_at_its_own_place() {
        let mut board = board(4, 3, 4);
        let starts = [3, 0, 2, 1].map(|index| {
            board.take_seat(NOW, seat(index));
            board.piece(seat(index)).unwrap()
        });
        assert_eq!(starts, [(1, 2), (0, 0), (2, 1), (3, 0)].map(|(x, y)| Cell { x, y }));
    }

    fn state(pieces: &[(u8, u8, u8)]) -> State {
        let positions = pieces.iter().map(|&(index, x, y)| Position { seat: seat(index), cell: Cell { x, y } });
        let positions = positions.collect::<Vec<_>>().try_into().unwrap();
        State { size: BoardSize::new(4, 3).unwrap(), positions }
    }

    #[test]
    fn a_board_comes_back_in_its_own_size_and_in_no_state_that_the_rules_forbid() {
        let restored = |seats, pieces: &[(u8, u8, u8)], seated: &[u8]| {
            let mut board = board(8, 8, seats);
            let seated: Vec<_> = seated.iter().copied().map(seat).collect();
            board.restore(state(pieces), &seated).map(|()| board.snapshot())
        };
        let two = [(0, 0, 0), (3, 3, 2)];
        assert_eq!(restored(10, &two, &[3, 0]), Ok(state(&two)));
        assert_eq!(restored(10, &[], &[]), Ok(state(&[])));
        for (pieces, seated, why) in [
            (&two[..], &[0][..], "a piece stands there whose seat nobody has"),
            (&two, &[0, 1, 3], "someone has no piece"),
            (&[(0, 4, 0)], &[0], "a piece stands off the board"),
            (&[(0, 0, 0), (1, 0, 0)], &[0, 1], "two pieces stand on one cell"),
            (&[(0, 0, 0), (0, 1, 0)], &[0], "someone has two pieces"),
        ] {
            assert_eq!(restored(10, pieces, seated), Err(Unfit(why)));
        }
        let mut crowded = board(8, 8, 10);
        let tiny = State { size: BoardSize::new(3, 3).unwrap(), ..state(&[]) };
        let before = crowded.clone();
        assert_eq!(crowded.restore(tiny, &[]), Err(Unfit("it has fewer cells than seats")));
        assert_eq!(crowded, before, "what does not fit changes nothing");
    }

    #[derive(Debug, Clone)]
    enum Action {
        Take(u8),
        Leave(u8),
        Step(u8, Direction),
    }

    fn action() -> impl Strategy<Value = Action> {
        let direction = prop::sample::select(&Direction::ALL[..]);
        prop_oneof![
            1 => (0u8..10).prop_map(Action::Take),
            1 => (0u8..10).prop_map(Action::Leave),
            8 => (0u8..10, direction).prop_map(|(seat, direction)| Action::Step(seat, direction)),
        ]
    }

    proptest! {
        /// No two pieces on a cell, none off the board, a refusal changes nothing, and the accepted commands alone
        /// give the same board, as does what was saved of it.
        #[test]
        fn rules_hold_and_replay((width, height) in (4u8..9, 3u8..9), actions in prop::collection::vec(action(), 0..200)) {
            let mut live = board(width, height, 10);
            let mut replay = live.clone();
            for action in actions {
                match action {
                    Action::Take(index) if live.piece(seat(index)).is_none() => {
                        prop_assert_eq!(live.take_seat(NOW, seat(index)), replay.take_seat(NOW, seat(index)));
                    }
                    Action::Leave(index) => {
                        live.leave_seat(NOW, seat(index));
                        replay.leave_seat(NOW, seat(index));
                    }
                    Action::Step(index, direction) if live.piece(seat(index)).is_some() => {
                        let before = live.clone();
                        match live.apply(NOW, seat(index), direction) {
                            Ok(position) => prop_assert_eq!(replay.apply(NOW, seat(index), direction), Ok(position)),
                            Err(_) => prop_assert_eq!(&live, &before),
                        }
                    }
                    _ => {}
                }
                let cells: Vec<_> = live.snapshot().positions.iter().map(|position| position.cell).collect();
                prop_assert!(cells.iter().all(|&cell| live.size().contains(cell)));
                prop_assert_eq!(cells.iter().collect::<HashSet<_>>().len(), cells.len());
            }
            let seated: Vec<_> = (0..10).map(seat).filter(|&seat| live.piece(seat).is_some()).collect();
            let mut restored = board(4, 3, 10);
            prop_assert_eq!(restored.restore(live.save().unwrap(), &seated), Ok(()));
            prop_assert_eq!(&restored, &live);
            prop_assert_eq!(live, replay);
        }
    }
}
