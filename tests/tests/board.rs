//! Ten people around a board, over real sockets: who sees what, and in which order.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_client::{Client, Room};
use malpan_e2e::{TestServer, arrived, expect, line, name, payload, positions, within};
use malpan_protocol::{
    Ack, Cell, ClientPacket, Direction, JoinTarget, LeaveReason, Left, RefusalReason, Seat, ServerPacket, SignalTarget,
    game::board::{Position, Refusal, State},
};
use malpan_server::config::Config;
use socket2::SockRef;
use std::{collections::BTreeMap, time::Duration};

const PLAYERS: usize = 10;
const STEPS: u32 = 40;

/// Steps and lines as fast as they are settled.
fn unhurried(config: &mut Config) {
    config.limits.packets_per_second = 10_000;
    config.limits.steps_per_second = 10_000;
    config.limits.step_burst = 10_000;
    config.limits.chat_lines = 1000;
    config.game.tick = Duration::from_millis(1);
}

/// Everyone in one room, each knowing that the others are there.
async fn seat_all(server: &TestServer, count: usize) -> Vec<(Client, Room)> {
    let mut players = Vec::new();
    for index in 0..count {
        players.push(server.player(&format!("p{index}")).await.unwrap());
    }
    for (client, room) in &mut players {
        while room.members().count() < count {
            room.apply(&client.next().await.unwrap()).unwrap();
        }
    }
    players
}

/// What one player saw and what became of its own steps.
struct Seen {
    seat: Seat,
    row: Vec<(Position, Ack)>,
    refused: Vec<u32>,
    room: Room,
}

/// Walks until every step is settled, says so, and listens until everyone has said so: then every move has been seen,
/// for a move is sent before its mover can know of it.
async fn walk(mut client: Client, mut room: Room) -> Seen {
    let seat = room.own_seat().unwrap();
    let (mut row, mut refused, mut done) = (Vec::new(), Vec::new(), 0);
    let mut settled = 0;
    let mut next = seat.index();
    client.step(Direction::ALL[next % 4]).unwrap();
    while done < PLAYERS {
        let packet = client.next().await.unwrap();
        room.apply(&packet).unwrap();
        let before = settled;
        match packet {
            ServerPacket::Updates(batch) => {
                let moves = positions(&batch.updates);
                assert_eq!(moves.len(), batch.acks.len());
                row.extend(moves.into_iter().zip(batch.acks.iter().copied()));
                settled += u32::try_from(batch.acks.iter().filter(|ack| ack.seat == seat).count()).unwrap();
            }
            ServerPacket::Refused(step) => {
                refused.push(step.seq);
                settled += 1;
            }
            ServerPacket::Chat(_) => done += 1,
            other => panic!("{other:?}"),
        }
        if settled > before {
            if settled < STEPS {
                next += 3 + seat.index();
                client.step(Direction::ALL[next % 4]).unwrap();
            } else {
                client.chat(line("done")).unwrap();
            }
        }
    }
    Seen { seat, row, refused, room }
}

#[tokio::test]
async fn ten_players_see_everyones_moves_in_one_order() {
    let server = TestServer::start(unhurried).unwrap();
    let players = within(seat_all(&server, PLAYERS)).await;
    let walks: Vec<_> = players.into_iter().map(|(client, room)| tokio::spawn(walk(client, room))).collect();
    let mut seen = Vec::new();
    for walk in walks {
        seen.push(within(walk).await.unwrap());
    }
    let first = &seen[0];
    for one in &seen {
        assert_eq!(one.row, first.row, "seat {} saw another row than seat {}", one.seat, first.seat);
        assert_eq!(one.room.pieces().collect::<Vec<_>>(), first.room.pieces().collect::<Vec<_>>());
        assert_eq!(one.room.skipped_batches(), 0);
        // Each own step is in the row once, in order, or was refused.
        let acks: Vec<_> = first.row.iter().filter(|(_, ack)| ack.seat == one.seat).map(|(_, ack)| ack.seq).collect();
        assert!(acks.is_sorted_by(|a, b| a < b));
        let mut settled = [acks, one.refused.clone()].concat();
        settled.sort_unstable();
        assert_eq!(settled, (1..=STEPS).collect::<Vec<_>>());
    }
    assert!(first.row.iter().all(|(position, ack)| position.seat == ack.seat));
    assert!(first.row.len() > PLAYERS, "they have moved");
}

