//! A thread's life: connect its players, keep the schedule until told to stop, hand over the results.

use super::{cause, connect, outcome::Outcome, shared::Shared, worker::Worker};
use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    pin::pin,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed},
    thread,
    time::Duration,
};
use tokio::{
    runtime::{Builder, LocalOptions},
    sync::Semaphore,
    task::{JoinSet, yield_now},
    time::{Instant, sleep, sleep_until, timeout},
};

/// Connects in flight at once, over all threads: below any listen backlog.
const CONNECTS_AT_ONCE: usize = 64;

/// The least time between two looks at the sockets. Arrivals are noted up to so much late, never early: no latency that
/// is reported is better than it was.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// Starts the thread with this index.
///
/// # Errors
/// Where the system starts no thread.
pub(super) fn spawn(shared: Arc<Shared>, index: usize) -> io::Result<thread::JoinHandle<io::Result<Outcome>>> {
    thread::Builder::new().name(format!("bot-{index}")).spawn(move || {
        let runtime = paced().build_local(LocalOptions::default())?;
        Ok(runtime.block_on(live(shared, index)))
    })
}

/// A runtime that looks at its sockets at most once per [`LOOK_INTERVAL`].
///
/// Where bot and server share cores, a bot that is woken by each write of the server takes the core from it each time:
/// what is measured then is the kernel switching between the two.
fn paced() -> Builder {
    let looked = Arc::new(Mutex::new(Instant::now()));
    let looks = Arc::clone(&looked);
    let mut builder = Builder::new_current_thread();
    builder.enable_all();
    builder.on_thread_park(move || {
        let since = looked.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        if let Some(early) = LOOK_INTERVAL.checked_sub(since) {
            thread::sleep(early);
        }
    });
    builder.on_thread_unpark(move || *looks.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now());
    builder
}

async fn live(shared: Arc<Shared>, index: usize) -> Outcome {
    let worker = Rc::new(RefCell::new(Worker::new(Arc::clone(&shared), index)));
    let threads = shared.live.len();
    let permits = Rc::new(Semaphore::new((CONNECTS_AT_ONCE / threads).max(1)));
    let mut players = JoinSet::new();
    for player in (0..shared.plan.players()).skip(index).step_by(threads) {
        players.spawn_local(play(Rc::clone(&worker), Arc::clone(&shared), Rc::clone(&permits), player));
    }
    keep_pace(&worker, &shared).await;
    while let Some(ended) = players.try_join_next() {
        ended.expect("no task of a player panics or is aborted");
    }
    let outcome = worker.borrow_mut().judge();
    wait_for_the_other_threads(&shared).await;
    worker.borrow_mut().say_goodbye();
    outcome
}

/// Nobody leaves before all threads have judged: what a leave sends to those still seated would lie unread with them.
async fn wait_for_the_other_threads(shared: &Shared) {
    shared.judged.fetch_add(1, Relaxed);
    let all = async {
        while shared.judged.load(Relaxed) < shared.live.len() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    // A thread that panicked never judges, and the run has failed then anyway.
    let _ = timeout(Duration::from_secs(1), all).await;
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
    match slot {
        Ok(slot) => {
            poll_fn(|cx| worker.borrow_mut().poll_player(slot, cx)).await;
        }
        Err(cause) => {
            worker.borrow_mut().fail(cause);
            // Where the first to have used up its attempts finds nobody seated, the others will fare no better.
            if shared.sum(|live| &live.connected) == 0 {
                shared.stop_connecting.cancel();
            }
        }
    }
}

/// The thread's pacer: one sleep to the next move that is due, again and again.
async fn keep_pace(worker: &RefCell<Worker>, shared: &Shared) {
    let mut stopped = pin!(shared.stop.cancelled());
    let mut sleep = pin!(sleep_until(Instant::now()));
    let mut wake_ns = shared.clock.now_ns();
    loop {
        wake_ns = worker.borrow_mut().tick(wake_ns);
        let wake_at = shared.clock.instant(wake_ns);
        if wake_at <= Instant::now() {
            // More is due, but whoever has something to read comes first.
            if shared.stop.is_cancelled() {
                return;
            }
            yield_now().await;
            continue;
        }
        sleep.as_mut().reset(wake_at);
        tokio::select! {
            biased;
            () = &mut stopped => return,
            () = &mut sleep => {}
        }
    }
}
