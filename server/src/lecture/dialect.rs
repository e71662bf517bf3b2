//! A room's packets in the lecture wire. Players are named by their seats, so that nothing has to be remembered.

use super::codec::HEADER;
use bytes::BytesMut;
use malpan_net::Frame;
use malpan_protocol::{
    Cell, ClientCodec, Name, Seat, ServerPacket,
    game::board::{Position, State},
};
use tokio_util::codec::Decoder;

const POSITION: u8 = 1;
const PUT: u8 = 2;
const REMOVE: u8 = 3;
const CHAT: u8 = 4;
/// UTF-16 units of text in one packet: what its size, one byte, leaves room for.
const UNITS: usize = (u8::MAX as usize - HEADER - 2) / 2;

/// The packets in `frame` in the lecture wire; `None` where it has no word for any of them.
/// `name` knows who sits where.
pub(crate) fn say(frame: &Frame, name: &dyn Fn(Seat) -> Option<Name>) -> Option<Frame> {
    let (mut rest, mut out) = (BytesMut::from(&**frame), Vec::new());
    while let Some(packet) = ClientCodec::new().decode(&mut rest).expect("the server's own frames can be read") {
        append(&packet, name, &mut out);
    }
    (!out.is_empty()).then(|| Frame::new(&out))
}

fn append(packet: &ServerPacket, name: &dyn Fn(Seat) -> Option<Name>, out: &mut Vec<u8>) {
    match packet {
        ServerPacket::Joined(joined) => {
            let state: State = joined.state.decode().expect("lecture clients sit at boards only");
            // The client's own comes first, and so names it.
            let own = state.positions.iter().filter(|position| Some(position.seat) == joined.seat);
            let others = state.positions.iter().filter(|position| Some(position.seat) != joined.seat);
            own.chain(others).for_each(|position| place(PUT, *position, out));
        }
        ServerPacket::Entered(entered) => positions(PUT, entered.updates.values(), out),
        ServerPacket::Left(left) => begin(REMOVE, left.seat, &[], out),
        ServerPacket::Updates(updates) => positions(POSITION, updates.updates.values(), out),
        ServerPacket::Snapshot(snapshot) => {
            let state: State = snapshot.state.decode().expect("lecture clients sit at boards only");
            state.positions.iter().for_each(|position| place(POSITION, *position, out));
        }
        ServerPacket::Chat(chat) => say_text(chat.seat, chat.text.as_str(), out),
        ServerPacket::Emote(emote) => {
            let name = name(emote.seat).map_or_else(String::new, |name| format!("{name} "));
            say_text(emote.seat, &format!("* {name}{}", emote.text), out);
        }
        // It has no words for these. A step that is refused changes nothing, and so says nothing.
        _ => {}
    }
}

fn positions<E>(kind: u8, positions: impl Iterator<Item = Result<Position, E>>, out: &mut Vec<u8>) {
    positions.map_while(Result::ok).for_each(|position| place(kind, position, out));
}

fn place(kind: u8, Position { seat, cell: Cell { x, y } }: Position, out: &mut Vec<u8>) {
    begin(kind, seat, &[x, y], out);
}

/// In as many packets as it needs; no character is cut in two.
fn say_text(seat: Seat, text: &str, out: &mut Vec<u8>) {
    let mut part = Vec::with_capacity(UNITS * 2);
    for c in text.chars() {
        if part.len() / 2 + c.len_utf16() > UNITS {
            begin(CHAT, seat, &part, out);
            part.clear();
        }
        part.extend(c.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_le_bytes()));
    }
    begin(CHAT, seat, &part, out);
}

/// One packet: size, type, id, and its own bytes.
fn begin(kind: u8, seat: Seat, own: &[u8], out: &mut Vec<u8>) {
    let size = u8::try_from(HEADER + 2 + own.len()).expect("a packet is made to have at most 255 bytes");
    out.extend_from_slice(&[size, kind]);
    let id = u16::try_from(seat.index()).expect("a seat's number is small");
    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(own);
}

#[cfg(test)]
mod tests {
    use super::{UNITS, say, say_text};
    use crate::outgoing::frame;
    use malpan_protocol::{ChatText, Chatted, Name, Seat, ServerPacket};

    fn texts(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        say_text(Seat::new(3).unwrap(), text, &mut out);
        read(out)
    }

    /// The texts of chat of seat 3.
    fn read(mut out: Vec<u8>) -> Vec<String> {
        let mut texts = Vec::new();
        while !out.is_empty() {
            let packet: Vec<u8> = out.drain(..usize::from(out[0])).collect();
            assert_eq!(packet[1..4], [4, 3, 0]);
            let units: Vec<_> = packet[4..].as_chunks().0.iter().map(|&unit| u16::from_le_bytes(unit)).collect();
            texts.push(String::from_utf16(&units).expect("no character is cut in two"));
        }
        texts
    }

    #[test]
    fn longer_chat_is_split_between_characters() {
        assert_eq!(texts("hi"), ["hi"]);
        let full = "x".repeat(UNITS);
        assert_eq!(texts(&full), std::slice::from_ref(&full));
        assert_eq!(texts(&format!("{full}y")), [full, "y".into()]);
        // Two units each, and an odd number of units fit: one stays free.
        let faces = "😀".repeat(200);
        let parts = texts(&faces);
        assert_eq!(parts.concat(), faces);
        assert!(parts.len() == 4 && parts[0].chars().count() == UNITS / 2, "{}", parts.len());
    }

    #[test]
    fn what_it_has_no_word_for_is_left_out() {
        assert!(say(&frame(&ServerPacket::Draining { seconds: 3 }), &|_| None).is_none());
    }

    #[test]
    fn what_someone_does_is_a_line_with_their_name() {
        let (event, seat, text) = (1, Seat::new(3).unwrap(), ChatText::new("waves").unwrap());
        let emote = frame(&ServerPacket::Emote(Chatted { event, seat, text }));
        let said = say(&emote, &|seat| (seat.index() == 3).then(|| Name::new("Ann").unwrap())).unwrap();
        assert_eq!(read(said.to_vec()), ["* Ann waves"]);
    }
}
