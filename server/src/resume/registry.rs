//! The register of players who are signed in or expected back.

use super::{
    Kept, Presence, TokenSource,
    standing::{Owner, Standing},
    token,
};
use crate::{
    accounts::{Accounts, Identity, SecretMark},
    ending::Ending,
    saving::Saver,
    store::{Store, TokenHash, TokenRecord, unix_now},
};
use malpan_net::{Admission, AdmissionLimits, Permit, SessionHandle};
use malpan_protocol::{LeaveReason, Name, PlayerId, ResumeToken};
use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::oneshot,
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};

/// For how long a token is good when the server is not running: a day, at least half of it.
const TOKEN_LIFE: Duration = Duration::from_secs(24 * 3600);
/// What a store that is away may cost one who comes back.
pub(super) const STORE_WITHIN: Duration = Duration::from_secs(2);
/// Where those come from who sat there when the server ended: nobody knows.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// All players of a server. Cheap to clone; all clones are the same register.
#[derive(Debug, Clone)]
pub(crate) struct Registry(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    grace: Duration,
    /// Who is away counts as a connection does, in all and by the address that was lost: else a few connections that come
    /// and break could hold every seat.
    away: Arc<Admission>,
    tokens: TokenSource,
    accounts: Accounts,
    store: Arc<dyn Store>,
    /// Until when those of an earlier life of the server are expected.
    earlier: OnceLock<Instant>,
    players: Mutex<Players>,
}

/// Why nobody comes back with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoReturn {
    #[error("this token brings nobody back; sign in anew")]
    Refused,
    /// It may be one of an earlier life of the server.
    #[error("the server cannot look that up at this moment; try again in a few seconds")]
    StoreAway,
}

/// For how long, and of how many, things are kept after a lost connection.
#[derive(Debug, Clone)]
pub(crate) struct Grace {
    /// Zero keeps nothing.
    pub(crate) time: Duration,
    /// The bounds on who is away.
    pub(crate) limits: AdmissionLimits,
}

#[derive(Debug)]
struct Players {
    entries: BTreeMap<PlayerId, Entry>,
    by_token: HashMap<TokenHash, PlayerId>,
    saver: Saver,
    /// The server closes: whoever goes now does not come back to it.
    closed: bool,
}

#[derive(Debug)]
struct Entry {
    /// Whose it is, as it is kept with the token.
    name: Name,
    is_guest: bool,
    /// Of an account, what its secret was at the sign-in, where that is known.
    secret: Option<SecretMark>,
    /// `None` until the first time that the player comes back after the server was started: it is in the store, by its hash.
    token: Option<TokenHash>,
    /// The token before, until the client is heard on the connection that it came back on.
    used: Option<TokenHash>,
    /// The player may not come back.
    revoked: bool,
    stands: Stands,
}

#[derive(Debug)]
enum Stands {
    /// A session has the presence, and perhaps another waits for it.
    Present {
        session: SessionHandle,
        claim: Option<Waiting>,
    },
    Away(Away),
}

/// A session that waits for a presence.
#[derive(Debug)]
struct Waiting {
    session: SessionHandle,
    handed_over: oneshot::Sender<Presence>,
}

#[derive(Debug)]
struct Away {
    kept: Kept,
    since: Instant,
    grace_ends: AbortHandle,
    _permit: Permit,
}

/// A presence that comes, at once or from a session that still has it.
#[derive(Debug)]
enum Coming {
    Here(Presence),
    HandedOver(oneshot::Receiver<Presence>),
}

impl Registry {
    /// Nobody has signed in yet.
    pub(crate) fn new(
        Grace { time, limits }: Grace,
        tokens: TokenSource,
        accounts: Accounts,
        store: Arc<dyn Store>,
        saver: Saver,
    ) -> Self {
        let exempt = limits.exempt;
        let exempt = Arc::new(move |address| address == UNKNOWN || exempt(address));
        // All of the away are as good as signed in.
        let limits = AdmissionLimits { pending: usize::MAX, exempt, ..limits };
        let (entries, by_token) = Default::default();
        let players = Mutex::new(Players { entries, by_token, saver, closed: false });
        let (away, earlier) = (Admission::new(limits), OnceLock::new());
        Self(Arc::new(Shared { grace: time, away, tokens, accounts, store, earlier, players }))
    }

