//! What the server tells of itself, in numbers.
//!
//! ```text
//! players, rooms -> Metrics: relaxed additions to numbers that are known (meter.rs), told apart by kind (kinds.rs)
//! GET /metrics   -> sources.rs: reads those, and what others count anyway -> text.rs: Prometheus' text format
//! ```
//!
//! Invariant: whoever reports a number neither waits nor allocates, and every label is from a closed set, so a page has
//! as many lines after a year as after a minute.
//!
//! There is no global recorder: each [`Metrics`] counts for itself, so several servers in one process are apart.

mod kinds;
mod meter;
mod sources;
mod store;
mod text;

pub use kinds::{ClientKind, RefusalKind, ServerKind};
pub(crate) use {kinds::StoreOperation, sources::Sources, store::MeteredStore, text::CONTENT_TYPE};

use malpan_protocol::{DenialCode, KickReason};
use meter::{Histogram, Tally, Total};
use std::{sync::Arc, time::Duration};

/// Bounds of [`Metrics::flushed`]'s bytes. The last is one frame of the largest size.
const FLUSH_BYTES: &[u64] = &[16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384];
/// Bounds of its receivers.
const FLUSH_RECEIVERS: &[u64] = &[1, 2, 3, 5, 10, 20, 50, 100];
/// Bounds of its lateness, in microseconds.
const FLUSH_LATE_MICROS: &[u64] =
    &[500, 1000, 2000, 4000, 8000, 16_000, 33_000, 66_000, 125_000, 250_000, 500_000, 1_000_000];
/// Bounds of the store's answers, in microseconds.
const STORE_MICROS: &[u64] =
    &[100, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_000_000];
const MICROS_PER_SECOND: u32 = 1_000_000;

/// What players and rooms report. Cheap to clone; all clones are the same numbers.
#[derive(Debug, Clone, Default)]
pub struct Metrics(Arc<Meters>);

#[derive(Debug)]
struct Meters {
    received_packets: Tally<ClientKind>,
    received_bytes: Tally<ClientKind>,
    sent_packets: Tally<ServerKind>,
    sent_bytes: Tally<ServerKind>,
    positions_delivered: Total,
    flush_bytes: Histogram,
    flush_receivers: Histogram,
    flush_late: Histogram,
    kicks: Tally<KickReason>,
    denials: Tally<DenialCode>,
    commands_refused: Tally<RefusalKind>,
    rooms_failed: Total,
    store_operations: Tally<StoreOperation>,
    store_failures: Tally<StoreOperation>,
    store_seconds: Histogram,
}

impl Metrics {
    /// A packet came; `bytes` are those of its whole frame.
    pub fn received(&self, kind: ClientKind, bytes: usize) {
        self.0.received_packets.add(kind, 1);
        self.0.received_bytes.add(kind, bytes as u64);
    }

    /// A packet was queued for so many sessions at once; `bytes` are those of its whole frame, once.
    pub fn sent(&self, kind: ServerKind, bytes: usize, receivers: usize) {
        self.0.sent_packets.add(kind, receivers as u64);
        self.0.sent_bytes.add(kind, (bytes * receivers) as u64);
    }

    /// So many positions, or other updates that the next one replaces, were queued, each counted for each who gets it.
    pub fn positions_delivered(&self, count: usize) {
        self.0.positions_delivered.add(count as u64);
    }

    /// A room flushed so many bytes, all frames together, to so many members, so long after the flush was due. One that
    /// is sent at once after a pause is due when it is sent.
    pub fn flushed(&self, bytes: usize, receivers: usize, late: Duration) {
        self.0.flush_bytes.record(bytes as u64);
        self.0.flush_receivers.record(receivers as u64);
        self.0.flush_late.record(u64::try_from(late.as_micros()).unwrap_or(u64::MAX));
    }

    /// A connection ends, and its client is told why.
    pub fn kicked(&self, reason: KickReason) {
        self.0.kicks.add(reason, 1);
    }

    /// A request is not done.
    pub fn denied(&self, code: DenialCode) {
        self.0.denials.add(code, 1);
    }

    /// A command to the game is not done.
    pub fn command_refused(&self, why: RefusalKind) {
        self.0.commands_refused.add(why, 1);
    }

    /// A panic ended a room.
    pub fn room_failed(&self) {
        self.0.rooms_failed.add(1);
    }

    /// The store answered after that time, and perhaps that it could not.
    pub(crate) fn store_answered(&self, operation: StoreOperation, failed: bool, after: Duration) {
        self.0.store_operations.add(operation, 1);
        self.0.store_failures.add(operation, failed.into());
        self.0.store_seconds.record(u64::try_from(after.as_micros()).unwrap_or(u64::MAX));
    }
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            received_packets: Tally::default(),
            received_bytes: Tally::default(),
            sent_packets: Tally::default(),
            sent_bytes: Tally::default(),
            positions_delivered: Total::default(),
            flush_bytes: Histogram::new(FLUSH_BYTES, 1),
            flush_receivers: Histogram::new(FLUSH_RECEIVERS, 1),
            flush_late: Histogram::new(FLUSH_LATE_MICROS, MICROS_PER_SECOND),
            kicks: Tally::default(),
            denials: Tally::default(),
            commands_refused: Tally::default(),
            rooms_failed: Total::default(),
            store_operations: Tally::default(),
            store_failures: Tally::default(),
            store_seconds: Histogram::new(STORE_MICROS, MICROS_PER_SECOND),
        }
    }
}
