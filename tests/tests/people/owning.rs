//! Rooms that belong to someone.

use super::{denial, denied, heard, plan, room, seen, server};
use malpan_e2e::{arrived, line, name, step};
use malpan_protocol::{
    About, BoardSize, ClientPacket, DenialCode, Direction, Door, GameName, JoinTarget, LeaveReason, RoomPlan,
    RoomQuery, Seat, SeatCount, ServerPacket, SignalTarget,
};
use std::time::Duration;
use tokio::time::sleep;

fn seat(index: u8) -> Seat {
    Seat::new(index).unwrap()
}

#[tokio::test(start_paused = true)]
async fn everyone_knows_whose_a_room_is_and_whom_it_is_given_to() {
    let mut server = server(|_| {});
    let mut ann = server.guest("Ann").await.unwrap();
    let mut of_ann = room(&ann.create_room(plan("mine")).await.unwrap());
    let about = ServerPacket::About(About { room: of_ann.id(), owner: Some(seat(0)), door: Door::Open });
    assert_eq!(seen(&mut ann, &mut of_ann).await, [about.clone()]);
    let mut bob = server.guest("Bob").await.unwrap();
    let mut of_bob = room(&bob.join(JoinTarget::Room(of_ann.id())).await.unwrap());
    assert_eq!(seen(&mut bob, &mut of_bob).await, [about]);
    assert_eq!((of_ann.owner(), of_bob.owner()), (Some(seat(0)), Some(seat(0))));
    let listed = bob.find_rooms(RoomQuery::ALL).await.unwrap();
    assert_eq!(listed.rooms[0].owner, Some(name("Ann")));

    bob.hand_over(name("Bob")).unwrap();
    assert_eq!(denial(&heard(&mut bob).await).code, DenialCode::NotOwner);
    seen(&mut ann, &mut of_ann).await;
    for nobody in ["Cid", "ANN"] {
        ann.hand_over(name(nobody)).unwrap();
        assert_eq!(denial(&heard(&mut ann).await).code, DenialCode::NoSuchPlayer);
    }
    ann.hand_over(name("bob")).unwrap();
    let packets = seen(&mut ann, &mut of_ann).await;
    assert_eq!(packets, [ServerPacket::Owner { event: of_ann.event(), seat: Some(seat(1)) }]);
    seen(&mut bob, &mut of_bob).await;
    assert_eq!((of_ann.owner(), of_bob.owner()), (Some(seat(1)), Some(seat(1))));
    assert_eq!(ann.find_rooms(RoomQuery::ALL).await.unwrap().rooms[0].owner, Some(name("Bob")));
    ann.remove(name("Bob")).unwrap();
    assert_eq!(denial(&heard(&mut ann).await).code, DenialCode::NotOwner);
}

#[tokio::test(start_paused = true)]
async fn the_longest_seated_follows_an_owner_who_leaves_or_is_gone() {
    let mut server = server(|_| {});
    let mut ann = server.guest("Ann").await.unwrap();
    let mine = ann.create_room(plan("mine")).await.unwrap().room;
    let mut bob = server.guest("Bob").await.unwrap();
    let mut of_bob = room(&bob.join(JoinTarget::Room(mine)).await.unwrap());
    let mut cid = server.guest("Cid").await.unwrap();
    let mut of_cid = room(&cid.join(JoinTarget::Room(mine)).await.unwrap());
    ann.leave().await.unwrap();
    for (client, room) in [(&mut bob, &mut of_bob), (&mut cid, &mut of_cid)] {
        seen(client, room).await;
        assert_eq!(room.owner(), Some(seat(1)));
    }
    // Ann sits on the first seat again, and is the last to have come.
    ann.join(JoinTarget::Room(mine)).await.unwrap();
    bob.send(&ClientPacket::Bye).unwrap();
    bob.flush().await.unwrap();
    seen(&mut cid, &mut of_cid).await;
    assert_eq!(of_cid.owner(), Some(seat(2)));
}