    /// A player has signed in over `session`.
    pub(crate) fn enter(&self, kept: Kept, session: &SessionHandle) -> (Presence, ResumeToken) {
        let (token, hash) = self.0.tokens.next();
        let entry = Entry::new(&kept.identity, Stands::Present { session: session.clone(), claim: None });
        let player = kept.identity.player();
        let mut players = self.players();
        players.entries.insert(player, entry);
        players.give_token(player, hash);
        drop(players);
        (Presence::new(kept, session.clone(), self.clone()), token)
    }

    /// Someone sat there when the server ended, and may come back. False where too many are expected already.
    pub(crate) fn expect(&self, kept: Kept) -> bool {
        let (Ok(permit), Ok(runtime)) = (self.0.away.admit(UNKNOWN), Handle::try_current()) else { return false };
        let player = kept.identity.player();
        let (name, is_guest) = (kept.identity.name().clone(), kept.identity.is_guest());
        let stands = self.stay_away(kept, permit, &runtime);
        let entry = Entry { name, is_guest, secret: None, token: None, used: None, revoked: false, stands };
        self.players().entries.insert(player, entry);
        true
    }

    /// From now on, and for the grace time, those of an earlier life of the server may come back.
    pub(crate) fn expect_earlier(&self) {
        // An error means that it was said before.
        let _ = self.0.earlier.set(Instant::now() + self.0.grace);
    }

    /// What belongs to a token, for `session`, and a new token. A session that still has it is closed, and waited for until it
    /// has handed it over.
    ///
    /// # Errors
    /// [`NoReturn`] where it brings nobody back.
    pub(crate) async fn resume(
        &self,
        token: &ResumeToken,
        session: &SessionHandle,
    ) -> Result<(Presence, ResumeToken), NoReturn> {
        let hash = token::hash(token);
        let (coming, is_known) = match self.claim(hash, session) {
            Some(coming) => (coming, true),
            None => (self.claim_earlier(hash, session).await?, false),
        };
        let (mut presence, was_handed_over) = match coming {
            Coming::Here(presence) => (presence, false),
            // An error means that the old session has gone for good meanwhile, or that yet another one has claimed it.
            Coming::HandedOver(coming) => (coming.await.map_err(|_| NoReturn::Refused)?, true),
        };
        let mut may_stay = self.account_lets_in(presence.identity.player()).await;
        if may_stay && !is_known && !was_handed_over {
            // It may have been revoked while they entered, by someone who looks for who has entered afterwards. Where the store
            // is away, they are away again as well, and expected with the same token.
            match self.look_up(hash).await {
                Ok(_) => {}
                Err(NoReturn::Refused) => may_stay = false,
                Err(NoReturn::StoreAway) => return Err(NoReturn::StoreAway),
            }
        }
        if may_stay && let Some(token) = self.renew(presence.identity.player(), hash) {
            presence.unconfirmed = true;
            return Ok((presence, token));
        }
        presence.end(LeaveReason::Kicked);
        Err(NoReturn::Refused)
    }

    /// Whether an account is as it was when its owner signed in; true for guests. It may have been changed through another server.
    async fn account_lets_in(&self, player: PlayerId) -> bool {
        let Some(owner) = self.owner(player) else { return true };
        match self.standing(owner).await {
            // The token is of an earlier life, and is looked for once more after this: a new secret would have revoked it.
            Some(Standing::Good(secret)) => {
                if let Some(entry) = self.players().entries.get_mut(&player) {
                    entry.secret.get_or_insert(secret);
                }
                true
            }
            Some(Standing::Banned | Standing::Deleted | Standing::OtherSecret) => false,
            None => true,
        }
    }

