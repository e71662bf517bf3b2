//! What a window found, as a report.

use super::{
    conductor::{CutShort, ProcessUse, Used},
    hostile,
    ledger::{Causes, Fates, merge, sum},
    metrics::{Latencies, Percentiles},
    outcome::{PartTotals, Totals},
    plan::Plan,
    record::Recorded,
    report::{
        Attack, Bot, Bytes, Deliveries, Latency, Messages, Moves, Operations, Players, Record, RefusedBy, Report,
        Sample, Scenario, Server, causes,
    },
    rooms::Positions,
    run::Findings,
    scenario,
};
use std::{collections::BTreeMap, time::Duration};

/// The most that the schedule may slip, in milliseconds at p99, before a run says more of the bot than of the server.
const SLIP_LIMIT_MS: f64 = 5.0;
/// The longest a thread may have stood still before something that went missing may be its own fault: a queue of 64
/// batches lasts about two seconds.
const STALL_LIMIT: Duration = Duration::from_secs(1);

/// What a run was asked for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) address: String,
    pub(super) seed: u64,
    pub(super) duration: Duration,
    pub(super) threads: usize,
    /// When it began.
    pub(super) started: std::time::SystemTime,
}

/// The report of a window.
pub(super) fn report(asked: &Asked, plan: &Plan, findings: &Findings) -> Report {
    let Findings { totals, elapsed, cut_short, used, .. } = findings;
    let slip_ms = totals.timings.slip.percentiles();
    let void_reasons = void_reasons(totals, &slip_ms);
    let scenarios: Vec<_> = (0..plan.parts().len()).map(|part| scenario(plan, part, findings)).collect();
    let mut players = Players::default();
    scenarios.iter().filter(|scenario| !scenario.hostile).for_each(|scenario| players.add(&scenario.players));
    let walk = plan.parts().iter().position(|part| part.scenario == scenario::Scenario::Walk);
    let walk = walk.map(|part| &totals.parts[part]);
    let delivered: u64 = totals.parts.iter().map(|part| part.deliveries.delivered).sum();
    let honest = plan.parts().iter().position(|part| !part.scenario.is_hostile());
    let main = plan.parts().iter().zip(&totals.parts).find_map(|(part, totals)| main(part.scenario, totals));
    Report {
        bot: bot(asked),
        address: asked.address.clone(),
        seed: asked.seed,
        rate: plan.parts()[honest.unwrap_or(0)].rate,
        duration_s: asked.duration.as_secs_f64(),
        elapsed_s: elapsed.as_secs_f64(),
        threads: asked.threads,
        cut_short: cut_short.is_some(),
        moves: walk.map(|walk| moves(walk, totals)).unwrap_or_default(),
        positions: walk.map(|walk| deliveries(&walk.deliveries, walk.ledger.late)).unwrap_or_default(),
        latency_ms: Latency {
            move_to_self: walk.map(|walk| walk.ledger.to_self.percentiles()).unwrap_or_default(),
            move_to_others: walk.map(|walk| walk.ledger.to_others.percentiles()).unwrap_or_default(),
            connect: totals.timings.connect.percentiles(),
        },
        slip_ms,
        bytes: Bytes { received: totals.bytes_received, sent: totals.bytes_sent },
        curve: main.map(|(_, latencies)| latencies.curve()).unwrap_or_default(),
        series: Vec::new(),
        server: used.server.map(|usage| server_report(&usage, delivered, players.connected)),
        own: used.own.seated.map(|_| server_report(&used.own, delivered, players.connected)),
        capacity: None,
        record: None,
        replay: None,
        void: !void_reasons.is_empty(),
        void_reasons,
        failure: cut_short.and_then(|why| failure(why, asked, &players, &scenarios)),
        players,
        scenarios,
    }
}

