//! What the tests of the wire share: every packet's name, strategies that make packets and games' values of every kind,
//! and the document with what its examples mean.

#![allow(dead_code, reason = "each test binary uses a part of this")]

pub(crate) mod examples;
mod game_examples;
pub(crate) mod games;
pub(crate) mod names;
pub(crate) mod page;
mod room_examples;
pub(crate) mod strategies;

use bytes::BytesMut;
use malpan_protocol::{Codec, CodecError, Packet};
use names::Named;
use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};
use std::{cell::RefCell, collections::BTreeSet, fmt::Debug};
use tokio_util::codec::Decoder;

/// The longest that an error may be in the log: what a peer sends must not fill it.
const LONGEST_ERROR_BYTES: usize = 160;

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

/// How properties are tested: the same today and tomorrow.
pub(crate) fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 1000,
        rng_seed: RngSeed::Fixed(0x6d61_6c70),
        failure_persistence: None,
        ..Default::default()
    }
}

/// An error must be short, and on one line.
pub(crate) fn fit_to_be_logged(text: &str) -> Result<(), TestCaseError> {
    prop_assert!(text.len() <= LONGEST_ERROR_BYTES, "{} bytes: {text}", text.len());
    prop_assert!(!text.chars().any(char::is_control), "{text:?}");
    Ok(())
}

/// Holds that a strategy leaves no variant out.
pub(crate) fn makes_every_kind<P: Named + Debug>(strategy: impl Strategy<Value = P>) {
    let (mut runner, names) = (TestRunner::new(config()), RefCell::new(BTreeSet::new()));
    runner
        .run(&strategy, |packet| {
            names.borrow_mut().insert(packet.name());
            Ok(())
        })
        .unwrap();
    assert_eq!(names.into_inner(), P::NAMES.iter().copied().collect());
}
