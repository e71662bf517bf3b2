//! The way into a room, which takes several packets: leave, join, and where to go when that fails.

use crate::play::game::Game;
use malpan_client::protocol::{ClientPacket, DenialCode, JoinTarget, Part, RoomId, RoomPassword, RoomPlan, RoomTitle};
use std::time::{Duration, Instant};

/// After a denial for being too fast.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// After there was no seat anywhere.
const NO_SEAT_AGAIN_AFTER: Duration = Duration::from_secs(3);

/// Where someone wants to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Goal {
    /// In a room that exists.
    Join(JoinTarget),
    /// Beside a room, without a seat.
    Watch(RoomId),
    /// In a new room.
    Open {
        /// What is played in it; `None` for the server's default game.
        game: Option<Game>,
        /// Its title.
        title: RoomTitle,
    },
    /// In a new room of one's own.
    Create(Box<RoomPlan>),
    /// In a room with a password, or beside it.
    Unlock {
        /// Which.
        room: RoomId,
        /// To sit there or to watch.
        part: Part,
        /// Its password.
        password: RoomPassword,
    },
    /// In none.
    Lobby,
}

/// Where to be when the goal cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// In any room: a person at a screen is never left nowhere.
    AnyRoom,
    /// Nowhere: a script decides for itself.
    Lobby,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send this and wait for its answer.
    Send(ClientPacket),
    /// Wait for the time or the answer.
    Wait,
    /// The goal is the lobby, and the seat is given back.
    Done,
}

/// A way that has begun.
#[derive(Debug)]
pub(super) struct Request {
    goal: Goal,
    /// Where to try next, in order, if the goal cannot be reached.
    rest: Vec<Goal>,
    leaving: bool,
    since: Instant,
    /// The packet goes out (again) at this time.
    again_at: Option<Instant>,
}

impl Request {
    /// A way to `goal`, or else to the first of `rest` that can be reached. Where someone is in a room, it begins with
    /// leaving that.
    pub(super) fn new(goal: Goal, mut rest: Vec<Goal>, in_room: bool, now: Instant) -> Self {
        rest.retain(|other| *other != goal);
        rest.reverse();
        Self { goal, rest, leaving: in_room, since: now, again_at: None }
    }

    /// A way to `any` room that begins later, because there was no seat just now.
    pub(super) fn later(any: Goal, now: Instant) -> Self {
        Self { goal: any, rest: vec![], leaving: false, since: now, again_at: Some(now + NO_SEAT_AGAIN_AFTER) }
    }

    /// Where it leads.
    pub(super) fn goal(&self) -> &Goal {
        &self.goal
    }

    /// Where to try next, in order.
    pub(super) fn into_rest(mut self) -> Vec<Goal> {
        self.rest.reverse();
        self.rest
    }

    /// The password with which it led into `room`, if it took one.
    pub(super) fn key(&self, room: RoomId) -> Option<(RoomId, RoomPassword)> {
        let password = match &self.goal {
            Goal::Unlock { password, .. } => password,
            Goal::Create(plan) => plan.password.as_ref()?,
            _ => return None,
        };
        Some((room, password.clone()))
    }

    /// Whether it waits for the old room to let go.
    pub(super) fn is_leaving(&self) -> bool {
        self.leaving
    }

    /// Since when the answer is due, where one is.
    pub(super) fn since(&self) -> Instant {
        self.since
    }

    /// Whether an answer is due. One that merely waits for its time can be given up for another.
    pub(super) fn is_due(&self) -> bool {
        self.again_at.is_none()
    }

    /// The packet of its first stage.
    pub(super) fn packet(&self) -> Step {
        if self.leaving {
            return Step::Send(ClientPacket::Leave);
        }
        match &self.goal {
            Goal::Join(target) => Step::Send(ClientPacket::Join { target: *target }),
            Goal::Watch(room) => Step::Send(ClientPacket::Watch { room: *room }),
            Goal::Open { game, title } => {
                Step::Send(ClientPacket::OpenRoom { game: game.map(Game::name), title: title.clone(), seats: None })
            }
            Goal::Create(plan) => Step::Send(ClientPacket::CreateRoom(plan.clone())),
            Goal::Unlock { room, part, password } => {
                Step::Send(ClientPacket::Unlock { room: *room, part: *part, password: password.clone() })
            }
            Goal::Lobby => Step::Done,
        }
    }

    /// The old room has let go.
    pub(super) fn left(&mut self, now: Instant) -> Step {
        self.leaving = false;
        self.since = now;
        self.packet()
    }

    /// The server said no with `code`. Returns what to do, or `None` where every way is tried.
    pub(super) fn denied(&mut self, code: DenialCode, now: Instant) -> Option<Step> {
        self.since = now;
        match code {
            DenialCode::RateLimited => {
                self.again_at = Some(now + AGAIN_AFTER);
                Some(Step::Wait)
            }
            // No room can be joined: the other ways are closed too.
            DenialCode::Draining => None,
            _ => {
                self.goal = self.rest.pop()?;
                Some(self.packet())
            }
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now: Instant) -> Step {
        match self.again_at {
            Some(at) if now >= at => {
                self.again_at = None;
                self.since = now;
                self.packet()
            }
            _ => Step::Wait,
        }
    }
}
