//! Everyone who is signed in, to the operator.

use crate::{Host, control::Players, ending::Ending, metrics::ServerKind, outgoing::frame};
use malpan_net::Shard;
use malpan_protocol::{ChatText, PlayerId, ServerPacket};
use std::sync::Arc;

/// The players of a server.
#[derive(Debug)]
pub(crate) struct Everyone {
    host: Host,
    shards: Arc<[Shard]>,
}

impl Everyone {
    pub(crate) fn new(host: Host, shards: Arc<[Shard]>) -> Self {
        Self { host, shards }
    }

    /// Sends a packet to everyone who is signed in, and says to how many. The lecture wire has no word for it.
    pub(crate) fn send(&self, packet: &ServerPacket) -> u64 {
        let (frame, mut receivers) = (frame(packet), 0);
        for shard in self.shards.iter() {
            shard.each_session(|session| {
                if session.is_established() && session.speaks::<Host>() {
                    session.send(frame.clone());
                    receivers += 1;
                }
            });
        }
        self.host.metrics().sent(ServerKind::from(packet), frame.len(), receivers);
        receivers as u64
    }

    fn send_away(&self, player: PlayerId, why: Ending) {
        self.host.shared().registry.send_away(player, why);
    }
}

impl Players for Everyone {
    fn banned(&self, player: PlayerId) {
        self.send_away(player, Ending::Banned);
    }

    fn deleted(&self, player: PlayerId) {
        self.send_away(player, Ending::AccountDeleted);
    }

    fn password_changed(&self, player: PlayerId) {
        self.host.shared().registry.revoke(player);
    }

    fn tell(&self, text: &ChatText) -> Option<u64> {
        Some(self.send(&ServerPacket::Notice { text: text.clone() }))
    }
}

#[cfg(test)]
#[path = "everyone_tests.rs"]
mod tests;
