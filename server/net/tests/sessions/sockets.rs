//! What only real sockets show: resets that overtake last words, kernels that take a part, threads that end.

use crate::support::{
    Event, Scene, frame,
    scene::admission,
    sockets::{abort, connect, listen, patient, read_to_end, until},
    unpack,
};
use malpan_net::{
    CloseReason, Count, Counters, Delivery, QueueLimits, SessionHandle, Settings, Shard, ShardThread, Tcp, accept,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Handle,
};
use tokio_util::sync::CancellationToken;

/// A client, and its session.
async fn pair(scene: &mut Scene) -> (TcpStream, SessionHandle) {
    let (listener, address) = listen();
    let (client, accepted) = tokio::join!(connect(address), listener.accept());
    (client, scene.open_on(accepted.unwrap().0).await)
}

/// More than any kernel buffers between two sockets.
const MUCH: usize = 32 << 20;

/// The server closes while much of what the client sends is still on its way, and the client reads when it has sent
/// all. A socket that is closed with unread input is reset, and the client would learn of nothing else.
#[tokio::test]
async fn a_farewell_is_read_by_who_sends_on_and_on() {
    let mut scene = Scene::new(patient());
    let (mut client, _) = pair(&mut scene).await;
    client.write_all(&vec![255; MUCH]).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(unpack(&read_to_end(client).await.unwrap()), ["bye Malformed"]);
    until(|| scene.places() == [0; 3]).await;
}

/// More than any kernel buffers, to a client that begins to read when all of it waits.
#[tokio::test]
async fn what_the_kernel_takes_in_parts_arrives_whole() {
    let queue = QueueLimits {
        messages: 100_000,
        bytes: 64 << 20,
        lag_messages: 90_000,
        lag_bytes: 60 << 20,
        recovered_messages: 1,
    };
    let mut scene = Scene::new(Settings { queue, ..patient() });
    let (mut client, session) = pair(&mut scene).await;
    let text = "x".repeat(254);
    let count = 80_000;
    for _ in 0..count {
        assert_eq!(session.send(frame(&text)), Delivery::Queued);
    }
    client.shutdown().await.unwrap();
    let heard = read_to_end(client).await.unwrap();
    let texts = unpack(&heard);
    assert_eq!(texts.len(), count + 1);
    assert!(texts[..count].iter().all(|heard| *heard == text));
    assert_eq!(texts[count], "bye PeerClosed");
    assert_eq!(session.backlog(), (0, 0));
}

#[tokio::test]
async fn a_reset_breaks_the_connection() {
    let mut scene = Scene::new(patient());
    let (client, session) = pair(&mut scene).await;
    abort(client);
    until(|| scene.places() == [0; 3]).await;
    assert_eq!(session.close_reason(), Some(CloseReason::Broken));
    assert_eq!(scene.events(), [Event::Ended(CloseReason::Broken)]);
}

/// One client of a storm. Some are polite, some are gone before their answer, some talk nonsense.
async fn visit(address: SocketAddr, manner: usize) {
    let mut client = connect(address).await;
    // Whatever fails here fails because the other side was faster.
    match manner % 6 {
        0 => {
            client.write_all(b"\x07echo hi").await.unwrap();
            let mut answer = [0; 3];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"\x02hi");
        }
        1 => drop(client.write_all(b"\x07echo hi\x07echo").await),
        2 => {
            drop(client.write_all(b"\xffgarbage").await);
            assert_eq!(unpack(&read_to_end(client).await.unwrap()), ["bye Malformed"]);
        }
        3 => abort(client),
        4 => {
            client.write_all(b"\x07close 1").await.unwrap();
            assert_eq!(unpack(&read_to_end(client).await.unwrap()), ["bye Service(1)"]);
        }
        _ => {
            client.write_all(b"\x05panic").await.unwrap();
            assert_eq!(unpack(&read_to_end(client).await.unwrap()), ["bye Panicked"]);
        }
    }
}

#[tokio::test]
async fn after_a_storm_nothing_is_left() {
    const WAVES: usize = 6;
    const CLIENTS: usize = 60;
    let scene = Scene::new(patient());
    let (listener, address) = listen();
    let stop = CancellationToken::new();
    let shards: Arc<[Shard]> =
        Arc::new([scene.shard.clone(), Shard::new(1, Handle::current(), patient(), Arc::clone(&scene.counters))]);
    let (admission, protocol) = (Arc::clone(&scene.admission), scene.protocol.clone());
    let acceptor = tokio::spawn(accept(listener, Tcp, Arc::clone(&shards), admission, protocol, stop.clone()));
    for wave in 0..WAVES {
        let visitors = (0..CLIENTS).map(|client| tokio::spawn(visit(address, wave + client)));
        for visitor in visitors.collect::<Vec<_>>() {
            visitor.await.unwrap();
        }
    }
    // Whoever is last has connected before: nobody waits in the listener any more.
    stop.cancel();
    acceptor.await.unwrap();
    for shard in shards.iter() {
        shard.finished().await;
        assert_eq!(shard.sessions(), 0);
    }
    assert_eq!((scene.places(), scene.admission.pending()), ([0; 3], 0));
    // The two sweeps are left.
    until(|| Handle::current().metrics().num_alive_tasks() == 2).await;
    let counted = |count| usize::try_from(scene.counted(count)).unwrap();
    let sixth = WAVES * CLIENTS / 6;
    assert_eq!([Count::Malformed, Count::ClosedByService, Count::Panics].map(counted), [sixth; 3]);
    let ended = [Count::Disconnected, Count::Malformed, Count::ClosedByService, Count::Panics].map(counted);
    assert_eq!(ended.iter().sum::<usize>(), counted(Count::Accepted));
}

#[tokio::test]
async fn a_shards_thread_serves_until_its_last_session_has_ended() {
    let scene = Scene::new(patient());
    let counters = Arc::<Counters>::default();
    let thread = ShardThread::start(3, patient(), Arc::clone(&counters)).unwrap();
    let (listener, address) = listen();
    let stop = CancellationToken::new();
    let shards: Arc<[Shard]> = Arc::new([thread.shard().clone()]);
    let acceptor =
        tokio::spawn(accept(listener, Tcp, shards, admission(9, 9, 9), scene.protocol.clone(), stop.clone()));
    let mut client = connect(address).await;
    let mut answer = [0; 3];
    client.write_all(b"\x07echo hi").await.unwrap();
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!((thread.shard().sessions(), thread.shard().index()), (1, 3));
    // The owner has gone, but nobody is thrown out.
    stop.cancel();
    acceptor.await.unwrap();
    drop(thread);
    client.write_all(b"\x07echo ho").await.unwrap();
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"\x02ho");
    assert!(Arc::strong_count(&counters) > 1);
    drop(client);
    // With the thread's end nobody counts any more. The scene keeps a handle on the session, which is all of it.
    drop(scene);
    until(|| Arc::strong_count(&counters) == 1).await;
}
