//! The room, as the game that is played in it. What is the same in every game is asked here; what is a game's own is
//! asked of its room.

use super::news::Refusal;
use crate::play::game::Game;
use malpan_client::{
    Room, RoomError,
    protocol::{Cell, Joined, Name, RefusalReason, RoomId, RoomTitle, Seat, SeatCount, ServerPacket, game::five},
};

/// A room of a game that this client knows.
#[derive(Debug, Clone)]
pub(crate) enum Table {
    /// Of the shared board.
    Board(Room),
    /// Of five in a row.
    Five(Room<five::State>),
}

macro_rules! any {
    ($table:expr, $room:ident => $value:expr) => {
        match $table {
            Table::Board($room) => $value,
            Table::Five($room) => $value,
        }
    };
}

impl Table {
    /// The room that was just joined, or is watched from now on.
    ///
    /// # Errors
    /// [`RoomError::WrongGame`] where this client does not know its game, [`RoomError::Game`] where it cannot read how
    /// the game stands.
    pub(crate) fn new(joined: &Joined) -> Result<Self, RoomError> {
        match Game::of(joined.game) {
            Some(Game::Board) => Room::new(joined).map(Self::Board),
            Some(Game::Five) => Room::new(joined).map(Self::Five),
            None => Err(RoomError::WrongGame(joined.game)),
        }
    }

    /// Takes in one packet.
    ///
    /// # Errors
    /// As [`Room::apply`].
    pub(crate) fn apply(&mut self, packet: &ServerPacket) -> Result<(), RoomError> {
        any!(self, room => room.apply(packet))
    }

    /// What is played.
    pub(crate) fn game(&self) -> Game {
        match self {
            Self::Board(_) => Game::Board,
            Self::Five(_) => Game::Five,
        }
    }

    /// The room's number.
    pub(crate) fn id(&self) -> RoomId {
        any!(self, room => room.id())
    }

    /// The room's title.
    pub(crate) fn title(&self) -> &RoomTitle {
        any!(self, room => room.title())
    }

    /// Seats in all.
    pub(crate) fn seats(&self) -> SeatCount {
        any!(self, room => room.seats())
    }

    /// The own seat; `None` where one only watches.
    pub(crate) fn own_seat(&self) -> Option<Seat> {
        any!(self, room => room.own_seat())
    }

    /// Whether one only watches.
    pub(crate) fn is_watched(&self) -> bool {
        self.own_seat().is_none()
    }

    /// Who sits there.
    pub(crate) fn name(&self, seat: Seat) -> Option<&Name> {
        any!(self, room => room.name(seat))
    }

    /// Whose the room is.
    pub(crate) fn owner(&self) -> Option<Seat> {
        any!(self, room => room.owner())
    }

    /// Whether the connection of who sits there was lost.
    pub(crate) fn is_away(&self, seat: Seat) -> bool {
        any!(self, room => room.is_away(seat))
    }

    /// Everyone with a seat, by seat.
    pub(crate) fn members(&self) -> impl Iterator<Item = (Seat, &Name)> {
        Seat::all(self.seats()).filter_map(|seat| Some((seat, self.name(seat)?)))
    }

    /// The room, where five in a row is played.
    pub(crate) fn five(&self) -> Option<&Room<five::State>> {
        match self {
            Self::Five(room) => Some(room),
            Self::Board(_) => None,
        }
    }

    /// Where the piece of a seat stands, on the shared board.
    pub(crate) fn cell(&self, seat: Seat) -> Option<Cell> {
        match self {
            Self::Board(room) => room.piece(seat).map(|piece| piece.cell),
            Self::Five(_) => None,
        }
    }

    /// Why a command was not done.
    pub(super) fn refusal(&self, why: &RefusalReason) -> Refusal {
        let RefusalReason::Rules(rules) = why else { return Refusal::TooFast };
        let read = match self {
            Self::Board(_) => rules.decode().map(Refusal::Board),
            Self::Five(_) => rules.decode().map(Refusal::Five),
        };
        // A newer server may have reasons that this client does not know.
        read.unwrap_or(Refusal::Unknown)
    }
}
