//! What the server says. The order of the variants is their type number on the wire: only append.

use crate::{
    BoardSize, Cell, ChatText, List, MAX_MOVES, MAX_SEATS, MAX_SERVER_FRAME, Name, PlayerId, ROOMS_PER_PAGE, Reason,
    RoomId, RoomTitle, Seat, SeatCount, SignalPayload, SoftwareName, codec::Packet,
};
use serde::{Deserialize, Serialize};

/// A packet from the server to a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerPacket {
    /// Answers a hello: the version chosen and the limits that hold.
    Welcome(Welcome),
    /// The last request was not done. Whether the connection ends with it depends on the code.
    Denied(Denial),
    /// Answers a sign-in.
    SignedIn {
        /// The player's number.
        player: PlayerId,
        /// The name as it stands, in NFC.
        name: Name,
    },
    /// One page of the list of rooms.
    Rooms(Rooms),
    /// The seat is taken: the room as it stands now.
    Joined(Joined),
    /// Someone took a seat. Must be delivered.
    Entered(Entered),
    /// Someone left. Must be delivered.
    Left(Left),
    /// Steps that were accepted since the last batch. Left out for a client that falls behind.
    Moves(Moves),
    /// Where every piece stands now: sent once to a client that fell behind and has caught up. Same fields as
    /// [`Moves`], with one position and one acknowledgement per seat.
    Snapshot(Moves),
    /// A step was not done; the board is unchanged.
    StepRefused(StepRefused),
    /// Someone said something. Must be delivered.
    Chat(Chatted),
    /// Match data for the room. Must be delivered.
    Signal(Signalled),
    /// The client's own match data, back.
    Echo {
        /// As it was sent.
        payload: SignalPayload,
    },
    /// Answer with a [`Pong`](crate::ClientPacket::Pong).
    Ping {
        /// To be sent back as it is.
        nonce: u32,
    },
    /// Answers the client's [`Ping`](crate::ClientPacket::Ping). Dropped for a client that falls behind.
    Pong {
        /// The ping's own.
        nonce: u32,
    },
    /// The seat was given back as asked; nothing more of that room follows.
    RoomLeft {
        /// Which room.
        room: RoomId,
    },
    /// The server is about to stop: play on, but no room can be joined any more.
    Draining {
        /// Seconds until it closes every connection at the latest.
        seconds: u16,
    },
    /// The server closes this connection; nothing follows.
    Kicked {
        /// Why.
        reason: KickReason,
    },
}

/// See [`ServerPacket::Welcome`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The protocol version both will speak.
    pub version: u16,
    /// The server's name and version.
    pub server: SoftwareName,
    /// What it allows.
    pub limits: Limits,
}

/// The limits a client has to keep to, as this server has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Most payload bytes of a frame to the server.
    pub frame_bytes: u16,
    /// Packets a second of any kind.
    pub packets_per_second: u16,
    /// Steps a second.
    pub steps_per_second: u16,
    /// Steps at once, after a rest.
    pub step_burst: u16,
    /// Signals a second.
    pub signals_per_second: u16,
    /// Milliseconds between two batches of moves at the least; 0 sends each at once.
    pub tick_ms: u16,
    /// Seconds of silence after which the server gives a client up. It sends a ping well before.
    pub silence_seconds: u16,
}

/// See [`ServerPacket::Denied`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// What is wrong, for programs.
    pub code: DenialCode,
    /// What is wrong, for people.
    pub reason: Reason,
}

/// Why a request was not done. See `docs/protocol.md` for which of them end the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DenialCode {
    /// No protocol version in common. Closes.
    Version,
    /// The bytes are not a packet of this protocol. Closes.
    Malformed,
    /// The packet is not allowed in this state of the conversation. Closes.
    OutOfOrder,
    /// The server has as many connections as it takes. Closes.
    ServerFull,
    /// Too many connections from this address. Closes.
    AddressFull,
    /// Too many connections that have not signed in. Closes.
    TooManyUnsigned,
    /// Someone signed in has that name.
    NameTaken,
    /// Too many sign-in attempts on this connection. Closes.
    TooManyAttempts,
    /// Every seat in that room is taken.
    RoomFull,
    /// There is no such room.
    NoSuchRoom,
    /// The server has as many rooms as it opens.
    TooManyRooms,
    /// Faster than allowed; this request was dropped. Ten of these within ten seconds end the connection.
    RateLimited,
    /// The server is stopping; no room can be joined.
    Draining,
}

