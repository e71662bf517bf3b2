//! A run from the first connect to the last answer: the threads do the work, this conducts.
//!
//! ```text
//! grow: connect everyone -> hold: open the window -> actions fall due -> wait for what is in flight -> collect -> end
//! ```
//!
//! A search for the limit grows and holds several times, with the same players.
//!
//! Invariant: every wait here has a bound of its own, so a run ends whatever the server does.

use super::{
    gauge::{Gauge, Usage},
    hostile,
    ledger::Causes,
    open_files,
    outcome::Totals,
    plan::{Plan, nanos},
    process,
    record::{self, Recorded, Recording},
    report::Sample,
    sampler::Sampler,
    screen::{Screen, Status},
    shared::{Clock, Goal, Shared, Window, lock},
    thread,
};
use anyhow::{Context, Result, anyhow, bail, ensure};
use malpan_client::Tls;
use std::{
    io,
    net::ToSocketAddrs,
    sync::{Arc, atomic::Ordering::Relaxed},
    thread::JoinHandle,
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

/// How often the conductor looks at the threads.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long connecting may take: this, and something for each player.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
const CONNECT_LIMIT_PER_PLAYER: Duration = Duration::from_millis(10);
/// Between the last player's seat and the window: what joining caused shall be over.
const LEAD: Duration = Duration::from_millis(500);
/// How long answers may be in flight after the last action, beside the server's tick.
const GRACE: Duration = Duration::from_secs(1);
/// The same for what takes several packets, such as sign-ins.
const GRACE_OF_OPERATIONS: Duration = Duration::from_secs(5);
/// For how long nothing may have come until nothing more is expected, beside the server's tick. Threads tell what
/// came every 50 ms.
const QUIET: Duration = Duration::from_millis(150);
/// How long the threads may take to hand over what they found.
const HAND_OVER: Duration = Duration::from_secs(10);

/// Where a run goes, and how.
pub(super) struct Options {
    pub(super) address: String,
    pub(super) tls: Option<Tls>,
    pub(super) threads: usize,
    pub(super) server: Option<Gauge>,
    /// Whether hostile players may go to another machine.
    pub(super) owned: bool,
    pub(super) screen: Screen,
    /// Where the run is recorded to.
    pub(super) record: Option<record::Target>,
}

/// A run that goes on.
pub(super) struct Run {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<io::Result<()>>>,
    server: Option<Gauge>,
    before: Option<Usage>,
    own_before: Option<Usage>,
    sampler: Sampler,
    screen: Screen,
    interrupted: CancellationToken,
    recording: Option<Recording>,
    windows: u32,
    /// What the screen says before the phase, such as which step of a search this is.
    pub(super) step: String,
}

/// What a window found.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) totals: Totals,
    /// What the hostile players did, by part of the plan.
    pub(super) attacks: Vec<hostile::Tally>,
    /// How many players there should have been.
    pub(super) asked: u32,
    /// How long actions fell due; zero where the window never opened.
    pub(super) elapsed: Duration,
    /// Why it ended early, if it did.
    pub(super) cut_short: Option<CutShort>,
    pub(super) server: Option<ServerUsage>,
    /// The same of the bot itself.
    pub(super) own: ServerUsage,
}

/// Why a run ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CutShort {
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// Nobody could be seated.
    NobodySeated,
    /// Everyone was lost.
    EveryoneLost,
}

/// What a process used.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ServerUsage {
    /// Before the first connect.
    pub(super) before: Option<Usage>,
    /// When the window opened.
    pub(super) seated: Option<Usage>,
    /// When the run was over, and how long after `seated` that was. `None` where the process had ended.
    pub(super) end: Option<(Usage, Duration)>,
}

