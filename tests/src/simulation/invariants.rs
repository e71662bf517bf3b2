//! What holds after every step. Each is a function, named in the words of the issue.
//!
//! The driver looks when its sleep is over. Tokio polls it first after a rest, so everything of the time before has settled:
//! no task can go on until the clock does or the driver acts.

use super::{
    mirror::{Mirror, locked},
    network::Network,
    observed::Records,
};
use malpan_net::{Admission, CloseReason, Count, Counters, SessionHandle, SessionId, Shard};
use malpan_server::{Host, config::Config};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{runtime::Handle, time::Instant};
use tokio_util::task::TaskTracker;

/// What an invariant says: nothing, or how it is broken.
type Verdict = Result<(), String>;

/// Times are found by a sweep each 250 ms, and clocks count whole milliseconds.
const SWEEP: Duration = Duration::from_millis(255);
/// What a session that ends may take: 2 s to write, 1 s to discard.
const CLOSING: Duration = Duration::from_millis(3010);

/// Everything that can be looked at.
pub(super) struct Watch {
    pub(super) host: Host,
    pub(super) config: Config,
    pub(super) admission: Arc<Admission>,
    pub(super) counters: Arc<Counters>,
    pub(super) shards: Vec<Shard>,
    pub(super) rules: Vec<Shard>,
    pub(super) network: Network,
    pub(super) mirror: Arc<Mutex<Mirror>>,
    pub(super) records: Records,
    /// The simulation's own tasks: clients.
    pub(super) clients: TaskTracker,
    /// Tasks of the server's own: itself and its acceptors.
    pub(super) server_tasks: usize,
    /// Since when each session is seen ending.
    pub(super) ending: BTreeMap<SessionId, Instant>,
    /// How it was when the drain began.
    pub(super) at_the_drain: Option<Gained>,
}

/// What a draining server must not gain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gained {
    accepted: u64,
    /// Room, seat and session; who watches has none.
    places: BTreeSet<(u32, Option<u64>, u64)>,
    rooms: BTreeSet<u32>,
}

/// How it stands at one moment.
struct Now<'a> {
    watch: &'a Watch,
    mirror: &'a Mirror,
    sessions: BTreeMap<u64, SessionHandle>,
}

impl Watch {
    /// The first invariant that does not hold.
    pub(super) fn check(&mut self) -> Verdict {
        let sessions = self.sessions();
        self.closing_sessions_end(&sessions)?;
        let mirror = locked(&self.mirror);
        let now = Now { watch: self, mirror: &mirror, sessions };
        now.members_at_most_seats()?;
        now.each_member_has_a_live_session()?;
        now.each_seat_has_a_member()?;
        now.no_effect_of_an_unsigned_connection()?;
        now.queues_are_within_their_bounds()?;
        now.every_task_is_accounted_for()?;
        now.counters_equal_a_recount()?;
        now.admission_equals_a_recount()?;
        now.bytes_equal_what_the_network_carried()?;
        now.nobody_outlives_a_deadline()?;
        now.each_board_equals_its_replay_within_the_allowance()?;
        now.a_draining_server_gains_nothing()?;
        now.only_faulty_rooms_fail()
    }

    /// From now on nothing may be gained.
    pub(super) fn drain_begins(&mut self) {
        let gained = self.gained(&locked(&self.mirror));
        self.at_the_drain = Some(gained);
    }

    /// Everyone is gone: every count is back.
    pub(super) fn all_is_back(&self) -> Verdict {
        let counts = self.left_over();
        if counts.iter().all(|&(_, count)| count == 0) { Ok(()) } else { Err(format!("left over: {counts:?}")) }
    }

    fn left_over(&self) -> Vec<(&'static str, usize)> {
        let all = self.shards.iter().chain(&self.rules);
        vec![
            ("sessions", self.shards.iter().map(Shard::sessions).sum()),
            ("tasks of shards", all.map(Shard::tasks).sum()),
            ("admitted", self.admission.sessions()),
            ("pending", self.admission.pending()),
            ("rooms", self.host.rooms()),
            ("seats", self.host.seats_taken()),
            ("names", self.host.signed_in()),
            ("streams", self.network.at_the_server().1),
        ]
    }

    fn sessions(&self) -> BTreeMap<u64, SessionHandle> {
        let mut sessions = BTreeMap::new();
        for shard in &self.shards {
            shard.each_session(|session| {
                sessions.insert(session.id().0, session.clone());
            });
        }
        sessions
    }

    fn gained(&self, mirror: &Mirror) -> Gained {
        let places = mirror.rooms.iter().flat_map(|(&id, room)| {
            let seated = room.seated.iter().map(move |(&seat, &session)| (id, Some(seat), session));
            seated.chain(room.watching.iter().map(move |&session| (id, None, session)))
        });
        Gained {
            accepted: self.counters.value(Count::Accepted),
            places: places.collect(),
            rooms: mirror.rooms.keys().copied().collect(),
        }
    }

