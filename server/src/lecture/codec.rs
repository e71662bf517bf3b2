//! Packed packets from a lecture client: whole size in the first byte, type in the second.

use bytes::BytesMut;
use malpan_protocol::Direction;
use std::io;
use tokio_util::codec::Decoder;

/// Bytes before a packet's own: size and type.
pub(super) const HEADER: usize = 2;
const CHAT: u8 = 5;

/// What a lecture client may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LecturePacket {
    /// Move the own piece by one cell: types 1 to 4.
    Move(Direction),
    /// Say something: type 5.
    Chat {
        /// The text, from UTF-16; what is none is replaced by U+FFFD.
        text: String,
    },
}

/// Why bytes are not the lecture wire.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LectureError {
    /// A packet is at least its own size and type.
    #[error("a packet of {0} bytes; it has at least its size and its type")]
    TooShort(u8),
    /// There is no such type.
    #[error("unknown packet type {0}")]
    UnknownType(u8),
    /// Packets of this type have another size.
    #[error("a packet of type {kind} with {size} bytes")]
    WrongSize {
        /// Its type.
        kind: u8,
        /// The size that it says.
        size: u8,
    },
    /// The stream broke.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Cuts the stream into packets. A packet has at most 255 bytes, so an incomplete one holds no more.
#[derive(Debug, Clone, Copy, Default)]
pub struct LectureCodec;

impl Decoder for LectureCodec {
    type Item = LecturePacket;
    type Error = LectureError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<LecturePacket>, LectureError> {
        let Some(&size) = buffer.first() else { return Ok(None) };
        if usize::from(size) < HEADER {
            return Err(LectureError::TooShort(size));
        }
        let Some(&kind) = buffer.get(1) else { return Ok(None) };
        // Judged by its header: what cannot become a packet is not waited for.
        let fits = match kind {
            1..=4 => usize::from(size) == HEADER,
            CHAT => size % 2 == 0,
            _ => return Err(LectureError::UnknownType(kind)),
        };
        if !fits {
            return Err(LectureError::WrongSize { kind, size });
        }
        if buffer.len() < usize::from(size) {
            return Ok(None);
        }
        let packet = buffer.split_to(size.into());
        Ok(Some(match kind {
            1 => LecturePacket::Move(Direction::Up),
            2 => LecturePacket::Move(Direction::Down),
            3 => LecturePacket::Move(Direction::Left),
            4 => LecturePacket::Move(Direction::Right),
            _ => LecturePacket::Chat { text: text(&packet[HEADER..]) },
        }))
    }
}

/// UTF-16, little-endian, to its end or to the first zero: clients send arrays of `wchar_t` as they lie in memory.
fn text(bytes: &[u8]) -> String {
    let units = bytes.as_chunks().0.iter().map(|&unit| u16::from_le_bytes(unit)).take_while(|&unit| unit != 0);
    char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::{LectureCodec, LectureError, LecturePacket};
    use bytes::BytesMut;
    use malpan_protocol::Direction;
    use tokio_util::codec::Decoder;

    fn decode(bytes: &[u8]) -> Result<Vec<LecturePacket>, LectureError> {
        let mut buffer = BytesMut::from(bytes);
        let mut packets = Vec::new();
        while let Some(packet) = LectureCodec.decode(&mut buffer)? {
            packets.push(packet);
        }
        Ok(packets)
    }

    fn chat(text: &str) -> LecturePacket {
        LecturePacket::Chat { text: text.into() }
    }

    #[test]
    fn every_packet_is_read_also_when_cut_in_every_place() {
        let bytes = [2, 1, 2, 2, 2, 3, 2, 4, 6, 5, b'h', 0, b'i', 0, 4, 5, 0xb0, 0xb9, 2, 5];
        let packets: Vec<_> = [Direction::Up, Direction::Down, Direction::Left, Direction::Right]
            .map(LecturePacket::Move)
            .into_iter()
            .chain([chat("hi"), chat("\u{b9b0}"), chat("")])
            .collect();
        assert_eq!(decode(&bytes).unwrap(), packets);
        for cut in 0..bytes.len() {
            let mut buffer = BytesMut::from(&bytes[..cut]);
            let mut read = Vec::new();
            for rest in [&bytes[cut..], &[]] {
                while let Some(packet) = LectureCodec.decode(&mut buffer).unwrap() {
                    read.push(packet);
                }
                buffer.extend_from_slice(rest);
            }
            assert_eq!(read, packets, "cut after {cut}");
        }
    }

    #[test]
    fn what_cannot_become_a_packet_is_not_waited_for() {
        assert!(matches!(decode(&[0]), Err(LectureError::TooShort(0))));
        assert!(matches!(decode(&[1]), Err(LectureError::TooShort(1))));
        for kind in [0, 6, 255] {
            assert!(matches!(decode(&[2, kind]), Err(LectureError::UnknownType(found)) if found == kind));
        }
        assert!(matches!(decode(&[255, 1]), Err(LectureError::WrongSize { kind: 1, size: 255 })));
        assert!(matches!(decode(&[5, 5]), Err(LectureError::WrongSize { kind: 5, size: 5 })));
        // A chat that claims more than came is waited for, and holds no more than came.
        assert_eq!(decode(&[254, 5, b'h', 0]).unwrap(), []);
    }

    #[test]
    fn a_text_ends_at_its_first_zero_and_what_is_no_utf_16_is_replaced() {
        assert_eq!(decode(&[10, 5, b'h', 0, 0, 0, b'x', 0, b'x', 0]).unwrap(), [chat("h")]);
        assert_eq!(decode(&[6, 5, 0x00, 0xd8, b'x', 0]).unwrap(), [chat("\u{fffd}x")]);
        assert_eq!(decode(&[6, 5, 0x3d, 0xd8, 0x00, 0xde]).unwrap(), [chat("😀")]);
    }
}
