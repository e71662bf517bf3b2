//! Connections over real sockets: who is dealt where, who is refused, and that nothing ends the acceptor but its stop.

use crate::support::{
    Scene,
    scene::admission,
    sockets::{abort, connect, listen, patient, read_to_end, until},
    unpack,
};
use malpan_net::{Count, Shard, Tcp, accept};
use std::{io, net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Handle,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// A scene with a second shard, and an acceptor for both.
struct Door {
    scene: Scene,
    other: Shard,
    address: SocketAddr,
    stop: CancellationToken,
    acceptor: JoinHandle<()>,
}

impl Door {
    /// Lets so many in: in all, not established, and from one address.
    fn open(sessions: usize, pending: usize, per_address: usize) -> Self {
        let mut scene = Scene::new(patient());
        scene.admission = admission(sessions, pending, per_address);
        let other = Shard::new(1, Handle::current(), scene.shard.settings().clone(), Arc::clone(&scene.counters));
        let (listener, address) = listen();
        let stop = CancellationToken::new();
        let shards: Arc<[Shard]> = Arc::new([scene.shard.clone(), other.clone()]);
        let protocol = scene.protocol.clone();
        let acceptor =
            tokio::spawn(accept(listener, Tcp, shards, Arc::clone(&scene.admission), protocol, stop.clone()));
        Self { scene, other, address, stop, acceptor }
    }

    /// Connects, and waits until the session is served.
    async fn enter(&self) -> TcpStream {
        let mut client = connect(self.address).await;
        assert_eq!(ask(&mut client, b"\x07echo hi", 3).await.unwrap(), b"\x02hi");
        client
    }

    fn sessions(&self) -> [usize; 2] {
        [self.scene.shard.sessions(), self.other.sessions()]
    }

    async fn all_gone(&self) {
        until(|| self.sessions() == [0, 0]).await;
        assert_eq!((self.scene.places(), self.scene.admission.pending()), ([0; 3], 0));
    }
}

async fn ask(client: &mut TcpStream, question: &[u8], answer: usize) -> io::Result<Vec<u8>> {
    client.write_all(question).await?;
    let mut bytes = vec![0; answer];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

#[tokio::test]
async fn connections_are_dealt_in_turn() {
    let door = Door::open(10, 10, 10);
    let mut clients = Vec::new();
    for expected in [[1, 0], [1, 1], [2, 1], [2, 2], [3, 2]] {
        clients.push(door.enter().await);
        assert_eq!(door.sessions(), expected);
    }
    drop(clients);
    door.all_gone().await;
    assert_eq!(door.scene.counted(Count::Accepted), 5);
    assert_eq!(door.scene.counted(Count::Disconnected), 5);
}

/// Otherwise someone who is refused at each second connection would send everyone else to one shard.
#[tokio::test]
async fn who_is_refused_takes_no_turn() {
    let door = Door::open(2, 10, 10);
    let mut first = door.enter().await;
    let _second = door.enter().await;
    read_to_end(connect(door.address).await).await.unwrap();
    first.shutdown().await.unwrap();
    until(|| door.sessions() == [0, 1]).await;
    let _third = door.enter().await;
    assert_eq!(door.sessions(), [1, 1]);
}

#[tokio::test]
async fn each_refusal_is_told_and_closed_and_counted() {
    for (limits, reason, count) in [
        ([1, 9, 9], "Full", Count::RefusedFull),
        ([9, 1, 9], "PendingFull", Count::RefusedPending),
        ([9, 9, 1], "AddressFull", Count::RefusedAddress),
    ] {
        let [sessions, pending, per_address] = limits;
        let door = Door::open(sessions, pending, per_address);
        let first = door.enter().await;
        for refused in 1..4 {
            let heard = read_to_end(connect(door.address).await).await.unwrap();
            assert_eq!(unpack(&heard), [format!("bye Refused({reason})")]);
            assert_eq!((door.scene.counted(count), door.scene.counted(Count::Accepted)), (refused, refused + 1));
            assert_eq!(door.sessions(), [1, 0]);
        }
        // There is room again when the first has gone.
        drop(first);
        door.all_gone().await;
        door.enter().await;
    }
}

#[tokio::test]
async fn whoever_is_established_makes_room_for_a_stranger() {
    let door = Door::open(9, 1, 9);
    let mut first = door.enter().await;
    first.write_all(b"\x09establish").await.unwrap();
    until(|| door.scene.admission.pending() == 0).await;
    let _second = door.enter().await;
    let refused = read_to_end(connect(door.address).await).await.unwrap();
    assert_eq!(unpack(&refused), ["bye Refused(PendingFull)"]);
}

/// A refused peer that sends much and reads late still learns why.
#[tokio::test]
async fn a_refusal_is_not_lost_to_a_reset() {
    let door = Door::open(0, 9, 9);
    let mut client = connect(door.address).await;
    client.write_all(&vec![b'x'; 32 << 20]).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(unpack(&read_to_end(client).await.unwrap()), ["bye Refused(Full)"]);
}

#[tokio::test]
async fn connections_that_are_reset_at_once_end_nothing() {
    let door = Door::open(100, 100, 100);
    for _ in 0..30 {
        abort(connect(door.address).await);
    }
    let client = door.enter().await;
    drop(client);
    door.all_gone().await;
    // What was accepted has ended, one way or the other.
    assert_eq!(door.scene.counted(Count::Accepted), door.scene.counted(Count::Disconnected));
}

#[tokio::test]
async fn stop_ends_the_acceptor_and_no_session() {
    let door = Door::open(9, 9, 9);
    let mut client = door.enter().await;
    door.stop.cancel();
    door.acceptor.await.unwrap();
    assert_eq!(ask(&mut client, b"\x08echo yes", 4).await.unwrap(), b"\x03yes");
    assert_eq!(TcpStream::connect(door.address).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}