    fn closing_sessions_end(&mut self, sessions: &BTreeMap<u64, SessionHandle>) -> Verdict {
        let closing = |session: &&SessionHandle| session.close_reason().is_some();
        let ids: BTreeSet<_> = sessions.values().filter(closing).map(SessionHandle::id).collect();
        self.ending.retain(|id, _| ids.contains(id));
        for id in ids {
            let since = self.ending.entry(id).or_insert_with(Instant::now);
            if since.elapsed() > CLOSING {
                return Err(format!("session {id} has been ending for {:?}", since.elapsed()));
            }
        }
        Ok(())
    }
}

impl Now<'_> {
    fn live(&self) -> impl Iterator<Item = &SessionHandle> {
        self.sessions.values().filter(|session| session.close_reason().is_none())
    }

    fn members_at_most_seats(&self) -> Verdict {
        for (&id, room) in &self.mirror.rooms {
            let seats = self.watch.records.of(id, |record| record.seats);
            if seats.is_some_and(|seats| room.seated.len() > seats) {
                return Err(format!("room {id} has {} members on {seats:?} seats", room.seated.len()));
            }
            if room.watching.len() > self.watch.config.limits.watchers_per_room {
                return Err(format!("{} watch room {id}", room.watching.len()));
            }
        }
        Ok(())
    }

    /// Sessions have no grace yet: that comes with resuming.
    fn each_member_has_a_live_session(&self) -> Verdict {
        for (id, room) in &self.mirror.rooms {
            for session in room.seated.values().chain(&room.watching) {
                let live = self.sessions.get(session).is_some_and(|session| session.close_reason().is_none());
                if !live {
                    return Err(format!("session {session} is in room {id} and is gone"));
                }
            }
        }
        Ok(())
    }

    /// And back: a seat that the lobby believes taken has someone in it, and nobody sits in two places.
    fn each_seat_has_a_member(&self) -> Verdict {
        let mut seated = BTreeSet::new();
        for (&id, room) in &self.mirror.rooms {
            for &session in room.seated.values().chain(&room.watching) {
                if !seated.insert(session) {
                    return Err(format!("session {session} is in room {id} and in another"));
                }
            }
        }
        let members: usize = self.mirror.rooms.values().map(|room| room.seated.len()).sum();
        let (taken, rooms) = (self.watch.host.seats_taken(), self.watch.host.rooms());
        if taken != members {
            return Err(format!("{taken} seats are taken, and rooms have {members} members"));
        }
        let open = self.mirror.rooms.len();
        if rooms != open {
            return Err(format!("the lobby knows {rooms} rooms, and {open} are open"));
        }
        self.mirror.contradictions.first().map_or(Ok(()), |what| Err(what.clone()))
    }

    fn no_effect_of_an_unsigned_connection(&self) -> Verdict {
        for room in self.mirror.rooms.values() {
            for session in room.seated.values().chain(&room.watching) {
                if self.sessions.get(session).is_some_and(|session| !session.is_established()) {
                    return Err(format!("session {session} has a place and has not signed in"));
                }
            }
        }
        let signed_in = self.live().filter(|session| session.speaks::<Host>() && session.is_established()).count();
        let lecture = self.live().filter(|session| !session.speaks::<Host>()).count();
        let names = self.watch.host.signed_in();
        if names != signed_in + lecture {
            return Err(format!("{names} names are taken, by {signed_in} signed in and {lecture} of the lecture"));
        }
        Ok(())
    }

    fn queues_are_within_their_bounds(&self) -> Verdict {
        let limits = &self.watch.config.limits;
        for session in self.sessions.values() {
            let (messages, bytes) = session.backlog();
            // The last word comes on top, whatever the bounds.
            let farewell = usize::from(session.close_reason().is_some());
            if messages > limits.queue_messages + farewell || bytes > limits.queue_bytes + 64 * farewell {
                return Err(format!("{messages} messages and {bytes} bytes wait for {session:?}"));
            }
        }
        Ok(())
    }

    fn every_task_is_accounted_for(&self) -> Verdict {
        let Watch { shards, rules, network, clients, server_tasks, mirror: _, .. } = self.watch;
        let sessions: usize = shards.iter().map(Shard::sessions).sum();
        let on_shards: usize = shards.iter().chain(rules).map(Shard::tasks).sum();
        let rooms = self.mirror.rooms.len();
        if on_shards != sessions + rooms {
            return Err(format!("{on_shards} tasks on the shards, for {sessions} sessions and {rooms} rooms"));
        }
        let sweeps = shards.len() + rules.len();
        let (refused, _) = network.at_the_server();
        let expected = on_shards + sweeps + refused + clients.len() + server_tasks;
        let alive = Handle::current().metrics().num_alive_tasks();
        if alive != expected {
            return Err(format!(
                "{alive} tasks live: {on_shards} on shards, {sweeps} sweeps, {refused} farewells, {} clients, \
                 {server_tasks} of the server",
                clients.len()
            ));
        }
        Ok(())
    }

    fn counters_equal_a_recount(&self) -> Verdict {
        let value = |count| self.watch.counters.value(count);
        let ends = [
            Count::RefusedFull,
            Count::RefusedAddress,
            Count::RefusedPending,
            Count::HandshakesFailed,
            Count::Disconnected,
            Count::Malformed,
            Count::SlowConsumers,
            Count::Silent,
            Count::Deadlines,
            Count::Panics,
            Count::Stopped,
            Count::ClosedByService,
        ];
        let ended: u64 = ends.into_iter().map(value).sum();
        let (accepted, live) = (value(Count::Accepted), self.live().count() as u64);
        if accepted != ended + live {
            return Err(format!("{accepted} accepted, {ended} ended, {live} live: {}", self.watch.counters));
        }
        if value(Count::Panics) > 0 {
            return Err("a session has panicked".into());
        }
        Ok(())
    }

    fn admission_equals_a_recount(&self) -> Verdict {
        let Watch { admission, config, .. } = self.watch;
        let unsigned = self.sessions.values().filter(|session| !session.is_established()).count();
        let (sessions, pending) = (admission.sessions(), admission.pending());
        if (sessions, pending) != (self.sessions.len(), unsigned) {
            return Err(format!(
                "{sessions} admitted and {pending} pending; recounted {} and {unsigned}",
                self.sessions.len()
            ));
        }
        let limits = &config.limits;
        let mut by_address = BTreeMap::<IpAddr, usize>::new();
        self.sessions.values().for_each(|session| *by_address.entry(session.peer().ip()).or_default() += 1);
        let crowded = by_address.iter().find(|&(_, &count)| count > limits.sessions_per_address);
        if crowded.is_some() || sessions > limits.sessions || pending > limits.unsigned {
            return Err(format!("over a limit: {sessions} sessions, {pending} pending, {by_address:?}"));
        }
        Ok(())
    }

    fn bytes_equal_what_the_network_carried(&self) -> Verdict {
        let carried = self.watch.network.carried();
        let value = |count| self.watch.counters.value(count);
        let counted = [value(Count::BytesReceived), value(Count::BytesWritten), value(Count::Accepted)];
        if counted != [carried.read, carried.written, carried.accepted] {
            return Err(format!("{counted:?} bytes in, out and connections were counted, the network has {carried:?}"));
        }
        Ok(())
    }

    fn nobody_outlives_a_deadline(&self) -> Verdict {
        let limits = &self.watch.config.limits;
        for session in self.live() {
            let Some(link) = self.watch.network.link(session.peer().port()) else { continue };
            let (state, host) = (link.state(), session.speaks::<Host>());
            let passed = |since: Instant, limit: Duration| since.elapsed() > limit + SWEEP;
            if host && !session.is_established() {
                let more = if state.never_greets { Duration::ZERO } else { limits.sign_in_within };
                if passed(state.accepted_at, limits.hello_within + more) {
                    return Err(format!("{session:?} has not signed in for {:?}", state.accepted_at.elapsed()));
                }
            }
            // The clock of silence is a sweep coarser still.
            if host && session.is_established() && passed(state.heard, limits.silence + SWEEP) {
                return Err(format!("nothing was heard of {session:?} for {:?}", state.heard.elapsed()));
            }
            if state.down.blocked_since.is_some_and(|since| passed(since, limits.write_stall)) {
                return Err(format!("{session:?} takes nothing and is kept"));
            }
        }
        Ok(())
    }

    fn each_board_equals_its_replay_within_the_allowance(&self) -> Verdict {
        self.watch.records.problems().into_iter().next().map_or(Ok(()), Err)
    }

    fn a_draining_server_gains_nothing(&self) -> Verdict {
        let Some(before) = &self.watch.at_the_drain else { return Ok(()) };
        let now = self.watch.gained(self.mirror);
        let gained = now.accepted > before.accepted
            || !now.places.is_subset(&before.places)
            || !now.rooms.is_subset(&before.rooms);
        if gained { Err(format!("a draining server gained: {before:?}, then {now:?}")) } else { Ok(()) }
    }

    /// And whoever was in one has been told to go.
    fn only_faulty_rooms_fail(&self) -> Verdict {
        match self.mirror.failed.iter().find(|&(_, &by_design)| !by_design) {
            Some((room, _)) => Err(format!("room {room} failed, and its game is sound")),
            None => Ok(()),
        }
    }
}

/// The reasons for which a session ends; named here so that a new one is thought of.
const _: fn(CloseReason) = |reason| match reason {
    CloseReason::Refused(_)
    | CloseReason::Handshake
    | CloseReason::PeerClosed
    | CloseReason::Broken
    | CloseReason::Malformed
    | CloseReason::SlowConsumer
    | CloseReason::WriteStalled
    | CloseReason::Silent
    | CloseReason::Deadline
    | CloseReason::Panicked
    | CloseReason::Stopping
    | CloseReason::Service(_) => {}
};
