//! The store in a Redis, against real ones: each test starts its own. `.ci/run` runs them with
//! `cargo test -p malpan-server --test store -- --ignored redis::`.

mod failures;
mod large;
mod play;
pub(crate) mod server;
mod shared;

use crate::Fresh;
use malpan_server::store::{RedisAddress, RedisStore, StoreAddress};
use server::Redis;
use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// How long something may take that needs moments, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn address(url: &str) -> RedisAddress {
    match url.parse() {
        Ok(StoreAddress::Redis(address)) => address,
        other => panic!("{other:?}"),
    }
}

/// A store of its own in a Redis that the tests which run now share; with the last of them it ends.
async fn fresh() -> Fresh {
    static SHARED: Mutex<Weak<Redis>> = Mutex::new(Weak::new());
    static STORES: AtomicU32 = AtomicU32::new(0);
    let redis = {
        let mut shared = SHARED.lock().unwrap();
        shared.upgrade().unwrap_or_else(|| {
            let redis = Arc::new(Redis::start(&[]));
            *shared = Arc::downgrade(&redis);
            redis
        })
    };
    let number = STORES.fetch_add(1, Ordering::Relaxed);
    let store = RedisStore::open(&address(&redis.url(&format!("?prefix=test-{number}:")))).unwrap();
    Fresh::new(Arc::new(store), redis)
}

conformance_tests!(fresh, cases = 64, ignore = "needs redis-server");
