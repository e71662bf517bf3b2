//! One flush of a room with ten members: from the bytes of four steps to ten writes. The production sessions, queues
//! and room; the streams below stand for sockets and cost next to nothing.
#![allow(missing_docs, clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a benchmark")]

use bytes::BytesMut;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use malpan_net::{Admission, Settings, Shard};
use malpan_protocol::{ClientPacket, CommandBytes, Direction, JoinTarget, Name, Packet, SoftwareName, VersionRange};
use malpan_server::{Host, admission_limits, config::Config};
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    runtime::{Handle, Runtime},
    task::yield_now,
};

const MEMBERS: usize = 10;
const STEPS: usize = 4;

/// A socket of which the bench holds the other end: bytes to read, and how many were written.
#[derive(Clone, Default)]
struct Socket(Arc<Mutex<Ends>>);

#[derive(Default)]
struct Ends {
    incoming: BytesMut,
    reader: Option<Waker>,
    writes: usize,
}

impl Socket {
    fn receive(&self, bytes: &[u8]) {
        let mut ends = self.0.lock().unwrap();
        ends.incoming.extend_from_slice(bytes);
        if let Some(reader) = ends.reader.take() {
            reader.wake();
        }
    }

    fn writes(&self) -> usize {
        self.0.lock().unwrap().writes
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut ends = self.0.lock().unwrap();
        if ends.incoming.is_empty() {
            ends.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        buffer.put_slice(&ends.incoming);
        ends.incoming.clear();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap().writes += 1;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Ten members around one board.
struct Table {
    runtime: Runtime,
    sockets: Vec<Socket>,
    flushes: usize,
}

impl Table {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut config = Config::default();
        config.game.board = "64x64".parse().unwrap();
        config.game.tick = Duration::ZERO;
        // As fast as it goes, yet every check is made.
        config.limits.packets_per_second = u16::MAX;
        config.limits.steps_per_second = u16::MAX;
        config.limits.step_burst = u16::MAX;
        let sockets = runtime.block_on(async {
            let settings = Settings { silence: None, ping_after: None, ..Settings::default() };
            let shard = Shard::new(0, Handle::current(), settings, Arc::default());
            let admission = Admission::new(admission_limits(&config));
            let host = Host::new(config);
            let mut sockets = Vec::new();
            for index in 0..MEMBERS {
                let socket = Socket::default();
                let peer = "127.0.0.1:1".parse().unwrap();
                shard.open(socket.clone(), peer, host.clone(), admission.admit([127, 0, 0, 1].into()).unwrap());
                socket.receive(&greeting(index));
                while host.seats_taken() <= index || socket.writes() == 0 {
                    yield_now().await;
                }
                sockets.push(socket);
            }
            for _ in 0..100 {
                yield_now().await;
            }
            sockets
        });
        Self { runtime, sockets, flushes: 0 }
    }

    /// `STEPS` members step at once; done when all ten were written to. They take turns, so that nobody steps faster
    /// than any limit allows.
    fn flush(&mut self) {
        let first = self.flushes * STEPS;
        self.flushes += 1;
        let sockets = &self.sockets;
        self.runtime.block_on(async {
            let before: Vec<_> = sockets.iter().map(Socket::writes).collect();
            for turn in first..first + STEPS {
                sockets[turn % MEMBERS].receive(&step(turn / MEMBERS));
            }
            while sockets.iter().zip(&before).any(|(socket, &before)| socket.writes() == before) {
                yield_now().await;
            }
        });
    }
}

/// A member's step number `turn`: there and back again, so that every step is legal.
fn step(turn: usize) -> BytesMut {
    let direction = if turn.is_multiple_of(2) { Direction::Down } else { Direction::Up };
    let mut bytes = BytesMut::new();
    let command = CommandBytes::of(&direction).unwrap();
    ClientPacket::Command { seq: turn as u32, command }.encode_frame(&mut bytes).unwrap();
    bytes
}

fn greeting(index: usize) -> BytesMut {
    let mut bytes = BytesMut::new();
    let packets = [
        ClientPacket::Hello { versions: VersionRange::SUPPORTED, client: SoftwareName::new("bench").unwrap() },
        ClientPacket::Guest { name: Name::new(&format!("p{index}")).unwrap() },
        ClientPacket::Join { target: JoinTarget::Any },
    ];
    packets.iter().for_each(|packet| packet.encode_frame(&mut bytes).unwrap());
    bytes
}

fn room(criterion: &mut Criterion) {
    let mut table = Table::new();
    let mut group = criterion.benchmark_group("room");
    group.throughput(Throughput::Elements((STEPS * MEMBERS) as u64));
    group.bench_function("four_steps_one_flush_ten_members", |bencher| bencher.iter(|| table.flush()));
    group.finish();
}

criterion_group!(benches, room);
criterion_main!(benches);
