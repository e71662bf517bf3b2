//! What a client may say. The order of the variants is their type number on the wire: only append.

use crate::{
    Audience, ChatText, CommandBytes, GameName, MAX_CLIENT_FRAME, Manner, Name, Part, PlayerId, ResumeToken, RoomId,
    RoomPassword, RoomPlan, RoomQuery, RoomTitle, SeatCount, Secret, SignalPayload, SoftwareName, VersionRange,
    codec::Packet,
};
use serde::{Deserialize, Serialize};

/// A packet from a client to the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientPacket {
    /// The first packet of a connection: which versions the client speaks, and what it is.
    Hello {
        /// The protocol versions it speaks.
        versions: VersionRange,
        /// Its name and version, for logs.
        client: SoftwareName,
    },
    /// Signs in as a guest, under a name that nobody signed in has.
    Guest {
        /// The name asked for.
        name: Name,
    },
    /// Asks for one page of the list of rooms.
    ListRooms {
        /// Rooms with a number above this one are listed; 0 asks for the first page.
        after: RoomId,
        /// Which rooms are wanted.
        filter: RoomFilter,
    },
    /// Opens a room and takes its first seat.
    OpenRoom {
        /// What is played in it; `None` takes the server's default game.
        game: Option<GameName>,
        /// What the room list shows.
        title: RoomTitle,
        /// How many seats it has; `None` takes the game's most, and so does what exceeds it.
        seats: Option<SeatCount>,
    },
    /// Takes a free seat.
    Join {
        /// In which room.
        target: JoinTarget,
    },
    /// Gives the seat back, or stops watching.
    Leave,
    /// Asks the game for something, such as a step of the own piece.
    Command {
        /// The client's number for this command; acknowledged or refused under it. Rises by one with each command.
        seq: u32,
        /// The game's own command.
        command: CommandBytes,
    },
    /// Says something to everyone in the room.
    Chat {
        /// The line.
        text: ChatText,
    },
    /// Sends opaque match data.
    Signal {
        /// To whom.
        to: SignalTarget,
        /// The data.
        payload: SignalPayload,
    },
    /// Asks for a [`Pong`](crate::ServerPacket::Pong), to measure the round trip.
    Ping {
        /// Comes back as it is.
        nonce: u32,
    },
    /// Answers the server's [`Ping`](crate::ServerPacket::Ping).
    Pong {
        /// The ping's own.
        nonce: u32,
    },
    /// Says goodbye: the server gives the seat and the name back and closes.
    Bye,
    /// Watches a room without a seat.
    Watch {
        /// Which.
        room: RoomId,
    },
    /// Signs in as who the client was before its connection was lost, and takes its seat again.
    Resume {
        /// The last token that the server gave.
        token: ResumeToken,
        /// What the client has seen of the room that it was in; `None` where it was in none, or wants to see it anew.
        seen: Option<Seen>,
    },
    /// Makes an account, which keeps the name for good, and signs in to it.
    Register {
        /// The name asked for.
        name: Name,
        /// The password that the account will have.
        secret: Secret,
    },
    /// Signs in to an account.
    Login {
        /// Its name.
        name: Name,
        /// Its password.
        secret: Secret,
    },
    /// Says something: to the room, to the lobby, or to one player.
    Say {
        /// To whom.
        to: Audience,
        /// How.
        manner: Manner,
        /// What.
        text: ChatText,
    },
    /// Asks for one page of the people in the lobby.
    ListLobby {
        /// Players with a number above this one are listed; 0 asks for the first page.
        after: PlayerId,
    },
    /// Opens a room of one's own, as its owner, and takes its first seat.
    CreateRoom(Box<RoomPlan>),
    /// Asks for one page of the rooms that are as asked for.
    FindRooms(Box<RoomQuery>),
    /// Takes a free seat in a room with a password, or watches it.
    Unlock {
        /// Which room.
        room: RoomId,
        /// To sit there or to watch.
        part: Part,
        /// Its password.
        password: RoomPassword,
    },
    /// The owner of the room puts someone out of it.
    Remove {
        /// Whom.
        name: Name,
    },
    /// The owner of the room makes someone else in it the owner.
    HandOver {
        /// Whom.
        name: Name,
    },
}

/// What a client has seen of a room: every event up to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The room.
    pub room: RoomId,
    /// Its incarnation, as `Joined` told it.
    pub incarnation: u32,
    /// The number of the last event that came.
    pub event: u64,
}

/// Which rooms a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomFilter {
    /// Every room.
    All,
    /// Rooms with a free seat.
    Open,
}

/// Which room to join.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinTarget {
    /// Any of the server's default game with a free seat; where there is none, a new one.
    Any,
    /// This one.
    Room(RoomId),
    /// Any of this game with a free seat; where there is none, a new one.
    AnyOf(GameName),
}

/// Who receives a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SignalTarget {
    /// Only the sender: an echo.
    Myself,
    /// Everyone in the room, the sender included.
    Room,
}

impl Packet for ClientPacket {
    const MAX_PAYLOAD: usize = MAX_CLIENT_FRAME;

    fn holds_a_secret(&self) -> bool {
        matches!(
            self,
            Self::Register { .. }
                | Self::Login { .. }
                | Self::Resume { .. }
                | Self::CreateRoom(_)
                | Self::Unlock { .. }
        )
    }
}