impl Run {
    /// Starts the threads; there are no players yet.
    ///
    /// # Errors
    /// Where it cannot begin: no address, no such process, too few open files.
    pub(super) async fn start(options: Options, plan: Plan) -> Result<Self> {
        open_files::reserve(plan.players())?;
        let goal = goal(options.address, options.tls)?;
        let hostile = plan.parts().iter().find(|part| part.scenario.is_hostile());
        if let Some(part) = hostile.filter(|_| !options.owned) {
            goal.ensure_here(part.scenario.name())?;
        }
        let before = match &options.server {
            Some(gauge) => Some(gauge.read().await?),
            None => None,
        };
        let clock = Clock::start();
        let recording = options.record.map(|to| to.start(clock, options.threads)).transpose()?;
        let recorder = recording.as_ref().map(Recording::recorder);
        let shared = Arc::new(Shared::new(plan, goal, options.threads, clock, recorder));
        let interrupted = CancellationToken::new();
        let mut run = Self {
            sampler: Sampler::new(),
            shared,
            threads: Vec::new(),
            server: options.server,
            before,
            own_before: own_usage(),
            screen: options.screen,
            interrupted,
            recording,
            windows: 0,
            step: String::new(),
        };
        if let Err(error) = run.spawn() {
            // Those that were started must not be left running.
            let _ = run.end();
            return Err(error.into());
        }
        tokio::spawn(interrupt(run.interrupted.clone()));
        Ok(run)
    }

    /// The plan.
    pub(super) fn plan(&self) -> &Plan {
        &self.shared.plan
    }

