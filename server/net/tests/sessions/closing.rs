//! The end of a connection: what is still written, what is not, and how long it may take.

use crate::support::{Behaviour, Event, Scene, frame, packets, settings, settle, unpack, wire};
use malpan_net::{CloseReason, Count, Delivery};
use std::time::Duration;
use tokio::{
    io::BufStream,
    time::{Instant, advance, sleep},
};

const FLUSHED: [CloseReason; 3] = [CloseReason::Service(1), CloseReason::Stopping, CloseReason::Deadline];
const UNFLUSHED: [CloseReason; 3] = [CloseReason::SlowConsumer, CloseReason::WriteStalled, CloseReason::Silent];

#[tokio::test(start_paused = true)]
async fn what_is_queued_is_written_before_the_farewell() {
    for reason in FLUSHED {
        let mut scene = Scene::new(settings());
        let (peer, session) = scene.open().await;
        peer.take(2);
        session.send(frame("one"));
        settle().await;
        session.send(frame("two"));
        session.close(reason);
        settle().await;
        assert!(!peer.is_shut_down());
        peer.take_all();
        settle().await;
        assert_eq!(unpack(&peer.heard()), ["one", "two", &format!("bye {reason:?}")]);
        assert_eq!((session.backlog(), peer.is_shut_down()), ((0, 0), true));
    }
}

#[tokio::test(start_paused = true)]
async fn to_a_peer_that_has_only_finished_speaking_everything_is_written() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(2);
    session.send(frame("one"));
    peer.say(packets(["echo two"]));
    settle().await;
    peer.half_close();
    settle().await;
    peer.take_all();
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["one", "two", "bye PeerClosed"]);
    assert!(peer.is_closed(), "whoever has closed is not waited for");
    assert_eq!(scene.places(), [0; 3]);
}

#[tokio::test(start_paused = true)]
async fn who_sent_garbage_gets_all_answers() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(1);
    session.send(frame("one"));
    peer.say(b"\x08echo two\xff");
    settle().await;
    peer.take_all();
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["one", "two", "bye Malformed"]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_read_gets_the_frame_that_was_begun_and_the_farewell() {
    for reason in UNFLUSHED {
        let mut scene = Scene::new(settings());
        let (peer, session) = scene.open().await;
        peer.take(2);
        session.send(frame("begun"));
        session.send(frame("behind it"));
        settle().await;
        session.send(frame("in the queue"));
        session.close(reason);
        peer.take_all();
        settle().await;
        assert_eq!(unpack(&peer.heard()), ["begun", &format!("bye {reason:?}")]);
        assert_eq!(session.backlog(), (0, 0));
    }
}

/// And no part of a frame of which nothing is out yet.
#[tokio::test(start_paused = true)]
async fn a_frame_that_was_not_begun_is_dropped() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(0);
    session.send(frame("one"));
    settle().await;
    session.close(CloseReason::SlowConsumer);
    peer.take_all();
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["bye SlowConsumer"]);
}

/// The word to close goes through the queue, and must be heard while nothing can be written.
#[tokio::test(start_paused = true)]
async fn a_close_reaches_a_session_whose_writing_is_blocked() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(1);
    session.send(frame("stuck"));
    settle().await;
    session.close(CloseReason::Stopping);
    settle().await;
    assert_eq!(scene.events(), [Event::Ended(CloseReason::Stopping)]);
}

/// Its word is taken from the queue by the very poll that had looked for a reason before it.
#[tokio::test(start_paused = true)]
async fn a_close_in_the_middle_of_a_write_is_not_overheard() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.close_at_write(&session, CloseReason::Stopping);
    session.send(frame("one"));
    settle().await;
    assert_eq!(scene.events(), [Event::Ended(CloseReason::Stopping)]);
    assert_eq!(unpack(&peer.heard()), ["one", "bye Stopping"]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_reads_costs_the_flush_and_no_more() {
    for reason in FLUSHED.into_iter().chain(UNFLUSHED) {
        let mut scene = Scene::new(settings());
        let (peer, session) = scene.open().await;
        peer.take(0);
        session.send(frame("stuck"));
        settle().await;
        session.close(reason);
        let start = Instant::now();
        sleep(Duration::from_millis(1999)).await;
        assert_eq!((scene.places(), peer.is_closed()), ([1; 3], false), "{reason:?}");
        sleep(Duration::from_millis(2)).await;
        assert_eq!((scene.places(), peer.is_closed()), ([0; 3], true), "{reason:?} {:?}", start.elapsed());
    }
}

/// What a stream buffers is written in the time for writing, which is longer here than the time for listening.
#[tokio::test(start_paused = true)]
async fn a_stream_that_buffers_has_the_whole_flush_for_it() {
    let mut scene = Scene::new(settings());
    let (io, peer) = wire();
    let session = scene.open_on(BufStream::new(io)).await;
    peer.take(0);
    session.send(frame("one"));
    session.close(CloseReason::Service(1));
    sleep(Duration::from_millis(1900)).await;
    assert!(!peer.is_closed());
    peer.take_all();
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["one", "bye Service(1)"]);
}

