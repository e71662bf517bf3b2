//! When a player's next action is due: by the plan, in each window anew.

use crate::bot::shared::{Shared, Window};
use std::{future::pending, sync::Arc};
use tokio::{sync::watch, time::sleep_until};

/// The times of one player's actions.
#[derive(Debug)]
pub(super) struct Rhythm {
    shared: Arc<Shared>,
    player: u32,
    windows: watch::Receiver<Option<Window>>,
    window: Option<Window>,
    /// Actions of this window that have begun.
    begun: u64,
}

/// An action that is due.
#[derive(Debug, Clone, Copy)]
pub(super) struct Action {
    /// When, on the run's clock.
    pub(super) due_ns: u64,
    /// How much later it begins, where the player was free to begin it when it was due.
    pub(super) slip_ns: Option<u64>,
}

impl Rhythm {
    /// Nothing begun yet.
    pub(super) fn new(shared: Arc<Shared>, player: u32) -> Self {
        let windows = shared.window.subscribe();
        Self { shared, player, windows, window: None, begun: 0 }
    }

    /// Waits until the next action is due. Cancel-safe.
    pub(super) async fn next(&mut self) -> Action {
        loop {
            let current = *self.windows.borrow_and_update();
            if current != self.window {
                (self.window, self.begun) = (current, 0);
            }
            tokio::select! {
                biased;
                action = next_of(&self.shared, self.player, self.window, self.begun) => {
                    self.begun += 1;
                    return action;
                }
                changed = self.windows.changed() => {
                    if changed.is_err() {
                        pending::<()>().await;
                    }
                }
            }
        }
    }
}

/// Waits for the action of the window after those that have begun; for ever where there is none.
async fn next_of(shared: &Shared, player: u32, window: Option<Window>, begun: u64) -> Action {
    let Some(window) = window else { return pending().await };
    let after_start_ns = shared.plan.phase_ns(player) + begun * shared.plan.period_ns(player).unwrap_or(0);
    if shared.plan.actions_before(player, shared.end_ns(&window)) <= begun {
        return pending().await;
    }
    let due_ns = window.start_ns + after_start_ns;
    let free = shared.common.clock.now_ns() <= due_ns;
    sleep_until(shared.common.clock.instant(due_ns)).await;
    // The window may have been cut short meanwhile.
    if after_start_ns >= shared.end_ns(&window) {
        return pending().await;
    }
    let slip_ns = free.then(|| shared.common.clock.now_ns().saturating_sub(due_ns));
    Action { due_ns, slip_ns }
}
