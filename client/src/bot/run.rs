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
    common::lock,
    conductor::{Conductor, CutShort, LOOK_EVERY, Options, Used},
    hostile,
    outcome::Totals,
    plan::{Plan, nanos},
    record::{self, Recorded, Recording},
    report::Sample,
    scenario::Scenario,
    shared::{Shared, Window},
    thread,
};
use anyhow::{Result, anyhow, bail};
use std::{
    io,
    sync::{Arc, atomic::Ordering::Relaxed},
    thread::JoinHandle,
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until};

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

/// A run that goes on.
pub(super) struct Run {
    pub(super) conductor: Conductor,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<io::Result<()>>>,
    recording: Option<Recording>,
    windows: u32,
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
    pub(super) used: Used,
}

impl Run {
    /// Starts the threads; there are no players yet. `record`: where the run is recorded to.
    ///
    /// # Errors
    /// Where it cannot begin; see [`Conductor::start`].
    pub(super) async fn start(options: Options, plan: Plan, record: Option<record::Target>) -> Result<Self> {
        let threads = options.threads;
        let hostile = plan.parts().iter().map(|part| part.scenario).find(|scenario| scenario.is_hostile());
        let conductor = Conductor::start(options, plan.players(), hostile.map(Scenario::name)).await?;
        let common = Arc::clone(&conductor.common);
        let recording = record.map(|to| to.start(common.clock, threads)).transpose()?;
        let recorder = recording.as_ref().map(Recording::recorder);
        let shared = Arc::new(Shared::new(common, plan, recorder));
        let mut run = Self { conductor, shared, threads: Vec::new(), recording, windows: 0 };
        if let Err(error) = run.spawn() {
            // Those that were started must not be left running.
            let _ = run.end();
            return Err(error.into());
        }
        Ok(run)
    }

    /// The plan.
    pub(super) fn plan(&self) -> &Plan {
        &self.shared.plan
    }

    /// Whether connecting took too long, so that nobody connects any more.
    pub(super) fn gave_up(&self) -> bool {
        self.shared.stop_connecting.is_cancelled()
    }

    /// Seconds since the run began.
    pub(super) fn elapsed_s(&self) -> f64 {
        Duration::from_nanos(self.shared.common.clock.now_ns()).as_secs_f64()
    }

