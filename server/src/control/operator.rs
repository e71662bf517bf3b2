//! What an operator's request does, to a store and to whoever is signed in.

use super::{
    report,
    request::{Answer, LONGEST_REASON, Listed, PAGE, Request},
};
use crate::{
    accounts::{Changes, is_hash},
    store::{Account, Ban, CreateError, NewAccount, SecretHash, Store, StoreError, unix_now},
};
use malpan_protocol::{ChatText, Name, PlayerId};
use std::{fmt, sync::Arc};

/// Who is signed in, to an operator.
pub(crate) trait Players: fmt::Debug + Send + Sync {
    /// The account is banned: whoever is signed in to it goes.
    fn banned(&self, player: PlayerId);
    /// The account is deleted: whoever is signed in to it goes.
    fn deleted(&self, player: PlayerId);
    /// It has another password: nobody comes back with what the old one has brought.
    fn password_changed(&self, player: PlayerId);
    /// Tells everyone; how many that are. `None` where there is no server.
    fn tell(&self, text: &ChatText) -> Option<u64>;
}

/// Does what is asked.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    store: Arc<dyn Store>,
    players: Arc<dyn Players>,
    changes: Changes,
}

/// Why it is not done.
#[derive(Debug, thiserror::Error)]
enum Undone {
    #[error("no account has the name {0}")]
    NoSuchAccount(Name),
    #[error("the account {0} has gone meanwhile")]
    Gone(Name),
    #[error("the secret is no argon2id hash")]
    NoHash,
    #[error("a reason has at most {LONGEST_REASON} characters, and no control characters")]
    Reason,
    #[error("no server is running that could tell anybody")]
    NobodyToTell,
    #[error(transparent)]
    Create(#[from] CreateError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Operator {
    /// On `store`, among `players`; `changes` is held while a password is changed.
    pub(crate) fn new(store: Arc<dyn Store>, players: Arc<dyn Players>, changes: Changes) -> Self {
        Self { store, players, changes }
    }

    /// Does it. The store first: who signs in at the same moment is held against it once more after entering.
    pub(crate) async fn act(&self, request: Request) -> Answer {
        self.try_to(request).await.unwrap_or_else(|why| Answer::Failed(why.to_string()))
    }

    async fn try_to(&self, request: Request) -> Result<Answer, Undone> {
        match request {
            Request::List { after } => {
                let accounts = self.store.accounts(after.as_deref(), PAGE).await?;
                let more = accounts.len() == PAGE;
                return Ok(Answer::Accounts { accounts: accounts.into_iter().map(Listed::from).collect(), more });
            }
            Request::Add { name, secret } => {
                let secret = checked(secret.0)?;
                let new = NewAccount { name: name.0, secret, created: unix_now() };
                let account = self.store.create_account(new).await?;
                Ok(format!("account {} of {} is made", account.id, account.name))
            }
            Request::Passwd { name, secret } => {
                let secret = checked(secret.0)?;
                let _changing = self.changes.lock().await;
                let account = self.account(name.0).await?;
                self.changed(&account, self.store.set_secret(account.id, secret).await?)?;
                self.players.password_changed(account.id);
                Ok(format!("{} has another password", account.name))
            }
            Request::Ban { name, reason } => {
                if reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
                    return Err(Undone::Reason);
                }
                let account = self.account(name.0).await?;
                let ban = Ban { reason, since: unix_now() };
                self.changed(&account, self.store.set_ban(account.id, Some(ban)).await?)?;
                self.players.banned(account.id);
                Ok(format!("{} is banned", account.name))
            }
            Request::Unban { name } => {
                let account = self.account(name.0).await?;
                self.changed(&account, self.store.set_ban(account.id, None).await?)?;
                Ok(format!("{} may sign in", account.name))
            }
            Request::Delete { name } => {
                let account = self.account(name.0).await?;
                self.changed(&account, self.store.delete_account(account.id).await?)?;
                self.players.deleted(account.id);
                Ok(format!("{} is deleted", account.name))
            }
            Request::Notice { text } => {
                let told = self.players.tell(&text.0).ok_or(Undone::NobodyToTell)?;
                Ok(format!("told {told} {}", if told == 1 { "player" } else { "players" }))
            }
            Request::Check => {
                let census = self.store.check().await?;
                return Ok(Answer::Checked { lines: report::lines(&census), well: census.problems.is_empty() });
            }
            Request::Backup { file } => {
                let bytes = self.store.backup(file.clone()).await?;
                Ok(format!("{}: {bytes} bytes", file.display()))
            }
        }
        .map(Answer::Done)
    }

    async fn account(&self, name: Name) -> Result<Account, Undone> {
        self.store.account_named(&name).await?.ok_or(Undone::NoSuchAccount(name))
    }

    fn changed(&self, account: &Account, there_was_one: bool) -> Result<(), Undone> {
        if there_was_one { Ok(()) } else { Err(Undone::Gone(account.name.clone())) }
    }
}

fn checked(secret: SecretHash) -> Result<SecretHash, Undone> {
    if is_hash(&secret) { Ok(secret) } else { Err(Undone::NoHash) }
}
