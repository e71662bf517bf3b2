//! Which plots a run has.

use super::plot::{Line, Plot, Ticks};
use crate::bot::report::{Report, Sample};

/// All that there is something to see in.
pub(super) fn all(report: &Report) -> String {
    let over = |title, y, lines, limit| Plot {
        title,
        x: "s",
        y,
        lines,
        ticks: None,
        shaded: measured(report),
        limit,
        marks: Vec::new(),
    };
    let line = |name, of: fn(&Sample) -> Option<f64>| Line {
        name,
        points: report.series.iter().map(|sample| (sample.at_s, of(sample))).collect(),
    };
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let count = |name, of: fn(&Sample) -> u64| Line {
        name,
        points: report.series.iter().map(|sample| (sample.at_s, Some(of(sample) as f64))).collect(),
    };
    let latency = vec![
        line("p50", |at| at.p50_ms),
        line("p90", |at| at.p90_ms),
        line("p99", |at| at.p99_ms),
        line("max", |at| at.max_ms),
    ];
    let plots = [
        over("Latency", "ms, each second's own", latency, None),
        curve(report),
        over("Players", "there, lost", vec![count("there", |at| at.players), count("lost", |at| at.lost)], None),
        over(
            "Rates",
            "per second",
            vec![
                line("actions sent", |at| Some(at.sent_per_s)),
                line("delivered or done", |at| Some(at.delivered_per_s)),
            ],
            None,
        ),
        over("Errors", "per second", vec![line("errors", |at| Some(at.errors_per_s))], None),
        over(
            "Schedule slip of the bot",
            "ms at p99; a run over the limit is void",
            vec![line("slip", |at| at.slip_p99_ms)],
            Some(5.0),
        ),
        over("Server CPU", "% of one core", vec![line("CPU", |at| at.server_cpu_percent)], None),
        over("Server memory", "MiB resident", vec![line("memory", |at| at.server_rss_kib.map(mib))], None),
        capacity(report),
    ];
    plots.iter().map(Plot::figure).collect()
}

#[allow(clippy::cast_precision_loss, reason = "KiB of memory stay far below 2^52")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

/// From when to when actions fell due.
fn measured(report: &Report) -> Option<(f64, f64)> {
    let mut measured = report.series.iter().filter(|sample| sample.measured).map(|sample| sample.at_s);
    let first = measured.next()?;
    Some((first - 1.0, measured.next_back().unwrap_or(first)))
}

/// Percentiles as HDR histograms are plotted: the closer to all, the wider.
fn curve(report: &Report) -> Plot<'_> {
    let place = |percentile: f64| -(1.0 - (percentile / 100.0).min(1.0 - 1e-7)).log10();
    let points = report.curve.iter().map(|point| (place(point.percentile), Some(point.ms))).collect();
    Plot {
        title: "Latency by percentile",
        x: "",
        y: "ms, the whole run",
        lines: vec![Line { name: "took no longer than", points }],
        ticks: Some(Ticks::percentiles()),
        shaded: None,
        limit: None,
        marks: Vec::new(),
    }
}

/// The windows of a search: players and p99, those that held filled.
#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn capacity(report: &Report) -> Plot<'_> {
    let steps = report.capacity.iter().flat_map(|capacity| &capacity.steps);
    let marks = steps.filter_map(|step| Some((step.players as f64, step.p99_ms?, step.held))).collect();
    Plot {
        title: "Capacity",
        x: "players",
        y: "p99 in ms of each window; those that held are filled",
        lines: Vec::new(),
        ticks: None,
        shaded: None,
        limit: None,
        marks,
    }
}
