//! The conversation as a client sees it: pure, so that both front ends share it and tests need no connection.
//!
//! ```text
//! LinkEvent -> Session::hear -> [News]  (what to show)
//! a person's wish -> Session::{step, chat, go, list_rooms} \
//! time -> Session::tick                                     -> packets, taken with Session::take_packets
//! ```
//!
//! Invariant: `room` is what the server said, and nothing is ever guessed ahead of it. At most one way into a room is
//! under way at a time, so that a denial can only mean that one.

mod news;
mod request;
mod steps;

pub(crate) use news::News;
pub(crate) use request::{Fallback, Goal};

use super::link::LinkEvent;
use malpan_client::{
    Room,
    protocol::{
        ChatText, ClientPacket, Denial, DenialCode, Direction, JoinTarget, Joined, Limits, Moves, Name, Refusal,
        RoomFilter, RoomId, Rooms, Seat, ServerPacket, StepRefused,
    },
};
use request::{Request, Step};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};
use steps::Steps;

/// What was asked for and is not answered by then is given up.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Whether the server can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Connection {
    /// Being made.
    Connecting {
        /// Failures before.
        failures: u32,
    },
    /// Signed in.
    Online,
    /// The name is taken; another is awaited.
    Nameless,
    /// Lost.
    Offline {
        /// Why.
        why: String,
        /// When the next attempt begins.
        retry_at: Instant,
    },
}

/// Why a wish was not even sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotNow {
    /// There is no connection.
    #[error("not connected")]
    Offline,
    /// There is no seat.
    #[error("not in a room")]
    NoRoom,
    /// A way into a room is under way.
    #[error("still on the way into a room")]
    Busy,
    /// Faster than the server allows.
    #[error("too fast")]
    TooFast,
    /// The own room was asked for.
    #[error("already in that room")]
    ThereAlready,
}

/// A conversation with one server, over however many connections.
#[derive(Debug)]
pub(crate) struct Session {
    connection: Connection,
    name: Name,
    limits: Limits,
    round_trip: Option<Duration>,
    /// When the server will have stopped, if it said so.
    stops_at: Option<Instant>,
    room: Option<Room>,
    /// Where to go when signed in.
    home: Goal,
    /// Whether a seat was ever had or given up: from then on a reconnect finds a room by all means.
    was_home: bool,
    fallback: Fallback,
    request: Option<Request>,
    /// The `after` of the room list's page that is due, and since when.
    listing: Option<(RoomId, Instant)>,
    steps: Steps,
    /// When each line of chat went out that has not come back.
    chats_due: VecDeque<Instant>,
    packets: Vec<ClientPacket>,
}

impl Session {
    /// A conversation that will begin under `name` and go `home`.
    pub(crate) fn new(name: Name, home: Goal, fallback: Fallback, now: Instant) -> Self {
        let limits = unknown_limits();
        Self {
            connection: Connection::Connecting { failures: 0 },
            name,
            limits,
            round_trip: None,
            stops_at: None,
            room: None,
            home,
            was_home: false,
            fallback,
            request: None,
            listing: None,
            steps: Steps::new(&limits, now),
            chats_due: VecDeque::new(),
            packets: Vec::new(),
        }
    }

    /// Whether the server can be reached.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Whether packets can be sent.
    pub(crate) fn is_online(&self) -> bool {
        self.connection == Connection::Online
    }

    /// The own name.
    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// How long the last ping and its answer took.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// When the server will have stopped, if it said so.
    pub(crate) fn stops_at(&self) -> Option<Instant> {
        self.stops_at
    }

    /// The room; while not online, as it was last seen.
    pub(crate) fn room(&self) -> Option<&Room> {
        self.room.as_ref()
    }

    /// Where a way that is under way leads.
    pub(crate) fn going_to(&self) -> Option<&Goal> {
        self.request.as_ref().map(Request::goal)
    }

    /// Own steps that are not answered yet.
    pub(crate) fn steps_pending(&self) -> usize {
        self.steps.pending()
    }

    /// When the next step may go out; `None` while too many are not answered.
    pub(crate) fn next_step_at(&self, now: Instant) -> Option<Instant> {
        self.steps.next_at(now)
    }

    /// Answers that are due: to steps, chat, a way into a room, a page of the list.
    pub(crate) fn answers_due(&self) -> usize {
        self.steps.pending()
            + self.chats_due.len()
            + usize::from(self.request.is_some())
            + usize::from(self.listing.is_some())
    }

    /// The packets to send, in order.
    pub(crate) fn take_packets(&mut self) -> Vec<ClientPacket> {
        std::mem::take(&mut self.packets)
    }

