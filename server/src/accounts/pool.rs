//! The threads that hash passwords, apart from the shards: a hash takes tens of milliseconds, by design.

use super::{
    Cost,
    password::{self, Workspace},
};
use crate::store::SecretHash;
use malpan_protocol::Secret;
use std::{
    collections::VecDeque,
    fmt, io, mem,
    num::NonZero,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};
use tokio::sync::oneshot;

/// How many may wait for a thread. Whoever comes then is told to try again: a longer queue would only make all wait.
const QUEUE: usize = 64;

/// Hashes on a few threads of its own, or, where it has none, at once and on the caller's. Cheap to clone; the threads end
/// with the last clone.
#[derive(Clone)]
pub(crate) struct Pool {
    cost: Cost,
    queue: Option<Arc<Owned>>,
}

/// Every place in the queue is taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

struct Owned(Arc<Queue>);

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<(u64, Job)>,
    last: u64,
    closed: bool,
}

enum Job {
    Hash { secret: Secret, done: oneshot::Sender<SecretHash> },
    Verify { secret: Secret, hash: SecretHash, done: oneshot::Sender<bool> },
}

/// A place in the queue, which is given back when nobody waits for the answer any more.
struct Place<'a> {
    queue: &'a Queue,
    number: u64,
}

impl Pool {
    /// A pool with half as many threads as there are cores: the shards need theirs.
    ///
    /// # Errors
    /// Where the system starts no more threads.
    pub(crate) fn start(cost: Cost) -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Self::with_threads(cost, (cores / 2).max(1))
    }

    fn with_threads(cost: Cost, threads: usize) -> io::Result<Self> {
        let owned = Owned(Arc::default());
        for index in 0..threads {
            let queue = Arc::clone(&owned.0);
            thread::Builder::new().name(format!("password-{index}")).spawn(move || work(&queue, cost))?;
        }
        Ok(Self { cost, queue: Some(Arc::new(owned)) })
    }

    /// A pool without threads: it hashes while its caller waits. For servers whose clock is not the machine's, and for
    /// programs that have nothing else to do.
    pub(crate) fn on_the_spot(cost: Cost) -> Self {
        Self { cost, queue: None }
    }

    /// What a hash costs.
    pub(super) fn cost(&self) -> Cost {
        self.cost
    }

    /// The hash of a secret.
    pub(super) async fn hash(&self, secret: Secret) -> Result<SecretHash, Full> {
        let Some(owned) = &self.queue else {
            return Ok(password::hash(&secret, self.cost, &mut Workspace::default()));
        };
        let (done, answer) = oneshot::channel();
        owned.0.answer(Job::Hash { secret, done }, answer).await
    }

    /// Whether `secret` is the one of `hash`.
    pub(super) async fn verify(&self, secret: Secret, hash: SecretHash) -> Result<bool, Full> {
        let Some(owned) = &self.queue else {
            return Ok(password::verify(&secret, &hash, &mut Workspace::default()));
        };
        let (done, answer) = oneshot::channel();
        owned.0.answer(Job::Verify { secret, hash, done }, answer).await
    }

    /// How many wait for a thread.
    fn queued(&self) -> usize {
        self.queue.as_ref().map_or(0, |owned| owned.0.waiting().jobs.len())
    }
}

impl Queue {
    async fn answer<T>(&self, job: Job, answer: oneshot::Receiver<T>) -> Result<T, Full> {
        let _place = self.enter(job)?;
        // An error means that the thread has panicked; to the caller it is as good as busy.
        answer.await.map_err(|_| Full)
    }

