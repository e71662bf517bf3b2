//! Packets in, counts out.

use super::{Fault, Member};
use crate::bot::{
    ledger::Ledger,
    plan::Plan,
    rooms::{Positions, settle},
};
use malpan_client::protocol::{
    Ack, BoardSize, Cell, Direction, Entered, Joined, LeaveReason, Left, Member as Seated, Moves, Name, Position,
    Refusal, RoomId, RoomTitle, Seat, SeatCount, ServerPacket, StepRefused,
};
use std::time::Duration;

const MS: u64 = 1_000_000;

/// One thread's players of a room with ten seats on an 8 x 8 board, where player n sits on seat n at (n, 0).
struct Table {
    plan: Plan,
    ledger: Ledger,
    members: Vec<Member>,
}

fn plan() -> Plan {
    Plan::new(10, 5.0, Duration::from_secs(10), 1, 0)
}

fn seat(index: u8) -> Seat {
    Seat::new(index).unwrap()
}

fn seated(index: u8, name: Name) -> Seated {
    Seated { seat: seat(index), name, cell: Cell { x: index, y: 0 } }
}

fn joined(index: u8, others: impl IntoIterator<Item = u8>, event: u64, batch: u64) -> Joined {
    let members = others.into_iter().chain([index]).map(|n| seated(n, plan().name(n.into()))).collect::<Vec<_>>();
    Joined {
        room: RoomId(1),
        title: RoomTitle::new("test").unwrap(),
        seats: SeatCount::new(10).unwrap(),
        board: BoardSize::new(8, 8).unwrap(),
        seat: seat(index),
        members: members.try_into().unwrap(),
        incarnation: 1,
        event,
        batch,
    }
}

/// A batch with these steps, as seat and number; each piece goes to (seat, row).
fn moves(event: u64, batch: u64, row: u8, steps: &[(u8, u32)]) -> Moves {
    let position = |&(x, _): &(u8, u32)| Position { seat: seat(x), cell: Cell { x, y: row } };
    Moves {
        event,
        batch,
        positions: steps.iter().map(position).collect::<Vec<_>>().try_into().unwrap(),
        acks: steps.iter().map(|&(x, seq)| Ack { seat: seat(x), seq }).collect::<Vec<_>>().try_into().unwrap(),
    }
}

fn batch(number: u64, steps: &[(u8, u32)]) -> ServerPacket {
    ServerPacket::Moves(moves(0, number, 1, steps))
}

impl Table {
    /// Players 0 to `count` - 1, with event and batch at 0 and the window open.
    fn new(count: u8) -> Self {
        let mut table = Self { plan: plan(), ledger: Ledger::default(), members: Vec::new() };
        for index in 0..count {
            table.seat(&joined(index, (0..count).filter(|&other| other != index), 0, 0));
        }
        table
    }

