//! What everyone knows: tokens that are worth nothing any more, and names that are registered.

use malpan_protocol::{Name, ResumeToken};
use rand::{RngExt as _, rngs::StdRng};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// See the module. Cheap to clone; all clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Lore(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    spent: Vec<ResumeToken>,
    registered: BTreeSet<String>,
}

impl Lore {
    /// The server knows that the client has a newer one.
    pub(super) fn spend(&self, token: ResumeToken) {
        self.known().spent.push(token);
    }

    /// One of those that were spent, if there are any.
    pub(super) fn a_spent_token(&self, rng: &mut StdRng) -> Option<ResumeToken> {
        let known = self.known();
        let count = known.spent.len();
        (count > 0).then(|| known.spent[rng.random_range(0..count)].clone())
    }

    /// The server has said that the account is made.
    pub(super) fn register(&self, name: &Name) {
        self.known().registered.insert(name.folded());
    }

    pub(super) fn is_registered(&self, name: &Name) -> bool {
        self.known().registered.contains(&name.folded())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
