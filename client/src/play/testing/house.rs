//! A server for one player at a time.

use super::{
    Calls, Peer, denied, happened, info, joined, joined_five, joined_of, moves, playing, refused, rules, seat,
};
use crate::play::session::Table;
use malpan_client::protocol::{
    BoardSize, Cell, Chatted, ClientPacket, CommandBytes, DenialCode, Direction, GameName, JoinTarget, Joined, List,
    MAX_SEATS, Name, PlayerId, RoomId, Rooms, ServerPacket, StateBytes,
    game::{board, five},
};
use std::collections::BTreeMap;
use tokio::io::{AsyncRead, AsyncWrite};

/// Room 1 is the one that `Any` means; room 2 is full.
pub(crate) struct House {
    rooms: BTreeMap<u32, (GameName, Vec<&'static str>)>,
    taken_names: Vec<&'static str>,
}

/// Where the player is. Only the rooms that this client knows have a table.
struct Place {
    room: RoomId,
    table: Option<Table>,
}

impl House {
    /// With rooms of the shared board alone.
    pub(crate) fn new() -> Self {
        let boards = [(1, vec!["Bob"]), (2, vec!["x"; MAX_SEATS]), (3, vec![])];
        let rooms = boards.map(|(id, others)| (id, (GameName::BOARD, others))).into();
        Self { rooms, taken_names: vec!["Taken"] }
    }

    /// With rooms of other games too: in room 5 Bob waits for someone, in room 6 he plays against Eve, and in room 7
    /// there is a game that no client knows.
    pub(crate) fn with_games() -> Self {
        let mut house = Self::new();
        house.rooms.insert(5, (GameName::FIVE, vec!["Bob"]));
        house.rooms.insert(6, (GameName::FIVE, vec!["Bob", "Eve"]));
        house.rooms.insert(7, (GameName::constant("chess"), vec!["Kim"]));
        house
    }

    /// Answers calls until there are no more.
    pub(crate) async fn answer(mut self, mut calls: Calls) {
        while let Some(io) = calls.0.recv().await {
            self.serve(Peer::new(io)).await;
        }
    }

    /// Serves one connection to its end.
    pub(crate) async fn serve<IO: AsyncRead + AsyncWrite + Unpin>(&mut self, mut peer: Peer<IO>) {
        let name = peer.hello().await;
        if self.taken_names.contains(&name.as_str()) {
            return peer.send(denied(DenialCode::NameTaken)).await;
        }
        peer.send(ServerPacket::SignedIn { player: PlayerId(1), name: name.clone() }).await;
        let mut place: Option<Place> = None;
        while let Some(packet) = peer.next().await {
            let answer = match packet {
                ClientPacket::Bye => return,
                ClientPacket::Join { target } => self.join(target, &name, &mut place),
                ClientPacket::Watch { room } => self.watch(room, &mut place),
                ClientPacket::OpenRoom { game, title, .. } => {
                    let id = self.rooms.keys().last().unwrap() + 1;
                    self.rooms.insert(id, (game.unwrap_or(GameName::BOARD), vec![]));
                    let mut answer = self.join(JoinTarget::Room(RoomId(id)), &name, &mut place);
                    if let ServerPacket::Joined(joined) = &mut answer {
                        joined.title = title;
                    }
                    answer
                }
                ClientPacket::Leave => {
                    let Place { room, .. } = place.take().expect("a client leaves only a room that it is in");
                    ServerPacket::RoomLeft { room }
                }
                ClientPacket::ListRooms { after, .. } => self.list(after),
                ClientPacket::Command { seq, command } => command_in(seated(&place), seq, &command),
                ClientPacket::Chat { text } => {
                    let room = seated(&place);
                    let own = room.own_seat().expect("a client that watches says nothing");
                    let event = any_event(room) + 1;
                    ServerPacket::Chat(Chatted { event, seat: own, text })
                }
                _ => continue,
            };
            tell(&mut peer, &mut place, answer).await;
            while let Some(move_of_bob) = bob(&place) {
                tell(&mut peer, &mut place, move_of_bob).await;
            }
        }
    }

