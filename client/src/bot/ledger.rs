//! What one thread writes down while it runs.

use super::{metrics::Timings, rooms::Books};
use std::collections::BTreeMap;

/// How often something happened, by why.
pub(super) type Causes = BTreeMap<String, u64>;

/// One thread's notes: no other thread touches them until the end.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Latencies.
    pub(super) timings: Timings,
    /// What the rooms' batches held.
    pub(super) books: Books,
    /// Own players' positions received.
    pub(super) delivered: u64,
    /// Steps sent.
    pub(super) sent: u64,
    /// Steps acknowledged in batches.
    pub(super) acked: u64,
    /// Steps refused.
    pub(super) refused: u64,
    /// Players seated.
    pub(super) connected: u64,
    /// Players that could not be seated, by why.
    pub(super) failed_by: Causes,
    /// Players that were seated and whose connection broke, by why.
    pub(super) lost_by: Causes,
    /// Requests that the server denied to seated players, by why.
    pub(super) denied_by: Causes,
}

/// Counts one more of a cause.
pub(super) fn count(causes: &mut Causes, cause: String) {
    *causes.entry(cause).or_default() += 1;
}

/// All causes together.
pub(super) fn sum(causes: &Causes) -> u64 {
    causes.values().sum()
}
