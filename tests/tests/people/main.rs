//! What people do together beside the game: talk, keep rooms of their own, come back to an empty one.
#![allow(clippy::unwrap_used, reason = "a test")]

mod empty;
mod owning;
mod passwords;
mod talking;

use malpan_client::{Client, ClientError, Room};
use malpan_e2e::{MemoryServer, arrived};
use malpan_protocol::{Denial, DenialCode, Joined, RoomPlan, RoomTitle, ServerPacket};
use malpan_server::config::Config;
use std::time::Duration;
use tokio::{
    io::DuplexStream,
    time::{sleep, timeout},
};

type Memory = Client<DuplexStream>;

/// A server on two shards, with these limits, and a tick that keeps nobody waiting.
fn server(adjust: impl FnOnce(&mut Config)) -> MemoryServer {
    let mut config = Config::default();
    config.game.tick = Duration::ZERO;
    // Whoever is asked to say much does not wait, unless the test is about that.
    (config.limits.chat_lines, config.limits.join_burst, config.limits.rooms_opened_per_minute) = (1000, 1000, 1000);
    // Nobody here sends pongs while they wait for something else.
    (config.limits.silence, config.limits.ping_after) = (Duration::from_secs(3600), Duration::from_secs(1800));
    adjust(&mut config);
    MemoryServer::new(config, 2)
}

/// A room of one's own with that title, and nothing else that is special.
fn plan(title: &str) -> RoomPlan {
    RoomPlan { game: None, title: RoomTitle::new(title).unwrap(), seats: None, board: None, password: None }
}

/// Lets everything happen, and takes what came of it: with paused time, a sleep ends only when nothing else is left to do.
async fn heard(client: &mut Memory) -> Vec<ServerPacket> {
    // An error means that the connection has ended, which what arrives says better.
    let _ = client.flush().await;
    sleep(Duration::from_millis(50)).await;
    let (packets, end) = arrived(client).await;
    assert!(end.is_none(), "{end:?} after {packets:?}");
    packets
}

/// As [`heard`], over a stream that holds less than what is on its way.
async fn heard_slowly(client: &mut Memory) -> Vec<ServerPacket> {
    let mut packets = Vec::new();
    while let Ok(packet) = timeout(Duration::from_secs(1), client.next()).await {
        packets.push(packet.unwrap());
    }
    packets
}

/// As [`heard`], taken into the room.
async fn seen(client: &mut Memory, room: &mut Room) -> Vec<ServerPacket> {
    let packets = heard(client).await;
    packets.iter().for_each(|packet| room.apply(packet).unwrap());
    packets
}

fn room(joined: &Joined) -> Room {
    Room::new(joined).unwrap()
}

/// The one denial among `packets`.
fn denial(packets: &[ServerPacket]) -> &Denial {
    let [ServerPacket::Denied(denial)] = packets else { panic!("{packets:?}") };
    denial
}

fn denied<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> DenialCode {
    match answer {
        Err(ClientError::Denied(denial)) => denial.code,
        other => panic!("{other:?}"),
    }
}
