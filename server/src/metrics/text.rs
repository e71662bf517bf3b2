//! Prometheus' text format, version 0.0.4: what a scrape reads.

use super::meter::Histogram;
use std::fmt::{Display, Write};

/// The content type of [`Page::into_text`].
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4";

/// A page of metrics, written one metric after the other.
#[derive(Debug, Default)]
pub(super) struct Page(String);

impl Page {
    /// A number that rises and falls.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, "gauge", help);
        self.line(format_args!("{name} {value}"));
    }

    /// A number that only rises; its name ends in `_total`.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, "counter", help);
        self.line(format_args!("{name} {value}"));
    }

    /// As [`Page::gauge`], for each value of a label.
    pub(super) fn gauges<L: Display, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) {
        self.head(name, "gauge", help);
        self.samples(name, label, samples);
    }

    /// As [`Page::counter`], for each value of a label.
    pub(super) fn counters<L: Display, V: Display>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) {
        self.head(name, "counter", help);
        self.samples(name, label, samples);
    }

    /// How values are distributed.
    pub(super) fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, "histogram", help);
        let snapshot = histogram.snapshot();
        let bucket = format!("{name}_bucket");
        self.samples(&bucket, "le", snapshot.below);
        self.samples(&bucket, "le", [("+Inf", snapshot.count)]);
        self.line(format_args!("{name}_sum {}", snapshot.sum));
        self.line(format_args!("{name}_count {}", snapshot.count));
    }

    /// The page.
    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn head(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// Label values are names of ours and numbers: nothing in them needs escaping.
    fn samples<L: Display, V: Display>(&mut self, name: &str, label: &str, samples: impl IntoIterator<Item = (L, V)>) {
        for (of, value) in samples {
            self.line(format_args!("{name}{{{label}=\"{of}\"}} {value}"));
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        writeln!(self.0, "{line}").expect("a string takes everything");
    }
}

#[cfg(test)]
mod tests {
    use super::{Histogram, Page};

    #[test]
    fn a_page_reads_as_prometheus_wants_it() {
        let mut page = Page::default();
        page.gauge("malpan_rooms", "Rooms that are open.", 3);
        page.counter("malpan_busy_seconds_total", "Seconds.", 0.25);
        page.counters("malpan_kicks_total", "Kicks.", "reason", [("silent", 1), ("flooding", 0)]);
        let late = Histogram::new(&[500, 20_000], 1_000_000);
        [400, 500, 30_000].iter().for_each(|&micros| late.record(micros));
        page.histogram("malpan_late_seconds", "Late.", &late);
        insta::assert_snapshot!(page.into_text(), @r#"
        # HELP malpan_rooms Rooms that are open.
        # TYPE malpan_rooms gauge
        malpan_rooms 3
        # HELP malpan_busy_seconds_total Seconds.
        # TYPE malpan_busy_seconds_total counter
        malpan_busy_seconds_total 0.25
        # HELP malpan_kicks_total Kicks.
        # TYPE malpan_kicks_total counter
        malpan_kicks_total{reason="silent"} 1
        malpan_kicks_total{reason="flooding"} 0
        # HELP malpan_late_seconds Late.
        # TYPE malpan_late_seconds histogram
        malpan_late_seconds_bucket{le="0.0005"} 2
        malpan_late_seconds_bucket{le="0.02"} 2
        malpan_late_seconds_bucket{le="+Inf"} 3
        malpan_late_seconds_sum 0.0309
        malpan_late_seconds_count 3
        "#);
    }
}
