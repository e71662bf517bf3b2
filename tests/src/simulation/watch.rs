//! Everything that can be looked at, and what must be so over a while.

use super::{
    invariants::{Now, Verdict},
    mirror::{Mirror, locked},
    network::Network,
    observed::Records,
};
use malpan_net::{Admission, Count, Counters, SessionHandle, SessionId, Shard};
use malpan_server::{Host, config::Config};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// What a session that ends may take: 2 s to write, 1 s to discard.
pub(super) const CLOSING: Duration = Duration::from_millis(3010);

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
    pub(super) accepted: u64,
    /// Room, seat and the session that took it; who watches has no seat.
    pub(super) places: BTreeSet<(u32, Option<u64>, u64)>,
    pub(super) rooms: BTreeSet<u32>,
}

impl Watch {
    /// The first invariant that does not hold.
    pub(super) fn check(&mut self) -> Verdict {
        let sessions = self.sessions();
        self.closing_sessions_end(&sessions)?;
        let mirror = locked(&self.mirror);
        Now { watch: self, mirror: &mirror, sessions }.check()
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
            ("away", self.host.away()),
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

    pub(super) fn gained(&self, mirror: &Mirror) -> Gained {
        let places = mirror.rooms.iter().flat_map(|(&id, room)| {
            let seated = room.seated.iter().map(move |(&seat, member)| (id, Some(seat), member.first));
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
