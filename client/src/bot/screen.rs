//! How far a run is, on stderr.

use super::{ledger::Causes, progress::Progress, report::Sample};
use tokio_util::sync::CancellationToken;

/// What is shown.
#[derive(Debug)]
pub(super) struct Status<'a> {
    /// What goes on, such as `connecting: 12 of 100`.
    pub(super) phase: String,
    /// How much of that is over, from 0 to 1.
    pub(super) done: f64,
    pub(super) samples: &'a [Sample],
    /// What went wrong so far.
    pub(super) errors: Causes,
}

/// Where it is shown.
#[derive(Debug)]
pub(super) struct Screen(Progress);

impl Screen {
    /// Lines, or a bar on a terminal.
    pub(super) fn plain() -> Self {
        Self(Progress::new())
    }

    /// Shows it.
    pub(super) fn show<'a>(&mut self, status: impl FnOnce() -> Status<'a>) {
        let Status { phase, done, .. } = status();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1,000")]
        self.0.show((done * 1_000.0) as u64, 1_000, &phase);
    }

    /// Looks for keys that were pressed.
    pub(super) async fn listen(&mut self, _interrupted: &CancellationToken) {}

    /// Takes away what is shown, for what is printed next.
    pub(super) fn finish(&mut self) {
        self.0.finish();
    }
}