/// Who measures, and where.
pub(super) fn bot(asked: &Asked) -> Bot {
    Bot {
        version: env!("CARGO_PKG_VERSION").into(),
        command: std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect(),
        started: humantime::format_rfc3339_seconds(asked.started).to_string(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        processor: processor(),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
    }
}

/// The processor's name, where `/proc` tells it.
fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn scenario(plan: &Plan, part: usize, findings: &Findings) -> Scenario {
    let (planned, totals) = (&plan.parts()[part], &findings.totals.parts[part]);
    let asked = (0..findings.asked).filter(|&player| plan.part_of(player) == part).count() as u64;
    let hostile = planned.scenario.is_hostile();
    let ledger = &totals.ledger;
    let operations = (!hostile && !planned.scenario.is_seated()).then(|| {
        let failed = sum(&ledger.failed_by);
        Operations {
            due: ledger.due,
            done: ledger.done,
            failed,
            failed_by: ledger.failed_by.clone(),
            unfinished: ledger.due.saturating_sub(ledger.done + failed),
        }
    });
    let has_messages = planned.scenario.kind().is_some();
    let mut latency_ms: BTreeMap<String, Percentiles> =
        ledger.named.iter().map(|(name, latencies)| ((*name).to_owned(), latencies.percentiles())).collect();
    if has_messages {
        latency_ms.insert("to_self".into(), ledger.to_self.percentiles());
        latency_ms.insert("to_others".into(), ledger.to_others.percentiles());
    }
    let attack = hostile.then(|| attack(&findings.attacks[part]));
    Scenario {
        name: planned.scenario.name().into(),
        hostile,
        rate: planned.rate,
        players: match &attack {
            Some(attack) => Players { asked, connected: attack.connected, ..Players::default() },
            None => players(asked, &totals.fates),
        },
        messages: has_messages.then(|| Messages {
            due: ledger.due,
            sent: ledger.sent,
            acked: ledger.done,
            refused: ledger.refused,
            unanswered: ledger.sent.saturating_sub(ledger.done + ledger.refused),
        }),
        deliveries: has_messages.then(|| deliveries(&totals.deliveries, ledger.late)),
        operations,
        attack,
        main: main(planned.scenario, totals).map(|(name, _)| name.to_owned()),
        latency_ms,
    }
}

/// The latency by which a scenario is judged.
fn main(scenario: scenario::Scenario, totals: &PartTotals) -> Option<(&'static str, &Latencies)> {
    use scenario::Scenario as S;
    let named = |name| totals.ledger.named.get(name).map(|latencies| (name, latencies));
    match scenario {
        S::Walk | S::Chat | S::Arena => Some(("to_others", &totals.ledger.to_others)),
        S::Churn => named("change"),
        S::Login => named("sign_in").or_else(|| named("register")),
        S::Resume => named("resume"),
        S::Storm => named("connect"),
        _ => None,
    }
}

fn players(asked: u64, fates: &Fates) -> Players {
    Players {
        asked,
        connected: fates.connected,
        failed: sum(&fates.failed_by),
        failed_by: fates.failed_by.clone(),
        lost: sum(&fates.lost_by),
        lost_by: fates.lost_by.clone(),
        denied_by: fates.denied_by.clone(),
    }
}

fn moves(walk: &PartTotals, totals: &Totals) -> Moves {
    let refused = totals.moves_refused;
    Moves {
        due: walk.ledger.due,
        sent: walk.ledger.sent,
        acked: totals.moves_accepted,
        refused: refused.sum(),
        refused_by: RefusedBy { off_board: refused.off_board, taken: refused.taken, too_fast: refused.too_fast },
        unanswered: walk.ledger.sent.saturating_sub(totals.moves_accepted + refused.sum()),
    }
}

fn deliveries(found: &Positions, late: u64) -> Deliveries {
    let by = [
        ("left_out", found.left_out),
        ("not_arrived", found.not_arrived),
        ("disconnected", found.disconnected),
        ("never_sent", found.never_sent),
    ];
    Deliveries {
        due: found.due,
        delivered: found.delivered,
        late,
        missing: found.missing,
        missing_by: by
            .into_iter()
            .filter(|&(_, count)| count > 0)
            .map(|(cause, count)| (cause.into(), count))
            .collect(),
    }
}

fn attack(tally: &hostile::Tally) -> Attack {
    let mut ended_by = tally.ended_by.clone();
    let still = tally.attempts.saturating_sub(sum(&ended_by));
    if still > 0 {
        ended_by.insert("still_there".into(), still);
    }
    Attack {
        attempts: tally.attempts,
        connected: tally.connected,
        ended_by,
        lasted_ms: tally.lasted.percentiles(),
        bytes_sent: tally.bytes_sent,
        bytes_received: tally.bytes_received,
        frames_sent: tally.frames_sent,
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn server_report(usage: &ProcessUse, delivered: u64, connected: u64) -> Server {
    let cpu = || {
        let (end, elapsed) = usage.end?;
        Some((end.cpu.saturating_sub(usage.seated?.cpu).as_secs_f64(), elapsed.as_secs_f64()))
    };
    let rss = || Some(usage.seated?.rss_kib as f64 - usage.before?.rss_kib as f64);
    Server {
        cpu_us_per_position: cpu().filter(|_| delivered > 0).map(|(cpu_s, _)| cpu_s * 1e6 / delivered as f64),
        cpu_percent: cpu().map(|(cpu_s, elapsed_s)| cpu_s / elapsed_s * 100.0),
        rss_kib_per_player: rss().filter(|_| connected > 0).map(|kib| kib / connected as f64),
    }
}

/// Why the run failed, for people; a failed run has found nothing about the server but that.
fn failure(why: CutShort, asked: &Asked, players: &Players, scenarios: &[Scenario]) -> Option<String> {
    let mut failed_by: Causes = players.failed_by.clone();
    scenarios
        .iter()
        .filter_map(|part| part.operations.as_ref())
        .for_each(|part| merge(&mut failed_by, &part.failed_by));
    match why {
        CutShort::Interrupted => None,
        CutShort::NobodySeated => Some(format!("no player got a seat at {}: {}", asked.address, causes(&failed_by))),
        CutShort::EveryoneLost => Some(format!("every player was lost: {}", causes(&players.lost_by))),
    }
}

/// Why the run says nothing about the server.
fn void_reasons(totals: &Totals, slip_ms: &Percentiles) -> Vec<String> {
    let mut reasons = Vec::new();
    reasons.extend(slip_ms.p99.and_then(slip_reason));
    if totals.unsent > 0 {
        reasons.push(format!("the bot did not get round to sending {} moves that were due", totals.unsent));
    }
    if totals.blocked > 0 {
        reasons.push(format!("{} actions found the bot's own sockets full", totals.blocked));
    }
    let missing = totals.missing();
    let stall = Duration::from_nanos(totals.longest_stall_ns);
    if missing > 0 && totals.unread_bytes > 0 {
        let unread = totals.unread_bytes;
        reasons
            .push(format!("{missing} positions are missing, and {unread} bytes lay unread in the bot's own sockets"));
    }
    if missing > 0 && stall > STALL_LIMIT {
        let stall_s = stall.as_secs_f64();
        reasons.push(format!("{missing} positions are missing, and the bot itself stood still for {stall_s:.1} s"));
    }
    reasons
}

/// Why a run with this slip is void, if it is.
pub(super) fn slip_reason(p99: f64) -> Option<String> {
    let over = p99 > SLIP_LIMIT_MS;
    over.then(|| format!("the schedule slipped by {p99:.1} ms at p99, over the limit of {SLIP_LIMIT_MS} ms"))
}

/// The report of such a run before anything was measured: it has every name that a report of it will have.
pub(super) fn empty(asked: &Asked, plan: &Plan, with_server: bool) -> Report {
    let findings = Findings {
        totals: Totals::of(Vec::new(), plan),
        attacks: plan.parts().iter().map(|_| hostile::Tally::default()).collect(),
        asked: 0,
        elapsed: Duration::ZERO,
        cut_short: None,
        used: Used::nothing(with_server),
    };
    let mut report = report(asked, plan, &findings);
    for scenario in &mut report.scenarios {
        // Latencies that come with the first of their kind.
        let names: &[&str] = match scenario.name.as_str() {
            "churn" => &["change"],
            "login" => &["sign_in", "register"],
            "resume" => &["resume"],
            "storm" => &["connect"],
            "arena" => &["echo"],
            _ => &[],
        };
        for name in names {
            scenario.latency_ms.entry((*name).to_owned()).or_default();
        }
        scenario.main = scenario.main.take().or_else(|| names.first().map(|&name| name.to_owned()));
    }
    report
}

/// Adds what is known when a run has ended: the samples, and what became of the recording.
pub(super) fn with_end(mut report: Report, series: Vec<Sample>, recorded: Option<Recorded>) -> Report {
    report.series = series;
    if let Some(Recorded { path, connections, bytes, trouble }) = recorded {
        report.record = Some(Record { file: path.display().to_string(), connections: connections.into(), bytes });
        report.void |= trouble.is_some();
        report.void_reasons.extend(trouble);
    }
    report
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