    /// What belongs to a token of an earlier life of the server, which only the store knows.
    async fn claim_earlier(&self, hash: TokenHash, session: &SessionHandle) -> Result<Coming, NoReturn> {
        if self.0.earlier.get().is_none_or(|&until| Instant::now() >= until) {
            return Err(NoReturn::Refused);
        }
        let TokenRecord { player, name, is_guest, .. } = self.look_up(hash).await?;
        if !self.players().takes_for(player, hash) {
            // Whoever was in no room. Where somebody has the name, it may be the same one with the same token.
            if let Some(identity) = self.0.accounts.again(player, name, is_guest) {
                let present = Stands::Present { session: session.clone(), claim: None };
                let entry = Entry { token: Some(hash), ..Entry::new(&identity, present) };
                let mut players = self.players();
                players.entries.insert(player, entry);
                players.by_token.insert(hash, player);
                drop(players);
                return Ok(Coming::Here(Presence::new(Kept::new(identity), session.clone(), self.clone())));
            }
        }
        self.claim(hash, session).ok_or(NoReturn::Refused)
    }

    fn claim(&self, hash: TokenHash, session: &SessionHandle) -> Option<Coming> {
        let mut players = self.players();
        let player = *players.by_token.get(&hash)?;
        let stands = &mut players.entries.get_mut(&player)?.stands;
        if let Stands::Present { session: old, claim } = stands {
            let (handed_over, coming) = oneshot::channel();
            *claim = Some(Waiting { session: session.clone(), handed_over });
            old.close(Ending::TakenOver.into());
            return Some(Coming::HandedOver(coming));
        }
        let present = Stands::Present { session: session.clone(), claim: None };
        let Stands::Away(away) = std::mem::replace(stands, present) else { return None };
        away.grace_ends.abort();
        drop(players);
        Some(Coming::Here(Presence::new(away.kept, session.clone(), self.clone())))
    }

    /// Whose the token is, as the store has it, or will have it when it knows of what was revoked here. Asked first: what was
    /// revoked before this is either still to be written, or not there any more when the store looks.
    async fn look_up(&self, hash: TokenHash) -> Result<TokenRecord, NoReturn> {
        if self.players().saver.revokes(hash) {
            return Err(NoReturn::Refused);
        }
        let record = timeout(STORE_WITHIN, self.0.store.token(hash)).await;
        record.ok().and_then(Result::ok).ok_or(NoReturn::StoreAway)?.ok_or(NoReturn::Refused)
    }

    /// A new token in place of the one that was used, which is good until the client is heard. `None` where the player may not
    /// come back any more.
    fn renew(&self, player: PlayerId, used: TokenHash) -> Option<ResumeToken> {
        let (token, hash) = self.0.tokens.next();
        let mut players = self.players();
        let entry = players.entries.get_mut(&player).filter(|entry| !entry.revoked)?;
        let old = [entry.token.take(), entry.used.replace(used)];
        players.give_token(player, hash);
        old.into_iter().flatten().filter(|&old| old != used).for_each(|old| players.take_token(old));
        Some(token)
    }

    /// The client has its new token: the one before is worth nothing any more.
    pub(super) fn confirm(&self, player: PlayerId) {
        let mut players = self.players();
        if let Some(used) = players.entries.get_mut(&player).and_then(|entry| entry.used.take()) {
            players.take_token(used);
        }
    }

    /// Has the store keep the tokens of whoever is here for longer, again and again. Ends only with the server.
    pub(crate) async fn prolong_tokens(self) -> Infallible {
        loop {
            sleep(TOKEN_LIFE / 4).await;
            let players = self.players();
            for (&player, entry) in &players.entries {
                if let Some(token) = entry.token {
                    players.saver.prolong(token, entry.record(player));
                }
            }
        }
    }

    /// A player is gone for good. Whoever waits for the presence waits in vain.
    pub(super) fn forget(&self, player: PlayerId) {
        let entry = self.players().remove(player);
        drop(entry);
    }

