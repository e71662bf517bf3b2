//! What errors and reasons are called before people. Both front ends use the same words.

use super::{game::Game, session::Refusal};
use malpan_client::{
    ClientError,
    protocol::{
        ChatText, Denial, DenialCode, GameName, KickReason, LeaveReason, Manner, Name, RoomId, Whisper,
        game::{board, five},
    },
};
use std::io::ErrorKind;

/// Why a command was not done. `--plain` promises these.
pub(crate) fn refusal(why: Refusal) -> &'static str {
    match why {
        Refusal::TooFast => "too fast",
        Refusal::Board(board::Refusal::OffBoard) | Refusal::Five(five::Refusal::OffBoard) => "off the board",
        Refusal::Board(board::Refusal::Taken) | Refusal::Five(five::Refusal::Taken) => "taken",
        Refusal::Five(five::Refusal::NoGame) => "no game is on",
        Refusal::Five(five::Refusal::NotYourTurn) => "not your turn",
        Refusal::Five(five::Refusal::StillOn) => "the game is still on",
        Refusal::Five(five::Refusal::NoOpponent) => "no opponent",
        Refusal::Unknown => "for a reason that this client does not know",
    }
}

/// By what a game of five in a row was won. `--plain` promises these.
pub(crate) fn victory(by: five::Victory) -> &'static str {
    match by {
        five::Victory::Five => "five in a row",
        five::Victory::Resignation => "resignation",
        five::Victory::Departure => "departure",
    }
}

/// Why a room that was joined is left again.
pub(crate) fn unplayable(room: RoomId, game: GameName, known: bool) -> String {
    if known {
        return format!("room {room} plays {game} in a way that this client cannot read");
    }
    format!("room {room} plays {game}, which this client does not; it plays {}", Game::names())
}

/// Why someone left, where it was not by choice.
pub(crate) fn leave(reason: LeaveReason) -> Option<&'static str> {
    match reason {
        LeaveReason::Left => None,
        LeaveReason::Disconnected => Some("connection lost"),
        LeaveReason::Kicked => Some("removed by the server"),
        LeaveReason::Removed => Some("removed by the owner"),
    }
}

/// Why the server closed the connection.
pub(crate) fn kick(reason: KickReason) -> &'static str {
    match reason {
        KickReason::SlowConsumer => "this connection was too slow to keep up",
        KickReason::TooLate => "signing in took too long",
        KickReason::Silent => "the server heard nothing from here for too long",
        KickReason::Flooding => "too much was sent too fast",
        KickReason::Stopping => "the server is stopping",
        KickReason::RoomFailed => "the room ended by a fault of the server",
        KickReason::InternalError => "a fault of the server ended the connection",
        KickReason::TakenOver => "you have come back over another connection",
        KickReason::SignedInElsewhere => "you have signed in from elsewhere",
        KickReason::Banned => "the operator has banned this account",
        KickReason::AccountDeleted => "the operator has deleted this account",
    }
}

/// Why a request was not done: the server's own sentence, or ours where it sent none.
pub(crate) fn denial(denial: &Denial) -> String {
    if !denial.reason.as_str().trim().is_empty() {
        return denial.reason.to_string();
    }
    match denial.code {
        DenialCode::Version => "the server speaks another version of the protocol",
        DenialCode::Malformed => "the server could not read what was sent",
        DenialCode::OutOfOrder => "the server did not expect that now",
        DenialCode::ServerFull => "the server is full",
        DenialCode::AddressFull => "too many connections come from this address",
        DenialCode::TooManyUnsigned => "the server is busy with sign-ins",
        DenialCode::NameTaken => "someone has that name",
        DenialCode::TooManyAttempts => "too many attempts to sign in",
        DenialCode::RoomFull => "every seat is taken",
        DenialCode::NoSuchRoom => "there is no such room",
        DenialCode::TooManyRooms => "the server opens no more rooms",
        DenialCode::RateLimited => "too fast; wait a moment",
        DenialCode::Draining => "the server is stopping",
        DenialCode::NoSuchGame => "the server has no such game",
        DenialCode::NotWatchable => "it cannot be watched, or too many watch it",
        DenialCode::ResumeRefused => "the server does not know this session any more",
        DenialCode::Watching => "only watching: join the room to play and chat",
        DenialCode::TlsRequired => "the server speaks TLS; use --tls",
        DenialCode::WrongCredentials => "wrong name or password",
        DenialCode::Busy => "the server is busy; try again in a moment",
        DenialCode::Banned => "the operator has banned this account",
        DenialCode::SignInRequired => "the server takes no guests; sign in to an account",
        DenialCode::Insecure => "the server takes no password over an unencrypted connection; use TLS",
        DenialCode::TooSoon => "too many wrong passwords; wait a little",
        DenialCode::PasswordRequired => "the room has a password",
        DenialCode::WrongPassword => "that is not the room's password",
        DenialCode::Barred => "you were removed from that room not long ago",
        DenialCode::NotOwner => "only the room's owner may do that",
        DenialCode::NoSuchPlayer => "nobody of that name is there",
        DenialCode::NotHeard => "they are too far behind to hear that",
        DenialCode::NotHere => "that cannot be said from here",
        DenialCode::BoardNotAllowed => "a room of that game cannot have such a board",
    }
    .into()
}

/// What someone said or did.
pub(crate) fn spoken(manner: Manner, name: &Name, text: &ChatText) -> String {
    match manner {
        Manner::Say => format!("{name}: {text}"),
        Manner::Emote => format!("* {name} {text}"),
    }
}

/// A whisper as the one of that name sees it.
pub(crate) fn whisper(whisper: &Whisper, own: &Name) -> String {
    let said = spoken(whisper.manner, &whisper.from, &whisper.text);
    if whisper.from == *own { format!("(to {}) {said}", whisper.to) } else { format!("(whispers) {said}") }
}

/// Why nothing can be played, or no longer, and what to do where there is no server.
pub(crate) fn failure(address: &str, why: &str, unreachable: bool, was_online: bool) -> String {
    if unreachable {
        return format!(
            "cannot connect to {address}: {why}\n\
             Is malpan-server running at {address}? Another server is named with `malpan play HOST:PORT`."
        );
    }
    format!("cannot {} at {address}: {why}", if was_online { "go on" } else { "play" })
}

/// Why the connection failed.
pub(crate) fn client_error(error: &ClientError) -> String {
    match error {
        ClientError::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => "connection refused".into(),
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
                "the connection broke".into()
            }
            ErrorKind::UnexpectedEof => "the connection broke within a packet".into(),
            _ => error.to_string(),
        },
        ClientError::Kicked(reason) => kick(*reason).into(),
        ClientError::Denied(denied) => denial(denied),
        ClientError::TimedOut(limit) => format!("no answer within {} s", limit.as_secs()),
        other => other.to_string(),
    }
}
