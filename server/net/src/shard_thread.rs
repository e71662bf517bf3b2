//! A thread with a current-thread runtime and the shard that lives on it.

use crate::{Counters, Settings, Shard};
use std::{fmt, io, sync::Arc, thread};
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
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
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

impl fmt::Debug for ShardThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShardThread({:?})", self.shard)
    }
}
