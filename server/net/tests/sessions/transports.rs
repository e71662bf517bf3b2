//! What an accepted connection goes through before its session: handshakes that come to their end, fail, hang, panic.

use crate::support::{
    Behaviour, Event, Scene, frame,
    scene::admission,
    sockets::{connect, listen, patient, read_to_end, until},
    unpack,
};
use malpan_net::{CloseReason, Count, Delivery, Settings, Shard, Tcp, Transport, accept};
use socket2::SockRef;
use std::{
    future::pending,
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream},
    net::TcpStream,
    sync::{Notify, mpsc},
};
use tokio_util::sync::CancellationToken;

/// What the peer has to say first, and what it hears then.
const MAGIC: (&[u8; 6], &[u8; 3]) = (b"magic\n", b"ok\n");

#[derive(Clone)]
enum Gate {
    Magic,
    /// Tells that it waits.
    Never(Arc<Notify>),
    Panics,
    /// Says whether the kernel asks the peer for signs of life, and fails.
    Keepalive(mpsc::UnboundedSender<bool>),
}

impl Transport for Gate {
    const IS_ENCRYPTED: bool = true;

    type Stream = BufStream<TcpStream>;

    async fn handshake(&self, stream: TcpStream) -> io::Result<BufStream<TcpStream>> {
        let mut stream = BufStream::new(stream);
        match self {
            Self::Magic => {
                let mut magic = [0; MAGIC.0.len()];
                stream.read_exact(&mut magic).await?;
                if magic != *MAGIC.0 {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                stream.write_all(MAGIC.1).await?;
                stream.flush().await?;
            }
            Self::Never(waits) => {
                waits.notify_one();
                pending::<()>().await;
            }
            Self::Keepalive(is_on) => {
                is_on.send(SockRef::from(stream.get_ref()).keepalive().unwrap()).unwrap();
                return Err(io::ErrorKind::InvalidData.into());
            }
            Self::Panics => panic!("asked to panic in the handshake"),
        }
        Ok(stream)
    }
}

/// A scene whose listener has such a gate, and one client, who is taken for a session.
async fn at_the_gate(gate: Gate, handshake_within: Duration, sessions: usize) -> (Scene, TcpStream, CancellationToken) {
    let mut scene = Scene::new(Settings { handshake_within, ..patient() });
    scene.admission = admission(sessions, 9, 9);
    let (client, stop) = connect_to(&scene, gate).await;
    (scene, client, stop)
}

/// Opens such a gate in front of the scene, and takes one client to it.
async fn connect_to(scene: &Scene, gate: impl Transport) -> (TcpStream, CancellationToken) {
    let (listener, address) = listen();
    let stop = CancellationToken::new();
    let shards: Arc<[Shard]> = Arc::new([scene.shard.clone()]);
    let (admission, protocol) = (Arc::clone(&scene.admission), scene.protocol.clone());
    tokio::spawn(accept(listener, gate, shards, admission, protocol, stop.clone()));
    let client = connect(address).await;
    until(|| scene.counted(Count::Accepted) == 1).await;
    (client, stop)
}

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn behind_a_handshake_everything_is_as_it_is_without() {
    let (mut scene, mut client, _stop) = at_the_gate(Gate::Magic, HOUR, 9).await;
    // It has its place from the beginning, and no service before the end.
    assert_eq!((scene.places(), scene.admission.pending()), ([1; 3], 1));
    assert!(scene.try_opened().is_none());
    scene.shard.each_session(|session| assert!(session.is_encrypted(), "as the gate says"));
    // What is queued meanwhile waits for the stream.
    scene.shard.each_session(|session| assert_eq!(session.send(frame("early")), Delivery::Queued));
    // The first packet may come with the last of the handshake.
    client.write_all(&[&MAGIC.0[..], b"\x07echo hi"].concat()).await.unwrap();
    let mut answer = [0; 12];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer[..3], MAGIC.1);
    assert_eq!(unpack(&answer[3..]), ["early", "hi"]);
    assert_eq!(scene.try_opened().unwrap().backlog(), (0, 0));
    client.shutdown().await.unwrap();
    assert_eq!(unpack(&read_to_end(client).await.unwrap()), ["bye PeerClosed"]);
    until(|| scene.places() == [0; 3]).await;
    assert_eq!(scene.events(), [Event::Packet("echo hi".into()), Event::Ended(CloseReason::PeerClosed)]);
}

/// Nobody was served, nobody is told, and nothing is left.
async fn assert_gone(scene: &mut Scene, client: TcpStream, count: Count) {
    // It may be a reset, with the peer's words unread.
    let heard = read_to_end(client).await.unwrap_or_default();
    assert!(heard.is_empty(), "{heard:?}");
    until(|| scene.places() == [0; 3]).await;
    assert_eq!((scene.admission.pending(), scene.counted(count)), (0, 1));
    assert!(scene.try_opened().is_none());
    assert_eq!(scene.events(), []);
}

#[tokio::test]
async fn a_handshake_that_fails_ends_the_connection() {
    let (mut scene, mut client, _stop) = at_the_gate(Gate::Magic, HOUR, 9).await;
    client.write_all(b"tragic").await.unwrap();
    assert_gone(&mut scene, client, Count::HandshakesFailed).await;
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_gone_at_its_limit() {
    let begun = Instant::now();
    let limit = Duration::from_millis(60);
    let (mut scene, client, _stop) = at_the_gate(Gate::Never(Arc::default()), limit, 9).await;
    assert_gone(&mut scene, client, Count::HandshakesFailed).await;
    assert!(begun.elapsed() >= limit, "after {:?}", begun.elapsed());
}

#[tokio::test]
async fn a_close_cuts_a_handshake_short() {
    let waits = Arc::<Notify>::default();
    let (mut scene, client, _stop) = at_the_gate(Gate::Never(Arc::clone(&waits)), HOUR, 9).await;
    waits.notified().await;
    scene.shard.close_all(CloseReason::Stopping);
    assert_gone(&mut scene, client, Count::Stopped).await;
}

#[tokio::test]
async fn a_panic_in_a_handshake_ends_that_connection_alone() {
    let (mut scene, client, _stop) = at_the_gate(Gate::Panics, HOUR, 9).await;
    assert_gone(&mut scene, client, Count::Panics).await;
}

/// A handshake can be costly; whoever is refused is not worth it, and would not understand plain words.
#[tokio::test]
async fn who_is_refused_at_a_gate_is_told_nothing() {
    let (mut scene, client, _stop) = at_the_gate(Gate::Magic, HOUR, 0).await;
    assert_gone(&mut scene, client, Count::RefusedFull).await;
}

#[tokio::test]
async fn the_kernel_watches_those_that_cannot_be_asked() {
    for no_heartbeat in [true, false] {
        let settings = Settings { silence: Some(HOUR), ..patient() };
        let scene = Scene::with(settings, Behaviour { no_heartbeat, ..Behaviour::default() });
        let (is_on, mut keepalive) = mpsc::unbounded_channel();
        let _gate = connect_to(&scene, Gate::Keepalive(is_on)).await;
        assert_eq!(keepalive.recv().await, Some(no_heartbeat));
    }
}

#[tokio::test]
async fn plain_tcp_and_a_stream_of_ones_own_are_not_encrypted() {
    let mut scene = Scene::new(patient());
    let _client = connect_to(&scene, Tcp).await;
    assert!(!scene.opened().await.is_encrypted());
    let (_peer, session) = scene.open().await;
    assert!(!session.is_encrypted());
}
