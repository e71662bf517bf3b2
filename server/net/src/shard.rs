//! A shard: one thread's share of the sessions, and what they have in common.
//!
//! A shard is a handle to a Tokio runtime and a register. In production each has a thread with a current-thread
//! runtime of its own ([`ShardThread`](crate::ShardThread)), so a session never moves and its wake-ups cost nothing
//! across cores. In a simulation several shards share one runtime and its paused clock; nothing here can tell.

use crate::{
    CloseReason, Counters, Permit, Protocol, SessionHandle, SessionId, Settings, handle::millis, queue::Item, session,
    sweep,
};
use std::{
    collections::BTreeMap,
    fmt,
    future::{Future, ready},
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::Handle,
    sync::mpsc::UnboundedReceiver,
    task::JoinHandle,
    time::Instant,
};
use tokio_util::task::TaskTracker;

/// A shard. Cheap to clone; all clones are the same shard.
#[derive(Clone)]
pub struct Shard(Arc<Inner>);

struct Inner {
    index: usize,
    runtime: Handle,
    tasks: TaskTracker,
    settings: Settings,
    counters: Arc<Counters>,
    /// In the order of their arrival, in which whatever concerns all of them is done: the same each time it is repeated.
    sessions: Mutex<BTreeMap<SessionId, SessionHandle>>,
    session_count: AtomicUsize,
    started: Instant,
    clock_ms: AtomicU64,
    /// Milliseconds for which the shard stood still.
    stalled_ms: AtomicU64,
}

/// A sweep that is later than this was not held up by work: the machine slept, or the process was stopped.
const STALL: Duration = Duration::from_secs(1);

/// Numbers the sessions of the whole process.
static LAST_SESSION: AtomicU64 = AtomicU64::new(0);

impl Shard {
    /// A shard that spawns on `runtime` and sweeps there until the process ends. `counters` may be shared by all shards
    /// of a server.
    #[must_use]
    pub fn new(index: usize, runtime: Handle, settings: Settings, counters: Arc<Counters>) -> Self {
        let shard = Self(Arc::new(Inner {
            index,
            tasks: TaskTracker::new(),
            settings,
            counters,
            sessions: Mutex::default(),
            session_count: AtomicUsize::new(0),
            started: Instant::now(),
            clock_ms: AtomicU64::new(0),
            stalled_ms: AtomicU64::new(0),
            runtime,
        }));
        // Not tracked: it has nothing to finish, and ends with the shard's last other owner.
        drop(shard.0.runtime.spawn(sweep::run(WeakShard(Arc::downgrade(&shard.0)), shard.0.settings.sweep_interval)));
        shard
    }

