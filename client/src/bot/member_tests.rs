//! Packets in, counts out.

use super::{Action, Fault, Member};
use crate::bot::{
    ledger::{Ledger, PartLedger},
    message,
    plan::Plan,
    rooms::{Books, Stay},
    scenario::Kind,
};
use malpan_client::{
    RoomError,
    protocol::{
        Ack, BoardSize, Cell, ChatText, Chatted, Direction, Entered, GameName, Joined, LeaveReason, Left, List,
        Member as Seated, Name, RefusalBytes, RefusalReason, Refused, RoomId, RoomTitle, Seat, SeatCount, ServerPacket,
        SignalTarget, Signalled, Snapshot, StateBytes, UpdateBytes, Updates,
        game::board::{self, Position, Refusal},
    },
};

const MS: u64 = 1_000_000;

/// What was due, what of it came, and what did not.
fn settle<'a>(books: impl IntoIterator<Item = &'a Ledger>, stays: &[Stay], kind: Kind) -> (u64, u64, u64) {
    let books: Vec<Books> = books.into_iter().map(|ledger| ledger.books[kind as usize].clone()).collect();
    let found = crate::bot::rooms::settle(&books, stays);
    (found.due, found.delivered, found.missing)
}

/// One thread's players of a room with ten seats on an 8 x 8 board, where player n sits on seat n at (n, 0).
struct Table {
    plan: Plan,
    ledger: Ledger,
    members: Vec<Member>,
}

fn plan() -> Plan {
    Plan::new(&"walk".parse().unwrap(), 10, Some(5.0), 1, 0)
}

fn seat(index: u8) -> Seat {
    Seat::new(index).unwrap()
}

fn at(x: u8, y: u8) -> Position {
    Position { seat: seat(x), cell: Cell { x, y } }
}

fn state(positions: impl IntoIterator<Item = Position>) -> StateBytes {
    let positions = positions.into_iter().collect::<Vec<_>>().try_into().unwrap();
    StateBytes::of(&board::State { size: BoardSize::new(8, 8).unwrap(), positions }).unwrap()
}

fn entered(event: u64, index: u8, name: Name) -> ServerPacket {
    let updates = UpdateBytes::of(&at(index, 0)).unwrap();
    ServerPacket::Entered(Entered { event, member: Seated { seat: seat(index), name }, updates })
}

fn joined(index: u8, others: impl IntoIterator<Item = u8>, event: u64, batch: u64) -> Joined {
    let seats: Vec<u8> = others.into_iter().chain([index]).collect();
    let member = |&n: &u8| Seated { seat: seat(n), name: plan().name(n.into()) };
    Joined {
        room: RoomId(1),
        title: RoomTitle::new("test").unwrap(),
        seats: SeatCount::new(10).unwrap(),
        game: GameName::BOARD,
        seat: Some(seat(index)),
        members: seats.iter().map(member).collect::<Vec<_>>().try_into().unwrap(),
        incarnation: 1,
        event,
        batch,
        state: state(seats.iter().map(|&n| at(n, 0))),
    }
}

fn acks<const MAX: usize>(steps: &[(u8, u32)]) -> List<Ack, MAX> {
    steps.iter().map(|&(x, seq)| Ack { seat: seat(x), seq }).collect::<Vec<_>>().try_into().unwrap()
}

/// A batch with these steps, as seat and number; each piece goes to (seat, 1).
fn updates(event: u64, batch: u64, steps: &[(u8, u32)]) -> Updates {
    let mut updates = UpdateBytes::new();
    steps.iter().for_each(|&(x, _)| updates.push(&at(x, 1)).unwrap());
    Updates { event, batch, updates, acks: acks(steps) }
}

fn batch_after(event: u64, number: u64, steps: &[(u8, u32)]) -> ServerPacket {
    ServerPacket::Updates(updates(event, number, steps))
}

fn batch(number: u64, steps: &[(u8, u32)]) -> ServerPacket {
    batch_after(0, number, steps)
}

/// A snapshot with these seats' last steps.
fn snapshot(batch: u64, last: &[(u8, u32)]) -> ServerPacket {
    let state = state(last.iter().map(|&(x, _)| at(x, 1)));
    ServerPacket::Snapshot(Snapshot { event: 0, batch, state, acks: acks(last) })
}