/// A socket that is closed with unread input is reset, and the reset can overtake the farewell.
#[tokio::test(start_paused = true)]
async fn input_is_discarded_for_a_while_so_that_the_farewell_is_read() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    session.close(CloseReason::Service(1));
    settle().await;
    assert!(peer.is_shut_down() && !peer.is_closed());
    for _ in 0..9 {
        sleep(Duration::from_millis(100)).await;
        peer.say([b'x'; 5000]);
    }
    settle().await;
    assert_eq!((peer.unread(), peer.is_closed()), (0, false));
    // Whoever keeps talking has had its time.
    sleep(Duration::from_millis(100)).await;
    assert_eq!((peer.is_closed(), scene.places()), (true, [0; 3]));
    assert_eq!(scene.events(), [Event::Ended(CloseReason::Service(1))]);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_in_turn_is_waited_for_no_longer() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    session.close(CloseReason::Service(1));
    settle().await;
    peer.say("unread");
    peer.half_close();
    settle().await;
    assert_eq!((peer.is_closed(), scene.places()), (true, [0; 3]));
}

#[tokio::test(start_paused = true)]
async fn the_first_reason_counts_and_nothing_is_sent_after_it() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    session.send(frame("before"));
    session.close(CloseReason::Service(1));
    session.close(CloseReason::Stopping);
    for delivery in [session.send(frame("a")), session.send_latest(frame("b")), session.send_droppable(frame("c"))] {
        assert_eq!(delivery, Delivery::Closed);
    }
    settle().await;
    session.close(CloseReason::Stopping);
    assert_eq!(session.send(frame("d")), Delivery::Closed);
    assert_eq!(session.close_reason(), Some(CloseReason::Service(1)));
    assert_eq!(scene.events(), [Event::Ended(CloseReason::Service(1))]);
    assert_eq!(unpack(&peer.heard()), ["before", "bye Service(1)"]);
    assert_eq!((scene.counted(Count::ClosedByService), scene.counted(Count::Stopped)), (1, 0));
}

/// What the service is told, what is counted, what the handle says and what the peer reads is one reason, also where
/// another comes up while the service says its goodbyes.
#[tokio::test(start_paused = true)]
async fn the_reason_is_the_same_for_everyone() {
    let mut scene = Scene::with(settings(), Behaviour { wait_at_the_end: true, ..Behaviour::default() });
    let (peer, session) = scene.open().await;
    peer.half_close();
    settle().await;
    assert_eq!(session.close_reason(), Some(CloseReason::PeerClosed));
    assert_eq!(session.send(frame("too late")), Delivery::Closed);
    session.close(CloseReason::Stopping);
    scene.let_through(1);
    settle().await;
    assert_eq!(scene.events(), [Event::Ended(CloseReason::PeerClosed), Event::Through]);
    assert_eq!(session.close_reason(), Some(CloseReason::PeerClosed));
    assert_eq!((scene.counted(Count::Disconnected), scene.counted(Count::Stopped)), (1, 0));
    assert_eq!(unpack(&peer.heard()), ["bye PeerClosed"]);
}

/// A session is among those that a stopping server closes from the moment it was opened, not only once its task has run.
#[tokio::test(start_paused = true)]
async fn a_session_that_has_not_begun_is_closed_with_all_others() {
    let mut scene = Scene::new(settings());
    let (_peer, _) = scene.open().await;
    let (io, late) = wire();
    scene.begin(io);
    assert_eq!(scene.places(), [2; 3]);
    scene.shard.close_all(CloseReason::Stopping);
    settle().await;
    let ended = Event::Ended(CloseReason::Stopping);
    assert_eq!(scene.events(), [ended.clone(), ended]);
    assert_eq!(unpack(&late.heard()), ["bye Stopping"]);
    late.half_close();
}

#[tokio::test(start_paused = true)]
async fn finished_waits_for_the_last_byte_of_the_last_session() {
    let mut scene = Scene::new(settings());
    let (peer, _) = scene.open().await;
    let shard = scene.shard.clone();
    let finished = tokio::spawn(async move { shard.finished().await });
    settle().await;
    assert!(!finished.is_finished());
    scene.shard.close_all(CloseReason::Stopping);
    settle().await;
    assert!(!finished.is_finished(), "the peer has not closed");
    peer.half_close();
    settle().await;
    assert!(finished.is_finished());
    assert_eq!(scene.places(), [0; 3]);
}

/// A handle that someone keeps neither keeps the session nor takes anything any more.
#[tokio::test(start_paused = true)]
async fn a_handle_outlives_its_session_quietly() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.half_close();
    settle().await;
    assert!(peer.is_closed());
    assert_eq!(session.send(frame("x")), Delivery::Closed);
    session.establish();
    session.set_deadline(Duration::ZERO);
    session.close(CloseReason::Stopping);
    advance(Duration::from_secs(60)).await;
    settle().await;
    assert_eq!(session.backlog(), (0, 0));
    assert_eq!((scene.places(), scene.admission.pending()), ([0; 3], 0));
}
