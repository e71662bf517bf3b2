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
    gauge::Gauge,
    open_files,
    plan::Plan,
    report::Sample,
    run::{CutShort, ServerUsage, errors, goal, interrupt, own_usage},
    sampler::Sampler,
    scenario::Mix,
    screen::{Screen, Status},
    shared::{Clock, Shared},
    thread,
};
use anyhow::{Result, anyhow};
use malpan_client::Tls;
use stage::{Found, Stage};
use std::{io, pin::pin, sync::Arc, thread::JoinHandle, time::Duration};
use tokio::{
    runtime::LocalOptions,
    task::{coop::unconstrained, yield_now},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// How often the conductor looks at the threads.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Between the start of the threads and the first connect.
const LEAD: Duration = Duration::from_millis(200);
/// When so many connections could not be opened and none could, the others will fare no better.
const HOPELESS: u64 = 64;

/// Where a replay goes, and how.
pub(super) struct Options {
    pub(super) address: String,
    pub(super) tls: Option<Tls>,
    pub(super) threads: usize,
    pub(super) server: Option<Gauge>,
    /// Whether hostile players may go to another machine.
    pub(super) owned: bool,
    pub(super) screen: Screen,
}

/// What a replay found.
#[derive(Debug)]
pub(super) struct Findings {
    found: Found,
    /// How long acts fell due.
    elapsed: Duration,
    cut_short: Option<CutShort>,
    server: Option<ServerUsage>,
    own: ServerUsage,
    series: Vec<Sample>,
}

/// Plays a script to its end.
///
/// # Errors
/// Where it cannot begin, or a thread has broken.
pub(super) async fn run(options: Options, script: Arc<Script>) -> Result<Findings> {
    open_files::reserve(script.most_at_once())?;
    let goal = goal(options.address, options.tls)?;
    if script.is_hostile() && !options.owned {
        goal.ensure_here("the recording")?;
    }
    let before = match &options.server {
        Some(gauge) => Some(gauge.read().await?),
        None => None,
    };
    let nobody: Mix = "idle".parse().map_err(anyhow::Error::msg)?;
    let nobody = Plan::new(&nobody, 0, None, script.header.seed, 0);
    let shared = Arc::new(Shared::new(nobody, goal, options.threads, Clock::start(), None));
    let interrupted = CancellationToken::new();
    tokio::spawn(interrupt(interrupted.clone()));
    let start_ns = shared.clock.now_ns() + super::plan::nanos(LEAD);
    let mut conductor = Conductor {
        span: script.span(),
        shared,
        script,
        server: options.server,
        screen: options.screen,
        sampler: Sampler::new(),
        interrupted,
        start_ns,
    };
    let mut own = ServerUsage { before: own_usage(), ..ServerUsage::default() };
    let mut threads = Vec::new();
    for index in 0..options.threads {
        match conductor.spawn(index) {
            Ok(thread) => threads.push(thread),
            Err(error) => {
                // Those that were started must not be left running.
                conductor.shared.stop.cancel();
                return Err(error.into());
            }
        }
    }
    let begin = Instant::now();
    let seated = conductor.usage().await;
    own.seated = own_usage();
    let cut_short = conductor.watch(&threads).await;
    let end = conductor.usage().await.map(|end| (end, begin.elapsed()));
    own.end = own_usage().map(|end| (end, begin.elapsed()));
    let elapsed = conductor.elapsed();
    conductor.shared.stop.cancel();
    conductor.screen.finish();
    let mut found = Found::default();
    for thread in threads {
        found.merge(&thread.join().map_err(|_| anyhow!("a thread of the bot panicked"))??);
    }
    let server = conductor.server.is_some().then_some(ServerUsage { before, seated, end });
    Ok(Findings { found, elapsed, cut_short, server, own, series: conductor.sampler.into_samples() })
}

/// What goes on beside the threads.
struct Conductor {
    shared: Arc<Shared>,
    script: Arc<Script>,
    server: Option<Gauge>,
    screen: Screen,
    sampler: Sampler,
    interrupted: CancellationToken,
    start_ns: u64,
    span: Duration,
}

impl Conductor {
    fn spawn(&self, index: usize) -> io::Result<JoinHandle<io::Result<Found>>> {
        let (shared, script, start_ns) = (Arc::clone(&self.shared), Arc::clone(&self.script), self.start_ns);
        std::thread::Builder::new().name(format!("bot-{index}")).spawn(move || {
            let runtime = thread::paced().build_local(LocalOptions::default())?;
            // What is due is never put off by tokio's budget of a task, which would look like a full socket.
            Ok(runtime.block_on(unconstrained(play(shared, script, index, start_ns))))
        })
    }

    /// Waits until every thread is done. Returns why it is over before, if it is.
    async fn watch(&mut self, threads: &[JoinHandle<io::Result<Found>>]) -> Option<CutShort> {
        loop {
            if threads.iter().all(JoinHandle::is_finished) {
                return None;
            }
            if self.interrupted.is_cancelled() {
                return Some(CutShort::Interrupted);
            }
            let shared = &self.shared;
            if shared.sum(|live| &live.settled) == 0 && shared.sum(|live| &live.failed) >= HOPELESS {
                return Some(CutShort::NobodySeated);
            }
            if self.sampler.is_due() {
                let usage = self.usage().await;
                self.sampler.take(&self.shared, self.shared.clock.now_ns() > self.start_ns, usage);
            }
            let (elapsed, span, samples, shared) = (self.elapsed(), self.span, self.sampler.samples(), &self.shared);
            self.screen.show(|| Status {
                phase: phase(shared, elapsed, span),
                done: (elapsed.as_secs_f64() / span.as_secs_f64().max(0.001)).clamp(0.0, 1.0),
                samples,
                errors: errors(shared),
            });
            self.screen.listen(&self.interrupted);
            sleep(LOOK_EVERY).await;
        }
    }

    /// How long acts have been falling due.
    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.shared.clock.now_ns().saturating_sub(self.start_ns)).min(self.span)
    }

    async fn usage(&self) -> Option<super::gauge::Usage> {
        // Where the process has ended, there is nothing to say.
        self.server.as_ref()?.read().await.ok()
    }
}

fn phase(shared: &Shared, elapsed: Duration, span: Duration) -> String {
    let count = |counter: fn(&super::shared::Live) -> &std::sync::atomic::AtomicU64| shared.sum(counter);
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

/// A thread's life.
async fn play(shared: Arc<Shared>, script: Arc<Script>, index: usize, start_ns: u64) -> Found {
    let stage = Stage::new(Arc::clone(&shared), script, index, start_ns);
    let mut stopped = pin!(shared.stop.cancelled());
    let mut sleep = pin!(sleep_until(Instant::now()));
    loop {
        let Some(wake_ns) = stage.borrow_mut().tick() else { break };
        let wake_at = shared.clock.instant(wake_ns);
        if wake_at <= Instant::now() {
            if shared.stop.is_cancelled() {
                break;
            }
            // More is due, but whoever has something to read comes first.
            yield_now().await;
            continue;
        }
        sleep.as_mut().reset(wake_at);
        tokio::select! {
            biased;
            () = &mut stopped => break,
            () = &mut sleep => {}
        }
    }
    stage.borrow_mut().end()
}