    fn seat(&mut self, joined: &Joined) -> usize {
        let player = joined.seat.index().try_into().unwrap();
        self.members.push(Member::new(player, joined, &self.plan, &mut self.ledger));
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

    fn settle(&self) -> Positions {
        let stays: Vec<_> = self.members.iter().map(|member| member.stay(true)).collect();
        settle(std::slice::from_ref(&self.ledger.books), &stays)
    }
}

#[test]
fn every_member_is_due_every_accepted_step() {
    let mut table = Table::new(3);
    table.members[0].step();
    table.members[2].step();
    table.all_take(&batch(1, &[(2, 1), (0, 1)]));
    assert_eq!(table.settle(), Positions { due: 6, delivered: 6, missing: 0 });
    assert_eq!((table.ledger.acked, table.ledger.delivered), (2, 6));
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
    let timings = &table.ledger.timings;
    let p50 = |latencies: &crate::bot::metrics::Latencies| latencies.percentiles().p50.unwrap().round();
    assert_eq!((p50(&timings.move_to_self), p50(&timings.move_to_others)), (20.0, 30.0));
    assert_eq!((timings.move_to_self.percentiles().count, timings.move_to_others.percentiles().count), (1, 1));
}

#[test]
fn a_snapshot_is_not_a_delivery_and_what_was_left_out_is_missing() {
    let mut table = Table::new(2);
    table.step(0, 3);
    table.all_take(&batch(1, &[(0, 1)]));
    table.take(0, &batch(2, &[(0, 2)]));
    table.take(1, &ServerPacket::Snapshot(moves(0, 2, 1, &[(0, 2), (1, 0)])));
    table.all_take(&batch(3, &[(0, 3)]));
    assert_eq!(table.settle(), Positions { due: 6, delivered: 5, missing: 1 });
    assert_eq!(table.ledger.timings.move_to_others.percentiles().count, 2);
}

#[test]
fn a_batch_that_nobody_received_is_missing_for_everyone() {
    let mut table = Table::new(3);
    table.step(1, 3);
    table.all_take(&batch(1, &[(1, 1)]));
    table.all_take(&ServerPacket::Snapshot(moves(0, 2, 1, &[(0, 0), (1, 2), (2, 0)])));
    table.all_take(&batch(3, &[(1, 3)]));
    assert_eq!(table.settle(), Positions { due: 9, delivered: 6, missing: 3 });
    let steps = table.members[1].steps();
    assert_eq!((steps.accepted(), steps.open()), (3, 1));
}

#[test]
fn joining_and_leaving_mid_run_change_what_is_due() {
    let mut table = Table::new(2);
    table.step(0, 4);
    table.all_take(&batch(1, &[(0, 1)]));
    // Player 2 joins: from now on there are three.
    let entered = Entered { event: 1, member: seated(2, table.plan.name(2)) };
    table.all_take(&ServerPacket::Entered(entered));
    table.seat(&joined(2, [0, 1], 1, 1));
    table.all_take(&ServerPacket::Moves(moves(1, 2, 1, &[(0, 2)])));
    // Player 1 is cut off without having read batch 3: the others see it leave after that.
    table.take(0, &ServerPacket::Moves(moves(1, 3, 1, &[(0, 3)])));
    table.take(2, &ServerPacket::Moves(moves(1, 3, 1, &[(0, 3)])));
    let left = ServerPacket::Left(Left { event: 2, seat: seat(1), reason: LeaveReason::Kicked });
    table.take(0, &left);
    table.take(2, &left);
    table.take(0, &ServerPacket::Moves(moves(2, 4, 1, &[(0, 4)])));
    table.take(2, &ServerPacket::Moves(moves(2, 4, 1, &[(0, 4)])));
    let stays: Vec<_> = table.members.iter().enumerate().map(|(index, member)| member.stay(index != 1)).collect();
    let positions = settle(&[table.ledger.books], &stays);
    assert_eq!(positions, Positions { due: 2 + 3 + 3 + 2, delivered: 9, missing: 1 });
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
    let stays = [one.members[0].stay(true), other.members[0].stay(true)];
    let positions = settle(&[one.ledger.books, other.ledger.books], &stays);
    assert_eq!(positions, Positions { due: 6, delivered: 5, missing: 1 });
}

#[test]
fn strangers_count_neither_as_due_nor_as_members() {
    let mut table = Table::new(1);
    let stranger = Entered { event: 1, member: seated(5, Name::new("ann").unwrap()) };
    table.all_take(&ServerPacket::Entered(stranger));
    table.members[0].step();
    table.all_take(&ServerPacket::Moves(moves(1, 1, 1, &[(5, 90), (0, 1), (5, 91)])));
    assert_eq!(table.settle(), Positions { due: 1, delivered: 1, missing: 0 });
    assert_eq!(table.ledger.timings.move_to_others.percentiles().count, 0);
}

#[test]
fn what_came_before_the_window_does_not_count() {
    let mut table = Table::new(2);
    let stranger = Entered { event: 1, member: seated(5, Name::new("ann").unwrap()) };
    for member in 0..2 {
        table.take_at(member, &ServerPacket::Entered(stranger.clone()), None).unwrap();
        table.take_at(member, &ServerPacket::Moves(moves(1, 1, 1, &[(5, 1)])), None).unwrap();
        table.members[member].open_window();
    }
    table.members[0].step();
    table.all_take(&ServerPacket::Moves(moves(1, 2, 1, &[(0, 1)])));
    assert_eq!(table.settle(), Positions { due: 2, delivered: 2, missing: 0 });
}

#[test]
fn refusals_are_counted_by_why() {
    let mut table = Table::new(1);
    for (seq, why) in [(1, Refusal::Taken), (2, Refusal::TooFast), (3, Refusal::Taken)] {
        table.members[0].step();
        table.take(0, &ServerPacket::StepRefused(StepRefused { seq, why }));
    }
    let refused = table.members[0].steps().refused();
    assert_eq!((refused.off_board, refused.taken, refused.too_fast, table.ledger.refused), (0, 2, 1, 3));
}

#[test]
fn players_walk_legally() {
    // Seat 0 stands in the corner (0, 0) and seat 1 to its right: down is all there is.
    let mut table = Table::new(2);
    for seq in 1..=20 {
        assert_eq!(table.members[0].step(), Direction::Down);
        table.take(0, &ServerPacket::StepRefused(StepRefused { seq, why: Refusal::Taken }));
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
    let mut members = corner.members.to_vec();
    members.iter_mut().find(|member| member.seat == seat(2)).unwrap().cell = Cell { x: 0, y: 1 };
    corner.members = members.try_into().unwrap();
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
        (ServerPacket::Snapshot(moves(0, 0, 1, &[(0, 9)])), Fault::Answer { seq: 9 }),
        (ServerPacket::StepRefused(StepRefused { seq: 1, why: Refusal::Taken }), Fault::Answer { seq: 1 }),
        (
            ServerPacket::Moves(Moves { acks: Default::default(), ..moves(0, 1, 1, &[(0, 1)]) }),
            Fault::Uneven { positions: 1, acks: 0 },
        ),
    ];
    for (packet, fault) in cases {
        assert_eq!(Table::new(2).take_at(0, &packet, Some(0)), Err(fault), "{packet:?}");
    }
}
