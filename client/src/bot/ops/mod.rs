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
    let operator = Operator { worker, shared: Arc::clone(&shared), permits, player };
    let mut target = shared.target.subscribe();
    let worked = async {
        match shared.plan.scenario_of(player) {
            Scenario::Churn => churn::work(&operator).await,
            Scenario::Resume => resume::work(&operator).await,
            Scenario::Login => login::work(&operator).await,
            _ => storm::work(&operator).await,
        }
    };
    let present = tokio::select! {
        biased;
        present = worked => present,
        _ = target.wait_for(|&target| target <= player) => operator.is_enlisted(),
    };
    if present {
        operator.worker.borrow_mut().left(player);
    }
}

impl Operator {
    /// The times of this player's actions.
    fn rhythm(&self) -> Rhythm {
        Rhythm::new(Arc::clone(&self.shared), self.player)
    }

    fn is_enlisted(&self) -> bool {
        self.worker.borrow().is_enlisted(self.player)
    }

    fn now_ns(&self) -> u64 {
        self.shared.clock.now_ns()
    }
}
