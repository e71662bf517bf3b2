//! What the bot's threads have in common, whether they follow a plan or replay a recording: where the server is, the clock, and
//! a few counters for whoever watches.

use super::{
    goal::Goal,
    ledger::{Causes, Interval, merge},
    plan::nanos,
};
use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// What all threads have in common.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) goal: Goal,
    pub(super) clock: Clock,
    /// Cancelled when all is over.
    pub(super) stop: CancellationToken,
    /// One per thread.
    pub(super) live: Vec<Live>,
}

/// Nanoseconds since the program started, the same on all threads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock(Instant);

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

impl Common {
    /// For so many threads, which begin now.
    pub(super) fn new(goal: Goal, threads: usize) -> Self {
        Self {
            goal,
            clock: Clock::start(),
            stop: CancellationToken::new(),
            live: std::iter::repeat_with(Live::default).take(threads).collect(),
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

    /// Whatever went wrong so far, by why.
    pub(super) fn errors(&self) -> Causes {
        let mut all = Causes::new();
        for live in &self.live {
            merge(&mut all, &lock(&live.errors));
        }
        all
    }
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

/// Locks; whoever panicked while they held it left a count or two behind, no more.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
