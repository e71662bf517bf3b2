//! The report as a table for people.

use super::{
    ledger::Causes,
    metrics::Percentiles,
    report::{Attack, Capacity, Deliveries, Replay, Report, Scenario, causes},
    search,
};
use std::fmt::{self, Display, Formatter};

/// Shows a report as a table.
#[derive(Debug)]
pub(super) struct Table<'a>(pub(super) &'a Report);

impl Display for Table<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Report { players, moves, positions, latency_ms, bytes, .. } = self.0;
        self.head(f)?;
        let (failed_by, lost_by) = (bracketed(&players.failed_by), bracketed(&players.lost_by));
        writeln!(
            f,
            "players     asked {}  connected {}  failed {}{}  lost {}{}",
            players.asked, players.connected, players.failed, failed_by, players.lost, lost_by,
        )?;
        if !players.denied_by.is_empty() {
            writeln!(f, "denied      {}", causes(&players.denied_by))?;
        }
        if self.has("walk") {
            let by = &moves.refused_by;
            writeln!(
                f,
                "moves       due {}  sent {}  acked {}  refused {} (off_board {}, taken {}, too_fast {})  unanswered {}",
                moves.due,
                moves.sent,
                moves.acked,
                moves.refused,
                by.off_board,
                by.taken,
                by.too_fast,
                moves.unanswered
            )?;
            deliveries(f, "positions", positions)?;
        }
        let others = || self.0.scenarios.iter().filter(|scenario| scenario.name != "walk");
        others().try_for_each(|scenario| counts(f, scenario))?;
        writeln!(f, "bytes       received {}  sent {}", bytes.received, bytes.sent)?;
        if let Some(record) = &self.0.record {
            writeln!(f, "recorded    {} connections, {} bytes, to {}", record.connections, record.bytes, record.file)?;
        }
        if let Some(replay) = &self.0.replay {
            replayed(f, replay)?;
        }
        writeln!(f)?;
        writeln!(f, "ms                      p50       p90       p99     p99.9       max")?;
        if self.has("walk") {
            row(f, "move to self", &latency_ms.move_to_self)?;
            row(f, "move to others", &latency_ms.move_to_others)?;
        }
        for scenario in others() {
            for (name, latencies) in &scenario.latency_ms {
                row(f, &format!("{} {}", scenario.name, name.replace('_', " ")), latencies)?;
            }
        }
        row(f, "connect", &latency_ms.connect)?;
        row(f, "schedule slip", &self.0.slip_ms)?;
        self.server(f)?;
        if let Some(capacity) = &self.0.capacity {
            writeln!(f)?;
            capacity.steps.iter().try_for_each(|step| writeln!(f, "{}", search::line(step)))?;
            let Capacity { limit, players, stopped_by, .. } = capacity;
            if self.0.cut_short {
                writeln!(
                    f,
                    "\nnot finished: {players} players held so far ({limit}), and nothing is confirmed: {stopped_by}"
                )?;
            } else {
                writeln!(f, "\nthis server holds {players} players at this workload ({limit})")?;
                writeln!(f, "it ends there: {stopped_by}")?;
            }
            return Ok(());
        }
        for reason in &self.0.void_reasons {
            writeln!(f, "VOID: {reason}")?;
        }
        Ok(())
    }
}

