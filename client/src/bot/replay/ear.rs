//! What a server says on one connection, taken apart, and what all connections were told, counted: the recorded side and the
//! replayed one by the same rules. Pure.

use crate::bot::{
    cause,
    ledger::{Causes, count, merge},
};
use bytes::BytesMut;
use malpan_client::protocol::{
    Ack, ClientCodec, DenialCode, Joined, ResumeToken, Resumed, Resumption, Seat, Seen, ServerPacket,
};
use std::collections::BTreeMap;
use tokio_util::codec::Decoder;

/// What was received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) bytes: u64,
    pub(super) frames: u64,
    /// Frames by their packets' names.
    pub(super) frames_by: BTreeMap<&'static str, u64>,
    /// Commands that were done, over all who saw it: on the board, positions.
    pub(super) positions: u64,
    /// Messages of honest players whose sender saw them done, and those that were refused.
    pub(super) acked: u64,
    pub(super) refused: u64,
    pub(super) denied_by: Causes,
}

/// One connection's incoming side.
#[derive(Debug, Default)]
pub(super) struct Ear {
    incoming: BytesMut,
    codec: ClientCodec,
    /// Whether it is a hostile player's, whose messages are not counted.
    hostile: bool,
    /// Whether what comes is no longer packets.
    deaf: bool,
    /// The newest token that came.
    pub(super) token: Option<ResumeToken>,
    /// Where the player sits, and what it has seen of it.
    pub(super) place: Option<Place>,
}

/// A place in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) seen: Seen,
    seat: Option<Seat>,
}

impl Ear {
    /// One that has heard nothing.
    pub(super) fn new(hostile: bool) -> Self {
        Self { hostile, ..Self::default() }
    }

    /// Takes in bytes.
    pub(super) fn push(&mut self, bytes: &[u8], tally: &mut Tally) {
        tally.bytes += bytes.len() as u64;
        if !self.deaf {
            self.incoming.extend_from_slice(bytes);
        }
    }

    /// The next packet that is whole.
    pub(super) fn next(&mut self, tally: &mut Tally) -> Option<ServerPacket> {
        match self.codec.decode(&mut self.incoming) {
            Ok(Some(packet)) => {
                self.note(&packet, tally);
                Some(packet)
            }
            Ok(None) => None,
            Err(_) => {
                self.deaf = true;
                self.incoming = BytesMut::new();
                None
            }
        }
    }

    fn note(&mut self, packet: &ServerPacket, tally: &mut Tally) {
        tally.frames += 1;
        *tally.frames_by.entry(name(packet)).or_default() += 1;
        match packet {
            ServerPacket::Token { token } => self.token = Some(token.clone()),
            ServerPacket::Joined(Joined { room, incarnation, event, seat, .. }) => {
                let seen = Seen { room: *room, incarnation: *incarnation, event: *event };
                self.place = Some(Place { seen, seat: *seat });
            }
            ServerPacket::RoomLeft { .. } | ServerPacket::Resumed(Resumed { place: Resumption::Lobby, .. }) => {
                self.place = None;
            }
            ServerPacket::Updates(updates) => tally.positions += updates.acks.len() as u64,
            ServerPacket::Denied(denial) => count(&mut tally.denied_by, cause::snake(&denial.code)),
            _ => {}
        }
        if !self.hostile {
            let (acked, refused) = self.settles(packet);
            tally.acked += acked;
            tally.refused += refused;
        }
        if let (Some(event), Some(place)) = (event(packet), &mut self.place) {
            place.seen.event = event;
        }
    }