    /// Connects players until there are so many, or lets some go, and waits until that is done.
    pub(super) async fn grow_to(&mut self, players: u32) {
        self.shared.target.send_replace(players);
        let mut limit = Instant::now() + CONNECT_LIMIT + CONNECT_LIMIT_PER_PLAYER * players;
        loop {
            let shared = &self.shared;
            let followed = shared.common.live.iter().all(|live| live.followed.load(Relaxed) == players);
            if followed && shared.common.sum(|live| &live.started) == shared.common.sum(|live| &live.settled) {
                return;
            }
            if self.conductor.is_interrupted() || Instant::now() >= limit {
                if shared.stop_connecting.is_cancelled() {
                    return;
                }
                // Those still on their way fail at once now.
                shared.stop_connecting.cancel();
                limit = Instant::now() + GRACE;
            }
            let (present, failed) = (shared.common.sum(|live| &live.present), shared.common.sum(|live| &live.failed));
            self.conductor
                .look(false, present as f64 / f64::from(players.max(1)), || {
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
        if self.conductor.is_interrupted() || self.nobody_is_left() {
            let why = if self.conductor.is_interrupted() { CutShort::Interrupted } else { CutShort::NobodySeated };
            let used = self.conductor.close(None).await;
            return self.collect(asked, Duration::ZERO, Some(why), used).await;
        }
        let start_ns = self.shared.common.clock.now_ns() + nanos(LEAD);
        self.shared.cut_ns.store(u64::MAX, Relaxed);
        let window = Window { number: self.windows, start_ns, duration_ns: nanos(duration) };
        self.shared.window.send_replace(Some(window));
        if let Some(recorder) = &self.shared.recorder {
            recorder.measured(start_ns);
        }
        sleep_until(self.shared.common.clock.instant(start_ns)).await;
        let opened = self.conductor.open().await;
        let (elapsed, cut_short) = self.play(start_ns, duration).await;
        self.wait_for_answers().await;
        let used = self.conductor.close(Some(opened)).await;
        self.collect(asked, elapsed, cut_short, used).await
    }

    /// Lets everyone go, and returns one sample for each second and what became of the recording.
    ///
    /// # Errors
    /// Where a thread has broken.
    pub(super) fn end(self) -> Result<(Vec<Sample>, Option<Recorded>)> {
        self.shared.stop_connecting.cancel();
        let samples = self.conductor.end();
        for thread in self.threads {
            thread.join().map_err(|_| anyhow!("a thread of the bot panicked"))??;
        }
        // What they let go at last stands in the recording, too.
        drop(self.shared);
        Ok((samples, self.recording.map(Recording::finish)))
    }

    fn spawn(&mut self) -> io::Result<()> {
        for index in 0..self.shared.common.live.len() {
            self.threads.push(thread::spawn(Arc::clone(&self.shared), index)?);
        }
        self.threads.extend(hostile::spawn(Arc::clone(&self.shared))?);
        Ok(())
    }

    /// Waits while actions fall due. Returns for how long they did, and why no longer.
    async fn play(&mut self, start_ns: u64, whole: Duration) -> (Duration, Option<CutShort>) {
        let cut_short = loop {
            let elapsed = Duration::from_nanos(self.shared.common.clock.now_ns().saturating_sub(start_ns));
            if self.conductor.is_interrupted() {
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
            self.conductor.look(true, elapsed.as_secs_f64() / whole.as_secs_f64(), line).await;
        };
        let shared = &self.shared;
        shared.cut(shared.common.clock.now_ns().saturating_sub(start_ns));
        (Duration::from_nanos(shared.cut_ns.load(Relaxed)).min(whole), Some(cut_short))
    }

    /// Whether of a run whose players all connect before the window none is there.
    fn nobody_is_left(&self) -> bool {
        let mut honest = self.plan().parts().iter().filter(|part| !part.scenario.is_hostile()).peekable();
        honest.peek().is_some()
            && honest.all(|part| part.scenario.connects_before())
            && self.shared.common.sum(|live| &live.present) == 0
    }

    /// Waits until everything is answered and nothing comes any more, up to a bound.
    async fn wait_for_answers(&mut self) {
        if !self.plan().has_actions() {
            return;
        }
        let messages_alone =
            self.plan().parts().iter().all(|part| part.scenario.is_seated() || part.scenario.is_hostile());
        let grace = if messages_alone { GRACE } else { GRACE_OF_OPERATIONS };
        let tick = self.shared.common.tick();
        // At the bound, what is open is reported as such.
        let bound = Instant::now() + grace + tick;
        let (mut delivered, mut since) = (u64::MAX, Instant::now());
        while Instant::now() < bound && since.elapsed() < QUIET + tick {
            let now_delivered = self.shared.common.sum(|live| &live.delivered);
            if now_delivered != delivered || self.shared.common.sum(|live| &live.open) > 0 {
                (delivered, since) = (now_delivered, Instant::now());
            }
            self.conductor.look(true, 1.0, || "waiting for the last answers".into()).await;
        }
    }

    /// Lets the threads hand over what they found.
    async fn collect(
        &mut self,
        asked: u32,
        elapsed: Duration,
        cut_short: Option<CutShort>,
        used: Used,
    ) -> Result<Findings> {
        if elapsed.is_zero() {
            // The window never opened, but how connecting went is told with one.
            self.shared.cut_ns.store(0, Relaxed);
            let window = Window { number: self.windows, start_ns: u64::MAX, duration_ns: 0 };
            self.shared.window.send_replace(Some(window));
        }
        self.shared.judge.store(self.windows, Relaxed);
        let bound = Instant::now() + HAND_OVER;
        while lock(&self.shared.outcomes).len() < self.shared.common.live.len() {
            if Instant::now() >= bound {
                bail!("a thread of the bot does not answer");
            }
            sleep(LOOK_EVERY).await;
        }
        let outcomes = std::mem::take(&mut *lock(&self.shared.outcomes));
        let attacks = lock(&self.shared.attacks).clone();
        Ok(Findings { totals: Totals::of(outcomes, self.plan()), attacks, asked, elapsed, cut_short, used })
    }
}

fn playing(shared: &Shared, elapsed: Duration, whole: Duration) -> String {
    let (present, lost) = (shared.common.sum(|live| &live.present), shared.common.sum(|live| &live.lost));
    let (sent, delivered) = (shared.common.sum(|live| &live.sent), shared.common.sum(|live| &live.delivered));
    format!(
        "{:.0} of {:.0} s: {present} seated, {lost} lost, {sent} sent, {delivered} delivered",
        elapsed.min(whole).as_secs_f64(),
        whole.as_secs_f64()
    )
}
