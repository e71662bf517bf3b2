//! A server on real sockets, within the test's process.

use crate::{name, without_grace};
use malpan_client::{Client, ClientError, ConnectOptions, Room, protocol::JoinTarget};
use malpan_net::{Admission, Counters, Shard};
use malpan_server::{
    Games, Host, Server, StartError, Stop,
    config::{AddressOrOff, Config},
    store::StoreAddress,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::{sync::oneshot, task::JoinHandle};

/// A running server. Dropped without [`TestServer::stop`], it stops on its own.
#[derive(Debug)]
pub struct TestServer {
    address: SocketAddr,
    http_address: Option<SocketAddr>,
    lecture_address: Option<SocketAddr>,
    host: Host,
    counters: Arc<Counters>,
    admission: Arc<Admission>,
    shards: Vec<Shard>,
    stop: oneshot::Sender<Stop>,
    running: JoinHandle<()>,
}

impl TestServer {
    /// Starts a server on a free port of the loopback, with two shards, its store in memory, no HTTP, no drain and no grace
    /// for who loses the connection, and otherwise the defaults as `adjust` changes them.
    ///
    /// # Errors
    /// Where the machine gives no port or thread.
    pub fn start(adjust: impl FnOnce(&mut Config)) -> Result<Self, StartError> {
        Self::start_with(adjust, |config| Games::standard(&config.game))
    }

    /// As [`TestServer::start`], with these games.
    ///
    /// # Errors
    /// As [`TestServer::start`].
    pub fn start_with(
        adjust: impl FnOnce(&mut Config),
        games: impl FnOnce(&Config) -> Games,
    ) -> Result<Self, StartError> {
        let mut config = Config {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            http: AddressOrOff::Off,
            store: StoreAddress::Memory,
            shards: 2,
            drain: std::time::Duration::ZERO,
            ..without_grace()
        };
        adjust(&mut config);
        let games = games(&config);
        let server = Server::start_with(config, games)?;
        let address = server.addresses()[0];
        let (http_address, lecture_address) = (server.http_address(), server.lecture_address());
        let host = server.host().clone();
        let (counters, admission) = (Arc::clone(server.counters()), Arc::clone(server.admission()));
        let shards = server.shards().cloned().collect();
        let (stop, asked) = oneshot::channel();
        // An error means that the test has dropped the server: stop it as well.
        let running = tokio::spawn(server.run(async { asked.await.unwrap_or_default() }));
        Ok(Self { address, http_address, lecture_address, host, counters, admission, shards, stop, running })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Where its health and metrics are, unless HTTP is off.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http_address
    }

    /// Where lecture clients are awaited; nowhere, unless the configuration was changed.
    #[must_use]
    pub fn lecture_address(&self) -> Option<SocketAddr> {
        self.lecture_address
    }

    /// Its game side.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// What it counted so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Who is connected to it.
    #[must_use]
    pub fn admission(&self) -> &Admission {
        &self.admission
    }

    /// Its shards.
    #[must_use]
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// A client that has shaken hands.
    ///
    /// # Errors
    /// As [`Client::connect`].
    pub async fn connect(&self) -> Result<Client, ClientError> {
        Client::connect(&self.address(), &ConnectOptions::default()).await
    }

    /// A client that is signed in as `who`.
    ///
    /// # Errors
    /// As [`Client::sign_in_guest`].
    ///
    /// # Panics
    /// Where `who` is no name.
    pub async fn guest(&self, who: &str) -> Result<Client, ClientError> {
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
    /// Where `who` is no name.
    pub async fn player(&self, who: &str) -> Result<(Client, Room), ClientError> {
        let mut client = self.guest(who).await?;
        let room = Room::new(&client.join(JoinTarget::Any).await?).expect("any room is a board");
        Ok((client, room))
    }

    /// Stops it and waits until it has.
    ///
    /// # Panics
    /// Where the server panicked.
    pub async fn stop(self) {
        // An error means that it has stopped already.
        let _ = self.stop.send(Stop::default());
        self.running.await.expect("the server does not panic");
    }
}