fn refused(seq: u32, why: Refusal) -> ServerPacket {
    ServerPacket::Refused(Refused { seq, why: RefusalReason::Rules(RefusalBytes::of(&why).unwrap()) })
}

impl Table {
    /// Players 0 to `count` - 1, with event and batch at 0 and the window open.
    fn new(count: u8) -> Self {
        Self::of("walk", count)
    }

    /// The same in another scenario.
    fn of(scenario: &str, count: u8) -> Self {
        let plan = Plan::new(&scenario.parse().unwrap(), 10, None, 1, 0);
        let mut table = Self { plan, ledger: Ledger::new(1), members: Vec::new() };
        for index in 0..count {
            table.seat(&joined(index, (0..count).filter(|&other| other != index), 0, 0));
        }
        table
    }

    fn seat(&mut self, joined: &Joined) -> usize {
        let player = joined.seat.unwrap().index().try_into().unwrap();
        self.members.push(Member::new(player, joined, &self.plan, &mut self.ledger).unwrap());
        self.members.len() - 1
    }

    fn take_at(&mut self, member: usize, packet: &ServerPacket, at_ns: Option<u64>) -> Result<(), Fault> {
        self.members[member].take(packet, at_ns, &self.plan, &mut self.ledger)
    }

    fn take(&mut self, member: usize, packet: &ServerPacket) {
        self.take_at(member, packet, Some(0)).unwrap();
    }

    fn all_take(&mut self, packet: &ServerPacket) {
        (0..self.members.len()).for_each(|member| self.take(member, packet));
    }

    fn step(&mut self, member: usize, times: u32) {
        for _ in 0..times {
            self.members[member].step();
        }
    }

    fn act(&mut self, member: usize) -> Action {
        self.members[member].act(&mut self.ledger)
    }

    fn walk(&self) -> &PartLedger {
        &self.ledger.parts[0]
    }

    fn settle(&self) -> (u64, u64, u64) {
        self.settle_kind(Kind::Move)
    }

    fn settle_kind(&self, kind: Kind) -> (u64, u64, u64) {
        let stays: Vec<_> = self.members.iter().map(|member| member.stay(kind, true)).collect();
        settle([&self.ledger], &stays, kind)
    }
}

#[test]
fn every_member_is_due_every_accepted_step() {
    let mut table = Table::new(3);
    table.members[0].step();
    table.members[2].step();
    table.all_take(&batch(1, &[(2, 1), (0, 1)]));
    assert_eq!(table.settle(), (6, 6, 0));
    assert_eq!((table.walk().done, table.walk().delivered), (2, 6));
}

#[test]
fn latency_counts_from_when_the_move_was_due() {
    let mut table = Table::new(2);
    table.members[1].step();
    table.members[1].step();
    let due_ns = table.plan.due_ns(1, 2).unwrap();
    assert_eq!(due_ns, table.plan.phase_ns(1) + 200 * MS);
    let packet = batch(1, &[(1, 2)]);
    table.take_at(1, &packet, Some(due_ns + 20 * MS)).unwrap();
    table.take_at(0, &packet, Some(due_ns + 30 * MS)).unwrap();
    let walk = table.walk();
    let p50 = |latencies: &crate::bot::metrics::Latencies| latencies.percentiles().p50.unwrap().round();
    assert_eq!((p50(&walk.to_self), p50(&walk.to_others)), (20.0, 30.0));
    assert_eq!((walk.to_self.percentiles().count, walk.to_others.percentiles().count), (1, 1));
}

#[test]
fn a_snapshot_is_not_a_delivery_and_what_was_left_out_is_missing() {
    let mut table = Table::new(2);
    table.step(0, 3);
    table.all_take(&batch(1, &[(0, 1)]));
    table.take(0, &batch(2, &[(0, 2)]));
    table.take(1, &snapshot(2, &[(0, 2), (1, 0)]));
    table.all_take(&batch(3, &[(0, 3)]));
    assert_eq!(table.settle(), (6, 5, 1));
    assert_eq!(table.walk().to_others.percentiles().count, 2);
}

