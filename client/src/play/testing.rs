//! A server in memory for the tests of this module: calls that a test answers packet by packet, and a house that
//! answers them by itself.

use super::dial::Dial;
use futures::{SinkExt, StreamExt};
use malpan_client::{
    Client, ClientError, ConnectOptions, Room,
    protocol::{
        Ack, BoardSize, Cell, Chatted, ClientPacket, Denial, DenialCode, JoinTarget, Joined, Limits, List, MAX_SEATS,
        Member, Moves, Name, PlayerId, Position, Reason, Refusal, RoomId, RoomInfo, RoomTitle, Rooms, Seat, SeatCount,
        ServerCodec, ServerPacket, SoftwareName, StepRefused, Welcome,
    },
};
use std::{collections::BTreeMap, io};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, duplex},
    sync::mpsc,
};
use tokio_util::codec::Framed;

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn seat(index: usize) -> Seat {
    Seat::new(u8::try_from(index).unwrap()).unwrap()
}

pub(crate) fn limits() -> Limits {
    Limits {
        frame_bytes: 1024,
        packets_per_second: 100,
        steps_per_second: 20,
        step_burst: 10,
        signals_per_second: 10,
        tick_ms: 33,
        silence_seconds: 30,
    }
}

pub(crate) fn welcome() -> Welcome {
    Welcome { version: 1, server: SoftwareName::new("test/1").unwrap(), limits: limits() }
}

pub(crate) fn denied(code: DenialCode) -> ServerPacket {
    ServerPacket::Denied(Denial { code, reason: Reason::lossy("") })
}

/// A room whose members sit in order; the first is oneself.
pub(crate) fn joined(room: u32, board: BoardSize, members: &[(&str, Cell)]) -> Joined {
    let members: Vec<Member> = members
        .iter()
        .enumerate()
        .map(|(index, (text, cell))| Member { seat: seat(index), name: name(text), cell: *cell })
        .collect();
    Joined {
        room: RoomId(room),
        title: RoomTitle::new("Lounge").unwrap(),
        seats: SeatCount::new(10).unwrap(),
        board,
        seat: seat(0),
        members: members.try_into().unwrap(),
        incarnation: 1,
        event: 0,
        batch: 0,
    }
}

pub(crate) fn room_of(board: BoardSize, members: &[(&str, Cell)]) -> Room {
    Room::new(&joined(1, board, members))
}

pub(crate) fn moves(batch: u64, event: u64, steps: &[(usize, u32, Cell)]) -> ServerPacket {
    let positions: Vec<Position> = steps.iter().map(|&(index, _, cell)| Position { seat: seat(index), cell }).collect();
    let acks: Vec<Ack> = steps.iter().map(|&(index, seq, _)| Ack { seat: seat(index), seq }).collect();
    ServerPacket::Moves(Moves {
        event,
        batch,
        positions: positions.try_into().unwrap(),
        acks: acks.try_into().unwrap(),
    })
}

/// Connects in memory; the other ends come out of [`Calls`]. Without those, connections are refused.
pub(crate) struct DialMemory(mpsc::UnboundedSender<DuplexStream>);

/// The connections that a [`DialMemory`] makes.
pub(crate) struct Calls(mpsc::UnboundedReceiver<DuplexStream>);

pub(crate) fn telephone() -> (DialMemory, Calls) {
    let (dial, calls) = mpsc::unbounded_channel();
    (DialMemory(dial), Calls(calls))
}

impl Dial for DialMemory {
    type Io = DuplexStream;

    async fn dial(&mut self) -> Result<Client<DuplexStream>, ClientError> {
        let (near, far) = duplex(64 * 1024);
        self.0.send(far).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
        Client::handshake(near, &ConnectOptions::default()).await
    }
}

impl Calls {
    /// The next connection, before its hello.
    pub(crate) async fn accept(&mut self) -> Peer<DuplexStream> {
        Peer::new(self.0.recv().await.expect("a connection is made"))
    }

    /// The next connection, signed in. Returns the name as well.
    pub(crate) async fn sign_in(&mut self) -> (Peer<DuplexStream>, Name) {
        let mut peer = self.accept().await;
        let name = peer.hello().await;
        peer.send(ServerPacket::SignedIn { player: PlayerId(1), name: name.clone() }).await;
        (peer, name)
    }
}

/// The server's end of a connection.
pub(crate) struct Peer<IO>(Framed<IO, ServerCodec>);

impl<IO: AsyncRead + AsyncWrite + Unpin> Peer<IO> {
    pub(crate) fn new(io: IO) -> Self {
        Self(Framed::new(io, ServerCodec::new()))
    }

    /// Shakes hands; returns the name that wants to sign in.
    pub(crate) async fn hello(&mut self) -> Name {
        assert!(matches!(self.next().await, Some(ClientPacket::Hello { .. })));
        self.send(ServerPacket::Welcome(welcome())).await;
        match self.next().await {
            Some(ClientPacket::Guest { name }) => name,
            other => panic!("no sign-in: {other:?}"),
        }
    }

