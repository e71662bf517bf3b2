//! Every store keeps the same promises: one suite, run against each of them, and what is each one's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[macro_use]
mod conformance;
mod child;
mod disk;
mod figures;
mod killed;
mod memory;
mod model;
mod opening;
mod redb;
mod redis;
mod samples;
mod schema;

use malpan_server::store::Store;
use std::{any::Any, fmt, sync::Arc};

/// An empty store, and what has to live as long as it is used.
struct Fresh {
    store: Arc<dyn Store>,
    _keep: Box<dyn Any + Send>,
}

impl Fresh {
    fn new(store: Arc<dyn Store>, keep: impl Any + Send) -> Self {
        Self { store, _keep: Box::new(keep) }
    }
}

impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}
