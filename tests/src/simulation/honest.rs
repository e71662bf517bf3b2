//! Honest clients: the client library over links good and bad. They join, move, chat, stall, vanish and come back. How they
//! come in is in sign_in.rs and back.rs, what they hear in talk.rs, what they do in acts.rs and social.rs.

use super::{
    acts::Next,
    back::Kept,
    denials::{denied, kicked},
    lore::Lore,
    network::{Door, Network},
    observed::Records,
    sign_in::Account,
    stream::SimStream,
    table::Place,
    talk::{State, Talk},
    words::Heard,
    world::{Phase, World},
};
use malpan_client::{Client, ClientError, ConnectOptions};
use malpan_protocol::{DenialCode, KickReason, Name, PlayerId, RoomId};
use rand::{RngExt as _, rngs::StdRng};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::task::TaskTracker;

/// How everyone stands, for the driver.
pub(super) type Standings = Arc<Mutex<BTreeMap<u32, Standing>>>;

/// How a client stands since the faults stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// On the way.
    Away,
    /// In a room.
    Plays,
    /// Told why there is no place.
    Answered(DenialCode),
}

/// One client, over all of its connections.
pub(super) struct Honest {
    pub(super) id: u32,
    pub(super) name: Name,
    pub(super) address: IpAddr,
    pub(super) rng: StdRng,
    pub(super) world: Arc<World>,
    pub(super) network: Network,
    pub(super) records: Records,
    pub(super) standings: Standings,
    pub(super) lore: Lore,
    /// Where connections live on that it has left to themselves.
    pub(super) clients: TaskTracker,
    pub(super) faulty_game: bool,
    /// How long the server keeps who has lost the connection, and whether it has place for everyone who does.
    pub(super) grace: Duration,
    pub(super) everyone_is_kept: bool,
    /// How many others there are, by whose names they go.
    pub(super) others: u32,
    /// Guests have none.
    pub(super) account: Option<Account>,
    /// What it could come back with.
    pub(super) kept: Option<Kept>,
    pub(super) player: Option<PlayerId>,
    /// Some way in was not answered: it may be on its way still, and push out a later one.
    pub(super) abandoned: bool,
    /// Rooms of which it has heard that they have a password.
    pub(super) locked: Vec<RoomId>,
    /// What it was told outside of rooms.
    pub(super) heard: Heard,
    /// Numbers what it says; the same numbers are never said again.
    pub(super) words: u32,
}

impl Honest {
    /// Lives until everyone goes.
    pub(super) async fn live(mut self) {
        loop {
            let wait = self.rng.random_range(0..2000);
            sleep(Duration::from_millis(wait)).await;
            match self.world.phase() {
                Phase::Faults | Phase::Settling => self.one_connection().await,
                Phase::Quiet | Phase::Comparing => {}
                Phase::Leaving => return,
                // A server that stops takes nobody in; that is tried once.
                Phase::Draining => return self.one_connection().await,
            }
        }
    }

    async fn one_connection(&mut self) {
        let Ok(stream) = self.network.connect(Door::Players, self.address) else { return };
        self.world.count("connected");
        let options = ConnectOptions { timeout: Duration::from_secs(20), ..ConnectOptions::default() };
        let client = match Client::handshake(stream, &options).await {
            Ok(client) => client,
            Err(error) => return self.connection_ended(&error, None),
        };
        match self.come_in(client).await {
            Ok(talk) => self.converse(talk).await,
            Err(error) => self.connection_ended(&error, None),
        }
    }

    /// Comes back, or signs in.
    async fn come_in(&mut self, mut client: Client<SimStream>) -> Result<Talk, ClientError> {
        match self.kept.take() {
            Some(_) if self.rng.random_ratio(1, 10) => self.count("gave up its token"),
            Some(kept) => {
                if let Some((state, spending)) = self.come_back(&mut client, kept).await? {
                    self.log(|| format!("is back: {state:?}"));
                    if matches!(state, State::In(_) | State::Anew { .. }) {
                        self.stand(Standing::Plays);
                    }
                    return Ok(Talk::resumed(client, state, spending));
                }
            }
            None => {}
        }
        self.sign_in(&mut client).await?;
        self.count("signed in");
        Ok(Talk::new(client))
    }

