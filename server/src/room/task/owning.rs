//! What the owner of a room may do.

use super::Room;
use malpan_game::{Game, Place};
use malpan_protocol::{DenialCode, LeaveReason, Name, Seat, ServerPacket};
use std::time::Duration;

/// What an owner wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnersWish {
    /// Someone is to leave, and to stay out for a while.
    Remove,
    /// Someone else is to be the owner.
    HandOver,
}

impl<G: Game> Room<G> {
    /// Does what whoever sits there wants of someone else in the room, if they are its owner.
    pub(super) fn own(&mut self, seat: Seat, wish: OwnersWish, name: &Name, at: Duration) {
        let folded = name.folded();
        let target = self.members.seated().find(|(_, member)| member.name.folded() == folded).map(|(seat, _)| seat);
        match (self.ownership.owner() == Some(seat), target) {
            (false, _) => self.deny(seat, DenialCode::NotOwner, "only the owner of a room may do that"),
            (true, None) => {
                let why = format!("nobody named {name} sits in this room");
                self.deny(seat, DenialCode::NoSuchPlayer, &why);
            }
            (true, Some(target)) if target == seat => {
                self.deny(seat, DenialCode::NoSuchPlayer, "that is you, who owns the room; to go, leave it");
            }
            (true, Some(target)) => match wish {
                OwnersWish::HandOver => {
                    self.ownership.hand_over(target);
                    let name = self.members.member(target).map(|member| member.name.clone());
                    self.tell_owner(name);
                }
                OwnersWish::Remove => self.remove(seat, target, at),
            },
        }
    }

    /// Tells everyone whose the room is now.
    pub(super) fn tell_owner(&mut self, name: Option<Name>) {
        let seat = self.ownership.owner();
        self.batch.event(|event| ServerPacket::Owner { event, seat });
        self.directory.set_owner(self.id, name);
    }

    fn remove(&mut self, owner: Seat, target: Seat, at: Duration) {
        // Updates of a seat reach everyone while someone sits there.
        self.flush();
        let by = self.members.member(owner).map(|member| member.name.clone());
        let (Some(by), Some((to, name))) = (by, self.clear(target, LeaveReason::Removed, at)) else { return };
        self.directory.bar(self.id, &name);
        to.put_out();
        to.send(&self.outgoing.frame(&ServerPacket::Removed { room: self.id, by }));
        to.send(&self.outgoing.frame(&ServerPacket::RoomLeft { room: self.id }));
        // The owner sits here still, so the room goes on.
        let _ = self.directory.release(Place { room: self.id, seat: target });
    }

    fn deny(&self, seat: Seat, code: DenialCode, why: &str) {
        if let Some(member) = self.members.member(seat) {
            member.to.send(&self.outgoing.denied(code, why));
        }
    }
}
