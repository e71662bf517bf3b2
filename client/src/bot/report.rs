//! The report of a run: what its JSON holds. The field names are a contract: they are only added to.
//!
//! Percentiles are milliseconds and `null` where nothing was measured. What only some runs have is left out of the others.

use super::{
    ledger::{Causes, sum},
    metrics::Percentiles,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a run found.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Report {
    pub(super) bot: Bot,
    /// As it was asked for.
    pub(super) address: String,
    pub(super) seed: u64,
    /// Actions per second and player: of the only honest scenario, or of the first.
    pub(super) rate: f64,
    /// As it was asked for.
    pub(super) duration_s: f64,
    /// How long actions fell due.
    pub(super) elapsed_s: f64,
    pub(super) threads: usize,
    pub(super) cut_short: bool,
    /// Honest players, all scenarios together.
    pub(super) players: Players,
    /// Moves on the board.
    pub(super) moves: Moves,
    /// Positions on the board.
    pub(super) positions: Deliveries,
    pub(super) latency_ms: Latency,
    pub(super) slip_ms: Percentiles,
    pub(super) bytes: Bytes,
    /// By name, in the order in which they were asked for.
    pub(super) scenarios: Vec<Scenario>,
    /// One sample a second, from the first connect on.
    pub(super) series: Vec<Sample>,
    /// The main latency of the first honest scenario that has one, as a curve.
    pub(super) curve: Vec<CurvePoint>,
    /// With `--server-pid` or `--server-metrics` only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) server: Option<Server>,
    /// The same of the bot's own process, where the system tells it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) own: Option<Server>,
    /// With `--find-capacity` only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) capacity: Option<Capacity>,
    /// With `--record` only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) record: Option<Record>,
    /// With `--replay` only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) replay: Option<Replay>,
    /// Whether the run says nothing about the server.
    pub(super) void: bool,
    pub(super) void_reasons: Vec<String>,
    /// Why the run failed; `null` where it did not.
    pub(super) failure: Option<String>,
}

/// Who measured, and where.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Bot {
    pub(super) version: String,
    pub(super) command: Vec<String>,
    /// When the run began, in UTC (RFC 3339, whole seconds).
    pub(super) started: String,
    /// Such as `linux x86_64`.
    pub(super) system: String,
    /// The processor's name, where the system tells it.
    pub(super) processor: Option<String>,
    pub(super) cores: usize,
}

/// What became of players.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct Players {
    pub(super) asked: u64,
    pub(super) connected: u64,
    pub(super) failed: u64,
    pub(super) failed_by: Causes,
    pub(super) lost: u64,
    pub(super) lost_by: Causes,
    pub(super) denied_by: Causes,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct Moves {
    pub(super) due: u64,
    pub(super) sent: u64,
    pub(super) acked: u64,
    pub(super) refused: u64,
    pub(super) refused_by: RefusedBy,
    pub(super) unanswered: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct RefusedBy {
    pub(super) off_board: u64,
    pub(super) taken: u64,
    pub(super) too_fast: u64,
}

/// What was due to the bot's players, and what of it came.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct Deliveries {
    pub(super) due: u64,
    /// Those that came, the late ones included.
    pub(super) delivered: u64,
    /// Those that came more than a second after they were due.
    pub(super) late: u64,
    pub(super) missing: u64,
    /// `left_out` (of batches, for a slow player), `disconnected`, `not_arrived` (by the end of the run), `never_sent` (to anyone).
    pub(super) missing_by: Causes,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Latency {
    pub(super) move_to_self: Percentiles,
    pub(super) move_to_others: Percentiles,
    pub(super) connect: Percentiles,
}

/// In the measured window.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct Bytes {
    pub(super) received: u64,
    pub(super) sent: u64,
}

