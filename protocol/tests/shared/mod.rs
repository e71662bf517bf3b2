//! What the tests of the wire share: every packet's name, strategies that make packets of every kind, and the
//! document with what its examples mean.

#![allow(dead_code, reason = "each test binary uses a part of this")]

pub(crate) mod examples;
pub(crate) mod names;
pub(crate) mod page;
pub(crate) mod strategies;

use bytes::BytesMut;
use malpan_protocol::{Codec, CodecError, Packet};
use tokio_util::codec::Decoder;

/// The frame of `packet`.
pub(crate) fn frame_of<P: Packet>(packet: &P) -> BytesMut {
    let mut frame = BytesMut::new();
    packet.encode_frame(&mut frame).unwrap();
    frame
}

/// A frame around `payload`, whatever that is.
pub(crate) fn frame_around(payload: &[u8]) -> BytesMut {
    let mut frame = BytesMut::from(&u16::try_from(payload.len()).unwrap().to_le_bytes()[..]);
    frame.extend_from_slice(payload);
    frame
}

/// Takes every packet out of `buffer`, up to the first error or the first frame that is not whole.
pub(crate) fn decode_all<P: Packet>(buffer: &mut BytesMut) -> Result<Vec<P>, CodecError> {
    let mut codec = Codec::<P, P>::new();
    let mut packets = Vec::new();
    while let Some(packet) = codec.decode(buffer)? {
        packets.push(packet);
    }
    Ok(packets)
}
