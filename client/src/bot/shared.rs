//! What the threads of a run share: the clock, the window, and a few counters for whoever watches. Nothing here is
//! touched per packet except to read the window.

use super::plan::{Plan, nanos};
use malpan_client::ConnectOptions;
use std::{
    net::SocketAddr,
    sync::{
        OnceLock,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
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
    pub(super) window: Window,
    /// Cancelled when no further player shall be connected.
    pub(super) stop_connecting: CancellationToken,
    /// Cancelled when the run is over.
    pub(super) stop: CancellationToken,
    /// How many threads have counted what they found after `stop`.
    pub(super) judged: AtomicUsize,
    /// One per thread.
    pub(super) live: Vec<Live>,
}

/// Nanoseconds since the program started, the same on all threads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

/// The measured window, on the [`Clock`]. Set once every player is seated, a while before it opens.
#[derive(Debug, Default)]
pub(super) struct Window {
    start_ns: OnceLock<u64>,
    /// How long moves fall due where the run is cut short; more than any duration until then.
    cut_ns: AtomicU64,
}

/// What a thread lets others know while it runs. Written a few times a second.
#[derive(Debug, Default)]
pub(super) struct Live {
    /// Players seated so far.
    pub(super) connected: AtomicU64,
    /// Players that could not be seated.
    pub(super) failed: AtomicU64,
    /// Players lost after being seated.
    pub(super) lost: AtomicU64,
    /// Moves sent.
    pub(super) sent: AtomicU64,
    /// Positions delivered.
    pub(super) delivered: AtomicU64,
    /// Moves that are still to be sent or answered.
    pub(super) open: AtomicU64,
    /// The server's tick, in milliseconds.
    pub(super) tick_ms: AtomicU64,
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

impl Window {
    /// A window that is not set.
    pub(super) fn new() -> Self {
        Self { start_ns: OnceLock::new(), cut_ns: AtomicU64::new(u64::MAX) }
    }

    /// Opens the window at `start_ns`.
    pub(super) fn set_start(&self, start_ns: u64) {
        // It is set by one thread, once; a second time would change nothing.
        let _ = self.start_ns.set(start_ns);
    }

    /// When the window opens, once that is known.
    pub(super) fn start_ns(&self) -> Option<u64> {
        self.start_ns.get().copied()
    }

    /// Lets no move fall due later than `after_ns` after the start.
    pub(super) fn cut(&self, after_ns: u64) {
        self.cut_ns.fetch_min(after_ns, Relaxed);
    }

    /// Since when, after the start, no move falls due; `u64::MAX` where nothing was cut.
    pub(super) fn cut_ns(&self) -> u64 {
        self.cut_ns.load(Relaxed)
    }
}

impl Shared {
    /// A counter, over all threads.
    pub(super) fn sum(&self, counter: impl Fn(&Live) -> &AtomicU64) -> u64 {
        self.live.iter().map(|live| counter(live).load(Relaxed)).sum()
    }

    /// The server's tick: the longest that any thread was told.
    pub(super) fn tick(&self) -> Duration {
        let longest = self.live.iter().map(|live| live.tick_ms.load(Relaxed)).max();
        Duration::from_millis(longest.unwrap_or(0))
    }
}
