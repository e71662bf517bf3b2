//! The queue's bounds: who is cut off, what is left out, and the word that a peer has caught up.

use crate::support::{Event, Scene, frame, packets, settings, settle, unpack};
use malpan_net::{CloseReason, Count, Delivery, Frame, QueueLimits, Settings};

fn small(text: &str) -> Frame {
    frame(text)
}

#[tokio::test(start_paused = true)]
async fn at_the_bound_of_messages_a_must_ends_the_session() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    // Half of the first frame is out when the peer stops to read.
    peer.take(2);
    for n in 0..8 {
        assert_eq!(session.send(small(&n.to_string().repeat(3))), Delivery::Queued);
    }
    settle().await;
    assert_eq!(session.backlog(), (8, 30));
    assert_eq!(session.send(small("too much")), Delivery::Closed);
    assert_eq!(session.close_reason(), Some(CloseReason::SlowConsumer));
    // The failed one has given its place back.
    assert_eq!(session.backlog(), (8, 30));
    settle().await;
    assert_eq!(scene.events(), [Event::Ended(CloseReason::SlowConsumer)]);
    // The frame that was begun stays whole; what was behind it is gone, and the reason follows.
    peer.take_all();
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["000", "bye SlowConsumer"]);
    assert_eq!((session.backlog(), scene.counted(Count::SlowConsumers)), ((0, 0), 1));
}

#[tokio::test(start_paused = true)]
async fn at_the_bound_of_bytes_as_well() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(0);
    let quarter = Frame::new(&[1; 250]);
    assert!((0..4).all(|_| session.send(quarter.clone()) == Delivery::Queued), "exactly the bound fits");
    assert_eq!(session.backlog(), (4, 1000));
    assert_eq!(session.send(Frame::new(&[1])), Delivery::Closed);
    assert_eq!(session.close_reason(), Some(CloseReason::SlowConsumer));
    peer.take_all();
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["bye SlowConsumer"]);
}

/// Bytes leave the budget when the kernel takes them, not when they leave the channel.
#[tokio::test(start_paused = true)]
async fn what_was_taken_from_the_queue_and_not_written_still_counts() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(0);
    for n in 0..8 {
        assert_eq!(session.send(small("x")), Delivery::Queued, "number {n}");
        settle().await;
    }
    assert_eq!(session.send(small("x")), Delivery::Closed);
}

#[tokio::test(start_paused = true)]
async fn latest_frames_are_left_out_until_the_peer_has_caught_up() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(0);
    for n in 0..6 {
        assert_eq!(session.send_latest(small(&n.to_string())), Delivery::Queued);
    }
    assert_eq!(session.send_latest(small("6")), Delivery::LeftOut);
    // What must be delivered still is.
    assert_eq!(session.send(small("must")), Delivery::Queued);
    settle().await;

    // Four of the seven are out: below the lagging bound, above the recovery bound.
    peer.take(8);
    settle().await;
    assert_eq!(session.backlog().0, 3);
    assert_eq!(session.send_latest(small("7")), Delivery::LeftOut, "behind until recovered");
    assert_eq!(scene.events(), []);

    peer.take(2);
    settle().await;
    assert_eq!(scene.events(), [Event::Recovered]);
    assert_eq!(session.send_latest(small("8")), Delivery::Queued);
    peer.take_all();
    settle().await;
    assert_eq!(scene.events(), [], "once is enough");
    assert_eq!(unpack(&peer.heard()), ["0", "1", "2", "3", "4", "5", "must", "8"]);

    // And it begins anew.
    peer.take(0);
    while session.send_latest(small("9")) == Delivery::Queued {}
    peer.take_all();
    settle().await;
    assert_eq!(scene.events(), [Event::Recovered]);
}