#[test]
fn a_batch_that_nobody_received_is_missing_for_everyone() {
    let mut table = Table::new(3);
    table.step(1, 3);
    table.all_take(&batch(1, &[(1, 1)]));
    table.all_take(&snapshot(2, &[(0, 0), (1, 2), (2, 0)]));
    table.all_take(&batch(3, &[(1, 3)]));
    assert_eq!(table.settle(), (9, 6, 3));
    let steps = table.members[1].steps();
    assert_eq!((steps.accepted(), steps.open()), (3, 1));
}

#[test]
fn joining_and_leaving_mid_run_change_what_is_due() {
    let mut table = Table::new(2);
    table.step(0, 4);
    table.all_take(&batch(1, &[(0, 1)]));
    // Player 2 joins: from now on there are three.
    let entered = entered(1, 2, table.plan.name(2));
    table.all_take(&entered);
    table.seat(&joined(2, [0, 1], 1, 1));
    table.all_take(&batch_after(1, 2, &[(0, 2)]));
    // Player 1 is cut off without having read batch 3: the others see it leave after that.
    table.take(0, &batch_after(1, 3, &[(0, 3)]));
    table.take(2, &batch_after(1, 3, &[(0, 3)]));
    let left = Left { event: 2, seat: seat(1), reason: LeaveReason::Kicked, updates: UpdateBytes::new() };
    let left = ServerPacket::Left(left);
    table.take(0, &left);
    table.take(2, &left);
    table.take(0, &batch_after(2, 4, &[(0, 4)]));
    table.take(2, &batch_after(2, 4, &[(0, 4)]));
    let stays: Vec<_> =
        table.members.iter().enumerate().map(|(index, member)| member.stay(Kind::Move, index != 1)).collect();
    let positions = settle([&table.ledger], &stays, Kind::Move);
    assert_eq!(positions, (2 + 3 + 3 + 2, 9, 1));
}

#[test]
fn two_threads_with_members_of_one_room_agree() {
    let (mut one, mut other) = (Table::new(0), Table::new(0));
    one.seat(&joined(0, [1], 0, 0));
    other.seat(&joined(1, [0], 0, 0));
    for seq in 1..=3 {
        one.members[0].step();
        let packet = batch(seq.into(), &[(0, seq)]);
        one.take(0, &packet);
        if seq != 2 {
            other.take(0, &packet);
        }
    }
    let stays = [one.members[0].stay(Kind::Move, true), other.members[0].stay(Kind::Move, true)];
    let positions = settle([&one.ledger, &other.ledger], &stays, Kind::Move);
    assert_eq!(positions, (6, 5, 1));
}

#[test]
fn strangers_count_neither_as_due_nor_as_members() {
    let mut table = Table::new(1);
    table.all_take(&entered(1, 5, Name::new("ann").unwrap()));
    table.members[0].step();
    table.all_take(&batch_after(1, 1, &[(5, 90), (0, 1), (5, 91)]));
    assert_eq!(table.settle(), (1, 1, 0));
    assert_eq!(table.walk().to_others.percentiles().count, 0);
}

#[test]
fn what_came_before_the_window_does_not_count() {
    let mut table = Table::new(2);
    let stranger = entered(1, 5, Name::new("ann").unwrap());
    for member in 0..2 {
        table.take_at(member, &stranger, None).unwrap();
        table.take_at(member, &batch_after(1, 1, &[(5, 1)]), None).unwrap();
        table.members[member].open_window(&table.plan, &mut table.ledger);
    }
    table.members[0].step();
    table.all_take(&batch_after(1, 2, &[(0, 1)]));
    assert_eq!(table.settle(), (2, 2, 0));
}

