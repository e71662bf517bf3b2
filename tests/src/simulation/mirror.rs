//! Who sits where, as the rooms themselves say it in the log: what everything else is compared with.

use super::{observed::Records, world::World};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::time::Instant;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};

/// Everything that the log has said so far.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    pub(super) rooms: BTreeMap<u32, MirroredRoom>,
    /// Rooms that a panic ended. Their games are at fault, or else the server is.
    pub(super) failed: BTreeMap<u32, bool>,
    /// The sessions that were in one of them.
    pub(super) sent_away: BTreeSet<u64>,
    /// The sessions by the order in which they are first named: their numbers are those of the whole process.
    sessions: BTreeMap<u64, u64>,
    pub(super) contradictions: Vec<String>,
}

/// One open room.
#[derive(Debug, Default)]
pub(super) struct MirroredRoom {
    pub(super) seated: BTreeMap<u64, MirroredMember>,
    pub(super) watching: BTreeSet<u64>,
    pub(super) failed: bool,
    /// Since when nobody sits there.
    pub(super) empty_since: Option<Instant>,
}

/// Who sits on one seat.
#[derive(Debug, Clone, Copy)]
pub(super) struct MirroredMember {
    /// The session that took the seat, and the one that has it.
    pub(super) first: u64,
    pub(super) session: u64,
    /// Since when that is lost.
    pub(super) away_since: Option<Instant>,
}

impl MirroredRoom {
    /// The sessions of whoever is in it, away or not.
    pub(super) fn sessions(&self) -> impl Iterator<Item = u64> {
        self.seated.values().map(|member| member.session).chain(self.watching.iter().copied())
    }
}

/// Listens to the log of the thread that runs the simulation.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) world: Arc<World>,
    pub(super) mirror: Arc<Mutex<Mirror>>,
    pub(super) records: Records,
}

pub(super) fn locked(mirror: &Mutex<Mirror>) -> MutexGuard<'_, Mirror> {
    mirror.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Mirror {
    fn hear(&mut self, said: &Said, records: &Records) {
        let Some(room) = said.room.and_then(|room| u32::try_from(room).ok()) else { return };
        let contradicts = match (said.message.as_str(), said.seat, said.session) {
            ("room opened", ..) => {
                records.name_newest(room);
                self.rooms.insert(room, MirroredRoom::default()).is_some()
            }
            ("room closed", ..) => {
                let closed = self.rooms.remove(&room);
                closed.is_none_or(|closed| !closed.seated.is_empty() && !closed.failed)
            }
            ("a panic ended the room", ..) => {
                self.failed.insert(room, said.game == "faulty");
                if let Some(room) = self.rooms.get_mut(&room) {
                    room.failed = true;
                    self.sent_away.extend(room.sessions());
                }
                false
            }
            ("took the seat", Some(seat), Some(session)) => self.rooms.get_mut(&room).is_none_or(|room| {
                room.empty_since = None;
                let member = MirroredMember { first: session, session, away_since: None };
                room.seated.insert(seat, member).is_some()
            }),
            ("away", Some(seat), Some(session)) => self
                .member(room, seat)
                .is_none_or(|member| member.away_since.replace(Instant::now()).is_some() || member.session != session),
            ("back in the seat", Some(seat), Some(session)) => self.member(room, seat).is_none_or(|member| {
                member.away_since = None;
                std::mem::replace(&mut member.session, session) == session
            }),
            ("left the seat", Some(seat), Some(session)) => self.rooms.get_mut(&room).is_none_or(|room| {
                let left = room.seated.remove(&seat);
                room.empty_since = room.seated.is_empty().then(Instant::now);
                left.is_none_or(|left| left.session != session)
            }),
            ("watches", _, Some(session)) => {
                self.rooms.get_mut(&room).is_none_or(|room| !room.watching.insert(session))
            }
            ("watches no more", _, Some(session)) => {
                self.rooms.get_mut(&room).is_none_or(|room| !room.watching.remove(&session))
            }
            _ => false,
        };
        if contradicts {
            self.contradictions.push(format!("the log contradicts itself with {said:?}"));
        }
    }

    fn member(&mut self, room: u32, seat: u64) -> Option<&mut MirroredMember> {
        self.rooms.get_mut(&room)?.seated.get_mut(&seat)
    }

    fn number(&mut self, session: u64) -> u64 {
        let next = self.sessions.len() as u64 + 1;
        *self.sessions.entry(session).or_insert(next)
    }
}

/// One line of the log.
#[derive(Debug, Default)]
struct Said {
    message: String,
    game: String,
    room: Option<u64>,
    seat: Option<u64>,
    session: Option<u64>,
}

impl Visit for Said {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "room" => self.room = Some(value),
            "seat" => self.seat = Some(value),
            "session" => self.session = Some(value),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "game" => self.game = format!("{value:?}"),
            _ => {}
        }
    }
}

impl Subscriber for Listening {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && *metadata.level() <= Level::DEBUG && metadata.target().starts_with("malpan_server::room")
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn event(&self, event: &Event<'_>) {
        let mut said = Said::default();
        event.record(&mut said);
        let mut mirror = locked(&self.mirror);
        mirror.hear(&said, &self.records);
        let session = said.session.map_or(0, |session| mirror.number(session));
        drop(mirror);
        let line = format!(
            "{} (room {}, seat {}, session {session})",
            said.message,
            said.room.unwrap_or(0),
            said.seat.map_or_else(|| "-".into(), |seat| seat.to_string())
        );
        self.world.hash(2, session, line.as_bytes());
        self.world.line(|| line);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
