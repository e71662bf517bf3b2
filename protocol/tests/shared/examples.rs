//! What the examples of `docs/protocol.md` mean, by their names there.

use super::{game_examples, games::row, room_examples};
use malpan_protocol::{
    game::board::{self, Position},
    *,
};
use serde::Serialize;

pub(super) type Table<P> = Vec<(&'static str, Vec<P>)>;

/// Examples of packets to the server.
pub(crate) fn to_server() -> Table<ClientPacket> {
    use ClientPacket as P;
    let hello =
        || P::Hello { versions: VersionRange { min: 1, max: 1 }, client: SoftwareName::new("demo/1.0").unwrap() };
    let name = |text| Name::new(text).unwrap();
    let guest = |text| P::Guest { name: name(text) };
    let open = |game, title, seats| P::OpenRoom { game, title, seats };
    let join = |target| P::Join { target };
    let signal = |to, payload| P::Signal { to, payload: SignalPayload::new(payload).unwrap() };
    let chat = |text| P::Chat { text: ChatText::new(text).unwrap() };
    let mut examples = vec![
        ("Hello", vec![hello()]),
        ("Guest", vec![guest("Ann")]),
        ("Guest/utf8", vec![guest("말판")]),
        ("ListRooms", vec![P::ListRooms { after: RoomId(0), filter: RoomFilter::Open }]),
        ("OpenRoom", vec![open(None, title("Friday"), Some(SeatCount::new(4).unwrap()))]),
        ("OpenRoom/game", vec![open(Some(GameName::FIVE), title("오목"), None)]),
        ("Join", vec![join(JoinTarget::Any)]),
        ("Join/room", vec![join(JoinTarget::Room(RoomId(300)))]),
        ("Join/game", vec![join(JoinTarget::AnyOf(GameName::FIVE))]),
        ("Leave", vec![P::Leave]),
        ("Command", vec![command(7, &Direction::Right)]),
        ("Command/large", vec![command(70_000, &Direction::Up)]),
        ("Chat", vec![chat("안녕!")]),
        ("Signal", vec![signal(SignalTarget::Room, &[0xde, 0xad, 0xbe, 0xef])]),
        ("Signal/myself", vec![signal(SignalTarget::Myself, &[])]),
        ("Ping", vec![P::Ping { nonce: 250 }]),
        ("Ping/large", vec![P::Ping { nonce: 0xdead_beef }]),
        ("Pong", vec![P::Pong { nonce: 251 }]),
        ("Bye", vec![P::Bye]),
        ("Watch", vec![P::Watch { room: RoomId(301) }]),
        (
            "Resume",
            vec![P::Resume { token: token(0), seen: Some(Seen { room: RoomId(300), incarnation: 1, event: 41 }) }],
        ),
        ("Resume/lobby", vec![P::Resume { token: token(0), seen: None }]),
        ("Register", vec![P::Register { name: name("Ann"), secret: Secret::new("correct horse").unwrap() }]),
        ("Login", vec![P::Login { name: name("말판"), secret: Secret::new("비밀번호").unwrap() }]),
        ("session/hello", vec![hello()]),
        ("session/guest", vec![guest("Ann")]),
        ("session/join", vec![join(JoinTarget::Any)]),
        ("session/steps", vec![command(1, &Direction::Right), command(2, &Direction::Up)]),
        ("session/chat", vec![chat("hi")]),
        ("session/pong", vec![P::Pong { nonce: 1 }]),
        ("session/leave", vec![P::Leave]),
        ("session/bye", vec![P::Bye]),
    ];
    examples.extend(game_examples::to_server());
    examples.extend(room_examples::to_server());
    examples
}

/// Examples of packets to the client.
pub(crate) fn to_client() -> Table<ServerPacket> {
    use ServerPacket as P;
    let signed_in = |id, name| P::SignedIn { player: PlayerId(id), name: Name::new(name).unwrap() };
    let snapshot = Snapshot {
        event: 43,
        batch: 1009,
        state: board_state(&[(0, 4, 1), (2, 3, 7)]),
        acks: vec![ack(0, 13), ack(2, 70_000)].try_into().unwrap(),
    };
    let signal = SignalPayload::new(&[0xde, 0xad, 0xbe, 0xef]).unwrap();
    let said = |event, index, text| P::Chat(Chatted { event, seat: seat(index), text: ChatText::new(text).unwrap() });
    let denial = Denial { code: DenialCode::NameTaken, reason: Reason::new("somebody has that name").unwrap() };
    let board = GameName::BOARD;
    let rooms = [
        room_info(1, "Room 1", board, (10, 10), 0),
        room_info(300, "Friday", board, (3, 4), 0),
        room_info(301, "오목", GameName::FIVE, (2, 2), 1),
    ];
    let rooms = rooms.to_vec().try_into().unwrap();
    let more = vec![room_info(7, "금요일", board, (0, 10), 0)].try_into().unwrap();
    let joined_300 = Joined {
        seat: Some(seat(2)),
        members: vec![member(0, "Ann"), member(2, "말판")].try_into().unwrap(),
        event: 41,
        batch: 1000,
        ..joined(300, "Friday", &[(0, 3, 0), (2, 0, 7)])
    };
    let joined_1 = Joined { members: vec![member(0, "Ann")].try_into().unwrap(), ..joined(1, "Board 1", &[(0, 0, 0)]) };
    let mut examples = vec![
        ("Welcome", vec![welcome()]),
        ("Denied", vec![P::Denied(denial)]),
        ("SignedIn", vec![signed_in(1, "Ann")]),
        ("SignedIn/large", vec![signed_in(1 << 32, "말판")]),
        ("Rooms", vec![P::Rooms(Rooms { rooms, next: None })]),
        ("Rooms/more", vec![P::Rooms(Rooms { rooms: more, next: Some(RoomId(7)) })]),
        ("Joined", vec![P::Joined(joined_300)]),
        ("Entered", vec![entered(42, member(1, "Bo"), position(1, 5, 5))]),
        ("Left", vec![left(43, 1, LeaveReason::Disconnected, UpdateBytes::new())]),
        ("Updates", vec![moved(43, 1001, &[(0, 4, 0, 12), (2, 1, 7, 1), (0, 4, 1, 13)])]),
        ("Snapshot", vec![P::Snapshot(snapshot)]),
        ("Refused", vec![refused(14, &board::Refusal::Taken)]),
        ("Refused/too-fast", vec![P::Refused(Refused { seq: 15, why: RefusalReason::TooFast })]),
        ("Chat", vec![said(44, 2, "안녕!")]),
        ("Signal", vec![P::Signal(Signalled { event: 45, seat: seat(0), payload: signal })]),
        ("Echo", vec![P::Echo { payload: SignalPayload::new(&[]).unwrap() }]),
        ("Ping", vec![P::Ping { nonce: 251 }]),
        ("Pong", vec![P::Pong { nonce: 250 }]),
        ("RoomLeft", vec![P::RoomLeft { room: RoomId(300) }]),
        ("Draining", vec![P::Draining { seconds: 10 }]),
        ("Kicked", vec![P::Kicked { reason: KickReason::SlowConsumer }]),
        ("Happened", vec![game_examples::placed()]),
        ("Token", vec![P::Token { token: token(0) }]),
        ("Resumed", vec![resumed(Resumption::Missed { room: RoomId(300), events: 3 })]),
        ("Resumed/anew", vec![resumed(Resumption::Anew { room: RoomId(300) })]),
        ("Resumed/lobby", vec![resumed(Resumption::Lobby)]),
        ("Away", vec![P::Away { event: 46, seat: seat(2) }]),
        ("Back", vec![P::Back { event: 47, seat: seat(2) }]),
        ("Absent", vec![P::Absent { seats: vec![seat(1), seat(2)].try_into().unwrap() }]),
        ("Notice", vec![P::Notice { text: ChatText::new("back at ten").unwrap() }]),
        ("session/welcome", vec![welcome()]),
        ("session/signed-in", vec![signed_in(1, "Ann")]),
        ("session/token", vec![P::Token { token: token(64) }]),
        ("session/joined", vec![P::Joined(joined_1)]),
        ("session/refused", vec![refused(2, &board::Refusal::OffBoard)]),
        ("session/moved", vec![moved(1, 1, &[(0, 1, 0, 1)])]),
        ("session/entered", vec![entered(2, member(1, "Bo"), position(1, 0, 0))]),
        ("session/said", vec![said(3, 0, "hi")]),
        ("session/ping", vec![P::Ping { nonce: 1 }]),
        ("session/left", vec![P::RoomLeft { room: RoomId(1) }]),
    ];
    examples.extend(game_examples::to_client());
    examples.extend(room_examples::to_client());
    examples
}

fn welcome() -> ServerPacket {
    let limits = Limits {
        frame_bytes: 1024,
        packets_per_second: 100,
        steps_per_second: 20,
        step_burst: 10,
        signals_per_second: 10,
        tick_ms: 33,
        silence_seconds: 30,
    };
    ServerPacket::Welcome(Welcome { version: 1, server: SoftwareName::new("malpan/0.1.0").unwrap(), limits })
}

/// A room with a board of 8 x 8 as its first player finds it.
pub(super) fn joined(room: u32, name: &str, positions: &[(u8, u8, u8)]) -> Joined {
    Joined {
        room: RoomId(room),
        title: title(name),
        seats: SeatCount::new(10).unwrap(),
        game: GameName::BOARD,
        seat: Some(seat(0)),
        members: List::new(),
        incarnation: 1,
        event: 1,
        batch: 0,
        state: board_state(positions),
    }
}

pub(super) fn entered(event: u64, member: Member, updates: UpdateBytes) -> ServerPacket {
    ServerPacket::Entered(Entered { event, member, updates })
}

pub(super) fn left(event: u64, index: u8, reason: LeaveReason, updates: UpdateBytes) -> ServerPacket {
    ServerPacket::Left(Left { event, seat: seat(index), reason, updates })
}

/// A batch of steps as (seat, x, y, seq).
pub(super) fn moved(event: u64, batch: u64, steps: &[(u8, u8, u8, u32)]) -> ServerPacket {
    let positions = steps.iter().map(|&(index, x, y, _)| at(index, x, y)).collect();
    let acks = steps.iter().map(|&(index, _, _, seq)| ack(index, seq)).collect::<Vec<_>>();
    ServerPacket::Updates(Updates { event, batch, updates: row(positions), acks: acks.try_into().unwrap() })
}

pub(super) fn command(seq: u32, command: &impl Serialize) -> ClientPacket {
    ClientPacket::Command { seq, command: CommandBytes::of(command).unwrap() }
}

pub(super) fn refused(seq: u32, why: &impl Serialize) -> ServerPacket {
    ServerPacket::Refused(Refused { seq, why: RefusalReason::Rules(RefusalBytes::of(why).unwrap()) })
}

pub(super) fn ack(index: u8, seq: u32) -> Ack {
    Ack { seat: seat(index), seq }
}

pub(super) fn member(index: u8, name: &str) -> Member {
    Member { seat: seat(index), name: Name::new(name).unwrap() }
}

fn position(index: u8, x: u8, y: u8) -> UpdateBytes {
    row(vec![at(index, x, y)])
}

fn at(index: u8, x: u8, y: u8) -> Position {
    Position { seat: seat(index), cell: Cell { x, y } }
}

fn board_state(positions: &[(u8, u8, u8)]) -> StateBytes {
    let positions = positions.iter().map(|&(index, x, y)| at(index, x, y)).collect::<Vec<_>>();
    let positions = positions.try_into().unwrap();
    StateBytes::of(&board::State { size: BoardSize::new(8, 8).unwrap(), positions }).unwrap()
}

fn room_info(id: u32, name: &str, game: GameName, (taken, seats): (u8, u8), watchers: u8) -> RoomInfo {
    RoomInfo { room: RoomId(id), title: title(name), game, taken, seats: SeatCount::new(seats).unwrap(), watchers }
}

/// The bytes from `first` on.
fn token(first: u8) -> ResumeToken {
    ResumeToken::new(std::array::from_fn(|index| first + u8::try_from(index).unwrap()))
}

fn resumed(place: Resumption) -> ServerPacket {
    ServerPacket::Resumed(Resumed { player: PlayerId(1), name: Name::new("Ann").unwrap(), place })
}

pub(super) fn title(text: &str) -> RoomTitle {
    RoomTitle::new(text).unwrap()
}

pub(super) fn seat(index: u8) -> Seat {
    Seat::new(index).unwrap()
}
