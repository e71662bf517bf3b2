//! The bot's flags, and what they mean together.

use super::{
    expression::Expression,
    gauge::{Gauge, MetricsUrl},
    open_files, plan,
    scenario::{Mix, Scenario},
};
use crate::{address::Address, tls_args::TlsArgs};
use anyhow::Result;
use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

/// The most moves a second of one player.
const MAX_RATE: f64 = 1_000.0;
/// The longest a run may take.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);
/// The most threads.
const MAX_THREADS: usize = 256;

/// How many players a search for the limit tries at the most where nothing says how many, and how long each of its windows
/// is.
const SEARCHED_PLAYERS: u32 = 20_000;
const SEARCH_WINDOW: Duration = Duration::from_secs(5);
const WINDOW: Duration = Duration::from_secs(10);
/// What has to hold in a search where nothing says what.
const LIMIT: &str = "p99<100ms,lost=0,delivered>=0.999";

/// How many players there are where nothing says how many.
const PLAYERS: u32 = 100;

const AFTER_HELP: &str = "\
Every player acts at its own fixed times, whether or not the last action was answered; latency counts from when the \
action was due. A position is due to every player of this run that sat in the room when the server sent the batch \
with the step, and a line or a signal to every one that sat there when it was said; positions in snapshots do not count \
as delivered, and neither does what strangers do.

A mix is NAME, or NAME:SHARE,NAME:SHARE, each with @RATE where it has a rate of its own: walk:80,chat:20@1. The shares are \
how many players each scenario has, or, with --players, how they are divided.

JSON (docs/bot-report.schema.json; percentiles are p50, p90, p99, p999, max and count, null where nothing was measured):
  bot.{version,command,...}  address  seed  rate  duration_s  elapsed_s  threads  cut_short
  players.{asked,connected,failed,failed_by,lost,lost_by,denied_by}
  moves.{due,sent,acked,refused,unanswered}  moves.refused_by.{off_board,taken,too_fast}
  positions.{due,delivered,late,missing,missing_by}
  latency_ms.{move_to_self,move_to_others,connect}.p99 and the others  slip_ms.p99 and the others
  bytes.{received,sent}  (in the measured window)
  scenarios  one for each: {name,players,messages,deliveries,operations,attack,latency_ms}
  series  one sample for each second    curve  the main latency's
  server.{cpu_us_per_position,cpu_percent,rss_kib_per_player}  (with --server-pid; % of one core)  own, the bot's
  record.{file,connections,bytes}  (with --record)
  replay.{recording,frames,received,...}  (with --replay): what was recorded, and what came this time
  void  void_reasons

A recording (--record) holds all that every connection sent and received, with times: passwords and resume tokens are in it. \
--replay sends it to ADDR, each connection and each piece at its time; pings are answered anew, resumes have this server's \
tokens, and the players' names get this run's number. Its main latency is that of connecting.

An expression is NAME OPERATOR NUMBER, joined by commas (all of them hold) and bars (one side holds): p99<50ms,lost=0. A name \
is a path of the JSON, entries of scenarios by their names (scenarios.chat.deliveries.missing), or one of p50 p90 p99 p999 max \
(of the main latency: the walkers', else the first scenario's), delivered (the ratio), missing, late, lost, failed, connected, \
slip, cpu, memory, us_per_position, void. Units: us, ms, s, %, k. What was not measured fulfils no condition.

Exit status: 0 done; 1 failed: no player got a seat, every player was lost, or a search was cut short; 2 usage; 3 a --limit or --fail-if says so; \
4 void, whatever they say: the schedule slipped by more than 5 ms at p99, or the bot itself was too slow to send or to read.";

/// Flags.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The server, as HOST:PORT or HOST
    #[arg(value_name = "ADDR", env = "MALPAN_ADDR", hide_env_values = true, default_value = "127.0.0.1:7777")]
    pub(super) address: Address,
    #[command(flatten)]
    pub(super) tls: TlsArgs,
    /// What the players do; --list has the scenarios
    #[arg(long, value_name = "MIX", default_value = "walk")]
    pub(super) scenario: Mix,
    /// List the scenarios and their rates
    #[arg(long, exclusive = true)]
    pub(super) list: bool,
    /// How many players [default: the shares of --scenario, or 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(plan::MAX_PLAYERS)))]
    pub(super) players: Option<u32>,
    /// Actions per second of each honest player [default: the scenario's]; of walkers, 0 holds them seated and idle
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    pub(super) rate: Option<f64>,
    /// For how long actions fall due, once everyone is there [default: 10s; 5s for each window of a search, and six times as long for those that confirm]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(super) duration: Option<Duration>,
    /// Search for the most players with whom --limit holds [default then: p99<100ms,lost=0,delivered>=0.999], up to --players
    /// [default then: 20000]
    #[arg(long)]
    pub(super) find_capacity: bool,
    /// What has to hold, such as 'p99<50ms,lost=0': exit status 3 where it does not
    #[arg(long, value_name = "EXPRESSION")]
    pub(super) limit: Option<Expression>,
    /// What must not hold, such as 'p99>50ms|lost>0': exit status 3 where it does
    #[arg(long, value_name = "EXPRESSION")]
    pub(super) fail_if: Option<Expression>,
    /// The server's process on this machine: report its CPU and memory too
    #[arg(long, value_name = "PID", conflicts_with = "server_metrics")]
    pub(super) server_pid: Option<u32>,
    /// The server's page of metrics, such as 127.0.0.1:7780: the same from there
    #[arg(long, value_name = "URL")]
    pub(super) server_metrics: Option<MetricsUrl>,
    /// Write the report as JSON to a file, or to stdout (-), where the table then goes to stderr
    #[arg(long, value_name = "FILE|-")]
    pub(super) json: Option<PathBuf>,
    /// Write the report as one page to look at, with plots: it needs no network
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
    /// Put two reports side by side, as --json wrote them; nothing is run
    #[arg(long, value_names = ["A.json", "B.json"], num_args = 2, exclusive = true)]
    pub(super) compare: Option<Vec<PathBuf>>,
    /// Lines on stderr in place of the dashboard, on a terminal too
    #[arg(long)]
    pub(super) no_tui: bool,
    /// Decides every player's phase and walk
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// Write what every connection sends and receives to a file, to be sent again; passwords are in it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["find_capacity", "replay", "compare", "list"])]
    pub(super) record: Option<PathBuf>,
    /// Send again what --record wrote, each connection and each piece at its time
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["scenario", "players", "rate", "duration", "seed", "find_capacity", "compare", "list"]
    )]
    pub(super) replay: Option<PathBuf>,
    /// Threads to share the players among [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    pub(super) threads: Option<NonZeroUsize>,
    /// Let hostile scenarios go to a server that is not on this machine: it is yours
    #[arg(long)]
    pub(super) i_own_this_server: bool,
}

