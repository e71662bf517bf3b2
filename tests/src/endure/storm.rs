//! Very many who sign in to accounts at once, and try again when they are told to.

use crate::name;
use malpan_client::{
    Client, ClientError, ConnectOptions,
    protocol::{DenialCode, Secret},
};
use serde::Serialize;
use std::{
    net::SocketAddr,
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;

/// For an answer: longer than a full queue takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Whoever was told to try again does so within this time from half of it on, as people and programs do: not all at once.
const AGAIN_WITHIN: Duration = Duration::from_millis(2000);

/// So many people, each with an account of their own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Storm {
    pub(super) to: SocketAddr,
    pub(super) people: u32,
}

/// How they sign in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Way {
    Register,
    Login,
}

/// What became of it.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Stormed {
    pub(super) signed_in: u64,
    /// Told to try again.
    pub(super) told_to_wait: u64,
    /// Connections that ended in another way.
    pub(super) lost: u64,
    pub(super) seconds: f64,
}

#[derive(Debug, Default)]
struct Counts {
    signed_in: AtomicU64,
    told_to_wait: AtomicU64,
    lost: AtomicU64,
}

impl Storm {
    /// All of them at once, until the last is signed in.
    pub(super) async fn once(&self, way: Way) -> Stormed {
        let (counts, since) = (Arc::<Counts>::default(), Instant::now());
        self.begin(way, &counts).join_all().await;
        counts.stormed(since)
    }

    /// All of them sign in to their accounts, again and again, until it is `over`.
    pub(super) async fn until(&self, over: &CancellationToken) -> Stormed {
        let (counts, since) = (Arc::<Counts>::default(), Instant::now());
        let storms = async {
            loop {
                self.begin(Way::Login, &counts).join_all().await;
            }
        };
        over.run_until_cancelled(storms).await;
        counts.stormed(since)
    }

    fn begin(&self, way: Way, counts: &Arc<Counts>) -> JoinSet<()> {
        let mut people = JoinSet::new();
        for person in 0..self.people {
            people.spawn(sign_in(self.to, person, way, Arc::clone(counts)));
        }
        people
    }
}

impl Counts {
    fn stormed(&self, since: Instant) -> Stormed {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Stormed {
            signed_in: count(&self.signed_in),
            told_to_wait: count(&self.told_to_wait),
            lost: count(&self.lost),
            seconds: since.elapsed().as_secs_f64(),
        }
    }
}

impl Stormed {
    /// One line for people.
    pub(super) fn line(&self) -> String {
        let Self { signed_in, told_to_wait, lost, seconds } = self;
        #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
        let rate = *signed_in as f64 / seconds;
        format!("{signed_in} in {seconds:.1} s, {rate:.1}/s; told to try again {told_to_wait} times, lost {lost}")
    }
}

/// One person, who comes back until they are signed in, and goes.
async fn sign_in(to: SocketAddr, person: u32, way: Way, counts: Arc<Counts>) {
    let count = |count: &AtomicU64| count.fetch_add(1, Ordering::Relaxed);
    let (to, options) = (to.to_string(), ConnectOptions { timeout: PATIENCE, ..ConnectOptions::default() });
    let who = name(&format!("person {person}"));
    let secret = Secret::new(&format!("the password of {person}")).expect("long enough");
    loop {
        let Ok(mut client) = Client::connect(&to, &options).await else {
            count(&counts.lost);
            sleep(some_time()).await;
            continue;
        };
        loop {
            let answer = match way {
                Way::Register => client.register(who.clone(), secret.clone()).await,
                Way::Login => client.login(who.clone(), secret.clone()).await,
            };
            match answer {
                Ok(_) => {
                    count(&counts.signed_in);
                    // An error means that the connection is lost, as is meant.
                    let _ = client.bye().await;
                    return;
                }
                Err(ClientError::Denied(denial)) if denial.code == DenialCode::Busy => count(&counts.told_to_wait),
                Err(_) => {
                    count(&counts.lost);
                    break;
                }
            };
            sleep(some_time()).await;
        }
    }
}

fn some_time() -> Duration {
    rand::random_range(AGAIN_WITHIN / 2..AGAIN_WITHIN)
}
