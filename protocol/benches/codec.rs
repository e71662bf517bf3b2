//! What a packet costs to read and to write: `cargo bench -p malpan-protocol`.

use bytes::BytesMut;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use malpan_protocol::*;
use std::hint::black_box;
use tokio_util::codec::Decoder;

/// Frames of one read from a client that sends many.
const BURST: u32 = 64;

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    let step = frames(&[step(70_000)]);
    group.bench_function("step", |b| decode_each::<ClientPacket>(b, &step));
    let moves = frames(&[ServerPacket::Moves(moves(10))]);
    group.bench_function("moves of 10", |b| decode_each::<ServerPacket>(b, &moves));
    let joined = frames(&[joined()]);
    group.bench_function("joined, 10 members", |b| decode_each::<ServerPacket>(b, &joined));

    let burst = frames(&(0..BURST).map(|i| step_or_chat(70_000 + i)).collect::<Vec<_>>());
    group.throughput(Throughput::Elements(BURST.into()));
    group.bench_function("burst of 64", |b| decode_each::<ClientPacket>(b, &burst));
    group.finish();
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    for (name, packet) in [
        ("moves of 4", ServerPacket::Moves(moves(4))),
        ("moves of 10", ServerPacket::Moves(moves(10))),
        ("chat", ServerPacket::Chat(Chatted { event: 300, seat: seat(3), text: text() })),
    ] {
        let mut out = BytesMut::with_capacity(4096);
        group.bench_function(name, |b| {
            b.iter(|| {
                out.clear();
                black_box(&packet).encode_frame(&mut out).expect("it fits");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);

/// Decodes all that `stream` holds. Filling the buffer is not measured.
fn decode_each<P: Packet>(bencher: &mut criterion::Bencher<'_>, stream: &BytesMut) {
    bencher.iter_batched_ref(
        || BytesMut::from(&stream[..]),
        |buffer| {
            let mut codec = Codec::<P, P>::new();
            while let Some(packet) = codec.decode(buffer).expect("frames that were just encoded") {
                black_box(packet);
            }
        },
        BatchSize::SmallInput,
    );
}

fn frames<P: Packet>(packets: &[P]) -> BytesMut {
    let mut out = BytesMut::new();
    for packet in packets {
        packet.encode_frame(&mut out).expect("it fits");
    }
    out
}

fn step(seq: u32) -> ClientPacket {
    ClientPacket::Step { seq, direction: Direction::Left }
}

/// Steps mostly, as a busy client sends them.
fn step_or_chat(i: u32) -> ClientPacket {
    if i.is_multiple_of(16) { ClientPacket::Chat { text: text() } } else { step(i) }
}

fn moves(count: u8) -> Moves {
    let positions = (0..count).map(|i| Position { seat: seat(i), cell: Cell { x: i, y: 7 } });
    let acks = (0..count).map(|i| Ack { seat: seat(i), seq: 70_000 + u32::from(i) });
    Moves { event: 300, batch: 70_000, positions: list(positions), acks: list(acks) }
}

fn joined() -> ServerPacket {
    let members = (0..10).map(|i| Member {
        seat: seat(i),
        name: Name::new(&format!("player-{i:04}")).expect("a valid name"),
        cell: Cell { x: i % 8, y: i / 8 },
    });
    ServerPacket::Joined(Joined {
        room: RoomId(1234),
        title: RoomTitle::new("Room 1234").expect("a valid title"),
        seats: SeatCount::new(10).expect("a valid count"),
        board: BoardSize::new(8, 8).expect("a valid board"),
        seat: seat(9),
        members: list(members),
        incarnation: 1,
        event: 300,
        batch: 70_000,
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
