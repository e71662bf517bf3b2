//! What a room's host needs to know of a game.

use crate::Effects;
use malpan_protocol::{GameName, Seat};
use serde::{Serialize, de::DeserializeOwned};
use std::time::Duration;

/// The rules of one room. The host gathers what they say, numbers it, sends it, and deals with whoever falls behind;
/// the rules only decide.
///
/// The host calls one method at a time and keeps to this: a seat is taken before its first command, and never twice at
/// once; `now` never goes back. A method that panics ends its room, not the server. One that takes long holds up every
/// room and session of its thread, unless the host runs rooms on threads of their own.
///
/// What the types look like on the wire is serde's and the protocol's business; the client has the same types. An encoded
/// command has at most [`CommandBytes::MAX_BYTES`](malpan_protocol::CommandBytes::MAX_BYTES) bytes, the updates of one
/// call together at most half of [`UpdateBytes::MAX_BYTES`](malpan_protocol::UpdateBytes::MAX_BYTES), a snapshot at most
/// [`StateBytes::MAX_BYTES`](malpan_protocol::StateBytes::MAX_BYTES); more is a fault of the rules and ends the room.
pub trait Game: Send + Sized + 'static {
    /// What it is called: rooms of it are opened and joined under this name.
    const NAME: GameName;
    /// How often [`Game::tick`] is called; `None` never does.
    const TICK: Option<Duration> = None;
    /// Whether rooms may be watched without a seat. Who watches sees all that the seated see.
    const WATCHABLE: bool = true;

    /// What a player asks for.
    type Command: DeserializeOwned;
    /// Something that changed, told to everyone in the room.
    type Update: Serialize;
    /// Why a command is not done, told to the player alone.
    type Refusal: Serialize;
    /// The whole of it, for newcomers, for who watches, and for who missed updates.
    type Snapshot: Serialize;
    /// All that the rules have to know to go on after the server was started again, and no player may see: see
    /// [`Game::save`]. `()` for games that end with their server.
    type Saved: Serialize + DeserializeOwned;

    /// Someone sits down. What it changes is told with the word that they came, so it is delivered in any case.
    fn take_seat(&mut self, now: Duration, seat: Seat) -> Effects<Self::Update>;

    /// Someone is gone. What it changes is told with the word that they left, so it is delivered in any case.
    fn leave_seat(&mut self, now: Duration, seat: Seat) -> Effects<Self::Update>;

    /// Does what the player in `seat` asks at `now`, counted from the room's opening, or refuses and changes nothing.
    ///
    /// # Errors
    /// The reason for the refusal.
    fn apply(
        &mut self,
        now: Duration,
        seat: Seat,
        command: Self::Command,
    ) -> Result<Effects<Self::Update>, Self::Refusal>;

    /// Time has passed; called each [`Game::TICK`]. After a stall once, not once for each that was missed.
    fn tick(&mut self, now: Duration) -> Effects<Self::Update> {
        let _ = now;
        Effects::none()
    }

    /// How it stands. Whoever starts from here and takes in what follows sees what everyone sees.
    fn snapshot(&self) -> Self::Snapshot;

    /// What is kept of it, should the server end; `None` where nothing is, and the room ends with the server. It is asked
    /// about once a second while something happens, and when the server stops. Encoded it has at most [`MAX_SAVED`] bytes;
    /// more is a fault of the rules and ends the room.
    fn save(&self) -> Option<Self::Saved> {
        None
    }

    /// Goes on from what was [saved](Game::save), in a game that is new. `seated` are the seats that are taken, those of
    /// [`Game::take_seat`] at that time; `now` will go on from where it was.
    ///
    /// # Errors
    /// [`Unfit`] where the rules know of no such state, or it does not fit those who are seated. The room is set aside then:
    /// a board never comes back in a state that its rules forbid.
    fn restore(&mut self, saved: Self::Saved, seated: &[Seat]) -> Result<(), Unfit> {
        let _ = (saved, seated);
        Err(Unfit("this game does not outlive its server"))
    }
}

/// The most bytes of what is [saved](Game::save) of a game.
pub const MAX_SAVED: usize = 32 * 1024;

/// Why a game cannot go on from what was saved of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub &'static str);
