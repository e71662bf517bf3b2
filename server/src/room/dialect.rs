//! To whom a room sends, and in which protocol.

use super::Ticket;
use crate::{ending::Ending, lecture};
use malpan_net::{CloseReason, Delivery, Frame, SessionHandle, SessionId};
use malpan_protocol::{Name, Seat};
use std::sync::Arc;

/// What someone in a room speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The Malpan protocol, in which the room writes.
    Malpan,
    /// The lecture wire.
    Lecture,
}

impl Dialect {
    /// The packets of `frame` in this dialect; `None` where it has no word for any of them.
    /// `name` knows who sits where.
    pub(crate) fn say(self, frame: &Frame, name: &dyn Fn(Seat) -> Option<Name>) -> Option<Frame> {
        match self {
            Self::Malpan => Some(frame.clone()),
            Self::Lecture => lecture::say(frame, name),
        }
    }
}

/// Someone to whom a room sends.
#[derive(Debug, Clone)]
pub(crate) struct Recipient {
    /// `None` where nobody listens.
    session: Option<SessionHandle>,
    dialect: Dialect,
    ticket: Option<Arc<Ticket>>,
}

impl Recipient {
    /// In place of the session of whoever has none. Sessions count from 1.
    pub(crate) const NOBODY: SessionId = SessionId(0);

    /// Who listens to `session` and speaks `dialect`.
    pub(crate) fn new(session: SessionHandle, dialect: Dialect) -> Self {
        Self { session: Some(session), dialect, ticket: None }
    }

    /// Nobody: whoever sat there when the server ended.
    pub(crate) fn nobody() -> Self {
        Self { session: None, dialect: Dialect::Malpan, ticket: None }
    }

    /// The same, with a ticket by which the room can put them out.
    pub(crate) fn with_ticket(mut self, ticket: Arc<Ticket>) -> Self {
        self.ticket = Some(ticket);
        self
    }

    pub(crate) fn ticket(&self) -> Option<&Arc<Ticket>> {
        self.ticket.as_ref()
    }

    /// They are in this room no more, without having asked. To be called before they hear of it: once they have, they may be
    /// on the way to another.
    pub(crate) fn put_out(&self) {
        match &self.ticket {
            Some(ticket) => ticket.put_out(),
            // A lecture client has no lobby to go back to.
            None => self.close(Ending::Denied.into()),
        }
    }

    pub(crate) fn session(&self) -> SessionId {
        self.session.as_ref().map_or(Self::NOBODY, SessionHandle::id)
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// What is said to them alone: nothing of it is by anyone else in the room.
    fn said(&self, frame: &Frame) -> Option<(&SessionHandle, Frame)> {
        Some((self.session.as_ref()?, self.dialect.say(frame, &|_| None)?))
    }

    /// Sends what must be delivered.
    pub(crate) fn send(&self, frame: &Frame) {
        if let Some((session, frame)) = self.said(frame) {
            session.send(frame);
        }
    }

    /// Sends what a newer one replaces.
    pub(crate) fn send_latest(&self, frame: &Frame) {
        if let Some((session, frame)) = self.said(frame) {
            session.send_latest(frame);
        }
    }

    /// Sends what nobody misses.
    pub(crate) fn send_droppable(&self, frame: &Frame) {
        if let Some((session, frame)) = self.said(frame) {
            session.send_droppable(frame);
        }
    }

    /// As [`Recipient::send`], for what is said in the recipient's dialect already.
    pub(crate) fn send_as_is(&self, frame: Frame) -> Delivery {
        self.session.as_ref().map_or(Delivery::Closed, |session| session.send(frame))
    }

    /// As [`Recipient::send_latest`], for what is said in the recipient's dialect already.
    pub(crate) fn send_latest_as_is(&self, frame: Frame) -> Delivery {
        self.session.as_ref().map_or(Delivery::Closed, |session| session.send_latest(frame))
    }

    pub(crate) fn close(&self, reason: CloseReason) {
        if let Some(session) = &self.session {
            session.close(reason);
        }
    }
}
