//! Frames: a `u16` little-endian payload length, then the payload.

use bytes::{Buf, BytesMut};

/// Bytes of the length before each payload.
pub const LENGTH_BYTES: usize = 2;

/// A length that no frame of this direction has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Every packet has at least its type number.
    #[error("an empty frame")]
    Empty,
    /// Over the cap of this direction.
    #[error("a frame of {length} bytes, over the cap of {max}")]
    TooLong {
        /// The length claimed.
        length: usize,
        /// The cap.
        max: usize,
    },
}

/// The payload length of the frame that `buffer` begins with, or `None` until its whole frame is there. The cap is
/// checked as soon as the length can be read, and nothing is reserved for what has not come.
pub(crate) fn complete(buffer: &[u8], max: usize) -> Result<Option<usize>, FrameError> {
    let Some((length, rest)) = buffer.split_first_chunk() else { return Ok(None) };
    let length = usize::from(u16::from_le_bytes(*length));
    check(length, max)?;
    Ok((rest.len() >= length).then_some(length))
}

/// Drops a frame whose payload has `length` bytes from the front of `buffer`.
pub(crate) fn consume(buffer: &mut BytesMut, length: usize) {
    buffer.advance(LENGTH_BYTES + length);
}

/// Checks a payload length against the cap.
pub(crate) fn check(length: usize, max: usize) -> Result<u16, FrameError> {
    match u16::try_from(length) {
        Ok(0) => Err(FrameError::Empty),
        Ok(short) if length <= max => Ok(short),
        _ => Err(FrameError::TooLong { length, max }),
    }
}
