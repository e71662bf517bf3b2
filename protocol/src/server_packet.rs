//! What the server says. The order of the variants is their type number on the wire: only append.

use crate::{
    About, ChatText, GameName, History, List, LobbyChat, LobbyPage, MAX_ACKS, MAX_SEATS, MAX_SERVER_FRAME, Name,
    PlayerId, ROOMS_PER_PAGE, Reason, RefusalBytes, ResumeToken, RoomId, RoomList, RoomTitle, Seat, SeatCount,
    SignalPayload, SoftwareName, StateBytes, UpdateBytes, Whisper, codec::Packet,
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
    /// The seat is taken, or the room is watched: the room as it stands now.
    Joined(Joined),
    /// Someone took a seat. Must be delivered.
    Entered(Entered),
    /// Someone left. Must be delivered.
    Left(Left),
    /// What happened in the game since the last batch and is soon out of date, such as where pieces stand. Left out for a
    /// client that falls behind.
    Updates(Updates),
    /// How the game stands now: sent once to a client that fell behind and has caught up.
    Snapshot(Snapshot),
    /// A command was not done; the game is unchanged.
    Refused(Refused),
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
    /// The seat was given back as asked, or the room that was watched is left or has closed; nothing more of that room
    /// follows.
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
    /// Something happened in the game that everyone has to know. Must be delivered.
    Happened(Happened),
    /// What brings the client back should its connection be lost: the newest replaces those before it.
    Token {
        /// To be kept secret.
        token: ResumeToken,
    },
    /// Answers a [`Resume`](crate::ClientPacket::Resume).
    Resumed(Resumed),
    /// Someone's connection was lost; the seat is kept for them for a while. Must be delivered.
    Away {
        /// The event's number.
        event: u64,
        /// Whose.
        seat: Seat,
    },
    /// Someone who was away is back. Must be delivered.
    Back {
        /// The event's number.
        event: u64,
        /// Who.
        seat: Seat,
    },
    /// Follows a [`Joined`] where some of the members are away.
    Absent {
        /// Their seats.
        seats: List<Seat, MAX_SEATS>,
    },
    /// The operator has something to say to everyone who is signed in.
    Notice {
        /// What.
        text: ChatText,
    },
    /// Someone in the room did something, by their own words. Must be delivered.
    Emote(Chatted),
    /// Someone in the lobby said something. Dropped for a client that falls behind.
    LobbyChat(LobbyChat),
    /// Someone said something to this client's player alone, or that player to someone. Dropped for a client that falls
    /// behind.
    Whisper(Whisper),
    /// What was said in the room before: right after [`ServerPacket::Joined`], where anything was. Dropped for a client that
    /// falls behind.
    History(History),
    /// One page of the people in the lobby.
    LobbyPage(LobbyPage),
    /// One page of the rooms that are as asked for.
    RoomList(RoomList),
    /// What not every room has: right after [`ServerPacket::Joined`], where the room has it.
    About(About),
    /// The room has another owner. Must be delivered.
    Owner {
        /// The event's number.
        event: u64,
        /// The owner's seat; `None` where the last one has left.
        seat: Option<Seat>,
    },
    /// The room's owner has put this client out of the room. A `RoomLeft` follows.
    Removed {
        /// Which room.
        room: RoomId,
        /// The owner.
        by: Name,
    },
}

/// See [`ServerPacket::Resumed`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// The player's number, which is the same as before.
    pub player: PlayerId,
    /// The name, which is the same as before.
    pub name: Name,
    /// What became of the seat.
    pub place: Resumption,
}

