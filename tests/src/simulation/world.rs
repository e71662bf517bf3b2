//! What everyone in a run shares: the clock, the phase, the trace's hash, what happened how often, and the first thing that
//! was not as it should be.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
};
use tokio::time::Instant;

/// Lines of the trace that are kept, where any are.
const LAST_LINES: usize = 400;

/// What the clients do at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// Everything, while the network does its worst.
    Faults,
    /// The faults have stopped: everyone gets to a seat and plays.
    Settling,
    /// Nobody does anything but listen.
    Quiet,
    /// Everyone compares what they see with what the server has, and then listens on.
    Comparing,
    /// Everyone goes.
    Leaving,
    /// The server stops: everyone plays on until they are told to go.
    Draining,
}

const PHASES: [Phase; 6] =
    [Phase::Faults, Phase::Settling, Phase::Quiet, Phase::Comparing, Phase::Leaving, Phase::Draining];

/// See the module.
#[derive(Debug)]
pub(super) struct World {
    began: Instant,
    phase: AtomicU8,
    trace: Mutex<Trace>,
}

#[derive(Debug)]
struct Trace {
    hash: u64,
    step: u32,
    tally: BTreeMap<&'static str, u64>,
    failure: Option<(u32, String)>,
    /// Kept only where someone wants to read them: writing them takes longer than all the rest.
    lines: Option<VecDeque<String>>,
    echo: bool,
}

impl World {
    pub(super) fn new(keep_lines: bool, echo: bool) -> Arc<Self> {
        let lines = keep_lines.then(VecDeque::new);
        // FNV-1a: short, and the same on every machine.
        let trace = Trace { hash: 0xcbf2_9ce4_8422_2325, step: 0, tally: BTreeMap::new(), failure: None, lines, echo };
        Arc::new(Self { began: Instant::now(), phase: AtomicU8::new(0), trace: Mutex::new(trace) })
    }

    /// Milliseconds since the beginning.
    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn phase(&self) -> Phase {
        PHASES[usize::from(self.phase.load(Ordering::Relaxed))]
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        self.line(|| format!("-- {phase:?}"));
    }

    /// Something that counts for the hash: what kind, whose, and the bytes of it.
    pub(super) fn hash(&self, kind: u8, whose: u64, bytes: &[u8]) {
        let now = self.now_ms();
        let mut trace = self.trace();
        let head = [now.to_le_bytes(), whose.to_le_bytes()];
        let mut hash = trace.hash;
        for &byte in [kind].iter().chain(head.as_flattened()).chain(bytes) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        trace.hash = hash;
    }

    /// Counts something that happened.
    pub(super) fn count(&self, what: &'static str) {
        self.count_many(what, 1);
    }

    pub(super) fn count_many(&self, what: &'static str, times: u64) {
        *self.trace().tally.entry(what).or_default() += times;
    }

    /// Adds a line to the trace, where it is kept.
    pub(super) fn line(&self, line: impl FnOnce() -> String) {
        let mut trace = self.trace();
        if trace.lines.is_none() {
            return;
        }
        let line = format!("{:>8} ms  {}", self.now_ms(), line());
        if trace.echo {
            println!("{line}");
        }
        let lines = trace.lines.get_or_insert_default();
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Something is not as it should be. The first such thing is the run's result.
    pub(super) fn fail(&self, what: impl FnOnce() -> String) {
        if self.has_failed() {
            return;
        }
        let what = what();
        self.line(|| format!("!! {what}"));
        let mut trace = self.trace();
        trace.failure = Some((trace.step, what));
    }

    pub(super) fn has_failed(&self) -> bool {
        self.trace().failure.is_some()
    }

    pub(super) fn next_step(&self) -> u32 {
        let mut trace = self.trace();
        trace.step += 1;
        trace.step
    }

    /// The hash, the steps, what happened, what failed, and the last lines.
    #[allow(clippy::type_complexity, reason = "taken apart at once")]
    pub(super) fn result(&self) -> (u64, u32, BTreeMap<&'static str, u64>, Option<(u32, String)>, Vec<String>) {
        let trace = self.trace();
        let lines = trace.lines.iter().flatten().cloned().collect();
        (trace.hash, trace.step, trace.tally.clone(), trace.failure.clone(), lines)
    }

    fn trace(&self) -> MutexGuard<'_, Trace> {
        self.trace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