    async fn converse(&mut self, mut talk: Talk) {
        let mut next = Instant::now();
        loop {
            let heard = tokio::select! {
                biased;
                heard = talk.client.next() => Some(heard),
                () = sleep_until(next) => None,
            };
            match heard {
                Some(Ok(packet)) => {
                    if let Err(what) = self.hear(&mut talk, packet) {
                        self.world.fail(|| format!("{}: {what}", self.name));
                        return;
                    }
                }
                Some(Err(error)) => {
                    self.keep(&talk);
                    return self.connection_ended(&error, Some(&talk));
                }
                None => {
                    match self.act(&mut talk).await {
                        Next::Stay => {}
                        Next::Drop => {
                            self.keep(&talk);
                            return self.count("dropped the connection");
                        }
                        Next::Bye => {
                            let _ = talk.client.bye().await;
                            return self.count("said goodbye");
                        }
                        Next::Vanish(fate) => {
                            self.keep(&talk);
                            // What it has written is on its way; then nothing more.
                            self.count("vanished");
                            talk.client.get_ref().link.befall(fate);
                            return;
                        }
                        Next::TakeOver => return self.take_over(talk),
                    }
                    next = Instant::now() + Duration::from_millis(self.rng.random_range(10..600));
                }
            }
        }
    }

    /// The connection has ended by itself. Some ends there may not be.
    fn connection_ended(&self, error: &ClientError, talk: Option<&Talk>) {
        self.log(|| format!("ended: {error}"));
        match (error, talk.and_then(|talk| talk.kicked)) {
            (ClientError::Protocol(_), _) => self.world.fail(|| format!("{}: {error}", self.name)),
            (ClientError::Denied(denial), _) => {
                if matches!(denial.code, DenialCode::Malformed | DenialCode::OutOfOrder | DenialCode::Version) {
                    self.world.fail(|| format!("{}, who is honest, was denied: {error}", self.name));
                }
                self.count(denied(denial.code));
                // A name that is its own may still be held by a connection that the server believes alive.
                let for_good = matches!(
                    denial.code,
                    DenialCode::ServerFull | DenialCode::AddressFull | DenialCode::TooManyUnsigned
                );
                self.stand(if for_good { Standing::Answered(denial.code) } else { Standing::Away });
            }
            (_, Some(reason)) | (&ClientError::Kicked(reason), _) => {
                self.count(kicked(reason));
                self.stand(Standing::Away);
                let in_faulty = talk
                    .is_none_or(|talk| talk.state.place().map_or(talk.waits_for_a_place(), Place::is_faulty))
                    && self.faulty_game;
                match reason {
                    KickReason::InternalError => self.world.fail(|| format!("{}: the server is at fault", self.name)),
                    KickReason::RoomFailed if !in_faulty => {
                        self.world.fail(|| format!("{} was not in a room that could fail", self.name));
                    }
                    KickReason::TakenOver | KickReason::SignedInElsewhere if !self.abandoned => {
                        self.world.fail(|| format!("someone is here in place of {}: {reason:?}", self.name));
                    }
                    KickReason::Banned | KickReason::AccountDeleted => {
                        self.world.fail(|| format!("nobody has sent {} away: {reason:?}", self.name));
                    }
                    _ => {}
                }
            }
            _ => {
                self.count("lost the connection");
                self.stand(Standing::Away);
            }
        }
    }

    pub(super) fn stand(&self, standing: Standing) {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner).insert(self.id, standing);
    }

    pub(super) fn count(&self, what: &'static str) {
        self.world.count(what);
        self.log(|| what.into());
    }

    pub(super) fn log(&self, line: impl FnOnce() -> String) {
        self.world.line(|| format!("{:<9} {}", self.name.as_str(), line()));
    }
}
