//! What the end-to-end tests stand on: the real server, on real sockets or in memory.
//!
//! ```text
//! TestServer    listeners on port 0, shard threads, real clients over TCP
//! MemoryServer  the same host, sessions and rooms on in-memory streams, several shards in one runtime, paused time
//! Certificates  for a TestServer with TLS
//! Streams       a whole server's listener in memory, paused time
//! Wire          a client without manners, beside the client library's own
//! garbage       bytes that no client of good will sends
//! simulation    the whole server among clients on a network that fails, from one seed
//! room_model    rooms against a simple model
//! fuzzing       what the fuzz targets do with their bytes
//! endure        the program of that name: figures of the real server beside hostile load
//! ```

mod certificates;
pub mod endure;
pub mod fuzzing;
pub mod garbage;
mod memory_server;
pub mod room_model;
pub mod simulation;
mod streams;
mod test_server;
mod wire;

pub use certificates::Certificates;
pub use memory_server::MemoryServer;
pub use streams::{Port, Streams};
pub use test_server::TestServer;
pub use wire::Wire;

use malpan_client::{
    Client, ClientError,
    protocol::{
        ChatText, ClientPacket, CommandBytes, Direction, Name, Packet, ServerPacket, SignalPayload, UpdateBytes,
        game::board::Position,
    },
};
use malpan_net::Count;
use malpan_server::config::Config;
use std::{
    future::{Future, poll_fn},
    task::Poll,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};

/// How long a test waits for what has to come. Nothing is measured with it: it turns a test that would hang into one
/// that fails, so it is far longer than any machine needs.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How a session can end: of those that were let in, each is counted once as one of these.
pub const ENDS: [Count; 9] = [
    Count::HandshakesFailed,
    Count::Disconnected,
    Count::Malformed,
    Count::SlowConsumers,
    Count::Silent,
    Count::Deadlines,
    Count::Panics,
    Count::Stopped,
    Count::ClosedByService,
];

/// The default configuration, in which a lost connection gives everything back at once, and a room closes with its last
/// player: for what is not about coming back.
#[must_use]
pub fn without_grace() -> Config {
    let mut config = Config::default();
    (config.limits.resume_grace, config.limits.empty_room_grace) = (Duration::ZERO, Duration::ZERO);
    config
}

/// Does `work`, which may not hang.
///
/// # Panics
/// Where it takes longer than [`PATIENCE`].
pub async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("what the test waits for came within its patience")
}

/// Takes what has arrived and does not wait for more. The error is the connection's end, if it has come.
pub async fn arrived<IO>(client: &mut Client<IO>) -> (Vec<ServerPacket>, Option<ClientError>)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut packets = Vec::new();
    poll_fn(|cx| {
        loop {
            match client.poll_next(cx) {
                Poll::Ready(Ok(packet)) => packets.push(packet),
                Poll::Ready(Err(error)) => return Poll::Ready((std::mem::take(&mut packets), Some(error))),
                Poll::Pending => return Poll::Ready((std::mem::take(&mut packets), None)),
            }
        }
    })
    .await
}

/// Waits for the first packet that `wanted` takes; what comes before it is dropped.
///
/// # Errors
/// The connection's end.
///
/// # Panics
/// Where neither comes within [`PATIENCE`].
pub async fn expect<IO, T>(
    client: &mut Client<IO>,
    wanted: impl Fn(&ServerPacket) -> Option<T>,
) -> Result<T, ClientError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    within(async {
        loop {
            if let Some(found) = wanted(&client.next().await?) {
                return Ok(found);
            }
        }
    })
    .await
}

/// Everything up to the connection's end, and how it ended.
///
/// # Panics
/// Where it does not end within [`PATIENCE`].
pub async fn to_the_end<IO>(client: &mut Client<IO>) -> (Vec<ServerPacket>, ClientError)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    within(async {
        let mut packets = Vec::new();
        loop {
            match client.next().await {
                Ok(packet) => packets.push(packet),
                Err(end) => return (packets, end),
            }
        }
    })
    .await
}

/// The bytes of these packets, one after the other.
///
/// # Panics
/// Where one is longer than a frame may be.
#[must_use]
pub fn bytes_of(packets: &[ClientPacket]) -> Vec<u8> {
    let mut bytes = bytes::BytesMut::new();
    packets.iter().for_each(|packet| packet.encode_frame(&mut bytes).expect("a packet within the cap"));
    bytes.to_vec()
}

/// A valid name.
///
/// # Panics
/// Where `text` is none.
#[must_use]
pub fn name(text: &str) -> Name {
    Name::new(text).expect("a valid name")
}

/// A valid line of chat.
///
/// # Panics
/// Where `text` is none.
#[must_use]
pub fn line(text: &str) -> ChatText {
    ChatText::new(text).expect("a valid line")
}

/// Match data.
///
/// # Panics
/// Where it is too long.
#[must_use]
pub fn payload(bytes: &[u8]) -> SignalPayload {
    SignalPayload::new(bytes).expect("a short payload")
}

/// The packet of a step on the board.
///
/// # Panics
/// Never: a direction is short.
#[must_use]
pub fn step(seq: u32, direction: Direction) -> ClientPacket {
    ClientPacket::Command { seq, command: CommandBytes::of(&direction).expect("a direction is one byte") }
}

/// The positions in a row of the board's updates.
///
/// # Panics
/// Where it is none.
#[must_use]
pub fn positions(updates: &UpdateBytes) -> Vec<Position> {
    updates.values().collect::<Result<_, _>>().expect("the updates of a board")
}
