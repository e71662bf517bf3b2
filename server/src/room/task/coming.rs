//! Who comes, goes, is away and comes back, and what each of them is shown.

use super::{Room, encode};
use crate::room::{Newcomer, Recipient, Returning};
use malpan_game::{Game, Place, Released};
use malpan_net::{Frame, SessionId};
use malpan_protocol::{
    About, Door, Entered, Joined, LeaveReason, Left, Member, Name, Resumed, Resumption, Seat, ServerPacket,
};
use std::time::Duration;

impl<G: Game> Room<G> {
    pub(super) fn join(&mut self, seat: Seat, newcomer: Newcomer, at: Duration) {
        // Updates first: the newcomer may be put where a piece has just left.
        self.flush();
        let updates = encode(self.game.take_seat(at, seat));
        let name = newcomer.name.clone();
        let member = Member { seat, name: name.clone() };
        self.batch.event(|event| ServerPacket::Entered(Entered { event, member, updates }));
        if self.ownership.take_seat(seat) {
            self.tell_owner(Some(name));
        }
        self.closes_at = None;
        // The newcomer's first picture holds all that has happened: nothing of it may follow.
        self.flush();
        let to = newcomer.to.clone();
        tracing::debug!(room = self.id.0, seat = seat.index(), session = to.session().0, "took the seat");
        self.members.add(seat, newcomer);
        self.show(&to, Some(seat));
    }

    pub(super) fn watch(&mut self, to: Recipient) {
        self.flush();
        tracing::debug!(room = self.id.0, session = to.session().0, "watches");
        self.show(&to, None);
        self.members.add_watcher(to);
    }

    /// The whole of it, for whoever has seen nothing.
    fn show(&self, to: &Recipient, seat: Option<Seat>) {
        to.send(&self.outgoing.frame(&self.picture_for(seat)));
        let away: Vec<_> = self.members.away().collect();
        if !away.is_empty() {
            let seats = away.try_into().expect("a room has at most MAX_SEATS members");
            to.send(&self.outgoing.frame(&ServerPacket::Absent { seats }));
        }
        let (room, owner, door) = (self.id, self.ownership.owner(), self.setup.door);
        if self.setup.owned || door == Door::Password {
            to.send(&self.outgoing.frame(&ServerPacket::About(About { room, owner, door })));
        }
        for lines in self.history.packets(room) {
            // So that whoever is behind is not sent away for what was said long ago.
            to.send_droppable(&self.outgoing.frame(&ServerPacket::History(lines)));
        }
    }

    pub(super) fn away(&mut self, seat: Seat, session: SessionId) {
        if let Some(member) = self.members.member_mut(seat) {
            member.away = true;
            tracing::debug!(room = self.id.0, seat = seat.index(), session = session.0, "away");
            self.batch.event(|event| ServerPacket::Away { event, seat });
        }
    }

    /// Someone is back, and is told what was missed, or everything.
    pub(super) fn resume(&mut self, seat: Seat, before: SessionId, returning: Returning) {
        self.flush();
        let Some(member) = self.members.member_mut(seat).filter(|member| member.to.session() == before) else {
            // The owner has put them out meanwhile.
            return self.turn_back(returning);
        };
        let Returning { player, name, to, seen } = returning;
        let resumed = |place| ServerPacket::Resumed(Resumed { player, name, place });
        if member.away {
            // One of the events that were missed: told to the others, and to the player with the rest.
            self.batch.event(|event| ServerPacket::Back { event, seat });
            self.flush();
        }
        tracing::debug!(room = self.id.0, seat = seat.index(), session = to.session().0, "back in the seat");
        let missed = seen
            .filter(|seen| (seen.room, seen.incarnation) == (self.id, self.incarnation))
            .and_then(|seen| self.batch.missed_since(seen.event))
            .filter(|missed| missed.bytes.len() <= self.setup.replay);
        // Before what was done over the old connection is forgotten: over the new one commands are numbered anew.
        let snapshot = self.batch.snapshot(self.state(), self.members.acks());
        if let Some(member) = self.members.member_mut(seat) {
            (member.to, member.away, member.last_seq) = (to.clone(), false, 0);
        }
        let room = self.id;
        let Some(missed) = missed else {
            to.send(&self.outgoing.frame(&resumed(Resumption::Anew { room })));
            return self.show(&to, Some(seat));
        };
        to.send(&self.outgoing.frame(&resumed(Resumption::Missed { room, events: missed.events })));
        if missed.events > 0 {
            to.send(&Frame::new(&missed.bytes));
        }
        to.send(&self.outgoing.frame(&snapshot));
    }

    /// Someone is back whose seat is gone: they are in the lobby.
    pub(super) fn turn_back(&self, Returning { player, name, to, .. }: Returning) {
        to.put_out();
        to.send(&self.outgoing.frame(&ServerPacket::Resumed(Resumed { player, name, place: Resumption::Lobby })));
    }

    pub(super) fn leave(&mut self, seat: Seat, reason: LeaveReason, at: Duration) -> Released {
        // Updates of a seat reach everyone while someone sits there.
        self.flush();
        if let Some((to, _)) = self.clear(seat, reason, at) {
            self.let_go(&to, reason);
        }
        self.directory.release(Place { room: self.id, seat })
    }

    /// Takes whoever sits there out of the game and the room.
    pub(super) fn clear(&mut self, seat: Seat, reason: LeaveReason, at: Duration) -> Option<(Recipient, Name)> {
        self.members.member(seat)?;
        // While they are still a member: should the rules fail now, they are told as everyone.
        let updates = encode(self.game.leave_seat(at, seat));
        let member = self.members.remove(seat)?;
        tracing::debug!(room = self.id.0, seat = seat.index(), session = member.to.session().0, "left the seat");
        self.batch.event(|event| ServerPacket::Left(Left { event, seat, reason, updates }));
        if self.ownership.leave_seat(seat) {
            let owner = self.ownership.owner().and_then(|seat| self.members.member(seat));
            self.tell_owner(owner.map(|member| member.name.clone()));
        }
        Some((member.to, member.name))
    }

    pub(super) fn unwatch(&mut self, session: SessionId, reason: LeaveReason) -> Released {
        if let Some(to) = self.members.remove_watcher(session) {
            tracing::debug!(room = self.id.0, session = session.0, "watches no more");
            self.let_go(&to, reason);
        }
        self.directory.unwatch(self.id);
        Released::Open
    }

    fn let_go(&self, to: &Recipient, reason: LeaveReason) {
        if reason == LeaveReason::Left {
            to.send(&self.outgoing.frame(&ServerPacket::RoomLeft { room: self.id }));
        }
    }

    fn picture_for(&self, seat: Option<Seat>) -> ServerPacket {
        let members = self.members.seated().map(|(seat, member)| Member { seat, name: member.name.clone() });
        ServerPacket::Joined(Joined {
            room: self.id,
            title: self.title.clone(),
            game: G::NAME,
            seats: self.setup.seats,
            seat,
            members: members.collect::<Vec<_>>().try_into().expect("a room has at most MAX_SEATS members"),
            incarnation: self.incarnation,
            event: self.batch.last_event(),
            batch: self.batch.last_batch(),
            state: self.state(),
        })
    }
}