    fn join(&self, target: JoinTarget, own: &Name, place: &mut Option<Place>) -> ServerPacket {
        let id = match target {
            JoinTarget::Any | JoinTarget::AnyOf(GameName::BOARD) => 1,
            JoinTarget::AnyOf(GameName::FIVE) => 5,
            JoinTarget::AnyOf(_) => return denied(DenialCode::NoSuchGame),
            JoinTarget::Room(room) => room.0,
        };
        let Some((game, others)) = self.rooms.get(&id) else { return denied(DenialCode::NoSuchRoom) };
        if others.len() >= seats(*game) {
            return denied(DenialCode::RoomFull);
        }
        let joined = match *game {
            GameName::BOARD => board_of(id, own.as_str(), others),
            GameName::FIVE => {
                let state = if others.is_empty() { five::State::new(seat(0)) } else { playing(&[]) };
                let members: Vec<&str> = others.iter().copied().chain([own.as_str()]).collect();
                joined_five(id, Some(others.len()), &members, &state)
            }
            game => joined_of(game, id, Some(0), 2, &[own.as_str()], StateBytes::new()),
        };
        enter(joined, place)
    }

    fn watch(&self, room: RoomId, place: &mut Option<Place>) -> ServerPacket {
        let Some((game, others)) = self.rooms.get(&room.0) else { return denied(DenialCode::NoSuchRoom) };
        let joined = match *game {
            GameName::BOARD => {
                let (first, rest) = others.split_first().expect("someone is in it");
                Joined { seat: None, ..board_of(room.0, first, rest) }
            }
            GameName::FIVE => joined_five(room.0, None, others, &playing(&[(7, 7), (8, 7), (7, 8)])),
            _ => return denied(DenialCode::NotWatchable),
        };
        enter(joined, place)
    }

    /// Two rooms a page, so that pages are needed. Room 6 is watched.
    fn list(&self, after: RoomId) -> ServerPacket {
        let mut left = self.rooms.range(after.0 + 1..);
        let mut rooms = List::new();
        for (id, (game, others)) in left.by_ref().take(2) {
            let (taken, seats) = (others.len().try_into().unwrap(), seats(*game).try_into().unwrap());
            let mut room = info(*id, &format!("Room {id}"), *game, taken, seats);
            room.watchers = u8::from(*id == 6);
            rooms.push(room).unwrap();
        }
        let next = left.next().and(rooms.last()).map(|info| info.room);
        ServerPacket::Rooms(Rooms { rooms, next })
    }
}

fn seats(game: GameName) -> usize {
    if game == GameName::BOARD { MAX_SEATS } else { 2 }
}

fn board_of(id: u32, first: &str, rest: &[&str]) -> Joined {
    let mut members = vec![(first, Cell { x: 0, y: 0 })];
    members.extend((1..).zip(rest).map(|(x, text)| (*text, Cell { x, y: 0 })));
    joined(id, BoardSize::new(8, 8).unwrap(), &members)
}

fn enter(joined: Joined, place: &mut Option<Place>) -> ServerPacket {
    assert!(place.is_none(), "a client joins only from the lobby");
    *place = Some(Place { room: joined.room, table: Table::new(&joined).ok() });
    ServerPacket::Joined(joined)
}

fn seated(place: &Option<Place>) -> &Table {
    place.as_ref().and_then(|place| place.table.as_ref()).expect("a client plays and chats only in a room it knows")
}

fn any_event(table: &Table) -> u64 {
    match table {
        Table::Board(room) => room.event(),
        Table::Five(room) => room.event(),
    }
}

fn command_in(table: &Table, seq: u32, command: &CommandBytes) -> ServerPacket {
    let own = table.own_seat().expect("a client that watches asks for nothing");
    match table {
        Table::Board(room) => {
            let direction: Direction = command.decode().unwrap();
            let to = room.piece(own).unwrap().cell.step(direction).filter(|&cell| room.board().contains(cell));
            match to {
                None => refused(seq, &board::Refusal::OffBoard),
                Some(cell) if room.pieces().any(|(_, piece)| piece.cell == cell) => {
                    refused(seq, &board::Refusal::Taken)
                }
                // Each step is a batch of its own, so that the number of the command will do.
                Some(cell) => moves(seq.into(), room.event(), &[(own.index(), seq, cell)]),
            }
        }
        Table::Five(room) => match rules::apply(room, own, command.decode().unwrap()) {
            Ok(updates) => happened(room.event() + 1, Some((own.index(), seq)), &updates),
            Err(why) => refused(seq, &why),
        },
    }
}

fn bob(place: &Option<Place>) -> Option<ServerPacket> {
    let room = place.as_ref()?.table.as_ref()?.five()?;
    Some(happened(room.event() + 1, None, &[rules::bob(room, room.own_seat()?)?]))
}

async fn tell<IO: AsyncRead + AsyncWrite + Unpin>(
    peer: &mut Peer<IO>,
    place: &mut Option<Place>,
    packet: ServerPacket,
) {
    if let Some(table) = place.as_mut().and_then(|place| place.table.as_mut()) {
        table.apply(&packet).unwrap();
    }
    peer.send(packet).await;
}
