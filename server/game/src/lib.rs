//! Malpan's rules: the games, and the lobby that hands out seats. A game of your own implements [`Game`].
//!
//! ```text
//! host's directory -> Lobby: which room, which seat        host's room task -> Game: seats, commands, snapshot
//! ```
//!
//! Pure and synchronous: no tokio, no socket, no clock, no global random numbers. What time it is comes in as an
//! argument. Invariant: the same calls in the same order give the same state.

mod board;
mod effects;
mod five;
mod game;
mod lobby;

pub use board::Board;
pub use effects::{Effect, Effects};
pub use five::FiveInARow;
pub use game::{Game, MAX_SAVED, Unfit};
pub use lobby::{JoinError, Lobby, OpenError, Opened, Place, Released, WatchError};
