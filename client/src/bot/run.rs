//! A run from the first connect to the last answer: the threads do the work, this conducts.
//!
//! ```text
//! connect everyone -> open the window -> moves fall due -> wait for what is in flight -> stop and collect
//! ```
//!
//! Invariant: every wait here has a bound of its own, so a run ends whatever the server does.

use super::{
    Args, open_files,
    outcome::Totals,
    plan::{Plan, nanos},
    procfs::{self, Usage},
    progress::Progress,
    shared::{Clock, Live, Shared, Window},
    thread,
};
use anyhow::{Context, Result, anyhow};
use malpan_client::{ConnectOptions, protocol::SoftwareName};
use std::{
    future::{Future, pending},
    net::ToSocketAddrs,
    pin::{Pin, pin},
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often the conductor looks at the threads.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long connecting may take: this, and something for each player.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
const CONNECT_LIMIT_PER_PLAYER: Duration = Duration::from_millis(10);
/// Between the last player's seat and the window: what joining caused shall be over.
const LEAD: Duration = Duration::from_millis(500);
/// How long answers may be in flight after the last move, beside the server's tick.
const GRACE: Duration = Duration::from_secs(1);
/// For how long nothing may have come until nothing more is expected, beside the server's tick. Threads tell what
/// came every 50 ms.
const QUIET: Duration = Duration::from_millis(150);

/// What a run found.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) totals: Totals,
    /// How long moves fell due; zero where the window never opened.
    pub(super) elapsed: Duration,
    /// Why it ended early, if it did.
    pub(super) cut_short: Option<CutShort>,
    pub(super) server: Option<ServerUsage>,
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

/// What the server's process used.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ServerUsage {
    /// Before the first connect.
    pub(super) before: Option<Usage>,
    /// When the window opened.
    pub(super) seated: Option<Usage>,
    /// When the run was over, and how long after `seated` that was. `None` where the process had ended.
    pub(super) end: Option<(Usage, Duration)>,
}

/// Runs the bot.
///
/// # Errors
/// Where it cannot begin: no address, no such process, too few open files. What goes wrong later is in the findings.
pub(super) fn run(args: &Args, threads: usize) -> Result<Findings> {
    open_files::reserve(args.players)?;
    let addresses: Vec<_> =
        args.address.to_socket_addrs().with_context(|| format!("{} is no address", args.address))?.collect();
    let before = args.server_pid.map(procfs::read).transpose()?;
    let software = SoftwareName::new(concat!("malpan-bot/", env!("CARGO_PKG_VERSION"))).expect("a valid constant");
    let shared = Arc::new(Shared {
        plan: Plan::new(args.players, args.rate, args.duration, args.seed, rand::random()),
        addresses,
        address: args.address.clone(),
        options: ConnectOptions { software, tls: args.tls.load()?, ..ConnectOptions::default() },
        clock: Clock::start(),
        window: Window::new(),
        stop_connecting: CancellationToken::new(),
        stop: CancellationToken::new(),
        judged: AtomicUsize::new(0),
        live: std::iter::repeat_with(Live::default).take(threads).collect(),
    });
    // Made before the threads: what fails here must not leave them running.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let spawned: Vec<_> = (0..threads).map(|index| thread::spawn(Arc::clone(&shared), index)).collect();

    let mut conductor = Conductor {
        shared: &shared,
        progress: Progress::new(),
        server: args.server_pid.map(|pid| (pid, ServerUsage { before, ..ServerUsage::default() })),
    };
    // A thread that could not be started leaves its players out; there is nothing to wait for then.
    let all_started = spawned.iter().all(Result::is_ok);
    let conducted = all_started.then(|| runtime.block_on(conductor.conduct(pin!(interrupted()))));
    shared.stop_connecting.cancel();
    shared.stop.cancel();
    conductor.progress.finish();
    let server = conductor.server.map(|(_, usage)| usage);

    let mut outcomes = Vec::new();
    for thread in spawned {
        outcomes.push(thread?.join().map_err(|_| anyhow!("a thread of the bot panicked"))??);
    }
    let (elapsed, cut_short) = conducted.unwrap_or_default();
    Ok(Findings { totals: Totals::of(outcomes), elapsed, cut_short, server })
}

struct Conductor<'a> {
    shared: &'a Shared,
    progress: Progress,
    server: Option<(u32, ServerUsage)>,
}

type Interrupted<'a, F> = Pin<&'a mut F>;

