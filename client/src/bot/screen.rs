//! How far a run is: on a terminal a dashboard, elsewhere a line now and then on stderr.

use super::{dashboard::Dashboard, ledger::Causes, progress::Progress, report::Sample};
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
pub(super) enum Screen {
    Lines(Progress),
    Dashboard(Box<Dashboard>),
}

impl Screen {
    /// A dashboard where there is a terminal for it and it is wanted.
    pub(super) fn start(title: String, dashboard: bool) -> Self {
        match dashboard.then(|| Dashboard::start(title)).flatten() {
            Some(dashboard) => Self::Dashboard(Box::new(dashboard)),
            None => Self::Lines(Progress::new()),
        }
    }

    /// Shows it, if it is time to. What is shown is only gathered then.
    pub(super) fn show<'a>(&mut self, status: impl FnOnce() -> Status<'a>) {
        match self {
            Self::Lines(progress) => {
                let Status { phase, done, .. } = status();
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1,000")]
                progress.show((done * 1_000.0) as u64, 1_000, &phase);
            }
            Self::Dashboard(dashboard) if dashboard.is_due() => dashboard.show(&status()),
            Self::Dashboard(_) => {}
        }
    }

    /// Says a line that stays.
    pub(super) fn say(&mut self, line: String) {
        match self {
            Self::Lines(progress) => progress.say(&line),
            Self::Dashboard(dashboard) => dashboard.say(line),
        }
    }

    /// Takes in keys that were pressed: while the terminal is the dashboard's, Ctrl-C is one of them.
    pub(super) fn listen(&mut self, interrupted: &CancellationToken) {
        if let Self::Dashboard(dashboard) = self
            && dashboard.was_told_to_end()
        {
            interrupted.cancel();
        }
    }

    /// Takes away what is shown, for what is printed next.
    pub(super) fn finish(self) {
        match self {
            Self::Lines(progress) => progress.finish(),
            // Dropped, it gives the terminal back.
            Self::Dashboard(_) => {}
        }
    }
}