/// What a client that came back has of the room that it was in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resumption {
    /// No seat, or none any more: it is in the lobby.
    Lobby,
    /// Its seat, and it goes on from what it has seen: exactly the events follow that it has missed, and then a
    /// [`Snapshot`].
    Missed {
        /// Which room.
        room: RoomId,
        /// How many events.
        events: u32,
    },
    /// Its seat; what it has seen is out of date, and a [`Joined`] follows with everything.
    Anew {
        /// Which room.
        room: RoomId,
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
    /// Commands to the game a second.
    pub steps_per_second: u16,
    /// Such commands at once, after a rest.
    pub step_burst: u16,
    /// Signals a second.
    pub signals_per_second: u16,
    /// Milliseconds between two batches of updates at the least; 0 sends each at once.
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
    /// Someone signed in has that name, or it is an account's.
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
    /// The server has no game of that name.
    NoSuchGame,
    /// As many watch that room as may, or its game is not for watching.
    NotWatchable,
    /// Who watches has no part in the room: no commands, no chat, no signals.
    Watching,
    /// That token brings nobody back: it is wrong, was used before, or its time is over. Sign in anew.
    ResumeRefused,
    /// This port speaks TLS. Closes.
    TlsRequired,
    /// No account has that name and that password. Which of both is wrong is not said.
    WrongCredentials,
    /// The server cannot do that now: too many sign in at once, or it does not reach its store. Try again in a moment.
    Busy,
    /// The operator has banned the account.
    Banned,
    /// The server takes no guests: sign in to an account.
    SignInRequired,
    /// The server takes no password over a connection that is not encrypted.
    Insecure,
    /// Too soon after wrong passwords; the reason says for how long.
    TooSoon,
    /// That room has a password: unlock it.
    PasswordRequired,
    /// That is not the room's password.
    WrongPassword,
    /// The room's owner has put this player out not long ago.
    Barred,
    /// Only the room's owner may do that.
    NotOwner,
    /// Nobody of that name is there.
    NoSuchPlayer,
    /// Whoever it is for is too far behind to hear it.
    NotHeard,
    /// That can only be said from where it is heard: to the room by who sits in it, to the lobby by who is in no room.
    NotHere,
    /// A room of that game cannot have a board of that size.
    BoardNotAllowed,
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
    /// What is played in it.
    pub game: GameName,
    /// Seats taken.
    pub taken: u8,
    /// Seats in all.
    pub seats: SeatCount,
    /// Who watches without a seat.
    pub watchers: u8,
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
    /// What is played.
    pub game: GameName,
    /// The seat that is now the client's own; `None` for who watches.
    pub seat: Option<Seat>,
    /// Everyone with a seat, the client included.
    pub members: List<Member, MAX_SEATS>,
    /// How often this room has been loaded: event numbers of another incarnation mean nothing in this one.
    pub incarnation: u32,
    /// The number of the last event before this; the next one has the number after it.
    pub event: u64,
    /// The number of the last batch of updates before this.
    pub batch: u64,
    /// The game's own state as it stands.
    pub state: StateBytes,
}

/// Someone in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The seat.
    pub seat: Seat,
    /// The player's name.
    pub name: Name,
}

/// See [`ServerPacket::Entered`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entered {
    /// The event's number.
    pub event: u64,
    /// Who.
    pub member: Member,
    /// What that changed in the game.
    pub updates: UpdateBytes,
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
    /// What that changed in the game.
    pub updates: UpdateBytes,
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
    /// The room's owner put the player out.
    Removed,
}

/// See [`ServerPacket::Updates`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Updates {
    /// The number of the last event before these updates. They have no event number of their own.
    pub event: u64,
    /// This batch's number: one above the last one's, unless batches were left out.
    pub batch: u64,
    /// The game's own updates, in the order in which they happened.
    pub updates: UpdateBytes,
    /// The commands that were done meanwhile, in the order in which they were, but those that a [`Happened`] names.
    pub acks: List<Ack, MAX_ACKS>,
}

/// See [`ServerPacket::Snapshot`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The number of the last event.
    pub event: u64,
    /// The number of the last batch; a snapshot is no batch of its own.
    pub batch: u64,
    /// The game's own state as it stands.
    pub state: StateBytes,
    /// Each seat's last command that was done; 0 where there was none.
    pub acks: List<Ack, MAX_SEATS>,
}

/// See [`ServerPacket::Happened`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happened {
    /// The event's number.
    pub event: u64,
    /// The command that did it; `None` where time or the host did.
    pub ack: Option<Ack>,
    /// The game's own updates, in the order in which they happened.
    pub updates: UpdateBytes,
}

/// A command that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ack {
    /// Whose.
    pub seat: Seat,
    /// The number its client gave it.
    pub seq: u32,
}

/// See [`ServerPacket::Refused`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The number its client gave it.
    pub seq: u32,
    /// Why.
    pub why: RefusalReason,
}

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalReason {
    /// Faster than allowed: the game has not seen it.
    TooFast,
    /// The game's own reason.
    Rules(RefusalBytes),
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
    /// The player has come back over another connection.
    TakenOver,
    /// The same account signed in over another connection.
    SignedInElsewhere,
    /// The operator has banned the account.
    Banned,
    /// The operator has deleted the account.
    AccountDeleted,
}

impl Packet for ServerPacket {
    const MAX_PAYLOAD: usize = MAX_SERVER_FRAME;
}
