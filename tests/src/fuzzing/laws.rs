//! What holds for every decoder and every stream of bytes.

use crate::garbage::xorshift;
use bytes::BytesMut;
use std::fmt::{Debug, Display};
use tokio_util::codec::Decoder;

/// The longest that an error may be in the log: what a peer sends must not fill it.
const LONGEST_ERROR_BYTES: usize = 160;

/// What a stream came to: its packets, and the error that ended it, if one did.
#[derive(Debug, PartialEq)]
pub(super) struct Decoded<P> {
    pub(super) packets: Vec<P>,
    pub(super) error: Option<String>,
    /// Bytes of a packet that has not come whole.
    pub(super) rest: usize,
}

/// Decodes `stream` at once and in pieces, which must come to the same. What is kept of an incomplete packet is always
/// less than `longest`, the bytes of the longest packet.
pub(super) fn decoded<D>(decoder: impl Fn() -> D, stream: &[u8], cuts: u8, longest: usize) -> Decoded<D::Item>
where
    D: Decoder<Item: Debug + PartialEq, Error: Display>,
{
    let whole = in_pieces(decoder(), stream, std::iter::repeat(stream.len().max(1)), longest);
    let pieces = in_pieces(decoder(), stream, sizes(cuts), longest);
    assert_eq!(whole, pieces, "the same stream in pieces");
    whole
}

/// Sizes of pieces: all of one byte for 0, and something of everything for the others.
fn sizes(cuts: u8) -> impl Iterator<Item = usize> {
    xorshift(cuts.into()).map(
        |[kind, size, ..]| {
            if kind < 200 { 1 + usize::from(size % 8) } else { 1 + usize::from(size) * 4 }
        },
    )
}

fn in_pieces<D>(
    mut decoder: D,
    stream: &[u8],
    mut sizes: impl Iterator<Item = usize>,
    longest: usize,
) -> Decoded<D::Item>
where
    D: Decoder<Item: Debug + PartialEq, Error: Display>,
{
    let (mut rest, mut buffer, mut packets) = (stream, BytesMut::new(), Vec::new());
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(sizes.next().unwrap_or(1).min(rest.len()));
        buffer.extend_from_slice(piece);
        rest = after;
        loop {
            let before = buffer.len();
            match decoder.decode(&mut buffer) {
                Ok(Some(packet)) => packets.push(packet),
                Ok(None) => break,
                Err(error) => {
                    let error = error.to_string();
                    stays(&mut decoder, &mut buffer, rest, &error);
                    return Decoded { packets, error: Some(error), rest: 0 };
                }
            }
            assert!(buffer.len() < before, "a packet of no bytes");
        }
        assert!(buffer.len() < longest, "{} bytes are kept of a packet of {longest} at the most", buffer.len());
    }
    let left = buffer.len();
    let end = decoder.decode_eof(&mut buffer);
    assert_eq!(matches!(end, Ok(None)), left == 0, "the stream's end after {left} bytes of a packet");
    Decoded { packets, error: None, rest: left }
}

/// An error is final, whatever comes behind it, and fit to be logged: short, on one line.
fn stays<D: Decoder<Item: Debug, Error: Display>>(decoder: &mut D, buffer: &mut BytesMut, rest: &[u8], error: &str) {
    assert!(error.len() <= LONGEST_ERROR_BYTES && !error.chars().any(char::is_control), "{error:?}");
    for more in [&[][..], rest] {
        buffer.extend_from_slice(more);
        match decoder.decode(buffer) {
            Err(again) => assert_eq!(again.to_string(), error),
            Ok(packet) => panic!("{packet:?} after the error {error}"),
        }
    }
}
