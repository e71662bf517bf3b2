//! Meters: numbers that many threads raise and one reads now and then. Raising one is a relaxed addition to a place that
//! is known; nothing is looked up, allocated or locked.

use super::kinds::Labelled;
use std::{
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

/// A number that only rises.
#[derive(Debug, Default)]
pub(super) struct Total(AtomicU64);

impl Total {
    pub(super) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A total for each of a closed set.
#[derive(Debug)]
pub(super) struct Tally<T> {
    totals: Box<[Total]>,
    of: PhantomData<fn(T)>,
}

impl<T: Labelled> Default for Tally<T> {
    fn default() -> Self {
        Self { totals: T::LABELS.iter().map(|_| Total::default()).collect(), of: PhantomData }
    }
}

impl<T: Labelled> Tally<T> {
    pub(super) fn add(&self, of: T, count: u64) {
        self.totals[of.index()].add(count);
    }

    /// Every label with its total.
    pub(super) fn totals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        T::LABELS.iter().copied().zip(self.totals.iter().map(Total::value))
    }
}

/// How often values fell below each of some bounds.
#[derive(Debug)]
pub(super) struct Histogram {
    /// Rising; a value that equals one counts below it.
    bounds: &'static [u64],
    /// How many of what is recorded make one of what is shown.
    per_unit: u32,
    /// One for each bound, and one for what exceeds them all.
    counts: Box<[Total]>,
    sum: Total,
}

/// What a histogram holds, in the unit that is shown.
#[derive(Debug, PartialEq)]
pub(super) struct Snapshot {
    /// Each bound, and how many values did not exceed it.
    pub(super) below: Vec<(f64, u64)>,
    /// How many values there were.
    pub(super) count: u64,
    /// What they add up to.
    pub(super) sum: f64,
}

impl Histogram {
    /// An empty one with these bounds, in the unit that is recorded.
    pub(super) fn new(bounds: &'static [u64], per_unit: u32) -> Self {
        debug_assert!(bounds.is_sorted_by(|low, high| low < high), "bounds rise");
        let counts = (0..=bounds.len()).map(|_| Total::default()).collect();
        Self { bounds, per_unit, counts, sum: Total::default() }
    }

    pub(super) fn record(&self, value: u64) {
        self.counts[self.bounds.partition_point(|&bound| bound < value)].add(1);
        self.sum.add(value);
    }

    /// What was recorded so far. Each value is in it or not; one that is recorded meanwhile may be in the sum alone.
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut count = 0;
        let mut counts = self.counts.iter().map(Total::value);
        let below = self.bounds.iter().zip(&mut counts).map(|(&bound, here)| {
            count += here;
            (self.shown(bound), count)
        });
        let below = below.collect();
        count += counts.sum::<u64>();
        Snapshot { below, count, sum: self.shown(self.sum.value()) }
    }

    #[allow(clippy::cast_precision_loss, reason = "a float is what Prometheus makes of it")]
    fn shown(&self, value: u64) -> f64 {
        value as f64 / f64::from(self.per_unit)
    }
}

#[cfg(test)]
mod tests {
    use super::{Histogram, Snapshot, Tally};
    use crate::metrics::RefusalKind;

    #[test]
    fn a_bound_belongs_to_what_is_below_it() {
        let histogram = Histogram::new(&[10, 20], 1000);
        [0, 10, 11, 20, 21, 5000].iter().for_each(|&value| histogram.record(value));
        let expected = Snapshot { below: vec![(0.01, 2), (0.02, 4)], count: 6, sum: 5.062 };
        assert_eq!(histogram.snapshot(), expected);
    }

    #[test]
    fn each_of_a_set_has_its_own_total() {
        let tally = Tally::default();
        tally.add(RefusalKind::Rules, 2);
        tally.add(RefusalKind::Rules, 1);
        assert_eq!(tally.totals().collect::<Vec<_>>(), [("too_fast", 0), ("rules", 3)]);
    }
}
