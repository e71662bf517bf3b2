//! From bytes to packets, and a service that waits.

use crate::support::{Event, Scene, frame, packets, settings, settle, unpack, wire};
use malpan_net::{CloseReason, Count};
use proptest::prelude::*;

fn packet(text: &str) -> Event {
    Event::Packet(text.into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// However the stream is cut into reads, the same packets come out, in order.
    #[test]
    fn any_split_of_the_stream_is_the_same_stream(
        texts in prop::collection::vec("[a-z]{0,40}", 1..40),
        cuts in prop::collection::vec(1usize..60, 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let events = runtime.block_on(async {
            let mut scene = Scene::new(settings());
            let (peer, _) = scene.open().await;
            let stream: Vec<u8> = texts.iter().flat_map(|text| packets([text.as_str()])).collect();
            let mut rest = stream.as_slice();
            for cut in cuts.iter().cycle() {
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                peer.say(piece);
                rest = after;
                // Some pieces meet a session that waits for them, some lie there together.
                if cut % 3 == 0 {
                    settle().await;
                }
                if rest.is_empty() {
                    break;
                }
            }
            peer.half_close();
            settle().await;
            scene.events()
        });
        let mut expected: Vec<_> = texts.iter().map(|text| packet(text)).collect();
        expected.push(Event::Ended(CloseReason::PeerClosed));
        prop_assert_eq!(events, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn many_packets_of_one_read_come_in_order() {
    let mut scene = Scene::new(settings());
    let (peer, _) = scene.open().await;
    peer.say(packets(["one", "", "three"]));
    settle().await;
    assert_eq!(scene.events(), [packet("one"), packet(""), packet("three")]);
    assert_eq!(peer.reads(), 1);
}

/// A peer that asks a lot at once and reads every answer is not slow. Each packet costs its session a place in the
/// task's budget; otherwise the packets would be handled on when the budget is spent and nothing can be written any
/// more, and their answers would fill the queue.
#[tokio::test(start_paused = true)]
async fn every_question_of_a_long_burst_is_answered() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    let questions: Vec<u8> = (0..1000).flat_map(|n| packets([format!("echo {n}").as_str()])).collect();
    peer.say(questions);
    settle().await;
    assert_eq!(session.close_reason(), None);
    let answers = unpack(&peer.heard());
    assert_eq!(answers, (0..1000).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(session.backlog(), (0, 0));
}

/// The flood of one is no reason for the others on the shard to wait until it is through.
#[tokio::test(start_paused = true)]
async fn a_flood_leaves_the_shard_to_others_in_between() {
    let mut scene = Scene::new(settings());
    let (flooding, _) = scene.open().await;
    let (other, _) = scene.open().await;
    flooding.say([0; 5000]);
    other.say(packets(["other"]));
    settle().await;
    let events = scene.events();
    let place = events.iter().position(|event| *event == packet("other")).unwrap();
    assert_eq!(events.len(), 5001);
    assert!(place < 1000, "the other's packet was number {place}");
}

#[tokio::test(start_paused = true)]
async fn the_end_within_a_packet_is_an_ordinary_end() {
    let mut scene = Scene::new(settings());
    let (peer, _) = scene.open().await;
    peer.say(b"\x03one\x05two");
    peer.half_close();
    settle().await;
    assert_eq!(scene.events(), [packet("one"), Event::Ended(CloseReason::PeerClosed)]);
    assert!(peer.is_closed());
    assert_eq!((scene.counted(Count::Disconnected), scene.counted(Count::Malformed)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_packet_close_after_the_packets_before_them() {
    let mut scene = Scene::new(settings());
    let (peer, _) = scene.open().await;
    peer.say(b"\x06echo 1\xff\x06echo 2");
    settle().await;
    let ended = [packet("echo 1"), Event::Malformed("255 is no length".into()), Event::Ended(CloseReason::Malformed)];
    assert_eq!(scene.events(), ended);
    assert_eq!(unpack(&peer.heard()), ["1", "bye Malformed"]);
    assert!(peer.is_shut_down());
    assert_eq!(scene.counted(Count::Malformed), 1);
}

/// The bytes that nothing can be made of may as well come behind a partial packet, when the rest of it comes.
#[tokio::test(start_paused = true)]
async fn bytes_that_are_no_packet_are_found_behind_a_kept_rest() {
    let mut scene = Scene::new(settings());
    let (peer, _) = scene.open().await;
    peer.say(b"\x03o");
    settle().await;
    peer.say(b"ne\x03two\xff");
    settle().await;
    assert_eq!(
        scene.events(),
        [
            packet("one"),
            packet("two"),
            Event::Malformed("255 is no length".into()),
            Event::Ended(CloseReason::Malformed)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_ends_without_a_word() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.break_reading();
    settle().await;
    assert_eq!(scene.events(), [Event::Ended(CloseReason::Broken)]);
    assert_eq!(session.close_reason(), Some(CloseReason::Broken));
    assert!(peer.is_closed() && peer.heard().is_empty());
    assert_eq!(scene.places(), [0; 3]);
}

#[tokio::test(start_paused = true)]
async fn while_a_packet_waits_nothing_is_read_and_writing_goes_on() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.say(packets(["one", "wait", "three"]));
    settle().await;
    peer.say(packets(["four"]));
    settle().await;
    assert_eq!(scene.events(), [packet("one"), packet("wait")]);
    assert_eq!((peer.reads(), peer.unread()), (1, 1));

    session.send(frame("meanwhile"));
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["meanwhile"]);
    // Also what the kernel did not take at first.
    peer.take(3);
    session.send(frame("and again"));
    settle().await;
    peer.take_all();
    settle().await;
    assert_eq!(unpack(&peer.heard()), ["meanwhile", "and again"]);

    scene.let_through(1);
    settle().await;
    assert_eq!(scene.events(), [Event::Through, packet("three"), packet("four")]);
}

#[tokio::test(start_paused = true)]
async fn a_close_drops_a_packet_where_it_waits() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.say(packets(["wait", "never"]));
    settle().await;
    session.close(CloseReason::Service(7));
    settle().await;
    let ended = [packet("wait"), Event::CutShort, Event::Ended(CloseReason::Service(7))];
    assert_eq!(scene.events(), ended);
    assert_eq!(unpack(&peer.heard()), ["bye Service(7)"]);
}

/// Also when the kernel takes nothing, so that the session waits for three things at once.
#[tokio::test(start_paused = true)]
async fn a_close_drops_a_packet_that_waits_while_writing_is_blocked() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.take(0);
    peer.say(packets(["wait"]));
    session.send(frame("stuck"));
    settle().await;
    session.close(CloseReason::Stopping);
    settle().await;
    assert_eq!(scene.events(), [packet("wait"), Event::CutShort, Event::Ended(CloseReason::Stopping)]);
}

/// A broken connection is noticed by writing as well, and ends the wait.
#[tokio::test(start_paused = true)]
async fn a_write_error_drops_a_packet_where_it_waits() {
    let mut scene = Scene::new(settings());
    let (peer, session) = scene.open().await;
    peer.say(packets(["wait"]));
    settle().await;
    peer.break_writing(std::io::ErrorKind::BrokenPipe);
    session.send(frame("lost"));
    settle().await;
    assert_eq!(scene.events(), [packet("wait"), Event::CutShort, Event::Ended(CloseReason::Broken)]);
}

/// What the peer said before it went is done, unless that is of no use without the peer.
#[tokio::test(start_paused = true)]
async fn a_peer_that_goes_drops_a_packet_that_needs_it() {
    for (needed, broken) in [(true, false), (true, true), (false, false)] {
        let mut scene = Scene::new(settings());
        let (peer, session) = scene.open().await;
        session.set_needs_peer(needed);
        peer.say(packets(["wait", "echo 1"]));
        settle().await;
        peer.say(packets(["echo 2"]));
        settle().await;
        scene.let_through(1);
        settle().await;
        let both = [packet("wait"), Event::Through, packet("echo 1"), packet("echo 2")];
        assert_eq!(scene.events(), both, "what was read meanwhile is not lost");
        peer.say(packets(["wait", "echo 3"]));
        settle().await;
        if broken {
            peer.break_reading();
        } else {
            peer.half_close();
        }
        settle().await;
        let reason = if broken { CloseReason::Broken } else { CloseReason::PeerClosed };
        if needed {
            assert_eq!(scene.events(), [packet("wait"), Event::CutShort, Event::Ended(reason)]);
        } else {
            assert_eq!(scene.events(), [packet("wait")]);
            scene.let_through(1);
            settle().await;
            assert_eq!(scene.events(), [Event::Through, packet("echo 3"), Event::Ended(reason)]);
        }
    }
}

/// A session whose packet closes it does not look at the packets behind it.
#[tokio::test(start_paused = true)]
async fn nothing_is_handled_after_a_close() {
    let mut scene = Scene::new(settings());
    let (peer, _) = scene.open().await;
    peer.say(packets(["echo 1", "close 3", "echo 2"]));
    settle().await;
    assert_eq!(scene.events(), [packet("echo 1"), packet("close 3"), Event::Ended(CloseReason::Service(3))]);
    assert_eq!(unpack(&peer.heard()), ["1", "bye Service(3)"]);
}

/// A stream that ends before its session has run is served all the same.
#[tokio::test(start_paused = true)]
async fn packets_that_came_with_the_end_are_handled_and_answered() {
    let mut scene = Scene::new(settings());
    let (io, peer) = wire();
    peer.say(packets(["echo 1", "echo 2"]));
    peer.half_close();
    scene.begin(io);
    settle().await;
    assert_eq!(scene.events(), [packet("echo 1"), packet("echo 2"), Event::Ended(CloseReason::PeerClosed)]);
    assert_eq!(unpack(&peer.heard()), ["1", "2", "bye PeerClosed"]);
    assert_eq!(scene.places(), [0; 3]);
}
