//! To whom a room sends, and in which protocol.

use crate::lecture;
use malpan_net::{CloseReason, Delivery, Frame, SessionHandle, SessionId};

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
    pub(crate) fn say(self, frame: &Frame) -> Option<Frame> {
        match self {
            Self::Malpan => Some(frame.clone()),
            Self::Lecture => lecture::say(frame),
        }
    }
}

/// Someone to whom a room sends.
#[derive(Debug, Clone)]
pub(crate) struct Recipient {
    session: SessionHandle,
    dialect: Dialect,
}

impl Recipient {
    /// Who listens to `session` and speaks `dialect`.
    pub(crate) fn new(session: SessionHandle, dialect: Dialect) -> Self {
        Self { session, dialect }
    }

    pub(crate) fn session(&self) -> SessionId {
        self.session.id()
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Sends what must be delivered.
    pub(crate) fn send(&self, frame: &Frame) {
        if let Some(frame) = self.dialect.say(frame) {
            self.session.send(frame);
        }
    }

    /// Sends what a newer one replaces.
    pub(crate) fn send_latest(&self, frame: &Frame) {
        if let Some(frame) = self.dialect.say(frame) {
            self.session.send_latest(frame);
        }
    }

    /// As [`Recipient::send`], for what is said in the recipient's dialect already.
    pub(crate) fn send_as_is(&self, frame: Frame) -> Delivery {
        self.session.send(frame)
    }

    /// As [`Recipient::send_latest`], for what is said in the recipient's dialect already.
    pub(crate) fn send_latest_as_is(&self, frame: Frame) -> Delivery {
        self.session.send_latest(frame)
    }

    pub(crate) fn close(&self, reason: CloseReason) {
        self.session.close(reason);
    }
}
