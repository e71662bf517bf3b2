//! Who is who. Knows no socket and no board.

use malpan_protocol::{Name, PlayerId};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// The players who are signed in. Cheap to clone; all clones are the same register.
#[derive(Debug, Clone, Default)]
pub(crate) struct Accounts(Arc<Register>);

#[derive(Debug, Default)]
struct Register {
    /// Folded, so that `Ann` and `ANN` are one name.
    names: Mutex<HashSet<String>>,
    last_player: AtomicU64,
}

/// A signed-in player. The name is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Identity {
    player: PlayerId,
    name: Name,
    accounts: Accounts,
}

/// Someone who is signed in has that name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("someone named {0} is playing; take another name")]
pub(crate) struct NameTaken(Name);

impl Accounts {
    /// Signs a guest in under a name that nobody else has now.
    pub(crate) fn sign_in_guest(&self, name: Name) -> Result<Identity, NameTaken> {
        if !self.names().insert(name.folded()) {
            return Err(NameTaken(name));
        }
        let player = PlayerId(self.0.last_player.fetch_add(1, Ordering::Relaxed) + 1);
        Ok(Identity { player, name, accounts: self.clone() })
    }

    /// How many are signed in.
    pub(crate) fn signed_in(&self) -> usize {
        self.names().len()
    }

    fn names(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.0.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Identity {
    pub(crate) fn player(&self) -> PlayerId {
        self.player
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.accounts.names().remove(&self.name.folded());
    }
}

#[cfg(test)]
mod tests {
    use super::Accounts;
    use malpan_protocol::Name;
    use std::{sync::Barrier, thread};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[test]
    fn a_name_is_one_players_until_they_are_gone() {
        let accounts = Accounts::default();
        let ann = accounts.sign_in_guest(name("Ann")).unwrap();
        assert!(accounts.sign_in_guest(name("aNN")).is_err());
        let bob = accounts.sign_in_guest(name("Bob")).unwrap();
        assert_ne!(ann.player(), bob.player());
        drop(ann);
        assert!(accounts.sign_in_guest(name("ANN")).is_ok());
        drop(bob);
        assert_eq!(accounts.signed_in(), 0);
    }

    #[test]
    fn of_many_at_once_one_gets_the_name() {
        let (accounts, barrier) = (Accounts::default(), Barrier::new(8));
        let identities: Vec<_> = thread::scope(|scope| {
            let tries: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        accounts.sign_in_guest(name("Ann"))
                    })
                })
                .collect();
            tries.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(identities.iter().filter(|identity| identity.is_ok()).count(), 1);
    }
}
