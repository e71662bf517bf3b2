//! Signing in: as a guest, or to an account.

use super::{Player, State};
use crate::{
    accounts::{Identity, Refused},
    ending::Ending,
    present::Here,
};
use malpan_protocol::{DenialCode, Name, Secret, ServerPacket};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How a client wants to sign in.
pub(super) enum Way {
    Guest(Name),
    Register(Name, Secret),
    Login(Name, Secret),
}

/// What a client has left for signing in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tries {
    failed: u16,
    until: Instant,
}

/// What the server's own work may take in all, before the session is given up: longer than its parts are bounded.
const WORK_WITHIN: Duration = Duration::from_secs(60);
/// For how long an older session of the same account is waited for. It goes at once, unless its shard stands still.
const OLDER_GONE_WITHIN: Duration = Duration::from_secs(5);

impl Tries {
    pub(super) fn begin(within: Duration) -> Self {
        Self { failed: 0, until: Instant::now() + within }
    }
}

impl Player {
    pub(super) async fn sign_in(&mut self, way: Way, mut tries: Tries) {
        // The server's work is not the client's time.
        let left = tries.until.saturating_duration_since(Instant::now());
        self.session.set_deadline(WORK_WITHIN);
        let refused = match self.identify(way).await {
            Ok((identity, here)) => return self.signed_in(identity, here),
            Err(refused) => refused,
        };
        tries.failed += u16::from(refused.is_a_try());
        if tries.failed >= self.host.config.limits.sign_in_attempts {
            let why = "too many tries to sign in on this connection";
            return self.deny_and_close(DenialCode::TooManyAttempts, why);
        }
        tries.until = Instant::now() + left;
        self.session.set_deadline(left);
        self.state = State::Greeted { tries };
        self.deny(refused.code(), refused);
    }

    async fn identify(&self, way: Way) -> Result<(Identity, Here), Refused> {
        let (accounts, from) = (&self.host.accounts, self.session.peer().ip());
        let identity = match way {
            Way::Guest(name) => accounts.guest(name).await?,
            Way::Register(..) | Way::Login(..) if !self.may_send_secrets() => return Err(Refused::Insecure),
            Way::Register(name, secret) => accounts.register(name, secret, from, Instant::now().into_std()).await?,
            Way::Login(name, secret) => return self.log_in(name, secret).await,
        };
        let here = self.host.sessions.enter(identity.player(), &self.session);
        Ok((identity, here))
    }

    /// Nobody on the way can read what this client sends, or the operator does not mind.
    fn may_send_secrets(&self) -> bool {
        self.session.is_encrypted()
            || self.session.peer().ip().to_canonical().is_loopback()
            || self.host.config.accounts.allow_plain_passwords
    }

    async fn log_in(&self, name: Name, secret: Secret) -> Result<(Identity, Here), Refused> {
        let (accounts, from) = (&self.host.accounts, self.session.peer().ip());
        let account = accounts.verify(&name, secret, from, Instant::now().into_std()).await?;
        // The newest wins. Whoever else is on the way in is waited for, and then sent away as well.
        let enter = async {
            loop {
                match accounts.enter(&account) {
                    Ok(identity) => return identity,
                    Err(occupied) => {
                        if let Some(player) = occupied.by {
                            self.host.sessions.send_away(player, Ending::SignedInElsewhere);
                        }
                        occupied.gone().await;
                    }
                }
            }
        };
        let identity = timeout(OLDER_GONE_WITHIN, enter).await.map_err(|_| Refused::Busy)?;
        // Here from now on for whoever bans the account, and looked at once more for who has done so before.
        let here = self.host.sessions.enter(identity.player(), &self.session);
        accounts.may_stay(&account).await?;
        Ok((identity, here))
    }

    fn signed_in(&mut self, identity: Identity, here: Here) {
        let (player, name) = (identity.player(), identity.name().clone());
        self.state = State::SignedIn { place: None, identity, _here: here };
        self.session.establish();
        self.log(|| tracing::debug!("signed in"));
        self.session.send(self.host.outgoing.frame(&ServerPacket::SignedIn { player, name }));
        if let Some(draining) = self.host.draining() {
            self.session.send(self.host.outgoing.frame(&draining));
        }
    }
}

impl Refused {
    fn code(&self) -> DenialCode {
        match self {
            Self::NameTaken(_) => DenialCode::NameTaken,
            Self::WrongCredentials => DenialCode::WrongCredentials,
            Self::Busy | Self::StoreAway => DenialCode::Busy,
            Self::Banned(_) => DenialCode::Banned,
            Self::SignInRequired => DenialCode::SignInRequired,
            Self::Insecure => DenialCode::Insecure,
            Self::TooSoon(_) => DenialCode::TooSoon,
        }
    }

    /// Whether it counts against the tries of a connection: what was not looked at does not.
    fn is_a_try(&self) -> bool {
        !matches!(self, Self::Busy | Self::StoreAway | Self::TooSoon(_))
    }
}
