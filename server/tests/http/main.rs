//! Health and metrics over real sockets, as a load balancer and Prometheus ask for them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod health;
mod metrics;
mod places;

use malpan_client::{Client, ConnectOptions, protocol::Name};
use malpan_server::{
    Host, Server, Stop,
    config::{AddressOrOff, Config},
    store::StoreAddress,
};
use std::{future::Future, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

/// How long a test waits for what has to come. It only turns a test that would hang into one that fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Does `work`, which may not hang.
async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("what the test waits for came within its patience")
}

/// A server that runs in this process until it is dropped.
struct Running {
    address: SocketAddr,
    http: SocketAddr,
    host: Host,
    stop: Option<oneshot::Sender<Stop>>,
    running: JoinHandle<()>,
}

impl Running {
    /// With two shards and HTTP, both on free ports, as `adjust` changes it.
    fn start(adjust: impl FnOnce(&mut Config)) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        let http = AddressOrOff::Address(free);
        let store = StoreAddress::Memory;
        let mut config = Config { listen: vec![free], http, store, shards: 2, ..Config::default() };
        adjust(&mut config);
        let server = Server::start(config).unwrap();
        let (address, http, host) = (server.addresses()[0], server.http_address().unwrap(), server.host().clone());
        let (stop, asked) = oneshot::channel();
        // An error means that the test has dropped the server: stop it as well.
        let running = tokio::spawn(server.run(async { asked.await.unwrap_or_default() }));
        Self { address, http, host, stop: Some(stop), running }
    }

    /// Asks it to stop, and does not wait until it has.
    fn ask_to_stop(&mut self) {
        self.stop.take().expect("it is asked once").send(Stop::default()).expect("it runs");
    }

    /// A client that is signed in.
    async fn guest(&self, name: &str) -> Client {
        let mut client = within(Client::connect(&self.address.to_string(), &ConnectOptions::default())).await.unwrap();
        within(client.sign_in_guest(Name::new(name).unwrap())).await.unwrap();
        client
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).await
    }

    async fn ask(&self, method: &str, path: &str) -> Answer {
        let mut stream = within(TcpStream::connect(self.http)).await.unwrap();
        let request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.http);
        stream.write_all(request.as_bytes()).await.unwrap();
        answer(&mut stream).await
    }
}

/// What came back, up to the end of the connection.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

async fn answer(stream: &mut TcpStream) -> Answer {
    let mut text = String::new();
    within(stream.read_to_string(&mut text)).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.into(), body: body.into() }
}
