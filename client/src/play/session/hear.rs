//! What the link tells, taken into the conversation and told on as news.

use super::request::{Fallback, Request};
use super::{Connection, Goal, News, Session, request};
use crate::play::link::LinkEvent;
use malpan_client::{
    Room,
    protocol::{
        Denial, DenialCode, JoinTarget, Joined, Moves, Position, Refusal, RoomId, Rooms, Seat, ServerPacket,
        StepRefused,
    },
};
use std::time::{Duration, Instant};

impl Session {
    /// Takes in what the link tells.
    pub(crate) fn hear(&mut self, event: LinkEvent, now: Instant) -> Vec<News> {
        match event {
            LinkEvent::Connecting { failures } => {
                self.connection = Connection::Connecting { failures };
                vec![News::Connecting { failures }]
            }
            LinkEvent::Online { welcome, name } => {
                self.connection = Connection::Online;
                self.name = name.clone();
                self.limits = welcome.limits;
                self.begin_anew(now);
                self.room = None;
                if self.home != Goal::Lobby {
                    let fallback = if self.was_home { Fallback::AnyRoom } else { self.fallback };
                    self.set_out(self.home.clone(), request::ways_back(None, fallback), now);
                }
                vec![News::Online { name, server: welcome.server }]
            }
            LinkEvent::Packet(packet) => self.hear_packet(packet, now),
            LinkEvent::RoundTrip(time) => {
                self.round_trip = Some(time);
                vec![]
            }
            LinkEvent::NameTaken(name) => {
                self.connection = Connection::Nameless;
                self.begin_anew(now);
                vec![News::NameTaken(name)]
            }
            LinkEvent::Offline { why, retry_in } => {
                let again = matches!(self.connection, Connection::Connecting { failures: 1.. });
                self.connection = Connection::Offline { why: why.clone(), retry_at: now + retry_in };
                self.begin_anew(now);
                vec![News::Offline { why, retry_in, again }]
            }
            LinkEvent::Failed { why, unreachable } => {
                self.connection = Connection::Offline { why: why.clone(), retry_at: now };
                self.begin_anew(now);
                vec![News::Failed { why, unreachable }]
            }
        }
    }

    fn hear_packet(&mut self, packet: ServerPacket, now: Instant) -> Vec<News> {
        match packet {
            ServerPacket::Joined(joined) => vec![self.sit_down(&joined)],
            ServerPacket::RoomLeft { room } => {
                self.stand_up();
                match &mut self.request {
                    Some(request) if request.is_leaving() => {
                        let step = request.left(now);
                        self.do_step(step);
                    }
                    _ => {}
                }
                vec![News::RoomLeft(room)]
            }
            ServerPacket::Rooms(Rooms { rooms, next }) => {
                let first = self.listing.take().is_some_and(|(after, _)| after == RoomId(0));
                vec![News::Rooms { rooms: rooms.into_iter().collect(), first, next }]
            }
            ServerPacket::Denied(denial) => vec![self.hear_denial(denial, now)],
            ServerPacket::StepRefused(refused) => vec![self.hear_refusal(refused)],
            ServerPacket::Draining { seconds } => {
                self.stops_at = Some(now + Duration::from_secs(seconds.into()));
                vec![News::Draining { seconds }]
            }
            ServerPacket::Kicked { reason } => vec![News::Kicked(reason)],
            packet => self.hear_room(&packet, now),
        }
    }

