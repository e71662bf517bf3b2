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
            P::Chat(said) | P::Emote(said) => said.event,
            P::Signal(signal) => signal.event,
            P::Happened(happened) => happened.event,
            P::Away { event, .. } | P::Back { event, .. } | P::Owner { event, .. } => *event,
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

#[cfg(test)]
mod tests {
    use super::Tracker;
    use crate::play::testing::{joined, seat};
    use malpan_client::protocol::{BoardSize, Cell, ChatText, Chatted, ServerPacket};

    #[test]
    fn everything_that_a_room_numbers_counts_as_seen() {
        let mut tracker = Tracker::default();
        let room = joined(3, BoardSize::new(8, 8).unwrap(), &[("Ann", Cell { x: 0, y: 0 })]);
        tracker.hear(&ServerPacket::Joined(room));
        let said = |event| Chatted { event, seat: seat(0), text: ChatText::new("waves").unwrap() };
        let numbered = [
            ServerPacket::Chat(said(1)),
            ServerPacket::Emote(said(2)),
            ServerPacket::Away { event: 3, seat: seat(0) },
            ServerPacket::Back { event: 4, seat: seat(0) },
            ServerPacket::Owner { event: 5, seat: Some(seat(0)) },
        ];
        for (event, packet) in (1..).zip(numbered) {
            tracker.hear(&packet);
            assert_eq!(tracker.seen().unwrap().event, event, "{packet:?}");
        }
    }
}
