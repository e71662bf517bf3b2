//! The honest player.

use super::said::Said;
use crate::{MemoryServer, line};
use malpan_client::{Client, Room};
use malpan_protocol::{Direction, ServerPacket};
use std::time::Duration;
use tokio::{
    io::DuplexStream,
    time::{Instant, timeout, timeout_at},
};

/// How soon the honest player hears of what they did: the next tick, and what a paused clock may round.
const SOON: Duration = Duration::from_millis(100);

/// What the honest player says.
pub(super) const STILL_HERE: &str = "still here";

/// Sits in a room and takes in everything, in time.
pub(super) struct Bystander {
    client: Client<DuplexStream>,
    room: Room,
}

impl Bystander {
    pub(super) async fn new(server: &mut MemoryServer) -> Self {
        let (client, room) = server.player("by").await.expect("the first player finds a seat");
        Self { client, room }
    }

    /// Takes in what comes in this time.
    pub(super) async fn listens(&mut self, time: Duration, said: &Said) {
        let end = Instant::now() + time;
        while let Ok(packet) = timeout_at(end, self.next(said)).await {
            drop(packet);
        }
    }

    /// Steps and speaks, and soon hears of both.
    pub(super) async fn plays_on(&mut self, said: &Said) {
        for direction in Direction::ALL {
            let seq = self.client.step(direction).expect("a short packet");
            let own = self.room.own_seat().expect("a seat");
            self.hears(said, |packet| match packet {
                ServerPacket::Updates(updates) => updates.acks.iter().any(|ack| (ack.seat, ack.seq) == (own, seq)),
                // Off the board, or onto another's cell.
                ServerPacket::Refused(refused) => refused.seq == seq,
                _ => false,
            })
            .await;
        }
        self.client.chat(line(STILL_HERE)).expect("a short packet");
        let own = self.room.own_seat();
        self.hears(said, |packet| matches!(packet, ServerPacket::Chat(chat) if Some(chat.seat) == own)).await;
    }

    /// Leaves the room, and the server.
    pub(super) async fn leaves(mut self) {
        self.client.leave().await.expect("a seat can be given back");
        self.client.bye().await.expect("the connection is whole");
    }

    async fn hears(&mut self, said: &Said, wanted: impl Fn(&ServerPacket) -> bool) {
        let heard = timeout(SOON, async { while !wanted(&self.next(said).await) {} }).await;
        heard.expect("the honest player hears of what they did soon");
    }

    /// The next packet, which follows from those before, and tells of nothing that nobody has said.
    async fn next(&mut self, said: &Said) -> ServerPacket {
        let packet = self.client.next().await.expect("nothing ends the honest player's connection");
        self.room.apply(&packet).expect("a packet that follows from those before");
        let own = self.room.own_seat();
        match &packet {
            ServerPacket::Entered(entered) => assert!(said.name(entered.member.name.as_str()), "{entered:?}"),
            ServerPacket::Chat(chat) | ServerPacket::Emote(chat) => {
                assert!(Some(chat.seat) == own || said.line(chat.text.as_str()), "{chat:?}");
            }
            ServerPacket::Whisper(whisper) => assert!(said.line(whisper.text.as_str()), "{whisper:?}"),
            ServerPacket::LobbyChat(_) | ServerPacket::Removed { .. } | ServerPacket::Owner { .. } => {
                panic!("in a room that is nobody's: {packet:?}");
            }
            ServerPacket::Signal(signal) => assert!(said.payload(signal.payload.as_bytes()), "{signal:?}"),
            _ => {}
        }
        packet
    }
}
