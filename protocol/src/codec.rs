//! The codec: frames of packets, as tokio-util's [`Decoder`] and [`Encoder`].

use crate::{
    ClientPacket, ServerPacket, WireError,
    frame::{self, FrameError, LENGTH_BYTES},
    wire,
};
use bytes::BytesMut;
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt, io, marker::PhantomData};
use tokio_util::codec::{Decoder, Encoder};
use zeroize::Zeroize;

/// One direction's packets and their frame cap.
pub trait Packet: Serialize + DeserializeOwned + fmt::Debug {
    /// Most payload bytes of a frame.
    const MAX_PAYLOAD: usize;

    /// Whether its bytes are to be wiped out once it is decoded.
    fn holds_a_secret(&self) -> bool {
        false
    }

    /// Appends the packet's frame to `out`. On an error `out` is as it was.
    ///
    /// # Errors
    /// [`CodecError`] where the packet is longer than a frame may be.
    fn encode_frame(&self, out: &mut BytesMut) -> Result<(), CodecError> {
        let start = out.len();
        out.extend_from_slice(&[0; LENGTH_BYTES]);
        let written = wire::encode(self, out)
            .map_err(CodecError::from)
            .and_then(|()| Ok(frame::check(out.len() - start - LENGTH_BYTES, Self::MAX_PAYLOAD)?));
        match written {
            Ok(length) => {
                out[start..start + LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
                Ok(())
            }
            Err(error) => {
                out.truncate(start);
                Err(error)
            }
        }
    }
}

/// Decodes frames of `In` and encodes frames of `Out`. It holds no state: a partial frame stays in the caller's
/// buffer.
pub struct Codec<In, Out>(PhantomData<fn(Out) -> In>);

/// What a server uses: reads [`ClientPacket`], writes [`ServerPacket`].
pub type ServerCodec = Codec<ClientPacket, ServerPacket>;
/// What a client uses: reads [`ServerPacket`], writes [`ClientPacket`].
pub type ClientCodec = Codec<ServerPacket, ClientPacket>;

/// Why bytes are not packets. The stream cannot be read on after one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// The frame's length is wrong.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The payload is not a packet.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The stream ended within a frame.
    #[error("the stream ended within a frame, after {bytes} bytes of it")]
    Truncated {
        /// Bytes of the frame that came.
        bytes: usize,
    },
    /// The stream could not be read or written (only where the codec is used through tokio-util's `Framed`).
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl<In, Out> Codec<In, Out> {
    /// A codec.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<In: Packet, Out> Decoder for Codec<In, Out> {
    type Item = In;
    type Error = CodecError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<In>, CodecError> {
        let Some(length) = frame::complete(buffer, In::MAX_PAYLOAD)? else { return Ok(None) };
        let packet = take(&mut buffer[LENGTH_BYTES..LENGTH_BYTES + length])?;
        frame::consume(buffer, length);
        Ok(Some(packet))
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<In>, CodecError> {
        match self.decode(buffer)? {
            None if !buffer.is_empty() => Err(CodecError::Truncated { bytes: buffer.len() }),
            packet => Ok(packet),
        }
    }
}

/// The packet that `payload` is. A secret in it is then in the packet alone.
fn take<P: Packet>(payload: &mut [u8]) -> Result<P, WireError> {
    let packet: P = wire::decode(payload)?;
    if packet.holds_a_secret() {
        payload.zeroize();
    }
    Ok(packet)
}

impl<In, Out: Packet> Encoder<&Out> for Codec<In, Out> {
    type Error = CodecError;

    fn encode(&mut self, packet: &Out, out: &mut BytesMut) -> Result<(), CodecError> {
        packet.encode_frame(out)
    }
}

impl<In, Out: Packet> Encoder<Out> for Codec<In, Out> {
    type Error = CodecError;

    fn encode(&mut self, packet: Out, out: &mut BytesMut) -> Result<(), CodecError> {
        packet.encode_frame(out)
    }
}

impl<In, Out> fmt::Debug for Codec<In, Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Codec")
    }
}

impl<In, Out> Clone for Codec<In, Out> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<In, Out> Copy for Codec<In, Out> {}

impl<In, Out> Default for Codec<In, Out> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientCodec, Packet, take};
    use crate::{ClientPacket, Name, Secret, frame::LENGTH_BYTES};
    use bytes::BytesMut;
    use tokio_util::codec::Encoder;

    #[test]
    fn a_decoded_secret_is_wiped_out_of_its_frame() {
        let name = Name::new("ann").unwrap();
        let login = ClientPacket::Login { name: name.clone(), secret: Secret::new("correct horse").unwrap() };
        for (packet, stays) in [(login, false), (ClientPacket::Guest { name }, true)] {
            let mut frame = BytesMut::new();
            packet.encode_frame(&mut frame).unwrap();
            let mut payload = frame.split_off(LENGTH_BYTES);
            assert_eq!(take::<ClientPacket>(&mut payload).unwrap(), packet);
            assert_eq!(payload.iter().any(|&byte| byte != 0), stays, "{packet:?}");
        }
    }

    #[test]
    fn the_encoder_writes_what_the_packet_does() {
        let packet = ClientPacket::Leave;
        let (mut expected, mut lent, mut given) = (BytesMut::new(), BytesMut::new(), BytesMut::new());
        packet.encode_frame(&mut expected).unwrap();
        ClientCodec::new().encode(&packet, &mut lent).unwrap();
        ClientCodec::new().encode(packet, &mut given).unwrap();
        assert!(!expected.is_empty());
        assert_eq!((&lent, &given), (&expected, &expected));
    }
}
