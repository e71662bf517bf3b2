//! A connection whose client takes over from it with another: what it still says must not come after what the other says.

use super::{
    honest::Honest,
    table::Place,
    talk::{State, Talk},
    world::{Phase, World},
};
use crate::room_model::is_of_a_room;
use malpan_client::ClientError;
use malpan_protocol::{KickReason, Name, ServerPacket};
use rand::RngExt as _;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep, timeout_at};

/// After this it is given up, whether anyone has taken over or not.
const STAYS: Duration = Duration::from_secs(12);

/// See the module.
struct Stale {
    name: Name,
    world: Arc<World>,
    talk: Talk,
}

impl Honest {
    /// Leaves the connection to itself, with a few things to say still, and comes back over another.
    pub(super) fn take_over(&mut self, mut talk: Talk) {
        self.count("takes over");
        if let State::In(place) = &mut talk.state
            && place.seat().is_some()
            && !place.catches_up()
        {
            for _ in 0..self.rng.random_range(0..12) {
                if self.rng.random_ratio(1, 4) {
                    let _ = talk.client.chat(self.line(&place.room().to_string()));
                } else if let Ok(seq) = self.command(&mut talk.client, place.is_five()) {
                    place.asked(seq);
                }
            }
        }
        self.keep(&talk);
        let waits = self.rng.random_range(0..2500);
        let stale = Stale { name: self.name.clone(), world: Arc::clone(&self.world), talk };
        drop(self.clients.spawn(stale.live(Duration::from_millis(waits))));
    }
}

impl Stale {
    /// What it has to say goes out after a while, which is before, while or after the other takes over.
    async fn live(mut self, waits: Duration) {
        sleep(waits).await;
        let end = Instant::now() + STAYS;
        while let Ok(heard) = timeout_at(end, self.talk.client.next()).await {
            let packet = match heard {
                Ok(packet) => packet,
                Err(error) => return self.has_ended(&error),
            };
            if let Err(what) = self.hear(&packet) {
                return self.world.fail(|| format!("{}, over its old connection: {what}", self.name));
            }
        }
    }

    fn hear(&mut self, packet: &ServerPacket) -> Result<(), String> {
        if self.talk.kicked.is_some() {
            return Err(format!("something after the last word: {packet:?}"));
        }
        match packet {
            ServerPacket::Kicked { reason } => self.talk.kicked = Some(*reason),
            ServerPacket::Joined(joined) => self.talk.is(State::In(Box::new(Place::new(joined)?))),
            ServerPacket::RoomLeft { .. } => self.talk.is(State::Lobby),
            packet if is_of_a_room(packet) => {
                let place = self.talk.state.place_mut();
                place.ok_or_else(|| format!("it is in no room and hears {packet:?}"))?.hear(packet)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn has_ended(&self, error: &ClientError) {
        match self.talk.kicked {
            Some(KickReason::TakenOver) => self.world.count("kicked: taken over"),
            Some(_) => {}
            None if matches!(error, ClientError::Closed) => {
                let disturbed = self.talk.client.get_ref().link.state().disturbed;
                if !disturbed && self.world.phase() != Phase::Draining {
                    self.world.fail(|| format!("{} was closed without a word", self.name));
                }
            }
            None => {}
        }
    }
}
