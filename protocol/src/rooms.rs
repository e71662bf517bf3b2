//! Rooms that someone opens for themselves: what they ask for, how such rooms are found, and who may come in.

use crate::{
    BoardSize, GameName, List, Name, ROOMS_PER_PAGE, RoomFilter, RoomId, RoomPassword, RoomTitle, Seat, SeatCount,
};
use serde::{Deserialize, Serialize};

/// See [`ClientPacket::CreateRoom`](crate::ClientPacket::CreateRoom).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomPlan {
    /// What is played in it; `None` takes the server's default game.
    pub game: Option<GameName>,
    /// What the room list shows.
    pub title: RoomTitle,
    /// How many seats it has; `None` takes the game's most, and so does what exceeds it.
    pub seats: Option<SeatCount>,
    /// The size of its board; `None` takes the server's. Only the shared board has one to choose.
    pub board: Option<BoardSize>,
    /// What whoever comes in has to know; `None` lets everyone in.
    pub password: Option<RoomPassword>,
}

/// See [`ClientPacket::FindRooms`](crate::ClientPacket::FindRooms). A room is listed where it is all that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomQuery {
    /// Rooms with a number above this one are listed; 0 asks for the first page.
    pub after: RoomId,
    /// Whether a seat must be free.
    pub seats: RoomFilter,
    /// How one comes in; `None` for either.
    pub door: Option<Door>,
    /// What is played; `None` for any game.
    pub game: Option<GameName>,
    /// What the title contains, whatever its case; `None` for any title.
    pub title: Option<RoomTitle>,
}

impl RoomQuery {
    /// Every room, from the first page on.
    pub const ALL: Self = Self { after: RoomId(0), seats: RoomFilter::All, door: None, game: None, title: None };
}

/// How one comes into a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Door {
    /// Whoever wants to may come in.
    Open,
    /// Whoever knows the password may come in.
    Password,
}

/// What someone wants to be in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Part {
    /// Seated.
    Seat,
    /// Watching, without a seat.
    Watch,
}

/// See [`ServerPacket::RoomList`](crate::ServerPacket::RoomList).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomList {
    /// The rooms of this page, by rising number. There may be none of them, and a next page all the same: the server
    /// looks at so many rooms for one page and no more.
    pub rooms: List<RoomEntry, ROOMS_PER_PAGE>,
    /// Ask with this as `after` for the next page; `None` where this is the last.
    pub next: Option<RoomId>,
}

/// One room in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomEntry {
    /// Its number.
    pub room: RoomId,
    /// Its title.
    pub title: RoomTitle,
    /// What is played in it.
    pub game: GameName,
    /// Seats taken. 0 where everyone has just left; it closes after a while.
    pub taken: u8,
    /// Seats in all.
    pub seats: SeatCount,
    /// Who watches without a seat.
    pub watchers: u8,
    /// How one comes in.
    pub door: Door,
    /// Whose it is; `None` where it is nobody's.
    pub owner: Option<Name>,
}

/// See [`ServerPacket::About`](crate::ServerPacket::About).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Which room.
    pub room: RoomId,
    /// The owner's seat, as of the last event; `None` where there is no owner.
    pub owner: Option<Seat>,
    /// How one comes in.
    pub door: Door,
}
