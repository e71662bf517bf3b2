//! How the bot's threads keep time, whatever they play.

use super::common::Common;
use std::{
    io,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use tokio::{
    runtime::{Builder, LocalOptions, LocalRuntime},
    task::yield_now,
    time::{Instant, sleep_until},
};

/// The least time between two looks at the sockets. Arrivals are noted up to so much late, never early: no latency that
/// is reported is better than it was.
const LOOK_INTERVAL: Duration = Duration::from_millis(1);

/// A runtime that looks at its sockets at most once per [`LOOK_INTERVAL`].
///
/// Where bot and server share cores, a bot that is woken by each write of the server takes the core from it each time:
/// what is measured then is the kernel switching between the two.
///
/// # Errors
/// Where the system has no more files to open.
pub(super) fn runtime() -> io::Result<LocalRuntime> {
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
    builder.build_local(LocalOptions::default())
}

/// Does what is due, again and again: one sleep to the next time that `tick` names, on the bot's clock. Ends where it names none,
/// or when all is over.
pub(super) async fn keep(common: &Common, mut tick: impl FnMut() -> Option<u64>) {
    let mut stopped = pin!(common.stop.cancelled());
    let mut sleep = pin!(sleep_until(Instant::now()));
    while let Some(wake_ns) = tick() {
        let wake_at = common.clock.instant(wake_ns);
        if wake_at <= Instant::now() {
            if common.stop.is_cancelled() {
                return;
            }
            // More is due, but whoever has something to read comes first.
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
