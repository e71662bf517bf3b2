//! What holds for every packet and for every stream of bytes.
//!
//! The seed is fixed, so a run tells the same today and tomorrow, and a counterexample becomes a test with a name
//! instead of a file of seeds. To look further: `PROPTEST_RNG_SEED=7 PROPTEST_CASES=100000 cargo test -p
//! malpan-protocol --test properties`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod shared;

use bytes::BytesMut;
use malpan_protocol::*;
use proptest::{collection::vec, prelude::*, sample::Index};
use serde::{
    Deserialize, Serialize, Serializer,
    ser::{Error as _, SerializeSeq},
};
use shared::{
    config, decode_all, fit_to_be_logged, frame_around, frame_of,
    games::row,
    makes_every_kind,
    strategies::{any_text, client_packet, join_target, refusal_reason, server_packet},
};
use tokio_util::codec::Decoder;
use unicode_normalization::is_nfc;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn client_packets_survive_the_round_trip(packet in client_packet()) {
        round_trip(&packet)?;
    }

    #[test]
    fn server_packets_survive_the_round_trip(packet in server_packet()) {
        round_trip(&packet)?;
    }

    #[test]
    fn a_clients_stream_may_be_cut_anywhere(packets in vec(client_packet(), 1..20), cuts in cuts()) {
        any_cut(&packets, &cuts)?;
    }

    #[test]
    fn a_servers_stream_may_be_cut_anywhere(packets in vec(server_packet(), 1..8), cuts in cuts()) {
        any_cut(&packets, &cuts)?;
    }

    #[test]
    fn a_clients_packet_has_one_length(packet in client_packet(), cut in any::<Index>(), more in vec(any::<u8>(), 1..9)) {
        one_length(&packet, cut, &more)?;
    }

    #[test]
    fn a_servers_packet_has_one_length(packet in server_packet(), cut in any::<Index>(), more in vec(any::<u8>(), 1..9)) {
        one_length(&packet, cut, &more)?;
    }

    #[test]
    fn flipped_bits_from_a_client_never_panic(packets in vec(client_packet(), 1..4), flips in flips()) {
        flipped(&packets, &flips)?;
    }

    #[test]
    fn flipped_bits_from_a_server_never_panic(packets in vec(server_packet(), 1..4), flips in flips()) {
        flipped(&packets, &flips)?;
    }

    #[test]
    fn any_payload_is_a_valid_packet_or_a_typed_error(type_number in 0..20_u8, rest in vec(any::<u8>(), 0..300)) {
        let payload = [&[type_number], &rest[..]].concat();
        judged::<ClientPacket>(&mut frame_around(&payload))?;
        judged::<ServerPacket>(&mut frame_around(&payload))?;
    }

    /// Whatever is typed: what the rules let through is short, normal, shown as it is, and itself when parsed again.
    #[test]
    fn any_text_is_refused_or_valid(text in any_text()) {
        if let Ok(chat) = ChatText::new(&text) {
            prop_assert!((1..=ChatText::MAX_CHARS).contains(&chat.as_str().chars().count()));
            prop_assert!(is_nfc(chat.as_str()) && !chat.as_str().chars().any(char::is_control));
            prop_assert_eq!(ChatText::new(chat.as_str()).unwrap(), chat);
        }
        let reason = Reason::lossy(&text);
        prop_assert_eq!(Reason::new(reason.as_str()).unwrap(), reason);
        if let Ok(name) = Name::new(&text) {
            prop_assert!(!name.folded().is_empty());
        }
    }

    #[test]
    fn any_stream_is_valid_packets_or_a_typed_error(mut bytes in vec(any::<u8>(), 0..2000).prop_map(|b| BytesMut::from(&b[..]))) {
        judged::<ClientPacket>(&mut bytes.clone())?;
        judged::<ServerPacket>(&mut bytes)?;
    }
}

#[test]
fn the_strategies_make_packets_of_every_kind() {
    makes_every_kind(client_packet());
    makes_every_kind(server_packet());
    makes_every_kind(join_target());
    makes_every_kind(refusal_reason());
}

