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
