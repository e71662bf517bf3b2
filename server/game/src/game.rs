//! What a room's host needs to know of a game.

use malpan_protocol::Seat;
use std::time::Duration;

/// The rules of one room. The host gathers what they say, numbers it, sends it, and deals with whoever falls behind;
/// the rules only decide.
///
/// Seats are handed out by the [`Lobby`](crate::Lobby): a seat is taken before its first command and never twice at
/// once.
pub trait Game {
    /// What a player asks for.
    type Command;
    /// What an accepted command changes, told to everyone in the room.
    type Update;
    /// Why a command is not done, told to the player alone.
    type Refusal;

    /// Someone sits down. Returns what everyone has to know of it.
    fn take_seat(&mut self, seat: Seat) -> Self::Update;

    /// Someone is gone.
    fn leave_seat(&mut self, seat: Seat);

    /// Does what the player in `seat` asks at `now`, counted from the room's opening, or refuses and changes nothing.
    ///
    /// # Errors
    /// The reason for the refusal.
    fn apply(&mut self, now: Duration, seat: Seat, command: Self::Command) -> Result<Self::Update, Self::Refusal>;

    /// The state as updates, enough for a newcomer or for someone who missed some.
    fn snapshot(&self) -> impl Iterator<Item = Self::Update>;
}