/// The caps hold on both sides of the edge, and as soon as the length is there.
#[test]
fn frames_over_the_cap_are_refused_by_their_length_alone() {
    fn check<P: Packet>() {
        let cap = u16::try_from(P::MAX_PAYLOAD).unwrap();
        let decode = |length: u16| Codec::<P, P>::new().decode(&mut BytesMut::from(&length.to_le_bytes()[..]));
        assert!(matches!(decode(cap), Ok(None)), "{cap} bytes are to be waited for");
        let too_long = |length: u16| FrameError::TooLong { length: length.into(), max: P::MAX_PAYLOAD };
        for length in [cap + 1, u16::MAX] {
            assert!(matches!(decode(length), Err(CodecError::Frame(error)) if error == too_long(length)), "{length}");
        }
        assert!(matches!(decode(0), Err(CodecError::Frame(FrameError::Empty))));
    }
    check::<ClientPacket>();
    check::<ServerPacket>();
}

/// Whatever the rules allow can be sent: no cap is in another's way.
#[test]
fn the_longest_packets_fit_their_frames() {
    let widest = |chars: usize| "\u{1f9e9}".repeat(chars);
    let name = Name::new(&widest(Name::MAX_CHARS)).unwrap();
    let title = RoomTitle::new(&widest(RoomTitle::MAX_CHARS)).unwrap();
    let seats = SeatCount::new(10).unwrap();
    let last = Seat::new(9).unwrap();
    let game = GameName::new(&"g".repeat(GameName::MAX_CHARS)).unwrap();
    let payload = SignalPayload::new(&[0xff; SignalPayload::MAX_BYTES]).unwrap();
    let text = ChatText::new(&widest(ChatText::MAX_CHARS)).unwrap();

    round_trip(&ClientPacket::Chat { text: text.clone() }).unwrap();
    round_trip(&ClientPacket::Signal { to: SignalTarget::Room, payload }).unwrap();
    round_trip(&ClientPacket::Command { seq: u32::MAX, command: full() }).unwrap();
    round_trip(&ServerPacket::Chat(Chatted { event: u64::MAX, seat: last, text })).unwrap();
    let room = RoomInfo { room: RoomId(u32::MAX), title: title.clone(), game, taken: 10, seats, watchers: u8::MAX };
    let rooms = vec![room; ROOMS_PER_PAGE].try_into().unwrap();
    round_trip(&ServerPacket::Rooms(Rooms { rooms, next: Some(RoomId(u32::MAX)) })).unwrap();
    let member = Member { seat: last, name };
    let members = vec![member.clone(); MAX_SEATS].try_into().unwrap();
    let (room, incarnation, event, batch) = (RoomId(u32::MAX), u32::MAX, u64::MAX, u64::MAX);
    let seat = Some(last);
    let joined = Joined { room, title, seats, game, seat, members, incarnation, event, batch, state: full() };
    round_trip(&ServerPacket::Joined(joined)).unwrap();
    round_trip(&ServerPacket::Entered(Entered { event, member, updates: full() })).unwrap();
    round_trip(&ServerPacket::Left(Left { event, seat: last, reason: LeaveReason::Kicked, updates: full() })).unwrap();
    let ack = Ack { seat: last, seq: u32::MAX };
    let acks = vec![ack; MAX_ACKS].try_into().unwrap();
    round_trip(&ServerPacket::Updates(Updates { event, batch, updates: full(), acks })).unwrap();
    let acks = vec![ack; MAX_SEATS].try_into().unwrap();
    round_trip(&ServerPacket::Snapshot(Snapshot { event, batch, state: full(), acks })).unwrap();
    round_trip(&ServerPacket::Refused(Refused { seq: u32::MAX, why: RefusalReason::Rules(full()) })).unwrap();
    round_trip(&ServerPacket::Happened(Happened { event, ack: Some(ack), updates: full() })).unwrap();
}

/// As many bytes of a game as there may be.
fn full<const MAX: usize>() -> Encoded<MAX> {
    row(vec![0xff_u8; MAX])
}

/// A packet of our own that can be too long, or fail half way.
#[derive(Debug, Deserialize)]
struct Awkward(Vec<u8>);

impl Packet for Awkward {
    const MAX_PAYLOAD: usize = 8;
}

impl Serialize for Awkward {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for byte in &self.0 {
            if *byte == 13 {
                return Err(S::Error::custom("thirteen"));
            }
            list.serialize_element(byte)?;
        }
        list.end()
    }
}

#[test]
fn a_packet_that_cannot_be_sent_leaves_the_buffer_as_it_was() {
    let mut out = BytesMut::from(&b"before"[..]);
    let long = Awkward(vec![1; 8]).encode_frame(&mut out);
    assert!(matches!(long, Err(CodecError::Frame(FrameError::TooLong { length: 9, max: 8 }))), "{long:?}");
    let broken = Awkward(vec![1, 2, 13]).encode_frame(&mut out);
    assert!(matches!(broken, Err(CodecError::Wire(WireError::Unencodable(_)))), "{broken:?}");
    assert_eq!(&out[..], b"before");
    Awkward(vec![1; 7]).encode_frame(&mut out).unwrap();
    assert_eq!(&out[..], b"before\x08\0\x07\x01\x01\x01\x01\x01\x01\x01");
}

