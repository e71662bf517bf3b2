//! What the store's thread is asked to do. Each job answers its own caller, after what it wrote is durable.

use super::fault::Fault;
use crate::store::StoreError;
use redb::{Database, ReadTransaction, WriteTransaction};
use std::sync::Arc;
use tokio::sync::oneshot;

/// A job, by what it needs.
pub(super) enum Job {
    /// It writes, together with all others that wait.
    Write(Box<dyn Write>),
    /// It reads what is durable.
    Read(Box<dyn Read>),
    /// It takes long, and reads on a thread of its own.
    Aside(Box<dyn Aside>),
}

/// A job that writes, in two steps: the answer goes out after the commit.
pub(super) trait Write: Send {
    /// A fault of one record leaves everything as it was; after any other nothing of the transaction is kept.
    fn run(&mut self, writing: &WriteTransaction) -> Result<(), Fault>;
    fn answer(self: Box<Self>, committed: Result<(), Fault>);
}

/// A job that reads.
pub(super) trait Read: Send {
    fn run(self: Box<Self>, reading: Result<&ReadTransaction, Fault>) -> Result<(), Fault>;
}

/// A job that reads for long.
pub(super) trait Aside: Send {
    fn run(self: Box<Self>, database: Result<Arc<Database>, Fault>);
}

/// Work whose outcome someone waits for. Whoever has stopped waiting is not told, and the work is done all the same.
pub(super) struct Asked<T, W> {
    work: Option<W>,
    outcome: Option<Result<T, Fault>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Asked<T, W> {
    pub(super) fn new(work: W) -> (Self, oneshot::Receiver<Result<T, StoreError>>) {
        let (answer, receiver) = oneshot::channel();
        (Self { work: Some(work), outcome: None, answer }, receiver)
    }

    fn tell(self, outcome: Result<T, Fault>) {
        let _ = self.answer.send(outcome.map_err(StoreError::from));
    }
}

impl<T: Send, W: FnOnce(&WriteTransaction) -> Result<T, Fault> + Send> Write for Asked<T, W> {
    fn run(&mut self, writing: &WriteTransaction) -> Result<(), Fault> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let outcome = work(writing);
        let fault = outcome.as_ref().err().filter(|fault| !fault.is_one_records()).cloned();
        self.outcome = Some(outcome);
        fault.map_or(Ok(()), Err)
    }

    fn answer(mut self: Box<Self>, committed: Result<(), Fault>) {
        let outcome = self.outcome.take();
        self.tell(committed.and_then(|()| outcome.unwrap_or_else(|| Err(Fault::Now("it was not begun".into())))));
    }
}

impl<T: Send, W: FnOnce(&ReadTransaction) -> Result<T, Fault> + Send> Read for Asked<T, W> {
    fn run(mut self: Box<Self>, reading: Result<&ReadTransaction, Fault>) -> Result<(), Fault> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let outcome = reading.and_then(work);
        let fault = outcome.as_ref().err().filter(|fault| !fault.is_one_records()).cloned();
        self.tell(outcome);
        fault.map_or(Ok(()), Err)
    }
}

impl<T, W> Aside for Asked<T, W>
where
    T: Send + 'static,
    W: FnOnce(&Database) -> Result<T, Fault> + Send + 'static,
{
    fn run(mut self: Box<Self>, database: Result<Arc<Database>, Fault>) {
        let Some(work) = self.work.take() else { return };
        match database {
            Err(fault) => self.tell(Err(fault)),
            // A thread that cannot be had drops the sender, and whoever waits is told.
            Ok(database) => drop(std::thread::Builder::new().name("store-aside".into()).spawn(move || {
                let outcome = work(&database);
                drop(database);
                self.tell(outcome);
            })),
        }
    }
}
