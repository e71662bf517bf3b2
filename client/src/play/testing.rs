//! A server in memory for the tests of this module: packets as a server sends them, calls that a test answers packet by
//! packet, and a house that answers them by itself.

mod house;
mod rules;

pub(crate) use house::House;

use super::dial::Dial;
use futures::{SinkExt, StreamExt};
use malpan_client::{
    Client, ClientError, ConnectOptions, Room,
    protocol::{
        Ack, BoardSize, Cell, ClientPacket, Denial, DenialCode, Door, Entered, GameName, Happened, Joined, LeaveReason,
        Left, Limits, Member, Name, PlayerId, Reason, RefusalBytes, RefusalReason, Refused, RoomEntry, RoomId,
        RoomInfo, RoomList, RoomTitle, Seat, SeatCount, ServerCodec, ServerPacket, SoftwareName, StateBytes,
        UpdateBytes, Updates, Welcome,
        game::{
            board::{self, Position},
            five::{self, Phase},
        },
    },
};
use serde::Serialize;
use std::io;
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

/// A room of the shared board whose members sit in order; the first is oneself.
pub(crate) fn joined(room: u32, board: BoardSize, members: &[(&str, Cell)]) -> Joined {
    let positions = members.iter().enumerate().map(|(index, (_, cell))| Position { seat: seat(index), cell: *cell });
    let positions = positions.collect::<Vec<Position>>().try_into().unwrap();
    let names: Vec<&str> = members.iter().map(|(text, _)| *text).collect();
    let state = StateBytes::of(&board::State { size: board, positions }).unwrap();
    joined_of(GameName::BOARD, room, Some(0), 10, &names, state)
}

/// A room of five in a row whose members sit in order.
pub(crate) fn joined_five(room: u32, own: Option<usize>, members: &[&str], state: &five::State) -> Joined {
    joined_of(GameName::FIVE, room, own, 2, members, StateBytes::of(state).unwrap())
}

/// A room of any game.
pub(crate) fn joined_of(
    game: GameName,
    room: u32,
    own: Option<usize>,
    seats: u8,
    members: &[&str],
    state: StateBytes,
) -> Joined {
    let members: Vec<Member> =
        members.iter().enumerate().map(|(index, text)| Member { seat: seat(index), name: name(text) }).collect();
    Joined {
        room: RoomId(room),
        title: RoomTitle::new("Lounge").unwrap(),
        seats: SeatCount::new(seats).unwrap(),
        game,
        seat: own.map(seat),
        members: members.try_into().unwrap(),
        incarnation: 1,
        event: 0,
        batch: 0,
        state,
    }
}

pub(crate) fn room_of(board: BoardSize, members: &[(&str, Cell)]) -> Room {
    Room::new(&joined(1, board, members)).unwrap()
}

/// A game that is on; seat 0 has black, and the stones were put in this order.
pub(crate) fn playing(stones: &[(u8, u8)]) -> five::State {
    let mut state = five::State { phase: Phase::Playing, ..five::State::new(seat(0)) };
    stones.iter().for_each(|&(x, y)| state.stones.push(Cell { x, y }).unwrap());
    state
}

pub(crate) fn moves(batch: u64, event: u64, steps: &[(usize, u32, Cell)]) -> ServerPacket {
    let positions: Vec<Position> = steps.iter().map(|&(index, _, cell)| Position { seat: seat(index), cell }).collect();
    let acks: Vec<Ack> = steps.iter().map(|&(index, seq, _)| Ack { seat: seat(index), seq }).collect();
    ServerPacket::Updates(Updates { event, batch, updates: row(&positions), acks: acks.try_into().unwrap() })
}

/// What happened in five in a row; `ack` is the seat and the number of the command that did it.
pub(crate) fn happened(event: u64, ack: Option<(usize, u32)>, updates: &[five::Update]) -> ServerPacket {
    let ack = ack.map(|(index, seq)| Ack { seat: seat(index), seq });
    ServerPacket::Happened(Happened { event, ack, updates: row(updates) })
}

pub(crate) fn placed(index: usize, x: u8, y: u8) -> five::Update {
    five::Update::Placed { seat: seat(index), cell: Cell { x, y } }
}

pub(crate) fn won(index: usize, by: five::Victory) -> five::Update {
    five::Update::Over(five::Outcome::Won { seat: seat(index), by })
}

pub(crate) fn entered<U: Serialize>(event: u64, index: usize, text: &str, updates: &[U]) -> ServerPacket {
    let member = Member { seat: seat(index), name: name(text) };
    ServerPacket::Entered(Entered { event, member, updates: row(updates) })
}

pub(crate) fn left(event: u64, index: usize, reason: LeaveReason, updates: &[five::Update]) -> ServerPacket {
    ServerPacket::Left(Left { event, seat: seat(index), reason, updates: row(updates) })
}

pub(crate) fn refused<R: Serialize>(seq: u32, why: &R) -> ServerPacket {
    ServerPacket::Refused(Refused { seq, why: RefusalReason::Rules(RefusalBytes::of(why).unwrap()) })
}

pub(crate) fn too_fast(seq: u32) -> ServerPacket {
    ServerPacket::Refused(Refused { seq, why: RefusalReason::TooFast })
}

/// A room in a list, that nobody watches.
pub(crate) fn info(room: u32, title: &str, game: GameName, taken: u8, seats: u8) -> RoomInfo {
    let (title, seats) = (RoomTitle::new(title).unwrap(), SeatCount::new(seats).unwrap());
    RoomInfo { room: RoomId(room), title, game, taken, seats, watchers: 0 }
}

/// A room in the browser's list, with an open door and nobody's.
pub(crate) fn entry(room: u32, title: &str, game: GameName, taken: u8, seats: u8) -> RoomEntry {
    let RoomInfo { room, title, game, taken, seats, watchers } = info(room, title, game, taken, seats);
    RoomEntry { room, title, game, taken, seats, watchers, door: Door::Open, owner: None }
}

/// A page of the browser's list.
pub(crate) fn page(rooms: Vec<RoomEntry>, next: Option<u32>) -> ServerPacket {
    ServerPacket::RoomList(RoomList { rooms: rooms.try_into().unwrap(), next: next.map(RoomId) })
}

fn row<U: Serialize>(updates: &[U]) -> UpdateBytes {
    let mut row = UpdateBytes::new();
    updates.iter().for_each(|update| row.push(update).unwrap());
    row
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
