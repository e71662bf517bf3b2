//! One sample a second of what the threads let others know.

use super::{
    common::{Common, lock},
    gauge::Usage,
    ledger::Interval,
    report::Sample,
};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_secs(1);

/// Takes samples.
#[derive(Debug)]
pub(super) struct Sampler {
    begin: Instant,
    last: Instant,
    counts: Counts,
    usage: Option<Usage>,
    samples: Vec<Sample>,
}

/// What the rates are taken from.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    sent: u64,
    delivered: u64,
    errors: u64,
}

impl Sampler {
    /// No samples yet.
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { begin: now, last: now, counts: Counts::default(), usage: None, samples: Vec::new() }
    }

    /// Whether the second is over.
    pub(super) fn is_due(&self) -> bool {
        self.last.elapsed() >= EVERY
    }

    /// Takes one. `measuring`: whether actions fell due meanwhile.
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    pub(super) fn take(&mut self, common: &Common, measuring: bool, usage: Option<Usage>) {
        let seconds = self.last.elapsed().as_secs_f64();
        self.last = Instant::now();
        let mut interval = Interval::default();
        for live in &common.live {
            let mut measured = lock(&live.interval);
            interval.merge(&measured);
            measured.clear();
        }
        let (main, slip) = (interval.main.percentiles(), interval.slip.percentiles());
        let (failed, lost) = (common.sum(|live| &live.failed), common.sum(|live| &live.lost));
        let counts = Counts {
            sent: common.sum(|live| &live.sent),
            delivered: common.sum(|live| &live.delivered),
            errors: common.sum(|live| &live.refused) + failed + lost,
        };
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let cpu = |now: Usage, before: Usage| now.cpu.saturating_sub(before.cpu).as_secs_f64() / seconds * 100.0;
        self.samples.push(Sample {
            at_s: self.begin.elapsed().as_secs_f64(),
            measured: measuring,
            players: common.sum(|live| &live.present),
            failed,
            lost,
            sent_per_s: rate(counts.sent, self.counts.sent),
            delivered_per_s: rate(counts.delivered, self.counts.delivered),
            errors_per_s: rate(counts.errors, self.counts.errors),
            p50_ms: main.p50,
            p90_ms: main.p90,
            p99_ms: main.p99,
            max_ms: main.max,
            slip_p99_ms: slip.p99,
            server_cpu_percent: usage.zip(self.usage).map(|(now, before)| cpu(now, before)),
            server_rss_kib: usage.map(|usage| usage.rss_kib),
        });
        self.counts = counts;
        self.usage = usage;
    }

    /// Those taken so far.
    pub(super) fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// All of them.
    pub(super) fn into_samples(self) -> Vec<Sample> {
        self.samples
    }
}
