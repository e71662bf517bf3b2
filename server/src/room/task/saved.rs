//! What of a room outlives the server.

use super::{FITS, Room};
use crate::{
    room::{Opening, history::Past, members::Members, ownership::Ownership},
    saving::{Record, SAVE_AFTER, SavedAs, SavedBytes, SavedMember},
    store::{RoomChange, SavedRoom},
};
use malpan_game::Game;
use malpan_protocol::Seat;
use std::time::Duration;
use tokio::time::Instant;

/// Has a new game go on from what was saved. An error says why it cannot.
pub(in crate::room) fn restore<G: Game>(game: &mut G, Record { room, state }: &Record) -> Result<(), String> {
    let saved = state.decode().map_err(|error| format!("what was saved of its game cannot be read: {error}"))?;
    game.restore(saved, &room.taken()).map_err(|unfit| format!("its game cannot go on: {unfit}"))
}

/// What a room has from the beginning.
pub(super) struct Beginning {
    pub(super) members: Members,
    pub(super) ownership: Ownership,
    pub(super) history: Past,
    /// For how long it was open in earlier lives of the server.
    pub(super) age: Duration,
}

impl Beginning {
    /// All that it had, with everyone away; or nothing.
    pub(super) fn of(opening: &mut Opening) -> Self {
        let mut members = Members::default();
        let Some(Record { room, .. }) = opening.earlier.take() else {
            let (ownership, history) = (Ownership::new(opening.setup.owned), Past::default());
            return Self { members, ownership, history, age: Duration::ZERO };
        };
        let ownership = Ownership::again(room.owned, room.owner, room.taken());
        let history = Past::again(room.said.into_iter().map(Into::into));
        room.members.into_iter().for_each(|member| members.expect(member));
        Self { members, ownership, history, age: Duration::from_millis(room.age_ms) }
    }
}

impl<G: Game> Room<G> {
    /// Something has happened: it is saved before long.
    pub(super) fn touch(&mut self) {
        if self.save_at.is_none() && self.saver.is_on() {
            self.save_at = Some(Instant::now() + SAVE_AFTER);
        }
    }

    /// Saves it when it is time to: a room whose inbox is never empty would not come to its timer.
    pub(super) fn save_if_due(&mut self, now: Instant) {
        if self.save_at.is_some_and(|at| now >= at) {
            self.save();
        }
    }

    /// Hands over how it stands. Where nobody sits there, there is nobody to keep it for.
    pub(super) fn save(&mut self) {
        self.save_at = None;
        let game = self.game.save().filter(|_| self.members.seated().next().is_some());
        let (id, incarnation) = (self.id, self.incarnation);
        self.saver.room(match game {
            Some(game) => {
                let state = SavedBytes::of(&game).expect(FITS);
                let record = Record { room: self.as_it_is(), state }.to_bytes();
                RoomChange::Saved(SavedRoom { id, incarnation, record })
            }
            None => RoomChange::Gone(id),
        });
    }

    fn as_it_is(&self) -> SavedAs {
        let member = |&seat: &Seat| {
            let member = self.members.member(seat)?;
            Some(SavedMember { seat, name: member.name.clone(), player: member.player })
        };
        SavedAs {
            saved_at: self.saver.time(),
            game: G::NAME,
            title: self.title.clone(),
            seats: self.setup.seats,
            board: self.setup.board,
            owned: self.ownership.owned(),
            owner: self.ownership.owner(),
            lock: self.lock.clone(),
            age_ms: millis(self.at(Instant::now())),
            members: self.ownership.seated().iter().filter_map(member).collect(),
            said: self.history.lines().map(Into::into).collect(),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
