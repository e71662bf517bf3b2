//! A panic in a room ends the room, and nothing else. No client can bring one about, so the tests reach inside.

use super::{Dialect, Message, Newcomer, Recipient};
use crate::test_host::TestHost;
use malpan_client::{
    Client, ClientError,
    protocol::{ClientPacket, JoinTarget, KickReason, Name, Seat, SeatCount, ServerPacket},
};
use malpan_net::SessionHandle;
use std::time::Duration;
use tokio::{io::DuplexStream, time::timeout};

/// Someone who sits down where the lobby would never put anybody: there is no cell left for the piece.
fn one_too_many(name: &str, session: &SessionHandle) -> Message {
    let to = Recipient::new(session.clone(), Dialect::Malpan);
    let newcomer = Newcomer { name: Name::new(name).unwrap(), to, player: None };
    Message::Join { seat: Some(Seat::new(2).unwrap()), newcomer }
}

async fn is_told(client: &mut Client<DuplexStream>) {
    let kicked = async {
        loop {
            match client.next().await.unwrap() {
                ServerPacket::Kicked { reason } => break reason,
                ServerPacket::Entered(_) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    // The clock is paused: it jumps this far only where nothing is left to happen.
    assert_eq!(timeout(Duration::from_secs(5), kicked).await, Ok(KickReason::RoomFailed));
    assert!(matches!(client.next().await, Err(ClientError::Closed)));
}

#[tokio::test(start_paused = true)]
async fn everyone_in_a_room_that_panics_and_on_the_way_into_it_is_told() {
    let server = TestHost::new(|config| {
        config.game.board = "2x1".parse().unwrap();
        config.game.seats = SeatCount::new(2).unwrap();
    });
    let (mut ann, _) = server.guest("ann").await;
    let (mut bob, _) = server.guest("bob").await;
    let (mut first, first_session) = server.guest("first").await;
    let (mut second, second_session) = server.guest("second").await;
    let (mut third, third_session) = server.guest("third").await;
    let (mut elsewhere, _) = server.guest("elsewhere").await;
    let room = ann.join(JoinTarget::Any).await.unwrap().room;
    bob.join(JoinTarget::Room(room)).await.unwrap();
    elsewhere.join(JoinTarget::Any).await.unwrap();

    let inbox = server.host.directory().inbox(room).unwrap();
    // The first brings the panic about; the second lies behind it in the same batch.
    inbox.try_send(one_too_many("first", &first_session)).unwrap();
    inbox.try_send(one_too_many("second", &second_session)).unwrap();
    for client in [&mut ann, &mut bob, &mut first, &mut second] {
        is_told(client).await;
    }
    assert!(server.host.directory().inbox(room).is_none() && inbox.is_closed());

    // The other room, the shard and the server go on.
    assert_eq!((server.host.rooms(), server.host.seats_taken()), (1, 1));
    assert!(third_session.close_reason().is_none());
    assert_ne!(third.join(JoinTarget::Any).await.unwrap().room, room);
    assert_eq!(server.host.signed_in(), 2);
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_at_the_full_inbox_of_a_room_that_panics_is_told_too() {
    let server = TestHost::new(|config| {
        config.game.board = "8x8".parse().unwrap();
        config.game.seats = SeatCount::new(10).unwrap();
        config.limits.room_inbox = 2;
    });
    let (mut ann, _) = server.guest("ann").await;
    let room = ann.join(JoinTarget::Any).await.unwrap().room;
    let mut coming = Vec::new();
    for name in ["bob", "cid", "dan", "eve", "fay"] {
        let (mut client, _) = server.guest(name).await;
        client.send(&ClientPacket::Join { target: JoinTarget::Room(room) }).unwrap();
        coming.push(client);
    }
    let inbox = server.host.directory().inbox(room).unwrap();
    // All their sessions are awake before the room is: they find one place in its inbox, and four of them wait. Of those
    // some are given a place when the room takes what is in it, and the others never are.
    for client in &mut coming {
        client.flush().await.unwrap();
    }
    inbox.try_send(Message::Fault).unwrap();
    is_told(&mut ann).await;
    for client in &mut coming {
        is_told(client).await;
    }
    assert_eq!((server.host.rooms(), server.host.seats_taken(), server.host.signed_in()), (0, 0, 0));
    let (mut late, _) = server.guest("late").await;
    late.join(JoinTarget::Any).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_seat_that_was_reserved_and_never_taken_keeps_no_watched_room_alive() {
    let server = TestHost::new(|_| {});
    let (mut watcher, session) = server.guest("watcher").await;
    let title = malpan_client::protocol::RoomTitle::new("short").unwrap();
    let hold = server.host.directory().reserve_new(None, title, None, session.shard()).unwrap();
    let joined = watcher.watch(hold.room()).await.unwrap();
    drop(hold);
    let left = timeout(Duration::from_secs(60), watcher.next()).await.unwrap().unwrap();
    assert_eq!(left, ServerPacket::RoomLeft { room: joined.room });
    watcher.join(JoinTarget::Any).await.unwrap();
}

/// Their seats are in no room that anybody knows of.
#[tokio::test(start_paused = true)]
async fn who_was_away_from_a_room_that_panics_is_not_counted_among_the_seats() {
    let server = TestHost::new(|_| {});
    let (mut player, _) = server.guest("player").await;
    player.join(JoinTarget::Any).await.unwrap();
    let (mut lost, _) = server.guest("lost").await;
    let title = malpan_client::protocol::RoomTitle::new("fails").unwrap();
    let room = lost.open_room(None, title, None).await.unwrap().room;
    drop(lost);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!server.host.nobody_plays(), "one plays, and one is away");
    server.host.directory().inbox(room).unwrap().try_send(Message::Fault).unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(server.host.rooms(), 1);
    assert!(!server.host.nobody_plays(), "one plays still");
    player.leave().await.unwrap();
    assert!(server.host.nobody_plays());
}
