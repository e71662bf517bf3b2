//! How long, and of whom, things are kept.

use super::{arrived, follow, is_refused, resume, resume_to, server, settle, token};
use malpan_client::ClientError;
use malpan_e2e::MemoryServer;
use malpan_protocol::{DenialCode, JoinTarget, LeaveReason, Resumption, SeatCount, ServerPacket};
use malpan_server::config::Config;
use std::time::Duration;
use tokio::time::sleep;

fn with(adjust: impl FnOnce(&mut Config)) -> MemoryServer {
    let mut config = Config::default();
    adjust(&mut config);
    MemoryServer::new(config, 2)
}

#[tokio::test(start_paused = true)]
async fn when_the_grace_is_over_everything_is_given_back() {
    let mut server = with(|config| config.limits.resume_grace = Duration::from_secs(20));
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    let (mut bob, mut bobs_room) = server.player("bob").await.unwrap();
    follow(&mut ann, &mut room).await;
    let token = ann.token().unwrap().clone();
    drop(ann);
    sleep(Duration::from_secs(19)).await;
    follow(&mut bob, &mut bobs_room).await;
    assert!(bobs_room.is_away(room.own_seat().unwrap()));
    let taken = server.guest("ANN").await;
    assert!(matches!(taken, Err(ClientError::Denied(denial)) if denial.code == DenialCode::NameTaken));
    sleep(Duration::from_secs(1)).await;
    let heard = follow(&mut bob, &mut bobs_room).await;
    assert!(matches!(&heard[..], [ServerPacket::Left(left)] if left.reason == LeaveReason::Disconnected), "{heard:?}");
    assert!(is_refused(resume(&mut server, &token, Some(room.seen())).await));
    assert_eq!((server.host().signed_in(), server.host().away(), server.host().seats_taken()), (1, 0, 1));
    server.guest("ANN").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_grace_begins_anew_with_each_loss() {
    let mut server = with(|config| config.limits.resume_grace = Duration::from_secs(20));
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    follow(&mut ann, &mut room).await;
    let mut token = ann.token().unwrap().clone();
    for _ in 0..4 {
        drop(ann);
        sleep(Duration::from_secs(15)).await;
        (ann, _) = resume_to(&mut server, &token, &mut room).await;
        token = ann.token().unwrap().clone();
    }
    sleep(Duration::from_secs(25)).await;
    assert_eq!(server.host().seats_taken(), 1, "who is back is not given up");
}

#[tokio::test(start_paused = true)]
async fn without_grace_a_lost_connection_gives_everything_back_at_once() {
    let mut server = with(|config| config.limits.resume_grace = Duration::ZERO);
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    let (mut bob, mut bobs_room) = server.player("bob").await.unwrap();
    follow(&mut ann, &mut room).await;
    let token = ann.token().unwrap().clone();
    drop(ann);
    let heard = follow(&mut bob, &mut bobs_room).await;
    assert!(matches!(heard[..], [ServerPacket::Left(_)]), "{heard:?}");
    assert!(is_refused(resume(&mut server, &token, None).await));
    server.guest("ann").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_away_players_seat_counts_as_taken() {
    let mut server = with(|config| config.game.seats = SeatCount::new(1).unwrap());
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    follow(&mut ann, &mut room).await;
    let token = ann.token().unwrap().clone();
    drop(ann);
    settle().await;
    let mut bob = server.guest("bob").await.unwrap();
    let full = bob.join(JoinTarget::Room(room.id())).await;
    assert!(matches!(full, Err(ClientError::Denied(denial)) if denial.code == DenialCode::RoomFull));
    resume_to(&mut server, &token, &mut room).await;
}

#[tokio::test(start_paused = true)]
async fn who_watches_keeps_the_name_and_no_place() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    let mut watcher = server.guest("watcher").await.unwrap();
    watcher.watch(room.id()).await.unwrap();
    let watchers = token(&mut watcher).await;
    drop(watcher);
    assert!(follow(&mut ann, &mut room).await.is_empty());
    let (mut watcher, resumed) = resume(&mut server, &watchers, None).await.unwrap();
    assert_eq!(resumed.place, Resumption::Lobby);
    watcher.watch(room.id()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_address_keeps_no_more_than_it_may_have_connections() {
    let mut server = with(|config| {
        config.limits.sessions_per_address = 2;
        config.limits.exempt_addresses.clear();
    });
    for who in ["ann", "bob", "cid", "dan"] {
        let player = server.player(who).await.unwrap();
        settle().await;
        drop(player);
        settle().await;
    }
    assert_eq!((server.host().away(), server.host().seats_taken()), (2, 2));
    // The grace of the players, and then that of their empty rooms.
    sleep(Duration::from_secs(31 + 11)).await;
    assert_eq!((server.host().away(), server.host().seats_taken(), server.host().rooms()), (0, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_read_too_slowly_may_come_back() {
    let mut server = with(|config| config.limits.write_stall = Duration::from_secs(1));
    let (mut ann, mut room) = server.player_over(600, "ann").await.unwrap();
    follow(&mut ann, &mut room).await;
    let token = ann.token().unwrap().clone();
    let (mut bob, mut bobs_room) = server.player("bob").await.unwrap();
    for _ in 0..12 {
        let _ = bob.signal(malpan_protocol::SignalTarget::Room, malpan_e2e::payload(&[1; 256]));
        sleep(Duration::from_millis(200)).await;
        follow(&mut bob, &mut bobs_room).await;
    }
    assert!(bobs_room.is_away(room.own_seat().unwrap()), "it is cut off, and kept");
    let (_, end) = arrived(&mut ann).await;
    assert!(end.is_some());
    let (mut ann, packets) = resume_to(&mut server, &token, &mut room).await;
    assert!(packets.len() > 12);
    follow(&mut ann, &mut room).await;
    assert_eq!(room.event(), bobs_room.event() + 1);
}
