//! A thread with a current-thread runtime and the shard that lives on it.

use crate::{Counters, Settings, Shard};
use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};
use tokio::{runtime, sync::oneshot};

/// A shard's thread. After this is dropped it runs until every task of the shard has ended; await
/// [`Shard::finished`] for that.
pub struct ShardThread {
    shard: Shard,
    /// Never sent on: dropping it is the word.
    _stop: oneshot::Sender<()>,
}

impl ShardThread {
    /// Starts a thread named `shard-INDEX`.
    ///
    /// # Errors
    /// The operating system's, where it gives no thread or no readiness queue.
    pub fn start(index: usize, settings: Settings, counters: Arc<Counters>) -> io::Result<Self> {
        let runtime = Pace::new(settings.poll_interval).pacing(&mut runtime::Builder::new_current_thread()).build()?;
        let shard = Shard::new(index, runtime.handle().clone(), settings, counters);
        let (_stop, stopped) = oneshot::channel();
        thread::Builder::new().name(format!("shard-{index}")).spawn({
            let shard = shard.clone();
            move || {
                runtime.block_on(async {
                    // Always an error: the owner is gone.
                    let _ = stopped.await;
                    shard.finished().await;
                });
            }
        })?;
        Ok(Self { shard, _stop })
    }

    /// The shard.
    #[must_use]
    pub fn shard(&self) -> &Shard {
        &self.shard
    }
}

/// Keeps a thread from looking at its sockets more often than asked.
///
/// A wake-up costs a thread more than reading a packet does, and on a busy shard every packet would bring one: the
/// kernel would switch to the thread for each, and the thread would find one thing to do. It is what network cards do
/// with interrupts, and what rooms do with their flushes: at once after a rest, then at most once per interval.
struct Pace {
    interval: Duration,
    /// When the thread looked last. Only that thread touches it.
    looked: Mutex<Instant>,
}

impl Pace {
    fn new(interval: Duration) -> Arc<Self> {
        Arc::new(Self { interval, looked: Mutex::new(Instant::now()) })
    }

    fn pacing<'a>(self: &Arc<Self>, builder: &'a mut runtime::Builder) -> &'a mut runtime::Builder {
        builder.enable_all();
        if self.interval.is_zero() {
            return builder;
        }
        let (park, unpark) = (Arc::clone(self), Arc::clone(self));
        builder.on_thread_park(move || park.rest()).on_thread_unpark(move || unpark.look())
    }

    /// Nothing is left to do; sleeps if it is too early to look again.
    fn rest(&self) {
        if let Some(early) = self.early(Instant::now()) {
            thread::sleep(early);
        }
    }

    fn look(&self) {
        *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// How much too early `now` is for the next look, if it is.
    fn early(&self, now: Instant) -> Option<Duration> {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        self.interval.checked_sub(now.saturating_duration_since(looked)).filter(|early| !early.is_zero())
    }
}

impl fmt::Debug for ShardThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShardThread({:?})", self.shard)
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;
    use std::time::{Duration, Instant};

    #[test]
    fn after_a_rest_at_once_then_once_per_interval() {
        let pace = Pace::new(Duration::from_millis(2));
        let looked = *pace.looked.lock().unwrap();
        let early = |micros| pace.early(looked + Duration::from_micros(micros));
        assert_eq!(early(0), Some(Duration::from_micros(2000)));
        assert_eq!(early(1500), Some(Duration::from_micros(500)));
        assert_eq!(early(2000), None);
        assert_eq!(early(90_000), None);
        while Instant::now() == looked {}
        pace.look();
        assert!(*pace.looked.lock().unwrap() > looked);
    }

    #[test]
    fn a_rest_lasts_until_it_is_time_to_look_again() {
        let pace = Pace::new(Duration::from_millis(20));
        pace.rest();
        assert!(pace.looked.lock().unwrap().elapsed() >= pace.interval);
    }
}
