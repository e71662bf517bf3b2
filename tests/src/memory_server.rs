//! The production host, sessions, rooms and directory on in-memory streams: several shards in one runtime, one clock.
//!
//! What is replaced: the sockets, the acceptor and the shards' threads. What is not: everything else.

use crate::name;
use malpan_client::{Client, ClientError, ConnectOptions, Room, protocol::JoinTarget};
use malpan_net::{Admission, Counters, Protocol, Refusal, SessionHandle, Shard};
use malpan_server::{Host, admission_limits, config::Config, lecture::Lecture, session_settings};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};
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
    connections: u16,
    from: IpAddr,
}

impl MemoryServer {
    /// A server with `shards` shards.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    #[must_use]
    pub fn new(config: Config, shards: usize) -> Self {
        Self::on(config, &vec![Handle::current(); shards])
    }

    /// A server with a shard on each of these runtimes.
    #[must_use]
    pub fn on(config: Config, runtimes: &[Handle]) -> Self {
        let counters = Arc::<Counters>::default();
        let settings = session_settings(&config);
        let shard = |(index, runtime): (_, &Handle)| {
            Shard::new(index, runtime.clone(), settings.clone(), Arc::clone(&counters))
        };
        let shards = runtimes.iter().enumerate().map(shard).collect();
        let admission = Admission::new(admission_limits(&config));
        Self { host: Host::new(config), shards, admission, counters, connections: 0, from: Ipv4Addr::LOCALHOST.into() }
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

    /// Who is connected.
    #[must_use]
    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    /// The server's side of the newest connection, while it lives. It is there once its task has run.
    #[must_use]
    pub fn newest_session(&self) -> Option<SessionHandle> {
        let mut found = None;
        for shard in &self.shards {
            shard.each_session(|session| {
                if session.peer().port() == self.connections {
                    found = Some(session.clone());
                }
            });
        }
        found
    }

    /// A stream to the server; connections are dealt to the shards in turn.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn stream(&mut self) -> Result<DuplexStream, Refusal> {
        self.stream_of(STREAM_BYTES)
    }

    /// A stream that holds no more than so many bytes in each direction.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn stream_of(&mut self, bytes: usize) -> Result<DuplexStream, Refusal> {
        self.stream_for(self.host.clone(), bytes)
    }

    /// A stream to the server's port for lecture clients, which holds no more than so many bytes in each direction.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn lecture_stream_of(&mut self, bytes: usize) -> Result<DuplexStream, Refusal> {
        self.stream_for(Lecture::new(&self.host), bytes)
    }

    /// From now on connections come from this address; until then, from the loopback.
    pub fn come_from(&mut self, address: IpAddr) {
        self.from = address;
    }

    /// A stream to whatever speaks `protocol`, which holds no more than so many bytes in each direction.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn stream_for(&mut self, protocol: impl Protocol, bytes: usize) -> Result<DuplexStream, Refusal> {
        let permit = self.admission.admit(self.from)?;
        let (ours, theirs) = duplex(bytes);
        let shard = &self.shards[usize::from(self.connections) % self.shards.len()];
        self.connections += 1;
        // Each has a port of its own, to be known by.
        let peer = SocketAddr::new(self.from, self.connections);
        shard.open(theirs, peer, protocol, permit);
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
        self.connect_over(STREAM_BYTES).await
    }

    /// A client that has shaken hands over a stream of so many bytes.
    ///
    /// # Errors
    /// As [`Client::handshake`].
    ///
    /// # Panics
    /// Where the server refuses the stream.
    pub async fn connect_over(&mut self, bytes: usize) -> Result<Client<DuplexStream>, ClientError> {
        let stream = self.stream_of(bytes).expect("the server has room");
        Client::handshake(stream, &ConnectOptions::default()).await
    }

    /// A client that is signed in as `who`.
    ///
    /// # Errors
    /// As [`Client::sign_in_guest`].
    ///
    /// # Panics
    /// Where `who` is no name, or the server refuses the stream.
    pub async fn guest(&mut self, who: &str) -> Result<Client<DuplexStream>, ClientError> {
        let mut client = self.connect().await?;
        client.sign_in_guest(name(who)).await?;
        Ok(client)
    }

    /// A client in any room.
    ///
    /// # Errors
    /// As [`Client::join`].
    ///
    /// # Panics
    /// Where `who` is no name, or the server refuses the stream.
    pub async fn player(&mut self, who: &str) -> Result<(Client<DuplexStream>, Room), ClientError> {
        self.player_over(STREAM_BYTES, who).await
    }

    /// A client in any room, over a stream of so many bytes.
    ///
    /// # Errors
    /// As [`Client::join`].
    ///
    /// # Panics
    /// Where `who` is no name, or the server refuses the stream.
    pub async fn player_over(&mut self, bytes: usize, who: &str) -> Result<(Client<DuplexStream>, Room), ClientError> {
        let mut client = self.connect_over(bytes).await?;
        client.sign_in_guest(name(who)).await?;
        let room = Room::new(&client.join(JoinTarget::Any).await?).expect("any room is a board");
        Ok((client, room))
    }
}
