//! What a packet costs to read and to write, what its game says included: `cargo bench -p malpan-protocol`.

use bytes::BytesMut;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use malpan_protocol::{
    game::board::{self, Position},
    *,
};
use std::hint::black_box;
use tokio_util::codec::Decoder;

/// Frames of one read from a client that sends many.
const BURST: u32 = 64;

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    let step = frames(&[step(70_000)]);
    group.bench_function("step", |b| decode_each(b, &step, read_command));
    let moves = frames(&[ServerPacket::Updates(moves(10))]);
    group.bench_function("moves of 10", |b| decode_each(b, &moves, read_board));
    let joined = frames(&[joined()]);
    group.bench_function("joined, 10 members", |b| decode_each(b, &joined, read_board));

    let burst = frames(&(0..BURST).map(|i| step_or_chat(70_000 + i)).collect::<Vec<_>>());
    group.throughput(Throughput::Elements(BURST.into()));
    group.bench_function("burst of 64", |b| decode_each(b, &burst, read_command));
    group.finish();
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    let mut out = BytesMut::with_capacity(4096);
    for (name, count) in [("moves of 4", 4), ("moves of 10", 10)] {
        // As a room does it: one packet, filled again for each batch.
        let mut packet = ServerPacket::Updates(moves(count));
        group.bench_function(name, |b| {
            b.iter(|| {
                if let ServerPacket::Updates(batch) = &mut packet {
                    batch.updates.clear();
                    positions(black_box(count), &mut batch.updates);
                }
                out.clear();
                black_box(&packet).encode_frame(&mut out).expect("it fits");
            });
        });
    }
    let chat = ServerPacket::Chat(Chatted { event: 300, seat: seat(3), text: text() });
    group.bench_function("chat", |b| {
        b.iter(|| {
            out.clear();
            black_box(&chat).encode_frame(&mut out).expect("it fits");
        });
    });
    group.finish();
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);

/// Decodes all that `stream` holds, and has it read. Filling the buffer is not measured.
fn decode_each<P: Packet>(bencher: &mut criterion::Bencher<'_>, stream: &BytesMut, read: fn(&P)) {
    bencher.iter_batched_ref(
        || BytesMut::from(&stream[..]),
        |buffer| {
            let mut codec = Codec::<P, P>::new();
            while let Some(packet) = codec.decode(buffer).expect("frames that were just encoded") {
                read(black_box(&packet));
            }
        },
        BatchSize::SmallInput,
    );
}

fn read_command(packet: &ClientPacket) {
    if let ClientPacket::Command { command, .. } = packet {
        black_box(command.decode::<Direction>().expect("a step"));
    }
}

fn read_board(packet: &ServerPacket) {
    match packet {
        ServerPacket::Updates(batch) => batch.updates.values().for_each(|position| {
            black_box::<Position>(position.expect("a position"));
        }),
        ServerPacket::Joined(joined) => drop(black_box(joined.state.decode::<board::State>().expect("a board"))),
        _ => {}
    }
}

fn frames<P: Packet>(packets: &[P]) -> BytesMut {
    let mut out = BytesMut::new();
    for packet in packets {
        packet.encode_frame(&mut out).expect("it fits");
    }
    out
}

fn step(seq: u32) -> ClientPacket {
    ClientPacket::Command { seq, command: CommandBytes::of(&Direction::Left).expect("it fits") }
}

/// Steps mostly, as a busy client sends them.
fn step_or_chat(i: u32) -> ClientPacket {
    if i.is_multiple_of(16) { ClientPacket::Chat { text: text() } } else { step(i) }
}

fn moves(count: u8) -> Updates {
    let acks = (0..count).map(|i| Ack { seat: seat(i), seq: 70_000 + u32::from(i) });
    let mut updates = UpdateBytes::new();
    positions(count, &mut updates);
    Updates { event: 300, batch: 70_000, updates, acks: list(acks) }
}

fn positions(count: u8, row: &mut UpdateBytes) {
    for index in 0..count {
        row.push(&Position { seat: seat(index), cell: Cell { x: index, y: 7 } }).expect("it fits");
    }
}

fn joined() -> ServerPacket {
    let members =
        (0..10).map(|i| Member { seat: seat(i), name: Name::new(&format!("player-{i:04}")).expect("a valid name") });
    let positions = (0..10).map(|i| Position { seat: seat(i), cell: Cell { x: i % 8, y: i / 8 } });
    let state = board::State { size: BoardSize::new(8, 8).expect("a valid board"), positions: list(positions) };
    ServerPacket::Joined(Joined {
        room: RoomId(1234),
        title: RoomTitle::new("Room 1234").expect("a valid title"),
        seats: SeatCount::new(10).expect("a valid count"),
        game: GameName::BOARD,
        seat: Some(seat(9)),
        members: list(members),
        incarnation: 1,
        event: 300,
        batch: 70_000,
        state: StateBytes::of(&state).expect("it fits"),
    })
}

fn seat(index: u8) -> Seat {
    Seat::new(index).expect("a valid seat")
}

fn text() -> ChatText {
    ChatText::new("Is anyone going to move, or do we all stand here?").expect("a valid text")
}

fn list<T, const MAX: usize>(items: impl Iterator<Item = T>) -> List<T, MAX> {
    items.collect::<Vec<_>>().try_into().expect("few items")
}
