//! The store in a file of this machine, of one server alone.
//!
//! ```text
//! callers -> bounded channel -> one thread: every write that waits in ONE transaction -> commit, durable -> answers
//!            full: "try again"              then every read that waits, of what is durable
//! ```
//!
//! `open.rs` opens the file and says what is wrong with it, `schema.rs` knows its versions, `tables.rs` what is in it,
//! `thread.rs` does the work and gets over faults, `census.rs` and `backup.rs` read everything, beside the thread.

mod backup;
mod census;
mod fault;
mod jobs;
mod open;
mod schema;
mod tables;
mod thread;

pub use open::FileError;

use super::{
    Account, Answer, Ban, Census, CreateError, NewAccount, RoomChange, SavedRoom, SecretHash, Store, StoreError,
    TokenHash, TokenRecord,
};
use fault::Fault;
use futures::{FutureExt as _, future::ready};
use jobs::{Asked, Job};
use malpan_protocol::{Name, PlayerId};
use redb::{Database, ReadTransaction, ReadableDatabase as _, WriteTransaction};
use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{SyncSender, sync_channel},
    },
    thread::JoinHandle,
};
use thread::{JOBS, State, Worker};
use tokio::sync::oneshot;

/// A store in a file. Dropped, it finishes what it was asked for and gives the file free.
pub struct RedbStore {
    path: PathBuf,
    /// `None` while it is dropped.
    jobs: Option<SyncSender<Job>>,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl RedbStore {
    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    /// [`FileError`], which says what to do.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        Self::of(open::open(path)?)
    }

    /// Opens the file at `path`, which has to be there.
    ///
    /// # Errors
    /// [`FileError`], which says what to do.
    pub fn open_existing(path: &Path) -> Result<Self, FileError> {
        Self::of(open::open_existing(path)?)
    }

    fn of(opened: open::Opened) -> Result<Self, FileError> {
        let (jobs, waiting) = sync_channel(JOBS);
        let (path, state) = (opened.path.clone(), Arc::<State>::default());
        let worker = Worker::new(opened, Arc::clone(&state));
        let thread = std::thread::Builder::new().name("store".into()).spawn(move || worker.run(&waiting));
        let thread = thread.map_err(|error| FileError::Disk { path: path.clone(), why: error.to_string() })?;
        Ok(Self { path, jobs: Some(jobs), state, thread: Some(thread) })
    }

    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&WriteTransaction) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'static, T> {
        let (asked, answer) = Asked::new(work);
        self.ask(Job::Write(Box::new(asked)), answer)
    }

    fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'static, T> {
        let (asked, answer) = Asked::new(work);
        self.ask(Job::Read(Box::new(asked)), answer)
    }

    fn read_aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ReadTransaction) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'static, T> {
        let (asked, answer) = Asked::new(move |database: &Database| work(&database.begin_read()?));
        self.ask(Job::Aside(Box::new(asked)), answer)
    }

    /// Has a job done, unless too many wait already.
    fn ask<T: Send + 'static>(&self, job: Job, answer: oneshot::Receiver<Result<T, StoreError>>) -> Answer<'static, T> {
        self.state.queued.fetch_add(1, Ordering::Relaxed);
        if self.jobs.as_ref().is_none_or(|jobs| jobs.try_send(job).is_err()) {
            self.state.queued.fetch_sub(1, Ordering::Relaxed);
            return ready(Err(StoreError::unavailable(format!("{JOBS} operations wait already")))).boxed();
        }
        // An error: it panicked, or had no thread.
        let lost = |_| StoreError::unavailable("it did not get as far as this operation");
        async move { answer.await.map_err(lost)? }.boxed()
    }
}

impl Store for RedbStore {
    fn create_account(&self, new: NewAccount) -> Answer<'_, Account, CreateError> {
        let name = new.name.clone();
        let created = self.write(move |writing| tables::create_account(writing, new));
        async { created.await?.ok_or(CreateError::NameTaken(name)) }.boxed()
    }

    fn account_named(&self, name: &Name) -> Answer<'_, Option<Account>> {
        let folded = name.folded();
        self.read(move |reading| tables::account_named(reading, &folded))
    }

    fn account(&self, id: PlayerId) -> Answer<'_, Option<Account>> {
        self.read(move |reading| tables::account(reading, id))
    }

    fn set_secret(&self, id: PlayerId, secret: SecretHash) -> Answer<'_, bool> {
        self.write(move |writing| tables::change_account(writing, id, |account| account.secret = secret))
    }

    fn set_ban(&self, id: PlayerId, ban: Option<Ban>) -> Answer<'_, bool> {
        self.write(move |writing| tables::change_account(writing, id, |account| account.banned = ban))
    }

    fn delete_account(&self, id: PlayerId) -> Answer<'_, bool> {
        self.write(move |writing| tables::delete_account(writing, id))
    }

    fn accounts(&self, after: Option<&str>, limit: usize) -> Answer<'_, Vec<Account>> {
        let after = after.map(str::to_owned);
        self.read(move |reading| tables::accounts(reading, after.as_deref(), limit))
    }

    fn put_token(&self, hash: TokenHash, token: TokenRecord) -> Answer<'_, ()> {
        self.write(move |writing| tables::put_token(writing, hash, &token))
    }

    fn token(&self, hash: TokenHash) -> Answer<'_, Option<TokenRecord>> {
        self.read(move |reading| tables::token(reading, hash))
    }

    fn revoke_token(&self, hash: TokenHash) -> Answer<'_, bool> {
        self.write(move |writing| tables::revoke_token(writing, hash))
    }

    fn revoke_tokens(&self, player: PlayerId) -> Answer<'_, ()> {
        self.write(move |writing| tables::revoke_tokens(writing, player))
    }

    fn save_rooms(&self, changes: Vec<RoomChange>) -> Answer<'_, ()> {
        self.write(move |writing| tables::save_rooms(writing, changes))
    }

    fn rooms(&self) -> Answer<'_, Vec<SavedRoom>> {
        self.read(tables::rooms)
    }

    fn last_room(&self) -> Answer<'_, u32> {
        self.read(tables::last_room)
    }

    fn reserve_players(&self, count: u32) -> Answer<'_, Range<u64>> {
        self.write(move |writing| tables::reserve_players(writing, count))
    }

    fn is_well(&self) -> bool {
        !self.state.ill.load(Ordering::Relaxed)
    }

    fn queued(&self) -> usize {
        self.state.queued.load(Ordering::Relaxed)
    }

    fn check(&self) -> Answer<'_, Census> {
        self.read_aside(census::census)
    }

    fn backup(&self, file: PathBuf) -> Answer<'_, u64> {
        self.read_aside(move |reading| backup::backup(reading, &file))
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        // The thread ends when nobody can ask any more; what was asked for is done by then.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedbStore({})", self.path.display())
    }
}
