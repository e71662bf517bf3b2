//! What has to hold.

use serde::Serialize;

/// Goals, and whether each holds.
#[derive(Debug, Default, Serialize)]
pub(super) struct Goals(Vec<Goal>);

#[derive(Debug, Serialize)]
struct Goal {
    holds: bool,
    goal: String,
    found: String,
}

impl Goals {
    /// One more.
    pub(super) fn add(&mut self, goal: impl Into<String>, found: impl ToString, holds: bool) {
        self.0.push(Goal { holds, goal: goal.into(), found: found.to_string() });
    }

    /// Of something that there should be none of.
    pub(super) fn none(&mut self, what: &str, found: u64) {
        self.add(format!("0 {what}"), found, found == 0);
    }

    pub(super) fn all_hold(&self) -> bool {
        self.0.iter().all(|goal| goal.holds)
    }

    pub(super) fn print(&self) {
        for Goal { holds, goal, found } in &self.0 {
            println!("{} {goal}: {found}", if *holds { "holds " } else { "MISSED" });
        }
    }
}
