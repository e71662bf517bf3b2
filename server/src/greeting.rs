//! The decoder of a connection: a smaller frame cap until the first packet has come.
//!
//! A hello is short. The first bytes of a TLS greeting read as the length of a frame of 790 bytes, below the cap of later
//! frames: without this they would be waited for until the time for the hello is over.

use crate::metrics::Metrics;
use bytes::BytesMut;
use malpan_protocol::{ClientPacket, CodecError, FrameError, LENGTH_BYTES, MAX_HELLO_FRAME, ServerCodec};
use tokio_util::codec::Decoder;

/// Decodes a client's packets; the first of them may have [`MAX_HELLO_FRAME`] bytes at the most.
#[derive(Debug)]
pub struct Greeting {
    codec: ServerCodec,
    greeted: bool,
    /// Here because nobody behind it knows how long a packet was.
    metrics: Metrics,
}

impl Greeting {
    /// For a new connection, whose packets `metrics` counts.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        Self { codec: ServerCodec::new(), greeted: false, metrics }
    }
}

/// The number of [`ClientPacket::Hello`].
const HELLO: u8 = 0;

/// Whether these are the first bytes of a hello: a short frame of its type.
pub(crate) fn begins_hello([low, high, kind]: [u8; 3]) -> bool {
    usize::from(u16::from_le_bytes([low, high])) <= MAX_HELLO_FRAME && kind == HELLO
}

impl Decoder for Greeting {
    type Item = ClientPacket;
    type Error = CodecError;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<ClientPacket>, CodecError> {
        if !self.greeted
            && let Some(length) = buffer.first_chunk::<LENGTH_BYTES>()
        {
            let length = usize::from(u16::from_le_bytes(*length));
            if length > MAX_HELLO_FRAME {
                return Err(FrameError::TooLong { length, max: MAX_HELLO_FRAME }.into());
            }
        }
        let before = buffer.len();
        let packet = self.codec.decode(buffer)?;
        if let Some(packet) = &packet {
            self.greeted = true;
            self.metrics.received(packet.into(), before - buffer.len());
        }
        Ok(packet)
    }
}
