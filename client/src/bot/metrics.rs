//! Latencies as HDR histograms of three significant digits, one set per thread, merged at the end.

use super::report::CurvePoint;
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest time told apart, in microseconds: ten minutes. Longer ones count as this.
const MAX_US: u64 = 600_000_000;

/// Points of a curve each time that the rest above it has halved.
const POINTS_PER_HALVING: u32 = 5;

/// How long something took, over and over.
#[derive(Debug, Clone)]
pub(super) struct Latencies(Histogram<u64>);

/// Percentiles in milliseconds, `null` where nothing was measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Default, schemars::JsonSchema)]
pub(super) struct Percentiles {
    pub(super) count: u64,
    pub(super) p50: Option<f64>,
    pub(super) p90: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) p999: Option<f64>,
    pub(super) max: Option<f64>,
}

/// What a thread times whatever its players do.
#[derive(Debug, Clone, Default)]
pub(super) struct Timings {
    /// From the TCP connect to being seated.
    pub(super) connect: Latencies,
    /// From when an action was due to when it had been handed to the kernel, or begun.
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

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.0.reset();
    }

    /// The curve that HDR histograms are known for: percentiles ever closer to 100.
    pub(super) fn curve(&self) -> Vec<CurvePoint> {
        #[allow(clippy::cast_precision_loss, reason = "below 2^52 by MAX_US")]
        let point = |at: hdrhistogram::iterators::IterationValue<u64>, count| CurvePoint {
            percentile: at.percentile(),
            ms: at.value_iterated_to() as f64 / 1_000.0,
            count,
        };
        let mut count = 0;
        let points = self.0.iter_quantiles(POINTS_PER_HALVING).map(|at| {
            count += at.count_since_last_iteration();
            point(at, count)
        });
        points.collect()
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
