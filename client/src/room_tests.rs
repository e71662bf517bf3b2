//! Packets in, a true picture out, or an error.

use super::{Room, RoomError};
use crate::BoardView;
use malpan_protocol::{
    Ack, BoardSize, Cell, ChatText, Chatted, Entered, GameName, Happened, Joined, LeaveReason, Left, List, Member,
    Name, RoomId, RoomTitle, Seat, SeatCount, ServerPacket, SignalPayload, Signalled, Snapshot, StateBytes,
    UpdateBytes, Updates,
    game::{
        board::{self, Position},
        five::{self, Outcome, Phase, Update, Victory},
    },
};
use serde::Serialize;

fn seat(index: u8) -> Seat {
    Seat::new(index).unwrap()
}

fn cell(x: u8, y: u8) -> Cell {
    Cell { x, y }
}

fn at(index: u8, x: u8, y: u8) -> Position {
    Position { seat: seat(index), cell: cell(x, y) }
}

fn member(index: u8) -> Member {
    Member { seat: seat(index), name: Name::new(&format!("p{index}")).unwrap() }
}

fn row<U: Serialize>(updates: &[U]) -> UpdateBytes {
    let mut row = UpdateBytes::new();
    updates.iter().for_each(|update| row.push(update).unwrap());
    row
}

fn list<T, const MAX: usize>(items: Vec<T>) -> List<T, MAX> {
    items.try_into().unwrap()
}

fn board_state(positions: Vec<Position>) -> StateBytes {
    StateBytes::of(&board::State { size: BoardSize::new(8, 8).unwrap(), positions: list(positions) }).unwrap()
}

/// Seats 0 and 1 of a board are taken, event 5 and batch 7 have been.
fn joined() -> Joined {
    Joined {
        room: RoomId(1),
        title: RoomTitle::new("test").unwrap(),
        seats: SeatCount::new(10).unwrap(),
        game: GameName::BOARD,
        seat: Some(seat(0)),
        members: list(vec![member(0), member(1)]),
        incarnation: 1,
        event: 5,
        batch: 7,
        state: board_state(vec![at(0, 0, 0), at(1, 1, 0)]),
    }
}

fn room() -> Room {
    Room::new(&joined()).unwrap()
}

fn entered<U: Serialize>(event: u64, index: u8, updates: &[U]) -> ServerPacket {
    ServerPacket::Entered(Entered { event, member: member(index), updates: row(updates) })
}

fn left<U: Serialize>(event: u64, index: u8, updates: &[U]) -> ServerPacket {
    ServerPacket::Left(Left { event, seat: seat(index), reason: LeaveReason::Left, updates: row(updates) })
}

fn gone(event: u64, index: u8) -> ServerPacket {
    left::<Position>(event, index, &[])
}

fn acks<const MAX: usize>(index: u8) -> List<Ack, MAX> {
    list(vec![Ack { seat: seat(index), seq: 1 }])
}

fn moved(event: u64, batch: u64, position: Position) -> ServerPacket {
    let acks = list(vec![Ack { seat: position.seat, seq: 1 }]);
    ServerPacket::Updates(Updates { event, batch, updates: row(&[position]), acks })
}

fn snapshot(event: u64, batch: u64, positions: Vec<Position>) -> ServerPacket {
    ServerPacket::Snapshot(Snapshot { event, batch, state: board_state(positions), acks: acks(0) })
}

fn happened<U: Serialize>(event: u64, index: u8, updates: &[U]) -> ServerPacket {
    let ack = Some(Ack { seat: seat(index), seq: 1 });
    ServerPacket::Happened(Happened { event, ack, updates: row(updates) })
}

#[test]
fn it_begins_as_joined_says() {
    let room = room();
    assert_eq!((room.id(), room.title().as_str(), room.seats().count()), (RoomId(1), "test", 10));
    assert_eq!((room.own_seat(), room.event(), room.board().to_string().as_str()), (Some(seat(0)), 5, "8x8"));
    let names: Vec<_> = room.members().map(|(seat, name)| (seat.index(), name.as_str())).collect();
    assert_eq!(names, [(0, "p0"), (1, "p1")]);
    let pieces: Vec<_> = room.pieces().map(|(_, piece)| (piece.name.as_str(), piece.cell)).collect();
    assert_eq!(pieces, [("p0", cell(0, 0)), ("p1", cell(1, 0))]);
}

