//! The deterministic simulation: 200 seeds hold what they should, each does the same when it is repeated, and nothing that
//! the simulation is there for has silently ceased to happen. `simulate` runs more.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_e2e::simulation::{Outcome, run};
use malpan_net::Count;
use std::{
    collections::BTreeMap,
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

const SEEDS: u64 = 200;
/// Every so manieth seed is run a second time.
const REPEATED: u64 = 20;

/// What happens in so many seeds, each at least once. Of the hostile clients there are 43 kinds.
const HAPPENS: &[&str] = &[
    "a guess was not looked at",
    "a wrong password was refused",
    "a wrong token was refused",
    "another owner",
    "caught up by a snapshot",
    "compared",
    "connected",
    "denied: a password in plain",
    "denied: draining",
    "denied: no such game",
    "denied: no such room",
    "denied: no such player",
    "denied: not that room's password",
    "denied: not the owner",
    "denied: not to be watched",
    "denied: such a board",
    "denied: that room has a password",
    "denied: the address is full",
    "denied: the room is full",
    "denied: the server is full",
    "denied: too fast",
    "denied: too many rooms",
    "denied: too many tries to sign in",
    "denied: too many unsigned",
    "dropped the connection",
    "everyone was gone, and all counts were back",
    "fault: a connection aborted",
    "fault: cut",
    "fault: held",
    "fault: held one way",
    "fault: no descriptors",
    "fault: repaired",
    "fault: reset",
    "flooded",
    "found rooms",
    "gave up its token",
    "hands over",
    "heard a pong",
    "heard an echo",
    "heard a whisper",
    "heard of the drain",
    "heard the lobby",
    "heard what was said before",
    "heard whose a room is",
    "kicked: silent",
    "kicked: taken over",
    "kicked: the room failed",
    "kicked: the server stops",
    "kicked: too late",
    "kicked: too slow",
    "left a room",
    "left, because it had to",
    "lost the connection",
    "name taken",
    "resume: anew",
    "resume: in the lobby",
    "resume: missed nothing",
    "resume: missed something",
    "resume: refused",
    "said goodbye",
    "saw someone come back",
    "saw someone do something",
    "saw someone lose the connection",
    "saw the lobby",
    "saw the rooms",
    "saw who is away",
    "signed in",
    "signed in to an account",
    "sits at a board",
    "sits at a faulty game",
    "sits at five in a row",
    "stalled",
    "stepped",
    "takes over",
    "the list showed what was",
    "the server stopped in time",
    "the watched room closed",
    "vanished",
    "watches",
    "lecture: garbage",
    "lecture: moves",
    "lecture: never reads",
    "hostile: a flood of signals",
    "hostile: never reads",
    "hostile: a byte a second",
];

#[test]
fn two_hundred_seeds_hold_and_leave_nothing_out() {
    let (next, tally) = (AtomicU64::new(0), Mutex::new(BTreeMap::<&str, u64>::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= SEEDS {
                        return;
                    }
                    let outcome = run(seed).unwrap_or_else(|failure| panic!("{failure}"));
                    if seed.is_multiple_of(REPEATED) {
                        assert_eq!(run(seed).unwrap(), outcome, "seed {seed} is not the same when it is repeated");
                    }
                    let mut tally = tally.lock().unwrap();
                    outcome.tally.iter().for_each(|(what, count)| *tally.entry(what).or_default() += count);
                }
            });
        }
    });
    let tally = tally.into_inner().unwrap();
    let never = |what: &&str| tally.get(what).copied().unwrap_or(0) == 0;
    let counters = Count::ALL.iter().filter(|&&count| count != Count::Panics).map(|count| count.label());
    let missing: Vec<_> = HAPPENS.iter().copied().chain(counters).filter(never).collect();
    assert!(missing.is_empty(), "in {SEEDS} seeds these never happened: {missing:?}");
    assert_eq!(tally.keys().filter(|what| what.starts_with("hostile: ") || what.starts_with("lecture: ")).count(), 43);
}

#[test]
fn another_process_comes_to_the_same() {
    let seed = 6;
    let Outcome { hash, steps, .. } = run(seed).unwrap();
    let again = Command::new(env!("CARGO_BIN_EXE_simulate")).args(["--seed", &seed.to_string()]).output().unwrap();
    let said = String::from_utf8(again.stdout).unwrap();
    assert!(again.status.success(), "{said}");
    let last = said.lines().last().unwrap();
    assert!(last.starts_with(&format!("seed {seed}: {steps} steps")), "{last}");
    assert!(last.ends_with(&format!("trace {hash:016x}")), "{last}");
}
