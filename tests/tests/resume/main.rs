//! Coming back after a lost connection: in memory, several shards in one runtime, paused time.
#![allow(clippy::unwrap_used, reason = "a test")]

mod budgets;
mod drain;
mod grace;
mod owners;
mod random;
mod seats;
mod tokens;

use malpan_client::{Client, ClientError, Room};
use malpan_e2e::{MemoryServer, arrived};
use malpan_protocol::{DenialCode, ResumeToken, Resumed, Resumption, Seen, ServerPacket};
use malpan_server::config::Config;
use std::time::Duration;
use tokio::{io::DuplexStream, time::sleep};

type Connection = Client<DuplexStream>;

fn server() -> MemoryServer {
    MemoryServer::new(Config::default(), 3)
}

/// Lets everything happen: with paused time, a sleep ends only when nothing else is left to do.
async fn settle() {
    sleep(Duration::from_millis(300)).await;
}

/// Everything that has come, which the room takes in.
async fn follow(client: &mut Connection, room: &mut Room) -> Vec<ServerPacket> {
    let _ = client.flush().await;
    settle().await;
    let (packets, end) = arrived(client).await;
    assert!(end.is_none(), "{end:?}");
    packets.iter().for_each(|packet| room.apply(packet).unwrap());
    packets
}

/// The token of who has signed in.
async fn token(client: &mut Connection) -> ResumeToken {
    settle().await;
    let (early, end) = arrived(client).await;
    assert!(early.is_empty() && end.is_none(), "{early:?}, {end:?}");
    client.token().unwrap().clone()
}

/// Comes back over a new connection.
async fn resume(
    server: &mut MemoryServer,
    token: &ResumeToken,
    seen: Option<Seen>,
) -> Result<(Connection, Resumed), ClientError> {
    let mut client = server.connect().await?;
    let resumed = client.resume(token.clone(), seen).await?;
    Ok((client, resumed))
}

/// Comes back to a room of which some events were missed, and takes them in.
async fn resume_to(server: &mut MemoryServer, token: &ResumeToken, room: &mut Room) -> (Connection, Vec<ServerPacket>) {
    let (mut client, resumed) = resume(server, token, Some(room.seen())).await.unwrap();
    let Resumption::Missed { room: id, events } = resumed.place else { panic!("{resumed:?}") };
    assert_eq!(id, room.id());
    let packets = follow(&mut client, room).await;
    let (missed, rest) = packets.split_at(usize::try_from(events).unwrap());
    assert!(missed.iter().all(|packet| !matches!(packet, ServerPacket::Updates(_) | ServerPacket::Snapshot(_))));
    assert!(matches!(rest.first(), Some(ServerPacket::Snapshot(_))), "{packets:?}");
    (client, packets)
}

fn is_refused(result: Result<(Connection, Resumed), ClientError>) -> bool {
    matches!(result, Err(ClientError::Denied(denial)) if denial.code == DenialCode::ResumeRefused)
}