#[test]
fn events_and_updates_keep_it_true() {
    let mut room = room();
    room.apply(&entered(6, 4, &[at(4, 3, 0)])).unwrap();
    assert_eq!(room.piece(seat(4)).unwrap().cell, cell(3, 0));
    room.apply(&moved(6, 8, at(4, 3, 1))).unwrap();
    let piece = room.piece(seat(4)).unwrap();
    assert_eq!((piece.name.as_str(), piece.cell), ("p4", cell(3, 1)));
    room.apply(&gone(7, 1)).unwrap();
    assert_eq!(room.piece(seat(1)), None);
    assert_eq!(room.view().cell(seat(1)), None, "the piece is gone with the seat");
    assert_eq!(room.members().map(|(seat, _)| seat.index()).collect::<Vec<_>>(), [0, 4]);
    assert_eq!((room.event(), room.skipped_batches()), (7, 0));
}

#[test]
fn every_kind_of_event_takes_the_next_number() {
    let mut room = room();
    let text = ChatText::new("hi").unwrap();
    let payload = SignalPayload::new(&[1]).unwrap();
    let by_time = Happened { event: 10, ack: None, updates: UpdateBytes::new() };
    let events = [
        ServerPacket::Chat(Chatted { event: 6, seat: seat(1), text }),
        ServerPacket::Signal(Signalled { event: 7, seat: seat(1), payload }),
        entered(8, 2, &[at(2, 2, 2)]),
        happened(9, 1, &[at(1, 5, 5)]),
        ServerPacket::Happened(by_time),
        gone(11, 2),
    ];
    for (event, due) in events.iter().zip(6..) {
        assert_eq!(room.event() + 1, due);
        room.apply(event).unwrap();
        let again = room.clone().apply(event);
        assert_eq!(again, Err(RoomError::EventGap { expected: due + 1, found: due }), "{event:?}");
    }
    assert_eq!((room.event(), room.piece(seat(1)).unwrap().cell), (11, cell(5, 5)));
}

#[test]
fn a_missing_event_is_noticed() {
    assert_eq!(room().apply(&gone(7, 1)), Err(RoomError::EventGap { expected: 6, found: 7 }));
    let ahead = Err(RoomError::EventGap { expected: 5, found: 6 });
    assert_eq!(room().apply(&moved(6, 8, at(0, 0, 1))), ahead);
    assert_eq!(room().apply(&snapshot(6, 8, vec![])), ahead);
    assert_eq!(room().apply(&happened(9, 0, &[at(0, 0, 1)])), Err(RoomError::EventGap { expected: 6, found: 9 }));
}

#[test]
fn seats_that_are_not_as_the_packet_says_are_noticed() {
    let nobody_there = Err(RoomError::WrongSeat(seat(9)));
    assert_eq!(room().apply(&moved(5, 8, at(9, 0, 0))), nobody_there);
    assert_eq!(room().apply(&happened(6, 9, &[at(0, 0, 1)])), nobody_there);
    assert_eq!(room().apply(&gone(6, 9)), nobody_there);
    let state = board_state(vec![at(0, 0, 0)]);
    let stale = ServerPacket::Snapshot(Snapshot { event: 5, batch: 8, state, acks: acks(9) });
    assert_eq!(room().apply(&stale), nobody_there);
    assert_eq!(room().apply(&entered(6, 1, &[at(1, 3, 3)])), Err(RoomError::WrongSeat(seat(1))));
}