/// See [`ServerPacket::Rooms`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rooms {
    /// The rooms of this page, by rising number.
    pub rooms: List<RoomInfo, ROOMS_PER_PAGE>,
    /// Ask with this as `after` for the next page; `None` where this is the last.
    pub next: Option<RoomId>,
}

/// One room in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// Its number.
    pub room: RoomId,
    /// Its title.
    pub title: RoomTitle,
    /// Seats taken.
    pub taken: u8,
    /// Seats in all.
    pub seats: SeatCount,
}

/// See [`ServerPacket::Joined`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The room's number.
    pub room: RoomId,
    /// Its title.
    pub title: RoomTitle,
    /// Seats in all.
    pub seats: SeatCount,
    /// The board's size.
    pub board: BoardSize,
    /// The seat that is now the client's own.
    pub seat: Seat,
    /// Everyone in the room, the client included.
    pub members: List<Member, MAX_SEATS>,
    /// How often this room has been loaded: event numbers of another incarnation mean nothing in this one.
    pub incarnation: u32,
    /// The number of the last event before this; the next one has the number after it.
    pub event: u64,
    /// The number of the last batch of moves before this.
    pub batch: u64,
}

/// Someone in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The seat.
    pub seat: Seat,
    /// The player's name.
    pub name: Name,
    /// Where the piece stands.
    pub cell: Cell,
}

/// See [`ServerPacket::Entered`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entered {
    /// The event's number.
    pub event: u64,
    /// Who, and where the piece stands.
    pub member: Member,
}

/// See [`ServerPacket::Left`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The event's number.
    pub event: u64,
    /// Whose seat is free again.
    pub seat: Seat,
    /// Why.
    pub reason: LeaveReason,
}

/// Why a seat is free again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LeaveReason {
    /// The player left.
    Left,
    /// The connection ended.
    Disconnected,
    /// The server ended the connection: its client was too slow or broke a rule.
    Kicked,
}

/// See [`ServerPacket::Moves`] and [`ServerPacket::Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Moves {
    /// The number of the last event before these moves. Moves have no event number of their own.
    pub event: u64,
    /// This batch's number: one above the last one's, unless batches were left out.
    pub batch: u64,
    /// Where pieces stand after each accepted step, in the order in which they were accepted.
    pub positions: List<Position, MAX_MOVES>,
    /// Which steps those were: as many as `positions`, in the same order.
    pub acks: List<Ack, MAX_MOVES>,
}

/// Where a piece stands: three bytes on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Whose piece.
    pub seat: Seat,
    /// Where.
    pub cell: Cell,
}

/// A step that was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Whose step.
    pub seat: Seat,
    /// The number its client gave it.
    pub seq: u32,
}

/// See [`ServerPacket::StepRefused`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRefused {
    /// The number its client gave it.
    pub seq: u32,
    /// Why.
    pub why: Refusal,
}

/// Why a step was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Refusal {
    /// It leads off the board.
    OffBoard,
    /// A piece stands there.
    Taken,
    /// Faster than allowed.
    TooFast,
}

/// See [`ServerPacket::Chat`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chatted {
    /// The event's number.
    pub event: u64,
    /// Who said it.
    pub seat: Seat,
    /// What.
    pub text: ChatText,
}

/// See [`ServerPacket::Signal`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signalled {
    /// The event's number.
    pub event: u64,
    /// Who sent it.
    pub seat: Seat,
    /// The data.
    pub payload: SignalPayload,
}

/// Why the server closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KickReason {
    /// The client read too slowly: what must be delivered no longer fitted its queue, or nothing could be written to
    /// it for seconds.
    SlowConsumer,
    /// No hello, or no sign-in, within the time for it.
    TooLate,
    /// Nothing came from the client for the silence limit, pings included.
    Silent,
    /// Too much over the rate limits.
    Flooding,
    /// The server stops.
    Stopping,
    /// The room ended by a fault of the server.
    RoomFailed,
    /// The connection ended by a fault of the server.
    InternalError,
}

impl Packet for ServerPacket {
    const MAX_PAYLOAD: usize = MAX_SERVER_FRAME;
}