impl Args {
    /// How long a window is.
    pub(super) fn window(&self) -> Duration {
        self.duration.unwrap_or(if self.find_capacity { SEARCH_WINDOW } else { WINDOW })
    }

    /// What is wrong with the flags together.
    pub(super) fn usage_problem(&self) -> Option<String> {
        let written: Vec<_> = [&self.json, &self.report, &self.record].into_iter().flatten().collect();
        if let Some(twice) =
            written.iter().enumerate().find_map(|(index, path)| written[..index].contains(path).then_some(path))
        {
            return Some(format!("--json, --report and --record want a file each: {} is named twice", twice.display()));
        }
        let parts = self.scenario.parts();
        if !self.find_capacity {
            return None;
        }
        if parts.iter().any(|part| part.scenario == Scenario::Storm) {
            return Some("--find-capacity adds players step by step, and a storm comes at once".into());
        }
        parts
            .iter()
            .all(|part| part.scenario.is_hostile())
            .then(|| "--find-capacity needs a scenario that is not hostile".into())
    }

    /// How many players the run has; of a search, at the most.
    pub(super) fn players(&self) -> Result<u32> {
        let shares = self.scenario.players().filter(|_| !self.find_capacity);
        let default = if self.find_capacity { SEARCHED_PLAYERS } else { PLAYERS };
        let players = self.players.or(shares).unwrap_or(default).min(plan::MAX_PLAYERS);
        if !self.find_capacity {
            return Ok(players);
        }
        let possible = open_files::most()?.min(players);
        if possible < players {
            eprintln!("malpan bot: this process may open files for {possible} players; raise the hard limit for more");
        }
        Ok(possible)
    }

    /// Threads to run: never more than players.
    pub(super) fn threads(&self, players: u32) -> usize {
        let wanted = self.threads.or_else(|| std::thread::available_parallelism().ok());
        wanted.map_or(1, NonZeroUsize::get).min(players as usize).min(MAX_THREADS)
    }

    /// Where to look what the server uses.
    pub(super) fn server(&self) -> Option<Gauge> {
        self.server_pid.map(Gauge::Process).or_else(|| self.server_metrics.clone().map(Gauge::Metrics))
    }

    /// What has to hold in a search.
    pub(super) fn limit(&self) -> Expression {
        self.limit.clone().unwrap_or_else(|| LIMIT.parse().expect("a valid constant"))
    }
}

/// Actions per second, as `--rate` and a mix have them.
///
/// # Errors
/// Where it is none, or out of range.
pub(super) fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.0..=MAX_RATE).contains(&rate) && (rate == 0.0 || rate >= 0.001) => Ok(rate),
        _ => Err(format!("not 0, and not a number of moves per second from 0.001 to {MAX_RATE}")),
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if duration.is_zero() || duration > MAX_DURATION {
        return Err("not above 0 and up to 24h".into());
    }
    Ok(duration)
}

fn parse_threads(text: &str) -> Result<NonZeroUsize, String> {
    let threads = text.parse::<NonZeroUsize>().ok().filter(|threads| threads.get() <= MAX_THREADS);
    threads.ok_or_else(|| format!("not a number from 1 to {MAX_THREADS}"))
}

#[cfg(test)]
mod tests {
    use super::{parse_duration, parse_rate, parse_threads};

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert!(parse_rate("0").is_ok() && parse_rate("0.5").is_ok() && parse_rate("1000").is_ok());
        for bad in ["-1", "NaN", "inf", "1001", "1e-9", "x"] {
            assert!(parse_rate(bad).is_err(), "{bad}");
        }
        assert!(parse_duration("1ms").is_ok() && parse_duration("24h").is_ok());
        for bad in ["0s", "25h", "5", "-1s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
        assert!(parse_threads("1").is_ok() && parse_threads("0").is_err() && parse_threads("257").is_err());
    }
}
