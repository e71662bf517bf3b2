//! Holds `docs/protocol.md` to the code: every example, every type number, every enum number and every limit.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod shared;

use malpan_protocol::*;
use shared::{
    decode_all, examples, frame_of,
    names::{Named, Plain},
    page::Page,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
};

#[test]
fn every_example_is_the_packet_that_it_is_said_to_be() {
    let page = Page::read();
    check_examples(&page, "to-server", examples::to_server());
    check_examples(&page, "to-client", examples::to_client());
}

#[test]
fn every_packet_has_an_example_under_a_heading_with_its_type_number() {
    let page = Page::read();
    check_headings(&page, "to-server", examples::to_server());
    check_headings(&page, "to-client", examples::to_client());
}

#[test]
fn the_tables_of_packets_have_every_type_number() {
    let page = Page::read();
    let listed = |heading| page.pairs(heading, ["type", "packet"]);
    assert_eq!(listed("Packets to the server"), type_numbers(examples::to_server()));
    assert_eq!(listed("Packets to the client"), type_numbers(examples::to_client()));
}

#[test]
fn the_tables_of_enums_have_every_number() {
    let page = Page::read();
    let text = || Reason::new("").unwrap();
    let payload = || SignalPayload::new(&[]).unwrap();
    // Each puts the value where its number is the second byte of a payload, or the one told.
    check_enum(&page, "RoomFilter", 2, |filter| ClientPacket::ListRooms { after: RoomId(0), filter });
    check_enum(&page, "SignalTarget", 1, |to| ClientPacket::Signal { to, payload: payload() });
    check_enum(&page, "Direction", 2, |direction| ClientPacket::Step { seq: 0, direction });
    check_enum(&page, "DenialCode", 1, |code| ServerPacket::Denied(Denial { code, reason: text() }));
    let seat = Seat::new(0).unwrap();
    check_enum(&page, "LeaveReason", 3, |reason| ServerPacket::Left(Left { event: 0, seat, reason }));
    check_enum(&page, "Refusal", 2, |why| ServerPacket::StepRefused(StepRefused { seq: 0, why }));
    check_enum(&page, "KickReason", 1, |reason| ServerPacket::Kicked { reason });

    let target = |target| payload_of(&ClientPacket::Join { target })[1].to_string();
    let expected = [(target(JoinTarget::Any), "Any".into()), (target(JoinTarget::Room(RoomId(1))), "Room".into())];
    assert_eq!(page.pairs("JoinTarget", ["number", "name"]), expected);
}

