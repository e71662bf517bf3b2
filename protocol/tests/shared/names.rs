//! The names of all variants. The matches have no wildcard: whoever appends a packet is sent here by the compiler,
//! and from here by the tests to the document and the strategies.

use malpan_protocol::{
    Audience, ClientPacket, DenialCode, Direction, Door, JoinTarget, KickReason, LeaveReason, Manner, Part,
    RefusalReason, Resumption, RoomFilter, ServerPacket, SignalTarget,
    game::{
        board::Refusal as BoardRefusal,
        five::{Command as FiveCommand, Outcome, Phase, Refusal as FiveRefusal, Update as FiveUpdate, Victory},
    },
};

/// An enum, packets first of all, whose variants have names.
pub(crate) trait Named {
    /// All of them, in the order of the source.
    const NAMES: &[&str];
    /// This one's.
    fn name(&self) -> &'static str;
}

macro_rules! variant_names {
    ($type:ident: $($variant:ident)*) => {
        impl Named for $type {
            const NAMES: &[&str] = &[$(stringify!($variant)),*];
            fn name(&self) -> &'static str {
                match self { $(Self::$variant { .. } => stringify!($variant)),* }
            }
        }
    };
}

macro_rules! plain_enum {
    ($type:ident: $($variant:ident)*) => {
        impl Plain for $type {
            const ALL: &[(&str, Self)] = &[$((stringify!($variant), $type::$variant)),*];
        }
        const _: fn($type) = |value| match value { $($type::$variant => ()),* };
    };
}

/// An enum without fields.
pub(crate) trait Plain: Copy + 'static {
    /// All its values with their names, in the order of the source.
    const ALL: &[(&str, Self)];
}

variant_names!(ClientPacket: Hello Guest ListRooms OpenRoom Join Leave Command Chat Signal Ping Pong Bye Watch Resume
    Register Login Say ListLobby CreateRoom FindRooms Unlock Remove HandOver);
variant_names!(ServerPacket: Welcome Denied SignedIn Rooms Joined Entered Left Updates Snapshot Refused Chat Signal Echo
    Ping Pong RoomLeft Draining Kicked Happened Token Resumed Away Back Absent Notice Emote LobbyChat
    Whisper History LobbyPage RoomList About Owner Removed);
variant_names!(Audience: Room Lobby Player);
variant_names!(JoinTarget: Any Room AnyOf);
variant_names!(RefusalReason: TooFast Rules);
variant_names!(Resumption: Lobby Missed Anew);
variant_names!(FiveCommand: Place Resign Rematch);
variant_names!(FiveUpdate: Began Placed Over RematchAsked);
variant_names!(Outcome: Won Draw);
variant_names!(Phase: Waiting Playing Over);

plain_enum!(Manner: Say Emote);
plain_enum!(Door: Open Password);
plain_enum!(Part: Seat Watch);
plain_enum!(RoomFilter: All Open);
plain_enum!(SignalTarget: Myself Room);
plain_enum!(Direction: Up Down Left Right);
plain_enum!(DenialCode: Version Malformed OutOfOrder ServerFull AddressFull TooManyUnsigned NameTaken TooManyAttempts
    RoomFull NoSuchRoom TooManyRooms RateLimited Draining NoSuchGame NotWatchable Watching ResumeRefused TlsRequired
    WrongCredentials Busy Banned SignInRequired Insecure TooSoon PasswordRequired WrongPassword Barred NotOwner NoSuchPlayer
    NotHeard NotHere BoardNotAllowed);
plain_enum!(LeaveReason: Left Disconnected Kicked Removed);
plain_enum!(KickReason: SlowConsumer TooLate Silent Flooding Stopping RoomFailed InternalError TakenOver
    SignedInElsewhere Banned AccountDeleted);
plain_enum!(BoardRefusal: OffBoard Taken);
plain_enum!(Victory: Five Resignation Departure);
plain_enum!(FiveRefusal: NoGame NotYourTurn OffBoard Taken StillOn NoOpponent);
