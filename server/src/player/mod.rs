//! A player: one client's conversation, from hello to goodbye.
//!
//! ```text
//! packet -> budgets.rs (too fast?) -> state (allowed now?) -> answer, or the room's inbox
//! Connected --Hello--> Greeted --sign-in, Resume--> SignedIn, in the lobby <--Join, Watch / Leave--> SignedIn, in a room
//! ```
//!
//! Invariant: a packet that is not allowed in the player's state has no effect but its answer and the end of the
//! connection. A player waits for a place in a room's inbox and for the room's word that it has let go, both bounded by a
//! room that waits for nobody; and while signing in for the store and the hashing of a password, both bounded in time.

mod budgets;
mod requests;
mod rooms;
mod sign_in;
mod talk;

use crate::{directory::Hold, ending::Ending, host::Shared, people::Listener, resume::Presence, room::Message};
use budgets::soon;
pub(crate) use budgets::{Budgets, Rates};
use malpan_net::{CloseReason, Service, SessionHandle};
use malpan_protocol::{ClientPacket, DenialCode, LeaveReason, Manner, RefusalReason, Seat, ServerPacket, SignalTarget};
use sign_in::Tries;
use std::{fmt, sync::Arc, time::Duration};
use tokio::time::Instant;

/// One client's side of the conversation: what malpan-net's session hands its packets to.
#[derive(Debug)]
pub struct Player {
    host: Arc<Shared>,
    session: SessionHandle,
    state: State,
    /// By which others find them, once they are signed in.
    listener: Option<Listener>,
    budgets: Budgets,
}

#[derive(Debug)]
enum State {
    Connected,
    Greeted { tries: Tries },
    SignedIn(Presence),
}

impl State {
    /// The place in a room. One that the room has ended is none.
    fn place(&self) -> Option<&Hold> {
        match self {
            Self::SignedIn(presence) => presence.place.as_ref().filter(|place| !place.is_over()),
            _ => None,
        }
    }

    /// The seat, and the way to its room.
    fn seat(&self) -> Option<(&Hold, Seat)> {
        self.place().and_then(|place| Some((place, place.seat()?)))
    }
}

impl Player {
    pub(crate) fn new(host: Arc<Shared>, session: SessionHandle) -> Self {
        // From the connection on: a handshake has used up some of it.
        session.set_deadline(host.config.limits.hello_within.saturating_sub(session.age()));
        Self { host, session, state: State::Connected, listener: None, budgets: Budgets::default() }
    }

    /// Whether the client has said a hello that the server could answer.
    fn is_greeted(&self) -> bool {
        !matches!(self.state, State::Connected)
    }

    /// The player's place in a room, if there is one.
    fn place(&self) -> Option<&Hold> {
        self.state.place()
    }

    /// Something that only the seated may do came from someone who is not.
    fn not_seated(&self) {
        match (&self.state, self.place()) {
            (_, Some(_)) => self.deny(DenialCode::Watching, "who watches has no part in the room; take a seat"),
            // It was on its way when the owner put them out.
            (State::SignedIn(presence), None)
                if presence.place.as_ref().is_some_and(|place| place.seat().is_some()) => {}
            _ => self.out_of_order(),
        }
    }

    /// A request is not done; the conversation goes on.
    fn deny(&self, code: DenialCode, why: impl fmt::Display) {
        self.session.send(self.host.outgoing.denied(code, why));
    }

    /// A request is not done, and the conversation ends.
    fn deny_and_close(&self, code: DenialCode, why: impl fmt::Display) {
        self.log(|| tracing::debug!(?code, %why, "denied"));
        self.deny(code, why);
        self.session.close(Ending::Denied.into());
    }

    fn out_of_order(&self) {
        let why = match &self.state {
            State::Connected => "say hello first",
            State::Greeted { .. } => "sign in first; one hello is enough",
            State::SignedIn(_) if self.place().is_none() => "join a room first; signing in once is enough",
            State::SignedIn(_) => "leave the room first; signing in once is enough",
        };
        self.deny_and_close(DenialCode::OutOfOrder, why);
    }

    /// Too fast: says so, and ends the conversation where it happens again and again.
    fn too_fast(&mut self, what: &str, wait: Duration, now: Instant) {
        if self.budgets.strike(&self.host.rates, now.into_std()) {
            self.log(|| tracing::debug!(what, "flooding"));
            self.session.close(Ending::Flooding.into());
        } else {
            self.deny(DenialCode::RateLimited, format_args!("too many {what}; again in {}", soon(wait)));
        }
    }

