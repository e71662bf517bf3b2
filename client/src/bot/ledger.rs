//! What one thread writes down while a window is open.

use super::{
    metrics::{Latencies, Timings},
    rooms::Books,
    scenario::Kind,
};
use std::collections::BTreeMap;

/// How often something happened, by why.
pub(super) type Causes = BTreeMap<String, u64>;

/// One thread's notes: no other thread touches them until the end.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Latencies that belong to no part alone.
    pub(super) timings: Timings,
    /// By kind, which of its messages the rooms' batches or events held.
    pub(super) books: [Books; Kind::ALL.len()],
    /// By part of the plan.
    pub(super) parts: Vec<PartLedger>,
    /// Actions that the kernel did not take whole: the socket was full.
    pub(super) blocked: u64,
    /// The main latencies and the slip since they were last told to the others.
    pub(super) interval: Interval,
}

/// One thread's notes on one part of the plan.
#[derive(Debug, Default)]
pub(super) struct PartLedger {
    /// Actions that fell due, counted when the window is judged; operations that nobody planned, when they began.
    pub(super) due: u64,
    /// Messages sent, or operations begun.
    pub(super) sent: u64,
    /// Messages that their sender saw done, or operations done.
    pub(super) done: u64,
    /// Messages refused or denied.
    pub(super) refused: u64,
    /// Operations failed, by why.
    pub(super) failed_by: Causes,
    /// Deliveries of the part's messages to others and to their senders.
    pub(super) delivered: u64,
    /// How many of those came late.
    pub(super) late: u64,
    /// Messages to their own senders, and how many of those came back.
    pub(super) echoes_due: u64,
    pub(super) echoes: u64,
    /// From when an action was due to when its player saw it done.
    pub(super) to_self: Latencies,
    /// From when a message was due to when another of the bot's players saw it.
    pub(super) to_others: Latencies,
    /// Latencies that only this scenario has, by name.
    pub(super) named: BTreeMap<&'static str, Latencies>,
}

/// Latencies of a short time.
#[derive(Debug, Default)]
pub(super) struct Interval {
    pub(super) main: Latencies,
    pub(super) slip: Latencies,
}

/// What became of players. Goes on from window to window.
#[derive(Debug, Clone, Default)]
pub(super) struct Fates {
    /// Players seated, or whatever their scenario begins with.
    pub(super) connected: u64,
    /// Players that could not be, by why.
    pub(super) failed_by: Causes,
    /// Players that were and whose connection broke, by why.
    pub(super) lost_by: Causes,
    /// Requests that the server denied to them, by why.
    pub(super) denied_by: Causes,
}

impl Ledger {
    /// Empty notes for so many parts.
    pub(super) fn new(parts: usize) -> Self {
        Self { parts: std::iter::repeat_with(PartLedger::default).take(parts).collect(), ..Self::default() }
    }
}

impl PartLedger {
    /// Operations and messages neither done nor given up.
    pub(super) fn open(&self) -> u64 {
        self.sent.saturating_sub(self.done + self.refused + sum(&self.failed_by))
    }

    /// What came of it: deliveries of messages, the senders' own among them, or operations done.
    pub(super) fn done_and_delivered(&self) -> u64 {
        (self.delivered + self.echoes).max(self.done)
    }

    /// What came to nothing.
    pub(super) fn given_up(&self) -> u64 {
        self.refused + sum(&self.failed_by)
    }

    /// Takes in another thread's.
    pub(super) fn merge(&mut self, other: &Self) {
        self.due += other.due;
        self.sent += other.sent;
        self.done += other.done;
        self.refused += other.refused;
        merge(&mut self.failed_by, &other.failed_by);
        self.delivered += other.delivered;
        self.late += other.late;
        self.echoes_due += other.echoes_due;
        self.echoes += other.echoes;
        self.to_self.merge(&other.to_self);
        self.to_others.merge(&other.to_others);
        for (name, latencies) in &other.named {
            self.named.entry(name).or_default().merge(latencies);
        }
    }
}

impl Interval {
    /// Takes in another's.
    pub(super) fn merge(&mut self, other: &Self) {
        self.main.merge(&other.main);
        self.slip.merge(&other.slip);
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.main.clear();
        self.slip.clear();
    }
}

impl Fates {
    /// Takes in another thread's.
    pub(super) fn merge(&mut self, other: &Self) {
        self.connected += other.connected;
        merge(&mut self.failed_by, &other.failed_by);
        merge(&mut self.lost_by, &other.lost_by);
        merge(&mut self.denied_by, &other.denied_by);
    }
}

/// Counts one more of a cause.
pub(super) fn count(causes: &mut Causes, cause: String) {
    *causes.entry(cause).or_default() += 1;
}

/// Adds the others' counts.
pub(super) fn merge(into: &mut Causes, from: &Causes) {
    for (cause, count) in from {
        *into.entry(cause.clone()).or_default() += count;
    }
}

/// All causes together.
pub(super) fn sum(causes: &Causes) -> u64 {
    causes.values().sum()
}
