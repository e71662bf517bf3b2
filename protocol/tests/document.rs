//! Holds `docs/protocol.md` to the code: every example, every type number, every enum number and every limit.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod shared;

use malpan_protocol::{
    game::{
        board::{Position, Refusal as BoardRefusal},
        five::{self, Command as FiveCommand, Outcome, Phase, Refusal as FiveRefusal, Update as FiveUpdate, Victory},
    },
    *,
};
use serde::Serialize;
use shared::{
    decode_all, examples, frame_of,
    names::{Named, Plain},
    page::Page,
};
use std::collections::{BTreeMap, BTreeSet};

/// Games as their examples are called, and their chapters.
const GAMES: [(&str, &str); 2] = [("board", "The shared board"), ("five", "Five in a row")];

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
    check_plain::<RoomFilter>(&page, "RoomFilter");
    check_plain::<Manner>(&page, "Manner");
    check_plain::<Door>(&page, "Door");
    check_plain::<Part>(&page, "Part");
    check_enum(&page, "Audience", &[Audience::Room, Audience::Lobby, Audience::Player(Name::new("Ann").unwrap())]);
    check_plain::<SignalTarget>(&page, "SignalTarget");
    check_plain::<DenialCode>(&page, "DenialCode");
    check_plain::<LeaveReason>(&page, "LeaveReason");
    check_plain::<KickReason>(&page, "KickReason");
    let targets = [JoinTarget::Any, JoinTarget::Room(RoomId(1)), JoinTarget::AnyOf(GameName::BOARD)];
    check_enum(&page, "JoinTarget", &targets);
    let room = RoomId(1);
    let places = [Resumption::Lobby, Resumption::Missed { room, events: 0 }, Resumption::Anew { room }];
    check_enum(&page, "Resumption", &places);
    check_enum(&page, "RefusalReason", &[RefusalReason::TooFast, RefusalReason::Rules(RefusalBytes::new())]);
}

#[test]
fn the_tables_of_the_games_have_every_number() {
    let page = Page::read();
    check_plain::<Direction>(&page, "Direction");
    check_plain::<BoardRefusal>(&page, "BoardRefusal");
    let (seat, cell) = (Seat::new(0).unwrap(), Cell { x: 0, y: 0 });
    assert_eq!(UpdateBytes::of(&Position { seat, cell }).unwrap().len(), 3, "the page says so");

    check_plain::<FiveRefusal>(&page, "FiveRefusal");
    check_plain::<Victory>(&page, "Victory");
    check_enum(&page, "FiveCommand", &[FiveCommand::Place(cell), FiveCommand::Resign, FiveCommand::Rematch]);
    let won = Outcome::Won { seat, by: Victory::Five };
    check_enum(&page, "Outcome", &[won, Outcome::Draw]);
    check_enum(&page, "Phase", &[Phase::Waiting, Phase::Playing, Phase::Over(won)]);
    let (placed, asked) = (FiveUpdate::Placed { seat, cell }, FiveUpdate::RematchAsked { seat });
    check_enum(&page, "FiveUpdate", &[FiveUpdate::Began { black: seat }, placed, FiveUpdate::Over(won), asked]);
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
        constant("bytes of a token", ResumeToken::BYTES),
        constant("least bytes of a secret", Secret::MIN_BYTES),
        constant("most bytes of a secret", Secret::MAX_BYTES),
        constant("most items of acks in Updates", MAX_ACKS),
        constant("most rooms on a page", ROOMS_PER_PAGE),
        constant("most names on a page of the lobby", LOBBY_PAGE),
        constant("most lines of a room's past chat", MAX_HISTORY),
        constant("most bytes of a room's password", RoomPassword::MAX_BYTES),
        constant("most characters of a game's name", GameName::MAX_CHARS),
        constant("most bytes of a game's command", CommandBytes::MAX_BYTES),
        constant("most bytes of a game's refusal", RefusalBytes::MAX_BYTES),
        constant("most bytes of a row of a game's updates", UpdateBytes::MAX_BYTES),
        constant("most bytes of a game's state", StateBytes::MAX_BYTES),
        constant("cells in a row and in a column of five in a row", five::SIDE.into()),
        constant("stones in a row that win", five::TO_WIN),
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

/// A packet's own examples, `Packet` or `Packet/detail`, stand under the heading `NUMBER Packet`; a game's, `game/detail`,
/// in the game's chapter.
fn check_headings<P: Packet + Named>(page: &Page, direction: &str, expected: Vec<(&'static str, Vec<P>)>) {
    let expected: BTreeMap<_, _> = expected.into_iter().collect();
    let mut shown = BTreeSet::new();
    for example in page.examples.iter().filter(|e| e.direction == direction && !e.name.starts_with("session/")) {
        let packet = &expected[example.name.as_str()][0];
        let of = example.name.split('/').next().unwrap();
        if let Some((_, chapter)) = GAMES.iter().find(|(game, _)| *game == of) {
            assert_eq!(example.chapter, *chapter, "line {}", example.line);
            continue;
        }
        assert_eq!(of, packet.name(), "line {}", example.line);
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

fn check_plain<E: Plain + Serialize>(page: &Page, heading: &str) {
    let expected: Vec<_> = E::ALL.iter().map(|(name, value)| (number_of(value), (*name).to_owned())).collect();
    assert_eq!(page.pairs(heading, ["number", "name"]), expected, "{heading}");
}

/// `each` has one value of each variant.
fn check_enum<E: Named + Serialize>(page: &Page, heading: &str, each: &[E]) {
    assert_eq!(each.iter().map(Named::name).collect::<Vec<_>>(), E::NAMES, "{heading}");
    let expected: Vec<_> = each.iter().map(|value| (number_of(value), value.name().to_owned())).collect();
    assert_eq!(page.pairs(heading, ["number", "name"]), expected, "{heading}");
}

/// The number of an enum's value, which is its first byte.
fn number_of(value: &impl Serialize) -> String {
    UpdateBytes::of(value).unwrap().as_bytes()[0].to_string()
}

fn payload_of<P: Packet>(packet: &P) -> Vec<u8> {
    frame_of(packet)[LENGTH_BYTES..].to_vec()
}