impl Table<'_> {
    fn head(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Report { address, elapsed_s, duration_s, seed, threads, .. } = self.0;
        let parts = self.0.scenarios.iter().map(|part| match part.rate {
            0.0 => format!("{} {}", part.players.asked, part.name),
            rate => format!("{} {} x {rate}/s", part.players.asked, part.name),
        });
        let parts = parts.collect::<Vec<_>>().join(" + ");
        writeln!(
            f,
            "malpan bot {}: {address}, {parts}, {elapsed_s:.1} s, seed {seed}, {threads} threads",
            self.0.bot.version
        )?;
        // Of a search it is said where its answer would stand.
        if self.0.cut_short && self.0.capacity.is_none() {
            let by = if self.0.failure.is_none() { " by Ctrl-C" } else { "" };
            writeln!(f, "cut short{by}: {elapsed_s:.1} of {duration_s:.1} s")?;
        }
        writeln!(f)
    }

    fn has(&self, name: &str) -> bool {
        self.0.scenarios.iter().any(|scenario| scenario.name == name)
    }

    fn server(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let processes = [("server", &self.0.server), ("bot itself", &self.0.own)];
        if processes.iter().any(|(_, process)| process.is_some()) {
            writeln!(f)?;
        }
        for (name, process) in processes {
            let Some(used) = process else { continue };
            writeln!(
                f,
                "{name:<11} CPU {} us per position, {} % of a core  memory {} KiB per player",
                number(used.cpu_us_per_position, 3),
                number(used.cpu_percent, 1),
                number(used.rss_kib_per_player, 2)
            )?;
        }
        Ok(())
    }
}

/// A replay beside its recording.
fn replayed(f: &mut Formatter<'_>, replay: &Replay) -> fmt::Result {
    let Replay { file, recording, frames, not_ended, .. } = replay;
    let cut_off = if recording.whole { "" } else { ", cut off" };
    writeln!(f, "recording   {file}, of {} at {}{cut_off}", recording.address, recording.started)?;
    writeln!(
        f,
        "frames      due {}  sent {}  pongs left out {}  resumes without a token {}  not ended by the server {not_ended}",
        frames.due, frames.sent, frames.pongs_left_out, frames.without_token
    )?;
    writeln!(f)?;
    writeln!(f, "received              recorded  replayed")?;
    replay.rows().iter().try_for_each(|(name, then, now)| writeln!(f, "{name:<20}{then:>10}{now:>10}"))
}

fn deliveries(f: &mut Formatter<'_>, name: &str, found: &Deliveries) -> fmt::Result {
    let Deliveries { due, delivered, late, missing, missing_by } = found;
    let by = bracketed(missing_by);
    writeln!(f, "{name:<11} due {due}  delivered {delivered}  late {late}  missing {missing}{by}")
}

fn counts(f: &mut Formatter<'_>, scenario: &Scenario) -> fmt::Result {
    let name = &scenario.name;
    if let Some(messages) = &scenario.messages {
        writeln!(
            f,
            "{name:<11} due {}  sent {}  acked {}  refused {}  unanswered {}",
            messages.due, messages.sent, messages.acked, messages.refused, messages.unanswered
        )?;
    }
    if let Some(found) = &scenario.deliveries {
        deliveries(f, "  to others", found)?;
    }
    if let Some(operations) = &scenario.operations {
        writeln!(
            f,
            "{name:<11} due {}  done {}  failed {}{}  unfinished {}",
            operations.due,
            operations.done,
            operations.failed,
            bracketed(&operations.failed_by),
            operations.unfinished
        )?;
    }
    match &scenario.attack {
        Some(attack) => hostile(f, name, attack),
        None => Ok(()),
    }
}

fn hostile(f: &mut Formatter<'_>, name: &str, attack: &Attack) -> fmt::Result {
    writeln!(
        f,
        "{name:<11} attempts {}  connected {}  bytes sent {}, received {}  lasted p50 {} ms, max {} ms",
        attack.attempts,
        attack.connected,
        attack.bytes_sent,
        attack.bytes_received,
        number(attack.lasted_ms.p50, 0),
        number(attack.lasted_ms.max, 0)
    )?;
    writeln!(f, "  ended     {}", causes(&attack.ended_by))
}

fn row(f: &mut Formatter<'_>, name: &str, percentiles: &Percentiles) -> fmt::Result {
    let Percentiles { p50, p90, p99, p999, max, .. } = *percentiles;
    write!(f, "{name:<17}")?;
    for value in [p50, p90, p99, p999, max] {
        write!(f, "{:>10}", number(value, 2))?;
    }
    writeln!(f)
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.digits$}"))
}

fn bracketed(by: &Causes) -> String {
    if by.is_empty() { String::new() } else { format!(" ({})", causes(by)) }
}
