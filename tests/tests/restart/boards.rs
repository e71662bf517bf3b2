//! Boards that come back.

use super::{GRACE, Running, SAVED, follow, life, pieces, settled, standard};
use malpan_client::Room;
use malpan_e2e::{line, name};
use malpan_protocol::{
    Direction, Door, JoinTarget, LeaveReason, Manner, Part, RoomId, RoomPassword, RoomPlan, RoomTitle, SeatCount,
    ServerPacket,
};
use malpan_server::{
    config::Config,
    store::{RoomChange, SavedRoom, Store},
};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

fn sesame() -> RoomPassword {
    RoomPassword::new("sesame").unwrap()
}

#[test]
fn a_board_comes_back_after_a_kill_as_it_was_saved() {
    let store = Arc::default();
    let (tokens, seen, before) = life(async {
        let server = Running::start(&store);
        let plan = RoomPlan {
            game: None,
            title: RoomTitle::new("Friday \"night\"").unwrap(),
            seats: Some(SeatCount::new(4).unwrap()),
            board: Some("6x5".parse().unwrap()),
            password: Some(sesame()),
        };
        let mut ann = server.guest("ann").await;
        let mut room = Room::new(&ann.create_room(plan).await.unwrap()).unwrap();
        let mut bob = server.guest("bob").await;
        bob.unlock(room.id(), Part::Seat, sesame()).await.unwrap();
        follow(&mut ann, &mut room).await;
        ann.step(Direction::Down).unwrap();
        bob.step(Direction::Down).unwrap();
        ann.chat(line("it is \"late\"")).unwrap();
        follow(&mut ann, &mut room).await;
        bob.emote(line("yawns \\o/")).unwrap();
        bob.flush().await.unwrap();
        follow(&mut ann, &mut room).await;
        sleep(SAVED).await;
        assert_eq!(server.host.unsaved(), 0);
        let tokens = [ann.token().unwrap().clone(), bob.token().unwrap().clone()];
        (tokens, room.seen(), (room.id(), room.title().clone(), pieces(&room)))
    });
    life(async {
        let server = Running::start(&store);
        let (mut ann, joined, after) = server.come_back(&tokens[0], Some(seen)).await;
        let mut room = Room::new(&joined).unwrap();
        after.iter().for_each(|packet| room.apply(packet).unwrap());
        assert_eq!((room.id(), room.title().clone(), pieces(&room)), before);
        assert_eq!((joined.incarnation, room.board(), joined.seats.count()), (2, "6x5".parse().unwrap(), 4));
        assert_eq!((room.owner(), room.door()), (joined.seat, Door::Password));
        let bobs = room.members().find(|(_, member)| member.as_str() == "bob").unwrap().0;
        assert!(room.is_away(bobs) && !room.is_away(joined.seat.unwrap()));
        let history = after.iter().find_map(|packet| match packet {
            ServerPacket::History(history) => Some(history),
            _ => None,
        });
        let lines = history.unwrap().lines.iter().map(|line| (line.name.as_str(), line.manner, line.text.as_str()));
        let said = [("ann", Manner::Say, "it is \"late\""), ("bob", Manner::Emote, "yawns \\o/")];
        assert_eq!(lines.collect::<Vec<_>>(), said);

        let (mut bob, joined, _) = server.come_back(&tokens[1], None).await;
        let mut bobs_room = Room::new(&joined).unwrap();
        let heard = follow(&mut ann, &mut room).await;
        assert!(matches!(heard[..], [ServerPacket::Back { .. }]), "{heard:?}");
        // They play on.
        ann.step(Direction::Right).unwrap();
        follow(&mut ann, &mut room).await;
        follow(&mut bob, &mut bobs_room).await;
        assert_ne!(pieces(&room), before.2);
        assert_eq!(pieces(&room), pieces(&bobs_room));
        // The password is the same, and the number of the room is not given again.
        let mut eve = server.guest("eve").await;
        let wrong = eve.unlock(room.id(), Part::Seat, RoomPassword::new("open").unwrap()).await;
        let wrong = wrong.unwrap_err().to_string();
        assert!(wrong.contains("not the password"), "{wrong}");
        let other = eve.join(JoinTarget::Any).await.unwrap().room;
        assert_eq!(other, RoomId(room.id().0 + 1));
        let listed = eve.leave().await;
        assert!(listed.is_ok());
        eve.unlock(room.id(), Part::Seat, sesame()).await.unwrap();
    });
}

