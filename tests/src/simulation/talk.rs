//! What an honest client hears, and whether it may.

use super::{
    back::{HEARD, Spending},
    honest::{Honest, Standing},
    stream::SimStream,
    table::Place,
    words::{Kind, LOBBY},
};
use malpan_client::Client;
use malpan_protocol::{Door, GameName, Joined, KickReason, RoomId, Seat, ServerPacket, Whisper};
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
    /// Back in a room, of which it has to be told everything, on this seat if it had one there.
    Anew {
        room: RoomId,
        seat: Option<Seat>,
    },
}

/// One conversation, after the sign-in.
pub(super) struct Talk {
    pub(super) client: Client<SimStream>,
    pub(super) state: State,
    /// Since when it is so.
    since: Instant,
    /// A request went unheard, and nobody says which.
    pub(super) rate_limited: bool,
    /// It does more than it may, or has in the conversation that this one goes on with: the server may have had enough.
    pub(super) floods: bool,
    pub(super) compared: bool,
    pub(super) kicked: Option<KickReason>,
    spending: Option<Spending>,
    /// The owner has put it out: the room's last word comes next.
    put_out: bool,
}

impl Talk {
    pub(super) fn new(client: Client<SimStream>) -> Self {
        Self {
            client,
            state: State::Lobby,
            since: Instant::now(),
            rate_limited: false,
            floods: false,
            compared: false,
            kicked: None,
            spending: None,
            put_out: false,
        }
    }

    pub(super) fn resumed(client: Client<SimStream>, state: State, spending: Spending) -> Self {
        let floods = spending.floods;
        Self { state, floods, spending: Some(spending), ..Self::new(client) }
    }

    pub(super) fn is(&mut self, state: State) {
        self.state = state;
        self.since = Instant::now();
    }

    /// Whether the answer to a request is overdue.
    pub(super) fn waits_in_vain(&self) -> bool {
        (self.waits_for_a_place() || matches!(self.state, State::Leaving(_))) && self.since.elapsed() > ANSWER_WITHIN
    }

    pub(super) fn waits_for_a_place(&self) -> bool {
        matches!(self.state, State::Asking | State::Anew { .. })
    }
}

impl State {
    pub(super) fn place(&self) -> Option<&Place> {
        match self {
            Self::In(place) | Self::Leaving(place) => Some(place),
            Self::Lobby | Self::Asking | Self::Anew { .. } => None,
        }
    }

