//! From the queue to the kernel: one write for everything that waits, exact counts, partial writes.

use crate::support::{Event, Scene, frame, packets, settings, settle, unpack, wire};
use malpan_net::{CloseReason, Delivery, Frame, QueueLimits, Settings};
use proptest::prelude::*;
use std::io::ErrorKind;
use tokio::io::BufStream;

/// Settings under which nobody is ever behind.
fn roomy() -> Settings {
    let queue = QueueLimits {
        messages: 10_000,
        bytes: 1 << 20,
        lag_messages: 9_000,
        lag_bytes: 1 << 19,
        recovered_messages: 100,
    };
    Settings { queue, ..settings() }
}

#[tokio::test(start_paused = true)]
async fn everything_that_waits_is_one_write() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    for text in ["one", "two", "three"] {
        assert_eq!(session.send(frame(text)), Delivery::Queued);
    }
    assert_eq!(session.backlog(), (3, 14));
    settle().await;
    assert_eq!(peer.writes(), [packets(["one", "two", "three"])]);
    assert_eq!(session.backlog(), (0, 0));
    session.send(frame("alone"));
    settle().await;
    assert_eq!(peer.writes().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_the_kernel_leaves_waits_in_order_and_goes_on_counting() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    // The first frame and two of the second's four bytes.
    peer.take(6);
    session.send(frame("one"));
    session.send(frame("two"));
    session.send(frame("three"));
    settle().await;
    assert_eq!(session.backlog(), (2, 8));
    // To the last byte of the second: it counts until then.
    peer.take(1);
    settle().await;
    assert_eq!(session.backlog(), (2, 7));
    peer.take(1);
    settle().await;
    assert_eq!(session.backlog(), (1, 6));
    peer.take_all();
    settle().await;
    assert_eq!(session.backlog(), (0, 0));
    assert_eq!(unpack(&peer.heard()), ["one", "two", "three"]);
}

#[tokio::test(start_paused = true)]
async fn a_rest_and_what_came_meanwhile_are_one_write() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(2);
    session.send(frame("one"));
    settle().await;
    session.send(frame("two"));
    settle().await;
    session.send(frame("three"));
    settle().await;
    peer.take_all();
    settle().await;
    assert_eq!(peer.writes(), [b"\x03o".to_vec(), b"ne\x03two\x05three".to_vec()]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever the kernel takes and when: every byte arrives once and in order, and the counts are what is missing.
    #[test]
    fn no_byte_is_lost_twice_or_out_of_order(
        steps in prop::collection::vec((prop::collection::vec(0usize..300, 0..90), 0usize..2000), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut scene = Scene::new(roomy());
            let (peer, session) = scene.open().await;
            let mut sent = Vec::new();
            let mut next = 0u8;
            for (lengths, room) in steps {
                peer.take(room);
                for length in lengths {
                    let bytes: Vec<u8> = (0..length).map(|_| { next = next.wrapping_add(1); next }).collect();
                    assert_eq!(session.send(Frame::new(&bytes)), Delivery::Queued);
                    sent.extend(bytes);
                }
                settle().await;
                let heard = peer.heard();
                assert_eq!(heard, &sent[..heard.len()]);
                assert_eq!(session.backlog().1, sent.len() - heard.len());
            }
            peer.take_all();
            settle().await;
            assert_eq!(peer.heard(), sent);
            assert_eq!(session.backlog(), (0, 0));
        });
    }
}

/// Nothing to write is nothing to count either, be it sent alone, among others or behind a rest.
#[tokio::test(start_paused = true)]
async fn empty_frames_cost_nothing() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    let empty = Frame::new(&[]);
    for _ in 0..20 {
        assert_eq!(session.send(empty.clone()), Delivery::Queued);
        settle().await;
    }
    assert_eq!(session.backlog(), (0, 0));
    session.send(frame("one"));
    session.send(empty.clone());
    peer.take(2);
    settle().await;
    session.send(empty);
    peer.take_all();
    settle().await;
    assert_eq!((session.backlog(), session.close_reason()), ((0, 0), None));
    assert_eq!(peer.heard(), packets(["one"]));
}

#[tokio::test(start_paused = true)]
async fn an_idle_session_does_not_touch_its_stream() {
    let mut scene = Scene::new(settings());
    let (peer, _) = scene.open().await;
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert_eq!((peer.write_calls(), peer.reads()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_write_error_breaks_the_connection() {
    for error in [ErrorKind::BrokenPipe, ErrorKind::WriteZero] {
        let mut scene = Scene::new(settings());
        let (peer, session) = scene.open().await;
        peer.break_writing(error);
        session.send(frame("lost"));
        settle().await;
        assert_eq!(scene.events(), [Event::Ended(CloseReason::Broken)]);
        assert_eq!(peer.write_calls(), 1, "a broken stream is left alone");
        assert!(peer.is_closed());
        assert_eq!(scene.places(), [0; 3]);
    }
}

/// Also when it comes with a rest that waits.
#[tokio::test(start_paused = true)]
async fn a_blocked_stream_that_breaks_ends() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(1);
    session.send(frame("lost"));
    settle().await;
    peer.break_writing(ErrorKind::ConnectionReset);
    settle().await;
    assert_eq!(scene.events(), [Event::Ended(CloseReason::Broken)]);
}

/// A stream may buffer, as TLS does: what it holds back is flushed when all is written.
#[tokio::test(start_paused = true)]
async fn a_stream_that_buffers_is_flushed() {
    let mut scene = Scene::new(settings());
    let (wire, peer) = wire();
    let session = scene.open_on(BufStream::new(wire)).await;
    session.send(frame("one"));
    session.send(frame("two"));
    settle().await;
    assert_eq!(peer.writes(), [packets(["one", "two"])]);
    // A flush that the kernel does not take is tried again.
    peer.take(2);
    session.send(frame("three"));
    settle().await;
    peer.take_all();
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["one", "two", "three"]);
    peer.half_close();
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["one", "two", "three", "bye PeerClosed"]);
}

/// A task whose budget is spent may not look into the queue, and the queue then does not know whom to wake. Wherever in
/// the work that happens, what is sent later is written.
#[tokio::test(start_paused = true)]
async fn a_session_listens_again_after_its_budget_was_spent() {
    for plain in 100..140 {
        let mut scene = Scene::new(settings());
        let (peer, session) = scene.open().await;
        let mut burst = vec![0; plain];
        burst.extend(packets(["echo one"]));
        peer.say(burst);
        settle().await;
        session.send(frame("two"));
        settle().await;
        assert_eq!(unpack(&peer.heard()), ["one", "two"], "after {plain} packets");
    }
}

/// A word that is no frame wakes the session, which must listen again after it as after any other.
#[tokio::test(start_paused = true)]
async fn a_session_listens_again_after_a_word_that_is_no_frame() {
    // Everything that may be left out is, and each time is a word to the session, whose queue is empty.
    let queue = QueueLimits { lag_messages: 0, ..settings().queue };
    let mut scene = Scene::new(Settings { queue, ..settings() });
    let (peer, session) = scene.open().await;
    assert_eq!(session.send_latest(frame("latest")), Delivery::LeftOut);
    settle().await;
    assert_eq!(session.send(frame("must")), Delivery::Queued);
    settle().await;
    assert_eq!((unpack(&peer.heard()), scene.events()), (vec!["must".to_owned()], vec![]));
}
