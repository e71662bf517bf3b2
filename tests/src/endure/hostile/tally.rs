//! What was sent, and how it ended.

use super::{Category, Outcome};
use serde::Serialize;
use std::collections::BTreeMap;

/// What one kind of attack came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sent {
    /// Hostile frames that the kernel took.
    pub frames: u64,
    /// Of which so many after the sign-in.
    pub signed_in: u64,
    /// Connections.
    pub connections: u64,
    /// How they ended.
    pub ends: BTreeMap<String, u64>,
    /// Those that ended in a way that no document promises.
    pub unexpected: BTreeMap<String, u64>,
}

/// What all attacks came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tally(BTreeMap<Category, Sent>);

impl Tally {
    /// Takes one attack in.
    pub fn add(&mut self, category: Category, about: &str, outcome: Outcome) {
        let sent = self.0.entry(category).or_default();
        sent.frames += outcome.frames;
        sent.signed_in += if outcome.signed_in { outcome.frames } else { 0 };
        sent.connections += 1;
        *sent.ends.entry(format!("{:?}", outcome.end)).or_default() += 1;
        if !outcome.expected {
            *sent.unexpected.entry(format!("{about}: {:?}", outcome.end)).or_default() += 1;
        }
    }

    /// Takes another in.
    pub fn merge(&mut self, other: &Self) {
        for (&category, from) in &other.0 {
            let into = self.0.entry(category).or_default();
            into.frames += from.frames;
            into.signed_in += from.signed_in;
            into.connections += from.connections;
            for (into, from) in [(&mut into.ends, &from.ends), (&mut into.unexpected, &from.unexpected)] {
                from.iter().for_each(|(end, count)| *into.entry(end.clone()).or_default() += count);
            }
        }
    }

    /// Of one kind.
    #[must_use]
    pub fn of(&self, category: Category) -> Sent {
        self.0.get(&category).cloned().unwrap_or_default()
    }

    /// Frames of all kinds.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.0.values().map(|sent| sent.frames).sum()
    }

    /// Of which so many after the sign-in.
    #[must_use]
    pub fn signed_in(&self) -> u64 {
        self.0.values().map(|sent| sent.signed_in).sum()
    }

    /// Attacks that ended in a way that no document promises, and how many each.
    #[must_use]
    pub fn unexpected(&self) -> Vec<(String, u64)> {
        self.0.values().flat_map(|sent| sent.unexpected.clone()).collect()
    }

    /// The table for people.
    pub(crate) fn print(&self) {
        println!("{:<12} {:>10} {:>14} {:>12}  ends", "hostile", "frames", "after sign-in", "connections");
        for (category, sent) in &self.0 {
            let ends: Vec<_> = sent.ends.iter().map(|(end, count)| format!("{end} {count}")).collect();
            let (category, ends) = (format!("{category:?}"), ends.join(", "));
            println!("{category:<12} {:>10} {:>14} {:>12}  {ends}", sent.frames, sent.signed_in, sent.connections);
        }
        println!("{:<12} {:>10} {:>14}", "all", self.frames(), self.signed_in());
    }
}
