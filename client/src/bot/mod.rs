//! `malpan bot`: thousands of players in one process, and what they feel.
//!
//! ```text
//! run.rs (conductor)    connect everyone, open the window, wait for what is in flight, collect
//!   thread.rs (one per core, no work stealing)   player tasks and one pacer
//!     worker.rs    players, schedule and notes of one thread
//!       pacer.rs   which move is due next          member.rs  what a player receives and where it walks
//!       player.rs  a connection                    rooms.rs   what was due to whom, settled at the end
//! report.rs, table.rs <- outcome.rs <- the threads' notes
//! ```
//!
//! Invariant: the load is open-loop. When a move is due depends on the seed and its number alone, never on what the
//! server answered; latency counts from that time; and a run in which the bot itself was late or lossy is void.

mod cause;
mod connect;
mod ledger;
mod member;
mod metrics;
mod open_files;
mod outcome;
mod pacer;
mod plan;
mod player;
mod procfs;
mod progress;
mod report;
mod rooms;
mod run;
mod shared;
mod steps;
mod table;
mod thread;
mod worker;

use crate::tls_args::TlsArgs;
use anyhow::{Context, Result};
use report::Report;
use std::{
    fs::File,
    io::{self, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use table::Table;

/// The most moves a second of one player.
const MAX_RATE: f64 = 1_000.0;
/// The longest a run may take.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);
/// The most threads.
const MAX_THREADS: usize = 256;

const EXIT_FAILED: u8 = 1;
const EXIT_VOID: u8 = 4;

const AFTER_HELP: &str = "\
Every player makes a move at its own fixed times, whether or not the last one was answered; latency counts from when \
the move was due. A position is due to every player of this run that sat in the room when the server sent the batch \
with the step; positions in snapshots do not count as delivered, and neither do moves of strangers.

JSON (dots are nested objects; percentiles are p50, p90, p99, p999, max and count, null where nothing was measured):
  bot.{version,command}  address  seed  rate  duration_s  elapsed_s  threads  cut_short
  players.{asked,connected,failed,failed_by,lost,lost_by,denied_by}
  moves.{due,sent,acked,refused,unanswered}  moves.refused_by.{off_board,taken,too_fast}
  positions.{due,delivered,missing}
  latency_ms.{move_to_self,move_to_others,connect}.p99 and the others  slip_ms.p99 and the others
  bytes.{received,sent}  (in the measured window)
  server.{cpu_us_per_position,cpu_percent,rss_kib_per_player}  (with --server-pid; % of one core)
  void  void_reasons

Exit status: 0 done; 1 failed: no player got a seat, or every player was lost; 2 usage; 4 void: the schedule slipped \
by more than 5 ms at p99, or the bot itself was too slow to send or to read.";

/// Flags.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The server
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:7777")]
    address: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// How many players
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(plan::MAX_PLAYERS)))]
    players: u32,
    /// Moves per second of each player; 0 holds them seated and idle
    #[arg(long, value_name = "MOVES", default_value_t = 5.0, value_parser = parse_rate)]
    rate: f64,
    /// For how long moves fall due, once everyone is seated
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_duration)]
    duration: Duration,
    /// The server's process on this machine: report its CPU and memory too (Linux)
    #[arg(long, value_name = "PID")]
    server_pid: Option<u32>,
    /// Write the report as JSON to a file, or to stdout (-), where the table then goes to stderr
    #[arg(long, value_name = "FILE|-")]
    json: Option<PathBuf>,
    /// Decides every player's phase and walk
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Threads to share the players among [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    threads: Option<NonZeroUsize>,
}

/// Runs the bot and prints what it found.
pub(crate) fn run(args: Args) -> ExitCode {
    match measure(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("malpan bot: {error:#}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

fn measure(args: &Args) -> Result<ExitCode> {
    // Opened first: a run is too long to find out afterwards that its report cannot be written.
    let json = args.json.as_deref().map(JsonTarget::open).transpose()?;
    let threads = threads(args);
    let report = Report::new(args, threads, run::run(args, threads)?);

    let table = Table(&report);
    match &json {
        Some(JsonTarget::Stdout) => eprint!("{table}"),
        _ => write!(io::stdout(), "{table}").context("writing the table to stdout")?,
    }
    if let Some(target) = json {
        target.write(&report)?;
    }
    Ok(match report.failure() {
        Some(failure) => {
            eprintln!("malpan bot: {failure}");
            ExitCode::from(EXIT_FAILED)
        }
        None if report.void => ExitCode::from(EXIT_VOID),
        None => ExitCode::SUCCESS,
    })
}

/// Threads to run: never more than players.
fn threads(args: &Args) -> usize {
    let wanted = args.threads.or_else(|| std::thread::available_parallelism().ok());
    wanted.map_or(1, NonZeroUsize::get).min(args.players as usize).min(MAX_THREADS)
}

enum JsonTarget {
    Stdout,
    File(File, PathBuf),
}

impl JsonTarget {
    fn open(path: &Path) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout);
        }
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self::File(file, path.to_owned()))
    }

    fn write(self, report: &Report) -> Result<()> {
        let mut text = serde_json::to_string_pretty(report).context("the report is not JSON")?;
        text.push('\n');
        match self {
            Self::Stdout => io::stdout().write_all(text.as_bytes()).context("writing the report to stdout"),
            Self::File(mut file, path) => {
                file.write_all(text.as_bytes()).with_context(|| format!("writing {}", path.display()))
            }
        }
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
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
