//! What is counted of bytes, packets and frames, and what a shard tells of its thread.

use crate::support::{Scene, frame, packets, settings, settle, sockets::until};
use malpan_net::{CloseReason, Count, Counters, Delivery, Settings, ShardThread};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// Bytes and packets received, bytes and frames written.
fn traffic(scene: &Scene) -> [u64; 4] {
    [Count::BytesReceived, Count::PacketsReceived, Count::BytesWritten, Count::FramesWritten]
        .map(|count| scene.counted(count))
}

#[tokio::test(start_paused = true)]
async fn bytes_count_as_they_pass_and_packets_and_frames_when_they_are_whole() {
    let mut scene = Scene::new(settings());
    let (peer, _session) = scene.open().await;
    peer.say(b"\x08ech");
    settle().await;
    assert_eq!(traffic(&scene), [4, 0, 0, 0]);
    peer.take(2);
    peer.say([&b"o abc"[..], &packets(["echo de"])].concat());
    settle().await;
    assert_eq!(traffic(&scene), [17, 2, 2, 0]);
    peer.take(3);
    settle().await;
    assert_eq!(traffic(&scene), [17, 2, 5, 1]);
    peer.take_all();
    settle().await;
    assert_eq!(traffic(&scene), [17, 2, 7, 2]);
    // The farewell is a frame as well: "bye PeerClosed" behind its length.
    peer.half_close();
    settle().await;
    assert_eq!(traffic(&scene), [17, 2, 22, 3]);
    assert_eq!(peer.heard().len(), 22);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_written_is_not_counted_as_written() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(0);
    session.send(frame("lost"));
    settle().await;
    session.close(CloseReason::SlowConsumer);
    peer.take_all();
    settle().await;
    assert_eq!(traffic(&scene)[2..], [peer.heard().len() as u64, 1]);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_out_counts_by_its_class() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    let left_out = |scene: &Scene| [Count::LatestLeftOut, Count::DroppableDropped].map(|count| scene.counted(count));
    peer.take(0);
    for _ in 0..settings().queue.lag_messages {
        assert_eq!(session.send_latest(frame("x")), Delivery::Queued);
    }
    assert_eq!(left_out(&scene), [0, 0]);
    for _ in 0..2 {
        assert_eq!(session.send_latest(frame("x")), Delivery::LeftOut);
    }
    assert_eq!(session.send_droppable(frame("x")), Delivery::LeftOut);
    assert_eq!(left_out(&scene), [2, 1]);
    // Nothing was left out for whoever is gone.
    session.close(CloseReason::Stopping);
    assert_eq!([session.send_latest(frame("x")), session.send_droppable(frame("x"))], [Delivery::Closed; 2]);
    assert_eq!(left_out(&scene), [2, 1]);
}

#[tokio::test]
async fn a_shard_counts_its_tasks() {
    let thread = ShardThread::start(0, settings(), Arc::<Counters>::default()).unwrap();
    let (done, waits) = oneshot::channel::<()>();
    let task = thread.shard().spawn(waits);
    assert_eq!(thread.shard().tasks(), 1);
    done.send(()).unwrap();
    task.await.unwrap().unwrap();
    until(|| thread.shard().tasks() == 0).await;
}

#[tokio::test]
async fn a_shards_thread_is_busy_while_it_works() {
    const WORK: Duration = Duration::from_millis(40);
    let thread = ShardThread::start(0, settings(), Arc::<Counters>::default()).unwrap();
    let work = async {
        let begun = Instant::now();
        while begun.elapsed() < WORK {}
    };
    thread.shard().spawn(work).await.unwrap();
    until(|| thread.shard().busy() >= WORK).await;
}

#[tokio::test]
async fn a_shards_thread_is_not_busy_while_it_paces_itself() {
    let poll_interval = Duration::from_millis(300);
    let thread = ShardThread::start(0, Settings { poll_interval, ..settings() }, Arc::<Counters>::default()).unwrap();
    // Until a task had to wait for its turn.
    let begun = Instant::now();
    while begun.elapsed() < poll_interval / 2 {
        thread.shard().spawn(async {}).await.unwrap();
    }
    assert!(thread.shard().busy() < poll_interval / 4, "{:?}", thread.shard().busy());
}
