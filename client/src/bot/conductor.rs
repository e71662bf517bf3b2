//! What goes on beside the threads, whatever they play: Ctrl-C, the screen, one sample a second, and what server and bot use.

use super::{
    common::Common,
    gauge::{Gauge, Usage},
    goal::Goal,
    open_files, process,
    report::Sample,
    sampler::Sampler,
    screen::{Screen, Status},
};
use anyhow::Result;
use malpan_client::Tls;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How often it is looked at the threads.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Where the bot goes, and how.
pub(super) struct Options {
    pub(super) address: String,
    pub(super) tls: Option<Tls>,
    pub(super) threads: usize,
    pub(super) server: Option<Gauge>,
    /// Whether hostile players may go to another machine.
    pub(super) owned: bool,
    pub(super) screen: Screen,
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

/// Watches the threads, and shows how far they are.
pub(super) struct Conductor {
    pub(super) common: Arc<Common>,
    /// What the screen says before the phase, such as which step of a search this is.
    pub(super) step: String,
    server: Option<Gauge>,
    server_before: Option<Usage>,
    own_before: Option<Usage>,
    sampler: Sampler,
    screen: Screen,
    interrupted: CancellationToken,
}

/// What the server, where that is known, and the bot itself used.
#[derive(Debug, Clone, Copy)]
pub(super) struct Used {
    pub(super) server: Option<ProcessUse>,
    pub(super) own: ProcessUse,
}

/// What a process used.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ProcessUse {
    /// Before the first connect.
    pub(super) before: Option<Usage>,
    /// When the window opened.
    pub(super) seated: Option<Usage>,
    /// When the run was over, and how long after `seated` that was. `None` where the process had ended.
    pub(super) end: Option<(Usage, Duration)>,
}

impl Used {
    /// Nothing was used: for a report before anything was measured.
    pub(super) fn nothing(with_server: bool) -> Self {
        let own = ProcessUse { seated: Some(Usage::default()), ..ProcessUse::default() };
        Self { server: with_server.then(ProcessUse::default), own }
    }
}

/// What was used until a window opened.
pub(super) struct Opened {
    at: Instant,
    server: Option<Usage>,
    own: Option<Usage>,
}

impl Conductor {
    /// Looks whether it can begin with so many connections at once, of which `hostile` must not leave this machine.
    ///
    /// # Errors
    /// Where it cannot: no address, no such process, too few open files.
    pub(super) async fn start(options: Options, connections: u32, hostile: Option<&str>) -> Result<Self> {
        open_files::reserve(connections)?;
        let goal = Goal::find(options.address, options.tls)?;
        if let Some(hostile) = hostile.filter(|_| !options.owned) {
            goal.ensure_here(hostile)?;
        }
        let server_before = match &options.server {
            Some(gauge) => Some(gauge.read().await?),
            None => None,
        };
        let interrupted = CancellationToken::new();
        tokio::spawn(interrupt(interrupted.clone()));
        Ok(Self {
            common: Arc::new(Common::new(goal, options.threads)),
            step: String::new(),
            server: options.server,
            server_before,
            own_before: own_usage(),
            sampler: Sampler::new(),
            screen: options.screen,
            interrupted,
        })
    }

    /// Whether somebody pressed Ctrl-C.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.is_cancelled()
    }

    /// Says a line that stays on the screen.
    pub(super) fn say(&mut self, line: String) {
        self.screen.say(line);
    }

    /// Takes a sample when it is time for one, shows how far the run is, and rests for a moment.
    pub(super) async fn look(&mut self, measuring: bool, done: f64, phase: impl FnOnce() -> String) {
        if self.sampler.is_due() {
            let usage = self.server_usage().await;
            self.sampler.take(&self.common, measuring, usage);
        }
        let (step, samples, common) = (&self.step, self.sampler.samples(), &self.common);
        self.screen.show(|| Status {
            phase: format!("{step}{}", phase()),
            done: done.clamp(0.0, 1.0),
            samples,
            errors: common.errors(),
        });
        self.screen.listen(&self.interrupted);
        sleep(LOOK_EVERY).await;
    }

    /// A window opens.
    pub(super) async fn open(&self) -> Opened {
        let at = Instant::now();
        Opened { at, server: self.server_usage().await, own: own_usage() }
    }

    /// It is over: what was used meanwhile. `None` for one that never opened.
    pub(super) async fn close(&self, opened: Option<Opened>) -> Used {
        let end = match &opened {
            Some(opened) => self.server_usage().await.map(|end| (end, opened.at.elapsed())),
            None => None,
        };
        let (seated, own_seated) = opened.as_ref().map_or((None, None), |opened| (opened.server, opened.own));
        let own_end = opened.and_then(|opened| Some((own_usage()?, opened.at.elapsed())));
        Used {
            server: self.server.is_some().then_some(ProcessUse { before: self.server_before, seated, end }),
            own: ProcessUse { before: self.own_before, seated: own_seated, end: own_end },
        }
    }

    /// Tells the threads to end and takes away what is shown. Returns one sample for each second.
    pub(super) fn end(self) -> Vec<Sample> {
        self.common.stop.cancel();
        self.screen.finish();
        self.sampler.into_samples()
    }

    async fn server_usage(&self) -> Option<Usage> {
        // Where the process has ended, there is nothing to say.
        self.server.as_ref()?.read().await.ok()
    }
}

/// What this process has used so far, where the system tells it.
fn own_usage() -> Option<Usage> {
    process::read(std::process::id()).ok()
}

/// Tells of Ctrl-C.
async fn interrupt(interrupted: CancellationToken) {
    // Where nobody can interrupt, the run's own end stands.
    if tokio::signal::ctrl_c().await.is_ok() {
        interrupted.cancel();
    }
}
