//! A room as an honest client has it: everything that it is told must follow from what it was told before.

use super::{faulty::FaultyView, observed::Shown};
use malpan_client::{BoardView, Room};
use malpan_protocol::{
    Ack, Chatted, GameName, Joined, Name, RoomId, Seat, ServerPacket, Signalled, game::board::Position, game::five,
};
use std::collections::{BTreeMap, BTreeSet};

/// The room, by its game.
#[derive(Debug)]
enum Table {
    Board(Room<BoardView>),
    Five(Room<five::State>),
    Faulty(Room<FaultyView>),
}

macro_rules! each {
    ($table:expr, $room:ident => $work:expr) => {
        match $table {
            Table::Board($room) => $work,
            Table::Five($room) => $work,
            Table::Faulty($room) => $work,
        }
    };
}

/// A place in a room, and what is expected of it.
#[derive(Debug)]
pub(super) struct Place {
    table: Table,
    /// Commands that nothing has answered yet.
    pub(super) unanswered: BTreeSet<u32>,
    /// The last number that each name has said, in chat and in signals.
    said: BTreeMap<(bool, String), u32>,
    pub(super) events: u64,
    pub(super) snapshots: u64,
}

impl Place {
    pub(super) fn new(joined: &Joined) -> Result<Self, String> {
        let told = |error| format!("a room that cannot be read: {error}");
        let table = match joined.game {
            GameName::FIVE => Table::Five(Room::new(joined).map_err(told)?),
            GameName::BOARD => Table::Board(Room::new(joined).map_err(told)?),
            _ => Table::Faulty(Room::new(joined).map_err(told)?),
        };
        if joined.members.len() > joined.seats.count() {
            return Err(format!("{} members on {} seats", joined.members.len(), joined.seats));
        }
        let place = Self { table, unanswered: BTreeSet::new(), said: BTreeMap::new(), events: 0, snapshots: 0 };
        place.check_names()?;
        Ok(place)
    }

    pub(super) fn room(&self) -> RoomId {
        each!(&self.table, room => room.id())
    }

    pub(super) fn seat(&self) -> Option<Seat> {
        each!(&self.table, room => room.own_seat())
    }

    pub(super) fn is_faulty(&self) -> bool {
        matches!(self.table, Table::Faulty(_))
    }

    pub(super) fn is_five(&self) -> bool {
        matches!(self.table, Table::Five(_))
    }

    fn name(&self, seat: Seat) -> Option<&Name> {
        each!(&self.table, room => room.name(seat))
    }

    /// Takes in what the room says.
    pub(super) fn hear(&mut self, packet: &ServerPacket) -> Result<(), String> {
        each!(&mut self.table, room => room.apply(packet)).map_err(|error| format!("{error}, at {packet:?}"))?;
        match packet {
            ServerPacket::Entered(_) => self.check_names()?,
            ServerPacket::Chat(chat) => self.chat(chat)?,
            ServerPacket::Signal(signal) => self.signal(signal)?,
            ServerPacket::Updates(updates) => self.answered(&updates.acks)?,
            ServerPacket::Happened(happened) => self.answered(happened.ack.as_slice())?,
            ServerPacket::Snapshot(snapshot) => {
                self.snapshots += 1;
                let own = snapshot.acks.iter().find(|ack| Some(ack.seat) == self.seat());
                if let Some(ack) = own {
                    // Those before it were answered too, in what was left out.
                    self.unanswered.retain(|&seq| seq > ack.seq);
                }
            }
            ServerPacket::Refused(refused) => {
                if !self.unanswered.remove(&refused.seq) {
                    return Err(format!("command {} was refused, and nobody waits for that", refused.seq));
                }
            }
            _ => return Ok(()),
        }
        self.events += 1;
        Ok(())
    }

    fn answered(&mut self, acks: &[Ack]) -> Result<(), String> {
        for ack in acks {
            if Some(ack.seat) == self.seat() && !self.unanswered.remove(&ack.seq) {
                return Err(format!("command {} was acknowledged, and nobody waits for that", ack.seq));
            }
        }
        Ok(())
    }

    /// Whoever has not signed in is in no room.
    fn check_names(&self) -> Result<(), String> {
        let ghost = each!(&self.table, room => room.members().find(|(_, name)| name.as_str().starts_with("ghost")));
        ghost.map_or(Ok(()), |(seat, name)| Err(format!("{name} sits on {seat:?} and has not signed in")))
    }

    fn chat(&mut self, chat: &Chatted) -> Result<(), String> {
        let name = self.name(chat.seat).ok_or("chat of an empty seat")?.as_str().to_owned();
        let mut parts = chat.text.as_str().split(' ');
        let (Some("in"), Some(room), Some(who), Some(number)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return if name.starts_with("lecture-") { Ok(()) } else { Err(format!("{name} says {:?}", chat.text)) };
        };
        let number = number.parse().map_err(|_| "a line without its number")?;
        // Whoever does not know the room says 0.
        if (room != "0" && room != self.room().to_string()) || who != name {
            return Err(format!("room {} hears of {name}: {:?}", self.room(), chat.text));
        }
        self.rises(false, name, number)
    }

    fn signal(&mut self, signal: &Signalled) -> Result<(), String> {
        let name = self.name(signal.seat).ok_or("a signal of an empty seat")?.as_str().to_owned();
        let bytes = signal.payload.as_bytes();
        let word =
            |at: usize| bytes.get(at..at + 4).map(|four| u32::from_le_bytes(four.try_into().expect("four bytes")));
        let (Some(room), Some(number)) = (word(0), word(4)) else { return Err("a signal cut short".into()) };
        if room != 0 && room != self.room().0 {
            return Err(format!("room {} hears a signal of room {room}", self.room()));
        }
        self.rises(true, name, number)
    }

    fn rises(&mut self, signal: bool, name: String, number: u32) -> Result<(), String> {
        let last = self.said.entry((signal, name)).or_default();
        if number <= *last {
            return Err(format!("number {number} of someone's words after {last}"));
        }
        *last = number;
        Ok(())
    }

    /// What differs from how the game stands at the server.
    pub(super) fn differs_from(&self, shown: &Shown) -> Option<String> {
        match (&self.table, shown) {
            (Table::Board(room), Shown::Board(state)) => {
                let mut seen: Vec<_> = room.pieces().map(|(seat, piece)| Position { seat, cell: piece.cell }).collect();
                seen.sort_by_key(|position| position.seat.index());
                let same = seen == state.positions.to_vec();
                (!same).then(|| format!("sees {seen:?}, and the board has {:?}", state.positions))
            }
            (Table::Five(room), Shown::Five(state)) => {
                (room.view() != state).then(|| format!("sees {:?}, and the table has {state:?}", room.view()))
            }
            _ => None,
        }
    }
}

/// A line of chat that says where it was said, by whom, and the how manieth it is.
pub(super) fn line(room: u32, who: &str, number: u32) -> String {
    format!("in {room} {who} {number}")
}

/// Match data of the same kind.
pub(super) fn signal(room: u32, number: u32, filler: usize) -> Vec<u8> {
    let mut bytes = [room.to_le_bytes(), number.to_le_bytes()].concat();
    bytes.resize(8 + filler, 7);
    bytes
}
