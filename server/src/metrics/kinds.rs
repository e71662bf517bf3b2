//! What is told apart by a label, and the labels: closed sets, each written down once.
//!
//! Every table is a match over its type. A packet, a reason or a count that is new does not compile until it has a line
//! here, so no label is ever made up at run time and their number is known.

use malpan_net::Count;
use malpan_protocol::{ClientPacket, DenialCode, KickReason, RefusalReason, ServerPacket};

/// A closed set of things with a label each.
pub(super) trait Labelled: Copy {
    /// The labels, in snake case.
    const LABELS: &'static [&'static str];

    /// Where in [`Labelled::LABELS`] its own stands.
    fn index(self) -> usize;
}

macro_rules! labels {
    ($type:ident { $($variant:ident = $label:literal,)+ }) => {
        impl Labelled for $type {
            const LABELS: &'static [&'static str] = &[$($label,)+];

            fn index(self) -> usize {
                enum Place { $($variant,)+ }
                match self { $(Self::$variant { .. } => Place::$variant as usize,)+ }
            }
        }
    };
}

macro_rules! kinds {
    ($(#[$doc:meta])+ $kind:ident of $packet:ident { $($variant:ident = $label:literal,)+ }) => {
        $(#[$doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $kind { $(#[doc = concat!("Labelled `", $label, "`.")] $variant,)+ }

        impl From<&$packet> for $kind {
            fn from(packet: &$packet) -> Self {
                match packet { $($packet::$variant { .. } => Self::$variant,)+ }
            }
        }

        labels! { $kind { $($variant = $label,)+ } }
    };
}

kinds! {
    /// The kind of a packet from a client.
    ClientKind of ClientPacket {
        Hello = "hello",
        Guest = "guest",
        ListRooms = "list_rooms",
        OpenRoom = "open_room",
        Join = "join",
        Leave = "leave",
        Command = "command",
        Chat = "chat",
        Signal = "signal",
        Ping = "ping",
        Pong = "pong",
        Bye = "bye",
        Watch = "watch",
        Resume = "resume",
        Register = "register",
        Login = "login",
        Say = "say",
        ListLobby = "list_lobby",
        CreateRoom = "create_room",
        FindRooms = "find_rooms",
        Unlock = "unlock",
        Remove = "remove",
        HandOver = "hand_over",
    }
}

kinds! {
    /// The kind of a packet from the server.
    ServerKind of ServerPacket {
        Welcome = "welcome",
        Denied = "denied",
        SignedIn = "signed_in",
        Rooms = "rooms",
        Joined = "joined",
        Entered = "entered",
        Left = "left",
        Updates = "updates",
        Snapshot = "snapshot",
        Refused = "refused",
        Chat = "chat",
        Signal = "signal",
        Echo = "echo",
        Ping = "ping",
        Pong = "pong",
        RoomLeft = "room_left",
        Draining = "draining",
        Kicked = "kicked",
        Happened = "happened",
        Token = "token",
        Resumed = "resumed",
        Away = "away",
        Back = "back",
        Absent = "absent",
        Notice = "notice",
        Emote = "emote",
        LobbyChat = "lobby_chat",
        Whisper = "whisper",
        History = "history",
        LobbyPage = "lobby_page",
        RoomList = "room_list",
        About = "about",
        Owner = "owner",
        Removed = "removed",
    }
}

/// What is asked of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreOperation {
    CreateAccount,
    ReadAccount,
    ChangeAccount,
    ListAccounts,
    ReadToken,
    ChangeToken,
    ReadRooms,
    SaveRooms,
    ReservePlayers,
    ReadAll,
}

labels! {
    StoreOperation {
        CreateAccount = "create_account",
        ReadAccount = "read_account",
        ChangeAccount = "change_account",
        ListAccounts = "list_accounts",
        ReadToken = "read_token",
        ChangeToken = "change_token",
        ReadRooms = "read_rooms",
        SaveRooms = "save_rooms",
        ReservePlayers = "reserve_players",
        ReadAll = "read_all",
    }
}

labels! {
    KickReason {
        SlowConsumer = "slow_consumer",
        TooLate = "too_late",
        Silent = "silent",
        Flooding = "flooding",
        Stopping = "stopping",
        RoomFailed = "room_failed",
        InternalError = "internal_error",
        TakenOver = "taken_over",
        SignedInElsewhere = "signed_in_elsewhere",
        Banned = "banned",
        AccountDeleted = "account_deleted",
    }
}

labels! {
    DenialCode {
        Version = "version",
        Malformed = "malformed",
        OutOfOrder = "out_of_order",
        ServerFull = "server_full",
        AddressFull = "address_full",
        TooManyUnsigned = "too_many_unsigned",
        NameTaken = "name_taken",
        TooManyAttempts = "too_many_attempts",
        RoomFull = "room_full",
        NoSuchRoom = "no_such_room",
        TooManyRooms = "too_many_rooms",
        RateLimited = "rate_limited",
        Draining = "draining",
        NoSuchGame = "no_such_game",
        NotWatchable = "not_watchable",
        Watching = "watching",
        ResumeRefused = "resume_refused",
        TlsRequired = "tls_required",
        WrongCredentials = "wrong_credentials",
        Busy = "busy",
        Banned = "banned",
        SignInRequired = "sign_in_required",
        Insecure = "insecure",
        TooSoon = "too_soon",
        PasswordRequired = "password_required",
        WrongPassword = "wrong_password",
        Barred = "barred",
        NotOwner = "not_owner",
        NoSuchPlayer = "no_such_player",
        NotHeard = "not_heard",
        NotHere = "not_here",
        BoardNotAllowed = "board_not_allowed",
    }
}

kinds! {
    /// Why a command to the game was not done: the host's own reason, or one of the game's, which only the game can tell
    /// apart.
    RefusalKind of RefusalReason {
        TooFast = "too_fast",
        Rules = "rules",
    }
}

/// How a count of malpan-net's is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// As a metric of its own.
    Alone,
    /// As connections that were refused for this reason.
    Refused(&'static str),
    /// As connections that ended for this reason.
    Closed(&'static str),
    /// As frames of this class that were left out.
    LeftOut(&'static str),
}

/// How `count` is shown.
pub(super) fn shown(count: Count) -> Shown {
    match count {
        Count::Accepted
        | Count::AcceptErrors
        | Count::BytesReceived
        | Count::BytesWritten
        | Count::PacketsReceived
        | Count::FramesWritten => Shown::Alone,
        Count::LatestLeftOut => Shown::LeftOut("latest"),
        Count::DroppableDropped => Shown::LeftOut("droppable"),
        Count::HandshakesFailed => Shown::Closed("handshake"),
        Count::RefusedFull => Shown::Refused("server_full"),
        Count::RefusedAddress => Shown::Refused("address_full"),
        Count::RefusedPending => Shown::Refused("too_many_unsigned"),
        Count::Disconnected => Shown::Closed("disconnected"),
        Count::Malformed => Shown::Closed("malformed"),
        Count::SlowConsumers => Shown::Closed("slow_consumer"),
        Count::Silent => Shown::Closed("silent"),
        Count::Deadlines => Shown::Closed("deadline"),
        Count::Panics => Shown::Closed("panic"),
        Count::Stopped => Shown::Closed("stopping"),
        Count::ClosedByService => Shown::Closed("service"),
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientKind, Labelled, RefusalKind, ServerKind, StoreOperation};
    use malpan_protocol::{ClientPacket, DenialCode, KickReason, RefusalReason, ServerPacket};
    use std::collections::BTreeSet;

    fn assert_closed<T: Labelled>() {
        let labels: BTreeSet<_> = T::LABELS.iter().collect();
        assert_eq!(labels.len(), T::LABELS.len(), "two are called alike: {:?}", T::LABELS);
        for label in labels {
            assert!(label.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{label} is no snake case");
        }
    }

    #[test]
    fn labels_are_snake_case_and_tell_apart() {
        assert_closed::<ClientKind>();
        assert_closed::<ServerKind>();
        assert_closed::<KickReason>();
        assert_closed::<DenialCode>();
        assert_closed::<RefusalKind>();
        assert_closed::<StoreOperation>();
    }

    #[test]
    fn each_has_its_own_label() {
        let label = |packet| ClientKind::LABELS[ClientKind::from(&packet).index()];
        assert_eq!(label(ClientPacket::Ping { nonce: 1 }), "ping");
        assert_eq!(label(ClientPacket::Bye), "bye");
        let kicked = ServerPacket::Kicked { reason: KickReason::Silent };
        assert_eq!(ServerKind::LABELS[ServerKind::from(&kicked).index()], "kicked");
        assert_eq!(KickReason::LABELS[KickReason::Silent.index()], "silent");
        assert_eq!(RefusalKind::LABELS[RefusalKind::from(&RefusalReason::TooFast).index()], "too_fast");
    }
}
