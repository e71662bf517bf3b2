//! Who has to wait after wrong passwords.
//!
//! Three tables of failures, each of bounded size, in which one failure is forgiven from time to time:
//!
//! - by *account and address*: from the fourth on each makes this address wait before it may try this account again, 1 s at
//!   first, doubling up to 60 s. A right password clears it.
//! - by *address*, over all accounts: the same from the 21st on, so that one address cannot try many names. Not for an account
//!   to which this address has signed in before, and not for addresses that the operator exempts.
//! - by *account*, over all addresses: nobody waits for it. An account with more than ten is under attack, and each address
//!   has one free try at it instead of three.
//!
//! So nobody waits for what was tried from elsewhere: the owner's first try from an address that has not failed is always looked
//! at. Accounts count by their folded names, whether they exist or not. A try counts as failed from its beginning, so that a
//! thousand at once are a thousand; one that was not looked at is taken back.
//!
//! A table that is full forgets the quarter that would have waited least. New names and addresses push out each other, not
//! what was tried often; and where a right password came from is in a table of its own, which only right passwords fill.

use super::{Origin, policy::Caller};
use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

const SECOND: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// Entries of each table; an entry is about a hundred bytes.
const MOST: usize = 16_384;
/// Addresses that are remembered of one account.
const MOST_GOOD: usize = 8;

const FREE_AT_AN_ACCOUNT: u32 = 3;
const FREE_UNDER_ATTACK: u32 = 1;
const FREE_OF_AN_ADDRESS: u32 = 20;
const FREE_REGISTRATIONS: u32 = 10;
/// Failures from which on an account is under attack. One address at its longest wait fails less often than one is
/// forgiven, so a single one cannot do that.
const ATTACK: u32 = 10;

/// All that is remembered of wrong passwords, and of right ones.
#[derive(Debug)]
pub(super) struct Delays {
    at_accounts: Table<(String, Origin)>,
    of_addresses: Table<Origin>,
    of_accounts: Table<String>,
    registrations: Table<Origin>,
    /// Addresses from which each account was signed in to, the latest last.
    good: HashMap<String, Vec<Origin>>,
    most: usize,
}

/// A try at an account, which counts as failed until it is said otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Try {
    account: String,
    from: Origin,
}

impl Default for Delays {
    fn default() -> Self {
        Self::with_most(MOST)
    }
}

impl Delays {
    fn with_most(most: usize) -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Self {
            at_accounts: Table::new(most, minutes(10)),
            of_addresses: Table::new(most, minutes(2)),
            of_accounts: Table::new(most, Duration::from_secs(30)),
            registrations: Table::new(most, minutes(2)),
            good: HashMap::new(),
            most,
        }
    }

    /// Begins a try at an account, by its folded name; an error says for how long not to.
    pub(super) fn begin(&mut self, account: String, from: Caller, now: Instant) -> Result<Try, Duration> {
        let pair = (account, from.origin);
        let under_attack = self.of_accounts.count(&pair.0, now) > ATTACK;
        let free = if under_attack { FREE_UNDER_ATTACK } else { FREE_AT_AN_ACCOUNT };
        let mut wait = self.at_accounts.wait(&pair, free, now);
        let known = from.exempt || self.good.get(&pair.0).is_some_and(|good| good.contains(&from.origin));
        if !known {
            wait = wait.max(self.of_addresses.wait(&from.origin, FREE_OF_AN_ADDRESS, now));
        }
        if !wait.is_zero() {
            return Err(wait);
        }
        self.at_accounts.add(pair.clone(), now);
        self.of_addresses.add(from.origin, now);
        self.of_accounts.add(pair.0.clone(), now);
        Ok(Try { account: pair.0, from: from.origin })
    }

    /// The password was right.
    pub(super) fn succeeded(&mut self, Try { account, from }: Try) {
        let pair = (account, from);
        self.at_accounts.clear(&pair);
        self.of_addresses.take_back(&from);
        self.of_accounts.take_back(&pair.0);
        if self.good.len() >= self.most && !self.good.contains_key(&pair.0) {
            // Any other: who is forgotten here has lost no more than an exemption.
            let other = self.good.keys().next().cloned();
            other.and_then(|other| self.good.remove(&other));
        }
        let good = self.good.entry(pair.0).or_default();
        good.retain(|&other| other != from);
        good.push(from);
        if good.len() > MOST_GOOD {
            good.remove(0);
        }
    }

    /// It was not looked at.
    pub(super) fn undecided(&mut self, Try { account, from }: Try) {
        let pair = (account, from);
        self.at_accounts.take_back(&pair);
        self.of_addresses.take_back(&from);
        self.of_accounts.take_back(&pair.0);
    }

    /// Begins a registration; an error says for how long not to.
    pub(super) fn register(&mut self, from: Caller, now: Instant) -> Result<(), Duration> {
        if from.exempt {
            return Ok(());
        }
        let wait = self.registrations.wait(&from.origin, FREE_REGISTRATIONS, now);
        if !wait.is_zero() {
            return Err(wait);
        }
        self.registrations.add(from.origin, now);
        Ok(())
    }
}

