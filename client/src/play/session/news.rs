//! What happened, told in names: what front ends show.

use super::request::Goal;
use malpan_client::protocol::{
    BoardSize, Cell, ChatText, Denial, Direction, KickReason, LeaveReason, Name, Refusal, RoomId, RoomInfo, RoomTitle,
    Seat, SoftwareName,
};
use std::time::Duration;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// The link tries to connect.
    Connecting {
        /// Failures before this attempt.
        failures: u32,
    },
    /// Signed in.
    Online {
        /// The name as the server has it.
        name: Name,
        /// What the server is.
        server: SoftwareName,
    },
    /// The name belongs to someone else; another is asked for.
    NameTaken(Name),
    /// The connection is lost.
    Offline {
        /// Why.
        why: String,
        /// When the link tries again.
        retry_in: Duration,
        /// Whether it was lost before, and only an attempt to come back has failed.
        again: bool,
    },
    /// There is no connection, and nobody tries again.
    Failed {
        /// Why.
        why: String,
        /// Whether there was no server to speak to at all.
        unreachable: bool,
    },
    /// A seat is taken.
    Joined {
        /// In which room.
        room: RoomId,
        /// Its title.
        title: RoomTitle,
        /// The own seat.
        seat: Seat,
        /// The board.
        board: BoardSize,
    },
    /// The own seat was given back.
    RoomLeft(RoomId),
    /// A room could not be joined or opened.
    JoinFailed {
        /// What was asked for.
        goal: Goal,
        /// Why not.
        denial: Denial,
    },
    /// The room as seen here contradicted the server, and is joined again.
    OutOfStep,
    /// Someone took a seat.
    Entered {
        /// Whose.
        seat: Seat,
        /// Their name.
        name: Name,
        /// Where their piece stands.
        cell: Cell,
    },
    /// Someone left.
    Left {
        /// Whose seat is free.
        seat: Seat,
        /// Their name.
        name: Name,
        /// Why.
        reason: LeaveReason,
    },
    /// A piece moved.
    Moved {
        /// Whose.
        name: Name,
        /// Where it stands now.
        cell: Cell,
    },
    /// An own step was not done.
    Refused {
        /// Why.
        why: Refusal,
        /// Where it led, where that is still known.
        direction: Option<Direction>,
        /// Who stands there, where that is known.
        by: Option<Name>,
    },
    /// Someone said something.
    Chat {
        /// From which seat.
        seat: Seat,
        /// Who.
        name: Name,
        /// What.
        text: ChatText,
    },
    /// A page of the room list.
    Rooms {
        /// Its rooms.
        rooms: Vec<RoomInfo>,
        /// Whether it is the list's first page.
        first: bool,
        /// Where the next page begins, if there is one.
        next: Option<RoomId>,
    },
    /// Something else that was asked for was not done.
    Denied(Denial),
    /// Something that was asked for got no answer.
    Unanswered,
    /// The server stops soon.
    Draining {
        /// Seconds until then, at most.
        seconds: u16,
    },
    /// The server closes this connection.
    Kicked(KickReason),
}
