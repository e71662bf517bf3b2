//! `malpan bot`: thousands of players in one process, and what they feel.
//!
//! ```text
//! run.rs (conductor)    connect everyone, open the window, wait for what is in flight, collect; sampler.rs each second
//!   thread.rs (one per core, no work stealing)   player tasks and one pacer
//!     worker.rs    players, schedule and notes of one thread
//!       pacer.rs   which action is due next          member.rs  what a player sends and receives
//!       player.rs  a connection                      rooms.rs   what was due to whom, settled at the end
//!       ops/       players whose work takes several packets
//!   hostile/       attackers, on a thread of their own
//! summary.rs -> report.rs, table.rs <- outcome.rs <- the threads' notes (ledger.rs)
//! capacity.rs      grows and holds until the limit breaks
//! record/          --record: what every connection sends and receives, noted beside the stream, on its way to a file
//! replay/          --replay: the file sent again; the same report
//! ```
//!
//! Invariant: the load is open-loop. When an action is due depends on the seed and its number alone, never on what the
//! server answered; latency counts from that time; and a run in which the bot itself was late or lossy is void.

mod capacity;
mod cause;
mod compare;
mod connect;
mod dashboard;
mod expression;
#[cfg(test)]
mod expression_tests;
mod gauge;
mod hostile;
mod html;
mod ledger;
mod member;
mod message;
mod metrics;
mod open_files;
mod ops;
mod outcome;
mod pacer;
mod plan;
mod player;
mod process;
mod progress;
mod record;
mod replay;
mod report;
mod rooms;
mod run;
#[cfg(test)]
mod sample_report;
mod sampler;
mod scenario;
mod screen;
mod search;
mod shared;
mod steps;
mod summary;
mod table;
mod thread;
mod worker;

use crate::tls_args::TlsArgs;
use anyhow::{Context, Result};
use expression::Expression;
use gauge::{Gauge, MetricsUrl};
use plan::Plan;
use record::Header;
use replay::Script;
use report::Report;
use run::{Options, Run};
use scenario::Mix;
use screen::Screen;
use std::{
    fs::File,
    io::{self, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, SystemTime},
};
use summary::Asked;
use table::Table;

/// The most moves a second of one player.
const MAX_RATE: f64 = 1_000.0;
/// The longest a run may take.
const MAX_DURATION: Duration = Duration::from_secs(24 * 60 * 60);
/// The most threads.
const MAX_THREADS: usize = 256;

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;
const EXIT_THRESHOLD: u8 = 3;
const EXIT_VOID: u8 = 4;

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

Exit status: 0 done; 1 failed: no player got a seat, or every player was lost; 2 usage; 3 a --limit or --fail-if says so; \
4 void, whatever they say: the schedule slipped by more than 5 ms at p99, or the bot itself was too slow to send or to read.";

/// Flags.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The server
    #[arg(value_name = "ADDR", default_value = "127.0.0.1:7777")]
    address: String,
    #[command(flatten)]
    tls: TlsArgs,
    /// What the players do; --list has the scenarios
    #[arg(long, value_name = "MIX", default_value = "walk")]
    scenario: Mix,
    /// List the scenarios and their rates
    #[arg(long)]
    list: bool,
    /// How many players [default: the shares of --scenario, or 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(plan::MAX_PLAYERS)))]
    players: Option<u32>,
    /// Actions per second of each honest player [default: the scenario's]; of walkers, 0 holds them seated and idle
    #[arg(long, value_name = "RATE", value_parser = parse_rate)]
    rate: Option<f64>,
    /// For how long actions fall due, once everyone is there [default: 10s; 5s for each window of a search]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    duration: Option<Duration>,
    /// Search for the most players with whom --limit holds, up to --players [default then: 20000]
    #[arg(long)]
    find_capacity: bool,
    /// What has to hold, such as 'p99<50ms,lost=0': exit status 3 where it does not
    #[arg(long, value_name = "EXPRESSION")]
    limit: Option<Expression>,
    /// What must not hold, such as 'p99>50ms|lost>0': exit status 3 where it does
    #[arg(long, value_name = "EXPRESSION")]
    fail_if: Option<Expression>,
    /// The server's process on this machine: report its CPU and memory too
    #[arg(long, value_name = "PID", conflicts_with = "server_metrics")]
    server_pid: Option<u32>,
    /// The server's page of metrics, such as 127.0.0.1:7780: the same from there
    #[arg(long, value_name = "URL")]
    server_metrics: Option<MetricsUrl>,
    /// Write the report as JSON to a file, or to stdout (-), where the table then goes to stderr
    #[arg(long, value_name = "FILE|-")]
    json: Option<PathBuf>,
    /// Write the report as one page to look at, with plots: it needs no network
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Put two reports side by side, as --json wrote them; nothing is run
    #[arg(long, value_names = ["A.json", "B.json"], num_args = 2)]
    compare: Option<Vec<PathBuf>>,
    /// Lines on stderr in place of the dashboard, on a terminal too
    #[arg(long)]
    no_tui: bool,
    /// Decides every player's phase and walk
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Write what every connection sends and receives to a file, to be sent again; passwords are in it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["find_capacity", "replay", "compare", "list"])]
    record: Option<PathBuf>,
    /// Send again what --record wrote, each connection and each piece at its time
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["scenario", "players", "rate", "duration", "seed", "find_capacity", "compare", "list"]
    )]
    replay: Option<PathBuf>,
    /// Threads to share the players among [default: one per core]
    #[arg(long, value_name = "N", value_parser = parse_threads)]
    threads: Option<NonZeroUsize>,
    /// Let hostile scenarios go to a server that is not on this machine: it is yours
    #[arg(long)]
    i_own_this_server: bool,
}