/// Failures by key.
#[derive(Debug)]
struct Table<K> {
    entries: HashMap<K, Failures>,
    most: usize,
    /// After this time without a failure one is forgiven, and after the same time another.
    forgiven_every: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    /// When the last one was.
    last: Instant,
}

impl<K: Eq + Hash + Clone> Table<K> {
    fn new(most: usize, forgiven_every: Duration) -> Self {
        Self { entries: HashMap::new(), most, forgiven_every }
    }

    fn count(&self, key: &K, now: Instant) -> u32 {
        self.entries.get(key).map_or(0, |failures| failures.left(now, self.forgiven_every))
    }

    /// For how long not to try, where so many failures are free.
    fn wait(&self, key: &K, free: u32, now: Instant) -> Duration {
        let Some(failures) = self.entries.get(key) else { return Duration::ZERO };
        let over = failures.left(now, self.forgiven_every).saturating_sub(free);
        let delay = match over {
            0 => Duration::ZERO,
            over => SECOND.saturating_mul(1 << (over - 1).min(6)).min(LONGEST),
        };
        (failures.last + delay).saturating_duration_since(now)
    }

    fn add(&mut self, key: K, now: Instant) {
        if self.entries.len() >= self.most && !self.entries.contains_key(&key) {
            self.forget_the_least(now);
        }
        let count = self.count(&key, now).saturating_add(1);
        self.entries.insert(key, Failures { count, last: now });
    }

    /// One failure was none.
    fn take_back(&mut self, key: &K) {
        if let Some(failures) = self.entries.get_mut(key) {
            failures.count = failures.count.saturating_sub(1);
            if failures.count == 0 {
                self.entries.remove(key);
            }
        }
    }

    fn clear(&mut self, key: &K) {
        self.entries.remove(key);
    }

    /// Makes room by a quarter, which is rare enough to look at all of them.
    fn forget_the_least(&mut self, now: Instant) {
        let every = self.forgiven_every;
        let weight = |failures: &Failures| (failures.left(now, every), failures.last);
        let mut weights: Vec<_> = self.entries.values().map(weight).collect();
        let quarter = weights.len() / 4;
        let (_, &mut bound, _) = weights.select_nth_unstable(quarter);
        self.entries.retain(|_, failures| weight(failures) > bound);
    }
}

impl Failures {
    /// How many are not forgiven.
    fn left(self, now: Instant, forgiven_every: Duration) -> u32 {
        let passed = now.saturating_duration_since(self.last).as_millis() / forgiven_every.as_millis();
        self.count.saturating_sub(u32::try_from(passed).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
#[path = "delays_tests.rs"]
mod tests;
