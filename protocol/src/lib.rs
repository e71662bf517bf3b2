//! Malpan's wire: typed packets, the value types they hold, and the codec that frames them.
//!
//! ```text
//! bytes -> frame.rs (u16 length, cap) -> wire.rs (bincode, limit, nothing left over) -> value/ (parsed types)
//! packets <- the same three files, the other way
//! ```
//!
//! The packets are one envelope for every game: what a game says itself stands in them [`Encoded`], and only its rules
//! and its clients decode it. [`game`] has the types of the games that come with Malpan.
//!
//! Invariant: a [`ClientPacket`] or [`ServerPacket`] that exists is valid. Counts, lengths and texts are checked
//! while they are parsed, so no inner layer checks them again, and no length that was merely claimed reserves memory.
//! This crate does no I/O and needs no runtime. `docs/protocol.md` describes every byte.

mod client_packet;
mod codec;
mod frame;
pub mod game;
mod rooms;
mod server_packet;
mod talk;
mod value;
mod version;
mod wire;

pub use client_packet::{ClientPacket, JoinTarget, RoomFilter, Seen, SignalTarget};
pub use codec::{ClientCodec, Codec, CodecError, Packet, ServerCodec};
pub use frame::{FrameError, LENGTH_BYTES};
pub use rooms::{About, Door, Part, RoomEntry, RoomList, RoomPlan, RoomQuery};
pub use server_packet::{
    Ack, Chatted, Denial, DenialCode, Entered, Happened, Joined, KickReason, LeaveReason, Left, Limits, Member,
    RefusalReason, Refused, Resumed, Resumption, RoomInfo, Rooms, ServerPacket, Signalled, Snapshot, Updates, Welcome,
};
pub use talk::{Audience, History, LOBBY_PAGE, LobbyChat, LobbyPage, MAX_HISTORY, Manner, PastLine, Whisper};
pub use value::{
    BoardSize, Cell, ChatText, CommandBytes, Direction, Encoded, GameName, List, ListError, Name, PlayerId, Reason,
    RefusalBytes, ResumeToken, RoomId, RoomPassword, RoomTitle, Seat, SeatCount, Secret, SignalPayload, SoftwareName,
    StateBytes, UpdateBytes, ValueError,
};
pub use version::{PROTOCOL_VERSION, VersionRange};
pub use wire::WireError;

/// Most payload bytes of one frame from a client.
pub const MAX_CLIENT_FRAME: usize = 1024;
/// Most payload bytes of the first frame of a connection, which is a hello.
pub const MAX_HELLO_FRAME: usize = 256;
/// Most payload bytes of one frame from the server.
pub const MAX_SERVER_FRAME: usize = 16 * 1024;
/// Most seats of one room.
pub const MAX_SEATS: usize = 10;
/// Most acknowledgements in one [`Updates`] packet; a room that has more to tell sends several.
pub const MAX_ACKS: usize = 1024;
/// Most rooms on one page of [`Rooms`].
pub const ROOMS_PER_PAGE: usize = 50;
