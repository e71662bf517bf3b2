//! A whole server in one call: it serves on threads of its own, and ends when it is told to and not later than it may.

use crate::support::{
    Scene,
    protocol::TestProtocol,
    sockets::{LONG, connect, listen, patient, read_to_end, until},
    unpack,
};
use malpan_net::{AdmissionLimits, Count, Counters, QueueLimits, Server, Settings, serve};
use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};

/// A server that runs.
struct Running {
    address: SocketAddr,
    counters: Arc<Counters>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
}

fn start(change: impl FnOnce(Server<TestProtocol>) -> Server<TestProtocol>) -> (Scene, Running) {
    let scene = Scene::new(patient());
    let (listener, address) = listen();
    let (counters, (stop, stopped)) = (Arc::<Counters>::default(), oneshot::channel());
    let server = Server::new(scene.protocol.clone()).settings(patient()).shards(2).counters(Arc::clone(&counters));
    let served = tokio::spawn(change(server).serve(listener, stopped));
    (scene, Running { address, counters, stop, served })
}

impl Running {
    async fn enter(&self) -> TcpStream {
        let mut client = connect(self.address).await;
        client.write_all(b"\x07echo hi").await.unwrap();
        let mut answer = [0; 3];
        timeout(LONG, client.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"\x02hi");
        client
    }

    async fn ends(self) {
        // Where nobody listens, the server has ended.
        let _ = self.stop.send(());
        timeout(LONG, self.served).await.expect("it does not end").unwrap().unwrap();
        assert_eq!(TcpStream::connect(self.address).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    }
}

#[tokio::test]
async fn it_serves_until_it_is_stopped_and_says_goodbye() {
    let (_scene, server) = start(|server| server);
    let clients = [server.enter().await, server.enter().await, server.enter().await];
    let counters = Arc::clone(&server.counters);
    let goodbyes = tokio::spawn(async {
        for client in clients {
            assert_eq!(unpack(&read_to_end(client).await.unwrap()), ["bye Stopping"]);
        }
    });
    server.ends().await;
    goodbyes.await.unwrap();
    assert_eq!((counters.value(Count::Accepted), counters.value(Count::Stopped)), (3, 3));
    // The threads have ended too: nobody counts any more.
    drop(_scene);
    until(|| Arc::strong_count(&counters) == 1).await;
}

#[tokio::test]
async fn it_waits_no_longer_than_it_may() {
    // The one client hears the farewell and does not hang up; its session would linger for a minute.
    let limit = Duration::from_millis(80);
    let (_scene, server) = start(|server| server.close_within(limit));
    let client = server.enter().await;
    let begun = Instant::now();
    server.ends().await;
    // By default it would be five seconds.
    assert!((limit..Duration::from_secs(5)).contains(&begun.elapsed()), "after {:?}", begun.elapsed());
    assert_eq!(unpack(&read_to_end(client).await.unwrap()), ["bye Stopping"]);
}

#[tokio::test]
async fn its_limits_hold() {
    let limits = AdmissionLimits { sessions: 1, ..AdmissionLimits::default() };
    let (_scene, server) = start(|server| server.limits(limits).shards(0));
    let client = server.enter().await;
    let refused = read_to_end(connect(server.address).await).await.unwrap();
    assert_eq!(unpack(&refused), ["bye Refused(Full)"]);
    drop(client);
    server.ends().await;
}

#[tokio::test]
async fn it_has_as_many_shards_as_it_is_told() {
    let (mut scene, server) = start(|server| server.shards(3));
    let mut shards = Vec::new();
    for _ in 0..4 {
        drop(server.enter().await);
        shards.push(scene.try_opened().unwrap().shard().index());
    }
    assert_eq!(shards, [0, 1, 2, 0]);
    server.ends().await;
}

#[tokio::test]
async fn its_settings_hold() {
    let queue = QueueLimits { messages: 0, ..QueueLimits::default() };
    let (_scene, server) = start(|server| server.settings(Settings { queue, ..patient() }));
    let mut client = connect(server.address).await;
    client.write_all(b"\x07echo hi").await.unwrap();
    assert_eq!(unpack(&read_to_end(client).await.unwrap()), ["bye SlowConsumer"]);
    server.ends().await;
}

/// As many as there may be without having signed in, and more: nobody has to.
#[tokio::test]
async fn who_need_not_sign_in_does_not_count_as_pending() {
    let limits = AdmissionLimits { pending: 1, ..AdmissionLimits::default() };
    let mut scene = Scene::new(patient());
    scene.protocol.behaviour.no_sign_in = true;
    let (listener, address) = listen();
    let (stop, stopped) = oneshot::channel();
    let (counters, protocol) = (Arc::default(), scene.protocol.clone());
    let server = Server::new(protocol).settings(Settings { silence: None, ..patient() }).limits(limits);
    let served = tokio::spawn(server.counters(Arc::clone(&counters)).serve(listener, stopped));
    let server = Running { address, counters, stop, served };
    let clients = [server.enter().await, server.enter().await, server.enter().await];
    assert_eq!(server.counters.value(Count::RefusedPending), 0);
    drop(clients);
    server.ends().await;
}

#[tokio::test]
async fn by_default_everything_is_as_documented() {
    let mut scene = Scene::new(patient());
    scene.protocol.behaviour.no_sign_in = true;
    let (listener, address) = listen();
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(serve(listener, scene.protocol.clone(), stopped));
    let server = Running { address, counters: Arc::default(), stop, served };
    let client = server.enter().await;
    let goodbye = tokio::spawn(read_to_end(client));
    server.ends().await;
    assert_eq!(unpack(&goodbye.await.unwrap().unwrap()), ["bye Stopping"]);
}
