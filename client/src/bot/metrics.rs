//! Latencies as HDR histograms of three significant digits, one set per thread, merged at the end.

use hdrhistogram::Histogram;
use serde::Serialize;

/// The longest time told apart, in microseconds: ten minutes. Longer ones count as this.
const MAX_US: u64 = 600_000_000;

/// How long something took, over and over.
#[derive(Debug, Clone)]
pub(super) struct Latencies(Histogram<u64>);

/// Percentiles in milliseconds, `null` where nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Default)]
pub(super) struct Percentiles {
    pub(super) count: u64,
    pub(super) p50: Option<f64>,
    pub(super) p90: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) p999: Option<f64>,
    pub(super) max: Option<f64>,
}

/// Everything a thread times.
#[derive(Debug, Clone, Default)]
pub(super) struct Timings {
    /// From when a move was due to when its sender saw it acknowledged.
    pub(super) move_to_self: Latencies,
    /// From when a move was due to when another of the bot's players saw it.
    pub(super) move_to_others: Latencies,
    /// From the TCP connect to being seated.
    pub(super) connect: Latencies,
    /// From when a move was due to when it had been handed to the kernel.
    pub(super) slip: Latencies,
}

impl Latencies {
    /// Takes in one duration.
    pub(super) fn record_ns(&mut self, nanoseconds: u64) {
        self.0.saturating_record(nanoseconds / 1_000);
    }

    /// Takes in all of the other's.
    pub(super) fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all histograms have the same bounds");
    }

    /// The percentiles.
    pub(super) fn percentiles(&self) -> Percentiles {
        if self.0.is_empty() {
            return Percentiles::default();
        }
        #[allow(clippy::cast_precision_loss, reason = "below 2^52 by MAX_US")]
        let ms = |us: u64| Some(us as f64 / 1_000.0);
        let at = |quantile| ms(self.0.value_at_quantile(quantile));
        Percentiles {
            count: self.0.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: ms(self.0.max()),
        }
    }
}

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, MAX_US, 3).expect("valid bounds"))
    }
}

impl Timings {
    /// Takes in all of another thread's.
    pub(super) fn merge(&mut self, other: &Self) {
        self.move_to_self.merge(&other.move_to_self);
        self.move_to_others.merge(&other.move_to_others);
        self.connect.merge(&other.connect);
        self.slip.merge(&other.slip);
    }
}

#[cfg(test)]
mod tests {
    use super::{Latencies, Percentiles};

    #[test]
    fn percentiles_are_milliseconds_to_three_digits() {
        let mut latencies = Latencies::default();
        (1..=1_000).for_each(|ms| latencies.record_ns(ms * 1_000_000));
        let found = latencies.percentiles();
        for (found, wanted) in [(found.p50, 500.0), (found.p90, 900.0), (found.p99, 990.0), (found.max, 1_000.0)] {
            assert!((found.unwrap() / wanted - 1.0).abs() < 0.001, "{found:?} for {wanted}");
        }
        assert_eq!(found.count, 1_000);
    }

    #[test]
    fn nothing_measured_is_nothing_said() {
        assert_eq!(Latencies::default().percentiles(), Percentiles::default());
    }

    #[test]
    fn merging_loses_nothing_and_what_is_too_long_counts() {
        let (mut one, mut other) = (Latencies::default(), Latencies::default());
        one.record_ns(1_000_000);
        other.record_ns(u64::MAX);
        one.merge(&other);
        let found = one.percentiles();
        assert_eq!(found.count, 2);
        assert!(found.max.unwrap() >= 599_000.0);
    }
}
