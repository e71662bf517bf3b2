//! Bytes that no client of good will sends.

use malpan_client::protocol::{ClientPacket, SoftwareName, VersionRange};

use crate::bytes_of;

/// A frame with this payload, whatever it is.
pub(super) fn frame(payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a short payload");
    [&length.to_le_bytes(), payload].concat()
}

/// A packet with a byte behind it that belongs to no field.
pub(super) fn with_a_trailing_byte(packet: &ClientPacket) -> Vec<u8> {
    let whole = bytes_of(std::slice::from_ref(packet));
    frame(&[&whole[2..], &[0]].concat())
}

/// A packet of one text alone, such as a name or a line of chat.
pub(super) fn text(kind: u8, text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).ok().filter(|&length| length < 251).expect("a short text");
    frame(&[&[kind, length], text.as_bytes()].concat())
}

/// What a client says first.
pub(super) fn hello() -> ClientPacket {
    let client = SoftwareName::new("endure").expect("a valid constant");
    ClientPacket::Hello { versions: VersionRange::SUPPORTED, client }
}
