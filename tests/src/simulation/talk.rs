//! What an honest client hears, and whether it may.

use super::{
    honest::{Honest, Standing},
    stream::SimStream,
    table::Place,
};
use malpan_client::Client;
use malpan_protocol::{DenialCode, GameName, KickReason, ServerPacket};
use std::time::Duration;
use tokio::time::Instant;

/// Longer than any answer takes over a link that carries.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Where a conversation stands.
#[derive(Debug)]
pub(super) enum State {
    Lobby,
    /// Asked for a place.
    Asking,
    In(Box<Place>),
    /// Asked to go.
    Leaving(Box<Place>),
}

/// One conversation, after the sign-in.
pub(super) struct Talk {
    pub(super) client: Client<SimStream>,
    pub(super) state: State,
    /// Since when it is so.
    since: Instant,
    /// A request went unheard, and nobody says which.
    pub(super) rate_limited: bool,
    pub(super) compared: bool,
    pub(super) kicked: Option<KickReason>,
}

impl Talk {
    pub(super) fn new(client: Client<SimStream>) -> Self {
        let since = Instant::now();
        Self { client, state: State::Lobby, since, rate_limited: false, compared: false, kicked: None }
    }

    pub(super) fn is(&mut self, state: State) {
        self.state = state;
        self.since = Instant::now();
    }

    /// Whether the answer to a request is overdue.
    pub(super) fn waits_in_vain(&self) -> bool {
        matches!(self.state, State::Asking | State::Leaving(_)) && self.since.elapsed() > ANSWER_WITHIN
    }

    pub(super) fn asks(&self) -> bool {
        matches!(self.state, State::Asking)
    }
}

impl State {
    pub(super) fn place(&self) -> Option<&Place> {
        match self {
            Self::In(place) | Self::Leaving(place) => Some(place),
            Self::Lobby | Self::Asking => None,
        }
    }

    pub(super) fn place_mut(&mut self) -> Option<&mut Place> {
        match self {
            Self::In(place) | Self::Leaving(place) => Some(place),
            Self::Lobby | Self::Asking => None,
        }
    }
}

impl Honest {
    /// Takes in what the server says; an error where it may not say that now.
    pub(super) fn hear(&mut self, talk: &mut Talk, packet: ServerPacket) -> Result<(), String> {
        self.log(|| format!("hears {packet:?}"));
        if talk.kicked.is_some() {
            return Err(format!("something after the last word: {packet:?}"));
        }
        match packet {
            ServerPacket::Joined(joined) => {
                let State::Asking = talk.state else { return Err("a place that it did not ask for".into()) };
                let place = Place::new(&joined)?;
                self.count(match (joined.seat, joined.game) {
                    (None, _) => "watches",
                    (_, GameName::BOARD) => "sits at a board",
                    (_, GameName::FIVE) => "sits at five in a row",
                    _ => "sits at a faulty game",
                });
                talk.is(State::In(Box::new(place)));
                self.stand(Standing::Plays);
            }
            ServerPacket::Denied(denial) => {
                self.count(denied(denial.code));
                match denial.code {
                    DenialCode::RateLimited => talk.rate_limited = true,
                    DenialCode::RoomFull
                    | DenialCode::NoSuchRoom
                    | DenialCode::TooManyRooms
                    | DenialCode::Draining
                    | DenialCode::NoSuchGame
                    | DenialCode::NotWatchable => {
                        self.stand(Standing::Answered(denial.code));
                    }
                    _ => return Err(format!("an honest client was denied: {denial:?}")),
                }
                if matches!(talk.state, State::Asking) {
                    talk.is(State::Lobby);
                }
            }
            ServerPacket::RoomLeft { room } => {
                let place = talk.state.place().ok_or("it left a room and is in none")?;
                if place.room() != room {
                    return Err(format!("it left room {room} and was in {}", place.room()));
                }
                if matches!(talk.state, State::In(_)) && place.seat().is_some() {
                    return Err("it was put out of a room".into());
                }
                self.count(if matches!(talk.state, State::In(_)) { "the watched room closed" } else { "left a room" });
                talk.is(State::Lobby);
            }
            ServerPacket::Kicked { reason } => talk.kicked = Some(reason),
            ServerPacket::Draining { .. } => self.count("heard of the drain"),
            ServerPacket::Pong { .. } => self.count("heard a pong"),
            ServerPacket::Echo { .. } => self.count("heard an echo"),
            ServerPacket::Rooms(rooms) => {
                self.count("saw the rooms");
                if let Some(room) = rooms.rooms.iter().find(|room| usize::from(room.taken) > room.seats.count()) {
                    return Err(format!("more members than seats: {room:?}"));
                }
            }
            ServerPacket::Welcome(_) | ServerPacket::SignedIn { .. } | ServerPacket::Ping { .. } => {
                return Err(format!("{packet:?} at this time"));
            }
            of_a_room => {
                let place =
                    talk.state.place_mut().ok_or_else(|| format!("it is in no room and hears {of_a_room:?}"))?;
                let snapshots = place.snapshots;
                place.hear(&of_a_room)?;
                if place.snapshots > snapshots {
                    self.count("caught up by a snapshot");
                }
            }
        }
        Ok(())
    }
}

/// How it is counted.
pub(super) fn denied(code: DenialCode) -> &'static str {
    match code {
        DenialCode::ServerFull => "denied: the server is full",
        DenialCode::AddressFull => "denied: the address is full",
        DenialCode::TooManyUnsigned => "denied: too many unsigned",
        DenialCode::TooManyAttempts => "denied: too many tries to sign in",
        DenialCode::RoomFull => "denied: the room is full",
        DenialCode::NoSuchRoom => "denied: no such room",
        DenialCode::TooManyRooms => "denied: too many rooms",
        DenialCode::RateLimited => "denied: too fast",
        DenialCode::Draining => "denied: draining",
        DenialCode::NoSuchGame => "denied: no such game",
        DenialCode::NotWatchable => "denied: not to be watched",
        _ => "denied: otherwise",
    }
}

/// How it is counted.
pub(super) fn kicked(reason: KickReason) -> &'static str {
    match reason {
        KickReason::SlowConsumer => "kicked: too slow",
        KickReason::TooLate => "kicked: too late",
        KickReason::Silent => "kicked: silent",
        KickReason::Flooding => "kicked: flooding",
        KickReason::Stopping => "kicked: the server stops",
        KickReason::RoomFailed => "kicked: the room failed",
        KickReason::InternalError => "kicked: the server is at fault",
        KickReason::TakenOver => "kicked: taken over",
        KickReason::SignedInElsewhere => "kicked: signed in elsewhere",
        KickReason::Banned => "kicked: banned",
        KickReason::AccountDeleted => "kicked: the account is deleted",
    }
}
