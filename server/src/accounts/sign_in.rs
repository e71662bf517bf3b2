//! Signing in, as the rules of accounts have it.

use super::{
    Identity, Occupied, Policy, Pool,
    delays::{Delays, Try},
    numbers::Numbers,
    password,
    pool::Full,
    register::{Claim, Register},
};
use crate::store::{Account, CreateError, NewAccount, SecretHash, Store, StoreError, unix_now};
use malpan_protocol::{Name, PlayerId, Secret};
use std::{
    future::Future,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// What a store that is away may cost one who signs in.
const STORE_WITHIN: Duration = Duration::from_secs(2);

/// Who may sign in, and who is. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Accounts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    policy: Policy,
    store: Arc<dyn Store>,
    pool: Pool,
    names: Register,
    numbers: Numbers,
    delays: Mutex<Delays>,
    /// Verified in place of the hash of an account that there is not: the same work, whoever asks.
    decoy: SecretHash,
    /// Held while an account's secret is changed, so that a hash that is made anew does not overwrite a new password.
    changes: Changes,
}

/// Held while an account's password is changed.
pub(crate) type Changes = Arc<tokio::sync::Mutex<()>>;

/// Why someone is not signed in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// Someone has it, or it is an account's.
    #[error("someone is named {0}; take another name")]
    NameTaken(Name),
    /// Wrong name or wrong password.
    #[error("wrong name or password")]
    WrongCredentials,
    /// Too many sign in.
    #[error("too many sign in at this moment; try again in a few seconds")]
    Busy,
    /// The store does not answer.
    #[error("the server cannot look that up at this moment; try again in a few seconds")]
    StoreAway,
    /// The account is banned, for this reason.
    #[error("this account is banned: {0}")]
    Banned(String),
    /// Guests are off.
    #[error("this server takes no guests; sign in to an account")]
    SignInRequired,
    /// Over a connection that others can read.
    #[error("this server takes no password over a connection that is not encrypted; connect with TLS")]
    Insecure,
    /// Too soon after failures.
    #[error("too many tries; wait for {} s", whole_seconds(*.0))]
    TooSoon(Duration),
}

