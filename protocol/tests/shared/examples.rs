//! What the examples of `docs/protocol.md` mean, by their names there.

use malpan_protocol::*;

type Table<P> = Vec<(&'static str, Vec<P>)>;

/// Examples of packets to the server.
pub(crate) fn to_server() -> Table<ClientPacket> {
    use ClientPacket as P;
    let hello =
        || P::Hello { versions: VersionRange { min: 1, max: 1 }, client: SoftwareName::new("demo/1.0").unwrap() };
    let guest = |name| P::Guest { name: Name::new(name).unwrap() };
    let open = |seats| P::OpenRoom { title: title("Friday"), seats };
    let signal = |to, payload| P::Signal { to, payload: SignalPayload::new(payload).unwrap() };
    let step = |seq, direction| P::Step { seq, direction };
    let chat = |text| P::Chat { text: ChatText::new(text).unwrap() };
    vec![
        ("Hello", vec![hello()]),
        ("Guest", vec![guest("Ann")]),
        ("Guest/utf8", vec![guest("말판")]),
        ("ListRooms", vec![P::ListRooms { after: RoomId(0), filter: RoomFilter::Open }]),
        ("OpenRoom", vec![open(Some(SeatCount::new(4).unwrap()))]),
        ("OpenRoom/default", vec![open(None)]),
        ("Join", vec![P::Join { target: JoinTarget::Any }]),
        ("Join/room", vec![P::Join { target: JoinTarget::Room(RoomId(300)) }]),
        ("Leave", vec![P::Leave]),
        ("Step", vec![step(7, Direction::Right)]),
        ("Step/large", vec![step(70_000, Direction::Up)]),
        ("Chat", vec![chat("안녕!")]),
        ("Signal", vec![signal(SignalTarget::Room, &[0xde, 0xad, 0xbe, 0xef])]),
        ("Signal/myself", vec![signal(SignalTarget::Myself, &[])]),
        ("Ping", vec![P::Ping { nonce: 250 }]),
        ("Ping/large", vec![P::Ping { nonce: 0xdead_beef }]),
        ("Pong", vec![P::Pong { nonce: 251 }]),
        ("Bye", vec![P::Bye]),
        ("session/hello", vec![hello()]),
        ("session/guest", vec![guest("Ann")]),
        ("session/join", vec![P::Join { target: JoinTarget::Any }]),
        ("session/steps", vec![step(1, Direction::Right), step(2, Direction::Up)]),
        ("session/chat", vec![chat("hi")]),
        ("session/pong", vec![P::Pong { nonce: 1 }]),
        ("session/leave", vec![P::Leave]),
        ("session/bye", vec![P::Bye]),
    ]
}

/// Examples of packets to the client.
pub(crate) fn to_client() -> Table<ServerPacket> {
    use ServerPacket as P;
    let signed_in = |id, name| P::SignedIn { player: PlayerId(id), name: Name::new(name).unwrap() };
    let signal = SignalPayload::new(&[0xde, 0xad, 0xbe, 0xef]).unwrap();
    let said = |event, index, text| P::Chat(Chatted { event, seat: seat(index), text: ChatText::new(text).unwrap() });
    let denial = Denial { code: DenialCode::NameTaken, reason: Reason::new("somebody has that name").unwrap() };
    let rooms = vec![room_info(1, "Room 1", 10, 10), room_info(300, "Friday", 3, 4)].try_into().unwrap();
    let more = vec![room_info(7, "금요일", 0, 10)].try_into().unwrap();
    let joined_300 = joined(300, "Friday", 2, vec![member(0, "Ann", 3, 0), member(2, "말판", 0, 7)], 41, 1000);
    vec![
        ("Welcome", vec![welcome()]),
        ("Denied", vec![P::Denied(denial)]),
        ("SignedIn", vec![signed_in(1, "Ann")]),
        ("SignedIn/large", vec![signed_in(1 << 32, "말판")]),
        ("Rooms", vec![P::Rooms(Rooms { rooms, next: None })]),
        ("Rooms/more", vec![P::Rooms(Rooms { rooms: more, next: Some(RoomId(7)) })]),
        ("Joined", vec![joined_300]),
        ("Entered", vec![P::Entered(Entered { event: 42, member: member(1, "Bo", 5, 5) })]),
        ("Left", vec![P::Left(Left { event: 43, seat: seat(1), reason: LeaveReason::Disconnected })]),
        ("Moves", vec![P::Moves(moves(43, 1001, &[(0, 4, 0, 12), (2, 1, 7, 1), (0, 4, 1, 13)]))]),
        ("Snapshot", vec![P::Snapshot(moves(43, 1009, &[(0, 4, 1, 13), (2, 3, 7, 70_000)]))]),
        ("StepRefused", vec![P::StepRefused(StepRefused { seq: 14, why: Refusal::Taken })]),
        ("Chat", vec![said(44, 2, "안녕!")]),
        ("Signal", vec![P::Signal(Signalled { event: 45, seat: seat(0), payload: signal })]),
        ("Echo", vec![P::Echo { payload: SignalPayload::new(&[]).unwrap() }]),
        ("Ping", vec![P::Ping { nonce: 251 }]),
        ("Pong", vec![P::Pong { nonce: 250 }]),
        ("RoomLeft", vec![P::RoomLeft { room: RoomId(300) }]),
        ("Draining", vec![P::Draining { seconds: 10 }]),
        ("Kicked", vec![P::Kicked { reason: KickReason::SlowConsumer }]),
        ("session/welcome", vec![welcome()]),
        ("session/signed-in", vec![signed_in(1, "Ann")]),
        ("session/joined", vec![joined(1, "Room 1", 0, vec![member(0, "Ann", 0, 0)], 1, 0)]),
        ("session/refused", vec![P::StepRefused(StepRefused { seq: 2, why: Refusal::OffBoard })]),
        ("session/moved", vec![P::Moves(moves(1, 1, &[(0, 1, 0, 1)]))]),
        ("session/entered", vec![P::Entered(Entered { event: 2, member: member(1, "Bo", 0, 0) })]),
        ("session/said", vec![said(3, 0, "hi")]),
        ("session/ping", vec![P::Ping { nonce: 1 }]),
        ("session/left", vec![P::RoomLeft { room: RoomId(1) }]),
    ]
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

fn joined(room: u32, name: &str, own: u8, members: Vec<Member>, event: u64, batch: u64) -> ServerPacket {
    ServerPacket::Joined(Joined {
        room: RoomId(room),
        title: title(name),
        seats: SeatCount::new(10).unwrap(),
        board: BoardSize::new(8, 8).unwrap(),
        seat: seat(own),
        members: members.try_into().unwrap(),
        incarnation: 1,
        event,
        batch,
    })
}

/// Moves from (seat, x, y, seq).
fn moves(event: u64, batch: u64, steps: &[(u8, u8, u8, u32)]) -> Moves {
    let (positions, acks): (Vec<_>, Vec<_>) = steps
        .iter()
        .map(|&(index, x, y, seq)| {
            (Position { seat: seat(index), cell: Cell { x, y } }, Ack { seat: seat(index), seq })
        })
        .unzip();
    Moves { event, batch, positions: positions.try_into().unwrap(), acks: acks.try_into().unwrap() }
}

fn member(index: u8, name: &str, x: u8, y: u8) -> Member {
    Member { seat: seat(index), name: Name::new(name).unwrap(), cell: Cell { x, y } }
}

fn room_info(id: u32, name: &str, taken: u8, seats: u8) -> RoomInfo {
    RoomInfo { room: RoomId(id), title: title(name), taken, seats: SeatCount::new(seats).unwrap() }
}

fn title(text: &str) -> RoomTitle {
    RoomTitle::new(text).unwrap()
}

fn seat(index: u8) -> Seat {
    Seat::new(index).unwrap()
}
