//! The seat, the piece and the events.

use super::{arrived, follow, is_refused, resume, resume_to, server, settle, token};
use malpan_client::{ClientError, Room};
use malpan_e2e::{MemoryServer, line, payload, to_the_end};
use malpan_protocol::{
    Cell, ClientPacket, Direction, GameName, JoinTarget, KickReason, ResumeToken, Resumption, RoomId, RoomTitle,
    SeatCount, Seen, ServerPacket, SignalTarget, game::five,
};
use malpan_server::config::{Config, LimitsConfig};

#[tokio::test(start_paused = true)]
async fn who_comes_back_has_the_same_seat_and_hears_exactly_what_was_missed() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    let (mut bob, mut bobs_room) = server.player("bob").await.unwrap();
    let token = token_in(&mut ann, &mut room).await;
    bob.chat(line("before")).unwrap();
    follow(&mut bob, &mut bobs_room).await;
    follow(&mut ann, &mut room).await;
    let (seat, piece) = (room.own_seat(), room.own_piece().unwrap().cell);
    drop(ann);

    let heard = follow(&mut bob, &mut bobs_room).await;
    assert!(matches!(heard[..], [ServerPacket::Away { seat: whose, .. }] if Some(whose) == seat), "{heard:?}");
    assert!(bobs_room.is_away(seat.unwrap()) && bobs_room.piece(seat.unwrap()).unwrap().cell == piece);
    for text in ["one", "two"] {
        bob.chat(line(text)).unwrap();
    }
    bob.signal(SignalTarget::Room, payload(b"three")).unwrap();
    bob.step(Direction::Down).unwrap();
    let (_cid, _) = server.player("cid").await.unwrap();
    follow(&mut bob, &mut bobs_room).await;
    assert_eq!((server.host().signed_in(), server.host().away(), server.host().seats_taken()), (2, 1, 3));

    let (mut ann, packets) = resume_to(&mut server, &token, &mut room).await;
    // Away, two lines, a signal, one who came, and Back.
    assert_eq!(packets.len(), 6 + 1, "{packets:?}");
    assert!(matches!(packets[5], ServerPacket::Back { seat: whose, .. } if Some(whose) == seat));
    follow(&mut bob, &mut bobs_room).await;
    assert!(!bobs_room.is_away(seat.unwrap()));
    assert_eq!(room.own_seat(), seat);
    assert_eq!(room.pieces().collect::<Vec<_>>(), bobs_room.pieces().collect::<Vec<_>>());
    assert_eq!((server.host().signed_in(), server.host().away(), server.host().seats_taken()), (3, 0, 3));

    // And it goes on.
    ann.step(Direction::Down).unwrap();
    ann.chat(line("back")).unwrap();
    follow(&mut ann, &mut room).await;
    follow(&mut bob, &mut bobs_room).await;
    assert_eq!(room.pieces().collect::<Vec<_>>(), bobs_room.pieces().collect::<Vec<_>>());
    assert_eq!((room.event(), room.own_seat()), (bobs_room.event(), seat));
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_sees_who_is_away() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    let token = token_in(&mut ann, &mut room).await;
    drop(ann);
    settle().await;
    let (mut bob, mut bobs_room) = server.player("bob").await.unwrap();
    follow(&mut bob, &mut bobs_room).await;
    assert!(bobs_room.is_away(room.own_seat().unwrap()) && !bobs_room.is_away(bobs_room.own_seat().unwrap()));
    let _ann = resume_to(&mut server, &token, &mut room).await;
    follow(&mut bob, &mut bobs_room).await;
    assert!(!bobs_room.is_away(room.own_seat().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn whoever_resumes_while_the_old_connection_lives_takes_over_and_nobody_else_notices() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    let (mut bob, mut bobs_room) = server.player("bob").await.unwrap();
    let token = token_in(&mut ann, &mut room).await;
    // On the way over the old connection: it counts, once.
    ann.chat(line("old")).unwrap();
    ann.flush().await.unwrap();
    let shard_of = |server: &MemoryServer| server.newest_session().unwrap().shard().index();
    let (_, before) = (settle().await, shard_of(&server));
    let (mut again, packets) = resume_to(&mut server, &token, &mut room).await;
    assert_ne!(shard_of(&server), before, "across shards");
    let (last, end) = to_the_end(&mut ann).await;
    assert_eq!(last.last(), Some(&ServerPacket::Kicked { reason: KickReason::TakenOver }), "{last:?}");
    assert!(matches!(end, ClientError::Closed));
    assert!(!packets.iter().any(|packet| matches!(packet, ServerPacket::Away { .. } | ServerPacket::Back { .. })));
    again.chat(line("new")).unwrap();
    follow(&mut again, &mut room).await;
    let heard = follow(&mut bob, &mut bobs_room).await;
    let texts = heard.iter().map(|packet| match packet {
        ServerPacket::Chat(chat) => chat.text.as_str(),
        other => panic!("{other:?}"),
    });
    assert_eq!(texts.collect::<Vec<_>>(), ["old", "new"]);
    assert_eq!((server.host().signed_in(), server.host().seats_taken()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn of_two_that_resume_at_once_one_is_refused_and_the_seat_is_taken_once() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    let token = token_in(&mut ann, &mut room).await;
    let (mut first, mut second) = (server.connect().await.unwrap(), server.connect().await.unwrap());
    let seen = Some(room.seen());
    let results = tokio::join!(first.resume(token.clone(), seen), second.resume(token.clone(), seen));
    let refused = [&results.0, &results.1].into_iter().filter(|result| result.is_err()).count();
    assert!(refused <= 1, "{results:?}");
    settle().await;
    assert_eq!((server.host().signed_in(), server.host().away(), server.host().seats_taken()), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn who_was_refused_nothing_but_dropped_on_the_way_in_can_still_come_back() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    let token = token_in(&mut ann, &mut room).await;
    // Asks and is gone before the answer, over and over, while the old connection lives and when it does not.
    for _ in 0..4 {
        let mut gone = server.connect().await.unwrap();
        gone.send(&ClientPacket::Resume { token: token.clone(), seen: Some(room.seen()) }).unwrap();
        gone.flush().await.unwrap();
        drop(gone);
        settle().await;
    }
    let _ann = resume_to(&mut server, &token, &mut room).await;
    assert_eq!((server.host().signed_in(), server.host().away(), server.host().seats_taken()), (1, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn where_more_was_missed_than_is_kept_everything_comes_anew() {
    let few_events = |limits: &mut LimitsConfig| limits.ring_events = 4;
    let few_bytes = |limits: &mut LimitsConfig| limits.ring_bytes = 40;
    // The queue has to take it as well.
    let small_queue = |limits: &mut LimitsConfig| limits.queue_bytes = 16_400;
    for adjust in [few_events as fn(&mut LimitsConfig), few_bytes, small_queue] {
        let mut config = Config::default();
        adjust(&mut config.limits);
        let mut server = MemoryServer::new(config, 2);
        let (mut ann, mut room) = server.player("ann").await.unwrap();
        let (mut bob, mut bobs_room) = server.player("bob").await.unwrap();
        let token = token_in(&mut ann, &mut room).await;
        drop(ann);
        for n in 0..5 {
            bob.chat(line(&format!("line {n}"))).unwrap();
            follow(&mut bob, &mut bobs_room).await;
        }
        let (mut ann, resumed) = resume(&mut server, &token, Some(room.seen())).await.unwrap();
        assert_eq!(resumed.place, Resumption::Anew { room: room.id() });
        let Ok(ServerPacket::Joined(joined)) = ann.next().await else { panic!("a picture follows") };
        assert_eq!((joined.seat, joined.event), (room.own_seat(), bobs_room.event() + 1));
        room = Room::new(&joined).unwrap();
        bob.step(Direction::Down).unwrap();
        follow(&mut bob, &mut bobs_room).await;
        follow(&mut ann, &mut room).await;
        assert_eq!(room.pieces().collect::<Vec<_>>(), bobs_room.pieces().collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_seen_elsewhere_or_not_at_all_brings_everything_anew() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    let mut token = token_in(&mut ann, &mut room).await;
    let seen = room.seen();
    let others = [
        None,
        Some(Seen { incarnation: seen.incarnation + 1, ..seen }),
        Some(Seen { room: RoomId(99), ..seen }),
        Some(Seen { event: seen.event + 1, ..seen }),
    ];
    for seen in others {
        let (mut client, resumed) = resume(&mut server, &token, seen).await.unwrap();
        assert_eq!(resumed.place, Resumption::Anew { room: room.id() }, "{seen:?}");
        assert!(matches!(client.next().await, Ok(ServerPacket::Joined(_))));
        token = client.token().unwrap().clone();
        ann = client;
    }
    drop(ann);
}

#[tokio::test(start_paused = true)]
async fn a_game_waits_for_who_comes_back() {
    let mut server = server();
    let mut black = server.guest("black").await.unwrap();
    let title = RoomTitle::new("five").unwrap();
    let joined = black.open_room(Some(GameName::FIVE), title, SeatCount::new(2).ok()).await.unwrap();
    let mut table = Room::<five::State>::new(&joined).unwrap();
    let mut white = server.guest("white").await.unwrap();
    white.join(JoinTarget::Room(joined.room)).await.unwrap();
    settle().await;
    arrived(&mut black).await.0.iter().for_each(|packet| table.apply(packet).unwrap());
    let token = black.token().unwrap().clone();
    drop(black);
    settle().await;
    let (mut black, resumed) = resume(&mut server, &token, Some(table.seen())).await.unwrap();
    assert!(matches!(resumed.place, Resumption::Missed { events: 2, .. }), "{resumed:?}");
    black.command(&five::Command::Place(Cell { x: 7, y: 7 })).unwrap();
    black.flush().await.unwrap();
    settle().await;
    arrived(&mut black).await.0.iter().for_each(|packet| table.apply(packet).unwrap());
    assert_eq!(table.view().stones.len(), 1, "black is to move, as before");
}

#[tokio::test(start_paused = true)]
async fn the_snapshot_says_which_commands_were_done_and_then_they_are_numbered_anew() {
    let mut server = server();
    let (mut ann, mut room) = server.player("ann").await.unwrap();
    let token = token_in(&mut ann, &mut room).await;
    let done = [Direction::Down, Direction::Down].map(|direction| ann.step(direction).unwrap());
    ann.flush().await.unwrap();
    settle().await;
    drop(ann);
    settle().await;
    let seat = room.own_seat().unwrap();
    let (mut ann, packets) = resume_to(&mut server, &token, &mut room).await;
    let acks = packets.iter().find_map(|packet| match packet {
        ServerPacket::Snapshot(snapshot) => snapshot.acks.iter().find(|ack| ack.seat == seat).copied(),
        _ => None,
    });
    assert_eq!(acks.unwrap().seq, done[1]);
    let first = ann.step(Direction::Up).unwrap();
    let packets = follow(&mut ann, &mut room).await;
    assert_eq!(first, 1);
    assert!(
        packets.iter().any(
            |packet| matches!(packet, ServerPacket::Updates(updates) if updates.acks.iter().any(|ack| ack.seq == 1))
        ),
        "{packets:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_was_in_no_room_is_in_the_lobby_again() {
    let mut server = server();
    let mut ann = server.guest("ann").await.unwrap();
    let ticket = token(&mut ann).await;
    drop(ann);
    settle().await;
    let (mut ann, resumed) = resume(&mut server, &ticket, None).await.unwrap();
    assert_eq!((resumed.place, resumed.name.as_str()), (Resumption::Lobby, "ann"));
    ann.join(JoinTarget::Any).await.unwrap();
    assert!(is_refused(resume(&mut server, &ticket, None).await), "it was used");
}

/// The token of who has a seat.
async fn token_in(client: &mut super::Connection, room: &mut Room) -> ResumeToken {
    follow(client, room).await;
    client.token().unwrap().clone()
}