#[test]
fn windows_follow_each_other() {
    let mut table = Table::new(2);
    for window in 0..2 {
        for member in 0..2 {
            table.members[member].open_window(&table.plan, &mut table.ledger);
        }
        table.act(0);
        let seq = window + 1;
        assert_eq!(
            table.plan.due_ns(0, seq),
            Some(table.plan.phase_ns(0)),
            "the first of each window is due at the phase"
        );
        table.all_take(&batch(seq.into(), &[(0, seq)]));
        assert_eq!(table.settle(), (2, 2, 0));
        let ledger = std::mem::replace(&mut table.ledger, Ledger::new(1));
        assert_eq!((ledger.parts[0].sent, ledger.parts[0].done, ledger.parts[0].delivered), (1, 1, 2));
        assert_eq!((table.members[0].steps().sent_in_window(), table.members[0].steps().accepted()), (1, 1));
    }
}

#[test]
fn a_line_is_due_to_everyone_in_the_room() {
    let mut table = Table::of("chat", 3);
    let Action::Chat(text) = table.act(1) else { panic!("a chatter talks") };
    let said =
        |event, from, text: &ChatText| ServerPacket::Chat(Chatted { event, seat: seat(from), text: text.clone() });
    table.all_take(&said(1, 1, &text));
    table.act(0);
    // The second line misses one of them, who is cut off; the third is a stranger's.
    let second = said(2, 0, &message::line(1));
    table.take(0, &second);
    table.take(1, &second);
    assert_eq!(table.settle_kind(Kind::Chat), (6, 5, 1));
    let part = table.walk();
    assert_eq!((part.sent, part.done, part.delivered), (2, 2, 5));
    assert_eq!((part.to_self.percentiles().count, part.to_others.percentiles().count), (2, 3));
}

#[test]
fn half_of_the_signals_are_echoes() {
    let mut table = Table::of("arena", 2);
    let mut to_room = 0;
    for _ in 0..10 {
        let Action::Signal(to, payload) = table.act(0) else { panic!("who is in the arena sends signals") };
        match to {
            SignalTarget::Room => {
                to_room += 1;
                table.all_take(&ServerPacket::Signal(Signalled { event: to_room, seat: seat(0), payload }));
            }
            SignalTarget::Myself => table.take(0, &ServerPacket::Echo { payload }),
        }
    }
    let part = table.walk();
    assert_eq!((to_room, part.echoes_due, part.echoes, part.done), (5, 5, 5, 10));
    assert_eq!(table.settle_kind(Kind::Signal), (10, 10, 0));
    assert_eq!((part.to_others.percentiles().count, part.named["echo"].percentiles().count), (5, 5));
}

#[test]
fn what_comes_a_second_after_it_was_due_is_late() {
    let mut table = Table::new(2);
    table.step(0, 2);
    let due_ns = |seq| table.plan.due_ns(0, seq).unwrap();
    let (first, second) = (due_ns(1) + 1_000 * MS, due_ns(2) + 1_001 * MS);
    table.take_at(1, &batch(1, &[(0, 1)]), Some(first)).unwrap();
    table.take_at(1, &batch(2, &[(0, 2)]), Some(second)).unwrap();
    assert_eq!((table.walk().delivered, table.walk().late), (2, 1));
}

#[test]
fn a_denial_answers_the_oldest_line() {
    let mut table = Table::of("chat", 1);
    table.act(0);
    table.act(0);
    table.members[0].deny(&mut table.ledger);
    assert_eq!((table.walk().refused, table.members[0].steps().open()), (1, 1));
}

#[test]
fn who_is_away_is_due_nothing_any_more() {
    let mut table = Table::new(2);
    table.step(0, 2);
    table.all_take(&batch(1, &[(0, 1)]));
    table.take(0, &ServerPacket::Away { event: 1, seat: seat(1) });
    table.take(0, &batch_after(1, 2, &[(0, 2)]));
    let stays = [table.members[0].stay(Kind::Move, true), table.members[1].stay(Kind::Move, false)];
    assert_eq!(settle([&table.ledger], &stays, Kind::Move), (3, 3, 0));
}

#[test]
fn refusals_are_counted_by_why() {
    let mut table = Table::new(1);
    let too_fast = ServerPacket::Refused(Refused { seq: 2, why: RefusalReason::TooFast });
    for packet in [refused(1, Refusal::Taken), too_fast, refused(3, Refusal::Taken), refused(4, Refusal::OffBoard)] {
        table.members[0].step();
        table.take(0, &packet);
    }
    let refused = table.members[0].steps().refused();
    assert_eq!((refused.off_board, refused.taken, refused.too_fast, table.walk().refused), (1, 2, 1, 4));
}

