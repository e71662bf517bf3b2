//! The shared board: a command is a [`Direction`](crate::Direction), an update a [`Position`].

use crate::{BoardSize, Cell, List, MAX_SEATS, Seat};
use serde::{Deserialize, Serialize};

/// Where a piece stands: three bytes on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Whose piece.
    pub seat: Seat,
    /// Where.
    pub cell: Cell,
}

impl Position {
    /// Bytes of each, so that a row of them tells by its length how many there are.
    pub const BYTES: usize = 3;
}

/// Why a step was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Refusal {
    /// It leads off the board.
    OffBoard,
    /// A piece stands there.
    Taken,
}

/// The board as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Its size.
    pub size: BoardSize,
    /// Every piece.
    pub positions: List<Position, MAX_SEATS>,
}

#[cfg(test)]
mod tests {
    use super::Position;
    use crate::{Cell, Seat, UpdateBytes};

    #[test]
    fn every_position_has_the_same_length() {
        for position in [(0, 0, 0), (9, 63, 255)] {
            let (seat, x, y) = position;
            let position = Position { seat: Seat::new(seat).unwrap(), cell: Cell { x, y } };
            assert_eq!(UpdateBytes::of(&position).unwrap().len(), Position::BYTES);
        }
    }
}
