//! A room as an honest client has it: everything that it is told must follow from what it was told before.

use super::{
    faulty::FaultyView,
    observed::Shown,
    words::{Heard, Kind},
};
use malpan_client::{BoardView, Room};
use malpan_protocol::{
    Ack, GameName, Joined, Name, RoomId, Seat, Seen, ServerPacket, Snapshot, game::board::Position, game::five,
};
use std::collections::BTreeSet;

/// The title of rooms that belong to someone.
pub(super) const OWNED: &str = "owned";

/// The room, by its game.
#[derive(Debug, Clone)]
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
#[derive(Debug, Clone)]
pub(super) struct Place {
    table: Table,
    /// Commands that nothing has answered yet.
    pub(super) unanswered: BTreeSet<u32>,
    /// The last command that was sent over this connection, and the last that was done.
    sent: u32,
    done: u32,
    heard: Heard,
    catches_up: Option<CatchingUp>,
    /// The owner has gone, and who follows comes next.
    owner_is_gone: bool,
    pub(super) events: u64,
    pub(super) snapshots: u64,
}

/// What still has to come before someone who is back knows all that was missed.
#[derive(Debug, Clone, Copy)]
struct CatchingUp {
    events: u32,
    /// The answer to an earlier try may have been lost, and with it what it said of commands.
    knows_acks: bool,
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
        let place = Self {
            table,
            unanswered: BTreeSet::new(),
            sent: 0,
            done: 0,
            heard: Heard::default(),
            catches_up: None,
            owner_is_gone: false,
            events: 0,
            snapshots: 0,
        };
        place.check_names()?;
        Ok(place)
    }

    pub(super) fn room(&self) -> RoomId {
        each!(&self.table, room => room.id())
    }

    pub(super) fn seat(&self) -> Option<Seat> {
        each!(&self.table, room => room.own_seat())
    }

    pub(super) fn seen(&self) -> Seen {
        each!(&self.table, room => room.seen())
    }

    pub(super) fn is_faulty(&self) -> bool {
        matches!(self.table, Table::Faulty(_))
    }

    pub(super) fn is_five(&self) -> bool {
        matches!(self.table, Table::Five(_))
    }

    /// Whether it is a room that may have an owner: only those have this title.
    pub(super) fn is_owned(&self) -> bool {
        each!(&self.table, room => room.title().as_str() == OWNED)
    }

    /// The name of whoever owns the room, and whether that is the client itself.
    pub(super) fn owner(&self) -> Option<(&Name, bool)> {
        let owner = each!(&self.table, room => room.owner())?;
        Some((self.name(owner)?, Some(owner) == self.seat()))
    }

    /// Everyone with a seat.
    pub(super) fn names(&self) -> Vec<Name> {
        each!(&self.table, room => room.members().map(|(_, name)| name.clone()).collect())
    }

    fn name(&self, seat: Seat) -> Option<&Name> {
        each!(&self.table, room => room.name(seat))
    }

    /// A command was sent.
    pub(super) fn asked(&mut self, seq: u32) {
        self.unanswered.insert(seq);
        self.sent = self.sent.max(seq);
    }

    /// The client is back: so many events follow, and then how the game stands.
    pub(super) fn misses(&mut self, events: u32, knows_acks: bool) {
        self.catches_up = Some(CatchingUp { events, knows_acks });
    }

    /// Whether what was missed has not all come yet.
    pub(super) fn catches_up(&self) -> bool {
        self.catches_up.is_some()
    }

    /// Takes in what the room says.
    pub(super) fn hear(&mut self, packet: &ServerPacket) -> Result<(), String> {
        let is_missed = self.is_missed(packet)?;
        if std::mem::take(&mut self.owner_is_gone) && !matches!(packet, ServerPacket::Owner { .. }) {
            return Err(format!("the owner has gone, and nobody follows but {packet:?}"));
        }
        if let ServerPacket::Left(left) = packet {
            self.owner_is_gone = each!(&self.table, room => room.owner()) == Some(left.seat);
        }
        each!(&mut self.table, room => room.apply(packet)).map_err(|error| format!("{error}, at {packet:?}"))?;
        let room = self.room();
        match packet {
            ServerPacket::Entered(_) => self.check_names()?,
            ServerPacket::Chat(said) | ServerPacket::Emote(said) => {
                let name = self.name(said.seat).ok_or("chat of an empty seat")?.as_str().to_owned();
                self.heard.text(Kind::Line, &room.to_string(), &name, said.text.as_str())?;
            }
            ServerPacket::History(history) if history.room != room => {
                return Err(format!("{history:?} in room {room}"));
            }
            ServerPacket::History(history) => {
                for line in &history.lines {
                    self.heard.text(Kind::Line, &room.to_string(), line.name.as_str(), line.text.as_str())?;
                }
            }
            ServerPacket::Signal(signal) => {
                let name = self.name(signal.seat).ok_or("a signal of an empty seat")?.as_str().to_owned();
                self.heard.signal(room, &name, signal.payload.as_bytes())?;
            }
            ServerPacket::Away { seat, .. } | ServerPacket::Back { seat, .. }
                if Some(*seat) == self.seat() && !is_missed =>
            {
                return Err(format!("it is here, and hears {packet:?}"));
            }
            ServerPacket::Updates(updates) => self.answered(&updates.acks)?,
            ServerPacket::Happened(happened) => self.answered(happened.ack.as_slice())?,
            ServerPacket::Snapshot(snapshot) => self.stands(snapshot)?,
            ServerPacket::Refused(refused) if !self.unanswered.remove(&refused.seq) => {
                return Err(format!("command {} was refused, and nobody waits for that", refused.seq));
            }
            _ => {}
        }
        self.events += 1;
        Ok(())
    }

    /// Whether it is one of the events that were missed: as many as was said, and then a snapshot.
    fn is_missed(&mut self, packet: &ServerPacket) -> Result<bool, String> {
        use ServerPacket as P;
        let Some(CatchingUp { events, .. }) = &mut self.catches_up else { return Ok(false) };
        match packet {
            P::Snapshot(_) if *events == 0 => {}
            P::Entered(_) | P::Left(_) | P::Chat(_) | P::Emote(_) | P::Signal(_) | P::Happened(_) if *events > 0 => {
                *events -= 1;
            }
            P::Away { .. } | P::Back { .. } | P::Owner { .. } if *events > 0 => *events -= 1,
            _ => return Err(format!("{events} events were missed, and {packet:?} comes")),
        }
        Ok(true)
    }

    fn stands(&mut self, snapshot: &Snapshot) -> Result<(), String> {
        let own = snapshot.acks.iter().find(|ack| Some(ack.seat) == self.seat());
        let Some(back) = self.catches_up.take() else {
            self.snapshots += 1;
            if let Some(ack) = own {
                // Those before it were answered too, in what was left out.
                self.unanswered.retain(|&seq| seq > ack.seq);
                self.done = self.done.max(ack.seq);
            }
            return Ok(());
        };
        // Of the commands of the connection before: those above were not done, and from here on they are numbered anew.
        let ack = own.ok_or("someone who is back has no seat")?.seq;
        if ack > self.sent || (ack < self.done && back.knows_acks) {
            return Err(format!("command {ack} is said to be the last that was done, of {}, {}", self.sent, self.done));
        }
        self.unanswered.clear();
        (self.sent, self.done) = (0, 0);
        Ok(())
    }

    fn answered(&mut self, acks: &[Ack]) -> Result<(), String> {
        let seat = self.seat();
        for ack in acks.iter().filter(|ack| Some(ack.seat) == seat) {
            if !self.unanswered.remove(&ack.seq) {
                return Err(format!("command {} was acknowledged, and nobody waits for that", ack.seq));
            }
            self.done = self.done.max(ack.seq);
        }
        Ok(())
    }

    /// Whoever has not signed in is in no room.
    fn check_names(&self) -> Result<(), String> {
        let ghost = each!(&self.table, room => room.members().find(|(_, name)| name.as_str().starts_with("ghost")));
        ghost.map_or(Ok(()), |(seat, name)| Err(format!("{name} sits on {seat:?} and has not signed in")))
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
