//! What happened, told in names: what front ends show.

use super::{commands::GameCommand, five::FiveNews, request::Goal};
use crate::play::{game::Game, identity::Identity, link::Problem};
use malpan_client::protocol::{
    BoardSize, Cell, ChatText, Denial, GameName, KickReason, LeaveReason, LobbyChat, Name, PastLine, PlayerId,
    RoomEntry, RoomId, RoomInfo, RoomQuery, RoomTitle, Seat, SoftwareName, Whisper,
    game::{board, five},
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
    /// Signed in again as the same player.
    Back {
        /// The name.
        name: Name,
        /// The room in which the seat was kept; `None` where there is none.
        room: Option<RoomId>,
    },
    /// Someone's connection was lost; their seat is kept for a while.
    Away(Name),
    /// Someone who was away is back.
    Returned(Name),
    /// The name belongs to someone else; another is asked for.
    NameTaken(Name),
    /// It shall be said who signs in.
    SignInAsked {
        /// Who was tried, or is proposed.
        like: Identity,
        /// Why that did not do, where it was tried.
        problem: Option<Problem>,
    },
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
    /// A seat is taken, or a room is watched.
    Joined {
        /// In which room.
        room: RoomId,
        /// Its title.
        title: RoomTitle,
        /// The own seat; `None` where one only watches.
        seat: Option<Seat>,
        /// What is played.
        game: Game,
        /// The size of the shared board.
        board: Option<BoardSize>,
    },
    /// A room was joined that this client cannot show, and is left again.
    Unplayable {
        /// Which.
        room: RoomId,
        /// What is played in it.
        game: GameName,
        /// Whether the client knows that game, and could not read how it stands.
        known: bool,
    },
    /// The own seat was given back, or the room is no longer watched.
    RoomLeft(RoomId),
    /// The room has closed under who watched it.
    RoomClosed(RoomId),
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
        /// Where their piece stands, on the shared board.
        cell: Option<Cell>,
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
    /// A piece moved on the shared board.
    Moved {
        /// Whose.
        name: Name,
        /// Where it stands now.
        cell: Cell,
    },
    /// Something in five in a row.
    Five(FiveNews),
    /// An own command was not done.
    Refused {
        /// Why.
        why: Refusal,
        /// What it was, where that is still known.
        command: Option<GameCommand>,
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
    /// Someone did something, by their own words.
    Emote {
        /// From which seat.
        seat: Seat,
        /// Who.
        name: Name,
        /// What.
        text: ChatText,
    },
    /// Someone in the lobby said something.
    LobbyChat(LobbyChat),
    /// Someone said something to one player: to the one here, or that one to someone.
    Whisper(Whisper),
    /// What was said in the room before, the oldest first.
    History(Vec<PastLine>),
    /// Whose the room is; `None` where it is nobody's any more.
    Owner(Option<Name>),
    /// The room's owner has put the one here out of it.
    Removed {
        /// Which room.
        room: RoomId,
        /// The owner.
        by: Name,
    },
    /// A page of the people in the lobby.
    Lobby {
        /// How many there are in all.
        total: u32,
        /// Those of this page.
        names: Vec<Name>,
        /// Where the next page begins, if there is one.
        next: Option<PlayerId>,
    },
    /// A page of rooms that were looked for.
    Found {
        /// What was asked for.
        query: RoomQuery,
        /// Its rooms.
        rooms: Vec<RoomEntry>,
        /// Whether it is the first page.
        first: bool,
        /// What brings the next page, if there is one.
        next: Option<RoomQuery>,
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
    /// The server's operator says something to everyone.
    Notice(ChatText),
    /// The server stops soon.
    Draining {
        /// Seconds until then, at most.
        seconds: u16,
    },
    /// The server closes this connection.
    Kicked(KickReason),
}

/// Why a command was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Faster than allowed.
    TooFast,
    /// By the shared board's rules.
    Board(board::Refusal),
    /// By the rules of five in a row.
    Five(five::Refusal),
    /// For a reason that this client does not know.
    Unknown,
}
