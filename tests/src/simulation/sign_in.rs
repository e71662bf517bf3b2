//! How honest clients sign in: as guests, or to accounts of their own.

use super::{denials::denied, honest::Honest, stream::SimStream};
use malpan_client::{Client, ClientError};
use malpan_protocol::{DenialCode, Secret};
use rand::RngExt as _;
use std::time::Duration;
use tokio::time::sleep;

/// A name that is to be a client's own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Account {
    /// The server has said that it is.
    registered: bool,
    /// Which way is tried next: whether it is registered is not known where the answer was lost.
    logs_in: bool,
}

impl Honest {
    pub(super) async fn sign_in(&mut self, client: &mut Client<SimStream>) -> Result<(), ClientError> {
        loop {
            let (name, secret) = (self.name.clone(), self.secret());
            let answer = match self.account {
                None => client.sign_in_guest(name).await,
                Some(Account { logs_in: true, .. }) => client.login(name, secret).await,
                Some(_) => client.register(name, secret).await,
            };
            match (answer, &mut self.account) {
                (Ok((player, name)), account) => {
                    if let Some(account) = account {
                        if account.registered && self.player != Some(player) {
                            self.world.fail(|| format!("{name} is another player now"));
                        }
                        *account = Account { registered: true, logs_in: true };
                        self.lore.register(&name);
                        self.world.count("signed in to an account");
                    }
                    self.player = Some(player);
                    return Ok(());
                }
                (Err(ClientError::Denied(denial)), account) => match (denial.code, account) {
                    (DenialCode::NameTaken, account) => {
                        // Its last connection may live on at the server until that has noticed, or is forgotten; or the
                        // account is made already.
                        self.world.count("name taken");
                        if let Some(account) = account {
                            account.logs_in = true;
                        }
                    }
                    (DenialCode::WrongCredentials, Some(account)) if !account.registered => account.logs_in = false,
                    (DenialCode::TooSoon | DenialCode::Busy, Some(_)) => self.world.count(denied(denial.code)),
                    (DenialCode::Insecure, account @ Some(_)) => {
                        self.world.count(denied(denial.code));
                        *account = None;
                    }
                    (DenialCode::WrongCredentials, _) => {
                        self.world.fail(|| format!("{} is registered, and was denied", self.name));
                        return Err(ClientError::Denied(denial));
                    }
                    _ => return Err(ClientError::Denied(denial)),
                },
                (Err(error), account) => {
                    self.abandoned |= account.is_some();
                    return Err(error);
                }
            }
            sleep(Duration::from_millis(self.rng.random_range(500..3000))).await;
        }
    }

    fn secret(&self) -> Secret {
        Secret::new(&format!("secret of {}", self.name)).expect("long enough")
    }
}
