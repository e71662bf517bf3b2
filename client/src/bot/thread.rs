//! A thread's life: as many players as shall be, the schedule of each window, until told to stop.

use super::{cause, connect, ops, pace, shared::Shared, worker::Worker};
use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    thread,
};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, coop::unconstrained},
};

/// Connects in flight at once, over all threads: below any listen backlog.
const CONNECTS_AT_ONCE: usize = 64;

/// Starts the thread with this index.
///
/// # Errors
/// Where the system starts no thread.
pub(super) fn spawn(shared: Arc<Shared>, index: usize) -> io::Result<thread::JoinHandle<io::Result<()>>> {
    thread::Builder::new().name(format!("bot-{index}")).spawn(move || {
        let runtime = pace::runtime()?;
        runtime.block_on(live(shared, index));
        Ok(())
    })
}

async fn live(shared: Arc<Shared>, index: usize) {
    let worker = Rc::new(RefCell::new(Worker::new(Arc::clone(&shared), index)));
    let mut crew = Crew::new(Rc::clone(&worker), Arc::clone(&shared), index);
    let mut wake_ns = shared.common.clock.now_ns();
    let tick = || {
        crew.follow();
        wake_ns = worker.borrow_mut().tick(wake_ns);
        Some(wake_ns)
    };
    pace::keep(&shared.common, tick).await;
    // Many of them at once: of a task's budget only the first 128 would be said.
    unconstrained(async { worker.borrow_mut().say_goodbye() }).await;
}

/// The tasks of a thread's players.
struct Crew {
    worker: Rc<RefCell<Worker>>,
    shared: Arc<Shared>,
    index: u32,
    permits: Rc<Semaphore>,
    tasks: JoinSet<()>,
    /// Players below this number were started.
    followed: u32,
}

impl Crew {
    fn new(worker: Rc<RefCell<Worker>>, shared: Arc<Shared>, index: usize) -> Self {
        let permits = Rc::new(Semaphore::new((CONNECTS_AT_ONCE / shared.common.live.len()).max(1)));
        let index = u32::try_from(index).expect("few threads");
        Self { worker, shared, index, permits, tasks: JoinSet::new(), followed: 0 }
    }

    /// Starts players until there are as many as shall be, or lets those go that are too many.
    fn follow(&mut self) {
        let target = *self.shared.target.borrow();
        if target == self.followed {
            return;
        }
        if target < self.followed {
            self.worker.borrow_mut().dismiss_from(target);
        } else {
            let threads = u32::try_from(self.shared.common.live.len()).expect("few threads");
            let index = self.index;
            for player in (self.followed..target).filter(|player| player % threads == index) {
                self.start(player);
            }
        }
        self.followed = target;
        self.shared.common.live[self.index as usize].followed.store(target, Relaxed);
        while let Some(ended) = self.tasks.try_join_next() {
            ended.expect("no task of a player panics or is aborted");
        }
    }

    fn start(&mut self, player: u32) {
        let scenario = self.shared.plan.scenario_of(player);
        if scenario.is_hostile() {
            return;
        }
        if scenario.connects_before() {
            self.shared.common.live[self.index as usize].started.fetch_add(1, Relaxed);
        }
        let (worker, shared, permits) = (Rc::clone(&self.worker), Arc::clone(&self.shared), Rc::clone(&self.permits));
        if scenario.is_seated() {
            self.tasks.spawn_local(play(worker, shared, permits, player));
        } else {
            self.tasks.spawn_local(ops::work(worker, shared, permits, player));
        }
    }
}

/// One player's task: connects it, then reads until it is lost.
async fn play(worker: Rc<RefCell<Worker>>, shared: Arc<Shared>, permits: Rc<Semaphore>, player: u32) {
    let seated = tokio::select! {
        biased;
        () = shared.stop_connecting.cancelled() => Err("given_up".into()),
        seated = async {
            let _permit = permits.acquire().await.expect("never closed");
            connect::seat(&shared, player).await
        } => seated.map_err(|error| cause::of(&error)),
    };
    let slot = seated.and_then(|seated| worker.borrow_mut().seat(player, seated));
    let slot = slot.map_err(|cause| worker.borrow_mut().fail(player, cause));
    settle(&shared, player);
    if let Ok(slot) = slot {
        poll_fn(|cx| worker.borrow_mut().poll_player(slot, cx)).await;
    }
}

/// A player is there or failed. Where the first to have used up its attempts finds nobody there, the others will fare no
/// better.
pub(super) fn settle(shared: &Shared, player: u32) {
    let live = &shared.common.live[player as usize % shared.common.live.len()];
    live.settled.fetch_add(1, Relaxed);
    if shared.common.sum(|live| &live.present) == 0 {
        shared.stop_connecting.cancel();
    }
}