    /// The next packet but pings, which are answered; `None` when the connection is closed.
    pub(crate) async fn next(&mut self) -> Option<ClientPacket> {
        loop {
            match self.0.next().await? {
                Ok(ClientPacket::Ping { nonce }) => self.send(ServerPacket::Pong { nonce }).await,
                Ok(packet) => return Some(packet),
                Err(_) => return None,
            }
        }
    }

    /// Sends; a client that is gone is noticed at the next packet.
    pub(crate) async fn send(&mut self, packet: ServerPacket) {
        let _ = self.0.send(packet).await;
    }
}

/// A server for one player at a time. Room 1 is the one that `Any` means; room 2 is full.
pub(crate) struct House {
    rooms: BTreeMap<u32, Vec<&'static str>>,
    taken_names: Vec<&'static str>,
}

impl House {
    pub(crate) fn new() -> Self {
        let full = vec!["x"; MAX_SEATS];
        Self { rooms: BTreeMap::from([(1, vec!["Bob"]), (2, full), (3, vec![])]), taken_names: vec!["Taken"] }
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
        let mut table: Option<(Room, Joined)> = None;
        let mut batch = 0;
        while let Some(packet) = peer.next().await {
            let answer = match packet {
                ClientPacket::Bye => return,
                ClientPacket::Join { target } => {
                    assert!(table.is_none(), "a client joins only without a seat");
                    self.join(target, &name, &mut table)
                }
                ClientPacket::OpenRoom { title, .. } => {
                    let id = self.rooms.keys().last().unwrap() + 1;
                    self.rooms.insert(id, vec![]);
                    let mut answer = self.join(JoinTarget::Room(RoomId(id)), &name, &mut table);
                    if let ServerPacket::Joined(joined) = &mut answer {
                        joined.title = title;
                    }
                    answer
                }
                ClientPacket::Leave => {
                    let (room, _) = table.take().expect("a client leaves only a room that it is in");
                    ServerPacket::RoomLeft { room: room.id() }
                }
                ClientPacket::ListRooms { after, .. } => self.list(after),
                ClientPacket::Step { seq, direction } => {
                    let (room, _) = table.as_mut().expect("a client steps only in a room");
                    let to = room.piece(seat(0)).unwrap().cell.step(direction);
                    match to.filter(|&cell| room.board().contains(cell)) {
                        None => ServerPacket::StepRefused(StepRefused { seq, why: Refusal::OffBoard }),
                        Some(cell) if room.members().any(|(_, piece)| piece.cell == cell) => {
                            ServerPacket::StepRefused(StepRefused { seq, why: Refusal::Taken })
                        }
                        Some(cell) => {
                            batch += 1;
                            moves(batch, room.event(), &[(0, seq, cell)])
                        }
                    }
                }
                ClientPacket::Chat { text } => {
                    let (room, _) = table.as_ref().expect("a client chats only in a room");
                    ServerPacket::Chat(Chatted { event: room.event() + 1, seat: seat(0), text })
                }
                _ => continue,
            };
            if let Some((room, _)) = &mut table {
                room.apply(&answer).unwrap();
            }
            peer.send(answer).await;
        }
    }

    fn join(&self, target: JoinTarget, own: &Name, table: &mut Option<(Room, Joined)>) -> ServerPacket {
        let id = match target {
            JoinTarget::Any => 1,
            JoinTarget::Room(room) => room.0,
        };
        let Some(others) = self.rooms.get(&id) else { return denied(DenialCode::NoSuchRoom) };
        if others.len() >= MAX_SEATS {
            return denied(DenialCode::RoomFull);
        }
        let mut members = vec![(own.as_str(), Cell { x: 0, y: 0 })];
        members.extend((1..).zip(others).map(|(x, text)| (*text, Cell { x, y: 0 })));
        let joined = joined(id, BoardSize::new(8, 8).unwrap(), &members);
        *table = Some((Room::new(&joined), joined.clone()));
        ServerPacket::Joined(joined)
    }

    /// Two rooms a page, so that pages are needed.
    fn list(&self, after: RoomId) -> ServerPacket {
        let mut left = self.rooms.range(after.0 + 1..);
        let mut rooms = List::new();
        for (id, others) in left.by_ref().take(2) {
            let title = RoomTitle::new(&format!("Room {id}")).unwrap();
            let taken = u8::try_from(others.len()).unwrap();
            rooms.push(RoomInfo { room: RoomId(*id), title, taken, seats: SeatCount::new(10).unwrap() }).unwrap();
        }
        let next = left.next().and(rooms.last()).map(|info| info.room);
        ServerPacket::Rooms(Rooms { rooms, next })
    }
}
