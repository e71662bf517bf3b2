//! A run as one page to look at and to send on: no network, no script, no font to fetch. Pure.
//!
//! ```text
//! text.rs   what servers say is text, never markup      plot.rs    lines as SVG
//! plots.rs  which plots a run has                       tables.rs  its figures
//! ```

mod plot;
mod plots;
mod tables;
mod text;

use super::report::{Report, causes};
use plot::number;
use std::fmt::Write;
use text::{command, escaped};

const STYLE: &str = include_str!("style.css");

/// The page.
pub(super) fn page(report: &Report) -> String {
    let workload = workload(report);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\">\n<title>malpan bot: {}</title>\n<style>\n{STYLE}</style></head><body>\n",
        escaped(&workload)
    );
    let _ = write!(
        out,
        "<h1>{}</h1>\n<p class=\"sub\">malpan bot {} against {} · {} · {:.1} s measured · seed {}</p>\n",
        escaped(&workload),
        escaped(&report.bot.version),
        escaped(&report.address),
        escaped(&report.bot.started),
        report.elapsed_s,
        report.seed
    );
    banner(&mut out, report);
    cards(&mut out, report);
    let _ = write!(out, "<h2>Over time</h2>\n<div class=\"plots\">\n{}</div>\n", plots::all(report));
    if let Some(capacity) = &report.capacity {
        out.push_str(&tables::capacity(capacity));
    }
    out.push_str(&tables::scenarios(report));
    repeat(&mut out, report);
    out.push_str("</body></html>\n");
    out
}

/// What the players did, such as `80 walk x 5/s + 20 chat x 0.5/s`.
fn workload(report: &Report) -> String {
    let part = |part: &super::report::Scenario| match part.rate {
        0.0 => format!("{} {}", part.players.asked, part.name),
        rate => format!("{} {} x {rate}/s", part.players.asked, part.name),
    };
    report.scenarios.iter().map(part).collect::<Vec<_>>().join(" + ")
}

fn banner(out: &mut String, report: &Report) {
    if let Some(failure) = &report.failure {
        let _ = writeln!(out, "<div class=\"banner bad\">Failed: {}</div>", escaped(failure));
    }
    if let Some(capacity) = report.capacity.as_ref().filter(|_| !report.cut_short) {
        let class = if capacity.players > 0 { "good" } else { "bad" };
        let _ = writeln!(
            out,
            "<div class=\"banner {class}\">This server holds {} players at this workload ({})<ul><li>{}</li></ul></div>",
            capacity.players,
            escaped(&capacity.limit),
            escaped(&capacity.stopped_by)
        );
    } else if report.void {
        let reasons: String = report.void_reasons.iter().map(|why| format!("<li>{}</li>", escaped(why))).collect();
        let _ = writeln!(
            out,
            "<div class=\"banner bad\">Void: the bot itself was the bottleneck, and this says nothing about the \
             server<ul>{reasons}</ul></div>"
        );
    } else if report.failure.is_none() && report.cut_short {
        out.push_str("<div class=\"banner bad\">Cut short by Ctrl-C</div>\n");
    }
}

fn cards(out: &mut String, report: &Report) {
    let honest = || report.scenarios.iter().filter(|part| !part.hostile);
    let main = honest().find_map(|part| part.latency_ms.get(part.main.as_ref()?));
    let ms = |value: Option<f64>| value.map(|value| format!("{} ms", number(value)));
    let sum = |of: fn(&super::report::Deliveries) -> u64| -> u64 {
        honest().filter_map(|part| part.deliveries.as_ref().map(of)).sum()
    };
    let (due, delivered) = (sum(|found| found.due), sum(|found| found.delivered));
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let ratio = (due > 0).then(|| format!("{:.3} %", delivered as f64 / due as f64 * 100.0));
    let players = &report.players;
    let server = report.server.as_ref();
    let cards = [
        ("players there", Some(players.connected.to_string())),
        ("lost", Some(players.lost.to_string())),
        ("could not connect", (players.failed > 0).then(|| players.failed.to_string())),
        ("p50", main.and_then(|main| ms(main.p50))),
        ("p99", main.and_then(|main| ms(main.p99))),
        ("p99.9", main.and_then(|main| ms(main.p999))),
        ("slowest", main.and_then(|main| ms(main.max))),
        ("delivered", ratio),
        ("missing", (due > 0).then(|| sum(|found| found.missing).to_string())),
        ("schedule slip p99", ms(report.slip_ms.p99)),
        ("server CPU", server.and_then(|used| Some(format!("{} %", number(used.cpu_percent?))))),
        ("server CPU per delivery", server.and_then(|used| Some(format!("{} us", number(used.cpu_us_per_position?))))),
        ("server memory per player", server.and_then(|used| Some(format!("{} KiB", number(used.rss_kib_per_player?))))),
    ];
    out.push_str("<div class=\"cards\">\n");
    for (name, value) in cards {
        let Some(value) = value else { continue };
        let _ = writeln!(out, "<div class=\"card\"><b>{}</b><span>{name}</span></div>", escaped(&value));
    }
    out.push_str("</div>\n");
    for (what, by) in
        [("Lost by", &players.lost_by), ("Failed by", &players.failed_by), ("Denied by", &players.denied_by)]
    {
        if !by.is_empty() {
            let _ = writeln!(out, "<p class=\"sub\">{what}: {}</p>", escaped(&causes(by)));
        }
    }
}

/// Everything needed to repeat the run.
fn repeat(out: &mut String, report: &Report) {
    let bot = &report.bot;
    let machine = bot.processor.as_deref().unwrap_or("unknown processor");
    let _ = write!(
        out,
        "<h2>To repeat this</h2>\n<pre>{}</pre>\n<p class=\"sub\">malpan bot {}, {} threads, on {} ({} cores, {}); {}</p>\n",
        escaped(&command(&bot.command)),
        escaped(&bot.version),
        report.threads,
        escaped(&bot.system),
        bot.cores,
        escaped(machine),
        escaped(&bot.started)
    );
}

#[cfg(test)]
#[path = "page_tests.rs"]
mod tests;
