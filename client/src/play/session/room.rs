//! What happens in the room, told by name.

use super::{GameCommand, News, Refusal, Session, Table, five};
use malpan_client::{
    Room,
    protocol::{Ack, LeaveReason, RefusalReason, Refused, Seat, ServerPacket, UpdateBytes, game::board},
};
use std::time::Instant;

impl Session {
    /// What happened in the room. Packets of no room, such as what a room sent before it let go, say nothing.
    pub(super) fn hear_room(&mut self, packet: &ServerPacket, now: Instant) -> Vec<News> {
        let Some(table) = &mut self.table else { return vec![] };
        if let ServerPacket::Refused(Refused { seq, why }) = packet {
            return vec![refused(table, self.commands.answered(*seq), why)];
        }
        let before = table.clone();
        if table.apply(packet).is_err() {
            return self.join_again(now);
        }
        let after = &*table;
        let name = |seat: Seat| before.name(seat).cloned();
        let own = |ack: &&Ack| Some(ack.seat) == before.own_seat();
        match packet {
            ServerPacket::Entered(entered) => {
                let member = entered.member.clone();
                let came = News::Entered { seat: member.seat, name: member.name, cell: after.cell(member.seat) };
                std::iter::once(came).chain(begun_or_ended(after, &entered.updates)).collect()
            }
            ServerPacket::Left(left) => {
                if left.reason == LeaveReason::Removed && before.owner() == before.own_seat() {
                    self.said_due.pop_front();
                }
                let leaver = name(left.seat).map(|name| News::Left { seat: left.seat, name, reason: left.reason });
                leaver.into_iter().chain(begun_or_ended(after, &left.updates)).collect()
            }
            ServerPacket::Away { seat, .. } => name(*seat).map(News::Away).into_iter().collect(),
            ServerPacket::Back { seat, .. } => name(*seat).map(News::Returned).into_iter().collect(),
            ServerPacket::Chat(chat) => {
                if Some(chat.seat) == before.own_seat() {
                    self.said_due.pop_front();
                }
                let Some(name) = name(chat.seat) else { return vec![] };
                let line = News::Chat { seat: chat.seat, name: name.clone(), text: chat.text.clone() };
                self.unless_muted(&name, line).into_iter().collect()
            }
            ServerPacket::Emote(emote) => {
                if Some(emote.seat) == before.own_seat() {
                    self.said_due.pop_front();
                }
                let Some(name) = name(emote.seat) else { return vec![] };
                let line = News::Emote { seat: emote.seat, name: name.clone(), text: emote.text.clone() };
                self.unless_muted(&name, line).into_iter().collect()
            }
            ServerPacket::Owner { seat, .. } => {
                if before.owner().is_some() && before.owner() == before.own_seat() {
                    self.said_due.pop_front();
                }
                vec![News::Owner(seat.and_then(name))]
            }
            ServerPacket::About(about) => {
                about.owner.and_then(name).map(|name| News::Owner(Some(name))).into_iter().collect()
            }
            ServerPacket::Happened(happened) => {
                if let Some(ack) = happened.ack.as_ref().filter(own) {
                    self.commands.answered(ack.seq);
                }
                told(after, &happened.updates)
            }
            ServerPacket::Updates(updates) => {
                for ack in updates.acks.iter().filter(own) {
                    self.commands.answered(ack.seq);
                }
                told(after, &updates.updates)
            }
            ServerPacket::Snapshot(snapshot) => {
                for ack in snapshot.acks.iter().filter(own) {
                    self.commands.answered_up_to(ack.seq);
                }
                match (&before, after) {
                    (Table::Board(before), Table::Board(after)) => displaced(before, after),
                    // Nothing of five in a row is ever left out.
                    _ => vec![],
                }
            }
            _ => vec![],
        }
    }
}

fn refused(table: &Table, command: Option<GameCommand>, why: &RefusalReason) -> News {
    let why = table.refusal(why);
    let by = match (table, command, why) {
        (Table::Board(room), Some(GameCommand::Step(direction)), Refusal::Board(board::Refusal::Taken)) => room
            .own_seat()
            .and_then(|own| room.piece(own)?.cell.step(direction))
            .and_then(|cell| room.pieces().find(|(_, piece)| piece.cell == cell))
            .map(|(_, piece)| piece.name.clone()),
        _ => None,
    };
    News::Refused { why, command, by }
}

/// What happened in the game, which the table has taken in already.
fn told(table: &Table, updates: &UpdateBytes) -> Vec<News> {
    let Table::Board(room) = table else { return begun_or_ended(table, updates) };
    // It has read them: there are no errors among them.
    let positions = updates.values::<board::Position>().flatten();
    positions
        .filter_map(|position| Some(News::Moved { name: room.name(position.seat)?.clone(), cell: position.cell }))
        .collect()
}

/// What someone's coming or going did in the game. On the shared board their piece comes and goes with them.
fn begun_or_ended(table: &Table, updates: &UpdateBytes) -> Vec<News> {
    match table {
        Table::Five(room) => five::told(room, updates).into_iter().map(News::Five).collect(),
        Table::Board(_) => vec![],
    }
}

/// The pieces that stand elsewhere than before.
fn displaced(before: &Room, after: &Room) -> Vec<News> {
    let moved = after.pieces().filter(|(seat, piece)| before.piece(*seat).is_some_and(|was| was.cell != piece.cell));
    moved.map(|(_, piece)| News::Moved { name: piece.name.clone(), cell: piece.cell }).collect()
}