    /// Sends a player away for good, whether they are signed in or away. False where there is none.
    pub(crate) fn send_away(&self, player: PlayerId, why: Ending) -> bool {
        let session = match self.players().entries.get(&player).map(|entry| &entry.stands) {
            None => return false,
            Some(Stands::Present { session, .. }) => Some(session.clone()),
            Some(Stands::Away(_)) => None,
        };
        self.revoke(player);
        if let Some(session) = session {
            session.close(why.into());
        }
        true
    }

    /// Nobody comes back with this player's tokens. Who is away is given up, who is signed in stays until the connection ends.
    pub(crate) fn revoke(&self, player: PlayerId) {
        let mut players = self.players();
        players.strike_out_tokens(player);
        let away = match players.entries.get_mut(&player) {
            Some(Entry { stands: Stands::Away(_), .. }) => players.entries.remove(&player),
            Some(entry) => {
                entry.revoked = true;
                // Whoever waits came with one of them.
                drop(entry.take_claim());
                None
            }
            None => None,
        };
        drop(players);
        if let Some(away) = away {
            away.give_back();
        }
    }

    /// A session is over, but not its player: hands the presence over to who waits for it, or keeps it for the grace time.
    /// `why` is told where it is not kept.
    pub(super) fn lost(&self, mut kept: Kept, session: &SessionHandle, why: LeaveReason) {
        // Who watches has nothing that could be kept, nor has who was put out of the room.
        if kept.place.as_ref().is_some_and(|place| place.seat().is_none() || place.is_over())
            && let Some(place) = kept.place.take()
        {
            place.vacate(why);
        }
        let player = kept.identity.player();
        let mut players = self.players();
        let claim = players.entries.get_mut(&player).and_then(Entry::take_claim);
        if let Some(Waiting { session, handed_over }) = claim {
            drop(players);
            // Where that session is gone as well, the presence is dropped, and with nobody waiting any more it is here again.
            return drop(handed_over.send(Presence::new(kept, session, self.clone())));
        }
        let may_return = !self.0.grace.is_zero() && !players.closed;
        let entry = players.entries.get_mut(&player).filter(|entry| may_return && !entry.revoked);
        let (Some(entry), Ok(permit), Ok(runtime)) =
            (entry, self.0.away.admit(session.peer().ip()), Handle::try_current())
        else {
            let entry = players.remove(player);
            drop(players);
            drop(entry);
            return kept.give_back(why);
        };
        if let Some(place) = &kept.place {
            place.be_away();
        }
        entry.stands = self.stay_away(kept, permit, &runtime);
    }

    /// The grace time begins.
    fn stay_away(&self, kept: Kept, permit: Permit, runtime: &Handle) -> Stands {
        let (since, player) = (Instant::now(), kept.identity.player());
        let (registry, grace) = (Arc::downgrade(&self.0), self.0.grace);
        let grace_ends = runtime.spawn(async move {
            sleep(grace).await;
            expire(&registry, player, since);
        });
        Stands::Away(Away { kept, since, grace_ends: grace_ends.abort_handle(), _permit: permit })
    }

    /// How many are away.
    pub(crate) fn away(&self) -> usize {
        self.0.away.sessions()
    }

    /// How many seats those have who are away.
    pub(crate) fn seats_away(&self) -> usize {
        let has_seat = |entry: &&Entry| matches!(&entry.stands, Stands::Away(away) if away.kept.place.as_ref().is_some_and(|place| !place.is_lost()));
        self.players().entries.values().filter(has_seat).count()
    }

    /// The server closes: whoever is away is given up, and from now on nobody is kept.
    pub(crate) fn close(&self) {
        let mut players = self.players();
        players.closed = true;
        let away = players.entries.iter().filter(|(_, entry)| matches!(entry.stands, Stands::Away(_)));
        let away: Vec<_> = away.map(|(&player, _)| player).collect();
        let away: Vec<_> = away.into_iter().filter_map(|player| players.remove(player)).collect();
        drop(players);
        away.into_iter().for_each(Entry::give_back);
    }