#[test]
fn the_table_of_varints_is_right() {
    let rows = Page::read().pairs("Encoding", ["value", "bytes"]);
    assert!(rows.len() >= 10);
    for (value, bytes) in rows {
        let player = PlayerId(value.parse().unwrap());
        let payload = payload_of(&ServerPacket::SignedIn { player, name: Name::new("a").unwrap() });
        let written: Vec<_> = payload[1..payload.len() - 2].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(bytes, written.join(" "), "{value}");
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    let page = Page::read();
    let constant = |name: &str, value: usize| (name.to_owned(), value.to_string());
    let expected = [
        constant("longest payload to the server", MAX_CLIENT_FRAME),
        constant("longest payload to the client", MAX_SERVER_FRAME),
        constant("longest payload of the first frame, the hello", MAX_HELLO_FRAME),
        constant("most seats of a room", MAX_SEATS),
        constant("most cells in a row or a column", BoardSize::MAX_SIDE.into()),
        constant("most bytes of a signal", SignalPayload::MAX_BYTES),
        constant("most items of positions and of acks", MAX_MOVES),
        constant("most rooms on a page", ROOMS_PER_PAGE),
    ];
    assert_eq!(page.pairs("The Malpan protocol, version 1", ["constant", "value"]), expected);
    assert_eq!(PROTOCOL_VERSION, 1, "the page is about another version");

    let texts: BTreeMap<_, _> = page.pairs("Texts", ["text", "least"]).into_iter().collect();
    let least = |empty_is_refused: bool| usize::from(empty_is_refused).to_string();
    let expected = [
        ("Name", least(Name::new("").is_err())),
        ("ChatText", least(ChatText::new("").is_err())),
        ("RoomTitle", least(RoomTitle::new("").is_err())),
        ("SoftwareName", least(SoftwareName::new("").is_err())),
        ("Reason", least(Reason::new("").is_err())),
    ];
    assert_eq!(texts, expected.map(|(name, least)| (name.to_owned(), least)).into());
    let most: BTreeMap<_, _> = page.pairs("Texts", ["text", "most"]).into_iter().collect();
    let expected = [
        ("Name", Name::MAX_CHARS),
        ("ChatText", ChatText::MAX_CHARS),
        ("RoomTitle", RoomTitle::MAX_CHARS),
        ("SoftwareName", SoftwareName::MAX_CHARS),
        ("Reason", Reason::MAX_CHARS),
    ];
    assert_eq!(most, expected.map(|(name, most)| (name.to_owned(), most.to_string())).into());
}

fn check_examples<P: Packet + PartialEq>(page: &Page, direction: &str, expected: Vec<(&'static str, Vec<P>)>) {
    let mut expected: BTreeMap<_, _> = expected.into_iter().collect();
    for example in page.examples.iter().filter(|example| example.direction == direction) {
        let (name, line) = (example.name.as_str(), example.line);
        let packets = expected.remove(name).unwrap_or_else(|| panic!("line {line}: {name} is not in the test's table"));
        let mut bytes = example.bytes[..].into();
        let decoded = decode_all::<P>(&mut bytes).unwrap_or_else(|error| panic!("line {line}: {name}: {error}"));
        assert!(bytes.is_empty(), "line {line}: {name} ends within a frame");
        assert_eq!(decoded, packets, "line {line}: {name}");
        let encoded: Vec<u8> = packets.iter().flat_map(frame_of).collect();
        assert_eq!(encoded, example.bytes, "line {line}: {name} has a shorter form");
    }
    assert!(expected.is_empty(), "not in the document: {:?}", expected.keys());
}

/// A packet's own examples, `Packet` or `Packet/detail`, stand under the heading `NUMBER Packet`.
fn check_headings<P: Packet + Named>(page: &Page, direction: &str, expected: Vec<(&'static str, Vec<P>)>) {
    let expected: BTreeMap<_, _> = expected.into_iter().collect();
    let mut shown = BTreeSet::new();
    for example in page.examples.iter().filter(|e| e.direction == direction && !e.name.starts_with("session/")) {
        let packet = &expected[example.name.as_str()][0];
        assert_eq!(example.name.split('/').next(), Some(packet.name()), "line {}", example.line);
        assert_eq!(example.heading, format!("{} {}", payload_of(packet)[0], packet.name()), "line {}", example.line);
        shown.insert(packet.name());
    }
    assert_eq!(shown, P::NAMES.iter().copied().collect(), "every packet has an example");
}

/// Each packet's type number and name, by number.
fn type_numbers<P: Packet + Named>(examples: Vec<(&'static str, Vec<P>)>) -> Vec<(String, String)> {
    let packets = examples.into_iter().flat_map(|(_, packets)| packets);
    let numbers: BTreeMap<_, _> = packets.map(|packet| (payload_of(&packet)[0], packet.name())).collect();
    assert_eq!(numbers.len(), P::NAMES.len());
    numbers.into_iter().map(|(number, name)| (number.to_string(), name.to_owned())).collect()
}

fn check_enum<E: Plain + Debug, P: Packet>(page: &Page, heading: &str, at: usize, packet: impl Fn(E) -> P) {
    let number = |value: E| payload_of(&packet(value))[at].to_string();
    let expected: Vec<_> = E::ALL.iter().map(|(name, value)| (number(*value), (*name).to_owned())).collect();
    assert_eq!(page.pairs(heading, ["number", "name"]), expected, "{heading}");
}

fn payload_of<P: Packet>(packet: &P) -> Vec<u8> {
    frame_of(packet)[LENGTH_BYTES..].to_vec()
}