#[tokio::test]
async fn the_eleventh_plays_on_a_second_board() {
    let server = TestServer::start(unhurried).unwrap();
    let mut players = within(seat_all(&server, PLAYERS)).await;
    let (mut eleventh, other) = within(server.player("eleventh")).await.unwrap();
    assert_ne!(other.id(), players[0].1.id());
    assert_eq!(other.members().count(), 1);
    assert_eq!((server.host().rooms(), server.host().seats_taken()), (2, PLAYERS + 1));

    // Each board hears its own moves and lines, and nothing of the other's.
    eleventh.step(Direction::Right).unwrap();
    eleventh.chat(line("alone")).unwrap();
    expect(&mut eleventh, |packet| matches!(packet, ServerPacket::Chat(_)).then_some(())).await.unwrap();
    players[0].0.chat(line("together")).unwrap();
    for (client, room) in &mut players {
        let packet = within(client.next()).await.unwrap();
        room.apply(&packet).unwrap();
        assert!(matches!(&packet, ServerPacket::Chat(chat) if chat.text.as_str() == "together"), "{packet:?}");
    }
    within(eleventh.leave()).await.unwrap();
    assert_eq!(server.host().rooms(), 1);
}

#[tokio::test]
async fn a_refused_step_reaches_the_mover_alone_and_changes_nothing() {
    let server = TestServer::start(|config| {
        unhurried(config);
        config.game.board = "2x2".parse().unwrap();
        config.game.seats = malpan_protocol::SeatCount::new(2).unwrap();
    })
    .unwrap();
    let mut players = within(seat_all(&server, 2)).await;
    let cells = |room: &Room| room.pieces().map(|(seat, piece)| (seat, piece.cell)).collect::<BTreeMap<_, _>>();
    let before = cells(&players[0].1);
    assert_eq!(before.into_values().collect::<Vec<_>>(), [Cell { x: 0, y: 0 }, Cell { x: 0, y: 1 }]);

    let (mover, room) = &mut players[0];
    for (direction, why) in [(Direction::Left, Refusal::OffBoard), (Direction::Down, Refusal::Taken)] {
        let seq = mover.step(direction).unwrap();
        let packet = within(mover.next()).await.unwrap();
        let ServerPacket::Refused(step) = packet else { panic!("{packet:?}") };
        let RefusalReason::Rules(rules) = &step.why else { panic!("{step:?}") };
        assert_eq!((step.seq, rules.decode()), (seq, Ok(why)));
    }
    // What comes next to everyone is what was sent next: nothing of the refusals lies between. Whoever comes later finds
    // the board as it was, too.
    let seq = mover.step(Direction::Right).unwrap();
    let seat = room.own_seat().unwrap();
    let expected = (Position { seat, cell: Cell { x: 1, y: 0 } }, Ack { seat, seq });
    for (client, room) in &mut players {
        let packet = within(client.next()).await.unwrap();
        room.apply(&packet).unwrap();
        let ServerPacket::Updates(batch) = packet else { panic!("{packet:?}") };
        assert_eq!((positions(&batch.updates), &*batch.acks), (vec![expected.0], &[expected.1][..]));
    }
    within(players[1].0.leave()).await.unwrap();
    let target = JoinTarget::Room(players[1].1.id());
    let joined = within(players[1].0.join(target)).await.unwrap();
    let state: State = joined.state.decode().unwrap();
    let cells: Vec<_> = state.positions.iter().map(|position| position.cell).collect();
    assert_eq!(cells, [expected.0.cell, Cell { x: 0, y: 1 }]);
}

