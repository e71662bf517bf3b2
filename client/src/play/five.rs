//! Five in a row as people see it: whose stones are which, what lies on the board, and what won.

use malpan_client::protocol::{
    Cell, Seat,
    game::five::{Phase, SIDE, State, TO_WIN},
};

/// The cell in the middle.
pub(crate) const MIDDLE: Cell = Cell { x: SIDE / 2, y: SIDE / 2 };

/// A stone's colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stone {
    /// Begins.
    Black,
    /// Comes second.
    White,
}

impl Stone {
    /// Whose colour this is, once there has been a game.
    pub(crate) fn of(state: &State, seat: Seat) -> Option<Self> {
        (state.phase != Phase::Waiting).then(|| if seat == state.black { Self::Black } else { Self::White })
    }

    /// The letter that stands for it. ASCII, because a terminal set to Korean may draw circles two columns wide.
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Black => 'X',
            Self::White => 'O',
        }
    }

    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Black => "black",
            Self::White => "white",
        }
    }
}

/// Every stone on the board, the oldest first.
pub(crate) fn stones(state: &State) -> impl Iterator<Item = (Cell, Stone)> {
    state.stones.iter().copied().zip([Stone::Black, Stone::White].into_iter().cycle())
}

/// The five or more stones in a row that the last stone belongs to, in no order; none where it made no such row.
pub(crate) fn winning_stones(state: &State) -> Vec<Cell> {
    let Some((&last, before)) = state.stones.split_last() else { return vec![] };
    let owner = state.owner(before.len());
    let own: Vec<Cell> =
        (0..).zip(&state.stones).filter(|(number, _)| state.owner(*number) == owner).map(|(_, &cell)| cell).collect();
    let row = |dx: i16, dy: i16| {
        let ahead = |sign: i16| {
            (1..)
                .map_while(move |steps| {
                    let along = |from: u8, by: i16| u8::try_from(i16::from(from) + by * sign * steps).ok();
                    Some(Cell { x: along(last.x, dx)?, y: along(last.y, dy)? })
                })
                .take_while(|cell| own.contains(cell))
        };
        ahead(1).chain(ahead(-1)).chain([last]).collect::<Vec<Cell>>()
    };
    let rows = [row(1, 0), row(0, 1), row(1, 1), row(1, -1)];
    rows.into_iter().filter(|row| row.len() >= TO_WIN).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::winning_stones;
    use malpan_client::protocol::{Cell, Seat, game::five::State};
    use std::collections::BTreeSet;

    /// Black and white in turn, black first.
    fn after(stones: impl IntoIterator<Item = (u8, u8)>) -> State {
        let stones: Vec<Cell> = stones.into_iter().map(|(x, y)| Cell { x, y }).collect();
        State { stones: stones.try_into().unwrap(), ..State::new(Seat::new(0).unwrap()) }
    }

    /// Black's stones with white ones far away between them.
    fn black(cells: &[(u8, u8)]) -> State {
        let white = (0..).map(|y| (14, y * 2));
        after(cells.iter().copied().zip(white).flat_map(|(black, white)| [black, white]).take(cells.len() * 2 - 1))
    }

    fn won(state: &State) -> BTreeSet<(u8, u8)> {
        winning_stones(state).into_iter().map(|cell| (cell.x, cell.y)).collect()
    }

    #[test]
    fn five_in_each_direction_are_found_from_any_stone_of_theirs() {
        for row in [[(0, 0), (1, 0), (2, 0), (3, 0), (4, 0)], [(3, 2), (3, 3), (3, 4), (3, 5), (3, 6)]]
            .into_iter()
            .chain([[(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)], [(0, 4), (1, 3), (2, 2), (3, 1), (4, 0)]])
        {
            for last in 0..5 {
                let mut order = row.to_vec();
                order.swap(last, 4);
                assert_eq!(won(&black(&order)), row.into_iter().collect(), "{order:?}");
                assert_eq!(won(&black(&order[..4])), [].into(), "four are not enough");
            }
        }
    }

    #[test]
    fn six_win_and_a_gap_does_not() {
        let six = [(0, 7), (1, 7), (2, 7), (4, 7), (5, 7), (3, 7)];
        assert_eq!(won(&black(&six)), six.into_iter().collect());
        assert_eq!(won(&black(&[(0, 7), (1, 7), (2, 7), (4, 7), (5, 7)])), [].into());
    }

    #[test]
    fn two_rows_at_once_are_both_told() {
        let both = [(0, 4), (1, 4), (2, 4), (3, 4), (4, 0), (4, 1), (4, 2), (4, 3), (4, 4)];
        // White's column is out of the way of all of them.
        assert_eq!(won(&black(&both)).len(), 9);
    }

    #[test]
    fn the_others_stones_do_not_count() {
        assert_eq!(won(&after((0..5).map(|x| (x, 0)))), [].into());
        assert_eq!(won(&after([])), [].into());
    }
}