#[tokio::test(start_paused = true)]
async fn bytes_make_a_peer_lag_as_well() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(0);
    assert_eq!(session.send_latest(Frame::new(&[1; 599])), Delivery::Queued);
    assert_eq!(session.send_latest(Frame::new(&[2; 1])), Delivery::Queued);
    assert_eq!(session.send_latest(Frame::new(&[3; 1])), Delivery::LeftOut);
    // Few frames wait, but they are long.
    peer.take(100);
    settle().await;
    assert_eq!((session.backlog(), scene.events()), ((2, 500), vec![]));
    peer.take(200);
    settle().await;
    assert_eq!((session.backlog(), scene.events()), ((2, 300), vec![Event::Recovered]));
}

/// The service is told when the packet that it handles is through, not in the middle of it.
#[tokio::test(start_paused = true)]
async fn recovery_waits_for_a_packet_that_waits() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(0);
    while session.send_latest(small("x")) == Delivery::Queued {}
    peer.say(packets(["wait", "next"]));
    settle().await;
    peer.take_all();
    settle().await;
    assert_eq!(scene.events(), [Event::Packet("wait".into())]);
    scene.let_through(1);
    settle().await;
    assert_eq!(scene.events(), [Event::Through, Event::Recovered, Event::Packet("next".into())]);
}

#[tokio::test(start_paused = true)]
async fn droppable_frames_are_dropped_from_the_lagging_bound_on() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(0);
    for _ in 0..6 {
        assert_eq!(session.send_droppable(small("pong")), Delivery::Queued);
    }
    assert_eq!(session.send_droppable(small("pong")), Delivery::LeftOut);
    settle().await;
    peer.take(5);
    settle().await;
    // There is room again, and nobody had to be told.
    assert_eq!(session.send_droppable(small("pong")), Delivery::Queued);
    peer.take_all();
    settle().await;
    assert_eq!((scene.events(), session.backlog()), (vec![], (0, 0)));
}

/// What may be missing does not end a session, also where it is too long for what is left of the bound.
#[tokio::test(start_paused = true)]
async fn what_may_be_missing_is_never_what_cuts_a_peer_off() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(0);
    session.send(Frame::new(&[0; 599]));
    let long = Frame::new(&[1; 500]);
    assert_eq!(session.send_droppable(long.clone()), Delivery::LeftOut);
    assert_eq!(session.send_latest(long.clone()), Delivery::LeftOut);
    assert_eq!(session.send_latest(small("short")), Delivery::LeftOut, "a gap is a gap");
    assert_eq!((session.close_reason(), session.backlog()), (None, (1, 599)));
    settle().await;
    assert_eq!(scene.events(), [], "not caught up while the frame would not fit either");
    peer.take(400);
    settle().await;
    assert_eq!(scene.events(), [Event::Recovered]);
    assert_eq!(session.send_latest(long), Delivery::Queued);
}

/// A frame that no queue could ever take is a fault of who sends it, and must not go round in circles.
#[tokio::test(start_paused = true)]
async fn a_frame_longer_than_the_bound_ends_the_session() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(0);
    session.send(small("x"));
    assert_eq!(session.send_latest(Frame::new(&[1; 1000])), Delivery::LeftOut, "alone it would fit");
    assert_eq!(session.send_latest(Frame::new(&[1; 1001])), Delivery::Closed);
    assert_eq!(session.close_reason(), Some(CloseReason::SlowConsumer));
}

/// Bounds that contradict each other must not make a session spin.
#[tokio::test(start_paused = true)]
async fn a_recovery_bound_above_the_lagging_bound_does_no_harm() {
    let queue = QueueLimits { messages: 8, bytes: 1000, lag_messages: 1, lag_bytes: 600, recovered_messages: 5 };
    let mut scene = Scene::new(Settings { queue, ..settings() });
    let (peer, session) = scene.open().await;
    peer.take(0);
    assert_eq!(session.send_latest(small("1")), Delivery::Queued);
    for _ in 0..3 {
        assert_eq!(session.send_latest(small("2")), Delivery::LeftOut);
        settle().await;
    }
    assert_eq!(scene.events(), []);
    peer.take_all();
    settle().await;
    assert_eq!(scene.events(), [Event::Recovered]);
}