/// One scenario's part of a run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Scenario {
    /// As in `--list`.
    pub(super) name: String,
    pub(super) hostile: bool,
    /// Actions per second and player.
    pub(super) rate: f64,
    pub(super) players: Players,
    /// What honest players did that others see or that is answered at once: moves, lines of chat, signals.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) messages: Option<Messages>,
    /// What of those came to whom it was due.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) deliveries: Option<Deliveries>,
    /// What honest players did that takes several packets: a room changed, a sign-in, a connection resumed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) operations: Option<Operations>,
    /// What hostile ones did.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) attack: Option<Attack>,
    /// Which of `latency_ms` is the main one; `null` where there is none.
    pub(super) main: Option<String>,
    /// By name: `to_self`, `to_others`, `echo`, `change`, `register`, `sign_in`, `resume`, `connect`.
    pub(super) latency_ms: BTreeMap<String, Percentiles>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct Messages {
    pub(super) due: u64,
    pub(super) sent: u64,
    /// Those that the sender saw done.
    pub(super) acked: u64,
    pub(super) refused: u64,
    pub(super) unanswered: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct Operations {
    pub(super) due: u64,
    pub(super) done: u64,
    pub(super) failed: u64,
    pub(super) failed_by: Causes,
    /// Neither done nor failed at the end.
    pub(super) unfinished: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct Attack {
    /// Connections begun.
    pub(super) attempts: u64,
    /// Those that the server took.
    pub(super) connected: u64,
    /// How those ended, by why: `closed`, `reset`, `kicked_flooding`, `denied_malformed`...
    pub(super) ended_by: Causes,
    /// How long they lasted, in ms.
    pub(super) lasted_ms: Percentiles,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    /// Frames sent, where the attack has frames.
    pub(super) frames_sent: u64,
}

/// The state of things at one second.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct Sample {
    /// Since the first connect.
    pub(super) at_s: f64,
    /// Whether actions fell due in the second that ends here.
    pub(super) measured: bool,
    /// Honest players there now.
    pub(super) players: u64,
    pub(super) failed: u64,
    pub(super) lost: u64,
    /// In the second that ends here, for each second.
    pub(super) sent_per_s: f64,
    pub(super) delivered_per_s: f64,
    /// Denied requests, refused moves, failed operations and lost players in the second that ends here.
    pub(super) errors_per_s: f64,
    /// The main latencies of all honest scenarios in that second, and the schedule's slip.
    pub(super) p50_ms: Option<f64>,
    pub(super) p90_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    pub(super) max_ms: Option<f64>,
    pub(super) slip_p99_ms: Option<f64>,
    /// Of one core.
    pub(super) server_cpu_percent: Option<f64>,
    pub(super) server_rss_kib: Option<u64>,
}

/// So many percent took no longer than that.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
pub(super) struct CurvePoint {
    pub(super) percentile: f64,
    pub(super) ms: f64,
    /// How many that are.
    pub(super) count: u64,
}

/// What a process used. `null` where there is nothing to divide by, or where the process ended before the run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Server {
    pub(super) cpu_us_per_position: Option<f64>,
    pub(super) cpu_percent: Option<f64>,
    pub(super) rss_kib_per_player: Option<f64>,
}

/// How many players the server holds at this workload.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Capacity {
    /// The `--limit` that had to hold.
    pub(super) limit: String,
    /// The most players with whom it held for a long window; 0 where it never did. Of a search that was cut short, the most with
    /// whom it held so far.
    pub(super) players: u64,
    /// Why no more were tried or held, for people.
    pub(super) stopped_by: String,
    /// Every hold, in order.
    pub(super) steps: Vec<Step>,
}

/// One hold of a search.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Step {
    /// Since the first connect.
    pub(super) at_s: f64,
    pub(super) players: u64,
    /// `grow`, `narrow` or `confirm`.
    pub(super) phase: String,
    pub(super) held: bool,
    /// Which condition broke and its value, or why the hold was void.
    pub(super) broken: Option<String>,
    pub(super) p50_ms: Option<f64>,
    pub(super) p99_ms: Option<f64>,
    pub(super) max_ms: Option<f64>,
    pub(super) slip_p99_ms: Option<f64>,
    pub(super) lost: u64,
    pub(super) delivered: f64,
    pub(super) server_cpu_percent: Option<f64>,
}

/// What was recorded.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Record {
    pub(super) file: String,
    pub(super) connections: u64,
    /// Of the file.
    pub(super) bytes: u64,
}

