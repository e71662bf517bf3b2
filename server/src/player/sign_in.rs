//! Signing in: as a guest, or to an account.

use super::{Player, State};
use crate::{
    accounts::Refused,
    ending::Ending,
    resume::{Kept, NoReturn, Presence},
    room::Returning,
};
use malpan_protocol::{DenialCode, LeaveReason, Name, ResumeToken, Resumed, Resumption, Secret, Seen, ServerPacket};
use std::{fmt, time::Duration};
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
    pub(super) async fn sign_in(&mut self, way: Way, tries: Tries) {
        // The server's work is not the client's time.
        let left = tries.until.saturating_duration_since(Instant::now());
        self.session.set_deadline(WORK_WITHIN);
        // Hashes are dear: whoever is gone has none made, and leaves the queue for one to those behind.
        self.session.set_needs_peer(!matches!(way, Way::Guest(_)));
        let identified = self.identify(way).await;
        self.session.set_needs_peer(false);
        match identified {
            Ok((presence, token)) => self.signed_in(presence, token),
            Err(refused) => {
                let failed = tries.failed + u16::from(refused.is_a_try());
                self.not_signed_in(failed, left, refused.code(), refused);
            }
        }
    }

    /// Signs in as who the client was, and takes its seat again.
    pub(super) async fn resume(&mut self, token: &ResumeToken, seen: Option<Seen>, tries: Tries) {
        let left = tries.until.saturating_duration_since(Instant::now());
        self.session.set_deadline(WORK_WITHIN);
        let resumed = match self.host.registry.resume(token, &self.session).await {
            // It is looked up once what was kept has come back.
            Err(NoReturn::Refused) if self.host.is_loading() => Err(NoReturn::StoreAway),
            resumed => resumed,
        };
        let (mut presence, token) = match resumed {
            Ok(resumed) => resumed,
            Err(why @ NoReturn::Refused) => {
                return self.not_signed_in(tries.failed + 1, left, DenialCode::ResumeRefused, why);
            }
            Err(why @ NoReturn::StoreAway) => return self.not_signed_in(tries.failed, left, DenialCode::Busy, why),
        };
        // The player may do no more for having another connection.
        if let Some(budgets) = presence.budgets.take() {
            self.budgets = *budgets;
        }
        self.state = State::SignedIn(presence);
        self.session.establish();
        self.log(|| tracing::debug!("back"));
        self.session.send(self.host.outgoing.frame(&ServerPacket::Token { token }));
        self.tell_draining();
        let State::SignedIn(presence) = &self.state else { return };
        let (player, name) = (presence.identity.player(), presence.identity.name().clone());
        self.listens(player, name.clone());
        // The owner of the room may have put them out meanwhile.
        let has_place = self.place().is_some();
        let to = if has_place { self.leaves_lobby() } else { self.recipient() };
        let State::SignedIn(presence) = &mut self.state else { return };
        if let Some(place) = presence.place.as_mut().filter(|_| has_place) {
            // The room answers, for it alone knows what was missed.
            if place.come_back(Returning { player, name: name.clone(), to, seen }).await {
                return;
            }
        }
        // It is over, or has failed meanwhile.
        presence.place = None;
        self.enter_lobby();
        let resumed = ServerPacket::Resumed(Resumed { player, name, place: Resumption::Lobby });
        self.session.send(self.host.outgoing.frame(&resumed));
    }

    /// A try to sign in has failed, the `failed`th; another is welcome in the time that is left, unless there were too many.
    fn not_signed_in(&mut self, failed: u16, left: Duration, code: DenialCode, why: impl fmt::Display) {
        if failed >= self.host.config.limits.sign_in_attempts {
            let why = "too many tries to sign in on this connection";
            return self.deny_and_close(DenialCode::TooManyAttempts, why);
        }
        self.session.set_deadline(left);
        self.state = State::Greeted { tries: Tries { failed, until: Instant::now() + left } };
        self.deny(code, why);
    }

    async fn identify(&self, way: Way) -> Result<(Presence, ResumeToken), Refused> {
        if self.host.is_loading() {
            return Err(Refused::StoreAway);
        }
        let (accounts, from) = (&self.host.accounts, self.session.peer().ip());
        let identity = match way {
            Way::Guest(name) => accounts.guest(name).await?,
            Way::Register(..) | Way::Login(..) if !self.may_send_secrets() => return Err(Refused::Insecure),
            Way::Register(name, secret) => accounts.register(name, secret, from, Instant::now().into_std()).await?,
            Way::Login(name, secret) => return self.log_in(name, secret).await,
        };
        Ok(self.host.registry.enter(Kept::new(identity), &self.session))
    }

    /// Nobody on the way can read what this client sends, or the operator does not mind.
    fn may_send_secrets(&self) -> bool {
        self.session.is_encrypted()
            || self.session.peer().ip().to_canonical().is_loopback()
            || self.host.config.accounts.allow_plain_passwords
    }

    async fn log_in(&self, name: Name, secret: Secret) -> Result<(Presence, ResumeToken), Refused> {
        let (accounts, from) = (&self.host.accounts, self.session.peer().ip());
        let account = accounts.verify(&name, secret, from, Instant::now().into_std()).await?;
        // The newest wins. Whoever else is on the way in is waited for, and then sent away as well.
        let enter = async {
            loop {
                match accounts.enter(&account) {
                    Ok(identity) => return identity,
                    Err(occupied) => {
                        if let Some(player) = occupied.by {
                            self.host.registry.send_away(player, Ending::SignedInElsewhere);
                        }
                        occupied.gone().await;
                    }
                }
            }
        };
        let identity = timeout(OLDER_GONE_WITHIN, enter).await.map_err(|_| Refused::Busy)?;
        // Here from now on for whoever bans the account, and looked at once more for who has done so before.
        let entered = self.host.registry.enter(Kept::new(identity), &self.session);
        match accounts.may_stay(&account).await {
            Ok(()) => Ok(entered),
            Err(refused) => {
                entered.0.end(LeaveReason::Kicked);
                Err(refused)
            }
        }
    }

    fn signed_in(&mut self, presence: Presence, token: ResumeToken) {
        let (player, name) = (presence.identity.player(), presence.identity.name().clone());
        self.state = State::SignedIn(presence);
        self.session.establish();
        self.log(|| tracing::debug!("signed in"));
        let signed_in = ServerPacket::SignedIn { player, name: name.clone() };
        self.session.send(self.host.outgoing.frame(&signed_in));
        self.session.send(self.host.outgoing.frame(&ServerPacket::Token { token }));
        self.listens(player, name);
        self.tell_draining();
    }

    fn tell_draining(&self) {
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