    /// Whether somebody pressed Ctrl-C.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.is_cancelled()
    }

    /// Whether connecting took too long, so that nobody connects any more.
    pub(super) fn gave_up(&self) -> bool {
        self.shared.stop_connecting.is_cancelled()
    }

    /// Says a line that stays on the screen.
    pub(super) fn say(&mut self, line: String) {
        self.screen.say(line);
    }

    /// Seconds since the run began.
    pub(super) fn elapsed_s(&self) -> f64 {
        Duration::from_nanos(self.shared.clock.now_ns()).as_secs_f64()
    }

    /// Connects players until there are so many, or lets some go, and waits until that is done.
    pub(super) async fn grow_to(&mut self, players: u32) {
        self.shared.target.send_replace(players);
        let mut limit = Instant::now() + CONNECT_LIMIT + CONNECT_LIMIT_PER_PLAYER * players;
        loop {
            let shared = &self.shared;
            let followed = shared.live.iter().all(|live| live.followed.load(Relaxed) == players);
            if followed && shared.sum(|live| &live.started) == shared.sum(|live| &live.settled) {
                return;
            }
            if self.is_interrupted() || Instant::now() >= limit {
                if shared.stop_connecting.is_cancelled() {
                    return;
                }
                // Those still on their way fail at once now.
                shared.stop_connecting.cancel();
                limit = Instant::now() + GRACE;
            }
            let (present, failed) = (shared.sum(|live| &live.present), shared.sum(|live| &live.failed));
            self.look(false, present as f64 / f64::from(players.max(1)), || {
                format!("connecting: {present} of {players}, {failed} failed")
            })
            .await;
        }
    }

    /// Opens a window, waits until it and what is in flight is over, and collects what it found.
    ///
    /// # Errors
    /// Where a thread has broken.
    pub(super) async fn hold(&mut self, duration: Duration) -> Result<Findings> {
        self.windows += 1;
        let asked = *self.shared.target.borrow();
        let usage = self.server.as_ref().map(|_| ServerUsage { before: self.before, ..ServerUsage::default() });
        let mut own = ServerUsage { before: self.own_before, ..ServerUsage::default() };
        if self.is_interrupted() || self.nobody_is_left() {
            let why = if self.is_interrupted() { CutShort::Interrupted } else { CutShort::NobodySeated };
            return self.collect(asked, Duration::ZERO, Some(why), usage, own).await;
        }
        let start_ns = self.shared.clock.now_ns() + nanos(LEAD);
        self.shared.cut_ns.store(u64::MAX, Relaxed);
        let window = Window { number: self.windows, start_ns, duration_ns: nanos(duration) };
        self.shared.window.send_replace(Some(window));
        sleep_until(self.shared.clock.instant(start_ns)).await;
        let opened = Instant::now();
        let seated = self.usage().await;
        own.seated = own_usage();
        let (elapsed, cut_short) = self.play(start_ns, duration).await;
        self.wait_for_answers().await;
        let end = self.usage().await.map(|end| (end, opened.elapsed()));
        own.end = own_usage().map(|end| (end, opened.elapsed()));
        let usage = usage.map(|usage| ServerUsage { seated, end, ..usage });
        self.collect(asked, elapsed, cut_short, usage, own).await
    }

    /// Lets everyone go, and returns one sample for each second and what became of the recording.
    ///
    /// # Errors
    /// Where a thread has broken.
    pub(super) fn end(self) -> Result<(Vec<Sample>, Option<Recorded>)> {
        self.shared.stop_connecting.cancel();
        self.shared.stop.cancel();
        self.screen.finish();
        for thread in self.threads {
            thread.join().map_err(|_| anyhow!("a thread of the bot panicked"))??;
        }
        // What they let go at last stands in the recording, too.
        drop(self.shared);
        Ok((self.sampler.into_samples(), self.recording.map(Recording::finish)))
    }

    fn spawn(&mut self) -> io::Result<()> {
        for index in 0..self.shared.live.len() {
            self.threads.push(thread::spawn(Arc::clone(&self.shared), index)?);
        }
        self.threads.extend(hostile::spawn(Arc::clone(&self.shared))?);
        Ok(())
    }

    /// Waits while actions fall due. Returns for how long they did, and why no longer.
    async fn play(&mut self, start_ns: u64, whole: Duration) -> (Duration, Option<CutShort>) {
        let cut_short = loop {
            let elapsed = Duration::from_nanos(self.shared.clock.now_ns().saturating_sub(start_ns));
            if self.is_interrupted() {
                break CutShort::Interrupted;
            }
            if self.nobody_is_left() {
                break CutShort::EveryoneLost;
            }
            if elapsed >= whole {
                return (whole, None);
            }
            let shared = Arc::clone(&self.shared);
            let line = move || playing(&shared, elapsed, whole);
            self.look(true, elapsed.as_secs_f64() / whole.as_secs_f64(), line).await;
        };
        let shared = &self.shared;
        shared.cut(shared.clock.now_ns().saturating_sub(start_ns));
        (Duration::from_nanos(shared.cut_ns.load(Relaxed)).min(whole), Some(cut_short))
    }

    /// Whether of a run whose players all connect before the window none is there.
    fn nobody_is_left(&self) -> bool {
        let mut honest = self.plan().parts().iter().filter(|part| !part.scenario.is_hostile()).peekable();
        honest.peek().is_some()
            && honest.all(|part| part.scenario.connects_before())
            && self.shared.sum(|live| &live.present) == 0
    }

    /// Waits until everything is answered and nothing comes any more, up to a bound.
    async fn wait_for_answers(&mut self) {
        if !self.plan().has_actions() {
            return;
        }
        let messages_alone =
            self.plan().parts().iter().all(|part| part.scenario.is_seated() || part.scenario.is_hostile());
        let grace = if messages_alone { GRACE } else { GRACE_OF_OPERATIONS };
        let tick = self.shared.tick();
        // At the bound, what is open is reported as such.
        let bound = Instant::now() + grace + tick;
        let (mut delivered, mut since) = (u64::MAX, Instant::now());
        while Instant::now() < bound && since.elapsed() < QUIET + tick {
            let now_delivered = self.shared.sum(|live| &live.delivered);
            if now_delivered != delivered || self.shared.sum(|live| &live.open) > 0 {
                (delivered, since) = (now_delivered, Instant::now());
            }
            self.look(true, 1.0, || "waiting for the last answers".into()).await;
        }
    }

    /// Lets the threads hand over what they found.
    async fn collect(
        &mut self,
        asked: u32,
        elapsed: Duration,
        cut_short: Option<CutShort>,
        server: Option<ServerUsage>,
        own: ServerUsage,
    ) -> Result<Findings> {
        if elapsed.is_zero() {
            // The window never opened, but how connecting went is told with one.
            self.shared.cut_ns.store(0, Relaxed);
            let window = Window { number: self.windows, start_ns: u64::MAX, duration_ns: 0 };
            self.shared.window.send_replace(Some(window));
        }
        self.shared.judge.store(self.windows, Relaxed);
        let bound = Instant::now() + HAND_OVER;
        while lock(&self.shared.outcomes).len() < self.shared.live.len() {
            if Instant::now() >= bound {
                bail!("a thread of the bot does not answer");
            }
            sleep(LOOK_EVERY).await;
        }
        let outcomes = std::mem::take(&mut *lock(&self.shared.outcomes));
        let attacks = lock(&self.shared.attacks).clone();
        Ok(Findings { totals: Totals::of(outcomes, self.plan()), attacks, asked, elapsed, cut_short, server, own })
    }

    /// Takes a sample when it is time for one, shows how far the run is, and rests for a moment.
    async fn look(&mut self, measuring: bool, done: f64, phase: impl FnOnce() -> String) {
        if self.sampler.is_due() {
            let usage = self.usage().await;
            self.sampler.take(&self.shared, measuring, usage);
        }
        let (step, samples, shared) = (&self.step, self.sampler.samples(), &self.shared);
        self.screen.show(|| Status {
            phase: format!("{step}{}", phase()),
            done: done.clamp(0.0, 1.0),
            samples,
            errors: errors(shared),
        });
        self.screen.listen(&self.interrupted);
        sleep(LOOK_EVERY).await;
    }

    async fn usage(&self) -> Option<Usage> {
        // Where the process has ended, there is nothing to say.
        self.server.as_ref()?.read().await.ok()
    }
}

