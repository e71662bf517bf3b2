//! Panics that end one task and no more, and what is known of them.
//!
//! The runtime tells where a panic happened to its hook alone, and only whoever catches it knows whom it struck. So inside
//! of [`catch_panic`] a hook that asks [`note_panic`] keeps quiet, and the catcher says everything in one line.

use futures::FutureExt;
use std::{
    any::Any,
    backtrace::{Backtrace, BacktraceStatus},
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, PanicHookInfo},
    pin::Pin,
};

thread_local! {
    /// How many catchers this thread is inside of.
    static CATCHERS: Cell<usize> = const { Cell::new(0) };
    /// What the hook has noted and no catcher has taken yet.
    static NOTED: RefCell<Option<CaughtPanic>> = const { RefCell::new(None) };
}

/// A panic, as far as it is known.
#[derive(Debug)]
pub struct CaughtPanic {
    message: String,
    place: Option<String>,
    backtrace: Option<String>,
}

impl CaughtPanic {
    /// What it said. It may quote anything: log it as a string, so that it is escaped.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where it happened: file, line and column. Known only where the process has a hook that asks [`note_panic`].
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// The way there, where a backtrace is wanted (`RUST_BACKTRACE=1`) and the place is known.
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        self.backtrace.as_deref()
    }

    fn from_hook(info: &PanicHookInfo<'_>) -> Self {
        let backtrace = Backtrace::capture();
        Self {
            message: message(info.payload()),
            place: info.location().map(ToString::to_string),
            backtrace: (backtrace.status() == BacktraceStatus::Captured).then(|| backtrace.to_string()),
        }
    }

    fn from_payload(payload: &(dyn Any + Send)) -> Self {
        Self { message: message(payload), place: None, backtrace: None }
    }
}

/// Does `work`; a panic in it is the error. A session's service is run so, and so should be whatever else shares a shard.
///
/// The work comes pinned: taken by value it would have its place in the task twice.
///
/// # Errors
/// The panic. `work` must not be polled again.
pub async fn catch_panic<T>(work: Pin<&mut impl Future<Output = T>>) -> Result<T, CaughtPanic> {
    let mut caught = AssertUnwindSafe(work).catch_unwind();
    let done = poll_fn(|cx| {
        let _inside = Inside::enter();
        caught.poll_unpin(cx)
    });
    done.await.map_err(|payload| NOTED.take().unwrap_or_else(|| CaughtPanic::from_payload(&*payload)))
}

/// For a panic hook: what of this panic should be reported now. None while a [`catch_panic`] is about to catch it and say
/// it better; but both where this is the second at once, for then nobody catches anything any more.
pub fn note_panic(info: &PanicHookInfo<'_>) -> Vec<CaughtPanic> {
    let this = CaughtPanic::from_hook(info);
    if CATCHERS.get() == 0 {
        return vec![this];
    }
    match NOTED.take() {
        None => {
            NOTED.set(Some(this));
            Vec::new()
        }
        Some(first) => vec![first, this],
    }
}

/// Counts the catchers around what runs.
struct Inside;

impl Inside {
    fn enter() -> Self {
        CATCHERS.set(CATCHERS.get() + 1);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        CATCHERS.set(CATCHERS.get() - 1);
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a value that is no text").into()
}
