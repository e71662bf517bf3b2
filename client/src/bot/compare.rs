//! Two runs side by side.

use super::report::Report;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// Figures that are compared, and whether less of them is better.
const FIGURES: [(&str, bool); 11] = [
    ("players.connected", false),
    ("players.lost", true),
    ("players.failed", true),
    ("slip_ms.p99", true),
    ("latency_ms.connect.p99", true),
    ("server.cpu_us_per_position", true),
    ("server.cpu_percent", true),
    ("server.rss_kib_per_player", true),
    ("own.cpu_us_per_position", true),
    ("capacity.players", false),
    ("bytes.received", true),
];

/// Reads both reports and says how they differ.
///
/// # Errors
/// Where a file is no report.
pub(super) fn files(paths: &[PathBuf]) -> Result<String> {
    let [one, other] = paths else { bail!("--compare takes two files") };
    Ok(table(&read(one)?, &read(other)?))
}

fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let report: Report =
        serde_json::from_str(&text).with_context(|| format!("{} is no report of this bot", path.display()))?;
    serde_json::to_value(report).context("the report is not JSON")
}

fn table(one: &Value, other: &Value) -> String {
    let mut out = format!("{:<44}{:>14}{:>14}{:>11}\n", "", "A", "B", "B to A");
    for (name, value) in [("started", "/bot/started"), ("version", "/bot/version"), ("system", "/bot/system")] {
        let text = |report: &Value| report.pointer(value).and_then(Value::as_str).unwrap_or("-").to_owned();
        let _ = writeln!(out, "{name:<24}{:>24}  {:>24}", text(one), text(other));
    }
    out.push('\n');
    let mut names: Vec<(String, bool)> = Vec::new();
    for part in one["scenarios"].as_array().into_iter().flatten() {
        let name = part["name"].as_str().unwrap_or_default();
        for latency in part["latency_ms"].as_object().into_iter().flatten().map(|(latency, _)| latency) {
            names.extend(["p50", "p99", "max"].map(|at| (format!("scenarios.{name}.latency_ms.{latency}.{at}"), true)));
        }
        for of in
            ["deliveries.delivered", "deliveries.late", "deliveries.missing", "operations.done", "operations.failed"]
        {
            names.push((format!("scenarios.{name}.{of}"), !of.ends_with("delivered") && !of.ends_with("done")));
        }
    }
    names.extend(FIGURES.map(|(name, less)| (name.to_owned(), less)));
    for (name, less_is_better) in names {
        let (a, b) = (figure(one, &name), figure(other, &name));
        if a.is_none() && b.is_none() {
            continue;
        }
        let shown =
            |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{}", (value * 1e3).round() / 1e3));
        let _ = writeln!(out, "{name:<44}{:>14}{:>14}{:>11}", shown(a), shown(b), change(a, b, less_is_better));
    }
    for why in incomparable(one, other) {
        let _ = writeln!(out, "\nnot the same: {why}");
    }
    out
}

/// A figure of a report, entries of `scenarios` by their names.
fn figure(report: &Value, path: &str) -> Option<f64> {
    let step = |at: &Value, part: &str| match at {
        Value::Array(entries) => entries.iter().find(|entry| entry["name"] == part).cloned(),
        at => at.get(part).cloned(),
    };
    path.split('.').try_fold(report.clone(), |at, part| step(&at, part))?.as_f64()
}

/// By how many percent `b` differs, with a word where that is good or bad.
fn change(a: Option<f64>, b: Option<f64>, less_is_better: bool) -> String {
    let (Some(a), Some(b)) = (a, b) else { return String::new() };
    if a.total_cmp(&b).is_eq() {
        return "=".into();
    }
    if a == 0.0 {
        return if (b > a) == less_is_better { "worse".into() } else { "better".into() };
    }
    format!("{:+.1} %", (b - a) / a.abs() * 100.0)
}

/// What of the runs differs, so that their figures say less.
fn incomparable(one: &Value, other: &Value) -> Vec<String> {
    let mut why = Vec::new();
    let paths = [
        "/duration_s",
        "/seed",
        "/threads",
        "/bot/system",
        "/bot/processor",
        "/bot/cores",
        "/void",
        "/cut_short",
        "/capacity/limit",
    ];
    for path in paths {
        let (a, b) = (one.pointer(path), other.pointer(path));
        if a != b {
            let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
            why.push(format!("{} is {} and {}", path[1..].replace('/', "."), shown(a), shown(b)));
        }
    }
    let parts = |report: &Value| -> Vec<String> {
        let parts = report["scenarios"].as_array().into_iter().flatten();
        parts.map(|part| format!("{} {} x {}/s", part["players"]["asked"], part["name"], part["rate"])).collect()
    };
    if parts(one) != parts(other) {
        why.push(format!("the players do {} and {}", parts(one).join(" + "), parts(other).join(" + ")));
    }
    why
}

#[cfg(test)]
mod tests {
    use super::{files, table};
    use crate::bot::sample_report::everything;
    use std::fs;

    #[test]
    fn two_runs_stand_side_by_side() {
        let one = everything();
        let mut other = everything();
        other.scenarios[0].latency_ms.get_mut("to_others").unwrap().p99 = Some(30.0);
        other.players.lost = 0;
        other.seed = 2;
        other.cut_short = true;
        let json = |report| serde_json::to_value(report).unwrap();
        let text = table(&json(&one), &json(&other));
        let line = |name: &str| {
            text.lines().find(|line| line.starts_with(name)).unwrap().split_whitespace().collect::<Vec<_>>()
        };
        assert_eq!(
            line("scenarios.walk.latency_ms.to_others.p99"),
            ["scenarios.walk.latency_ms.to_others.p99", "20", "30", "+50.0", "%"]
        );
        assert_eq!(line("players.lost"), ["players.lost", "1", "0", "-100.0", "%"]);
        assert!(text.contains("not the same: seed is 1 and 2"), "{text}");
        assert!(text.contains("not the same: cut_short is false and true"), "{text}");
        assert!(!text.contains("capacity"), "what neither has is left out");
        assert!(
            table(&json(&one), &json(&one)).lines().all(|line| !line.contains('%') && !line.contains("not the same"))
        );
    }

    #[test]
    fn files_that_are_no_reports_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let (good, bad) = (folder.path().join("a.json"), folder.path().join("b.json"));
        fs::write(&good, serde_json::to_vec(&everything()).unwrap()).unwrap();
        assert!(files(&[good.clone(), good.clone()]).is_ok());
        let error = |paths: &[_]| format!("{:#}", files(paths).unwrap_err());
        assert!(error(&[good.clone(), bad.clone()]).contains("cannot read"));
        fs::write(&bad, "{}").unwrap();
        assert!(error(&[good, bad]).contains("b.json is no report of this bot"));
    }
}
