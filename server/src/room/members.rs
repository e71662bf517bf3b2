//! Who is in a room: with a seat, or watching.

use super::{Dialect, Newcomer, Recipient, Who, batch::Flush};
use crate::saving::{SavedMember, WhoReturns};
use malpan_net::{Delivery, Frame, SessionId};
use malpan_protocol::{Ack, MAX_SEATS, Name, Seat};

/// Everyone in the room.
#[derive(Debug, Default)]
pub(crate) struct Members {
    seats: [Option<Member>; MAX_SEATS],
    watchers: Vec<Recipient>,
}

/// Someone with a seat.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: Name,
    pub(crate) to: Recipient,
    /// `None` where they cannot come back.
    pub(crate) player: Option<WhoReturns>,
    /// The connection is lost, and nothing is sent to it.
    pub(crate) away: bool,
    /// The last command of theirs that was done.
    pub(crate) last_seq: u32,
}

impl Members {
    pub(crate) fn add(&mut self, seat: Seat, Newcomer { name, to, player }: Newcomer) {
        debug_assert!(self.seats[seat.index()].is_none(), "the lobby hands out free seats only");
        self.seats[seat.index()] = Some(Member { name, to, player, away: false, last_seq: 0 });
    }

    /// Someone sat there when the server ended, and may come back.
    pub(crate) fn expect(&mut self, SavedMember { seat, name, player }: SavedMember) {
        let to = Recipient::nobody();
        self.seats[seat.index()] = Some(Member { name, to, player, away: true, last_seq: 0 });
    }

    pub(crate) fn add_watcher(&mut self, to: Recipient) {
        self.watchers.push(to);
    }

    pub(crate) fn remove(&mut self, seat: Seat) -> Option<Member> {
        self.seats[seat.index()].take()
    }

    pub(crate) fn remove_watcher(&mut self, session: SessionId) -> Option<Recipient> {
        let index = self.watchers.iter().position(|watcher| watcher.session() == session)?;
        Some(self.watchers.swap_remove(index))
    }

    pub(crate) fn member(&self, seat: Seat) -> Option<&Member> {
        self.seats[seat.index()].as_ref()
    }

    pub(crate) fn member_mut(&mut self, seat: Seat) -> Option<&mut Member> {
        self.seats[seat.index()].as_mut()
    }

    /// Whether the seat is this session's.
    pub(crate) fn sits(&self, seat: Seat, session: SessionId) -> bool {
        self.member(seat).is_some_and(|member| member.to.session() == session)
    }

    /// Where to send to someone.
    pub(crate) fn recipient(&self, who: Who) -> Option<&Recipient> {
        match who {
            Who::Seat(seat) => self.member(seat).map(|member| &member.to),
            Who::Watcher(session) => self.watchers.iter().find(|watcher| watcher.session() == session),
        }
    }

    /// Everyone with a seat, by seat.
    pub(crate) fn seated(&self) -> impl Iterator<Item = (Seat, &Member)> {
        Seat::every().filter_map(|seat| Some((seat, self.member(seat)?)))
    }

    /// Everyone's last command that was done.
    pub(crate) fn acks(&self) -> impl Iterator<Item = Ack> {
        self.seated().map(|(seat, member)| Ack { seat, seq: member.last_seq })
    }

    pub(crate) fn watchers(&self) -> &[Recipient] {
        &self.watchers
    }

    /// The seats of those who are away.
    pub(crate) fn away(&self) -> impl Iterator<Item = Seat> {
        self.seated().filter(|(_, member)| member.away).map(|(seat, _)| seat)
    }

    /// Everyone who can be told something, seated or not.
    pub(crate) fn everyone(&self) -> impl Iterator<Item = &Recipient> {
        self.seats.iter().flatten().filter(|member| !member.away).map(|member| &member.to).chain(&self.watchers)
    }

    /// Hands one flush to everyone. Whoever cannot take an event is cut off by their own queue, and their session says
    /// goodbye to the room in its own time.
    pub(crate) fn deliver(&self, flush: &Flush) -> Receivers {
        let mut receivers = Receivers::default();
        self.everyone().for_each(|to| {
            receivers.all += 1;
            let (events, updates) =
                flush.said_in(to.dialect(), &|seat| self.member(seat).map(|member| member.name.clone()));
            // Packets are counted for those who get them as they are.
            let as_is = usize::from(to.dialect() == Dialect::Malpan);
            if let Some(events) = events
                && to.send_as_is(Frame::clone(events)) == Delivery::Queued
            {
                receivers.of_events += as_is;
            }
            if let Some(updates) = updates
                && to.send_latest_as_is(Frame::clone(updates)) == Delivery::Queued
            {
                receivers.of_updates += as_is;
                receivers.of_positions += 1;
            }
        });
        receivers
    }
}

/// How many got a flush.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Receivers {
    /// Everyone who is in the room.
    pub(crate) all: usize,
    /// Those whose queues took the events, in the Malpan protocol.
    pub(crate) of_events: usize,
    /// Those whose queues took the updates, in the Malpan protocol.
    pub(crate) of_updates: usize,
    /// The same in whatever dialect.
    pub(crate) of_positions: usize,
}
