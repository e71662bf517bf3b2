//! What outlives a server: each life is a runtime of its own with paused time, and ends in a drain or, when its work is done, as
//! `kill -9` would end it. The store is what goes from one life to the next.
#![allow(clippy::unwrap_used, reason = "a test")]

mod boards;
mod elsewhere;
mod failing;
mod slow_rules;
mod tokens;

use malpan_client::{Client, ClientError, ConnectOptions, Room};
use malpan_e2e::{Port, Streams, arrived, name};
use malpan_net::Shard;
use malpan_protocol::{DenialCode, Joined, ResumeToken, Resumed, Resumption, Seen, ServerPacket};
use malpan_server::{
    Games, Ground, Host, Server, Stop, TokenSource,
    config::Config,
    session_settings,
    store::{MemoryStore, Store},
};
use std::{future::Future, sync::Arc, time::Duration};
use tokio::{
    io::DuplexStream,
    runtime::{Builder, Handle},
    sync::oneshot,
    task::JoinHandle,
    time::sleep,
};

type Connection = Client<DuplexStream>;

/// Within this everything is in the store.
const SAVED: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(30);

/// Does `work` in a life of its own, which ends with it: all tasks of that life are gone at once.
fn life<T>(work: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_all().start_paused(true).build().unwrap().block_on(work)
}

fn standard(config: &Config) -> Games {
    Games::standard(&config.game)
}

/// What is tested here is not how long a hash takes.
fn cheap_passwords(config: &mut Config) {
    (config.accounts.argon2_memory_kib, config.accounts.argon2_iterations) = (64, 1);
}

/// A server that runs.
struct Running {
    port: Port,
    host: Host,
    stop: oneshot::Sender<Stop>,
    ended: JoinHandle<()>,
}

impl Running {
    fn start(store: &Arc<MemoryStore>) -> Self {
        Self::start_with(store, |_| {}, standard)
    }

    fn start_with(
        store: &Arc<MemoryStore>,
        adjust: impl FnOnce(&mut Config),
        games: impl FnOnce(&Config) -> Games,
    ) -> Self {
        let mut config = Config { drain: Duration::ZERO, ..Config::default() };
        adjust(&mut config);
        let games = games(&config);
        let shard = |index| Shard::new(index, Handle::current(), session_settings(&config), Arc::default());
        let (listener, port) = Streams::from(([127, 0, 0, 1], 7).into());
        let ground = Ground {
            listeners: vec![listener],
            tls: None,
            lecture: None,
            shards: vec![shard(0), shard(1)],
            rules: vec![],
            counters: Arc::default(),
            seed: 1,
            tokens: TokenSource::system(),
            store: Arc::clone(store) as Arc<dyn Store>,
        };
        let server = Server::on(ground, config, games);
        let (host, (stop, asked)) = (server.host().clone(), oneshot::channel());
        let ended = tokio::spawn(server.run(async { asked.await.unwrap() }));
        Self { port, host, stop, ended }
    }

    async fn connect(&self) -> Connection {
        Client::handshake(self.port.connect(64 * 1024), &ConnectOptions::default()).await.unwrap()
    }

    async fn guest(&self, who: &str) -> Connection {
        let mut client = self.connect().await;
        client.sign_in_guest(name(who)).await.unwrap();
        client
    }

    async fn resume(&self, token: &ResumeToken, seen: Option<Seen>) -> Result<(Connection, Resumed), ClientError> {
        let mut client = self.connect().await;
        let resumed = client.resume(token.clone(), seen).await?;
        Ok((client, resumed))
    }

    /// Comes back to a board of an earlier life. What follows the picture is returned.
    async fn come_back(&self, token: &ResumeToken, seen: Option<Seen>) -> (Connection, Joined, Vec<ServerPacket>) {
        let (mut client, resumed) = self.resume(token, seen).await.unwrap();
        let Resumption::Anew { room } = resumed.place else { panic!("{resumed:?}") };
        let mut packets = settled(&mut client).await;
        let ServerPacket::Joined(joined) = packets.remove(0) else { panic!("{packets:?}") };
        assert_eq!(joined.room, room);
        (client, joined, packets)
    }

    async fn is_refused(&self, token: &ResumeToken) -> bool {
        matches!(self.resume(token, None).await, Err(ClientError::Denied(denial)) if denial.code == DenialCode::ResumeRefused)
    }

    /// Stops it in an orderly way.
    async fn stop(self) {
        self.stop.send(Stop::default()).unwrap();
        self.ended.await.unwrap();
    }
}

/// Everything that has come, once nothing more is about to happen.
async fn settled(client: &mut Connection) -> Vec<ServerPacket> {
    let _ = client.flush().await;
    sleep(Duration::from_millis(300)).await;
    let (packets, end) = arrived(client).await;
    assert!(end.is_none(), "{end:?}");
    packets
}

async fn follow(client: &mut Connection, room: &mut Room) -> Vec<ServerPacket> {
    let packets = settled(client).await;
    packets.iter().for_each(|packet| room.apply(packet).unwrap());
    packets
}

/// Where the pieces stand, by name.
fn pieces(room: &Room) -> Vec<(String, u8, u8)> {
    room.pieces().map(|(_, piece)| (piece.name.as_str().to_owned(), piece.cell.x, piece.cell.y)).collect()
}
