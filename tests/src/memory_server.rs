//! The production host, sessions, rooms and directory on in-memory streams: several shards in one runtime, one clock.
//!
//! What is replaced: the sockets, the acceptor and the shards' threads. What is not: everything else.

use malpan_client::{Client, ClientError, ConnectOptions};
use malpan_net::{Admission, Counters, Refusal, Shard};
use malpan_server::{Host, admission_limits, config::Config, session_settings};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{DuplexStream, duplex},
    runtime::Handle,
};

/// Bytes that a stream holds in each direction, as a socket's buffers do.
const STREAM_BYTES: usize = 16 * 1024;

/// A server in memory. Make it within the runtime that is to run it.
#[derive(Debug)]
pub struct MemoryServer {
    host: Host,
    shards: Vec<Shard>,
    admission: Arc<Admission>,
    counters: Arc<Counters>,
    connections: usize,
}

impl MemoryServer {
    /// A server with `shards` shards.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    #[must_use]
    pub fn new(config: Config, shards: usize) -> Self {
        let counters = Arc::<Counters>::default();
        let settings = session_settings(&config);
        let shard = |index| Shard::new(index, Handle::current(), settings.clone(), Arc::clone(&counters));
        let shards = (0..shards).map(shard).collect();
        let admission = Admission::new(admission_limits(&config));
        Self { host: Host::new(config), shards, admission, counters, connections: 0 }
    }

    /// The game side.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The shards.
    #[must_use]
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// A stream to the server; connections are dealt to the shards in turn.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn stream(&mut self) -> Result<DuplexStream, Refusal> {
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let permit = self.admission.admit(peer.ip())?;
        let (ours, theirs) = duplex(STREAM_BYTES);
        self.shards[self.connections % self.shards.len()].open(theirs, peer, self.host.clone(), permit);
        self.connections += 1;
        Ok(ours)
    }

    /// A client that has shaken hands.
    ///
    /// # Errors
    /// As [`Client::handshake`].
    ///
    /// # Panics
    /// Where the server refuses the stream.
    pub async fn connect(&mut self) -> Result<Client<DuplexStream>, ClientError> {
        let stream = self.stream().expect("the server has room");
        Client::handshake(stream, &ConnectOptions::default()).await
    }
}
