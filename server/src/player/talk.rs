//! What players say to each other: to the room, to the lobby, to one.

use super::{Player, State, budgets::soon};
use crate::{outgoing, room::Message};
use malpan_net::Delivery;
use malpan_protocol::{Audience, ChatText, DenialCode, LobbyChat, Manner, Name, ServerPacket, Whisper};
use tokio::time::Instant;

impl Player {
    pub(super) async fn say(&mut self, to: Audience, manner: Manner, text: ChatText, now: Instant) {
        // Where someone is may change without their doing, so what comes too late for a place ends no conversation.
        match (&to, self.place()) {
            (Audience::Room, None) => return self.deny(DenialCode::NotHere, "you are in no room"),
            (Audience::Room, Some(place)) if place.seat().is_none() => return self.not_seated(),
            (Audience::Lobby, Some(_)) => return self.deny(DenialCode::NotHere, "you are in a room, not in the lobby"),
            _ => {}
        }
        if let Err(wait) = self.budgets.chat(&self.host.rates, now.into_std()) {
            return self.too_fast("lines of chat", wait, now);
        }
        match to {
            Audience::Room => {
                let Some((place, seat)) = self.state.seat() else { return };
                place.send(Message::Chat { seat, from: self.session.id(), manner, text }).await;
            }
            Audience::Lobby => self.say_to_lobby(manner, text, now).await,
            Audience::Player(name) => self.whisper(&name, manner, text),
        }
    }

    async fn say_to_lobby(&self, manner: Manner, text: ChatText, now: Instant) {
        // Everyone's budget together, so it is nobody's strike.
        if let Err(wait) = self.host.people.may_speak(now.into_std()) {
            let why = format_args!("too much is said in the lobby; again in {}", soon(wait));
            return self.deny(DenialCode::RateLimited, why);
        }
        let State::SignedIn(presence) = &self.state else { return };
        let packet = ServerPacket::LobbyChat(LobbyChat { name: presence.identity.name().clone(), manner, text });
        let frame = outgoing::frame(&packet);
        let told = self.host.people.tell_lobby(&frame).await;
        self.host.metrics.sent((&packet).into(), frame.len(), told);
    }

    /// Both get it, unless whoever it is for does not. They are never sent away for what others say to them.
    fn whisper(&self, to: &Name, manner: Manner, text: ChatText) {
        let State::SignedIn(presence) = &self.state else { return };
        let Some(person) = self.host.people.find(to) else {
            return self.deny(DenialCode::NoSuchPlayer, format_args!("nobody named {to} is here to hear that"));
        };
        let (from, to) = (presence.identity.name().clone(), person.name.clone());
        let whisper = ServerPacket::Whisper(Whisper { from, to, manner, text });
        let frame = self.host.outgoing.frame(&whisper);
        if person.session.id() != self.session.id() && person.session.send_droppable(frame) != Delivery::Queued {
            return self.deny(DenialCode::NotHeard, format_args!("{} is too far behind to hear that", person.name));
        }
        self.session.send_droppable(self.host.outgoing.frame(&whisper));
    }
}
