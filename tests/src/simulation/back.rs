//! Coming back: what a client keeps of a lost conversation, and what it may expect for that.

use super::{
    honest::Honest,
    stream::{Link, SimStream},
    table::Place,
    talk::{State, Talk},
    watch::CLOSING,
    world::Phase,
};
use malpan_client::{Client, ClientError};
use malpan_protocol::{ClientPacket, DenialCode, KickReason, ResumeToken, Resumed, Resumption, Seen};
use rand::RngExt as _;
use std::sync::Arc;
use tokio::time::Instant;

/// Of the ping that says to the server that its new token has come.
pub(super) const HEARD: u32 = 77;

/// What is left of a conversation.
#[derive(Debug)]
pub(super) struct Kept {
    token: ResumeToken,
    place: Option<Box<Place>>,
    /// It had asked to leave that.
    leaving: bool,
    /// What it was led over.
    link: Arc<Link>,
    /// The server may have had enough of the client, or its room may have failed.
    doubtful: bool,
    /// A try to come back has not been answered.
    tried: bool,
}

impl Honest {
    /// Keeps what is needed to come back, unless the server has said that there is no coming back.
    pub(super) fn keep(&mut self, talk: &Talk) {
        let stays = match talk.kicked {
            None => true,
            Some(reason) => matches!(reason, KickReason::SlowConsumer | KickReason::Silent | KickReason::TakenOver),
        };
        let Some(token) = talk.client.token().filter(|_| stays) else { return };
        let place = talk.state.place().cloned().map(Box::new);
        self.kept = Some(Kept {
            token: token.clone(),
            leaving: matches!(talk.state, State::Leaving(_)),
            link: Arc::clone(&talk.client.get_ref().link),
            doubtful: talk.floods || (self.faulty_game && place.as_ref().is_none_or(|place| place.is_faulty())),
            tried: place.as_ref().is_some_and(|place| place.catches_up()),
            place,
        });
    }

    /// Comes back with what was kept. `None` where the server keeps nothing any more.
    pub(super) async fn come_back(
        &mut self,
        client: &mut Client<SimStream>,
        kept: Kept,
    ) -> Result<Option<(State, Spending)>, ClientError> {
        let forgets = self.rng.random_ratio(1, 8);
        let seen = kept.place.as_ref().map(|place| place.seen()).filter(|_| !forgets);
        match client.resume(kept.token.clone(), seen).await {
            Ok(resumed) => {
                let spending = Spending { token: kept.token.clone(), floods: kept.doubtful };
                // It says so at once: until then its old token is as good as the new one.
                let _ = client.send(&ClientPacket::Ping { nonce: HEARD });
                let state = self.is_back(kept, seen, &resumed).unwrap_or_else(|what| {
                    self.world.fail(|| format!("{}: {what}: {resumed:?}", self.name));
                    State::Lobby
                });
                Ok(Some((state, spending)))
            }
            Err(ClientError::Denied(denial)) if denial.code == DenialCode::ResumeRefused => {
                self.count("resume: refused");
                self.was_refused(&kept);
                Ok(None)
            }
            Err(error) => {
                // Whether the server has heard it is not known. Both tokens are good, if a new one has come.
                self.abandoned = true;
                let token = client.token().unwrap_or(&kept.token).clone();
                let doubtful = kept.doubtful || matches!(error, ClientError::Denied(_) | ClientError::Kicked(_));
                self.kept = Some(Kept { token, doubtful, tried: true, ..kept });
                Err(error)
            }
        }
    }

    fn is_back(&self, kept: Kept, seen: Option<Seen>, resumed: &Resumed) -> Result<State, String> {
        if resumed.name != self.name || Some(resumed.player) != self.player {
            return Err("it is someone else".into());
        }
        let sat = kept.place.filter(|place| place.seat().is_some());
        match resumed.place {
            Resumption::Lobby => {
                let may_have_lost_it = |place: &Place| kept.leaving || place.is_faulty() || place.is_owned();
                if sat.is_some_and(|place| !may_have_lost_it(&place)) {
                    return Err("its seat is lost".into());
                }
                self.count("resume: in the lobby");
                Ok(State::Lobby)
            }
            Resumption::Missed { room, events } => {
                let mut place = sat.ok_or("it had no seat")?;
                if seen.is_none_or(|seen| seen.room != room) {
                    return Err("it has not seen that room".into());
                }
                self.count(if events == 0 { "resume: missed nothing" } else { "resume: missed something" });
                place.misses(events, !kept.tried);
                Ok(State::In(place))
            }
            Resumption::Anew { room } => {
                self.count("resume: anew");
                let same = sat.filter(|place| place.room() == room && !kept.leaving);
                Ok(State::Anew { room, seat: same.and_then(|place| place.seat()) })
            }
        }
    }

    /// A refusal within the grace time is a fault, where nothing was in the way.
    fn was_refused(&self, kept: &Kept) {
        let now = Instant::now();
        let let_go = kept.link.state().server_ended.unwrap_or(now) - CLOSING;
        let in_time = now - let_go < self.grace;
        if in_time && !kept.doubtful && self.everyone_is_kept && self.world.phase() != Phase::Draining {
            self.world.fail(|| format!("{} was refused, and not for long without a connection", self.name));
        }
    }
}

/// A token that was used, and is spent once the server has heard from the client.
#[derive(Debug)]
pub(super) struct Spending {
    pub(super) token: ResumeToken,
    /// What is held against the client goes with it.
    pub(super) floods: bool,
}
