//! Runs seeds of the deterministic simulation.

use clap::Parser;
use malpan_e2e::simulation::{Failure, Outcome, run, run_aloud};
use std::{
    collections::BTreeMap,
    num::NonZero,
    process::ExitCode,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Instant,
};

/// Runs the server among simulated clients and faults, and looks whether everything holds that should.
#[derive(Debug, Parser)]
#[command(name = "simulate")]
struct Arguments {
    /// Run this seed alone.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Print everything that happens; with --seed.
    #[arg(long, requires = "seed")]
    trace: bool,
    /// Run so many seeds.
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Threads; by default one for each core.
    #[arg(long)]
    jobs: Option<NonZero<usize>>,
}

/// All results so far.
#[derive(Debug, Default)]
struct Results {
    runs: u64,
    steps: u64,
    seconds: f64,
    tally: BTreeMap<&'static str, u64>,
    failures: Vec<(u64, String)>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.seed {
        let result = if arguments.trace { run_aloud(seed) } else { run(seed) };
        return match result {
            Ok(outcome) => {
                let Outcome { seed, hash, steps, took, tally } = outcome;
                print_tally(&tally);
                println!("seed {seed}: {steps} steps in {took:.1?} of simulated time, trace {hash:016x}");
                ExitCode::SUCCESS
            }
            Err(failure) => {
                println!("{failure}");
                ExitCode::FAILURE
            }
        };
    }
    let results = run_all(&arguments);
    print_tally(&results.tally);
    for (_, failure) in &results.failures {
        println!("{failure}");
    }
    println!(
        "{} seeds from {}, {} steps, {:.0} s of simulated time: {} failed",
        results.runs,
        arguments.from,
        results.steps,
        results.seconds,
        results.failures.len()
    );
    if results.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_all(Arguments { seeds, from, jobs, .. }: &Arguments) -> Results {
    let cores = || thread::available_parallelism().map_or(1, NonZero::get);
    let (began, next, results) = (Instant::now(), AtomicU64::new(0), Mutex::new(Results::default()));
    thread::scope(|scope| {
        for _ in 0..jobs.map_or_else(cores, NonZero::get) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= *seeds {
                        return;
                    }
                    let result = run(from + index);
                    let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
                    results.add(result);
                    if results.runs.is_multiple_of(100) {
                        let rate = results.runs as f64 / began.elapsed().as_secs_f64();
                        println!("{} of {seeds} seeds, {rate:.1} a second", results.runs);
                    }
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.failures.sort();
    results
}

impl Results {
    fn add(&mut self, result: Result<Outcome, Box<Failure>>) {
        self.runs += 1;
        match result {
            Ok(outcome) => {
                self.steps += u64::from(outcome.steps);
                self.seconds += outcome.took.as_secs_f64();
                for (what, count) in outcome.tally {
                    *self.tally.entry(what).or_default() += count;
                }
            }
            Err(failure) => {
                // At once: a long run may be cut short.
                println!("seed {} FAILED: {}", failure.seed, failure.what);
                self.failures.push((failure.seed, failure.to_string()));
            }
        }
    }
}

fn print_tally(tally: &BTreeMap<&'static str, u64>) {
    for (what, count) in tally {
        println!("{count:>10}  {what}");
    }
}