    /// The account's owner who is signed in with that number, or away; `None` for guests.
    pub(super) fn owner(&self, player: PlayerId) -> Option<Owner> {
        self.players().entries.get(&player).and_then(|entry| entry.owner(player))
    }

    /// The first so many of them with higher numbers.
    pub(super) fn owners(&self, after: PlayerId, count: usize) -> Vec<Owner> {
        let players = self.players();
        let behind = players.entries.range((Bound::Excluded(after), Bound::Unbounded));
        behind.filter_map(|(&player, entry)| entry.owner(player)).take(count).collect()
    }

    pub(super) fn store(&self) -> &dyn Store {
        &*self.0.store
    }

    fn players(&self) -> MutexGuard<'_, Players> {
        self.0.players.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The grace time of whoever is away since then is over.
fn expire(registry: &Weak<Shared>, player: PlayerId, since: Instant) {
    let Some(registry) = registry.upgrade().map(Registry) else { return };
    let mut players = registry.players();
    // Aborted and yet run: the player has come back at this very moment, and may be away again.
    let is_over = |entry: &Entry| matches!(&entry.stands, Stands::Away(away) if away.since == since);
    let is_over = players.entries.get(&player).is_some_and(is_over);
    let entry = is_over.then(|| players.remove(player)).flatten();
    drop(players);
    if let Some(entry) = entry {
        entry.give_back();
    }
}

impl Players {
    /// Strikes a player out, tokens and all. What is returned must be dropped without the lock: it may hold a presence.
    fn remove(&mut self, player: PlayerId) -> Option<Entry> {
        self.strike_out_tokens(player);
        self.entries.remove(&player)
    }

    fn strike_out_tokens(&mut self, player: PlayerId) {
        let Some(entry) = self.entries.get_mut(&player) else { return };
        for token in [entry.token.take(), entry.used.take()].into_iter().flatten() {
            self.take_token(token);
        }
    }

    /// From now on this token brings the player back.
    fn give_token(&mut self, player: PlayerId, token: TokenHash) {
        if let Some(entry) = self.entries.get_mut(&player) {
            entry.token = Some(token);
            self.by_token.insert(token, player);
            self.saver.token(token, entry.record(player));
        }
    }

    /// From now on this token brings nobody back.
    fn take_token(&mut self, token: TokenHash) {
        self.by_token.remove(&token);
        self.saver.revoke(token);
    }

    /// Whether this is the token, which the store has, of someone who is expected since the server was started.
    fn takes_for(&mut self, player: PlayerId, token: TokenHash) -> bool {
        let expected = self.entries.get_mut(&player).filter(|entry| entry.token.is_none() && !entry.revoked);
        let Some(entry) = expected else { return false };
        entry.token = Some(token);
        self.by_token.insert(token, player);
        true
    }
}

impl Entry {
    /// Of who is signed in, without a token yet.
    fn new(identity: &Identity, stands: Stands) -> Self {
        let (name, is_guest) = (identity.name().clone(), identity.is_guest());
        Self { name, is_guest, secret: identity.secret(), token: None, used: None, revoked: false, stands }
    }

    /// What is kept of a token.
    fn record(&self, player: PlayerId) -> TokenRecord {
        let expires = unix_now() + TOKEN_LIFE.as_secs();
        TokenRecord { player, name: self.name.clone(), is_guest: self.is_guest, expires }
    }

    fn owner(&self, player: PlayerId) -> Option<Owner> {
        (!self.is_guest).then_some(Owner { player, secret: self.secret })
    }

    fn take_claim(&mut self) -> Option<Waiting> {
        let Stands::Present { session, claim } = &mut self.stands else { return None };
        let waiting = claim.take().filter(|waiting| !waiting.handed_over.is_closed())?;
        *session = waiting.session.clone();
        Some(waiting)
    }

    fn give_back(self) {
        if let Stands::Away(away) = self.stands {
            away.grace_ends.abort();
            away.kept.give_back(LeaveReason::Disconnected);
        }
    }
}
