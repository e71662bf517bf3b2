//! A thread with a current-thread runtime and the shard that lives on it.

use crate::{Counters, Settings, Shard};
use std::{
    fmt, io,
    sync::Arc,
    thread::{self, JoinHandle},
};
use tokio::{runtime, sync::oneshot};

/// A shard's thread. It runs until [`ShardThread::stop`], which waits for every task of the shard.
pub struct ShardThread {
    shard: Shard,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl ShardThread {
    /// Starts a thread named `shard-INDEX`.
    ///
    /// # Errors
    /// The operating system's, where it gives no thread or no readiness queue.
    pub fn start(index: usize, settings: Settings, counters: Arc<Counters>) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let shard = Shard::new(index, runtime.handle().clone(), settings, counters);
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name(format!("shard-{index}")).spawn({
            let shard = shard.clone();
            move || {
                runtime.block_on(async {
                    // An error means that the owner is gone without a word: stop as well.
                    let _ = stopped.await;
                    shard.finished().await;
                });
            }
        })?;
        Ok(Self { shard, stop, thread })
    }

    /// The shard.
    #[must_use]
    pub fn shard(&self) -> &Shard {
        &self.shard
    }

    /// Waits until every task of the shard has ended, then ends the thread. Blocks: end the sessions first, and do not
    /// call it on a runtime's thread.
    pub fn stop(self) {
        // An error means that the thread has ended already.
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!(shard = self.shard.index(), "the shard's thread panicked");
        }
    }
}

impl fmt::Debug for ShardThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShardThread({:?})", self.shard)
    }
}
