//! The beginning of a connection: what a service does before its first packet.

use crate::support::{Behaviour, Event, Scene, frame, packets, settings, settle, unpack, wire};
use malpan_net::CloseReason;

fn waiting() -> Scene {
    Scene::with(settings(), Behaviour { wait_when_opened: true, ..Behaviour::default() })
}

#[tokio::test(start_paused = true)]
async fn no_packet_overtakes_the_opening() {
    let mut scene = waiting();
    let (peer, session) = scene.open().await;
    peer.say(packets(["echo 1"]));
    settle().await;
    assert_eq!((scene.events(), peer.reads()), (vec![Event::Opened], 0));
    // What is queued is written meanwhile.
    session.send(frame("wait a moment"));
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["wait a moment"]);
    scene.let_through(1);
    settle().await;
    assert_eq!(scene.events(), [Event::Through, Event::Packet("echo 1".into())]);
    assert_eq!(unpack(&peer.heard()), ["wait a moment", "1"]);
    // Once is enough.
    peer.say(packets(["echo 2"]));
    settle().await;
    assert_eq!(scene.events(), [Event::Packet("echo 2".into())]);
}

#[tokio::test(start_paused = true)]
async fn a_close_cuts_the_opening_short() {
    let mut scene = waiting();
    let (peer, session) = scene.open().await;
    settle().await;
    session.close(CloseReason::Stopping);
    settle().await;
    assert_eq!(scene.events(), [Event::Opened, Event::CutShort, Event::Ended(CloseReason::Stopping)]);
    assert_eq!(unpack(&peer.heard()), ["bye Stopping"]);
}

#[tokio::test(start_paused = true)]
async fn who_was_closed_before_the_beginning_is_not_opened() {
    let mut scene = waiting();
    let (io, peer) = wire();
    scene.begin(io);
    scene.shard.close_all(CloseReason::Stopping);
    settle().await;
    assert_eq!(scene.events(), [Event::Ended(CloseReason::Stopping)]);
    assert_eq!(unpack(&peer.heard()), ["bye Stopping"]);
}