    pub(super) fn place_mut(&mut self) -> Option<&mut Place> {
        match self {
            Self::In(place) | Self::Leaving(place) => Some(place),
            Self::Lobby | Self::Asking | Self::Anew { .. } => None,
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
            ServerPacket::Joined(joined) => self.is_in(talk, &joined)?,
            ServerPacket::Denied(denial) => self.hear_denial(talk, &denial)?,
            ServerPacket::Removed { room, by } => {
                let place = talk.state.place().ok_or("it was put out of a room and is in none")?;
                if place.room() != room || place.owner().is_none_or(|(owner, is_me)| *owner != by || is_me) {
                    return Err(format!("{by} put it out of {room}, which is {:?}'s", place.owner()));
                }
                talk.put_out = true;
                self.count("was put out");
            }
            ServerPacket::RoomLeft { room } => {
                let place = talk.state.place().ok_or("it left a room and is in none")?;
                if place.room() != room {
                    return Err(format!("it left room {room} and was in {}", place.room()));
                }
                let put_out = std::mem::take(&mut talk.put_out);
                if matches!(talk.state, State::In(_)) {
                    if place.seat().is_some() && !put_out {
                        return Err("it was put out of a room".into());
                    }
                    self.stand(Standing::Away);
                    self.count(if put_out { "left, because it had to" } else { "the watched room closed" });
                } else {
                    self.count("left a room");
                }
                talk.is(State::Lobby);
            }
            ServerPacket::Kicked { reason } => talk.kicked = Some(reason),
            ServerPacket::Draining { .. } => self.count("heard of the drain"),
            ServerPacket::Pong { nonce } => {
                self.count("heard a pong");
                if let Some(spending) = talk.spending.take_if(|_| nonce == HEARD) {
                    self.lore.spend(spending.token);
                }
            }
            ServerPacket::Echo { .. } => self.count("heard an echo"),
            ServerPacket::Rooms(rooms) => {
                self.count("saw the rooms");
                if let Some(room) = rooms.rooms.iter().find(|room| usize::from(room.taken) > room.seats.count()) {
                    return Err(format!("more members than seats: {room:?}"));
                }
            }
            ServerPacket::RoomList(list) => {
                self.count("found rooms");
                self.locked =
                    list.rooms.iter().filter(|room| room.door == Door::Password).map(|room| room.room).collect();
            }
            ServerPacket::LobbyPage(page) => {
                self.count("saw the lobby");
                if page.names.len() > usize::try_from(page.total).unwrap_or(usize::MAX) {
                    return Err(format!("more names than people: {page:?}"));
                }
            }
            ServerPacket::LobbyChat(said) => {
                if talk.state.place().is_some() {
                    return Err(format!("it is in a room and hears the lobby: {said:?}"));
                }
                self.count("heard the lobby");
                self.heard.text(Kind::Lobby, LOBBY, said.name.as_str(), said.text.as_str())?;
            }
            ServerPacket::Whisper(whisper) => self.hear_whisper(&whisper)?,
            ServerPacket::Welcome(_)
            | ServerPacket::SignedIn { .. }
            | ServerPacket::Ping { .. }
            | ServerPacket::Resumed(_)
            | ServerPacket::Token { .. }
            | ServerPacket::Notice { .. } => return Err(format!("{packet:?} at this time")),
            of_a_room => {
                let place =
                    talk.state.place_mut().ok_or_else(|| format!("it is in no room and hears {of_a_room:?}"))?;
                let snapshots = place.snapshots;
                place.hear(&of_a_room)?;
                if place.snapshots > snapshots {
                    self.count("caught up by a snapshot");
                }
                self.count_what_is_new(&of_a_room);
            }
        }
        Ok(())
    }

    fn is_in(&self, talk: &mut Talk, joined: &Joined) -> Result<(), String> {
        match talk.state {
            State::Asking => {}
            State::Anew { room, seat } if joined.room == room && joined.seat.is_some() => {
                if seat.is_some() && joined.seat != seat {
                    return Err(format!("it sat on {seat:?}, and is back on {:?}", joined.seat));
                }
            }
            _ => return Err(format!("a place that it did not ask for: {:?}", talk.state)),
        }
        let place = Place::new(joined)?;
        self.count(match (joined.seat, joined.game) {
            (None, _) => "watches",
            (_, GameName::BOARD) => "sits at a board",
            (_, GameName::FIVE) => "sits at five in a row",
            _ => "sits at a faulty game",
        });
        talk.is(State::In(Box::new(place)));
        self.stand(Standing::Plays);
        Ok(())
    }

    /// Both get it, and nobody else.
    fn hear_whisper(&mut self, whisper: &Whisper) -> Result<(), String> {
        let Whisper { from, to, text, .. } = whisper;
        if *from != self.name && *to != self.name {
            return Err(format!("it is nobody's: {whisper:?}"));
        }
        self.count("heard a whisper");
        self.heard.text(Kind::Whisper, to.as_str(), from.as_str(), text.as_str())
    }

    fn count_what_is_new(&self, packet: &ServerPacket) {
        match packet {
            ServerPacket::Emote(_) => self.count("saw someone do something"),
            ServerPacket::Owner { .. } => self.count("another owner"),
            ServerPacket::About(_) => self.count("heard whose a room is"),
            ServerPacket::History(_) => self.count("heard what was said before"),
            ServerPacket::Away { .. } => self.count("saw someone lose the connection"),
            ServerPacket::Back { .. } => self.count("saw someone come back"),
            ServerPacket::Absent { .. } => self.count("saw who is away"),
            _ => {}
        }
    }
}
