//! What a room has to tell since its last flush: events and updates, each encoded once for everyone.

use super::{Dialect, Missed, Ring, RingLimits, members::Receivers};
use crate::{
    metrics::{Metrics, ServerKind},
    outgoing,
};
use bytes::BytesMut;
use malpan_net::Frame;
use malpan_protocol::{Ack, Name, Seat, ServerPacket, Snapshot, StateBytes, Updates};
use serde::Serialize;
use std::cell::OnceCell;

/// Bytes of events from which on a flush does not wait for its tick.
const EVENT_BYTES: usize = 8 * 1024;
/// Bytes of updates from which on it does not. A further update has room behind them.
const UPDATE_BYTES: usize = 4 * 1024;

/// The pending events and updates, and the numbers that they get.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Encoded as they happen: they are shared anyway, and nothing about them changes until the flush.
    events: BytesMut,
    /// As the events; only the numbers in front of them are not known yet.
    updates: Updates,
    event: u64,
    batch: u64,
    /// The number of the last event that was flushed.
    flushed: u64,
    ring: Ring,
    encoded: BytesMut,
    /// The kinds and lengths of the events, and how many updates there are: for the metrics, of what the last flush held
    /// until it is reported.
    told: Vec<(ServerKind, usize)>,
    positions: usize,
}

/// One flush: at most two frames, shared by all members.
#[derive(Debug)]
pub(crate) struct Flush {
    /// Must be delivered.
    events: Option<Frame>,
    /// Latest wins.
    updates: Option<Frame>,
    /// Both in the lecture wire, once someone has asked.
    lecture: OnceCell<(Option<Frame>, Option<Frame>)>,
}

impl Batch {
    /// Nothing has happened yet. Of what will, so much is kept for who misses it.
    pub(crate) fn new(kept: RingLimits) -> Self {
        Self {
            events: BytesMut::new(),
            updates: Updates::default(),
            event: 0,
            batch: 0,
            flushed: 0,
            ring: Ring::new(kept),
            encoded: BytesMut::new(),
            told: Vec::new(),
            positions: 0,
        }
    }

    /// Adds an event, which gets the next number.
    pub(crate) fn event(&mut self, packet: impl FnOnce(u64) -> ServerPacket) {
        self.event += 1;
        let (packet, before) = (packet(self.event), self.events.len());
        outgoing::append(&packet, &mut self.events);
        self.told.push(((&packet).into(), self.events.len() - before));
    }

    /// Adds an update that a newer one replaces.
    ///
    /// # Panics
    /// Where it does not fit a batch of its own: the rules are at fault.
    pub(crate) fn latest<U: Serialize>(&mut self, update: &U) {
        self.positions += 1;
        self.updates.updates.push(update).expect("a game's update fits the room that a batch has for it");
    }

    /// Adds a command that was done without an event.
    pub(crate) fn done(&mut self, ack: Ack) {
        self.updates.acks.push(ack).expect("a full batch is flushed before the next command");
    }

    /// Whether there is something to tell.
    pub(crate) fn is_pending(&self) -> bool {
        !self.events.is_empty() || self.has_updates()
    }

    /// Whether something that a newer one replaces is to tell.
    pub(crate) fn has_updates(&self) -> bool {
        !self.updates.updates.is_empty() || !self.updates.acks.is_empty()
    }

    /// Whether it has to be told now, whatever the tick.
    pub(crate) fn is_full(&self) -> bool {
        self.events.len() >= EVENT_BYTES || self.updates.updates.len() >= UPDATE_BYTES || self.updates.acks.is_full()
    }

    /// Takes what is pending, as frames: two allocations for each.
    pub(crate) fn flush(&mut self) -> Flush {
        let events = (!self.events.is_empty()).then(|| Frame::new(&self.events));
        self.events.clear();
        if let Some(events) = &events {
            let count = usize::try_from(self.event - self.flushed).expect("a flush has few events");
            self.ring.keep(self.flushed + 1, count, events);
            self.flushed = self.event;
        }
        let updates = self.has_updates().then(|| self.encode_updates());
        Flush { events, updates, lecture: OnceCell::new() }
    }

    /// Counts what a flush, the last one, held and who got it.
    pub(crate) fn report(&mut self, flush: &Flush, receivers: Receivers, metrics: &Metrics) {
        for (kind, bytes) in self.told.drain(..) {
            metrics.sent(kind, bytes, receivers.of_events);
        }
        if let Some(updates) = &flush.updates {
            metrics.sent(ServerKind::Updates, updates.len(), receivers.of_updates);
            metrics.positions_delivered(self.positions * receivers.of_positions);
            self.positions = 0;
        }
    }

    /// How the game stands, with the numbers that are current.
    pub(crate) fn snapshot(&self, state: StateBytes, acks: impl Iterator<Item = Ack>) -> ServerPacket {
        let acks = acks.collect::<Vec<_>>().try_into().expect("at most one for each seat");
        ServerPacket::Snapshot(Snapshot { event: self.event, batch: self.batch, state, acks })
    }

    /// The events that were flushed after this one; `None` where they are not all kept.
    pub(crate) fn missed_since(&self, event: u64) -> Option<Missed> {
        self.ring.after(event, self.flushed)
    }

    /// The number of the last event.
    pub(crate) fn last_event(&self) -> u64 {
        self.event
    }

    /// The number of the last batch of updates.
    pub(crate) fn last_batch(&self) -> u64 {
        self.batch
    }

    fn encode_updates(&mut self) -> Frame {
        self.batch += 1;
        let mut updates = std::mem::take(&mut self.updates);
        (updates.event, updates.batch) = (self.event, self.batch);
        let packet = ServerPacket::Updates(updates);
        self.encoded.clear();
        outgoing::append(&packet, &mut self.encoded);
        if let ServerPacket::Updates(mut updates) = packet {
            // The lists keep their memory for the next batch.
            updates.updates.clear();
            updates.acks.clear();
            self.updates = updates;
        }
        Frame::new(&self.encoded)
    }
}

impl Flush {
    /// Bytes of both frames.
    pub(crate) fn bytes(&self) -> usize {
        [&self.events, &self.updates].into_iter().flatten().map(|frame| frame.len()).sum()
    }

    /// The frames of the events and of the updates, in a dialect. `name` knows who sits where.
    pub(crate) fn said_in(
        &self,
        dialect: Dialect,
        name: &dyn Fn(Seat) -> Option<Name>,
    ) -> (Option<&Frame>, Option<&Frame>) {
        match dialect {
            Dialect::Malpan => (self.events.as_ref(), self.updates.as_ref()),
            Dialect::Lecture => {
                let say = |frame: &Option<Frame>| frame.as_ref().and_then(|frame| dialect.say(frame, name));
                let (events, updates) = self.lecture.get_or_init(|| (say(&self.events), say(&self.updates)));
                (events.as_ref(), updates.as_ref())
            }
        }
    }
}
