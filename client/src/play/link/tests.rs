//! The link against a server that the test plays packet by packet, in paused time.

mod accounts;

use super::{Command, Link, LinkEvent, Start, judge::NAME_HELD, stay::SILENCE, task::STABLE};
use crate::play::{
    identity::Identity,
    testing::{Calls, denied, joined, name, seat, telephone, welcome},
};
use malpan_client::protocol::{
    BoardSize, Cell, ClientPacket, DenialCode, KickReason, Name, PlayerId, ResumeToken, Resumed, Resumption, RoomId,
    Seen, ServerPacket,
};
use std::time::Duration;
use tokio::time::{Instant, timeout};

fn start(text: &str, generated: bool) -> (Link, Calls) {
    let (dial, calls) = telephone();
    (Link::spawn(dial, Identity::Guest { name: name(text), generated }, Start::AtOnce), calls)
}

/// The next event but connecting and round trips.
async fn next(link: &mut Link) -> LinkEvent {
    loop {
        match link.next().await.expect("the link lives") {
            LinkEvent::Connecting { .. } | LinkEvent::RoundTrip(_) => {}
            event => return event,
        }
    }
}

fn online(text: &str) -> LinkEvent {
    LinkEvent::Online { welcome: welcome(), name: name(text) }
}

async fn refuse_name(calls: &mut Calls) -> Name {
    let mut peer = calls.accept().await;
    let asked = peer.hello().await;
    peer.send(denied(DenialCode::NameTaken)).await;
    asked
}

