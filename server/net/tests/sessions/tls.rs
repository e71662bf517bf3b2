//! TLS in front of sessions, over in-memory streams with paused time.

use crate::support::{
    Event, Scene, frame, packets, settings, settle,
    tls::{Port, TlsPeer, ends, records},
    unpack,
};
use malpan_net::{CloseReason, Count, Frame, Settings, Tls};
use std::{io::Write, time::Duration};
use tokio::time::sleep;

/// A record of application data.
const DATA: u8 = 0x17;

fn scene() -> Scene {
    Scene::new(settings())
}

#[tokio::test(start_paused = true)]
async fn behind_tls_everything_is_as_it_is_without() {
    let mut scene = scene();
    let port = Port::open(&scene, Tls::new);
    let mut client = port.enter().await;
    let session = scene.opened().await;
    assert!(session.is_encrypted());
    client.say(&packets(["echo hello you there"])).await;
    assert_eq!(unpack(&client.heard().0), ["hello you there"]);
    let wire = client.peer.heard();
    assert!(!wire.windows(5).any(|bytes| bytes == b"hello"), "for everyone to read");
    client.connection.send_close_notify();
    let end = client.encrypted();
    client.peer.say(end);
    client.peer.half_close();
    settle().await;
    client.exchange().await;
    assert_eq!(client.heard(), (packets(["bye PeerClosed"]), true));
    assert!(client.peer.is_shut_down() && client.peer.is_closed());
    assert_eq!(scene.places(), [0; 3]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_one_record_in_one_write() {
    let mut scene = scene();
    let port = Port::open(&scene, Tls::new);
    let mut client = port.enter().await;
    let session = scene.opened().await;
    let before = client.peer.writes().len();
    for text in ["one", "two", "three", "four", "five"] {
        session.send(frame(text));
    }
    settle().await;
    let writes = client.peer.writes();
    assert_eq!(writes.len(), before + 1);
    let [(kind, _)] = records(&writes[before])[..] else { panic!("{writes:?}") };
    assert_eq!(kind, DATA);
    client.exchange().await;
    assert_eq!(unpack(&client.heard().0), ["one", "two", "three", "four", "five"]);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_may_come_byte_by_byte() {
    let mut scene = scene();
    let port = Port::open(&scene, Tls::new);
    let mut client = port.begin().await;
    for byte in client.encrypted() {
        client.peer.say([byte]);
        settle().await;
    }
    client.exchange().await;
    client.say(&packets(["echo hi"])).await;
    assert_eq!(unpack(&client.heard().0), ["hi"]);
    // The time for it is what a deadline of the service's has left.
    assert!(scene.opened().await.age() > Duration::from_millis(200));
}

#[tokio::test(start_paused = true)]
async fn half_a_handshake_has_its_time_and_counts_as_a_stranger() {
    let mut scene = scene();
    let port = Port::open(&scene, Tls::new);
    let (none, mut half) = (port.connect().await, port.begin().await);
    let begin = half.encrypted();
    half.peer.say(&begin[..begin.len() / 2]);
    sleep(settings().handshake_within - Duration::from_secs(1)).await;
    assert_eq!((scene.places(), scene.admission.pending()), ([2; 3], 2));
    sleep(Duration::from_secs(1)).await;
    assert_eq!((scene.places(), scene.admission.pending()), ([0; 3], 0));
    assert!(none.is_closed() && half.peer.is_closed());
    assert_eq!((none.heard(), half.peer.heard()), (vec![], vec![]));
    assert_eq!(scene.counted(Count::HandshakesFailed), 2);
    assert!(scene.try_opened().is_none());
}

#[tokio::test(start_paused = true)]
async fn what_only_begins_as_tls_does_is_closed_at_once() {
    let scene = scene();
    let port = Port::open(&scene, Tls::new);
    let peer = port.connect().await;
    peer.say([&[0x16, 0x03, 0x01, 0x00, 0x20][..], &[0xAA; 0x20]].concat());
    settle().await;
    assert!(peer.is_closed());
    assert_eq!((scene.places(), scene.counted(Count::HandshakesFailed)), ([0; 3], 1));
}

#[tokio::test(start_paused = true)]
async fn who_speaks_plainly_is_told_so_in_an_orderly_way_and_a_stranger_is_not() {
    let scene = scene();
    let port = Port::open(&scene, |config| {
        Tls::answering(config, |first| (first == *b"\x05he").then(|| Frame::new(b"plain words")))
    });
    let (plain, stranger) = (port.connect().await, port.connect().await);
    plain.say(&b"\x05hello"[..]);
    stranger.say(&b"GET / HTTP/1.1\r\n\r\n"[..]);
    settle().await;
    assert!(stranger.is_closed() && stranger.heard().is_empty());
    // Not before it has read it: a reset could overtake the words.
    assert_eq!((plain.heard(), plain.is_shut_down(), plain.is_closed()), (b"plain words".to_vec(), true, false));
    assert_eq!(plain.unread(), 0, "what it says on is discarded");
    plain.half_close();
    settle().await;
    assert!(plain.is_closed());
    // Nor for ever.
    let stays = port.connect().await;
    stays.say(&b"\x05hello"[..]);
    sleep(Duration::from_secs(2)).await;
    assert!(stays.is_closed());
    assert_eq!((scene.places(), scene.counted(Count::HandshakesFailed)), ([0; 3], 3));
}

#[tokio::test(start_paused = true)]
async fn a_new_configuration_is_for_new_connections_and_drops_nobody() {
    let mut scene = scene();
    let port = Port::open(&scene, Tls::new);
    let mut before = port.enter().await;
    let mut meanwhile = port.begin().await;
    let (config, certificate) = port.authority.server();
    port.tls.replace(config);
    let after = port.enter().await;
    meanwhile.exchange().await;
    let seen = |client: &TlsPeer| client.connection.peer_certificates().unwrap()[0].clone();
    assert_eq!(seen(&after), certificate);
    assert_ne!(seen(&before), certificate);
    before.say(&packets(["echo still here"])).await;
    assert_eq!(unpack(&before.heard().0), ["still here"]);
    assert!(!meanwhile.connection.is_handshaking());
    assert_eq!(ends(&mut scene), []);
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_does_not_wait_for_who_takes_nothing() {
    let mut scene = scene();
    let port = Port::open(&scene, Tls::new);
    let client = port.enter().await;
    let session = scene.opened().await;
    client.peer.take(0);
    session.close(CloseReason::Stopping);
    let Settings { closing_flush, closing_linger, .. } = settings();
    sleep(closing_flush + closing_linger + Duration::from_millis(10)).await;
    assert!(client.peer.is_closed());
    assert_eq!(scene.places(), [0; 3]);
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_is_noticed() {
    let mut scene = scene();
    let port = Port::open(&scene, Tls::new);
    let client = port.enter().await;
    let session = scene.opened().await;
    client.peer.take(0);
    session.send(frame("hello?"));
    settle().await;
    assert_eq!(session.close_reason(), None);
    sleep(settings().write_stall + Duration::from_millis(500)).await;
    assert_eq!(session.close_reason(), Some(CloseReason::WriteStalled));
}

/// No more than the bounds of the queue and 16 KiB wait for a peer that does not read.
#[tokio::test(start_paused = true)]
async fn what_waits_for_the_kernel_is_bounded_in_front_of_the_queue() {
    let mut scene = scene();
    let port = Port::open(&scene, Tls::new);
    let client = port.enter().await;
    let session = scene.opened().await;
    client.peer.take(0);
    let text = "x".repeat(200);
    let mut taken = 0;
    while session.close_reason().is_none() {
        session.send(frame(&text));
        taken += text.len() + 1;
        settle().await;
    }
    assert_eq!(session.close_reason(), Some(CloseReason::SlowConsumer));
    let bound = 16 * 1024 + settings().queue.bytes;
    // Less what encryption adds to each.
    assert!((14 * 1024..bound).contains(&taken), "{taken} bytes were taken");
}

/// A hundred small records come with one read. Their answers must not fill the queue of a peer that reads.
#[tokio::test(start_paused = true)]
async fn many_records_at_once_are_answered_as_they_are_handled() {
    let mut scene = scene();
    let port = Port::open(&scene, Tls::new);
    let mut client = port.enter().await;
    let session = scene.opened().await;
    let mut records = Vec::new();
    for _ in 0..150 {
        client.connection.writer().write_all(&packets(["echo !"])).unwrap();
        records.extend(client.encrypted());
    }
    client.peer.say(records);
    client.exchange().await;
    assert_eq!(session.close_reason(), None);
    assert_eq!(unpack(&client.heard().0), ["!"; 150]);
    assert_eq!(scene.events().iter().filter(|event| **event == Event::Packet("echo !".into())).count(), 150);
}