#[test]
fn left_out_batches_are_counted() {
    let mut room = room();
    room.apply(&moved(5, 10, at(0, 1, 1))).unwrap();
    assert_eq!(room.skipped_batches(), 2);
    room.apply(&snapshot(5, 12, vec![at(0, 2, 1), at(1, 6, 6)])).unwrap();
    assert_eq!(room.skipped_batches(), 4);
    assert_eq!(room.piece(seat(1)).unwrap().cell, cell(6, 6));
    room.apply(&moved(5, 13, at(0, 2, 2))).unwrap();
    assert_eq!(room.skipped_batches(), 4);
}

#[test]
fn another_game_is_told_and_so_is_what_cannot_be_read() {
    let elsewhere = Joined { game: GameName::FIVE, ..joined() };
    assert_eq!(Room::<BoardView>::new(&elsewhere), Err(RoomError::WrongGame(GameName::FIVE)));
    let unreadable = Joined { state: StateBytes::of(&1u8).unwrap(), ..joined() };
    assert!(matches!(Room::<BoardView>::new(&unreadable), Err(RoomError::Game(_))));
    let half = Updates { event: 5, batch: 8, updates: row(&[0u8, 1]), acks: acks(0) };
    assert!(matches!(room().apply(&ServerPacket::Updates(half)), Err(RoomError::Game(_))));
    assert!(matches!(room().apply(&happened(6, 0, &[250u8])), Err(RoomError::Game(_))));
    let state = StateBytes::of(&0u8).unwrap();
    let snapshot = ServerPacket::Snapshot(Snapshot { event: 5, batch: 8, state, acks: acks(0) });
    assert!(matches!(room().apply(&snapshot), Err(RoomError::Game(_))));
}

#[test]
fn who_watches_sees_the_same_without_a_seat() {
    let mut watched: Room = Room::new(&Joined { seat: None, ..joined() }).unwrap();
    let mut played = room();
    assert_eq!((watched.own_seat(), watched.members().count()), (None, 2));
    for packet in [entered(6, 4, &[at(4, 3, 0)]), moved(6, 8, at(4, 3, 1)), gone(7, 1), gone(8, 0), gone(9, 4)] {
        watched.apply(&packet).unwrap();
        played.apply(&packet).unwrap();
        assert!(watched.pieces().eq(played.pieces()));
    }
    assert_eq!(watched.members().count(), 0);
    watched.apply(&ServerPacket::RoomLeft { room: RoomId(1) }).unwrap();
}

#[test]
fn a_game_of_five_in_a_row_is_followed_from_its_beginning_to_the_departure() {
    let waiting = five::State::new(seat(0));
    let joined = Joined {
        game: GameName::FIVE,
        seats: SeatCount::new(2).unwrap(),
        members: list(vec![member(0)]),
        state: StateBytes::of(&waiting).unwrap(),
        ..joined()
    };
    let mut room = Room::<five::State>::new(&joined).unwrap();
    assert_eq!((room.view().phase, room.view().to_move()), (Phase::Waiting, None));
    room.apply(&entered(6, 1, &[Update::Began { black: seat(0) }])).unwrap();
    assert_eq!(room.view().to_move(), Some(seat(0)));

    let place = |event, index, to| happened(event, index, &[Update::Placed { seat: seat(index), cell: to }]);
    room.apply(&place(7, 0, cell(7, 7))).unwrap();
    room.apply(&place(8, 1, cell(8, 7))).unwrap();
    assert_eq!(room.view().stone(cell(7, 7)), Some(seat(0)));
    assert_eq!(room.view().stone(cell(8, 7)), Some(seat(1)));
    assert_eq!(room.view().to_move(), Some(seat(0)));

    // A batch that acknowledges what changed nothing.
    let nothing = Updates { event: 8, batch: 8, updates: UpdateBytes::new(), acks: acks(1) };
    let before = room.view().clone();
    room.apply(&ServerPacket::Updates(nothing)).unwrap();
    assert_eq!(*room.view(), before);

    let won = Outcome::Won { seat: seat(0), by: Victory::Departure };
    room.apply(&left(9, 1, &[Update::Over(won)])).unwrap();
    assert_eq!((room.view().phase, room.view().stones.len(), room.members().count()), (Phase::Over(won), 2, 1));
}
