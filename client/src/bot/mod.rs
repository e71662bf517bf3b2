//! `malpan bot`: thousands of players in one process, and what they feel.
//!
//! ```text
//! args.rs               the flags
//! conductor.rs          beside the threads, whatever they play: Ctrl-C, screen.rs, sampler.rs each second, what is used
//! run.rs                connect everyone, open the window, wait for what is in flight, collect
//!   thread.rs (one per core, no work stealing)   player tasks, kept to their time by pace.rs
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

mod args;
mod capacity;
mod cause;
mod common;
mod compare;
mod conductor;
mod connect;
mod dashboard;
mod expression;
#[cfg(test)]
mod expression_tests;
mod gauge;
mod goal;
mod hostile;
mod html;
mod ledger;
mod member;
mod message;
mod metrics;
mod open_files;
mod ops;
mod outcome;
mod output;
mod pace;
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

pub(crate) use args::Args;

use anyhow::{Context, Result};
use conductor::Options;
use malpan_client::Tls;
use output::Output;
use plan::Plan;
use record::Header;
use replay::Script;
use report::Report;
use run::Run;
use screen::Screen;
use std::{
    io::{self, Write},
    process::ExitCode,
    sync::Arc,
    time::SystemTime,
};
use summary::Asked;
use table::Table;

const EXIT_FAILED: u8 = 1;
const EXIT_USAGE: u8 = 2;
const EXIT_THRESHOLD: u8 = 3;
const EXIT_VOID: u8 = 4;

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
    if let Some(problem) = args.usage_problem() {
        return Err(Usage(problem).into());
    }
    // Read first: it may be the file that a report would be written to.
    let run = rand::random();
    let script = args.replay.as_deref().map(|path| Script::load(path, run)).transpose()?;
    // Opened first: a run is too long to find out afterwards that its report cannot be written.
    let json = args.json.as_deref().map(Output::open).transpose()?;
    let page = args.report.as_deref().map(Output::open).transpose()?;
    let report = match script {
        Some(script) => replay(args, script)?,
        None => play(args, run)?,
    };

    let table = Table(&report);
    match &json {
        Some(Output::Stdout) => eprint!("{table}"),
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
    let players = args.players()?;
    let threads = args.threads(players);
    let asked = Asked {
        address: args.address.to_string(),
        seed: args.seed,
        duration: args.window(),
        threads,
        started: SystemTime::now(),
    };
    let plan = Plan::new(&args.scenario, players, args.rate, args.seed, run);
    check_figures(args, &summary::empty(&asked, &plan, args.server().is_some()))?;
    let tls = args.tls.load()?;
    let record = args.record.as_deref().map(|path| record::Target::create(path, &header(&asked, run))).transpose()?;
    let options = options(args, tls, threads, &format!("{players} x {}", args.scenario));
    runtime()?.block_on(async {
        let mut run = Run::start(options, plan, record).await?;
        let found = if args.find_capacity {
            search::find(&mut run, &asked, players, &args.limit()).await
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
    let threads = args.threads(script.count());
    let asked = Asked {
        address: args.address.to_string(),
        seed: script.header.seed,
        duration: script.span(),
        threads,
        started: SystemTime::now(),
    };
    check_figures(args, &replay::empty(&asked, &script, args.server().is_some()))?;
    let options = options(args, args.tls.load()?, threads, &format!("replay of {}", file.display()));
    let script = Arc::new(script);
    let findings = runtime()?.block_on(replay::run(options, Arc::clone(&script)))?;
    Ok(replay::report(&asked, &file, &script, findings))
}

/// Where the bot goes, and how. `what`: for the screen.
fn options(args: &Args, tls: Option<Tls>, threads: usize, what: &str) -> Options {
    Options {
        address: args.address.to_string(),
        tls,
        threads,
        server: args.server(),
        owned: args.i_own_this_server,
        screen: Screen::start(format!("malpan bot {}: {what}", args.address), !args.no_tui),
    }
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
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
    // A search's voids and its limit are part of its answer.
    let searched = report.capacity.is_some();
    if report.capacity.as_ref().is_some_and(|capacity| capacity.players == 0) {
        return Ok(EXIT_THRESHOLD);
    }
    if report.void && !searched {
        return Ok(EXIT_VOID);
    }
    let limit = args.limit.as_ref().filter(|_| !searched);
    let figures = serde_json::to_value(report).context("the report is not JSON")?;
    let mut code = 0;
    for (flag, expression, wanted) in [("--limit", limit, true), ("--fail-if", args.fail_if.as_ref(), false)] {
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

/// A name in an expression that no report of such a run has: better said now than after the run.
///
/// # Errors
/// The first.
fn check_figures(args: &Args, empty: &Report) -> Result<()> {
    let empty = serde_json::to_value(empty).context("the report is not JSON")?;
    let limit = (args.limit.is_some() || args.find_capacity).then(|| args.limit());
    let mut expressions = limit.iter().chain(&args.fail_if);
    expressions.try_for_each(|expression| expression.check(&empty)).map_err(|problem| Usage(problem).into())
}

/// One window with all players.
async fn hold(run: &mut Run, asked: &Asked, players: u32) -> Result<Report> {
    run.grow_to(players).await;
    let findings = run.hold(asked.duration).await?;
    Ok(summary::report(asked, run.plan(), &findings))
}
