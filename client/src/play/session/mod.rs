//! The conversation as a client sees it: pure, so that both front ends share it and tests need no connection.
//!
//! ```text
//! LinkEvent -> Session::hear -> [News]  (what to show)
//! a person's wish -> Session::{command, chat, go, list_rooms} \
//! time -> Session::tick                                     -> packets, taken with Session::take_packets
//! ```
//!
//! Invariant: `table` is what the server said, and nothing is ever guessed ahead of it. At most one way into a room is
//! under way at a time, so that a denial can only mean that one.

mod ask;
mod commands;
mod five;
mod hear;
mod news;
mod people;
mod request;
mod room;
mod table;
mod wish;

pub(crate) use commands::GameCommand;
pub(crate) use five::FiveNews;
pub(crate) use news::{News, Refusal};
pub(crate) use request::{Fallback, Goal};
pub(crate) use table::Table;
pub(crate) use wish::NotNow;

use super::game::Game;
use commands::Commands;
use malpan_client::{
    Muted,
    protocol::{ClientPacket, JoinTarget, Limits, Name, Part, RoomId, RoomPassword, RoomQuery},
};
use request::{Request, Step};
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

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

/// A conversation with one server, over however many connections.
#[derive(Debug)]
pub(crate) struct Session {
    connection: Connection,
    was_online: bool,
    name: Name,
    limits: Limits,
    round_trip: Option<Duration>,
    /// When the server will have stopped, if it said so.
    stops_at: Option<Instant>,
    table: Option<Table>,
    /// What any room shall be of: the game asked for at first, then the one that was last played; `None` for the server's
    /// default.
    game: Option<Game>,
    /// Where to go when signed in.
    home: Goal,
    /// Whether a room was ever joined: from then on a reconnect finds one by all means.
    was_home: bool,
    fallback: Fallback,
    request: Option<Request>,
    /// The `after` of the room list's page that is due, and since when.
    listing: Option<(RoomId, Instant)>,
    /// What rooms are looked for, and since when each answer is due.
    finding: VecDeque<(RoomQuery, Instant)>,
    /// Since when a page of the lobby's people is due.
    lobby_due: Option<Instant>,
    commands: Commands,
    /// When each line, and each wish of an owner, went out that has not come back.
    said_due: VecDeque<Instant>,
    muted: Muted,
    /// The password of the room that was entered with one.
    key: Option<(RoomId, RoomPassword)>,
    /// Put out of the room, whose last word is on its way.
    removed: bool,
    packets: Vec<ClientPacket>,
}

impl Session {
    /// A conversation that will begin under `name` and go `home`. Any room is one of `game`, where that is given.
    pub(crate) fn new(name: Name, home: Goal, game: Option<Game>, fallback: Fallback, now: Instant) -> Self {
        let limits = unknown_limits();
        Self {
            connection: Connection::Connecting { failures: 0 },
            was_online: false,
            name,
            limits,
            round_trip: None,
            stops_at: None,
            table: None,
            game,
            home,
            was_home: false,
            fallback,
            request: None,
            listing: None,
            finding: VecDeque::new(),
            lobby_due: None,
            commands: Commands::new(&limits, now),
            said_due: VecDeque::new(),
            muted: Muted::default(),
            key: None,
            removed: false,
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

    /// Whether there was a connection before this one, or still is.
    pub(crate) fn was_online(&self) -> bool {
        self.was_online
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
    pub(crate) fn table(&self) -> Option<&Table> {
        self.table.as_ref()
    }

    /// The game that was last played, or else the one asked for; `None` where neither is.
    pub(crate) fn game(&self) -> Option<Game> {
        self.game
    }

    /// Where a way that is under way leads.
    pub(crate) fn going_to(&self) -> Option<&Goal> {
        self.request.as_ref().map(Request::goal)
    }

    /// Own commands that are not answered yet.
    pub(crate) fn commands_pending(&self) -> usize {
        self.commands.pending()
    }

    /// When the next command may go out; `None` while too many are not answered.
    pub(crate) fn next_command_at(&self, now: Instant) -> Option<Instant> {
        self.commands.next_at(now)
    }

    /// Answers that are due: to commands, chat, a way into a room, a page of the list.
    pub(crate) fn answers_due(&self) -> usize {
        self.commands.pending()
            + self.said_due.len()
            + usize::from(self.request.is_some())
            + usize::from(self.listing.is_some())
            + self.finding.len()
            + usize::from(self.lobby_due.is_some())
    }

    /// The packets to send, in order.
    pub(crate) fn take_packets(&mut self) -> Vec<ClientPacket> {
        std::mem::take(&mut self.packets)
    }

    /// Lets time pass: what was put off goes out, and what got no answer is given up.
    pub(crate) fn tick(&mut self, now: Instant) -> Vec<News> {
        let is_late = |since: Instant| now.duration_since(since) >= ANSWER_WITHIN;
        let mut unanswered = self.commands.give_up(is_late);
        unanswered |= self.listing.take_if(|(_, since)| is_late(*since)).is_some();
        while self.finding.pop_front_if(|(_, since)| is_late(*since)).is_some() {
            unanswered = true;
        }
        unanswered |= self.lobby_due.take_if(|since| is_late(*since)).is_some();
        while self.said_due.pop_front_if(|since| is_late(*since)).is_some() {
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
        self.begin(Request::new(goal, rest, self.table.is_some(), now));
    }

    fn begin(&mut self, request: Request) {
        let step = request.packet();
        self.request = Some(request);
        self.do_step(step);
    }

    /// Where one is, as a goal to come back to.
    fn here(&self) -> Option<Goal> {
        self.table.as_ref().map(|table| {
            let room = table.id();
            let key = self.key.as_ref().filter(|(locked, _)| *locked == room);
            match (table.own_seat(), key.cloned()) {
                (Some(_), None) => Goal::Join(JoinTarget::Room(room)),
                (None, None) => Goal::Watch(room),
                (Some(_), Some((_, password))) => Goal::Unlock { room, part: Part::Seat, password },
                (None, Some((_, password))) => Goal::Unlock { room, part: Part::Watch, password },
            }
        })
    }

    /// Any room of the game that was last played or asked for.
    fn any_room(&self) -> Goal {
        Goal::Join(self.game.map_or(JoinTarget::Any, |game| JoinTarget::AnyOf(game.name())))
    }

    /// Where to go instead of a goal, in order: to the former room, and then as `fallback` says.
    fn ways_back(&self, former: Option<Goal>, fallback: Fallback) -> Vec<Goal> {
        let any = (fallback == Fallback::AnyRoom).then(|| self.any_room());
        former.into_iter().chain(any).collect()
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
        self.finding.clear();
        self.lobby_due = None;
        self.said_due.clear();
        self.round_trip = None;
        self.stops_at = None;
        self.packets.clear();
        self.commands = Commands::new(&self.limits, now);
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