#[tokio::test(start_paused = true)]
async fn a_room_that_any_way_opened_it_but_this_is_nobodys() {
    let mut server = server(|_| {});
    let (mut ann, of_ann) = server.player("Ann").await.unwrap();
    let mut bob = server.guest("Bob").await.unwrap();
    bob.join(JoinTarget::Room(of_ann.id())).await.unwrap();
    heard(&mut ann).await;
    ann.remove(name("Bob")).unwrap();
    assert_eq!(denial(&heard(&mut ann).await).code, DenialCode::NotOwner);
    assert_eq!(ann.find_rooms(RoomQuery::ALL).await.unwrap().rooms[0].owner, None);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_put_out_is_in_the_lobby_and_stays_out_for_a_while() {
    for stays_out in [None, Some(Duration::from_secs(20))] {
        let mut barred_for = Duration::ZERO;
        let mut server = server(|config| {
            config.limits.removed_for = stays_out.unwrap_or(config.limits.removed_for);
            barred_for = config.limits.removed_for;
        });
        let mut ann = server.guest("Ann").await.unwrap();
        let mut of_ann = room(&ann.create_room(plan("mine")).await.unwrap());
        let mine = of_ann.id();
        let mut bob = server.guest("Bob").await.unwrap();
        bob.join(JoinTarget::Room(mine)).await.unwrap();
        heard(&mut bob).await;
        seen(&mut ann, &mut of_ann).await;

        ann.remove(name("BOB")).unwrap();
        let packets = seen(&mut ann, &mut of_ann).await;
        let [ServerPacket::Left(left)] = &packets[..] else { panic!("{packets:?}") };
        assert_eq!((left.seat, left.reason), (seat(1), LeaveReason::Removed));
        let removed = ServerPacket::Removed { room: mine, by: name("Ann") };
        assert_eq!(heard(&mut bob).await, [removed, ServerPacket::RoomLeft { room: mine }]);
        assert_eq!(server.host().seats_taken(), 1);

        // He is in the lobby at once, whoever speaks there.
        let mut cid = server.guest("Cid").await.unwrap();
        cid.say(malpan_protocol::Audience::Lobby, malpan_protocol::Manner::Say, line("hi")).unwrap();
        heard(&mut cid).await;
        assert!(matches!(heard(&mut bob).await[..], [ServerPacket::LobbyChat(_)]));

        assert_eq!(denied(bob.join(JoinTarget::Room(mine)).await), DenialCode::Barred);
        assert_eq!(denied(bob.watch(mine).await), DenialCode::Barred);
        assert_ne!(bob.join(JoinTarget::Any).await.unwrap().room, mine);
        bob.leave().await.unwrap();
        cid.join(JoinTarget::Room(mine)).await.unwrap();
        sleep(barred_for).await;
        bob.join(JoinTarget::Room(mine)).await.unwrap();
    }
}

/// The seat is free without their doing: what they have on its way must neither end their conversation nor count as the
/// next one's.
#[tokio::test(start_paused = true)]
async fn what_someone_who_is_put_out_has_on_its_way_counts_for_nothing() {
    let mut server = server(|_| {});
    let mut ann = server.guest("Ann").await.unwrap();
    let mut of_ann = room(&ann.create_room(RoomPlan { seats: SeatCount::new(2).ok(), ..plan("mine") }).await.unwrap());
    let mine = of_ann.id();
    let mut bob = server.guest("Bob").await.unwrap();
    bob.join(JoinTarget::Room(mine)).await.unwrap();
    let mut cid = server.guest("Cid").await.unwrap();
    ann.remove(name("Bob")).unwrap();
    ann.flush().await.unwrap();
    sleep(Duration::from_millis(50)).await;
    let mut of_cid = room(&cid.join(JoinTarget::Room(mine)).await.unwrap());
    assert_eq!(of_cid.own_seat(), Some(seat(1)), "where Bob sat");
    for packet in [
        step(1, Direction::Left),
        step(2, Direction::Right),
        ClientPacket::Chat { text: line("me?") },
        ClientPacket::Signal { to: SignalTarget::Room, payload: malpan_e2e::payload(b"x") },
        ClientPacket::Remove { name: name("Ann") },
        ClientPacket::Leave,
    ] {
        bob.send(&packet).unwrap();
    }
    let packets = heard(&mut bob).await;
    assert!(packets.iter().any(|packet| matches!(packet, ServerPacket::RoomLeft { .. })));
    assert!(!packets.iter().any(|packet| matches!(packet, ServerPacket::Denied(_))), "{packets:?}");
    let cell = of_cid.own_piece().unwrap().cell;
    seen(&mut cid, &mut of_cid).await;
    seen(&mut ann, &mut of_ann).await;
    assert_eq!((of_cid.own_piece().unwrap().cell, of_ann.members().count()), (cell, 2));
    assert_eq!(server.host().seats_taken(), 2);
    // Nor does the end of his connection.
    drop(bob);
    sleep(Duration::from_secs(5)).await;
    assert_eq!(server.host().seats_taken(), 2);
    cid.step(Direction::Up).unwrap();
    cid.step(Direction::Down).unwrap();
    assert!(seen(&mut cid, &mut of_cid).await.iter().any(|packet| matches!(packet, ServerPacket::Updates(_))));
}

/// A `Leave` and a removal that cross are one goodbye.
#[tokio::test(start_paused = true)]
async fn a_leave_that_crosses_a_removal_is_answered_once() {
    let mut server = server(|_| {});
    let mut ann = server.guest("Ann").await.unwrap();
    let mine = ann.create_room(plan("mine")).await.unwrap().room;
    let mut bob = server.guest("Bob").await.unwrap();
    bob.join(JoinTarget::Room(mine)).await.unwrap();
    heard(&mut bob).await;
    ann.remove(name("Bob")).unwrap();
    ann.flush().await.unwrap();
    sleep(Duration::from_millis(50)).await;
    bob.leave().await.unwrap();
    let (packets, end) = arrived(&mut bob).await;
    assert!(
        packets.iter().all(|packet| matches!(packet, ServerPacket::Removed { .. })) && end.is_none(),
        "{packets:?}"
    );
    bob.join(JoinTarget::Any).await.unwrap();
    assert!(heard(&mut bob).await.is_empty(), "the first RoomLeft was the answer");
}

#[tokio::test(start_paused = true)]
async fn a_room_has_the_board_that_was_asked_for_within_the_limits() {
    let mut server = server(|config| config.game.board_max = "20x10".parse().unwrap());
    let mut ann = server.guest("Ann").await.unwrap();
    let sized = |game, size: &str, seats| RoomPlan {
        game,
        board: Some(size.parse().unwrap()),
        seats: SeatCount::new(seats).ok(),
        ..plan("mine")
    };
    let joined = ann.create_room(sized(None, "20x10", 10)).await.unwrap();
    assert_eq!(room(&joined).board(), BoardSize::new(20, 10).unwrap());
    ann.leave().await.unwrap();
    let joined = ann.create_room(sized(None, "2x1", 2)).await.unwrap();
    assert_eq!((room(&joined).board(), joined.seats.count()), (BoardSize::new(2, 1).unwrap(), 2));
    ann.leave().await.unwrap();
    for not_allowed in [
        sized(None, "21x10", 2),
        sized(None, "20x11", 2),
        sized(None, "2x1", 3),
        sized(Some(GameName::FIVE), "15x15", 2),
    ] {
        assert_eq!(denied(ann.create_room(not_allowed).await), DenialCode::BoardNotAllowed);
    }
    let joined = ann.create_room(plan("mine")).await.unwrap();
    assert_eq!(room(&joined).board(), BoardSize::new(8, 8).unwrap(), "the server's own");
}
