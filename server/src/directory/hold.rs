//! A place in a room that somebody has, from the reservation on: the way to the room, and back.

use super::Directory;
use crate::room::{Inbox, Message, Newcomer, Recipient, Returning, Ticket, Who};
use malpan_game::{Place, Released};
use malpan_net::SessionId;
use malpan_protocol::{LeaveReason, RoomId, Seat};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Tells a room something and does not wait.
pub(super) fn tell(inbox: &Inbox, message: Message) {
    if let Err(mpsc::error::TrySendError::Full(message)) = inbox.try_send(message) {
        let inbox = inbox.clone();
        // Ends with the room at the latest.
        tokio::spawn(async move { inbox.send(message).await });
    }
}

/// A place that is held: reserved at first, taken later. Dropped, it is given back in whichever way its state asks.
#[derive(Debug)]
pub(crate) struct Hold {
    directory: Directory,
    inbox: Inbox,
    room: RoomId,
    who: Who,
    /// Whose it is, once it is taken.
    session: Option<SessionId>,
    /// By which the room says that it has put them out.
    ticket: Option<Arc<Ticket>>,
    state: HoldState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HoldState {
    /// The lobby keeps the place; the room does not know of it.
    Reserved,
    /// The room was told that someone is here.
    Taken,
    /// The room was told that nobody is.
    Left,
}

impl Hold {
    /// The lobby has reserved it.
    pub(super) fn reserved(directory: Directory, inbox: Inbox, room: RoomId, who: Who) -> Self {
        Self { directory, inbox, room, who, session: None, ticket: None, state: HoldState::Reserved }
    }

    /// As whoever sat there when the server ended has it: taken, by nobody's session.
    pub(super) fn left_behind(mut self) -> Self {
        (self.session, self.state) = (Some(Recipient::NOBODY), HoldState::Taken);
        self
    }

    pub(crate) fn room(&self) -> RoomId {
        self.room
    }

    pub(crate) fn who(&self) -> Who {
        self.who
    }

    /// The seat; `None` where it is a place to watch from.
    pub(crate) fn seat(&self) -> Option<Seat> {
        match self.who {
            Who::Seat(seat) => Some(seat),
            Who::Watcher(_) => None,
        }
    }

    /// Whether the room has put them out, or has closed under someone who watches. Who has a seat keeps it open.
    pub(crate) fn is_over(&self) -> bool {
        self.is_put_out() || (matches!(self.who, Who::Watcher(_)) && self.inbox.is_closed())
    }

    /// Whether the room has let go of them without being asked, and nothing of theirs counts any more.
    pub(crate) fn is_put_out(&self) -> bool {
        self.ticket.as_ref().is_some_and(|ticket| ticket.is_void())
    }

    /// Whether there is nothing left to come back to: the room has put them out, has closed or has failed.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_put_out() || self.inbox.is_closed()
    }

    /// Comes in; false where the room has closed or failed. Waits while the room's inbox is full.
    pub(crate) async fn come_in(&mut self, newcomer: Newcomer) -> bool {
        let seat = self.seat();
        self.session = Some(newcomer.to.session());
        self.ticket = newcomer.to.ticket().cloned();
        let told = self.send(Message::Join { seat, newcomer }).await;
        if told {
            self.state = HoldState::Taken;
        }
        told
    }

    /// Comes back to the own seat; false where the room has failed, or it is no seat. Waits while the room's inbox is full.
    pub(crate) async fn come_back(&mut self, returning: Returning) -> bool {
        let (Some(seat), Some(before)) = (self.seat(), self.session) else { return false };
        // From now on it is by this one that the room puts them out.
        self.ticket = returning.to.ticket().cloned();
        let session = returning.to.session();
        let told = self.send(Message::Resume { seat, before, returning }).await;
        if told {
            // Not sooner: until it is told, the room knows the seat by the old session.
            self.session = Some(session);
        }
        told
    }

    /// The connection is lost, and the seat is kept. Does not wait.
    pub(crate) fn be_away(&self) {
        if let (Some(seat), Some(from)) = (self.seat(), self.session) {
            self.send_without_waiting(Message::Away { seat, from });
        }
    }

    /// Sends to the room; false where it has failed, and with it the session of everyone whom it knew, or has closed. Waits
    /// while the inbox is full, without allocating where it is not.
    pub(crate) async fn send(&self, message: Message) -> bool {
        match self.inbox.try_send(message) {
            Ok(()) => true,
            // Boxed: the wait is rare and must not make every session's task larger.
            Err(mpsc::error::TrySendError::Full(message)) => Box::pin(self.inbox.send(message)).await.is_ok(),
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        }
    }

    /// Goes, and waits until the room will send nothing more.
    pub(crate) async fn go(mut self) {
        let (done, left) = oneshot::channel();
        let leave = self.leaving(LeaveReason::Left, Some(done));
        if self.send(leave).await {
            self.state = HoldState::Left;
            // An error means that the room has failed, which ends the session as well, or closed, of which it was told.
            let _ = left.await;
        }
    }

    /// Leaves because the connection ended. Does not wait: whoever is gone is told nothing more.
    pub(crate) fn vacate(mut self, reason: LeaveReason) {
        if self.state == HoldState::Taken && !self.is_put_out() {
            self.state = HoldState::Left;
            self.send_without_waiting(self.leaving(reason, None));
        }
    }

    /// The word that whoever took the place leaves it.
    fn leaving(&self, reason: LeaveReason, done: Option<oneshot::Sender<()>>) -> Message {
        let from = self.session.expect("a place that is taken has an owner");
        Message::Leave { who: self.who, from, reason, done }
    }

    fn send_without_waiting(&self, message: Message) {
        tell(&self.inbox, message);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        match (self.state, self.who) {
            (HoldState::Left, _) => {}
            _ if self.is_put_out() => {}
            (HoldState::Reserved, Who::Seat(seat)) => {
                let released = self.directory.release(Place { room: self.room, seat });
                if released != Released::Open {
                    // The room does not know of this seat, and those who watch may keep its task alive.
                    self.send_without_waiting(Message::Vacant(released));
                }
            }
            (HoldState::Reserved, Who::Watcher(_)) => self.directory.unwatch(self.room),
            // Here only when the session's task panicked or was dropped.
            (HoldState::Taken, _) => self.send_without_waiting(self.leaving(LeaveReason::Disconnected, None)),
        }
    }
}
