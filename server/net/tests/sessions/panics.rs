//! A panic in a service ends that session, and nothing else.

use crate::support::{Behaviour, Event, Scene, frame, packets, settings, settle, unpack, wire};
use malpan_net::{CloseReason, Count, Delivery};

/// A second session on the same shard is served as before, and everything of the first is given back.
async fn assert_alone(scene: &mut Scene) {
    assert_eq!(scene.counted(Count::Panics), 1);
    assert_eq!((scene.places(), scene.admission.pending()), ([0; 3], 0));
    scene.protocol.behaviour = Behaviour::default();
    let (peer, _) = scene.open().await;
    peer.say(packets(["echo still here"]));
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["still here"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_a_packet_ends_that_session_alone() {
    let mut scene = Scene::new(settings());
    let (bystander, _) = scene.open().await;
    let (peer, session) = scene.open().await;
    peer.say(packets(["echo 1", "panic", "echo 2"]));
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["1", "bye Panicked"]);
    assert_eq!(session.close_reason(), Some(CloseReason::Panicked));
    assert_eq!(session.send(frame("late")), Delivery::Closed);
    peer.half_close();
    bystander.say(packets(["echo 3"]));
    settle().await;
    assert_eq!(unpack(&bystander.heard()), ["3"]);
    bystander.half_close();
    settle().await;
    // Nothing is ended that panicked: the service is in no state to say goodbye.
    assert!(!scene.events().contains(&Event::Ended(CloseReason::Panicked)));
    assert_alone(&mut scene).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_the_word_of_recovery_as_well() {
    let mut scene = Scene::with(settings(), Behaviour { panic_when_recovered: true, ..Behaviour::default() });
    let (peer, session) = scene.open().await;
    peer.take(0);
    while session.send_latest(frame("x")) == Delivery::Queued {}
    peer.take_all();
    settle().await;
    assert_eq!(session.close_reason(), Some(CloseReason::Panicked));
    peer.half_close();
    settle().await;
    assert_alone(&mut scene).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_the_end_as_well() {
    let mut scene = Scene::with(settings(), Behaviour { panic_at_the_end: true, ..Behaviour::default() });
    let (peer, _session) = scene.open().await;
    peer.half_close();
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["bye Panicked"]);
    assert_alone(&mut scene).await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_at_the_beginning_as_well() {
    let mut scene = Scene::with(settings(), Behaviour { panic_when_opened: true, ..Behaviour::default() });
    let (io, peer) = wire();
    scene.begin(io);
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["bye Panicked"]);
    peer.half_close();
    settle().await;
    assert_alone(&mut scene).await;
}