    /// How many of the own messages a packet tells to be done, and how many to be refused.
    fn settles(&self, packet: &ServerPacket) -> (u64, u64) {
        let own = |seat: Seat| self.place.and_then(|place| place.seat) == Some(seat);
        let is_own = |ack: &&Ack| own(ack.seat);
        match packet {
            ServerPacket::Updates(updates) => (updates.acks.iter().filter(is_own).count() as u64, 0),
            ServerPacket::Happened(happened) => (u64::from(happened.ack.as_ref().filter(is_own).is_some()), 0),
            ServerPacket::Chat(said) => (own(said.seat).into(), 0),
            ServerPacket::Signal(signal) => (own(signal.seat).into(), 0),
            ServerPacket::Echo { .. } => (1, 0),
            ServerPacket::Refused(_) => (0, 1),
            // The request was dropped: a line of chat, a signal.
            ServerPacket::Denied(denial) => (0, u64::from(denial.code == DenialCode::RateLimited)),
            _ => (0, 0),
        }
    }
}

impl Tally {
    /// Takes in another's.
    pub(super) fn merge(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.frames += other.frames;
        for (name, frames) in &other.frames_by {
            *self.frames_by.entry(name).or_default() += frames;
        }
        self.positions += other.positions;
        self.acked += other.acked;
        self.refused += other.refused;
        merge(&mut self.denied_by, &other.denied_by);
    }
}

/// Up to which event of the room the client has seen everything once it has this packet.
fn event(packet: &ServerPacket) -> Option<u64> {
    match packet {
        ServerPacket::Entered(entered) => Some(entered.event),
        ServerPacket::Left(left) => Some(left.event),
        ServerPacket::Updates(updates) => Some(updates.event),
        ServerPacket::Snapshot(snapshot) => Some(snapshot.event),
        ServerPacket::Chat(said) | ServerPacket::Emote(said) => Some(said.event),
        ServerPacket::Signal(signal) => Some(signal.event),
        ServerPacket::Happened(happened) => Some(happened.event),
        &(ServerPacket::Away { event, .. } | ServerPacket::Back { event, .. } | ServerPacket::Owner { event, .. }) => {
            Some(event)
        }
        _ => None,
    }
}

/// A packet's name in reports.
fn name(packet: &ServerPacket) -> &'static str {
    match packet {
        ServerPacket::Welcome(_) => "welcome",
        ServerPacket::Denied(_) => "denied",
        ServerPacket::SignedIn { .. } => "signed_in",
        ServerPacket::Rooms(_) => "rooms",
        ServerPacket::Joined(_) => "joined",
        ServerPacket::Entered(_) => "entered",
        ServerPacket::Left(_) => "left",
        ServerPacket::Updates(_) => "updates",
        ServerPacket::Snapshot(_) => "snapshot",
        ServerPacket::Refused(_) => "refused",
        ServerPacket::Chat(_) => "chat",
        ServerPacket::Signal(_) => "signal",
        ServerPacket::Echo { .. } => "echo",
        ServerPacket::Ping { .. } => "ping",
        ServerPacket::Pong { .. } => "pong",
        ServerPacket::RoomLeft { .. } => "room_left",
        ServerPacket::Draining { .. } => "draining",
        ServerPacket::Kicked { .. } => "kicked",
        ServerPacket::Happened(_) => "happened",
        ServerPacket::Token { .. } => "token",
        ServerPacket::Resumed(_) => "resumed",
        ServerPacket::Away { .. } => "away",
        ServerPacket::Back { .. } => "back",
        ServerPacket::Absent { .. } => "absent",
        ServerPacket::Notice { .. } => "notice",
        ServerPacket::Emote(_) => "emote",
        ServerPacket::LobbyChat(_) => "lobby_chat",
        ServerPacket::Whisper(_) => "whisper",
        ServerPacket::History(_) => "history",
        ServerPacket::LobbyPage(_) => "lobby_page",
        ServerPacket::RoomList(_) => "room_list",
        ServerPacket::About(_) => "about",
        ServerPacket::Owner { .. } => "owner",
        ServerPacket::Removed { .. } => "removed",
    }
}

#[cfg(test)]
#[path = "ear_tests.rs"]
mod tests;
