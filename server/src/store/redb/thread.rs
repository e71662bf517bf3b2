//! The store's one thread: everything that waits goes into one transaction, and is answered after its commit.
//!
//! After a fault the file is closed and opened again, at once and then once a second, until a transaction works. Meanwhile
//! every job is answered with the reason.

use super::{
    fault::Fault,
    jobs::{Job, Read, Write},
    open::{Opened, reopen},
};
use redb::{Database, ReadableDatabase as _};
use std::{
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

/// Jobs in one transaction, and in the channel.
pub(super) const JOBS: usize = 1024;
/// How often a store that is not well is tried.
const RETRY: Duration = Duration::from_secs(1);

/// What the thread tells everyone.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) ill: AtomicBool,
    pub(super) queued: AtomicUsize,
}

pub(super) struct Worker {
    path: PathBuf,
    /// `None` where it has to be opened again.
    database: Option<Arc<Database>>,
    /// Why it is not well, while it is not.
    fault: Option<Fault>,
    state: Arc<State>,
}

impl Worker {
    pub(super) fn new(Opened { path, database }: Opened, state: Arc<State>) -> Self {
        Self { path, database: Some(Arc::new(database)), fault: None, state }
    }

    /// Works until all who could ask are gone and everything they asked for is answered.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let first = match self.fault {
                None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(_) => jobs.recv_timeout(RETRY),
            };
            match first {
                Ok(first) => {
                    let batch: Vec<_> = iter::once(first).chain(jobs.try_iter()).take(JOBS).collect();
                    let count = batch.len();
                    // A panic drops the batch, and whoever waits for it is told. The process's hook has logged it.
                    if catch_unwind(AssertUnwindSafe(|| self.work(batch))).is_err() {
                        self.fall_ill(Fault::broken("the store panicked"));
                    }
                    self.state.queued.fetch_sub(count, Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) => {
                    if catch_unwind(AssertUnwindSafe(|| self.recover())).is_err() {
                        self.fall_ill(Fault::broken("the store panicked"));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn work(&mut self, batch: Vec<Job>) {
        let (mut writes, mut reads, mut asides) = (Vec::new(), Vec::new(), Vec::new());
        for job in batch {
            match job {
                Job::Write(job) => writes.push(job),
                Job::Read(job) => reads.push(job),
                Job::Aside(job) => asides.push(job),
            }
        }
        if !writes.is_empty() {
            self.write(writes);
        }
        if !reads.is_empty() {
            self.read(reads);
        }
        for job in asides {
            job.run(self.open());
        }
    }

    fn write(&mut self, mut jobs: Vec<Box<dyn Write>>) {
        let committed = self.open().and_then(|database| {
            let writing = database.begin_write()?;
            jobs.iter_mut().try_for_each(|job| job.run(&writing))?;
            Ok(writing.commit()?)
        });
        self.outcome(&committed);
        for job in jobs {
            job.answer(committed.clone());
        }
    }

    fn read(&mut self, jobs: Vec<Box<dyn Read>>) {
        let begun = self.open().and_then(|database| Ok(database.begin_read()?));
        let mut outcome = begun.as_ref().map(|_| ()).map_err(Clone::clone);
        for job in jobs {
            let done = job.run(begun.as_ref().map_err(Clone::clone));
            outcome = outcome.and(done);
        }
        drop(begun);
        // That reading works does not say that writing does.
        if outcome.is_err() {
            self.outcome(&outcome);
        }
    }

    /// The database, where there is one to work with.
    fn open(&self) -> Result<Arc<Database>, Fault> {
        let why = || self.fault.clone().unwrap_or_else(|| Fault::broken("it was closed"));
        self.database.clone().ok_or_else(why)
    }

    fn outcome(&mut self, outcome: &Result<(), Fault>) {
        match outcome {
            Err(fault) if self.database.is_some() => {
                self.fall_ill(fault.clone());
                // Most faults pass at once for whoever comes next, but redb answers no more until it is opened again.
                self.reopen();
            }
            Err(_) => {}
            Ok(()) => self.be_well(),
        }
    }

    fn fall_ill(&mut self, fault: Fault) {
        if self.fault.is_none() {
            tracing::error!(path = %self.path.display(), ?fault, "the store does not work; it is tried again each second");
        }
        self.database = None;
        self.fault = Some(fault);
        self.state.ill.store(true, Ordering::Relaxed);
    }

    fn be_well(&mut self) {
        if self.fault.take().is_some() {
            tracing::info!(path = %self.path.display(), "the store works again");
            self.state.ill.store(false, Ordering::Relaxed);
        }
    }

    /// Opens the file again and tries to write to it.
    fn recover(&mut self) {
        if self.database.is_none() {
            self.reopen();
        }
        let Ok(database) = self.open() else { return };
        let probed = super::open::probe(&database);
        drop(database);
        self.outcome(&probed);
    }

    /// After it the store is as ill as before: only what is written and kept makes it well.
    fn reopen(&mut self) {
        match reopen(&self.path) {
            Ok(database) => self.database = Some(Arc::new(database)),
            Err(fault) => self.fault = Some(fault),
        }
    }
}