#[tokio::test]
async fn chat_and_signals_reach_everyone_with_gapless_numbers_and_an_echo_the_sender_alone() {
    let server = TestServer::start(unhurried).unwrap();
    let mut players = within(seat_all(&server, 3)).await;
    let room = players[0].1.clone();
    // All three speak at once, so that events of several senders meet in one batch.
    for (index, (client, _)) in (0u8..).zip(&mut players) {
        client.signal(SignalTarget::Myself, payload(&[index, 0])).unwrap();
        client.chat(line(&format!("line of {index}"))).unwrap();
        client.signal(SignalTarget::Room, payload(&[index, 1])).unwrap();
        within(client.flush()).await.unwrap();
    }
    let mut rows = Vec::new();
    for (index, (client, own)) in (0u8..).zip(&mut players) {
        let (mut row, mut echoes) = (Vec::new(), Vec::new());
        while row.len() < 6 || echoes.is_empty() {
            let packet = within(client.next()).await.unwrap();
            own.apply(&packet).unwrap();
            match packet {
                ServerPacket::Chat(chat) => row.push((chat.event, chat.seat, chat.text.as_str().as_bytes().to_vec())),
                ServerPacket::Signal(signal) => {
                    row.push((signal.event, signal.seat, signal.payload.as_bytes().to_vec()));
                }
                ServerPacket::Echo { payload } => echoes.push(payload),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(echoes, [payload(&[index, 0])], "its own, once, and nobody else's");
        rows.push(row);
    }
    assert!(rows.iter().all(|row| *row == rows[0]));
    let first = players[2].1.event() - 5;
    assert!(first > room.event());
    assert_eq!(rows[0].iter().map(|(event, ..)| *event).collect::<Vec<_>>(), (first..first + 6).collect::<Vec<_>>());
    for (index, (_, own)) in (0u8..).zip(&players) {
        let seat = own.own_seat().unwrap();
        let of_seat: Vec<_> = rows[0].iter().filter(|(_, sender, _)| *sender == seat).map(|(.., data)| data).collect();
        assert_eq!(of_seat, [&format!("line of {index}").into_bytes(), &vec![index, 1]]);
    }
}

#[tokio::test]
async fn nothing_of_a_room_follows_its_room_left() {
    let server = TestServer::start(unhurried).unwrap();
    let mut players = within(seat_all(&server, 2)).await;
    let room = players[0].1.id();
    let (mut leaver, view) = players.pop().unwrap();
    let (mut other, _) = players.pop().unwrap();
    // The other talks and moves the whole time.
    let talk = tokio::spawn(async move {
        let mut lines = 0;
        loop {
            other.chat(line("still here")).unwrap();
            other.step(Direction::ALL[lines % 4]).unwrap();
            lines += 1;
            let left = expect(&mut other, |packet| match packet {
                ServerPacket::Chat(_) => Some(None),
                ServerPacket::Left(left) => Some(Some(left.clone())),
                _ => None,
            });
            if let Some(left) = left.await.unwrap() {
                return (other, left);
            }
        }
    });
    expect(&mut leaver, |packet| matches!(packet, ServerPacket::Chat(_)).then_some(())).await.unwrap();
    assert_eq!(within(leaver.leave()).await.unwrap(), room);
    let (mut other, left) = within(talk).await.unwrap();
    assert_eq!((left.seat, left.reason), (view.own_seat().unwrap(), LeaveReason::Left));
    // The one who stays hears itself once more; by then the leaver would have, too.
    other.chat(line("gone")).unwrap();
    let gone =
        |packet: &ServerPacket| matches!(packet, ServerPacket::Chat(c) if c.text.as_str() == "gone").then_some(());
    expect(&mut other, gone).await.unwrap();
    leaver.send(&ClientPacket::Ping { nonce: 7 }).unwrap();
    // What came before `RoomLeft` was kept for `next`; the last of it is the answer to the ping.
    let mut packets = Vec::new();
    while packets.last() != Some(&ServerPacket::Pong { nonce: 7 }) {
        packets.push(within(leaver.next()).await.unwrap());
    }
    assert!(packets.iter().all(|packet| gone(packet).is_none()), "{packets:?}");
    assert_eq!(arrived(&mut leaver).await.0, []);
}

#[tokio::test]
async fn the_others_see_why_someone_left() {
    let server = TestServer::start(unhurried).unwrap();
    let mut players = within(seat_all(&server, 5)).await;
    let (mut witness, mut view) = players.remove(0);
    let mut left = async || {
        loop {
            let packet = within(witness.next()).await.unwrap();
            view.apply(&packet).unwrap();
            if let ServerPacket::Left(Left { seat, reason, .. }) = packet {
                return (seat, reason);
            }
        }
    };
    // A goodbye: the server closes, and only then the client.
    let (mut polite, room) = players.remove(0);
    polite.send(&ClientPacket::Bye).unwrap();
    let (packets, end) = malpan_e2e::to_the_end(&mut polite).await;
    assert!(packets.is_empty() && matches!(end, malpan_client::ClientError::Closed), "{packets:?} {end:?}");
    assert_eq!(left().await, (room.own_seat().unwrap(), LeaveReason::Left));
    // A socket that closes without a word, once all that came over it was read: an orderly end.
    let (mut vanished, room) = players.remove(0);
    expect(&mut vanished, |packet| matches!(packet, ServerPacket::Left(_)).then_some(())).await.unwrap();
    drop(vanished);
    assert_eq!(left().await, (room.own_seat().unwrap(), LeaveReason::Disconnected));
    // And one that breaks: a reset.
    let (broken, room) = players.remove(0);
    SockRef::from(broken.get_ref().tcp()).set_linger(Some(Duration::ZERO)).unwrap();
    drop(broken);
    assert_eq!(left().await, (room.own_seat().unwrap(), LeaveReason::Disconnected));
    // One that breaks a rule.
    let (mut rude, room) = players.remove(0);
    rude.send(&ClientPacket::Guest { name: name("again") }).unwrap();
    within(rude.flush()).await.unwrap();
    assert_eq!(left().await, (room.own_seat().unwrap(), LeaveReason::Kicked));
    assert_eq!(server.host().seats_taken(), 1);
}
