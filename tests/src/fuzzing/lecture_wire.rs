//! The lecture wire. The first byte says how the stream is cut into pieces, the rest is the stream.

use super::laws::decoded;
use malpan_protocol::{ChatText, Direction};
use malpan_server::lecture::{LectureCodec, LecturePacket};

/// Bytes of the longest packet: what its first byte can say.
const LONGEST: usize = 255;

/// What a server reads from a lecture client.
///
/// # Panics
/// Where a law of the decoder is broken.
pub fn lecture_wire(data: &[u8]) {
    let Some((&cuts, stream)) = data.split_first() else { return };
    let packets = decoded(|| LectureCodec, stream, cuts, LONGEST).packets;
    let again: Vec<u8> = packets.iter().flat_map(encoded).collect();
    assert_eq!(decoded(|| LectureCodec, &again, cuts, LONGEST).packets, packets);
    for packet in &packets {
        if let LecturePacket::Chat { text } = packet
            && let Some(text) = ChatText::lossy(text)
        {
            assert!(!text.as_str().chars().any(char::is_control), "{text:?}");
            assert_eq!(ChatText::new(text.as_str()), Ok(text), "what a room is told is a line as any other");
        }
    }
}

/// A client's own bytes for it.
fn encoded(packet: &LecturePacket) -> Vec<u8> {
    match packet {
        LecturePacket::Move(Direction::Up) => vec![2, 1],
        LecturePacket::Move(Direction::Down) => vec![2, 2],
        LecturePacket::Move(Direction::Left) => vec![2, 3],
        LecturePacket::Move(Direction::Right) => vec![2, 4],
        LecturePacket::Chat { text } => {
            let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let size = u8::try_from(2 + units.len()).expect("a text that came in one packet fits one");
            [&[size, 5], &units[..]].concat()
        }
    }
}