    fn enter(&self, job: Job) -> Result<Place<'_>, Full> {
        let mut waiting = self.waiting();
        if waiting.jobs.len() >= QUEUE {
            return Err(Full);
        }
        waiting.last += 1;
        let number = waiting.last;
        waiting.jobs.push_back((number, job));
        drop(waiting);
        self.changed.notify_one();
        Ok(Place { queue: self, number })
    }

    /// The next job; `None` once there will be no more.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.waiting();
        loop {
            if waiting.closed {
                return None;
            }
            if let Some((_, job)) = waiting.jobs.pop_front() {
                return Some(job);
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn work(queue: &Queue, cost: Cost) {
    let mut workspace = Workspace::default();
    while let Some(job) = queue.next() {
        // An error means that whoever asked has gone meanwhile.
        match job {
            Job::Hash { secret, done } => drop(done.send(password::hash(&secret, cost, &mut workspace))),
            Job::Verify { secret, hash, done } => drop(done.send(password::verify(&secret, &hash, &mut workspace))),
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut waiting = self.queue.waiting();
        let mine = waiting.jobs.iter().position(|&(number, _)| number == self.number);
        let job = mine.and_then(|index| waiting.jobs.remove(index));
        drop(waiting);
        drop(job);
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting();
        waiting.closed = true;
        let jobs = mem::take(&mut waiting.jobs);
        drop(waiting);
        drop(jobs);
        self.0.changed.notify_all();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({:?}, {} wait)", self.cost, self.queued())
    }
}

#[cfg(test)]
mod tests {
    use super::{Full, Pool, QUEUE};
    use crate::accounts::Cost;
    use futures::future::join_all;
    use malpan_protocol::Secret;
    use std::{future::Future, pin::pin, task::Context, task::Poll, task::Waker};

    const CHEAP: Cost = Cost { memory_kib: 64, iterations: 1 };

    fn secret() -> Secret {
        Secret::new("correct horse").unwrap()
    }

    /// A pool whose threads never come.
    fn idle() -> Pool {
        Pool::with_threads(CHEAP, 0).unwrap()
    }

    fn poll<T>(work: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
        pin!(work).poll(&mut Context::from_waker(Waker::noop()))
    }

    #[tokio::test]
    async fn what_one_thread_hashes_another_verifies() {
        let pool = Pool::with_threads(CHEAP, 2).unwrap();
        let hash = pool.hash(secret()).await.unwrap();
        let answers = join_all((0..40).map(|_| pool.verify(secret(), hash.clone()))).await;
        assert!(answers.into_iter().all(|answer| answer == Ok(true)));
        let wrong = Secret::new("wrong horse").unwrap();
        assert_eq!(pool.verify(wrong.clone(), hash.clone()).await, Ok(false));
        assert_eq!(Pool::on_the_spot(CHEAP).verify(wrong, hash).await, Ok(false));
    }

    #[test]
    fn a_full_queue_says_so_at_once() {
        let pool = idle();
        let mut waiting: Vec<_> = (0..QUEUE).map(|_| Box::pin(pool.hash(secret()))).collect();
        assert!(waiting.iter_mut().all(|work| poll(work).is_pending()));
        assert_eq!(pool.queued(), QUEUE);
        assert_eq!(poll(&mut Box::pin(pool.hash(secret()))), Poll::Ready(Err(Full)));
    }

    #[test]
    fn whoever_goes_gives_the_place_to_the_next() {
        let pool = idle();
        let mut waiting: Vec<_> = (0..QUEUE).map(|_| Box::pin(pool.hash(secret()))).collect();
        waiting.iter_mut().for_each(|work| assert!(poll(work).is_pending()));
        drop(waiting.remove(QUEUE / 2));
        assert_eq!(pool.queued(), QUEUE - 1);
        assert!(poll(&mut Box::pin(pool.hash(secret()))).is_pending());
    }

    #[test]
    fn whoever_waits_when_the_pool_ends_is_told() {
        let pool = idle();
        let other = pool.clone();
        let mut work = Box::pin(async move { other.hash(secret()).await });
        assert!(poll(&mut work).is_pending());
        drop(pool);
        assert!(poll(&mut work).is_pending(), "its own clone keeps the queue");
    }
}
