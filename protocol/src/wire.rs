//! Packets to bytes and back: bincode 2's standard configuration (little-endian, variable-length integers) through
//! serde. The only file that names bincode.
//!
//! bincode 3.0.0 is an empty tombstone and 2.x is unmaintained (RUSTSEC-2025-0141); the format is stable and small,
//! `docs/protocol.md` spells it out, and another implementation can stand here without a changed byte.

use bincode::config::{self, Configuration, LittleEndian, Varint};
use bytes::BytesMut;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use smallvec::SmallVec;

/// What a packet may take in memory while it is decoded, so that a claimed length cannot reserve more.
const DECODE_LIMIT: usize = 64 * 1024;

type Config = Configuration<LittleEndian, Varint, config::Limit<DECODE_LIMIT>>;

fn config() -> Config {
    config::standard().with_limit::<DECODE_LIMIT>()
}

/// Why a payload is not a packet, or a packet cannot be a payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The payload ends within the packet, has an unknown type number, or holds a value that is not allowed.
    #[error("not a packet of this protocol: {0}")]
    Invalid(String),
    /// The payload goes on after the packet.
    #[error("{extra} bytes too many after the packet")]
    TrailingBytes {
        /// How many.
        extra: usize,
    },
    /// The packet cannot be encoded.
    #[error("the packet cannot be encoded: {0}")]
    Unencodable(String),
    /// A game's values take more bytes than there may be.
    #[error("{length} bytes of a game's values, over the limit of {max}")]
    TooLong {
        /// How many they take.
        length: usize,
        /// How many there may be.
        max: usize,
    },
}

/// Decodes the packet that `payload` is, all of it.
pub(crate) fn decode<'de, T: Deserialize<'de>>(payload: &'de [u8]) -> Result<T, WireError> {
    let (packet, used) = bincode::serde::borrow_decode_from_slice(payload, config())
        .map_err(|error| WireError::Invalid(describe(&error)))?;
    match payload.len() - used {
        0 => Ok(packet),
        extra => Err(WireError::TrailingBytes { extra }),
    }
}

/// Decodes the value that `bytes` begins with; returns how many of them it took.
pub(crate) fn decode_first<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, usize), WireError> {
    bincode::serde::decode_from_slice(bytes, config()).map_err(|error| WireError::Invalid(describe(&error)))
}

/// Appends `packet` to `out`.
pub(crate) fn encode<T: Serialize>(packet: &T, out: &mut impl Sink) -> Result<(), WireError> {
    bincode::serde::encode_into_writer(packet, Writer(out), config::standard())
        .map_err(|error| WireError::Unencodable(error.to_string()))
}

/// What can be appended to.
pub(crate) trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for BytesMut {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

impl<const N: usize> Sink for SmallVec<[u8; N]>
where
    [u8; N]: smallvec::Array<Item = u8>,
{
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        match bytes {
            // Nearly all that a game says is small numbers, of one byte each.
            &[byte] => self.push(byte),
            bytes => self.extend_from_slice(bytes),
        }
    }
}

/// bincode's error without what a peer may have put into it beyond bounded text.
fn describe(error: &bincode::error::DecodeError) -> String {
    use bincode::error::DecodeError as E;
    match error {
        E::UnexpectedEnd { .. } => "it ends too early".into(),
        E::LimitExceeded => "it claims more than the limit".into(),
        E::UnexpectedVariant { found, .. } => format!("unknown type or variant {found}"),
        E::OtherString(text) => text.clone(),
        other => other.to_string(),
    }
}

struct Writer<'a, S>(&'a mut S);

impl<S: Sink> bincode::enc::write::Writer for Writer<'_, S> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.put(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{WireError, decode};
    use crate::GameName;

    /// What whoever writes a client reads, of bytes that they have got wrong.
    #[test]
    fn an_error_says_what_is_wrong() {
        let error = |bytes: &[u8]| decode::<GameName>(bytes).unwrap_err();
        assert_eq!(error(&[2, b'a']), WireError::Invalid("it ends too early".into()));
        let form = "a game's name is not of the form of letters a to z, digits and -";
        assert_eq!(error(&[1, b'A']).to_string(), format!("not a packet of this protocol: {form}"));
    }
}
