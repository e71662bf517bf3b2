//! What the threads of a run share: the clock, the window, and a few counters for whoever watches. Nothing here is
//! touched per packet except to read the window.

use super::{
    hostile,
    ledger::{Causes, Interval},
    outcome::Outcome,
    plan::{Plan, nanos},
    record::Recorder,
};
use malpan_client::{ConnectOptions, Tls, protocol::SoftwareName};
use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Everything the threads of a run share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) plan: Plan,
    /// Where the server is, as it was named: for its certificate.
    pub(super) address: String,
    /// The same as addresses; tried in order.
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) options: ConnectOptions,
    pub(super) clock: Clock,
    /// How many players there shall be: those with the lowest numbers.
    pub(super) target: watch::Sender<u32>,
    /// The measured window, once it is known when it opens; the last one where several follow each other.
    pub(super) window: watch::Sender<Option<Window>>,
    /// How long actions fall due where a window is cut short; more than any duration until then.
    pub(super) cut_ns: AtomicU64,
    /// The number of the last window that is over: threads hand over what they found in it.
    pub(super) judge: AtomicU32,
    /// What the threads found in that window.
    pub(super) outcomes: Mutex<Vec<Outcome>>,
    /// Cancelled when no further player shall be connected.
    pub(super) stop_connecting: CancellationToken,
    /// Cancelled when the run is over.
    pub(super) stop: CancellationToken,
    /// One per thread.
    pub(super) live: Vec<Live>,
    /// What the hostile ones did, by part.
    pub(super) attacks: Mutex<Vec<hostile::Tally>>,
    /// With `--record`.
    pub(super) recorder: Option<Arc<Recorder>>,
}

/// Where the server is, and how the run goes there.
#[derive(Debug)]
pub(super) struct Goal {
    /// As it was named.
    pub(super) address: String,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) tls: Option<Tls>,
}

/// Nanoseconds since the program started, the same on all threads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

/// A measured window, on the [`Clock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// From 1.
    pub(super) number: u32,
    pub(super) start_ns: u64,
    pub(super) duration_ns: u64,
}

/// What a thread lets others know while it runs. Written a few times a second.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// Up to which target the thread has started its players.
    pub(super) followed: AtomicU32,
    /// Players that were started and shall connect before a window, and those of them that did or failed.
    pub(super) started: AtomicU64,
    pub(super) settled: AtomicU64,
    /// Players there now.
    pub(super) present: AtomicU64,
    /// Players that could not connect.
    pub(super) failed: AtomicU64,
    /// Players lost after that.
    pub(super) lost: AtomicU64,
    /// Actions begun.
    pub(super) sent: AtomicU64,
    /// Messages delivered and operations done.
    pub(super) delivered: AtomicU64,
    /// Requests refused or denied, and operations failed.
    pub(super) refused: AtomicU64,
    /// Actions that are still to be begun or answered.
    pub(super) open: AtomicU64,
    /// The server's tick, in milliseconds.
    pub(super) tick_ms: AtomicU64,
    /// What was measured since someone last took it.
    pub(super) interval: Mutex<Interval>,
    /// Whatever went wrong so far, by why.
    pub(super) errors: Mutex<Causes>,
}

impl Clock {
    /// A clock at 0.
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    /// Now.
    pub(super) fn now_ns(&self) -> u64 {
        nanos(self.0.elapsed())
    }

    /// The instant of a time on this clock.
    pub(super) fn instant(&self, at_ns: u64) -> tokio::time::Instant {
        (self.0 + Duration::from_nanos(at_ns)).into()
    }
}

impl Shared {
    /// A run of this plan on so many threads, which begins now.
    pub(super) fn new(plan: Plan, goal: Goal, threads: usize, clock: Clock, recorder: Option<Arc<Recorder>>) -> Self {
        let software = SoftwareName::new(concat!("malpan-bot/", env!("CARGO_PKG_VERSION"))).expect("a valid constant");
        let attacks = plan.parts().iter().map(|_| hostile::Tally::default()).collect();
        Self {
            plan,
            address: goal.address,
            addresses: goal.addresses,
            options: ConnectOptions { software, tls: goal.tls, ..ConnectOptions::default() },
            clock,
            target: watch::Sender::new(0),
            window: watch::Sender::new(None),
            cut_ns: AtomicU64::new(u64::MAX),
            judge: AtomicU32::new(0),
            outcomes: Mutex::default(),
            stop_connecting: CancellationToken::new(),
            stop: CancellationToken::new(),
            live: std::iter::repeat_with(Live::default).take(threads).collect(),
            attacks: Mutex::new(attacks),
            recorder,
        }
    }

    /// A counter, over all threads.
    pub(super) fn sum(&self, counter: impl Fn(&Live) -> &AtomicU64) -> u64 {
        self.live.iter().map(|live| counter(live).load(Relaxed)).sum()
    }

    /// The server's tick: the longest that any thread was told.
    pub(super) fn tick(&self) -> Duration {
        let longest = self.live.iter().map(|live| live.tick_ms.load(Relaxed)).max();
        Duration::from_millis(longest.unwrap_or(0))
    }

    /// The window, if one is known.
    pub(super) fn window(&self) -> Option<Window> {
        *self.window.borrow()
    }

    /// Lets no action fall due later than `after_ns` after the start of the window.
    pub(super) fn cut(&self, after_ns: u64) {
        self.cut_ns.fetch_min(after_ns, Relaxed);
    }

    /// How long after the start of the window actions fall due.
    pub(super) fn end_ns(&self, window: &Window) -> u64 {
        window.duration_ns.min(self.cut_ns.load(Relaxed))
    }
}

/// Locks; whoever panicked while they held it left a count or two behind, no more.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
