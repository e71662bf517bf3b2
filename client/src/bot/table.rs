//! The report as a table for people.

use super::{
    ledger::Causes,
    metrics::Percentiles,
    report::{Report, causes},
    run::CutShort,
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
        let by = &moves.refused_by;
        writeln!(
            f,
            "moves       due {}  sent {}  acked {}  refused {} (off_board {}, taken {}, too_fast {})  unanswered {}",
            moves.due, moves.sent, moves.acked, moves.refused, by.off_board, by.taken, by.too_fast, moves.unanswered
        )?;
        writeln!(
            f,
            "positions   due {}  delivered {}  missing {}",
            positions.due, positions.delivered, positions.missing
        )?;
        writeln!(f, "bytes       received {}  sent {}", bytes.received, bytes.sent)?;
        writeln!(f)?;
        writeln!(f, "ms                    p50       p90       p99     p99.9       max")?;
        row(f, "move to self", &latency_ms.move_to_self)?;
        row(f, "move to others", &latency_ms.move_to_others)?;
        row(f, "connect", &latency_ms.connect)?;
        row(f, "schedule slip", &self.0.slip_ms)?;
        self.server(f)?;
        for reason in &self.0.void_reasons {
            writeln!(f, "VOID: {reason}")?;
        }
        Ok(())
    }
}

impl Table<'_> {
    fn head(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Report { address, rate, elapsed_s, duration_s, seed, threads, players, .. } = self.0;
        writeln!(
            f,
            "malpan bot {}: {address}, {} players x {rate}/s, {elapsed_s:.1} s, seed {seed}, {threads} threads",
            self.0.bot.version, players.asked
        )?;
        match self.0.ended {
            Some(CutShort::Interrupted) => writeln!(f, "cut short by Ctrl-C: {elapsed_s:.1} of {duration_s:.1} s")?,
            Some(_) => writeln!(f, "cut short: {elapsed_s:.1} of {duration_s:.1} s")?,
            None => {}
        }
        writeln!(f)
    }

    fn server(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(server) = &self.0.server else { return Ok(()) };
        writeln!(
            f,
            "\nserver      CPU {} us per position, {} % of a core  memory {} KiB per player",
            number(server.cpu_us_per_position, 3),
            number(server.cpu_percent, 1),
            number(server.rss_kib_per_player, 2)
        )
    }
}

fn row(f: &mut Formatter<'_>, name: &str, percentiles: &Percentiles) -> fmt::Result {
    let Percentiles { p50, p90, p99, p999, max, .. } = *percentiles;
    write!(f, "{name:<15}")?;
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