/// Sizes of the pieces in which a stream arrives, used in turn.
fn cuts() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1..4_usize, 1..40_usize, 1..5000_usize], 1..20)
}

/// Bits to flip: which byte, and which of its bits.
fn flips() -> impl Strategy<Value = Vec<(Index, u8)>> {
    vec((any::<Index>(), 0..8_u8), 1..6)
}

fn round_trip<P: Packet + PartialEq>(packet: &P) -> Result<(), TestCaseError> {
    let mut frame = frame_of(packet);
    prop_assert!(frame.len() <= LENGTH_BYTES + P::MAX_PAYLOAD);
    let decoded = decode_all::<P>(&mut frame).unwrap();
    prop_assert_eq!(&decoded[..], std::slice::from_ref(packet));
    prop_assert!(frame.is_empty());
    Ok(())
}

fn any_cut<P: Packet + PartialEq>(packets: &[P], cuts: &[usize]) -> Result<(), TestCaseError> {
    let stream: Vec<u8> = packets.iter().flat_map(frame_of).collect();
    let (mut rest, mut buffer, mut decoded) = (&stream[..], BytesMut::new(), Vec::new());
    for size in cuts.iter().cycle() {
        let (piece, after) = rest.split_at(rest.len().min(*size));
        buffer.extend_from_slice(piece);
        decoded.extend(decode_all::<P>(&mut buffer).unwrap());
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    prop_assert_eq!(&decoded[..], packets);
    prop_assert!(buffer.is_empty());
    prop_assert!(Codec::<P, P>::new().decode_eof(&mut buffer).unwrap().is_none());
    Ok(())
}

/// A frame that has not come whole is waited for; a payload cut short or drawn out is no packet.
fn one_length<P: Packet>(packet: &P, cut: Index, more: &[u8]) -> Result<(), TestCaseError> {
    let frame = frame_of(packet);
    let payload = &frame[LENGTH_BYTES..];

    let part = &frame[..cut.index(frame.len())];
    let mut buffer = BytesMut::from(part);
    prop_assert!(decode_all::<P>(&mut buffer).unwrap().is_empty());
    prop_assert_eq!(&buffer[..], part);
    match Codec::<P, P>::new().decode_eof(&mut buffer) {
        Ok(None) => prop_assert!(part.is_empty()),
        Err(CodecError::Truncated { bytes }) => prop_assert_eq!(bytes, part.len()),
        other => prop_assert!(false, "a part of a frame became {other:?}"),
    }

    let short = decode_all::<P>(&mut frame_around(&payload[..cut.index(payload.len())]));
    let refused = matches!(short, Err(CodecError::Wire(WireError::Invalid(_)) | CodecError::Frame(FrameError::Empty)));
    prop_assert!(refused, "a shorter payload became {short:?}");

    let long = decode_all::<P>(&mut frame_around(&[payload, more].concat()));
    let refused = match &long {
        Err(CodecError::Wire(WireError::TrailingBytes { extra })) => *extra == more.len(),
        Err(CodecError::Frame(FrameError::TooLong { .. })) => payload.len() + more.len() > P::MAX_PAYLOAD,
        _ => false,
    };
    prop_assert!(refused, "a longer payload became {long:?}");
    Ok(())
}

fn flipped<P: Packet + PartialEq>(packets: &[P], flips: &[(Index, u8)]) -> Result<(), TestCaseError> {
    let mut stream: BytesMut = packets.iter().flat_map(frame_of).collect();
    for (place, bit) in flips {
        let place = place.index(stream.len());
        stream[place] ^= 1 << bit;
    }
    judged::<P>(&mut stream)
}

/// Decodes what it can. Each packet that comes out must be valid: it can be sent, and is itself again when read.
/// An error must be fit to be logged: short, on one line.
fn judged<P: Packet + PartialEq>(stream: &mut BytesMut) -> Result<(), TestCaseError> {
    let mut codec = Codec::<P, P>::new();
    loop {
        match codec.decode(stream) {
            Ok(Some(packet)) => round_trip(&packet)?,
            Ok(None) => return Ok(()),
            Err(error) => {
                return fit_to_be_logged(&error.to_string());
            }
        }
    }
}
