//! The figures of a run as tables.

use super::{plot::number, text::escaped};
use crate::bot::{
    metrics::Percentiles,
    report::{Capacity, Replay, Report, Scenario, causes},
};
use std::fmt::Write;

/// What each scenario came to.
pub(super) fn scenarios(report: &Report) -> String {
    let mut out = String::from("<h2>By scenario</h2>\n<div class=\"wide\"><table>\n");
    out.push_str(
        "<tr><th>scenario</th><th>players</th><th>lost</th><th>due</th><th>sent or done</th><th>refused or failed</th>",
    );
    out.push_str(
        "<th>open at the end</th><th>deliveries due</th><th>delivered</th><th>late</th><th>missing</th></tr>\n",
    );
    for part in report.scenarios.iter().filter(|part| !part.hostile) {
        honest(&mut out, part);
    }
    out.push_str("</table></div>\n");
    latencies(&mut out, report);
    hostile(&mut out, report);
    if let Some(replay) = &report.replay {
        replayed(&mut out, replay);
    }
    out
}

fn replayed(out: &mut String, replay: &Replay) {
    let recording = &replay.recording;
    let cut_off = if recording.whole { "" } else { " It was cut off." };
    let _ = write!(
        out,
        "<h2>Replayed</h2>\n<p class=\"sub\">{}, recorded against {} at {}.{cut_off} Frames due {}, sent {}.</p>\n",
        escaped(&replay.file),
        escaped(&recording.address),
        escaped(&recording.started),
        replay.frames.due,
        replay.frames.sent
    );
    out.push_str("<div class=\"wide\"><table>\n<tr><th>received</th><th>recorded</th><th>replayed</th></tr>\n");
    for (name, then, now) in replay.rows() {
        let _ = writeln!(out, "<tr><td>{}</td><td>{then}</td><td>{now}</td></tr>", escaped(&name));
    }
    out.push_str("</table></div>\n");
}

fn honest(out: &mut String, part: &Scenario) {
    let players = &part.players;
    let _ = write!(out, "<tr><td>{}</td><td>{}</td><td>{}</td>", escaped(&part.name), players.connected, players.lost);
    let (messages, operations) = (&part.messages, &part.operations);
    let counts = match (messages, operations) {
        (Some(found), _) => [found.due, found.sent, found.refused, found.unanswered].map(|count| count.to_string()),
        (_, Some(found)) => [found.due, found.done, found.failed, found.unfinished].map(|count| count.to_string()),
        _ => std::array::from_fn(|_| "-".to_owned()),
    };
    let deliveries = match &part.deliveries {
        Some(found) => [found.due, found.delivered, found.late, found.missing].map(|count| count.to_string()),
        None => std::array::from_fn(|_| "-".to_owned()),
    };
    for cell in counts.iter().chain(&deliveries) {
        let _ = write!(out, "<td>{cell}</td>");
    }
    out.push_str("</tr>\n");
    let missing_by = part.deliveries.iter().map(|found| ("missing by", &found.missing_by));
    let failed_by = operations.iter().map(|found| ("failed by", &found.failed_by));
    for (what, by) in missing_by.chain(failed_by).filter(|(_, by)| !by.is_empty()) {
        let _ =
            writeln!(out, "<tr><td></td><td class=\"why\" colspan=\"10\">{what}: {}</td></tr>", escaped(&causes(by)));
    }
}

fn latencies(out: &mut String, report: &Report) {
    out.push_str("<h2>Latencies</h2>\n<div class=\"wide\"><table>\n");
    out.push_str("<tr><th>ms</th><th>count</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>max</th></tr>\n");
    for part in &report.scenarios {
        for (name, found) in &part.latency_ms {
            row(out, &format!("{} {}", part.name, name.replace('_', " ")), found);
        }
    }
    row(out, "connect", &report.latency_ms.connect);
    row(out, "schedule slip", &report.slip_ms);
    out.push_str("</table></div>\n");
}

fn row(out: &mut String, name: &str, found: &Percentiles) {
    let _ = write!(out, "<tr><td>{}</td><td>{}</td>", escaped(name), found.count);
    for value in [found.p50, found.p90, found.p99, found.p999, found.max] {
        let _ = write!(out, "<td>{}</td>", value.map_or_else(|| "-".into(), |value| format!("{value:.2}")));
    }
    out.push_str("</tr>\n");
}

fn hostile(out: &mut String, report: &Report) {
    let mut attacks = report.scenarios.iter().filter_map(|part| Some((part, part.attack.as_ref()?))).peekable();
    if attacks.peek().is_none() {
        return;
    }
    out.push_str(
        "<h2>Hostile players</h2>\n<div class=\"wide\"><table>\n<tr><th>scenario</th><th>players</th><th>attempts</th>",
    );
    out.push_str("<th>connected</th><th>frames</th><th>bytes sent</th><th>lasted p50 ms</th><th>max</th><th>ended by</th></tr>\n");
    for (part, attack) in attacks {
        let lasted = |value: Option<f64>| value.map_or_else(|| "-".into(), number);
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"why\">{}</td></tr>",
            escaped(&part.name),
            part.players.asked,
            attack.attempts,
            attack.connected,
            attack.frames_sent,
            attack.bytes_sent,
            lasted(attack.lasted_ms.p50),
            lasted(attack.lasted_ms.max),
            escaped(&causes(&attack.ended_by))
        );
    }
    out.push_str("</table></div>\n");
}

/// Every window of a search.
pub(super) fn capacity(capacity: &Capacity) -> String {
    let mut out = String::from(
        "<h2>The search</h2>\n<div class=\"wide\"><table>\n<tr><th>players</th><th>phase</th><th>p50 ms</th>",
    );
    out.push_str(
        "<th>p99 ms</th><th>max ms</th><th>delivered</th><th>lost</th><th>slip ms</th><th>CPU %</th><th></th></tr>\n",
    );
    for step in &capacity.steps {
        let value = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.1}"));
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.3} %</td><td>{}</td><td>{}</td><td>{}</td><td class=\"why\">{}</td></tr>",
            step.players,
            escaped(&step.phase),
            value(step.p50_ms),
            value(step.p99_ms),
            value(step.max_ms),
            step.delivered * 100.0,
            step.lost,
            value(step.slip_p99_ms),
            value(step.server_cpu_percent),
            escaped(step.broken.as_deref().unwrap_or("holds"))
        );
    }
    out.push_str("</table></div>\n");
    out
}