impl Conductor<'_> {
    /// Returns how long moves fell due, and why no longer.
    async fn conduct<F: Future<Output = ()>>(
        &mut self,
        mut interrupted: Interrupted<'_, F>,
    ) -> (Duration, Option<CutShort>) {
        let interrupt = self.connect(interrupted.as_mut()).await;
        if self.shared.sum(|live| &live.connected) == 0 {
            let why = if interrupt { CutShort::Interrupted } else { CutShort::NobodySeated };
            return (Duration::ZERO, Some(why));
        }
        if interrupt {
            return (Duration::ZERO, Some(CutShort::Interrupted));
        }
        let start_ns = self.shared.clock.now_ns() + nanos(LEAD);
        self.shared.window.set_start(start_ns);
        tokio::time::sleep_until(self.shared.clock.instant(start_ns)).await;
        let seated_at = tokio::time::Instant::now();
        if let Some((pid, usage)) = &mut self.server {
            usage.seated = procfs::read(*pid).ok();
        }
        let ended = self.play(start_ns, interrupted).await;
        self.wait_for_answers().await;
        if let Some((pid, usage)) = &mut self.server {
            usage.end = procfs::read(*pid).ok().map(|end| (end, seated_at.elapsed()));
        }
        ended
    }

    /// Waits until everyone is seated or failed. Returns whether it was interrupted.
    async fn connect<F: Future<Output = ()>>(&mut self, mut interrupted: Interrupted<'_, F>) -> bool {
        let asked = u64::from(self.shared.plan.players());
        let limit = CONNECT_LIMIT + CONNECT_LIMIT_PER_PLAYER * self.shared.plan.players();
        let mut interrupt = false;
        let everyone_settled = async {
            loop {
                let connected = self.shared.sum(|live| &live.connected);
                let failed = self.shared.sum(|live| &live.failed);
                self.progress.show(connected, asked, &format!("connecting: {connected} of {asked}, {failed} failed"));
                if connected + failed == asked {
                    return;
                }
                sleep(LOOK_EVERY).await;
            }
        };
        let mut everyone_settled = pin!(everyone_settled);
        tokio::select! {
            biased;
            () = interrupted.as_mut() => interrupt = true,
            () = everyone_settled.as_mut() => return false,
            () = sleep(limit) => {}
        }
        // Those still on their way fail at once now.
        self.shared.stop_connecting.cancel();
        let _ = tokio::time::timeout(GRACE, everyone_settled).await;
        interrupt
    }

    /// Waits while moves fall due.
    async fn play<F: Future<Output = ()>>(
        &mut self,
        start_ns: u64,
        interrupted: Interrupted<'_, F>,
    ) -> (Duration, Option<CutShort>) {
        let (shared, progress) = (self.shared, &mut self.progress);
        let whole = Duration::from_nanos(shared.plan.duration_ns());
        let over = async {
            loop {
                let elapsed = Duration::from_nanos(shared.clock.now_ns().saturating_sub(start_ns));
                let lost = shared.sum(|live| &live.lost);
                let seated = shared.sum(|live| &live.connected).saturating_sub(lost);
                progress.show(nanos(elapsed) / 1_000_000, nanos(whole) / 1_000_000, &playing(shared, elapsed, whole));
                if seated == 0 {
                    return Some(CutShort::EveryoneLost);
                }
                if elapsed >= whole {
                    return None;
                }
                sleep(LOOK_EVERY.min(whole - elapsed)).await;
            }
        };
        let cut_short = tokio::select! {
            biased;
            () = interrupted => Some(CutShort::Interrupted),
            cut_short = over => cut_short,
        };
        if cut_short.is_none() {
            return (whole, None);
        }
        shared.window.cut(shared.clock.now_ns().saturating_sub(start_ns));
        (Duration::from_nanos(shared.window.cut_ns()).min(whole), cut_short)
    }

    /// Waits until everything is answered and nothing comes any more, up to a bound.
    async fn wait_for_answers(&self) {
        if self.shared.plan.period_ns().is_none() {
            return;
        }
        let shared = self.shared;
        let tick = shared.tick();
        let quiet = async {
            let (mut delivered, mut since) = (u64::MAX, tokio::time::Instant::now());
            loop {
                let now_delivered = shared.sum(|live| &live.delivered);
                if now_delivered != delivered || shared.sum(|live| &live.open) > 0 {
                    (delivered, since) = (now_delivered, tokio::time::Instant::now());
                }
                if since.elapsed() >= QUIET + tick {
                    return;
                }
                sleep(LOOK_EVERY).await;
            }
        };
        // At the bound, what is open is reported as such.
        let _ = tokio::time::timeout(GRACE + tick, quiet).await;
    }
}

fn playing(shared: &Shared, elapsed: Duration, whole: Duration) -> String {
    let lost = shared.sum(|live| &live.lost);
    let seated = shared.sum(|live| &live.connected).saturating_sub(lost);
    let (sent, delivered) = (shared.sum(|live| &live.sent), shared.sum(|live| &live.delivered));
    format!(
        "{:.0} of {:.0} s: {seated} seated, {lost} lost, {sent} moves sent, {delivered} positions delivered",
        elapsed.min(whole).as_secs_f64(),
        whole.as_secs_f64()
    )
}

/// Ready at Ctrl-C.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        // Nobody can interrupt then; the run's own end stands.
        pending::<()>().await;
    }
}
