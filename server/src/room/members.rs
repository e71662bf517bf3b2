//! Who sits in a room.

use super::{Newcomer, batch::Flush};
use malpan_net::{Frame, SessionHandle};
use malpan_protocol::{MAX_SEATS, Name, Seat};

/// The members, by seat.
#[derive(Debug, Default)]
pub(crate) struct Members([Option<Member>; MAX_SEATS]);

/// One of them.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: Name,
    pub(crate) session: SessionHandle,
    /// The last step of theirs that was accepted.
    pub(crate) last_seq: u32,
}

impl Members {
    pub(crate) fn add(&mut self, seat: Seat, Newcomer { name, session }: Newcomer) {
        debug_assert!(self.0[seat.index()].is_none(), "the lobby hands out free seats only");
        self.0[seat.index()] = Some(Member { name, session, last_seq: 0 });
    }

    pub(crate) fn remove(&mut self, seat: Seat) -> Option<Member> {
        self.0[seat.index()].take()
    }

    pub(crate) fn member(&self, seat: Seat) -> Option<&Member> {
        self.0[seat.index()].as_ref()
    }

    pub(crate) fn member_mut(&mut self, seat: Seat) -> Option<&mut Member> {
        self.0[seat.index()].as_mut()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.0.iter().flatten()
    }

    /// Hands one flush to everyone. Whoever cannot take an event is cut off by their own queue, and their session says
    /// goodbye to the room in its own time.
    pub(crate) fn deliver(&self, Flush { events, moves }: &Flush) {
        for member in self.iter() {
            if let Some(events) = events {
                member.session.send(events.clone());
            }
            if let Some(moves) = moves {
                member.session.send_latest(moves.clone());
            }
        }
    }

    /// Sends to one member alone.
    pub(crate) fn send_to(&self, seat: Seat, frame: Frame) {
        if let Some(member) = self.member(seat) {
            member.session.send(frame);
        }
    }
}
