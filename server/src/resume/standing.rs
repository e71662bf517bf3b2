//! Whether the owners of accounts may still be here, as the store has it.
//!
//! An operator's change through this server reaches whoever is signed in at once. One that was made to the store alone, or
//! through another server on it, is found here: when a player comes back, and by a look at everyone every few seconds.

use super::{Registry, registry::STORE_WITHIN};
use crate::{accounts::SecretMark, ending::Ending};
use futures::future::join_all;
use malpan_protocol::PlayerId;
use std::{convert::Infallible, time::Duration};
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// Between the beginnings of two looks at everyone.
const EVERY: Duration = Duration::from_secs(10);
/// Accounts that are asked for at the same time; the store has places for others beside them.
const AT_ONCE: usize = 128;
/// After so many.
const PAUSE: Duration = Duration::from_secs(1);

/// How an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Its secret is this one, as it was when its owner signed in if that is known.
    Good(SecretMark),
    Banned,
    Deleted,
    /// It has another secret than the one that its owner has signed in with.
    OtherSecret,
}

/// The owner of an account, signed in or away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) player: PlayerId,
    /// The secret's, at the sign-in. `None` where that was in an earlier life of the server.
    pub(super) secret: Option<SecretMark>,
}

impl Registry {
    /// How an account stands; `None` where the store does not say. Who came by then is not turned away for that: a store
    /// that is away keeps nobody from playing.
    pub(super) async fn standing(&self, Owner { player, secret }: Owner) -> Option<Standing> {
        let account = timeout(STORE_WITHIN, self.store().account(player)).await.ok()?.ok()?;
        Some(match account {
            None => Standing::Deleted,
            Some(account) if account.banned.is_some() => Standing::Banned,
            Some(account) => {
                let now = SecretMark::of(&account.secret);
                if secret.is_none_or(|before| before == now) { Standing::Good(now) } else { Standing::OtherSecret }
            }
        })
    }

    /// Looks at all owners of accounts again and again, so many at a time. Ends only with the server.
    pub(crate) async fn watch_accounts(self) -> Infallible {
        let mut next = Instant::now() + EVERY;
        loop {
            sleep_until(next).await;
            next = Instant::now() + EVERY;
            // One that is away would say nothing, each time after a wait.
            if self.store().is_well() {
                self.look_at_all().await;
            }
        }
    }

    async fn look_at_all(&self) {
        let mut after = PlayerId(0);
        loop {
            let some = self.owners(after, AT_ONCE);
            let Some(last) = some.last() else { return };
            after = last.player;
            let look = |owner| async move { (owner, self.standing(owner).await) };
            for (owner, standing) in join_all(some.iter().copied().map(look)).await {
                if let Some(standing) = standing {
                    self.hold_to(owner, standing);
                }
            }
            if some.len() < AT_ONCE {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    /// Does to who is signed in or away what an operator's change through this server would have done.
    fn hold_to(&self, owner: Owner, standing: Standing) {
        // Whoever has signed in anew meanwhile was held against the store then.
        if self.owner(owner.player) != Some(owner) {
            return;
        }
        let why = match standing {
            Standing::Good(_) => return,
            Standing::OtherSecret => return self.revoke(owner.player),
            Standing::Banned => Ending::Banned,
            Standing::Deleted => Ending::AccountDeleted,
        };
        tracing::info!(player = owner.player.0, ?why, "an account was changed in the store; its owner is sent away");
        self.send_away(owner.player, why);
    }
}