/// A recording that was sent again, and what came of it this time.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Replay {
    pub(super) file: String,
    /// What was recorded, and what the server of then said.
    pub(super) recording: Recording,
    /// Of honest players.
    pub(super) frames: Frames,
    /// What this run's server said.
    pub(super) received: Received,
    /// Connections that the recorded server had ended and this one had not, two seconds later.
    pub(super) not_ended: u64,
}

/// See [`Replay`].
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub(super) struct Recording {
    /// The bot's version.
    pub(super) version: String,
    pub(super) command: Vec<String>,
    pub(super) address: String,
    pub(super) seed: u64,
    /// In UTC (RFC 3339, whole seconds).
    pub(super) started: String,
    /// Whether it has its end; one that has not is replayed as far as it goes.
    pub(super) whole: bool,
    pub(super) connections: u64,
    pub(super) bytes_sent: u64,
    pub(super) received: Received,
}

/// Frames that were sent again.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub(super) struct Frames {
    pub(super) due: u64,
    pub(super) sent: u64,
    /// Answers to pings of the recorded server; the replay answers those of its own, which are not counted.
    pub(super) pongs_left_out: u64,
    /// Resumes for which this server had given no token.
    pub(super) without_token: u64,
}

/// What a server said to all connections.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct Received {
    pub(super) bytes: u64,
    pub(super) frames: u64,
    /// By the names of their packets, such as `updates`.
    pub(super) frames_by: Causes,
    /// On the board.
    pub(super) positions: u64,
    /// Messages of honest players whose sender saw them done.
    pub(super) acked: u64,
    pub(super) refused: u64,
    pub(super) denied_by: Causes,
}

impl Replay {
    /// What both servers said, side by side: the name, then, and now.
    pub(super) fn rows(&self) -> Vec<(String, u64, u64)> {
        let (then, now) = (&self.recording.received, &self.received);
        let row = |name: &str, of: fn(&Received) -> u64| (name.to_owned(), of(then), of(now));
        let mut rows = vec![row("bytes", |found| found.bytes), row("frames", |found| found.frames)];
        for (name, &count) in &now.frames_by {
            let before = then.frames_by.get(name).copied().unwrap_or(0);
            rows.push((format!("  {}", name.replace('_', " ")), before, count));
        }
        rows.push(row("positions", |found| found.positions));
        rows.push(row("messages acked", |found| found.acked));
        rows.push(row("messages refused", |found| found.refused));
        rows
    }
}

impl Players {
    /// Adds another group's.
    pub(super) fn add(&mut self, other: &Self) {
        self.asked += other.asked;
        self.connected += other.connected;
        for (into, from) in [
            (&mut self.failed_by, &other.failed_by),
            (&mut self.lost_by, &other.lost_by),
            (&mut self.denied_by, &other.denied_by),
        ] {
            for (cause, count) in from {
                *into.entry(cause.clone()).or_default() += count;
            }
        }
        self.failed = sum(&self.failed_by);
        self.lost = sum(&self.lost_by);
    }
}

/// Causes and their counts, as `taken 3, too_fast 1`.
pub(super) fn causes(causes: &Causes) -> String {
    causes.iter().map(|(cause, count)| format!("{cause} {count}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::Report;
    use crate::bot::sample_report::everything;
    use serde_json::Value;

    const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/bot-report.schema.json");

    /// As the types are now. `UPDATE_SCHEMA=1` writes it down.
    fn schema() -> Value {
        let schema = schemars::schema_for!(Report);
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(PUBLISHED, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
        }
        schema.into()
    }

    #[test]
    fn the_published_schema_is_the_types_own() {
        let own = schema();
        let published: Value = serde_json::from_str(&std::fs::read_to_string(PUBLISHED).unwrap()).unwrap();
        assert_eq!(published, own, "UPDATE_SCHEMA=1 cargo test -p malpan-client --bin malpan schema writes it anew");
    }

    #[test]
    fn a_report_is_as_the_schema_says_and_something_else_is_not() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let mut report = serde_json::to_value(everything()).unwrap();
        assert!(validator.is_valid(&report), "{:?}", validator.iter_errors(&report).next());
        report["players"]["lost"] = "two".into();
        assert!(!validator.is_valid(&report));
    }
}