#[test]
fn what_happened_just_before_a_stop_is_kept_and_what_is_done_after_the_last_word_is_not_done_at_all() {
    let store = Arc::default();
    let (token, before) = life(async {
        let server = Running::start(&store);
        let mut ann = server.guest("ann").await;
        let mut room = Room::new(&ann.join(JoinTarget::Any).await.unwrap()).unwrap();
        ann.step(Direction::Right).unwrap();
        ann.chat(line("last words")).unwrap();
        ann.flush().await.unwrap();
        let token = ann.token().unwrap().clone();
        let stopped = server.stop();
        let hear = async {
            let mut steps = 0_u32;
            while let Ok(packet) = ann.next().await {
                if !matches!(
                    packet,
                    ServerPacket::Draining { .. } | ServerPacket::Kicked { .. } | ServerPacket::Token { .. }
                ) {
                    room.apply(&packet).unwrap();
                }
                // Whatever is answered is kept.
                if steps < 200 {
                    let way = if steps.is_multiple_of(2) { Direction::Down } else { Direction::Up };
                    let _ = ann.step(way);
                    let _ = ann.flush().await;
                    steps += 1;
                }
            }
        };
        tokio::join!(stopped, hear);
        (token, pieces(&room))
    });
    life(async {
        let server = Running::start(&store);
        let (_ann, joined, after) = server.come_back(&token, None).await;
        assert_eq!(pieces(&Room::new(&joined).unwrap()), before);
        assert!(after.iter().any(|packet| matches!(packet, ServerPacket::History(past) if past.lines.len() == 1)));
    });
}

#[test]
fn where_nobody_comes_back_everything_is_given_back_after_a_whole_grace() {
    let store = Arc::default();
    let token = life(async {
        let server = Running::start(&store);
        let mut ann = server.guest("ann").await;
        ann.join(JoinTarget::Any).await.unwrap();
        sleep(SAVED).await;
        ann.token().unwrap().clone()
    });
    life(async {
        let server = Running::start(&store);
        sleep(GRACE - SAVED).await;
        assert_eq!((server.host.rooms(), server.host.away(), server.host.seats_taken()), (1, 1, 1));
        let mut taken = server.connect().await;
        assert!(taken.sign_in_guest(name("ANN")).await.is_err(), "the name is hers still");
        // And as long as an empty room is kept.
        sleep(SAVED + Duration::from_secs(10) + SAVED).await;
        assert_eq!((server.host.rooms(), server.host.away(), server.host.signed_in()), (0, 0, 0));
        assert_eq!(store.rooms().await.unwrap(), []);
        assert!(server.is_refused(&token).await);
        server.guest("ANN").await;
    });
}

/// Each life is another of the room, however short it was.
#[test]
fn what_was_seen_in_an_earlier_life_counts_for_nothing_in_a_later_one() {
    let store = Arc::default();
    let (token, seen) = life(async {
        let server = Running::start(&store);
        let mut ann = server.guest("ann").await;
        let room: Room = Room::new(&ann.join(JoinTarget::Any).await.unwrap()).unwrap();
        sleep(SAVED).await;
        (ann.token().unwrap().clone(), room.seen())
    });
    for incarnation in 2..5 {
        life(async {
            let server = Running::start(&store);
            sleep(Duration::from_millis(1)).await;
            assert_eq!(server.host.rooms(), 1);
            assert_eq!(store.rooms().await.unwrap()[0].incarnation, incarnation);
        });
    }
    life(async {
        let server = Running::start(&store);
        let (_ann, joined, _) = server.come_back(&token, Some(seen)).await;
        assert_eq!(joined.incarnation, 5);
    });
}

/// Rooms are not saved all at once: who went from one to another may have been saved in both.
#[test]
fn who_was_saved_in_two_rooms_is_in_the_later_one() {
    let store = Arc::default();
    let (ann, bob, rooms) = life(async {
        let server = Running::start(&store);
        let (mut ann, mut bob) = (server.guest("ann").await, server.guest("bob").await);
        let first = ann.join(JoinTarget::Any).await.unwrap().room;
        bob.join(JoinTarget::Room(first)).await.unwrap();
        sleep(SAVED).await;
        let older = store.rooms().await.unwrap().remove(0);
        ann.leave().await.unwrap();
        let second = ann.open_room(None, RoomTitle::new("later").unwrap(), None).await.unwrap().room;
        sleep(SAVED).await;
        assert_eq!(store.rooms().await.unwrap().len(), 2);
        store.save_rooms(vec![RoomChange::Saved(older)]).await.unwrap();
        (ann.token().unwrap().clone(), bob.token().unwrap().clone(), [first, second])
    });
    life(async {
        let server = Running::start(&store);
        let (_bob, joined, after) = server.come_back(&bob, None).await;
        let mut room = Room::new(&joined).unwrap();
        let left = |packet: &ServerPacket| matches!(packet, ServerPacket::Left(left) if left.reason == LeaveReason::Disconnected);
        after.iter().for_each(|packet| room.apply(packet).unwrap());
        assert!(room.members().count() == 1 || after.iter().any(left), "{after:?}");
        assert_eq!((room.id(), pieces(&room).len()), (rooms[0], 1));
        let (_ann, joined, _) = server.come_back(&ann, None).await;
        assert_eq!(joined.room, rooms[1]);
        assert_eq!(server.host.seats_taken(), 2);
    });
}

