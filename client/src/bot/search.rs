//! The search for the limit: grows and holds until it is found, and tells the curve.

use super::{
    capacity::{End, Phase, Search},
    expression::Expression,
    report::{Capacity, Report, Step},
    run::Run,
    summary::{self, Asked},
};
use anyhow::Result;

/// With how many a search begins.
const FIRST: u32 = 100;
/// A window that is void says nothing about the server: how many of them in a row are held again.
const VOIDS: u32 = 10;
/// How many windows long those are that confirm: what slowly piles up shows, and a hiccup is one among many.
const LONG: u32 = 6;

/// Searches up to `ceiling` players, and returns the report of the last window that held, or of the last one.
///
/// # Errors
/// Where a thread of the bot has broken.
pub(super) async fn find(run: &mut Run, asked: &Asked, ceiling: u32, limit: &Expression) -> Result<Report> {
    let mut search = Search::new(FIRST, ceiling);
    let (mut steps, mut best, mut last): (Vec<Step>, Option<Report>, Option<Report>) = (Vec::new(), None, None);
    let mut voids = 0;
    let end = loop {
        let next = match search.next() {
            Ok(next) => next,
            Err(end) => break Some(end),
        };
        run.conductor.step = format!("{} to {} players: ", next.phase.name(), next.players);
        run.grow_to(next.players).await;
        if run.gave_up() {
            break None;
        }
        let at_s = run.elapsed_s();
        let duration = if next.phase == Phase::Confirm { asked.duration * LONG } else { asked.duration };
        let findings = run.hold(duration).await?;
        if run.conductor.is_interrupted() {
            break None;
        }
        let report = summary::report(asked, run.plan(), &findings);
        let verdict = judge_window(&report, next.players, limit);
        let step = step(at_s, next.players, next.phase, &report, verdict.clone().err());
        run.conductor.say(line(&step));
        steps.push(step);
        let connected = report.players.connected;
        voids = if report.void { voids + 1 } else { 0 };
        if (1..VOIDS).contains(&voids) {
            continue;
        }
        if search.note(verdict.is_ok()) && verdict.is_ok() {
            best = Some(report.clone());
        }
        let over = report.failure.is_some();
        last = Some(report);
        if over && connected == 0 {
            break None;
        }
    };
    run.conductor.step.clear();
    let players = match end {
        Some(End::Found(players) | End::Ceiling(players)) => players,
        Some(End::Nothing) => 0,
        // Cut short: what held so far, unconfirmed.
        None => search.held(),
    };
    let stopped_by = match end {
        None if run.conductor.is_interrupted() => "Ctrl-C, before it was confirmed".into(),
        None if run.gave_up() => "connecting more took too long".into(),
        end => stopped_by(end, &steps, ceiling, players),
    };
    let mut report = match best.or(last) {
        Some(report) => report,
        // Interrupted before the first window.
        None => {
            let findings = run.hold(asked.duration).await?;
            summary::report(asked, run.plan(), &findings)
        }
    };
    if end.is_none() && report.failure.is_none() {
        report.cut_short = true;
        report.failure = Some(format!("the search was not finished: {stopped_by}; {players} players held so far"));
    }
    report.capacity = Some(Capacity { limit: limit.to_string(), players: players.into(), stopped_by, steps });
    Ok(report)
}

/// A window with fewer players than there should be, or in which the bot itself was too slow, holds nothing.
fn judge_window(report: &Report, players: u32, limit: &Expression) -> Result<(), String> {
    if let Some(failure) = &report.failure {
        return Err(failure.clone());
    }
    if let Some(reason) = report.void_reasons.first() {
        return Err(format!("void: {reason}"));
    }
    let present = report.players.connected;
    let asked = report.players.asked.min(players.into());
    if present < asked {
        let why = super::report::causes(&report.players.failed_by);
        return Err(format!("{} of {asked} players could not connect: {why}", asked - present));
    }
    let figures = serde_json::to_value(report).map_err(|error| error.to_string())?;
    let verdict = limit.judge(&figures);
    if verdict.holds { Ok(()) } else { Err(verdict.because) }
}

fn stopped_by(end: Option<End>, steps: &[Step], ceiling: u32, found: u32) -> String {
    match end {
        Some(End::Ceiling(_)) => format!("it holds all {ceiling} that --players allows"),
        _ => {
            // Of what did not hold above that, the fewest players in a long window: the limit itself.
            let above = steps.iter().filter(|step| !step.held && step.players > u64::from(found));
            let broken = above.min_by_key(|step| (step.phase != Phase::Confirm.name(), step.players));
            let Some(broken) = broken else { return "nothing was measured".into() };
            let why = broken.broken.as_deref().unwrap_or("unknown");
            let whose = if why.starts_with("void") { "the bot's own limit, not the server's: " } else { "" };
            format!("{whose}with {} players: {why}", broken.players)
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn step(at_s: f64, players: u32, phase: Phase, report: &Report, broken: Option<String>) -> Step {
    let honest = || report.scenarios.iter().filter(|scenario| !scenario.hostile);
    let main = honest().find_map(|scenario| scenario.latency_ms.get(scenario.main.as_ref()?)).copied();
    let main = main.unwrap_or_default();
    let sum =
        |of: fn(&super::report::Deliveries) -> u64| honest().filter_map(|part| part.deliveries.as_ref().map(of)).sum();
    let (due, delivered): (u64, u64) = (sum(|found| found.due), sum(|found| found.delivered));
    Step {
        at_s,
        players: players.into(),
        phase: phase.name().into(),
        held: broken.is_none(),
        broken,
        p50_ms: main.p50,
        p99_ms: main.p99,
        max_ms: main.max,
        slip_p99_ms: report.slip_ms.p99,
        lost: report.players.lost,
        delivered: if due == 0 { 1.0 } else { delivered as f64 / due as f64 },
        server_cpu_percent: report.server.as_ref().and_then(|server| server.cpu_percent),
    }
}

/// One line of the curve.
pub(super) fn line(step: &Step) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| format!("{value:.1}"));
    format!(
        "{:>7} players  {:<8} p50 {:>6}  p99 {:>7} ms  delivered {:>7.3} %  slip {:>5} ms  cpu {:>5} %  {}",
        step.players,
        step.phase,
        number(step.p50_ms),
        number(step.p99_ms),
        step.delivered * 100.0,
        number(step.slip_p99_ms),
        number(step.server_cpu_percent),
        step.broken.as_deref().unwrap_or("holds")
    )
}
