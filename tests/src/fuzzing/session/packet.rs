//! Packets out of bytes: mostly valid, and of few names, rooms and lines, so that they meet.

use super::{Choices, people, stranger::Port};
use crate::{bytes_of, line, name, payload};
use malpan_protocol::{
    Cell, ClientPacket, CommandBytes, Direction, GameName, JoinTarget, RoomFilter, RoomId, RoomTitle, SeatCount,
    SignalTarget, SoftwareName, VersionRange, game::five,
};

/// The last is the honest player's own, written differently.
pub(super) const NAMES: [&str; 6] = ["ann", "bob", "Ann", "말판", "lecture-1", "BY"];
pub(super) const LINES: [&str; 4] = ["hi", "안녕!", "<b>", "a longer line that goes on and on and says nothing at all"];

/// The bytes of one packet.
pub(super) fn any(choices: &mut Choices<'_>, port: Port) -> Vec<u8> {
    match port {
        Port::Malpan => bytes_of(&[malpan(choices)]),
        Port::Lecture => lecture(choices),
    }
}

/// The bytes of what leads into a room, as long as nothing is in the way.
pub(super) fn way_in(choices: &mut Choices<'_>, port: Port) -> Vec<u8> {
    let Port::Malpan = port else { return lecture(choices) };
    let who = name(choices.of(&NAMES));
    let into = choices.of(&[true, true, false]);
    let into = if into { join(JoinTarget::Any) } else { ClientPacket::Watch { room: RoomId(1) } };
    bytes_of(&[hello(VersionRange::SUPPORTED), ClientPacket::Guest { name: who }, into])
}

fn malpan(choices: &mut Choices<'_>) -> ClientPacket {
    use ClientPacket as P;
    match choices.byte() % 32 {
        0 => hello(VersionRange { min: choices.of(&[1, 0, 2]), max: choices.of(&[1, 9, 0]) }),
        1 => P::Guest { name: name(choices.of(&NAMES)) },
        2 => P::ListRooms { after: room(choices), filter: choices.of(&[RoomFilter::All, RoomFilter::Open]) },
        3 => {
            let title = RoomTitle::new(choices.of(&["Friday", "금요일"])).expect("a valid title");
            let seats = SeatCount::new(choices.byte() % 12).ok();
            P::OpenRoom {
                game: choices.of(&[None, Some(GameName::BOARD), Some(GameName::FIVE), NO_GAME]),
                title,
                seats,
            }
        }
        4 => join(JoinTarget::Any),
        5 => join(JoinTarget::Room(room(choices))),
        6 => join(JoinTarget::AnyOf(choices.of(&[GameName::FIVE, GameName::BOARD, GameName::constant("go")]))),
        7 => P::Watch { room: room(choices) },
        8 => P::Leave,
        9 => P::Chat { text: line(choices.of(&LINES)) },
        10 => {
            let to = choices.of(&[SignalTarget::Room, SignalTarget::Myself]);
            P::Signal { to, payload: payload(choices.bytes()) }
        }
        11 => P::Ping { nonce: choices.byte().into() },
        12 => P::Pong { nonce: choices.byte().into() },
        13 => P::Bye,
        14 => command(choices, five_in_a_row),
        15 => command(choices, |choices| {
            let mut bytes = CommandBytes::new();
            choices.bytes().iter().for_each(|byte| bytes.push(byte).expect("at most 255 of them"));
            bytes
        }),
        16 | 17 => command(choices, |choices| encoded(&choices.of(&Direction::ALL))),
        _ => people::packet(choices),
    }
}

const NO_GAME: Option<GameName> = Some(GameName::constant("go"));

fn hello(versions: VersionRange) -> ClientPacket {
    ClientPacket::Hello { versions, client: SoftwareName::new("stranger/1").expect("a valid constant") }
}

fn join(target: JoinTarget) -> ClientPacket {
    ClientPacket::Join { target }
}

pub(super) fn room(choices: &mut Choices<'_>) -> RoomId {
    RoomId(u32::from(choices.byte() % 5))
}

fn command(choices: &mut Choices<'_>, own: impl Fn(&mut Choices<'_>) -> CommandBytes) -> ClientPacket {
    ClientPacket::Command { seq: choices.byte().into(), command: own(choices) }
}

fn five_in_a_row(choices: &mut Choices<'_>) -> CommandBytes {
    let place = choices.byte();
    encoded(&match place {
        0 => five::Command::Resign,
        1 => five::Command::Rematch,
        _ => five::Command::Place(Cell { x: place % 16, y: place / 16 }),
    })
}

fn encoded(command: &impl serde::Serialize) -> CommandBytes {
    CommandBytes::of(command).expect("a short command")
}

/// A step, mostly; a line of any UTF-16 now and then.
fn lecture(choices: &mut Choices<'_>) -> Vec<u8> {
    let kind = 1 + choices.byte() % 6;
    let text = match kind {
        1..=4 => return vec![2, kind],
        5 => choices.of(&LINES).encode_utf16().flat_map(u16::to_le_bytes).collect(),
        _ => choices.bytes().to_vec(),
    };
    let text = &text[..text.len().min(252) / 2 * 2];
    [&[u8::try_from(2 + text.len()).expect("at most 254"), 5], text].concat()
}
