//! Places and directions on a board.

use super::ValueError;
use crate::MAX_SEATS;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::{fmt, str::FromStr};

/// A place at a room's board, counted from 0. A seat keeps its number while its player is in the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Seat(u8);

impl Seat {
    /// The seat with this index.
    ///
    /// # Errors
    /// [`ValueError::OutOfRange`] from [`MAX_SEATS`] on.
    pub fn new(index: u8) -> Result<Self, ValueError> {
        in_range("a seat", index, 0, SEATS_TOP - 1).map(Self)
    }

    /// Its index, below [`MAX_SEATS`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0.into()
    }

    /// Every seat that a room can have, in order.
    pub fn every() -> impl Iterator<Item = Self> {
        (0..SEATS_TOP).map(Self)
    }

    /// Every seat of a room with `count` seats, in order.
    pub fn all(count: SeatCount) -> impl Iterator<Item = Self> {
        (0..count.0).map(Self)
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How many seats a room has: 1 to [`MAX_SEATS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SeatCount(u8);

impl SeatCount {
    /// A count of seats.
    ///
    /// # Errors
    /// [`ValueError::OutOfRange`] outside 1 to [`MAX_SEATS`].
    pub fn new(count: u8) -> Result<Self, ValueError> {
        in_range("a number of seats", count, 1, SEATS_TOP).map(Self)
    }

    /// The count.
    #[must_use]
    pub fn count(self) -> usize {
        self.0.into()
    }
}

impl fmt::Display for SeatCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A board's width and height in cells, each 1 to 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct BoardSize {
    width: u8,
    height: u8,
}

impl BoardSize {
    /// The most cells in a row or a column.
    pub const MAX_SIDE: u8 = 64;
    /// The largest board.
    pub const LARGEST: Self = Self { width: Self::MAX_SIDE, height: Self::MAX_SIDE };

    /// A board of `width` x `height` cells.
    ///
    /// # Errors
    /// [`ValueError::OutOfRange`] where a side is 0 or over [`BoardSize::MAX_SIDE`].
    pub fn new(width: u8, height: u8) -> Result<Self, ValueError> {
        Ok(Self {
            width: in_range("a board's width", width, 1, Self::MAX_SIDE)?,
            height: in_range("a board's height", height, 1, Self::MAX_SIDE)?,
        })
    }

    /// Cells in a row.
    #[must_use]
    pub fn width(self) -> u8 {
        self.width
    }

    /// Cells in a column.
    #[must_use]
    pub fn height(self) -> u8 {
        self.height
    }

    /// Cells in all.
    #[must_use]
    pub fn cells(self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }

    /// Whether `cell` is on the board.
    #[must_use]
    pub fn contains(self, cell: Cell) -> bool {
        cell.x < self.width && cell.y < self.height
    }
}

impl fmt::Display for BoardSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl FromStr for BoardSize {
    type Err = ValueError;
    /// Reads `8x8`.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let malformed = || ValueError::Malformed { what: "a board", form: "WIDTHxHEIGHT, such as 8x8" };
        let (width, height) = text.split_once('x').ok_or_else(malformed)?;
        let side = |s: &str| s.parse::<u8>().map_err(|_| malformed());
        Self::new(side(width)?, side(height)?)
    }
}

/// One cell: `x` counts from the left, `y` from the top, both from 0. It may lie off a given board; ask
/// [`BoardSize::contains`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cell {
    /// Columns from the left.
    pub x: u8,
    /// Rows from the top.
    pub y: u8,
}

impl Cell {
    /// The cell one step away, or `None` where that would be left of or above the first, or past 255.
    #[must_use]
    pub fn step(self, direction: Direction) -> Option<Self> {
        let Self { x, y } = self;
        Some(match direction {
            Direction::Up => Self { x, y: y.checked_sub(1)? },
            Direction::Down => Self { x, y: y.checked_add(1)? },
            Direction::Left => Self { x: x.checked_sub(1)?, y },
            Direction::Right => Self { x: x.checked_add(1)?, y },
        })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.x, self.y)
    }
}

/// Where a step goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// One row up: `y - 1`.
    Up,
    /// One row down: `y + 1`.
    Down,
    /// One column left: `x - 1`.
    Left,
    /// One column right: `x + 1`.
    Right,
}

impl Direction {
    /// All four.
    pub const ALL: [Self; 4] = [Self::Up, Self::Down, Self::Left, Self::Right];
}

#[allow(clippy::cast_possible_truncation, reason = "MAX_SEATS is 10")]
const SEATS_TOP: u8 = MAX_SEATS as u8;

fn in_range(what: &'static str, value: u8, min: u8, max: u8) -> Result<u8, ValueError> {
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(ValueError::OutOfRange { what, value: value.into(), min: min.into(), max: max.into() })
}

impl<'de> Deserialize<'de> for Seat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u8::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for SeatCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u8::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for BoardSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (width, height) = <(u8, u8)>::deserialize(deserializer)?;
        Self::new(width, height).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::{BoardSize, Cell, Direction, Seat, SeatCount};

    #[test]
    fn bounds_hold() {
        assert!(Seat::new(9).is_ok() && Seat::new(10).is_err());
        assert!(SeatCount::new(0).is_err() && SeatCount::new(10).is_ok() && SeatCount::new(11).is_err());
        assert!(BoardSize::new(0, 8).is_err() && BoardSize::new(64, 64).is_ok() && BoardSize::new(8, 65).is_err());
    }

    #[test]
    fn seats_are_counted_from_zero_to_the_last() {
        let indices = |seats: Vec<Seat>| seats.into_iter().map(Seat::index).collect::<Vec<_>>();
        assert_eq!(indices(Seat::every().collect()), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let three = SeatCount::new(3).unwrap();
        assert_eq!((three.count(), indices(Seat::all(three).collect())), (3, vec![0, 1, 2]));
    }

    #[test]
    fn a_board_ends_with_its_last_row_and_column() {
        let board = BoardSize::new(3, 2).unwrap();
        let on_board = |x, y| board.contains(Cell { x, y });
        assert_eq!(board.cells(), 6);
        assert!(on_board(0, 0) && on_board(2, 1));
        assert!(!on_board(3, 1) && !on_board(2, 2) && !on_board(4, 0) && !on_board(0, 3));
    }

    #[test]
    fn places_are_shown_as_numbers() {
        let (seat, seats) = (Seat::new(7).unwrap(), SeatCount::new(9).unwrap());
        assert_eq!(format!("{seat} of {seats} at {}", Cell { x: 3, y: 4 }), "7 of 9 at 3,4");
    }

    #[test]
    fn a_board_reads_its_own_text() {
        let board: BoardSize = "12x7".parse().unwrap();
        assert_eq!((board.width(), board.height(), board.to_string().as_str()), (12, 7, "12x7"));
        for bad in ["8", "8x", "x8", "8x8x8", "-1x8", "8*8", "999x8"] {
            assert!(bad.parse::<BoardSize>().is_err(), "{bad}");
        }
    }

    #[test]
    fn steps_stop_at_the_edge_of_numbers() {
        let corner = Cell { x: 0, y: 255 };
        assert_eq!(corner.step(Direction::Left), None);
        assert_eq!(corner.step(Direction::Down), None);
        assert_eq!(corner.step(Direction::Up), Some(Cell { x: 0, y: 254 }));
        assert_eq!(corner.step(Direction::Right), Some(Cell { x: 1, y: 255 }));
    }
}