    /// What happened in the room. Packets of no room, such as what a room sent before it let go, say nothing.
    fn hear_room(&mut self, packet: &ServerPacket, now: Instant) -> Vec<News> {
        let Some(room) = &mut self.room else { return vec![] };
        let before = room.clone();
        if room.apply(packet).is_err() {
            return self.join_again(now);
        }
        let name = |seat: Seat| before.piece(seat).map(|piece| piece.name.clone());
        match packet {
            ServerPacket::Entered(entered) => {
                let member = entered.member.clone();
                vec![News::Entered { seat: member.seat, name: member.name, cell: member.cell }]
            }
            ServerPacket::Left(left) => {
                let leaver = name(left.seat).map(|name| News::Left { seat: left.seat, name, reason: left.reason });
                leaver.into_iter().collect()
            }
            ServerPacket::Chat(chat) => {
                if chat.seat == before.own_seat() {
                    self.chats_due.pop_front();
                }
                let line = name(chat.seat).map(|name| News::Chat { seat: chat.seat, name, text: chat.text.clone() });
                line.into_iter().collect()
            }
            ServerPacket::Moves(moves) => {
                for ack in moves.acks.iter().filter(|ack| ack.seat == before.own_seat()) {
                    self.steps.answered(ack.seq);
                }
                moved(&before, moves, |_| true)
            }
            ServerPacket::Snapshot(moves) => {
                for ack in moves.acks.iter().filter(|ack| ack.seat == before.own_seat()) {
                    self.steps.answered_up_to(ack.seq);
                }
                moved(&before, moves, |position| before.piece(position.seat).is_some_and(|p| p.cell != position.cell))
            }
            _ => vec![],
        }
    }

    fn hear_refusal(&mut self, StepRefused { seq, why }: StepRefused) -> News {
        let direction = self.steps.answered(seq);
        let by = match (&self.room, direction, why) {
            (Some(room), Some(direction), Refusal::Taken) => room
                .piece(room.own_seat())
                .and_then(|own| own.cell.step(direction))
                .and_then(|cell| room.members().find(|(_, piece)| piece.cell == cell))
                .map(|(_, piece)| piece.name.clone()),
            _ => None,
        };
        News::Refused { why, direction, by }
    }

    /// A denial names no request. Only a way into a room, a page of the list and a line of chat can be denied without
    /// the end of the connection, and the first of these that is due is meant.
    fn hear_denial(&mut self, denial: Denial, now: Instant) -> News {
        match self.request.take() {
            Some(mut request) if request.is_due() => {
                let goal = request.goal().clone();
                match request.denied(denial.code, now) {
                    Some(step) => {
                        self.request = Some(request);
                        self.do_step(step);
                    }
                    None if self.fallback == Fallback::AnyRoom && denial.code != DenialCode::Draining => {
                        self.request = Some(Request::later(now));
                    }
                    None if !self.was_home && self.fallback == Fallback::Lobby => self.home = Goal::Lobby,
                    None => {}
                }
                if denial.code == DenialCode::RateLimited {
                    News::Denied(denial)
                } else {
                    News::JoinFailed { goal, denial }
                }
            }
            request => {
                self.request = request;
                if self.listing.take().is_none() {
                    self.chats_due.pop_front();
                }
                News::Denied(denial)
            }
        }
    }

    fn sit_down(&mut self, joined: &Joined) -> News {
        self.steps.clear();
        self.chats_due.clear();
        self.request = None;
        self.home = Goal::Join(JoinTarget::Room(joined.room));
        self.was_home = true;
        self.room = Some(Room::new(joined));
        News::Joined { room: joined.room, title: joined.title.clone(), seat: joined.seat, board: joined.board }
    }

    fn stand_up(&mut self) {
        self.room = None;
        self.steps.clear();
        self.chats_due.clear();
    }

    /// The room contradicted itself: what is seen may be wrong, so it is left and joined again.
    fn join_again(&mut self, now: Instant) -> Vec<News> {
        let former = self.room.as_ref().map(Room::id);
        let Some(id) = former else { return vec![] };
        if self.request.is_none() {
            self.set_out(Goal::Join(JoinTarget::Room(id)), request::ways_back(None, Fallback::AnyRoom), now);
        }
        self.stand_up();
        vec![News::OutOfStep]
    }
}

fn moved(room: &Room, moves: &Moves, is_news: impl Fn(&Position) -> bool) -> Vec<News> {
    let told = moves.positions.iter().filter(|position| is_news(position));
    told.filter_map(|position| Some(News::Moved { name: room.piece(position.seat)?.name.clone(), cell: position.cell }))
        .collect()
}
