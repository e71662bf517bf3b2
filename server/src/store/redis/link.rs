//! The link to Redis: a thread of its own that keeps one connection, knows whether it works, and makes a new one.
//!
//! Twice a second the thread writes something. Where that fails, or an operation does, the connection is given up, and
//! every operation is answered at once with the reason until a new one works: nobody waits for a Redis that is away.

use super::{
    address::RedisAddress,
    fault::Fault,
    session::{ANSWER_WITHIN, LEASE, Session},
};
use crate::store::{Answer, StoreError};
use futures::{FutureExt as _, future::ready};
use std::{
    future::Future,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

/// Between two looks at the connection.
const BEAT: Duration = Duration::from_millis(500);
/// Time for a look, or for a new connection.
const BEAT_WITHIN: Duration = Duration::from_millis(1200);
// Everyone has an answer within 2 s, and as soon is known that it is away.
const _: () = assert!(ANSWER_WITHIN.as_millis() < 2000 && BEAT.as_millis() + BEAT_WITHIN.as_millis() < 2000);
/// Operations at once.
const OPERATIONS: usize = 1024;
/// How long a server that starts waits for its predecessor's lease, which a killed one leaves behind.
const HELD_WITHIN: Duration = Duration::from_secs(LEASE.as_secs() * 2);

/// Why a Redis cannot be used. One that is away is no error: the server waits for it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisOpenError {
    /// It does not let us in, or it is no Redis.
    #[error("the Redis at {0} cannot be used: {1}")]
    Refused(String, String),
    /// A running server has this node's name.
    #[error("another server uses the Redis at {0} under the same node name; give this one another: ...?node=NAME")]
    Held(String),
    /// There is no thread for it.
    #[error("cannot start the store's thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// The link. Dropped, it gives the node's name back.
pub(super) struct Link {
    shared: Arc<Shared>,
    handle: Handle,
    /// Dropped, the thread ends.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    address: RedisAddress,
    state: Mutex<State>,
    running: AtomicUsize,
}

/// What works, or why nothing does.
type State = Result<Session, Fault>;

impl Link {
    /// Connects, or begins to try.
    pub(super) fn open(address: RedisAddress) -> Result<Self, RedisOpenError> {
        let shown = format!("{address:?}");
        let refused = |error: redis::RedisError| RedisOpenError::Refused(shown.clone(), error.to_string());
        let client = address.client().map_err(refused)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let state = Mutex::new(Err(Fault::Away("it is being connected to".into())));
        let shared = Arc::new(Shared { address, state, running: AtomicUsize::new(0) });
        let (stop, stopped) = oneshot::channel();
        let (begun, first) = mpsc::channel();
        let keeper = Keeper { shared: Arc::clone(&shared), client, owner: format!("{:016x}:", rand::random::<u64>()) };
        let run = move || runtime.block_on(keeper.keep(begun, stopped));
        let thread = thread::Builder::new().name("store".into()).spawn(run)?;
        let link = Self { shared, handle, stop: Some(stop), thread: Some(thread) };
        // The thread has ended where there is nothing: it cannot.
        match first.recv().unwrap_or(Ok(())) {
            Ok(()) => Ok(link),
            Err(Fault::Held) => Err(RedisOpenError::Held(shown)),
            Err(Fault::Refused(why)) => Err(RedisOpenError::Refused(shown, why)),
            Err(Fault::Away(why) | Fault::Record(why)) => {
                tracing::error!(redis = shown, why, "the store is away; nobody can sign in until it is back");
                Ok(link)
            }
        }
    }

    pub(super) fn address(&self) -> &RedisAddress {
        &self.shared.address
    }

    pub(super) fn is_well(&self) -> bool {
        self.shared.state().is_ok()
    }

    pub(super) fn running(&self) -> usize {
        self.shared.running.load(Ordering::Relaxed)
    }

    /// Does `work` with the connection, in the time of one answer.
    pub(super) fn ask<T, F>(&self, work: impl FnOnce(Session) -> F) -> Answer<'static, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        self.ask_within(ANSWER_WITHIN, work)
    }

    /// As [`Link::ask`], in so much time.
    pub(super) fn ask_within<T, F>(&self, time: Duration, work: impl FnOnce(Session) -> F) -> Answer<'static, T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Fault>> + Send + 'static,
    {
        let session = match self.shared.state().clone() {
            Ok(session) => session,
            Err(fault) => return ready(Err(fault.into())).boxed(),
        };
        if self.shared.running.fetch_add(1, Ordering::Relaxed) >= OPERATIONS {
            self.shared.running.fetch_sub(1, Ordering::Relaxed);
            return ready(Err(StoreError::unavailable(format!("{OPERATIONS} operations wait already")))).boxed();
        }
        let (shared, work) = (Arc::clone(&self.shared), work(session.clone()));
        // On the thread of the link: a shard that thinks holds up no connection, and whoever stops waiting ends nothing.
        let done = self.handle.spawn(async move {
            let late = |_| Err(Fault::Away("it did not answer in time".into()));
            let outcome = timeout(time, work).await.unwrap_or_else(late);
            shared.running.fetch_sub(1, Ordering::Relaxed);
            outcome.map_err(|fault| {
                shared.note(&session, &fault);
                StoreError::from(fault)
            })
        });
        async { done.await.map_err(|_| StoreError::unavailable("the server is stopping"))? }.boxed()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An operation or a look failed: the connection is given up, unless only a record is to blame.
    fn note(&self, session: &Session, fault: &Fault) {
        let mut state = self.state();
        // Once, and not for each who asked; and what an earlier connection did says nothing of this one.
        if fault.is_everyones() && state.as_ref().is_ok_and(|current| current.is(session)) {
            *state = Err(fault.clone());
            drop(state);
            tracing::error!(redis = ?self.address, why = %StoreError::from(fault.clone()), "the store does not work");
        }
    }
}

/// What the thread does.
struct Keeper {
    shared: Arc<Shared>,
    client: redis::Client,
    /// The beginning of each of its fences.
    owner: String,
}

impl Keeper {
    async fn keep(self, begun: mpsc::Sender<Result<(), Fault>>, mut stopped: oneshot::Receiver<()>) {
        let first = tokio::select! {
            biased;
            _ = &mut stopped => return,
            first = self.begin() => first,
        };
        // Whoever opens it waits for this.
        let _ = begun.send(first);
        let mut number = 1;
        loop {
            tokio::select! {
                biased;
                _ = &mut stopped => return self.release().await,
                () = sleep(BEAT) => {}
            }
            number += 1;
            self.beat(number).await;
        }
    }

    /// The first connection. A predecessor's lease is waited for.
    async fn begin(&self) -> Result<(), Fault> {
        let until = Instant::now() + HELD_WITHIN;
        loop {
            match self.connect(0).await {
                Err(Fault::Held) if Instant::now() < until => sleep(BEAT).await,
                outcome => return outcome,
            }
        }
    }

    async fn beat(&self, number: u64) {
        let session = self.shared.state().clone();
        match session {
            Ok(session) => {
                let late = |_| Err(Fault::Away("it did not answer in time".into()));
                if let Err(fault) = timeout(BEAT_WITHIN, session.renew()).await.unwrap_or_else(late) {
                    self.shared.note(&session, &fault);
                }
            }
            Err(_) => {
                if self.connect(number).await.is_ok() {
                    tracing::info!(redis = ?self.shared.address, "the store works again");
                }
            }
        }
    }

    async fn connect(&self, number: u64) -> Result<(), Fault> {
        let opening = Session::open(&self.client, &self.shared.address, &self.owner, number);
        let late = |_| Err(Fault::Away("it did not answer in time".into()));
        let opened = timeout(BEAT_WITHIN, opening).await.unwrap_or_else(late);
        let outcome = opened.as_ref().map(|_| ()).map_err(Clone::clone);
        *self.shared.state() = opened;
        outcome
    }

    /// A successor need not wait for the lease.
    async fn release(&self) {
        let session = self.shared.state().clone();
        if let Ok(session) = session {
            let _ = timeout(BEAT_WITHIN, session.release()).await;
        }
    }
}
