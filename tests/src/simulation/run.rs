//! One seed, run to its end.

use super::{
    driver::Driver,
    faulty::BY_DESIGN,
    mirror::{Listening, Mirror},
    observed::Records,
    world::World,
};
use malpan_net::Count;
use std::{
    collections::BTreeMap,
    fmt, panic,
    sync::{Arc, Mutex, Once},
    time::Duration,
};
use tokio::{runtime::Builder, time::Instant};

/// How a seed went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Over everything that clients received, when, and who sat where: the same each time.
    pub hash: u64,
    /// After each of these the invariants held.
    pub steps: u32,
    /// Simulated time.
    pub took: Duration,
    /// What happened, and how often.
    pub tally: BTreeMap<&'static str, u64>,
}

/// What did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The step after which it was found.
    pub step: u32,
    /// What is wrong.
    pub what: String,
    /// The hash until then: the same each time.
    pub hash: u64,
    /// The end of the trace.
    pub lines: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, step, what, hash, lines } = self;
        lines.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
        writeln!(f, "seed {seed}, step {step}, trace {hash:016x}: {what}")?;
        write!(f, "  again: cargo run -p malpan-e2e --bin simulate -- --seed {seed}")
    }
}

/// Runs one seed. One that fails is run again for its trace.
///
/// # Errors
/// What did not hold.
pub fn run(seed: u64) -> Result<Outcome, Box<Failure>> {
    once(seed, false, false).or_else(|_| once(seed, true, false))
}

/// Runs one seed and prints its trace meanwhile.
///
/// # Errors
/// As [`run`].
pub fn run_aloud(seed: u64) -> Result<Outcome, Box<Failure>> {
    once(seed, true, true)
}

fn once(seed: u64, keep_lines: bool, echo: bool) -> Result<Outcome, Box<Failure>> {
    hush_designed_panics();
    // No I/O driver: nothing here may touch a real socket.
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let mut world = None;
    let took = runtime.block_on(async {
        let began = Instant::now();
        let world = world.insert(World::new(keep_lines, echo));
        let (mirror, records) = (Arc::<Mutex<Mirror>>::default(), Records::default());
        let listening = Listening { world: Arc::clone(world), mirror: Arc::clone(&mirror), records: records.clone() };
        let _listening = tracing::subscriber::set_default(listening);
        let mut driver = Driver::new(seed, world, mirror, records);
        driver.drive().await;
        for &count in Count::ALL {
            world.count_many(count.label(), driver.watch.counters.value(count));
        }
        began.elapsed()
    });
    drop(runtime);
    let world = world.expect("it ran");
    let (hash, steps, tally, failure, lines) = world.result();
    match failure {
        None => Ok(Outcome { seed, hash, steps, took, tally }),
        Some((step, what)) => Err(Box::new(Failure { seed, step, what, hash, lines })),
    }
}

/// Faulty games panic by design; what they say is not for the eyes.
fn hush_designed_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if info.payload_as_str() != Some(BY_DESIGN) {
                default(info);
            }
        }));
    });
}
