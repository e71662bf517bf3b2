//! A lecture client: a guest from the moment it is accepted, seated at any board.

use super::LecturePacket;
use crate::{
    accounts::{Identity, Refused},
    directory::Hold,
    door::Visitor,
    ending::Ending,
    host::Shared,
    player::{Budgets, leave_reason},
    room::{Dialect, Message, Newcomer, Recipient},
};
use malpan_net::{CloseReason, Service, SessionHandle};
use malpan_protocol::{ChatText, CommandBytes, GameName, Manner, Name};
use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};
use tokio::time::Instant;

/// Names that are tried where players have taken those of lecture clients for fun.
const NAMES: u64 = 8;

/// One lecture client's side of the conversation.
#[derive(Debug)]
pub struct LecturePlayer {
    host: Arc<Shared>,
    session: SessionHandle,
    place: Option<Hold>,
    identity: Option<Identity>,
    budgets: Budgets,
    /// The client does not number its moves; the room's other members may hear of them by number.
    last_seq: u32,
}

impl LecturePlayer {
    pub(super) fn new(host: Arc<Shared>, session: SessionHandle) -> Self {
        Self { host, session, place: None, identity: None, budgets: Budgets::default(), last_seq: 0 }
    }

    /// Signs in and sits down; an error says why that cannot be.
    async fn come_in(&mut self) -> Result<(), String> {
        if self.host.is_draining() {
            return Err("the server is stopping".into());
        }
        if self.host.is_loading() {
            return Err("what was kept has not come back yet".into());
        }
        let identity = self.sign_in().await?;
        let visitor = Visitor { name: identity.name(), password: None, now: Instant::now() };
        let reserved = self.host.directory.reserve_any(Some(GameName::BOARD), visitor, self.session.shard());
        let mut place = reserved.map_err(|why| why.to_string())?;
        let to = Recipient::new(self.session.clone(), Dialect::Lecture);
        if !place.come_in(Newcomer { name: identity.name().clone(), to, player: None }).await {
            return Err("the room has failed".into());
        }
        (self.identity, self.place) = (Some(identity), Some(place));
        Ok(())
    }

    async fn sign_in(&self) -> Result<Identity, String> {
        // Counted by each server from 1 up: no two come to the same name this way for a long time, and the same happens
        // again where a server's life is repeated.
        let number = self.host.lecture_clients.fetch_add(1, Ordering::Relaxed) + 1;
        let names = (0..NAMES).map(|n| format!("lecture-{}", number + n * 1_000_000));
        for name in names.filter_map(|name| Name::new(&name).ok()) {
            match self.host.accounts.guest(name).await {
                Err(Refused::NameTaken(_)) => {}
                signed_in => return signed_in.map_err(|why| why.to_string()),
            }
        }
        Err("every name for it is taken".into())
    }

    fn too_fast(&mut self, now: Instant) {
        if self.budgets.strike(&self.host.rates, now.into_std()) {
            self.session.close(Ending::Flooding.into());
        }
    }
}

impl Service for LecturePlayer {
    type Packet = LecturePacket;

    async fn opened(&mut self) {
        if let Err(why) = self.come_in().await {
            tracing::debug!(session = self.session.id().0, why, "no place for a lecture client");
            self.session.close(Ending::Denied.into());
        }
    }

    async fn packet(&mut self, packet: LecturePacket) {
        let now = Instant::now();
        if self.budgets.packet(&self.host.rates, now.into_std()).is_err() {
            return self.too_fast(now);
        }
        let Some((place, seat)) = self.place.as_ref().and_then(|place| Some((place, place.seat()?))) else { return };
        match packet {
            // As everyone's: a step too many is not done, and is no strike.
            LecturePacket::Move(direction) => {
                if self.budgets.step(&self.host.rates, now.into_std()).is_ok() {
                    self.last_seq = self.last_seq.wrapping_add(1);
                    let command = CommandBytes::of(&direction).expect("a direction is one byte");
                    place.send(Message::Command { seat, from: self.session.id(), seq: self.last_seq, command }).await;
                }
            }
            LecturePacket::Chat { text } => {
                // An empty line, which a client sends when Enter is pressed twice, is not worth a word.
                let Some(text) = ChatText::lossy(&text) else { return };
                if self.budgets.chat(&self.host.rates, now.into_std()).is_ok() {
                    place.send(Message::Chat { seat, from: self.session.id(), manner: Manner::Say, text }).await;
                } else {
                    self.too_fast(now);
                }
            }
        }
    }

    async fn recovered(&mut self) {
        if let Some(place) = &self.place {
            place.send(Message::Recovered { who: place.who() }).await;
        }
    }

    fn malformed(&mut self, error: &dyn fmt::Display) {
        tracing::debug!(session = self.session.id().0, peer = %self.session.peer(), %error, "not the lecture wire");
    }

    async fn ended(mut self, reason: CloseReason) {
        if let Some(place) = self.place.take() {
            place.vacate(leave_reason(reason));
        }
    }
}
