//! Rooms that everyone has left.

use super::{Memory, denied, heard, plan, room, seen, server};
use malpan_e2e::{MemoryServer, line};
use malpan_protocol::{DenialCode, JoinTarget, RoomFilter, RoomId, RoomPlan, SeatCount, ServerPacket};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A room that its owner has just left, and a watcher who is there still.
async fn left_room(server: &mut MemoryServer) -> (Memory, Memory, RoomId) {
    let mut ann = server.guest("Ann").await.unwrap();
    let mine = ann.create_room(RoomPlan { seats: SeatCount::new(2).ok(), ..plan("mine") }).await.unwrap().room;
    let mut watcher = server.guest("watcher").await.unwrap();
    let mut view = room(&watcher.watch(mine).await.unwrap());
    ann.chat(line("good bye")).unwrap();
    ann.leave().await.unwrap();
    seen(&mut watcher, &mut view).await;
    assert_eq!((view.members().count(), view.owner()), (0, None));
    heard(&mut ann).await;
    (ann, watcher, mine)
}

#[tokio::test(start_paused = true)]
async fn an_empty_room_is_found_as_it_was_by_whoever_comes_in_time() {
    for grace in [None, Some(Duration::from_secs(3))] {
        let mut kept_for = Duration::ZERO;
        let mut server = server(|config| {
            config.limits.empty_room_grace = grace.unwrap_or(config.limits.empty_room_grace);
            kept_for = config.limits.empty_room_grace;
        });
        let left_at = Instant::now();
        let (mut ann, mut watcher, mine) = left_room(&mut server).await;
        let list = ann.list_rooms(RoomId(0), RoomFilter::Open).await.unwrap();
        assert_eq!((list.rooms[0].room, list.rooms[0].taken, list.rooms[0].watchers), (mine, 0, 1));
        sleep(kept_for.saturating_sub(left_at.elapsed() + Duration::from_millis(300))).await;
        // Whoever finds it has it, and it is kept again when they go.
        let mut bob = server.guest("Bob").await.unwrap();
        let mut of_bob = room(&bob.join(JoinTarget::Any).await.unwrap());
        assert_eq!(of_bob.id(), mine);
        let packets = seen(&mut bob, &mut of_bob).await;
        assert_eq!(of_bob.owner(), of_bob.own_seat());
        assert!(matches!(&packets[1], ServerPacket::History(past) if past.lines[0].text == line("good bye")));
        sleep(kept_for * 2).await;
        assert_eq!(server.host().rooms(), 1, "somebody is in it");
        bob.leave().await.unwrap();
        sleep(kept_for - Duration::from_millis(20)).await;
        assert_eq!(server.host().rooms(), 1);
        let packets = heard(&mut watcher).await;
        assert_eq!(server.host().rooms(), 0);
        assert_eq!(packets.last(), Some(&ServerPacket::RoomLeft { room: mine }));
        assert_eq!(denied(bob.join(JoinTarget::Room(mine)).await), DenialCode::NoSuchRoom);
        watcher.join(JoinTarget::Any).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_grace_a_room_closes_with_its_last_player() {
    let mut server = server(|config| config.limits.empty_room_grace = Duration::ZERO);
    let mut ann = server.guest("Ann").await.unwrap();
    ann.create_room(plan("mine")).await.unwrap();
    ann.leave().await.unwrap();
    assert_eq!(server.host().rooms(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_keeps_no_empty_room() {
    let mut server = server(|config| config.limits.empty_room_grace = Duration::from_secs(3600));
    let (_ann, mut watcher, mine) = left_room(&mut server).await;
    let (mut bob, _) = server.player("Bob").await.unwrap();
    let mut cid = server.guest("Cid").await.unwrap();
    let other = cid.create_room(plan("other")).await.unwrap();
    assert_ne!(other.room, mine);
    bob.leave().await.unwrap();
    server.host().start_draining(Duration::from_secs(10));
    heard(&mut watcher).await;
    assert_eq!(server.host().rooms(), 1, "Cid is in his");
    assert!(server.newest_session().is_some());
    cid.leave().await.unwrap();
    assert_eq!(server.host().rooms(), 0, "and it is not kept either");
}

/// So that nobody can fill a server with rooms that they have left.
#[tokio::test(start_paused = true)]
async fn where_there_is_no_place_for_another_room_an_empty_one_makes_it() {
    let mut server = server(|config| config.limits.rooms = 2);
    let (mut ann, mut watcher, mine) = left_room(&mut server).await;
    let mut bob = server.guest("Bob").await.unwrap();
    bob.create_room(plan("second")).await.unwrap();
    ann.create_room(plan("third")).await.unwrap();
    assert_eq!(heard(&mut watcher).await, [ServerPacket::RoomLeft { room: mine }]);
    assert_eq!(denied(watcher.create_room(plan("fourth")).await), DenialCode::TooManyRooms);
    assert_eq!(server.host().rooms(), 2);
}

/// The word that a seat was given back and the next one's coming may cross.
#[tokio::test(start_paused = true)]
async fn a_room_that_is_left_and_entered_again_and_again_is_there() {
    let mut server = server(|config| config.limits.empty_room_grace = Duration::from_millis(100));
    let mut ann = server.guest("Ann").await.unwrap();
    let mut bob = server.guest("Bob").await.unwrap();
    let mine = ann.create_room(plan("mine")).await.unwrap().room;
    for round in 0..40_u64 {
        ann.leave().await.unwrap();
        sleep(Duration::from_millis(round % 5 * 20)).await;
        bob.join(JoinTarget::Room(mine)).await.unwrap();
        bob.leave().await.unwrap();
        sleep(Duration::from_millis(99 - round % 3)).await;
        ann.join(JoinTarget::Room(mine)).await.unwrap();
    }
    assert_eq!(server.host().rooms(), 1);
    drop((ann, bob));
    sleep(Duration::from_secs(5)).await;
    assert_eq!((server.host().rooms(), server.host().seats_taken()), (0, 0));
}