#[test]
fn whoever_has_no_token_does_not_come_back_to_a_seat() {
    let store = Arc::default();
    let bob = life(async {
        let server = Running::start(&store);
        let (mut lecture, mut bob) = (server.guest("lecture-1").await, server.guest("bob").await);
        let room = lecture.join(JoinTarget::Any).await.unwrap().room;
        bob.join(JoinTarget::Room(room)).await.unwrap();
        sleep(SAVED).await;
        // As the room of a lecture client is saved, of whom no account and no token speaks.
        let SavedRoom { id, incarnation, record } = store.rooms().await.unwrap().remove(0);
        let end = record.iter().position(|&byte| byte == b'\n').unwrap();
        let json = String::from_utf8(record[..end].to_vec()).unwrap();
        let player = json.find(r#","player":"#).unwrap();
        let after = player + json[player..].find('}').unwrap() + 1;
        let json = format!("{}{}", &json[..player], &json[after..]);
        let record = [json.as_bytes(), &record[end..]].concat().into();
        store.save_rooms(vec![RoomChange::Saved(SavedRoom { id, incarnation, record })]).await.unwrap();
        bob.token().unwrap().clone()
    });
    life(async {
        let server = Running::start(&store);
        let (_bob, joined, after) = server.come_back(&bob, None).await;
        let mut room = Room::new(&joined).unwrap();
        after.iter().for_each(|packet| room.apply(packet).unwrap());
        assert_eq!(pieces(&room).len(), 1);
        assert_eq!(server.host.seats_taken(), 1);
        server.guest("lecture-1").await;
    });
}

#[test]
fn a_server_whose_players_cannot_come_back_keeps_no_rooms() {
    let store = Arc::default();
    life(async {
        let server = Running::start(&store);
        server.guest("ann").await.join(JoinTarget::Any).await.unwrap();
        sleep(SAVED).await;
        assert_eq!(store.rooms().await.unwrap().len(), 1);
    });
    life(async {
        let without = |config: &mut malpan_server::config::Config| config.limits.resume_grace = Duration::ZERO;
        let games = |config: &malpan_server::config::Config| malpan_server::Games::standard(&config.game);
        let server = Running::start_with(&store, without, games);
        let mut ann = server.guest("ann").await;
        assert_eq!(ann.join(JoinTarget::Any).await.unwrap().room, RoomId(2), "no number is given twice");
        sleep(SAVED).await;
        assert_eq!(store.rooms().await.unwrap(), []);
        assert_eq!(store.check().await.unwrap().tokens, 1, "that of the life before");
    });
}

/// Five in a row goes on with the same stones, the same turn and the same colours.
#[test]
fn a_game_of_five_in_a_row_goes_on() {
    use malpan_protocol::{
        Cell, GameName,
        game::five::{Command, State},
    };
    let store = Arc::default();
    let place = |x| Command::Place(Cell { x, y: 7 });
    let (ann, bob) = life(async {
        let server = Running::start(&store);
        let (mut ann, mut bob) = (server.guest("ann").await, server.guest("bob").await);
        let room = ann.join(JoinTarget::AnyOf(GameName::FIVE)).await.unwrap().room;
        bob.join(JoinTarget::Room(room)).await.unwrap();
        settled(&mut ann).await;
        ann.command(&place(3)).unwrap();
        settled(&mut ann).await;
        bob.command(&place(4)).unwrap();
        settled(&mut bob).await;
        sleep(SAVED).await;
        (ann.token().unwrap().clone(), bob.token().unwrap().clone())
    });
    life(async {
        let server = Running::start(&store);
        let (mut ann, joined, _) = server.come_back(&ann, None).await;
        let (mut bob, _, _) = server.come_back(&bob, None).await;
        assert_eq!(joined.state.decode::<State>().unwrap().stones.len(), 2);
        bob.command(&place(5)).unwrap();
        let refused = settled(&mut bob).await;
        assert!(refused.iter().any(|packet| matches!(packet, ServerPacket::Refused(_))), "{refused:?}");
        ann.command(&place(5)).unwrap();
        let happened = settled(&mut ann).await;
        assert!(happened.iter().any(|packet| matches!(packet, ServerPacket::Happened(_))), "{happened:?}");
    });
}

#[test]
fn a_room_with_more_seats_than_the_board_of_now_has_cells_comes_back() {
    let store = Arc::default();
    let token = life(async {
        let server = Running::start(&store);
        let mut ann = server.guest("ann").await;
        ann.join(JoinTarget::Any).await.unwrap();
        sleep(SAVED).await;
        ann.token().unwrap().clone()
    });
    life(async {
        let smaller = |config: &mut Config| {
            config.game.board = "3x3".parse().unwrap();
            config.game.seats = SeatCount::new(4).unwrap();
        };
        let server = Running::start_with(&store, smaller, standard);
        let (_ann, joined, _) = server.come_back(&token, None).await;
        let room: Room = Room::new(&joined).unwrap();
        assert_eq!((room.board(), room.seats().count()), ("8x8".parse().unwrap(), 10));
        let mut bob = server.guest("bob").await;
        let fresh = bob.open_room(None, RoomTitle::new("fresh").unwrap(), None).await.unwrap();
        let room: Room = Room::new(&fresh).unwrap();
        assert_eq!((room.board(), room.seats().count()), ("3x3".parse().unwrap(), 4));
    });
}
