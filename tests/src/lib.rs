//! What the end-to-end tests stand on: the real server, on real sockets or in memory.
//!
//! ```text
//! TestServer    listeners on port 0, shard threads, real clients over TCP
//! MemoryServer  the same host, sessions and rooms on in-memory streams, several shards in one runtime, paused time
//! ```

mod memory_server;
mod test_server;

pub use memory_server::MemoryServer;
pub use test_server::TestServer;

use malpan_client::{Client, ClientError, protocol::ServerPacket};
use std::{future::poll_fn, task::Poll};
use tokio::io::{AsyncRead, AsyncWrite};

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
pub async fn expect<IO, T>(
    client: &mut Client<IO>,
    wanted: impl Fn(&ServerPacket) -> Option<T>,
) -> Result<T, ClientError>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        if let Some(found) = wanted(&client.next().await?) {
            return Ok(found);
        }
    }
}