/// Rounded up, so that whoever waits that long may try.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl Accounts {
    pub(crate) fn new(policy: Policy, store: Arc<dyn Store>, pool: Pool) -> Self {
        let decoy = password::decoy(pool.cost());
        Self(Arc::new(Inner {
            policy,
            store,
            pool,
            names: Register::default(),
            numbers: Numbers::default(),
            delays: Mutex::default(),
            decoy,
            changes: Changes::default(),
        }))
    }

    /// How many are signed in, or about to be.
    pub(crate) fn signed_in(&self) -> usize {
        self.0.names.taken()
    }

    /// What is held while a password is changed.
    pub(crate) fn changes(&self) -> Changes {
        Arc::clone(&self.0.changes)
    }

    /// Signs a guest in under a name that nobody has, here or in the store.
    pub(crate) async fn guest(&self, name: Name) -> Result<Identity, Refused> {
        if self.0.policy.require_login {
            return Err(Refused::SignInRequired);
        }
        let claim = self.claim(&name)?;
        // A store that does not answer may have an account of that name.
        if within(self.0.store.account_named(&name)).await?.is_some() {
            return Err(Refused::NameTaken(name));
        }
        let player = within(self.0.numbers.next(&*self.0.store)).await?;
        Ok(claim.into_identity(player, name, true))
    }

    /// Makes an account and signs in to it.
    pub(crate) async fn register(
        &self,
        name: Name,
        secret: Secret,
        from: IpAddr,
        now: Instant,
    ) -> Result<Identity, Refused> {
        let from = self.0.policy.caller(from);
        self.delays().register(from, now).map_err(Refused::TooSoon)?;
        let claim = self.claim(&name)?;
        if within(self.0.store.account_named(&name)).await?.is_some() {
            return Err(Refused::NameTaken(name));
        }
        let secret = self.0.pool.hash(secret).await?;
        let new = NewAccount { name, secret, created: unix_now() };
        let created = timeout(STORE_WITHIN, self.0.store.create_account(new)).await.map_err(|_| Refused::StoreAway)?;
        let account = created.map_err(|error| match error {
            CreateError::NameTaken(name) => Refused::NameTaken(name),
            CreateError::Store(error) => away(&error),
        })?;
        Ok(claim.into_owner(&account))
    }

    /// The account of this name and password. It is not signed in to yet: see [`Accounts::enter`].
    pub(crate) async fn verify(
        &self,
        name: &Name,
        secret: Secret,
        from: IpAddr,
        now: Instant,
    ) -> Result<Account, Refused> {
        let from = self.0.policy.caller(from);
        let attempt = self.delays().begin(name.folded(), from, now).map_err(Refused::TooSoon)?;
        match self.look(name, secret.clone()).await {
            Ok(Some(account)) => {
                self.delays().succeeded(attempt);
                match account.banned {
                    Some(ban) => Err(Refused::Banned(ban.reason)),
                    None => Ok(self.strengthened(account, secret).await),
                }
            }
            Ok(None) => Err(Refused::WrongCredentials),
            Err(refused) => {
                self.undecided(attempt);
                Err(refused)
            }
        }
    }

    /// The account of this name, if the password is right. The same work is done where there is none.
    async fn look(&self, name: &Name, secret: Secret) -> Result<Option<Account>, Refused> {
        let account = within(self.0.store.account_named(name)).await?;
        let hash = account.as_ref().map_or(&self.0.decoy, |account| &account.secret).clone();
        let right = self.0.pool.verify(secret, hash).await?;
        Ok(account.filter(|_| right))
    }

    fn undecided(&self, attempt: Try) {
        self.delays().undecided(attempt);
    }

    /// Signs in to an account whose password was right. Where someone has its name, they have to go first.
    pub(crate) fn enter(&self, account: &Account) -> Result<Identity, Occupied> {
        let claim = self.0.names.claim(&account.name)?;
        Ok(claim.into_owner(account))
    }

    /// Someone of an earlier life of the server comes back under the name that they had; `None` where somebody has it, and for
    /// guests where they are off by now.
    pub(crate) fn again(&self, player: PlayerId, name: Name, is_guest: bool) -> Option<Identity> {
        if is_guest && self.0.policy.require_login {
            return None;
        }
        let claim = self.0.names.claim(&name).ok()?;
        Some(claim.into_identity(player, name, is_guest))
    }

    /// Whether who has just [entered](Accounts::enter) may stay: the account may have been banned or deleted, or its password
    /// changed, while the old one was looked at. Whoever changes it looks for who has entered afterwards.
    pub(crate) async fn may_stay(&self, account: &Account) -> Result<(), Refused> {
        match within(self.0.store.account(account.id)).await? {
            Some(Account { banned: Some(ban), .. }) => Err(Refused::Banned(ban.reason)),
            Some(now) if now.secret == account.secret => Ok(()),
            _ => Err(Refused::WrongCredentials),
        }
    }

    /// Makes the hash of a right password anew where it has become too cheap. What goes wrong is tried again next time.
    async fn strengthened(&self, account: Account, secret: Secret) -> Account {
        if !password::is_weaker(&account.secret, self.0.pool.cost()) {
            return account;
        }
        let Ok(stronger) = self.0.pool.hash(secret.clone()).await else { return account };
        let changing = self.0.changes.lock().await;
        let Ok(Some(now)) = within(self.0.store.account(account.id)).await else { return account };
        if now == account {
            if within(self.0.store.set_secret(account.id, stronger.clone())).await.is_err() {
                return account;
            }
            tracing::debug!(player = account.id.0, "a password's hash was made anew, at the configured cost");
            return Account { secret: stronger, ..account };
        }
        drop(changing);
        // Somebody who signed in at the same time made it anew, or the password was changed: it is the new hash that
        // [`Accounts::may_stay`] asks for.
        match self.0.pool.verify(secret, now.secret.clone()).await {
            Ok(true) => now,
            _ => account,
        }
    }

    fn claim(&self, name: &Name) -> Result<Claim, Refused> {
        self.0.names.claim(name).map_err(|_| Refused::NameTaken(name.clone()))
    }

    fn delays(&self) -> MutexGuard<'_, Delays> {
        self.0.delays.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The store's answer, in time.
async fn within<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, Refused> {
    let answer = timeout(STORE_WITHIN, answer).await.map_err(|_| Refused::StoreAway)?;
    answer.map_err(|error| away(&error))
}

fn away(error: &StoreError) -> Refused {
    // The store says in the log when it is away; here it would be said for each who tries.
    tracing::debug!(%error, "a sign-in was not looked up");
    Refused::StoreAway
}

impl From<Full> for Refused {
    fn from(_: Full) -> Self {
        Self::Busy
    }
}

#[cfg(test)]
#[path = "sign_in_tests.rs"]
mod tests;
