//! Hostile players: what an attacker, a broken program or a dead network does to a server.
//!
//! ```text
//! attacks.rs  one connection of each kind, from its begin to its end
//! line.rs     a connection without manners: bytes, frames, and why it ended
//! ```
//!
//! They live on a thread of their own, so that the honest players' schedule stays what it is. What they did is counted
//! apart from everything honest.

mod attacks;
mod line;

use super::{
    common::lock,
    ledger::{Causes, count},
    metrics::Latencies,
    scenario::Scenario,
    shared::Shared,
};
use std::{io, pin::pin, sync::Arc, thread, time::Duration};
use tokio::{
    runtime::{Builder, LocalOptions},
    task::JoinSet,
    time::{Instant, interval, sleep_until},
};

/// How often what was recorded goes to the file.
const HAND_OVER_EVERY: Duration = Duration::from_millis(50);

/// What the attackers of one part did.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Connections begun, and those that the server took.
    pub(super) attempts: u64,
    pub(super) connected: u64,
    /// How those ended.
    pub(super) ended_by: Causes,
    /// How long they lasted.
    pub(super) lasted: Latencies,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
    pub(super) frames_sent: u64,
}

/// Starts the thread of the hostile players, if the run has any.
///
/// # Errors
/// Where the system starts no thread.
pub(super) fn spawn(shared: Arc<Shared>) -> io::Result<Option<thread::JoinHandle<io::Result<()>>>> {
    if !shared.plan.parts().iter().any(|part| part.scenario.is_hostile()) {
        return Ok(None);
    }
    let work = move || {
        let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default())?;
        runtime.block_on(live(shared));
        Ok(())
    };
    thread::Builder::new().name("bot-hostile".into()).spawn(work).map(Some)
}

async fn live(shared: Arc<Shared>) {
    let mut tasks = JoinSet::new();
    for player in (0..shared.plan.players()).filter(|&player| shared.plan.scenario_of(player).is_hostile()) {
        tasks.spawn_local(attack_again(Arc::clone(&shared), player));
    }
    let mut stopped = pin!(shared.common.stop.cancelled());
    let mut hand_over = interval(HAND_OVER_EVERY);
    loop {
        tokio::select! {
            biased;
            () = &mut stopped => return,
            _ = hand_over.tick(), if shared.recorder.is_some() => {}
        }
        if let Some(recorder) = &shared.recorder {
            recorder.hand_over(recorder.hostile_track());
        }
    }
}

/// One attacker: from when the window opens and it is wanted, one connection after the other.
async fn attack_again(shared: Arc<Shared>, player: u32) {
    let (mut target, mut windows) = (shared.target.subscribe(), shared.window.subscribe());
    let wanted = async {
        let _ = target.wait_for(|&target| target > player).await;
        windows.wait_for(Option::is_some).await.ok().and_then(|window| *window)
    };
    let Some(window) = wanted.await else { return };
    let (part, scenario) = (shared.plan.part_of(player), shared.plan.scenario_of(player));
    let period = Duration::from_nanos(shared.plan.period_ns(player).unwrap_or(1_000_000_000));
    let mut begin = shared.common.clock.instant(window.start_ns + shared.plan.phase_ns(player));
    for attempt in 0.. {
        sleep_until(begin).await;
        lock(&shared.attacks)[part].attempts += 1;
        let ended = one(&shared, player, scenario, attempt, part).await;
        count(&mut lock(&shared.attacks)[part].ended_by, ended);
        begin = (begin + period).max(Instant::now());
    }
}

/// One connection; returns why it ended.
async fn one(shared: &Shared, player: u32, scenario: Scenario, attempt: u32, part: usize) -> String {
    let mut line = match line::Line::open(shared, player, attempt, part).await {
        Ok(line) => line,
        Err(ended) => return format!("not_connected_{ended}"),
    };
    lock(&shared.attacks)[part].connected += 1;
    let begin = Instant::now();
    let ended = attacks::attack(&mut line, scenario, player, attempt).await;
    lock(&shared.attacks)[part].lasted.record_ns(super::plan::nanos(begin.elapsed()));
    ended
}
