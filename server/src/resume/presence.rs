//! What a signed-in player has, and who has it now.

use super::Registry;
use crate::{accounts::Identity, directory::Hold, player::Budgets};
use malpan_net::SessionHandle;
use malpan_protocol::LeaveReason;
use std::ops::{Deref, DerefMut};

/// A signed-in player's own: the name, and the place in a room.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) identity: Identity,
    pub(crate) place: Option<Hold>,
    /// What the player has left to do, between two sessions: each of them has it to itself. Boxed, because there is one of
    /// these in every session.
    pub(crate) budgets: Option<Box<Budgets>>,
}

impl Kept {
    /// Of someone who has just signed in.
    pub(crate) fn new(identity: Identity) -> Self {
        Self { identity, place: None, budgets: None }
    }

    /// Gives everything back.
    pub(super) fn give_back(self, reason: LeaveReason) {
        if let Some(place) = self.place {
            place.vacate(reason);
        }
    }
}

/// A signed-in player, with one session. Dropped, it is what a lost connection leaves behind: the player is away.
#[derive(Debug)]
pub(crate) struct Presence {
    /// `None` once it was taken out, by [`Presence::end`] or in the drop.
    kept: Option<Kept>,
    session: SessionHandle,
    registry: Registry,
    /// What is told of it where nothing can be kept.
    why: LeaveReason,
    /// The token that brought the player here is good until the client is heard again.
    pub(super) unconfirmed: bool,
}

impl Presence {
    pub(super) fn new(kept: Kept, session: SessionHandle, registry: Registry) -> Self {
        Self { kept: Some(kept), session, registry, why: LeaveReason::Disconnected, unconfirmed: false }
    }

    /// A packet came over the connection that the player has come back on. Cheap: nearly always nothing is to be done.
    pub(crate) fn heard(&mut self) {
        if self.unconfirmed {
            self.unconfirmed = false;
            self.registry.confirm(self.identity.player());
        }
    }

    /// The connection is lost, for this reason.
    pub(crate) fn lost(mut self, why: LeaveReason) {
        self.why = why;
    }

    /// The player goes for good: there is no coming back.
    pub(crate) fn end(mut self, reason: LeaveReason) {
        if let Some(kept) = self.kept.take() {
            self.registry.forget(kept.identity.player());
            kept.give_back(reason);
        }
    }
}

impl Deref for Presence {
    type Target = Kept;
    fn deref(&self) -> &Kept {
        self.kept.as_ref().expect("it is taken out at the end only")
    }
}

impl DerefMut for Presence {
    fn deref_mut(&mut self) -> &mut Kept {
        self.kept.as_mut().expect("it is taken out at the end only")
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if let Some(kept) = self.kept.take() {
            self.registry.lost(kept, &self.session, self.why);
        }
    }
}