    /// Its place among the server's shards, from 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.0.index
    }

    /// Spawns a task that the shard waits for when it stops.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.0.tasks.spawn_on(task, &self.0.runtime)
    }

    /// Opens a session on a connected stream. `peer` is for logs and limits.
    pub fn open<IO, P>(&self, io: IO, peer: SocketAddr, protocol: P, permit: Permit)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        P: Protocol,
    {
        self.open_with(peer, protocol, permit, false, || ready(Ok(io)));
    }

    /// Opens a session on a stream that `connect` makes on the shard's own runtime, which may take a while.
    pub(crate) fn open_with<IO, F, P>(
        &self,
        peer: SocketAddr,
        protocol: P,
        permit: Permit,
        is_encrypted: bool,
        connect: impl FnOnce() -> F + Send + 'static,
    ) where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = io::Result<IO>> + Send + 'static,
        P: Protocol,
    {
        let (registered, queue) = self.register(peer, permit, &protocol, is_encrypted);
        drop(self.spawn(session::run(connect, protocol, registered, queue)));
    }

    /// Sessions that live here.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.0.session_count.load(Ordering::Relaxed)
    }

    /// Tasks that run here and that [`Shard::finished`] waits for: the sessions', and those of [`Shard::spawn`].
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.0.tasks.len()
    }

    /// How long the shard's thread has run tasks so far, as of the last time that it rested; not what it spent waiting for
    /// sockets and timers. Of a runtime with several threads it is the first one's.
    #[must_use]
    pub fn busy(&self) -> Duration {
        // The pause for `Settings::poll_interval` is taken when tokio has stopped counting.
        self.0.runtime.metrics().worker_total_busy_duration(0)
    }

    /// Ends every session.
    pub fn close_all(&self, reason: CloseReason) {
        self.each_session(|session| session.close(reason));
    }

    /// Calls `visit` for every session.
    pub fn each_session(&self, mut visit: impl FnMut(&SessionHandle)) {
        // Copied out, so that what is called may open and end sessions.
        let sessions: Vec<_> = self.register_of_sessions().values().cloned().collect();
        sessions.iter().for_each(&mut visit);
    }

    /// Waits until every task that was spawned here has ended. New ones may come until then.
    pub async fn finished(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// What every session here is held to.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.0.counters
    }

    /// Enters a session in the register. From here and not from when its task first runs: the next connection to be dealt
    /// sees it, and a server that closes all sessions misses none.
    pub(crate) fn register<P: Protocol>(
        &self,
        peer: SocketAddr,
        permit: Permit,
        protocol: &P,
        is_encrypted: bool,
    ) -> (Registered, UnboundedReceiver<Item>) {
        let id = SessionId(LAST_SESSION.fetch_add(1, Ordering::Relaxed) + 1);
        let (session, queue) = SessionHandle::new(id, peer, self.clone(), permit, protocol, is_encrypted);
        (Registered::new(session), queue)
    }

    /// Milliseconds that the shard has run, as of the last sweep. Reading it costs nothing; sessions do at each packet.
    pub(crate) fn clock_ms(&self) -> u64 {
        self.0.clock_ms.load(Ordering::Relaxed)
    }

    /// Milliseconds that the shard has run, to the millisecond: for what is rare and must not come early.
    pub(crate) fn exact_clock_ms(&self) -> u64 {
        millis(self.0.started.elapsed()) - self.0.stalled_ms.load(Ordering::Relaxed)
    }

    /// Sets the coarse clock. For the sweep, which alone sees that the shard stood still: what peers said meanwhile lies
    /// unread, so that time is not held against them.
    pub(crate) fn advance_clock(&self) -> u64 {
        let due = self.clock_ms() + millis(self.0.settings.sweep_interval);
        let late = self.exact_clock_ms().saturating_sub(due);
        if late > millis(STALL) {
            tracing::info!(
                shard = self.index(),
                late_ms = late,
                "the shard stood still; nobody is cut off for that time"
            );
            self.0.stalled_ms.fetch_add(late, Ordering::Relaxed);
        }
        let now = self.exact_clock_ms();
        self.0.clock_ms.store(now, Ordering::Relaxed);
        now
    }

    fn register_of_sessions(&self) -> std::sync::MutexGuard<'_, BTreeMap<SessionId, SessionHandle>> {
        self.0.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A shard that others keep alive: what its sweep holds.
pub(crate) struct WeakShard(Weak<Inner>);

impl WeakShard {
    /// The shard, while it has another owner.
    pub(crate) fn upgrade(&self) -> Option<Shard> {
        self.0.upgrade().map(Shard)
    }
}

/// A session's entry in its shard's register, and its place in all counts, until this is dropped.
pub(crate) struct Registered(SessionHandle);

impl Registered {
    fn new(session: SessionHandle) -> Self {
        let shard = session.shard();
        shard.0.session_count.fetch_add(1, Ordering::Relaxed);
        shard.register_of_sessions().insert(session.id(), session.clone());
        Self(session)
    }

    pub(crate) fn session(&self) -> &SessionHandle {
        &self.0
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let shard = self.0.shard();
        self.0.release_permit();
        shard.register_of_sessions().remove(&self.0.id());
        shard.0.session_count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shard({}, {} sessions)", self.index(), self.sessions())
    }
}