    /// Asks for one step of the own piece.
    pub(crate) fn step(&mut self, direction: Direction, now: Instant) -> Result<(), NotNow> {
        self.seated()?;
        let seq = self.steps.take(direction, now).ok_or(NotNow::TooFast)?;
        self.packets.push(ClientPacket::Step { seq, direction });
        Ok(())
    }

    /// Says something to the room.
    pub(crate) fn chat(&mut self, text: ChatText, now: Instant) -> Result<(), NotNow> {
        self.seated()?;
        self.chats_due.push_back(now);
        self.packets.push(ClientPacket::Chat { text });
        Ok(())
    }

    /// Goes to another room, a new one, or the lobby. If that fails, back to the room before, and then as the
    /// conversation's [`Fallback`] says.
    pub(crate) fn go(&mut self, goal: Goal, now: Instant) -> Result<(), NotNow> {
        if !self.is_online() {
            return Err(NotNow::Offline);
        }
        if self.request.as_ref().is_some_and(Request::is_due) {
            return Err(NotNow::Busy);
        }
        let former = self.room.as_ref().map(Room::id);
        match goal {
            Goal::Join(JoinTarget::Room(room)) if former == Some(room) => return Err(NotNow::ThereAlready),
            Goal::Lobby if former.is_none() => return Err(NotNow::NoRoom),
            _ => {}
        }
        self.set_out(goal, request::ways_back(former, self.fallback), now);
        Ok(())
    }

    /// Asks for the rooms above `after`, one page.
    pub(crate) fn list_rooms(&mut self, after: RoomId, now: Instant) -> Result<(), NotNow> {
        if !self.is_online() {
            return Err(NotNow::Offline);
        }
        if self.listing.is_none() {
            self.listing = Some((after, now));
            self.packets.push(ClientPacket::ListRooms { after, filter: RoomFilter::All });
        }
        Ok(())
    }

    /// Lets time pass: what was put off goes out, and what got no answer is given up.
    pub(crate) fn tick(&mut self, now: Instant) -> Vec<News> {
        let is_late = |since: Instant| now.duration_since(since) >= ANSWER_WITHIN;
        let mut unanswered = self.steps.give_up(is_late);
        unanswered |= self.listing.take_if(|(_, since)| is_late(*since)).is_some();
        while self.chats_due.pop_front_if(|since| is_late(*since)).is_some() {
            unanswered = true;
        }
        if let Some(request) = &mut self.request {
            let step = request.tick(now);
            if step == Step::Wait && request.is_due() && is_late(request.since()) {
                self.request = None;
                unanswered = true;
            }
            self.do_step(step);
        }
        if unanswered { vec![News::Unanswered] } else { vec![] }
    }

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
                self.connection = Connection::Offline { why: why.clone(), retry_at: now + retry_in };
                self.begin_anew(now);
                vec![News::Offline { why, retry_in }]
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

    fn set_out(&mut self, goal: Goal, rest: Vec<Goal>, now: Instant) {
        let request = Request::new(goal, rest, self.room.is_some(), now);
        let step = request.packet();
        self.request = Some(request);
        self.do_step(step);
    }

    fn do_step(&mut self, step: Step) {
        match step {
            Step::Send(packet) => self.packets.push(packet),
            Step::Wait => {}
            Step::Done => {
                self.request = None;
                self.home = Goal::Lobby;
            }
        }
    }

    /// Forgets what was on its way over the old connection.
    fn begin_anew(&mut self, now: Instant) {
        self.request = None;
        self.listing = None;
        self.chats_due.clear();
        self.round_trip = None;
        self.stops_at = None;
        self.packets.clear();
        self.steps = Steps::new(&self.limits, now);
    }

    fn seated(&self) -> Result<(), NotNow> {
        if !self.is_online() {
            return Err(NotNow::Offline);
        }
        if self.request.as_ref().is_some_and(Request::is_due) {
            return Err(NotNow::Busy);
        }
        self.room.is_some().then_some(()).ok_or(NotNow::NoRoom)
    }
}

fn moved(room: &Room, moves: &Moves, is_news: impl Fn(&malpan_client::protocol::Position) -> bool) -> Vec<News> {
    let told = moves.positions.iter().filter(|position| is_news(position));
    told.filter_map(|position| Some(News::Moved { name: room.piece(position.seat)?.name.clone(), cell: position.cell }))
        .collect()
}

/// Limits until a server has said its own.
fn unknown_limits() -> Limits {
    Limits {
        frame_bytes: 1024,
        packets_per_second: 1,
        steps_per_second: 1,
        step_burst: 1,
        signals_per_second: 1,
        tick_ms: 0,
        silence_seconds: 30,
    }
}

#[cfg(test)]
mod tests;
