//! A server that stops does not wait for whoever is away. On real sockets and with a real clock: the drain is far longer than
//! anyone waits here.

use malpan_e2e::{TestServer, expect, within};
use malpan_protocol::{KickReason, ServerPacket};
use std::time::Duration;
use tokio::time::sleep;

const DRAIN: Duration = Duration::from_secs(3000);

fn server() -> TestServer {
    let kept = |config: &mut malpan_server::config::Config| {
        (config.drain, config.limits.resume_grace) = (DRAIN, DRAIN);
    };
    TestServer::start(kept).unwrap()
}

async fn so_many_are_away(server: &TestServer, count: usize) {
    within(async {
        while server.host().away() != count {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_drain_with_nobody_but_the_away_ends_at_once() {
    let server = server();
    let (ann, _) = server.player("ann").await.unwrap();
    let lobby = server.guest("bob").await.unwrap();
    drop((ann, lobby));
    so_many_are_away(&server, 2).await;
    let host = server.host().clone();
    within(server.stop()).await;
    assert_eq!((host.away(), host.seats_taken(), host.rooms(), host.signed_in()), (0, 0, 0, 0));
}

#[tokio::test]
async fn a_drain_ends_when_the_last_player_goes_whoever_is_away() {
    let server = server();
    let (ann, room) = server.player("ann").await.unwrap();
    let (mut bob, of_bob) = server.player("bob").await.unwrap();
    assert_eq!(of_bob.id(), room.id());
    drop(ann);
    so_many_are_away(&server, 1).await;
    let host = server.host().clone();
    let stopping = tokio::spawn(server.stop());
    expect(&mut bob, |packet| matches!(packet, ServerPacket::Draining { .. }).then_some(())).await.unwrap();
    assert_eq!(host.seats_taken(), 2, "he plays on, and she may come back");
    bob.leave().await.unwrap();
    let last = expect(&mut bob, |packet| match packet {
        ServerPacket::Kicked { reason } => Some(*reason),
        _ => None,
    });
    assert_eq!(last.await.unwrap(), KickReason::Stopping);
    within(stopping).await.unwrap();
    assert_eq!((host.away(), host.seats_taken(), host.rooms()), (0, 0, 0));
}

#[tokio::test]
async fn whoever_loses_the_connection_in_a_drain_is_kept_until_it_is_over_and_no_longer() {
    let server = server();
    let (mut ann, _) = server.player("ann").await.unwrap();
    let (bob, of_bob) = server.player("bob").await.unwrap();
    let host = server.host().clone();
    let stopping = tokio::spawn(server.stop());
    expect(&mut ann, |packet| matches!(packet, ServerPacket::Draining { .. }).then_some(())).await.unwrap();
    drop(bob);
    // In the drain itself he is: it is not over yet.
    let away = expect(&mut ann, |packet| match packet {
        ServerPacket::Away { seat, .. } => Some(*seat),
        _ => None,
    });
    assert_eq!(Some(away.await.unwrap()), of_bob.own_seat());
    drop(ann);
    within(stopping).await.unwrap();
    assert_eq!((host.away(), host.seats_taken(), host.rooms()), (0, 0, 0));
}
