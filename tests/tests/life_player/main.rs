//! A connection's whole life, as far as what its player sends and reads decides it: frames, states, floods, readers. In
//! memory and in simulated time where a figure has to be exact; over sockets where the system has a say.
#![allow(clippy::unwrap_used, reason = "a test")]

mod bytes;
mod floods;
mod frames;
mod lecture;
mod readers;
mod states;
mod storm;

use malpan_e2e::Wire;
use malpan_protocol::{ClientPacket, Denial, DenialCode, RoomId, ServerPacket};
use std::time::Duration;
use tokio::{
    io::DuplexStream,
    time::{sleep, timeout},
};

/// The states of a conversation, as docs/protocol.md has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connected,
    Greeted,
    Lobby,
    Seated,
    Watching,
}

impl State {
    const ALL: [Self; 5] = [Self::Connected, Self::Greeted, Self::Lobby, Self::Seated, Self::Watching];

    /// What leads there under a name. Who watches, watches `room`; who sits, sits anywhere.
    fn way(self, who: &str, room: RoomId) -> Vec<ClientPacket> {
        let [hello, guest, join] = Wire::<DuplexStream>::way_to_a_seat(who);
        match self {
            Self::Connected => vec![],
            Self::Greeted => vec![hello],
            Self::Lobby => vec![hello, guest],
            Self::Seated => vec![hello, guest, join],
            Self::Watching => vec![hello, guest, ClientPacket::Watch { room }],
        }
    }
}

/// Everything that comes of what was sent, and whether the stream has ended. With paused time a sleep ends only when
/// nothing else is left to do.
async fn hears(wire: &mut Wire<DuplexStream>) -> (Vec<ServerPacket>, bool) {
    sleep(Duration::from_millis(100)).await;
    let mut packets = Vec::new();
    while let Ok(packet) = timeout(Duration::from_millis(1), wire.next()).await {
        match packet.unwrap() {
            Some(packet) => packets.push(packet),
            None => return (packets, true),
        }
    }
    (packets, false)
}

fn is_denied(packet: &ServerPacket, code: DenialCode) -> bool {
    matches!(packet, ServerPacket::Denied(Denial { code: found, .. }) if *found == code)
}
