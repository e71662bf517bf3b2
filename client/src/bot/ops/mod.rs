//! Players whose work takes several packets: their tasks do it themselves, each action at its planned time.
//!
//! ```text
//! rhythm.rs   when the next action is due
//! churn.rs    leaves its room and joins another        login.rs   registers, signs in
//! resume.rs   loses its connection and comes back      storm.rs   all connect at once
//! ```
//!
//! An action that begins late because the last one took long counts from when it was due all the same.

mod churn;
mod login;
mod resume;
mod rhythm;
mod seat;
mod storm;

use super::{scenario::Scenario, shared::Shared, worker::Worker};
use rhythm::Rhythm;
use std::{cell::RefCell, rc::Rc, sync::Arc};
use tokio::sync::Semaphore;

/// One player, and whom it tells what it did.
struct Operator {
    worker: Rc<RefCell<Worker>>,
    shared: Arc<Shared>,
    permits: Rc<Semaphore>,
    player: u32,
}

/// The task of one player, until it is lost or dismissed, or the run is over.
pub(super) async fn work(worker: Rc<RefCell<Worker>>, shared: Arc<Shared>, permits: Rc<Semaphore>, player: u32) {
    let scenario = shared.plan.scenario_of(player);
    let operator = Operator { worker, shared, permits, player };
    match scenario {
        Scenario::Churn => churn::work(&operator).await,
        Scenario::Resume => resume::work(&operator).await,
        Scenario::Login => login::work(&operator).await,
        _ => storm::work(&operator).await,
    }
}

impl Operator {
    /// The times of this player's actions.
    fn rhythm(&self) -> Rhythm {
        Rhythm::new(Arc::clone(&self.shared), self.player)
    }

    /// Ready when the player is no longer wanted.
    async fn dismissed(&self) {
        // Where nobody can say so any more, the run is over.
        let _ = self.shared.target.subscribe().wait_for(|&target| target <= self.player).await;
    }

    fn now_ns(&self) -> u64 {
        self.shared.common.clock.now_ns()
    }
}
