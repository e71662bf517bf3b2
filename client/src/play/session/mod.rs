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

mod hear;
mod news;
mod request;
mod steps;

pub(crate) use news::News;
pub(crate) use request::{Fallback, Goal};

use malpan_client::{
    Room,
    protocol::{ChatText, ClientPacket, Direction, JoinTarget, Limits, Name, RoomFilter, RoomId},
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