#[tokio::test(start_paused = true)]
async fn packets_go_both_ways_and_pings_are_timed() {
    let (mut link, mut calls) = start("Ann", false);
    let (mut peer, asked) = calls.sign_in().await;
    assert_eq!(asked, name("Ann"));
    assert_eq!(link.next().await, Some(LinkEvent::Connecting { failures: 0 }));
    assert_eq!(link.next().await, Some(online("Ann")));

    assert!(link.send(Command::Send(ClientPacket::Leave)));
    assert_eq!(peer.next().await, Some(ClientPacket::Leave), "and the ping before it is answered");
    assert!(matches!(link.next().await, Some(LinkEvent::RoundTrip(_))));
    peer.send(ServerPacket::Draining { seconds: 9 }).await;
    assert_eq!(next(&mut link).await, LinkEvent::Packet(ServerPacket::Draining { seconds: 9 }));
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_under_its_name_after_waits_that_grow() {
    let (mut link, mut calls) = start("Ann", true);
    drop(calls.sign_in().await);
    assert_eq!(next(&mut link).await, online("Ann"));
    let mut waits = vec![];
    for _ in 0..8 {
        let LinkEvent::Offline { why, retry_in } = next(&mut link).await else { panic!("it should be lost") };
        assert_eq!(why, "the server closed the connection");
        let lost_at = Instant::now();
        drop(calls.accept().await);
        assert!(lost_at.elapsed() >= retry_in && lost_at.elapsed() < retry_in + Duration::from_millis(10));
        waits.push(retry_in);
    }
    assert!(waits[0] <= Duration::from_millis(500) && waits[7] >= Duration::from_secs(7), "{waits:?}");
    assert!(matches!(next(&mut link).await, LinkEvent::Offline { .. }));
    assert_eq!(calls.sign_in().await.1, name("Ann"));
    assert_eq!(next(&mut link).await, online("Ann"));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_lasted_makes_the_waits_short_again() {
    let (mut link, mut calls) = start("Ann", false);
    drop(calls.sign_in().await);
    for _ in 0..6 {
        drop(calls.accept().await);
    }
    let (mut peer, _) = calls.sign_in().await;
    // It answers pings for a while, and goes.
    let _ = timeout(STABLE, peer.next()).await;
    drop(peer);
    let mut last = None;
    while let Some(event) = link.try_next() {
        last = Some(event);
    }
    let event = match last {
        Some(event @ LinkEvent::Offline { .. }) => event,
        _ => next(&mut link).await,
    };
    let LinkEvent::Offline { retry_in, .. } = event else { panic!("{event:?}") };
    assert!(retry_in <= Duration::from_millis(500), "{retry_in:?}");
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_a_kick_is_told() {
    let (mut link, mut calls) = start("Ann", false);
    let (mut peer, _) = calls.sign_in().await;
    let kicked = ServerPacket::Kicked { reason: KickReason::Stopping };
    peer.send(kicked.clone()).await;
    drop(peer);
    assert_eq!(next(&mut link).await, online("Ann"));
    assert_eq!(next(&mut link).await, LinkEvent::Packet(kicked));
    assert!(matches!(next(&mut link).await, LinkEvent::Offline { why, .. } if why == "the server is stopping"));
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_a_lost_connection() {
    let (mut link, mut calls) = start("Ann", false);
    let (_peer, _) = calls.sign_in().await;
    assert_eq!(next(&mut link).await, online("Ann"));
    let since = Instant::now();
    assert!(matches!(next(&mut link).await, LinkEvent::Offline { why, .. } if why.contains("silent")));
    assert!(since.elapsed() >= SILENCE && since.elapsed() < SILENCE * 2, "{:?}", since.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_is_asked_for_again() {
    let (mut link, mut calls) = start("Ann", false);
    assert_eq!(refuse_name(&mut calls).await, name("Ann"));
    assert_eq!(next(&mut link).await, LinkEvent::NameTaken(name("Ann")));
    // A person may take long; no connection waits meanwhile.
    assert!(timeout(Duration::from_secs(600), calls.accept()).await.is_err());
    assert!(link.send(Command::SignIn(Identity::guest(name("Ann2")))));
    assert_eq!(calls.sign_in().await.1, name("Ann2"));
    assert_eq!(next(&mut link).await, online("Ann2"));
}

#[tokio::test(start_paused = true)]
async fn a_generated_name_gives_way_without_asking() {
    let (mut link, mut calls) = start("BriskOtter42", true);
    let first = refuse_name(&mut calls).await;
    let (_peer, second) = calls.sign_in().await;
    assert_ne!(first, second);
    assert_eq!(next(&mut link).await, LinkEvent::Online { welcome: welcome(), name: second });
}

#[tokio::test(start_paused = true)]
async fn after_a_loss_the_own_name_may_be_held_for_a_while() {
    let (mut link, mut calls) = start("Ann", false);
    drop(calls.sign_in().await);
    assert_eq!(next(&mut link).await, online("Ann"));
    assert!(matches!(next(&mut link).await, LinkEvent::Offline { .. }));
    let lost_at = Instant::now();
    loop {
        assert_eq!(refuse_name(&mut calls).await, name("Ann"));
        match next(&mut link).await {
            LinkEvent::Offline { why, .. } => assert!(why.contains("still held"), "{why}"),
            event => {
                assert_eq!(event, LinkEvent::NameTaken(name("Ann")), "then it belongs to someone else");
                break;
            }
        }
    }
    assert!(lost_at.elapsed() >= NAME_HELD, "{:?}", lost_at.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_a_server_at_first_it_gives_up() {
    let (mut link, calls) = start("Ann", false);
    drop(calls);
    let failed = LinkEvent::Failed { why: "connection refused".into(), unreachable: true };
    assert_eq!(next(&mut link).await, failed);
    assert_eq!(link.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_denied_handshake_at_first_gives_up_with_the_reason() {
    let (mut link, mut calls) = start("Ann", false);
    let mut peer = calls.accept().await;
    peer.next().await;
    peer.send(denied(DenialCode::ServerFull)).await;
    let failed = LinkEvent::Failed { why: "the server is full".into(), unreachable: false };
    assert_eq!(next(&mut link).await, failed);
}

#[tokio::test(start_paused = true)]
async fn closing_says_bye() {
    let (mut link, mut calls) = start("Ann", false);
    let (mut peer, _) = calls.sign_in().await;
    assert_eq!(next(&mut link).await, online("Ann"));
    let (last, ()) = tokio::join!(peer.next(), link.close());
    assert_eq!(last, Some(ClientPacket::Bye));
}

#[tokio::test(start_paused = true)]
async fn closing_does_not_wait_for_the_next_attempt() {
    let (mut link, mut calls) = start("Ann", false);
    drop(calls.sign_in().await);
    next(&mut link).await;
    assert!(matches!(next(&mut link).await, LinkEvent::Offline { .. }));
    let since = Instant::now();
    link.close().await;
    assert!(since.elapsed() < Duration::from_millis(10), "{:?}", since.elapsed());
}

fn token(byte: u8) -> ResumeToken {
    ResumeToken::new([byte; 32])
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_with_the_newest_token_and_says_what_it_has_seen() {
    let (mut link, mut calls) = start("Ann", false);
    let (mut peer, _) = calls.sign_in().await;
    peer.send(ServerPacket::Token { token: token(1) }).await;
    let room = joined(3, BoardSize::new(8, 8).unwrap(), &[("Ann", Cell { x: 0, y: 0 })]);
    let (event, incarnation) = (room.event + 1, room.incarnation);
    peer.send(ServerPacket::Joined(room)).await;
    peer.send(ServerPacket::Away { event, seat: seat(0) }).await;
    assert_eq!(next(&mut link).await, online("Ann"));
    for _ in 0..2 {
        assert!(matches!(next(&mut link).await, LinkEvent::Packet(_)));
    }
    drop(peer);
    assert!(matches!(next(&mut link).await, LinkEvent::Offline { .. }));

    let mut peer = calls.accept().await;
    assert!(matches!(peer.next().await, Some(ClientPacket::Hello { .. })));
    peer.send(ServerPacket::Welcome(welcome())).await;
    let seen = Some(Seen { room: RoomId(3), incarnation, event });
    assert_eq!(peer.next().await, Some(ClientPacket::Resume { token: token(1), seen }));
    let place = Resumption::Missed { room: RoomId(3), events: 0 };
    peer.send(ServerPacket::Token { token: token(2) }).await;
    peer.send(ServerPacket::Resumed(Resumed { player: PlayerId(1), name: name("Ann"), place })).await;
    assert_eq!(next(&mut link).await, LinkEvent::Back { welcome: welcome(), name: name("Ann"), place });
    drop(peer);
    assert!(matches!(next(&mut link).await, LinkEvent::Offline { .. }));

    // And where the server does not know the token any more, it signs in anew.
    let mut peer = calls.accept().await;
    assert!(matches!(peer.next().await, Some(ClientPacket::Hello { .. })));
    peer.send(ServerPacket::Welcome(welcome())).await;
    assert_eq!(peer.next().await, Some(ClientPacket::Resume { token: token(2), seen }));
    peer.send(denied(DenialCode::ResumeRefused)).await;
    assert_eq!(peer.next().await, Some(ClientPacket::Guest { name: name("Ann") }));
    peer.send(ServerPacket::SignedIn { player: PlayerId(2), name: name("Ann") }).await;
    assert_eq!(next(&mut link).await, online("Ann"));
}