/// Where the server is.
///
/// # Errors
/// Where that is no address.
pub(super) fn goal(address: String, tls: Option<Tls>) -> Result<Goal> {
    let addresses = address.to_socket_addrs().with_context(|| format!("{address} is no address"))?.collect();
    Ok(Goal { address, addresses, tls })
}

impl Goal {
    /// # Errors
    /// Where the server is not on this machine, and `what` must not go anywhere else.
    pub(super) fn ensure_here(&self, what: &str) -> Result<()> {
        ensure!(
            self.addresses.iter().all(|address| address.ip().is_loopback()),
            "{what} is hostile, and {} is not this machine: --i-own-this-server says that you may do that",
            self.address
        );
        Ok(())
    }
}

/// What this process has used so far, where the system tells it.
pub(super) fn own_usage() -> Option<Usage> {
    process::read(std::process::id()).ok()
}

/// Whatever went wrong so far, by why.
pub(super) fn errors(shared: &Shared) -> Causes {
    let mut all = Causes::new();
    for live in &shared.live {
        super::ledger::merge(&mut all, &lock(&live.errors));
    }
    all
}

fn playing(shared: &Shared, elapsed: Duration, whole: Duration) -> String {
    let (present, lost) = (shared.sum(|live| &live.present), shared.sum(|live| &live.lost));
    let (sent, delivered) = (shared.sum(|live| &live.sent), shared.sum(|live| &live.delivered));
    format!(
        "{:.0} of {:.0} s: {present} seated, {lost} lost, {sent} sent, {delivered} delivered",
        elapsed.min(whole).as_secs_f64(),
        whole.as_secs_f64()
    )
}

/// Tells of Ctrl-C.
pub(super) async fn interrupt(interrupted: CancellationToken) {
    // Where nobody can interrupt, the run's own end stands.
    if tokio::signal::ctrl_c().await.is_ok() {
        interrupted.cancel();
    }
}
