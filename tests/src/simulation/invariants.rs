//! What holds after every step. Each is a function, named in the words of the issue.
//!
//! The driver looks when its sleep is over. Tokio polls it first after a rest, so everything of the time before has settled:
//! no task can go on until the clock does or the driver acts.

use super::{
    mirror::{Mirror, MirroredRoom},
    watch::Watch,
};
use crate::ENDS;
use malpan_net::{Count, SessionHandle, Shard};
use malpan_server::Host;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};
use tokio::{runtime::Handle, time::Instant};

/// What an invariant says: nothing, or how it is broken.
pub(super) type Verdict = Result<(), String>;

/// Times are found by a sweep each 250 ms, and clocks count whole milliseconds.
const SWEEP: Duration = Duration::from_millis(255);

/// How it stands at one moment.
pub(super) struct Now<'a> {
    pub(super) watch: &'a Watch,
    pub(super) mirror: &'a Mirror,
    pub(super) sessions: BTreeMap<u64, SessionHandle>,
}

impl Now<'_> {
    /// The first that does not hold.
    pub(super) fn check(&self) -> Verdict {
        self.members_at_most_seats()?;
        self.each_member_has_a_live_session_or_one_within_its_grace()?;
        self.the_away_are_within_their_bounds()?;
        self.each_seat_has_a_member()?;
        self.no_effect_of_an_unsigned_connection()?;
        self.queues_are_within_their_bounds()?;
        self.every_task_is_accounted_for()?;
        self.counters_equal_a_recount()?;
        self.admission_equals_a_recount()?;
        self.bytes_equal_what_the_network_carried()?;
        self.nobody_outlives_a_deadline()?;
        self.each_board_equals_its_replay_within_the_allowance()?;
        self.a_draining_server_gains_nothing()?;
        self.no_empty_room_outlives_its_grace()?;
        self.only_faulty_rooms_fail()
    }

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

    fn each_member_has_a_live_session_or_one_within_its_grace(&self) -> Verdict {
        let grace = self.watch.config.limits.resume_grace;
        let is_live =
            |id| self.sessions.get(&id).is_some_and(|session: &SessionHandle| session.close_reason().is_none());
        for (id, room) in &self.mirror.rooms {
            for member in room.seated.values() {
                match member.away_since {
                    None if !is_live(member.session) => {
                        return Err(format!("session {} is in room {id} and is gone", member.session));
                    }
                    Some(_) if is_live(member.session) => {
                        return Err(format!("session {} is away from room {id} and lives", member.session));
                    }
                    Some(since) if since.elapsed() > grace + Duration::from_millis(2) => {
                        return Err(format!("{member:?} has been away from room {id} for {:?}", since.elapsed()));
                    }
                    _ => {}
                }
            }
            if let Some(gone) = room.watching.iter().find(|&&session| !is_live(session)) {
                return Err(format!("session {gone} watches room {id} and is gone"));
            }
        }
        Ok(())
    }

    /// Each seat of someone who is away has its player, whom the server expects back.
    fn the_away_are_within_their_bounds(&self) -> Verdict {
        let (away, limits) = (self.watch.host.away(), &self.watch.config.limits);
        let seats = self.mirror.rooms.values().flat_map(|room| room.seated.values());
        let seats = seats.filter(|member| member.away_since.is_some()).count();
        if away < seats || away > limits.sessions || (away > 0 && limits.resume_grace.is_zero()) {
            return Err(format!("{away} are away, and {seats} seats are theirs"));
        }
        Ok(())
    }

    /// And back: a seat that the lobby believes taken has someone in it, and nobody sits in two places.
    fn each_seat_has_a_member(&self) -> Verdict {
        let mut seated = BTreeSet::new();
        for (&id, room) in &self.mirror.rooms {
            for session in room.sessions() {
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
            for session in room.sessions() {
                if self.sessions.get(&session).is_some_and(|session| !session.is_established()) {
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
        // One for each, which ends their grace.
        let away = self.watch.host.away();
        let expected = on_shards + sweeps + refused + away + clients.len() + server_tasks;
        let alive = Handle::current().metrics().num_alive_tasks();
        if alive != expected {
            return Err(format!(
                "{alive} tasks live: {on_shards} on shards, {sweeps} sweeps, {refused} farewells, {away} away, \
                 {} clients, \
                 {server_tasks} of the server",
                clients.len()
            ));
        }
        Ok(())
    }

    fn counters_equal_a_recount(&self) -> Verdict {
        let value = |count| self.watch.counters.value(count);
        let refused = [Count::RefusedFull, Count::RefusedAddress, Count::RefusedPending];
        let ended: u64 = ENDS.into_iter().chain(refused).map(value).sum();
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

    fn no_empty_room_outlives_its_grace(&self) -> Verdict {
        // Whoever is on the way to it keeps it once more.
        let most = self.watch.config.limits.empty_room_grace * 2 + Duration::from_secs(1);
        let too_old = |room: &&MirroredRoom| room.empty_since.is_some_and(|since| since.elapsed() > most);
        match self.mirror.rooms.iter().find(|(_, room)| too_old(room)) {
            Some((id, room)) => {
                Err(format!("room {id} has been empty for {:?}", room.empty_since.map(|at| at.elapsed())))
            }
            None => Ok(()),
        }
    }

    /// And whoever was in one is sent away.
    fn only_faulty_rooms_fail(&self) -> Verdict {
        let stays = |id: &&u64| self.live().any(|session| session.id().0 == **id);
        if let Some(session) = self.mirror.sent_away.iter().find(stays) {
            return Err(format!("session {session} was in a room that failed, and was not sent away"));
        }
        match self.mirror.failed.iter().find(|&(_, &by_design)| !by_design) {
            Some((room, _)) => Err(format!("room {room} failed, and its game is sound")),
            None => Ok(()),
        }
    }
}
