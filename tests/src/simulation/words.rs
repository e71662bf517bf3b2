//! What clients say, and what may be heard of it: each word tells where it was said, by whom, and the how manieth of its
//! speaker it is.

use malpan_protocol::RoomId;
use std::collections::BTreeMap;

/// Where no room is known.
pub(super) const ANYWHERE: &str = "0";
pub(super) const LOBBY: &str = "lobby";

/// What is numbered for itself, because it takes a way of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Chat, and what someone does.
    Line,
    Signal,
    Lobby,
    Whisper,
}

/// The last number of each that came from each name.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(BTreeMap<(Kind, String), u32>);

impl Heard {
    /// Text that `name` has said at `place`.
    pub(super) fn text(&mut self, kind: Kind, place: &str, name: &str, text: &str) -> Result<(), String> {
        let mut parts = text.split(' ');
        let (Some("in"), Some(at), Some(who), Some(number)) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return if name.starts_with("lecture-") { Ok(()) } else { Err(format!("{name} says {text:?}")) };
        };
        let number = number.parse().map_err(|_| "a line without its number")?;
        if (at != ANYWHERE && at != place) || who != name {
            return Err(format!("{place} hears of {name}: {text:?}"));
        }
        self.rises(kind, name, number)
    }

    /// Match data that `name` has sent to a room.
    pub(super) fn signal(&mut self, room: RoomId, name: &str, bytes: &[u8]) -> Result<(), String> {
        let word =
            |at: usize| bytes.get(at..at + 4).map(|four| u32::from_le_bytes(four.try_into().expect("four bytes")));
        let (Some(of), Some(number)) = (word(0), word(4)) else { return Err("a signal cut short".into()) };
        if of != 0 && of != room.0 {
            return Err(format!("room {room} hears a signal of room {of}"));
        }
        self.rises(Kind::Signal, name, number)
    }

    fn rises(&mut self, kind: Kind, name: &str, number: u32) -> Result<(), String> {
        let last = self.0.entry((kind, name.to_owned())).or_default();
        if number <= *last {
            return Err(format!("{kind:?} {number} of {name} after {last}"));
        }
        *last = number;
        Ok(())
    }
}

/// Text that says where it was said, by whom, and the how manieth it is.
pub(super) fn text(place: &str, who: &str, number: u32) -> String {
    format!("in {place} {who} {number}")
}

/// Match data of the same kind.
pub(super) fn signal(room: u32, number: u32, filler: usize) -> Vec<u8> {
    let mut bytes = [room.to_le_bytes(), number.to_le_bytes()].concat();
    bytes.resize(8 + filler, 7);
    bytes
}
