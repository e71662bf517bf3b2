//! `--replay FILE`: a recording sent again, each connection and each piece at its time.
//!
//! ```text
//! file -> script.rs (what has to be done, by connection) -> stage.rs (one per thread: what is due next) -> line.rs (a connection)
//! ear.rs      what the server said, of the recording and of the replay, counted by the same rules
//! findings.rs -> the report that every run has
//! ```
//!
//! Invariant: the replay is open-loop as every run is. When something is sent depends on the recording alone; what has to be
//! another because the server is another is in `script.rs`, and nothing else is changed.

mod ear;
mod findings;
mod line;
mod script;
mod stage;

pub(super) use findings::{empty, report};
pub(super) use script::Script;

use super::{
    common::{Common, Live},
    conductor::{Conductor, CutShort, Opened, Options, Used},
    pace,
    plan::nanos,
    report::Sample,
};
use anyhow::{Result, anyhow};
use stage::{Found, Stage};
use std::{
    io,
    sync::{Arc, atomic::AtomicU64},
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::task::coop::unconstrained;

/// Between the start of the threads and the first connect.
const LEAD: Duration = Duration::from_millis(200);
/// When so many connections could not be opened and none could, the others will fare no better.
const HOPELESS: u64 = 64;

/// What a replay found.
#[derive(Debug)]
pub(super) struct Findings {
    found: Found,
    /// How long acts fell due.
    elapsed: Duration,
    cut_short: Option<CutShort>,
    used: Used,
    series: Vec<Sample>,
}

/// Plays a script to its end.
///
/// # Errors
/// Where it cannot begin, or a thread has broken.
pub(super) async fn run(options: Options, script: Arc<Script>) -> Result<Findings> {
    let count = options.threads;
    let hostile = script.is_hostile().then_some("the recording");
    let mut conductor = Conductor::start(options, script.most_at_once(), hostile).await?;
    let common = Arc::clone(&conductor.common);
    let start_ns = common.clock.now_ns() + nanos(LEAD);
    let mut threads = Vec::new();
    for index in 0..count {
        match spawn(&common, &script, index, start_ns) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                // Those that were started must not be left running.
                conductor.end();
                return Err(error.into());
            }
        }
    }
    let elapsed = || Duration::from_nanos(common.clock.now_ns().saturating_sub(start_ns)).min(script.span());
    let (cut_short, opened) = watch(&mut conductor, &threads, &script, elapsed).await;
    let used = conductor.close(opened).await;
    let elapsed = elapsed();
    let series = conductor.end();
    let mut found = Found::default();
    for thread in threads {
        found.merge(&thread.join().map_err(|_| anyhow!("a thread of the bot panicked"))??);
    }
    Ok(Findings { found, elapsed, cut_short, used, series })
}

/// Starts the thread with this index.
///
/// # Errors
/// Where the system starts no thread.
fn spawn(
    common: &Arc<Common>,
    script: &Arc<Script>,
    index: usize,
    start_ns: u64,
) -> io::Result<JoinHandle<io::Result<Found>>> {
    let (common, script) = (Arc::clone(common), Arc::clone(script));
    thread::Builder::new().name(format!("bot-{index}")).spawn(move || {
        let play = async {
            let stage = Stage::new(Arc::clone(&common), script, index, start_ns);
            pace::keep(&common, || stage.borrow_mut().tick()).await;
            stage.borrow_mut().end()
        };
        // What is due is never put off by tokio's budget of a task, which would look like a full socket.
        Ok(pace::runtime()?.block_on(unconstrained(play)))
    })
}

/// Waits until every thread is done. Returns why it is over before, if it is, and what was used until it began to be measured.
/// `elapsed` knows how long acts have been falling due.
async fn watch(
    conductor: &mut Conductor,
    threads: &[JoinHandle<io::Result<Found>>],
    script: &Script,
    elapsed: impl Fn() -> Duration,
) -> (Option<CutShort>, Option<Opened>) {
    let common = Arc::clone(&conductor.common);
    let mut opened = None;
    while !threads.iter().all(JoinHandle::is_finished) {
        if conductor.is_interrupted() {
            return (Some(CutShort::Interrupted), opened);
        }
        if common.sum(|live| &live.settled) == 0 && common.sum(|live| &live.failed) >= HOPELESS {
            return (Some(CutShort::NobodySeated), opened);
        }
        let (elapsed, span) = (elapsed(), script.span());
        let measured = elapsed >= script.lead();
        if measured && opened.is_none() {
            opened = Some(conductor.open().await);
        }
        let done = elapsed.as_secs_f64() / span.as_secs_f64().max(0.001);
        conductor.look(measured, done, || phase(&common, elapsed, span)).await;
    }
    (None, opened)
}

fn phase(common: &Common, elapsed: Duration, span: Duration) -> String {
    let count = |counter: fn(&Live) -> &AtomicU64| common.sum(counter);
    format!(
        "{:.0} of {:.0} s: {} connections, {} lost, {} frames sent, {} received",
        elapsed.as_secs_f64(),
        span.as_secs_f64(),
        count(|live| &live.present),
        count(|live| &live.lost),
        count(|live| &live.sent),
        count(|live| &live.delivered),
    )
}
