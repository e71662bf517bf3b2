//! What was said in a room last, for whoever comes in.

use malpan_protocol::{ChatText, History, List, MAX_HISTORY, Manner, Name, PastLine, RoomId};
use std::collections::VecDeque;

/// Bytes of lines in one packet, far below the frame cap: a queue that is nearly full may have room for one of several.
const PACKET_BYTES: usize = 8 * 1024;

/// The last [`MAX_HISTORY`] lines. Nothing is reserved until something is said.
#[derive(Debug, Default)]
pub(crate) struct Past(VecDeque<PastLine>);

impl Past {
    /// Something was said.
    pub(crate) fn add(&mut self, name: Name, manner: Manner, text: ChatText) {
        if self.0.len() == MAX_HISTORY {
            self.0.pop_front();
        }
        self.0.push_back(PastLine { name, manner, text });
    }

    /// What was said in an earlier life of the room.
    pub(crate) fn again(lines: impl IntoIterator<Item = PastLine>) -> Self {
        Self(lines.into_iter().collect())
    }

    /// All of it in order.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &PastLine> {
        self.0.iter()
    }

    /// All of it in order, in as many packets as it takes; none where nothing was said.
    pub(crate) fn packets(&self, room: RoomId) -> Vec<History> {
        let (mut packets, mut lines, mut bytes) = (Vec::new(), List::new(), 0);
        for line in &self.0 {
            // A little more than it takes.
            let length = line.name.as_str().len() + line.text.as_str().len() + 16;
            if bytes + length > PACKET_BYTES {
                packets.push(History { room, lines: std::mem::take(&mut lines) });
                bytes = 0;
            }
            bytes += length;
            lines.push(line.clone()).expect("there are not more in all");
        }
        if !lines.is_empty() {
            packets.push(History { room, lines });
        }
        packets
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_HISTORY, Past};
    use crate::outgoing::frame;
    use malpan_protocol::{ChatText, MAX_SERVER_FRAME, Manner, Name, RoomId, ServerPacket};

    fn ring(lines: impl Iterator<Item = String>) -> Past {
        let mut ring = Past::default();
        for line in lines {
            ring.add(Name::new("말판").unwrap(), Manner::Say, ChatText::new(&line).unwrap());
        }
        ring
    }

    #[test]
    fn the_last_lines_come_in_order_and_the_older_ones_are_forgotten() {
        let ring = ring((0..MAX_HISTORY + 20).map(|number| number.to_string()));
        let [packet] = &ring.packets(RoomId(3))[..] else { panic!("short lines fit one packet") };
        let texts: Vec<_> = packet.lines.iter().map(|line| line.text.as_str().to_owned()).collect();
        assert_eq!((packet.room, texts.len()), (RoomId(3), MAX_HISTORY));
        assert_eq!((texts[0].as_str(), texts[MAX_HISTORY - 1].as_str()), ("20", "69"));
    }

    #[test]
    fn the_longest_lines_come_in_several_packets_each_within_the_cap() {
        let ring = ring((0..MAX_HISTORY).map(|_| "\u{1f9e9}".repeat(200)));
        let packets = ring.packets(RoomId(3));
        assert!(packets.len() > 1);
        assert_eq!(packets.iter().map(|packet| packet.lines.len()).sum::<usize>(), MAX_HISTORY);
        for packet in packets {
            assert!(frame(&ServerPacket::History(packet)).len() <= MAX_SERVER_FRAME / 2 + 64);
        }
    }

    #[test]
    fn where_nothing_was_said_nothing_is_told() {
        assert!(ring(std::iter::empty()).packets(RoomId(3)).is_empty());
    }
}
