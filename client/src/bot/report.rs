//! The report of a run. Its field names are the JSON's, and a contract: they are only added to.

use super::{
    Args,
    ledger::{Causes, sum},
    metrics::Percentiles,
    outcome::Totals,
    run::{CutShort, Findings, ServerUsage},
};
use serde::Serialize;
use std::time::Duration;

/// The most that the schedule may slip, in milliseconds at p99, before a run says more of the bot than of the server.
const SLIP_LIMIT_MS: f64 = 5.0;
/// The longest a thread may have stood still before positions that went missing may be its own fault: a queue of 64
/// batches lasts about two seconds.
const STALL_LIMIT: Duration = Duration::from_secs(1);

/// What a run found, in stable names.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) bot: Bot,
    /// As it was asked for.
    pub(super) address: String,
    pub(super) seed: u64,
    /// Moves per second and player.
    pub(super) rate: f64,
    /// As it was asked for.
    pub(super) duration_s: f64,
    /// How long moves fell due.
    pub(super) elapsed_s: f64,
    pub(super) threads: usize,
    pub(super) cut_short: bool,
    pub(super) players: Players,
    pub(super) moves: Moves,
    pub(super) positions: Positions,
    pub(super) latency_ms: Latency,
    pub(super) slip_ms: Percentiles,
    pub(super) bytes: Bytes,
    /// With `--server-pid` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<Server>,
    /// Whether the run says nothing about the server.
    pub(super) void: bool,
    pub(super) void_reasons: Vec<String>,
    /// Why the run failed, or was cut short.
    #[serde(skip)]
    pub(super) ended: Option<CutShort>,
}

#[derive(Debug, Serialize)]
pub(super) struct Bot {
    pub(super) version: &'static str,
    pub(super) command: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Players {
    pub(super) asked: u64,
    pub(super) connected: u64,
    pub(super) failed: u64,
    pub(super) failed_by: Causes,
    pub(super) lost: u64,
    pub(super) lost_by: Causes,
    pub(super) denied_by: Causes,
}

#[derive(Debug, Serialize)]
pub(super) struct Moves {
    pub(super) due: u64,
    pub(super) sent: u64,
    pub(super) acked: u64,
    pub(super) refused: u64,
    pub(super) refused_by: RefusedBy,
    pub(super) unanswered: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct RefusedBy {
    pub(super) off_board: u64,
    pub(super) taken: u64,
    pub(super) too_fast: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Positions {
    pub(super) due: u64,
    pub(super) delivered: u64,
    pub(super) missing: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Latency {
    pub(super) move_to_self: Percentiles,
    pub(super) move_to_others: Percentiles,
    pub(super) connect: Percentiles,
}

#[derive(Debug, Serialize)]
pub(super) struct Bytes {
    pub(super) received: u64,
    pub(super) sent: u64,
}

/// `null` where there is nothing to divide by, or where the process ended before the run.
#[derive(Debug, Serialize)]
pub(super) struct Server {
    pub(super) cpu_us_per_position: Option<f64>,
    pub(super) cpu_percent: Option<f64>,
    pub(super) rss_kib_per_player: Option<f64>,
}

impl Report {
    /// The report of a run.
    pub(super) fn new(args: &Args, threads: usize, findings: Findings) -> Self {
        let Findings { totals, elapsed, cut_short, server } = findings;
        let slip_ms = totals.timings.slip.percentiles();
        let void_reasons = void_reasons(&totals, &slip_ms);
        let refused = totals.moves_refused;
        Self {
            bot: Bot { version: env!("CARGO_PKG_VERSION"), command: command_line() },
            address: args.address.clone(),
            seed: args.seed,
            rate: args.rate,
            duration_s: args.duration.as_secs_f64(),
            elapsed_s: elapsed.as_secs_f64(),
            threads,
            cut_short: cut_short.is_some(),
            moves: Moves {
                due: totals.moves_due,
                sent: totals.moves_sent,
                acked: totals.moves_acked,
                refused: refused.sum(),
                refused_by: RefusedBy {
                    off_board: refused.off_board,
                    taken: refused.taken,
                    too_fast: refused.too_fast,
                },
                unanswered: totals.moves_sent.saturating_sub(totals.moves_acked + refused.sum()),
            },
            positions: Positions {
                due: totals.positions.due,
                delivered: totals.positions.delivered,
                missing: totals.positions.missing,
            },
            latency_ms: Latency {
                move_to_self: totals.timings.move_to_self.percentiles(),
                move_to_others: totals.timings.move_to_others.percentiles(),
                connect: totals.timings.connect.percentiles(),
            },
            slip_ms,
            bytes: Bytes { received: totals.bytes_received, sent: totals.bytes_sent },
            server: server.map(|usage| Server::new(&usage, totals.positions.delivered, totals.connected)),
            void: !void_reasons.is_empty(),
            void_reasons,
            ended: cut_short,
            players: Players {
                asked: args.players.into(),
                connected: totals.connected,
                failed: sum(&totals.failed_by),
                failed_by: totals.failed_by,
                lost: sum(&totals.lost_by),
                lost_by: totals.lost_by,
                denied_by: totals.denied_by,
            },
        }
    }

    /// Why the run failed, for people; a failed run has found nothing about the server but that.
    pub(super) fn failure(&self) -> Option<String> {
        match self.ended? {
            CutShort::Interrupted => None,
            CutShort::NobodySeated => {
                Some(format!("no player got a seat at {}: {}", self.address, causes(&self.players.failed_by)))
            }
            CutShort::EveryoneLost => Some(format!("every player was lost: {}", causes(&self.players.lost_by))),
        }
    }
}

impl Server {
    #[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    fn new(usage: &ServerUsage, delivered: u64, connected: u64) -> Self {
        let cpu = || {
            let (end, elapsed) = usage.end?;
            Some((end.cpu.saturating_sub(usage.seated?.cpu).as_secs_f64(), elapsed.as_secs_f64()))
        };
        let rss = || Some(usage.seated?.rss_kib as f64 - usage.before?.rss_kib as f64);
        Self {
            cpu_us_per_position: cpu().filter(|_| delivered > 0).map(|(cpu_s, _)| cpu_s * 1e6 / delivered as f64),
            cpu_percent: cpu().map(|(cpu_s, elapsed_s)| cpu_s / elapsed_s * 100.0),
            rss_kib_per_player: rss().filter(|_| connected > 0).map(|kib| kib / connected as f64),
        }
    }
}

/// Causes and their counts, as `taken 3, too_fast 1`.
pub(super) fn causes(causes: &Causes) -> String {
    causes.iter().map(|(cause, count)| format!("{cause} {count}")).collect::<Vec<_>>().join(", ")
}

/// Why the run says nothing about the server.
fn void_reasons(totals: &Totals, slip_ms: &Percentiles) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(p99) = slip_ms.p99.filter(|&p99| p99 > SLIP_LIMIT_MS) {
        reasons.push(format!("the schedule slipped by {p99:.1} ms at p99, over the limit of {SLIP_LIMIT_MS} ms"));
    }
    if totals.moves_unsent > 0 {
        reasons.push(format!("the bot did not get round to sending {} moves that were due", totals.moves_unsent));
    }
    let missing = totals.positions.missing;
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

fn command_line() -> Vec<String> {
    std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