#[test]
fn players_walk_legally() {
    // Seat 0 stands in the corner (0, 0) and seat 1 to its right: down is all there is.
    let mut table = Table::new(2);
    for seq in 1..=20 {
        assert_eq!(table.members[0].step(), Direction::Down);
        table.take(0, &refused(seq, Refusal::Taken));
    }
}

#[test]
fn a_step_that_is_not_answered_yet_is_walked_on_from() {
    // Up and left of the corner is nothing, so a walk from it that forgot its own steps would leave the board.
    let mut table = Table::new(1);
    let mut cell = Cell { x: 0, y: 0 };
    for _ in 0..200 {
        cell = cell.step(table.members[0].step()).expect("on the board");
        assert!(cell.x < 8 && cell.y < 8, "{cell}");
    }
}

#[test]
fn a_player_that_is_boxed_in_sends_all_the_same() {
    let mut table = Table::new(0);
    let mut corner = joined(0, [1, 2], 0, 0);
    corner.state = state([at(0, 0), at(1, 0), Position { seat: seat(2), cell: Cell { x: 0, y: 1 } }]);
    table.seat(&corner);
    for sent in 1..=20 {
        // Against a neighbour, never off the board.
        assert!(matches!(table.members[0].step(), Direction::Right | Direction::Down));
        assert_eq!(table.members[0].steps().sent(), sent);
    }
}

#[test]
fn a_broken_promise_is_a_fault() {
    let cases = [
        (batch(0, &[]), Fault::Batch { last: 0, found: 0 }),
        (batch(u64::MAX, &[]), Fault::Batch { last: 0, found: u64::MAX }),
        (batch(1, &[(0, 1)]), Fault::Answer { seq: 1 }),
        (batch(1, &[(1, 0)]), Fault::Answer { seq: 0 }),
        (snapshot(0, &[(0, 9)]), Fault::Answer { seq: 9 }),
        (refused(1, Refusal::Taken), Fault::Answer { seq: 1 }),
        (
            ServerPacket::Updates(Updates { acks: acks(&[]), ..updates(0, 1, &[(0, 1)]) }),
            Fault::Uneven { positions: 1, acks: 0 },
        ),
        (
            ServerPacket::Updates(Updates { acks: acks(&[(0, 1), (1, 1)]), ..updates(0, 1, &[(0, 1)]) }),
            Fault::Uneven { positions: 1, acks: 2 },
        ),
        (batch(1, &[(5, 1)]), Fault::Room(RoomError::WrongSeat(seat(5)))),
    ];
    for (packet, fault) in cases {
        assert_eq!(Table::new(2).take_at(0, &packet, Some(0)), Err(fault), "{packet:?}");
    }
}

#[test]
fn what_is_not_the_boards_is_a_fault() {
    let torn = UpdateBytes::of(&(at(0, 1), 1u8)).unwrap();
    let cases = [
        ServerPacket::Updates(Updates { updates: torn, ..updates(0, 1, &[(0, 1), (1, 1)]) }),
        ServerPacket::Refused(Refused { seq: 1, why: RefusalReason::Rules(RefusalBytes::of(&9u8).unwrap()) }),
    ];
    for packet in cases {
        let mut table = Table::new(2);
        table.members[0].step();
        let fault = table.take_at(0, &packet, Some(0));
        assert!(matches!(fault, Err(Fault::Room(RoomError::Game(_)))), "{packet:?}: {fault:?}");
    }
}

#[test]
fn who_gets_no_seat_at_the_board_cannot_play() {
    let refused = |joined: Joined| Member::new(0, &joined, &plan(), &mut Ledger::new(1)).err();
    let watching = Joined { seat: None, ..joined(0, [], 0, 0) };
    assert_eq!(refused(watching), Some(Fault::NoSeat));
    let elsewhere = Joined { game: GameName::FIVE, ..joined(0, [], 0, 0) };
    assert_eq!(refused(elsewhere), Some(Fault::Room(RoomError::WrongGame(GameName::FIVE))));
}
