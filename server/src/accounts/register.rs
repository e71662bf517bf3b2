//! The names of whoever is signed in.

use super::SecretMark;
use crate::store::Account;
use malpan_protocol::{Name, PlayerId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::watch;

/// The players who are signed in, or about to be. Cheap to clone; all clones are the same register.
#[derive(Debug, Clone, Default)]
pub(super) struct Register(Arc<Mutex<HashMap<String, Holder>>>);

#[derive(Debug)]
struct Holder {
    /// `None` while the sign-in is not through.
    player: Option<PlayerId>,
    /// Ends when the name is given back.
    held: watch::Receiver<()>,
}

/// A name that is taken. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Claim {
    /// Folded, so that `Ann` and `ANN` are one name.
    folded: String,
    register: Register,
    /// Dropped after the name was given back; who waits for that hears of it.
    _held: watch::Sender<()>,
}

/// A signed-in player. The name is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Identity {
    player: PlayerId,
    name: Name,
    is_guest: bool,
    secret: Option<SecretMark>,
    _claim: Claim,
}

/// Somebody has the name.
#[derive(Debug)]
pub(crate) struct Occupied {
    /// Who, where they are signed in.
    pub(crate) by: Option<PlayerId>,
    held: watch::Receiver<()>,
}

impl Register {
    /// Takes a name that nobody has now.
    pub(super) fn claim(&self, name: &Name) -> Result<Claim, Occupied> {
        let folded = name.folded();
        let mut names = self.names();
        if let Some(Holder { player, held }) = names.get(&folded) {
            return Err(Occupied { by: *player, held: held.clone() });
        }
        let (sender, held) = watch::channel(());
        names.insert(folded.clone(), Holder { player: None, held });
        Ok(Claim { folded, register: self.clone(), _held: sender })
    }

    /// How many names are taken.
    pub(super) fn taken(&self) -> usize {
        self.names().len()
    }

    fn names(&self) -> MutexGuard<'_, HashMap<String, Holder>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// Who has the name is known now.
    pub(super) fn into_identity(self, player: PlayerId, name: Name, is_guest: bool) -> Identity {
        if let Some(holder) = self.register.names().get_mut(&self.folded) {
            holder.player = Some(player);
        }
        Identity { player, name, is_guest, secret: None, _claim: self }
    }

    /// Its owner has the name, and has just shown the secret or chosen it.
    pub(super) fn into_owner(self, account: &Account) -> Identity {
        let secret = Some(SecretMark::of(&account.secret));
        Identity { secret, ..self.into_identity(account.id, account.name.clone(), false) }
    }
}

impl Identity {
    pub(crate) fn player(&self) -> PlayerId {
        self.player
    }

    pub(crate) fn name(&self) -> &Name {
        &self.name
    }

    /// Whether there is no account.
    pub(crate) fn is_guest(&self) -> bool {
        self.is_guest
    }

    /// The account's, at the sign-in. `None` for guests, and where that was in an earlier life of the server.
    pub(crate) fn secret(&self) -> Option<SecretMark> {
        self.secret
    }
}

impl Occupied {
    /// Waits until the name is given back.
    pub(crate) async fn gone(mut self) {
        // Nothing is ever sent: it ends with the claim.
        while self.held.changed().await.is_ok() {}
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.register.names().remove(&self.folded);
    }
}

#[cfg(test)]
mod tests {
    use super::Register;
    use malpan_protocol::{Name, PlayerId};
    use std::{sync::Barrier, thread};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    #[tokio::test]
    async fn a_name_is_one_players_until_they_are_gone() {
        let register = Register::default();
        let ann = register.claim(&name("Ann")).unwrap();
        assert_eq!(register.claim(&name("aNN")).unwrap_err().by, None, "not signed in yet");
        let ann = ann.into_identity(PlayerId(7), name("Ann"), true);
        let occupied = register.claim(&name("aNN")).unwrap_err();
        assert_eq!(occupied.by, Some(PlayerId(7)));
        let bob = register.claim(&name("Bob")).unwrap();
        drop(ann);
        occupied.gone().await;
        assert!(register.claim(&name("ANN")).is_ok());
        drop(bob);
        assert_eq!(register.taken(), 0);
    }

    #[test]
    fn of_many_at_once_one_gets_the_name() {
        let (register, barrier) = (Register::default(), Barrier::new(8));
        let claims: Vec<_> = thread::scope(|scope| {
            let claim = || {
                barrier.wait();
                register.claim(&name("Ann"))
            };
            let tries: Vec<_> = (0..8).map(|_| scope.spawn(claim)).collect();
            tries.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(claims.iter().filter(|claim| claim.is_ok()).count(), 1);
    }
}