/// Runs the bot and prints what it found.
pub(crate) fn run(args: Args) -> ExitCode {
    match measure(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("malpan bot: {error:#}");
            ExitCode::from(if error.is::<Usage>() { EXIT_USAGE } else { EXIT_FAILED })
        }
    }
}

/// The flags do not go together, or ask for what such a run does not have.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

fn measure(args: &Args) -> Result<ExitCode> {
    if args.list {
        write!(io::stdout(), "{}", scenario::list()).context("writing the list to stdout")?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(files) = &args.compare {
        write!(io::stdout(), "{}", compare::files(files)?).context("writing to stdout")?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(problem) = usage_problem(args) {
        return Err(Usage(problem).into());
    }
    // Read first: it may be the file that a report would be written to.
    let run = rand::random();
    let script = args.replay.as_deref().map(|path| Script::load(path, run)).transpose()?;
    // Opened first: a run is too long to find out afterwards that its report cannot be written.
    let json = args.json.as_deref().map(Target::open).transpose()?;
    let page = args.report.as_deref().map(Target::open).transpose()?;
    let report = match script {
        Some(script) => replay(args, script)?,
        None => play(args, run)?,
    };

    let table = Table(&report);
    match &json {
        Some(Target::Stdout) => eprint!("{table}"),
        _ => write!(io::stdout(), "{table}").context("writing the table to stdout")?,
    }
    if let Some(target) = json {
        let mut text = serde_json::to_string_pretty(&report).context("the report is not JSON")?;
        text.push('\n');
        target.write(&text)?;
    }
    if let Some(target) = page {
        target.write(&html::page(&report))?;
    }
    let code = judge(args, &report)?;
    Ok(if code == 0 { ExitCode::SUCCESS } else { ExitCode::from(code) })
}

/// Runs what the flags ask for. `run`: this run's own number.
fn play(args: &Args, run: u32) -> Result<Report> {
    let players = players(args)?;
    let threads = threads(args, players);
    let asked = Asked {
        address: args.address.clone(),
        seed: args.seed,
        duration: args.duration.unwrap_or(if args.find_capacity { SEARCH_WINDOW } else { WINDOW }),
        threads,
        started: SystemTime::now(),
    };
    let server = server(args);
    let plan = Plan::new(&args.scenario, players, args.rate, args.seed, run);
    check_figures(args, &summary::empty(&asked, &plan, server.is_some()))?;
    let tls = args.tls.load()?;
    let record = args.record.as_deref().map(|path| record::Target::create(path, &header(&asked, run))).transpose()?;
    let options = Options {
        address: args.address.clone(),
        tls,
        threads,
        server,
        owned: args.i_own_this_server,
        screen: Screen::start(format!("malpan bot {}: {players} x {}", args.address, args.scenario), !args.no_tui),
        record,
    };
    runtime()?.block_on(async {
        let mut run = Run::start(options, plan).await?;
        let found = if args.find_capacity {
            search::find(&mut run, &asked, players, &limit(args)).await
        } else {
            hold(&mut run, &asked, players).await
        };
        let (series, recorded) = run.end()?;
        found.map(|report| summary::with_end(report, series, recorded))
    })
}

/// Sends a recording again.
fn replay(args: &Args, script: Script) -> Result<Report> {
    let file = args.replay.clone().unwrap_or_default();
    if !script.whole {
        eprintln!("malpan bot: {} was cut off: it is replayed as far as it goes", file.display());
    }
    let threads = threads(args, script.count());
    let asked = Asked {
        address: args.address.clone(),
        seed: script.header.seed,
        duration: script.span(),
        threads,
        started: SystemTime::now(),
    };
    let server = server(args);
    check_figures(args, &replay::empty(&asked, &script, server.is_some()))?;
    let options = replay::Options {
        address: args.address.clone(),
        tls: args.tls.load()?,
        threads,
        server,
        owned: args.i_own_this_server,
        screen: Screen::start(format!("malpan bot {}: replay of {}", args.address, file.display()), !args.no_tui),
    };
    let script = Arc::new(script);
    let findings = runtime()?.block_on(replay::run(options, Arc::clone(&script)))?;
    Ok(replay::report(&asked, &file, &script, findings))
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn server(args: &Args) -> Option<Gauge> {
    args.server_pid.map(Gauge::Process).or_else(|| args.server_metrics.clone().map(Gauge::Metrics))
}

/// What a recording says of its run.
fn header(asked: &Asked, run: u32) -> Header {
    let bot = summary::bot(asked);
    let (address, seed) = (asked.address.clone(), asked.seed);
    Header { bot: bot.version, command: bot.command, address, seed, started: bot.started, run }
}

/// The exit status that a report deserves; says on stderr why it is not 0.
fn judge(args: &Args, report: &Report) -> Result<u8> {
    if let Some(failure) = &report.failure {
        eprintln!("malpan bot: {failure}");
        return Ok(EXIT_FAILED);
    }
    // A search's voids are part of its answer.
    if let Some(capacity) = &report.capacity {
        return Ok(if capacity.players == 0 { EXIT_THRESHOLD } else { 0 });
    }
    if report.void {
        return Ok(EXIT_VOID);
    }
    let figures = serde_json::to_value(report).context("the report is not JSON")?;
    let mut code = 0;
    for (flag, expression, wanted) in [("--limit", &args.limit, true), ("--fail-if", &args.fail_if, false)] {
        let Some(expression) = expression else { continue };
        let verdict = expression.judge(&figures);
        // What was not measured is no success either.
        if verdict.holds != wanted || verdict.unmeasured {
            eprintln!("malpan bot: {flag} {expression}: {}", verdict.because);
            code = EXIT_THRESHOLD;
        }
    }
    Ok(code)
}

fn limit(args: &Args) -> Expression {
    args.limit.clone().unwrap_or_else(|| LIMIT.parse().expect("a valid constant"))
}

/// What is wrong with the flags together.
fn usage_problem(args: &Args) -> Option<String> {
    let parts = args.scenario.parts();
    if !args.find_capacity {
        return None;
    }
    if parts.iter().any(|part| part.scenario == scenario::Scenario::Storm) {
        return Some("--find-capacity adds players step by step, and a storm comes at once".into());
    }
    parts
        .iter()
        .all(|part| part.scenario.is_hostile())
        .then(|| "--find-capacity needs a scenario that is not hostile".into())
}

/// A name in an expression that no report of such a run has: better said now than after the run.
///
/// # Errors
/// The first.
fn check_figures(args: &Args, empty: &Report) -> Result<()> {
    let empty = serde_json::to_value(empty).context("the report is not JSON")?;
    let limit = (args.limit.is_some() || args.find_capacity).then(|| limit(args));
    let mut expressions = limit.iter().chain(&args.fail_if);
    expressions.try_for_each(|expression| expression.check(&empty)).map_err(|problem| Usage(problem).into())
}

/// How many players the run has; of a search, at the most.
fn players(args: &Args) -> Result<u32> {
    let shares = args.scenario.players().filter(|_| !args.find_capacity);
    let default = if args.find_capacity { SEARCHED_PLAYERS } else { PLAYERS };
    let players = args.players.or(shares).unwrap_or(default).min(plan::MAX_PLAYERS);
    if !args.find_capacity {
        return Ok(players);
    }
    let possible = open_files::most()?.min(players);
    if possible < players {
        eprintln!("malpan bot: this process may open files for {possible} players; raise the hard limit for more");
    }
    Ok(possible)
}

/// One window with all players.
async fn hold(run: &mut Run, asked: &Asked, players: u32) -> Result<Report> {
    run.grow_to(players).await;
    let findings = run.hold(asked.duration).await?;
    Ok(summary::report(asked, run.plan(), &findings))
}

/// Threads to run: never more than players.
fn threads(args: &Args, players: u32) -> usize {
    let wanted = args.threads.or_else(|| std::thread::available_parallelism().ok());
    wanted.map_or(1, NonZeroUsize::get).min(players as usize).min(MAX_THREADS)
}

/// Where something is written.
enum Target {
    Stdout,
    File(File, PathBuf),
}

impl Target {
    fn open(path: &Path) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout);
        }
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self::File(file, path.to_owned()))
    }

    fn write(self, text: &str) -> Result<()> {
        match self {
            Self::Stdout => io::stdout().write_all(text.as_bytes()).context("writing to stdout"),
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