    /// Logs with the ids of the session, the player and the room. The span is made for the line: one that lived as long
    /// as the session would cost each idle session more memory than the rest of it. What the client chose is logged as a
    /// string, which is quoted: nobody writes fields of their own into the log.
    fn log(&self, line: impl FnOnce()) {
        let (session, peer) = (self.session.id().0, self.session.peer());
        let span = match &self.state {
            State::SignedIn(presence) => {
                let (player, name) = (presence.identity.player().0, presence.identity.name().as_str());
                match &presence.place {
                    Some(place) => tracing::error_span!("session", session, %peer, player, name, room = place.room().0),
                    None => tracing::error_span!("session", session, %peer, player, name),
                }
            }
            _ => tracing::error_span!("session", session, %peer),
        };
        span.in_scope(line);
    }
}

impl Service for Player {
    type Packet = ClientPacket;

    async fn packet(&mut self, packet: ClientPacket) {
        let now = Instant::now();
        if let Err(wait) = self.budgets.packet(&self.host.rates, now.into_std()) {
            return self.too_fast("packets", wait, now);
        }
        if let State::SignedIn(presence) = &mut self.state {
            presence.heard();
        }
        match packet {
            ClientPacket::Command { seq, command } => {
                let Some((place, seat)) = self.state.seat() else { return self.not_seated() };
                if self.budgets.step(&self.host.rates, now.into_std()).is_ok() {
                    place.send(Message::Command { seat, from: self.session.id(), seq, command }).await;
                } else {
                    // Not a strike: a held key is no attack.
                    self.session.send(self.host.outgoing.refused(seq, RefusalReason::TooFast));
                }
            }
            ClientPacket::Signal { to, payload } => {
                let Some((place, seat)) = self.state.seat() else { return self.not_seated() };
                if let Err(wait) = self.budgets.signal(&self.host.rates, now.into_std()) {
                    self.too_fast("signals", wait, now);
                } else if to == SignalTarget::Myself {
                    self.session.send_droppable(self.host.outgoing.frame(&ServerPacket::Echo { payload }));
                } else {
                    place.send(Message::Signal { seat, from: self.session.id(), payload }).await;
                }
            }
            ClientPacket::Chat { text } => {
                let Some((place, seat)) = self.state.seat() else { return self.not_seated() };
                match self.budgets.chat(&self.host.rates, now.into_std()) {
                    Ok(()) => {
                        let (from, manner) = (self.session.id(), Manner::Say);
                        place.send(Message::Chat { seat, from, manner, text }).await;
                    }
                    Err(wait) => self.too_fast("lines of chat", wait, now),
                }
            }
            ClientPacket::Ping { .. } | ClientPacket::Pong { .. } | ClientPacket::Bye if !self.is_greeted() => {
                self.out_of_order();
            }
            ClientPacket::Ping { nonce } => {
                self.session.send_droppable(self.host.outgoing.frame(&ServerPacket::Pong { nonce }));
            }
            // That it came is all that it says; the session has noted it.
            ClientPacket::Pong { .. } => {}
            ClientPacket::Bye => self.session.close(Ending::Bye.into()),
            // The rest is rare; boxed, it does not make every session's task larger.
            request => Box::pin(self.request(request, now)).await,
        }
    }

    async fn recovered(&mut self) {
        if let Some(place) = self.place() {
            place.send(Message::Recovered { who: place.who() }).await;
        }
    }

    fn malformed(&mut self, error: &dyn fmt::Display) {
        self.log(|| tracing::debug!(%error, "these bytes are no packet"));
        // A stranger who has not said hello speaks another protocol and would not understand.
        if self.is_greeted() {
            self.deny(DenialCode::Malformed, error);
        }
    }

    async fn ended(mut self, reason: CloseReason) {
        // Of whoever sent garbage, one line has said it.
        if reason != CloseReason::Malformed {
            self.log(|| tracing::debug!(?reason, "gone"));
        }
        if let State::SignedIn(mut presence) = std::mem::replace(&mut self.state, State::Connected) {
            let why = leave_reason(reason);
            if may_return(reason) {
                presence.budgets = Some(Box::new(std::mem::take(&mut self.budgets)));
                presence.lost(why);
            } else {
                presence.end(why);
            }
        }
    }
}

/// Whether it was the connection that ended, and not the player who went or was sent away.
fn may_return(reason: CloseReason) -> bool {
    match reason {
        CloseReason::PeerClosed
        | CloseReason::Broken
        | CloseReason::Silent
        | CloseReason::SlowConsumer
        | CloseReason::WriteStalled
        | CloseReason::Panicked => true,
        CloseReason::Service(code) => Ending::of(code) == Some(Ending::TakenOver),
        _ => false,
    }
}

/// What a room is told of the end of a connection.
pub(crate) fn leave_reason(reason: CloseReason) -> LeaveReason {
    match reason {
        CloseReason::PeerClosed | CloseReason::Broken | CloseReason::Silent | CloseReason::Stopping => {
            LeaveReason::Disconnected
        }
        CloseReason::Service(code) if Ending::of(code) == Some(Ending::Bye) => LeaveReason::Left,
        _ => LeaveReason::Kicked,
    }
}
