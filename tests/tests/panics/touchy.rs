//! The host's own protocol, with sessions that panic where they are told to.

use malpan_net::{CloseReason, Frame, Protocol, Service, SessionHandle};
use malpan_protocol::ClientPacket;
use malpan_server::{Greeting, Host, Player};
use std::fmt;

/// What the panics say.
pub(crate) const FAULT: &str = "a fault, as a test wants it";

/// Where a session can be struck. A panic at a packet comes at a ping with the number 13.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Opened,
    Packet,
    Malformed,
    Ended,
}

#[derive(Clone)]
pub(crate) struct Touchy(pub(crate) Host, pub(crate) Place);

pub(crate) struct TouchyPlayer(Player, Place);

impl TouchyPlayer {
    fn at(&self, place: Place) {
        assert!(self.1 != place, "{FAULT}");
    }
}

impl Protocol for Touchy {
    type Decoder = Greeting;
    type Service = TouchyPlayer;

    fn decoder(&self) -> Greeting {
        self.0.decoder()
    }

    fn open(&self, session: SessionHandle) -> TouchyPlayer {
        TouchyPlayer(self.0.open(session), self.1)
    }

    fn signs_in(&self) -> bool {
        self.0.signs_in()
    }

    fn farewell(&self, reason: CloseReason) -> Option<Frame> {
        self.0.farewell(reason)
    }

    fn heartbeat(&self) -> Option<Frame> {
        self.0.heartbeat()
    }
}

impl Service for TouchyPlayer {
    type Packet = ClientPacket;

    async fn opened(&mut self) {
        self.at(Place::Opened);
        self.0.opened().await;
    }

    async fn packet(&mut self, packet: ClientPacket) {
        if packet == (ClientPacket::Ping { nonce: 13 }) {
            self.at(Place::Packet);
        }
        self.0.packet(packet).await;
    }

    async fn recovered(&mut self) {
        self.0.recovered().await;
    }

    fn malformed(&mut self, error: &dyn fmt::Display) {
        self.at(Place::Malformed);
        self.0.malformed(error);
    }

    async fn ended(self, reason: CloseReason) {
        self.at(Place::Ended);
        self.0.ended(reason).await;
    }
}
