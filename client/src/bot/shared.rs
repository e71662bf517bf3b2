//! What the threads of a planned run share. Nothing here is touched per packet except to read the window.

use super::{common::Common, hostile, outcome::Outcome, plan::Plan, record::Recorder};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Everything the threads of a planned run share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) common: Arc<Common>,
    pub(super) plan: Plan,
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
    /// What the hostile ones did, by part.
    pub(super) attacks: Mutex<Vec<hostile::Tally>>,
    /// With `--record`.
    pub(super) recorder: Option<Arc<Recorder>>,
}

/// A measured window, on the bot's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// From 1.
    pub(super) number: u32,
    pub(super) start_ns: u64,
    pub(super) duration_ns: u64,
}

impl Shared {
    /// A run of this plan.
    pub(super) fn new(common: Arc<Common>, plan: Plan, recorder: Option<Arc<Recorder>>) -> Self {
        let attacks = plan.parts().iter().map(|_| hostile::Tally::default()).collect();
        Self {
            common,
            plan,
            target: watch::Sender::new(0),
            window: watch::Sender::new(None),
            cut_ns: AtomicU64::new(u64::MAX),
            judge: AtomicU32::new(0),
            outcomes: Mutex::default(),
            stop_connecting: CancellationToken::new(),
            attacks: Mutex::new(attacks),
            recorder,
        }
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
