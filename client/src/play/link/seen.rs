//! What has come of the room so far, to be told when coming back.

use malpan_client::protocol::{Resumption, Seen, ServerPacket};

/// Follows the numbers of the room's events.
#[derive(Debug, Default)]
pub(super) struct Tracker(Option<Seen>);

impl Tracker {
    /// What has been seen; `None` in no room.
    pub(super) fn seen(&self) -> Option<Seen> {
        self.0
    }

    /// Takes in a packet.
    pub(super) fn hear(&mut self, packet: &ServerPacket) {
        use ServerPacket as P;
        let event = match packet {
            // Who only watches has nothing to come back to.
            P::Joined(joined) => {
                let seen = Seen { room: joined.room, incarnation: joined.incarnation, event: joined.event };
                self.0 = joined.seat.map(|_| seen);
                return;
            }
            P::RoomLeft { .. } => {
                self.0 = None;
                return;
            }
            P::Entered(entered) => entered.event,
            P::Left(left) => left.event,
            P::Chat(chat) => chat.event,
            P::Signal(signal) => signal.event,
            P::Happened(happened) => happened.event,
            P::Away { event, .. } | P::Back { event, .. } => *event,
            _ => return,
        };
        if let Some(seen) = &mut self.0 {
            seen.event = event;
        }
    }

    /// The server says what became of the seat.
    pub(super) fn back(&mut self, place: Resumption) {
        if !matches!(place, Resumption::Missed { .. }) {
            self.0 = None;
        }
    }
}
