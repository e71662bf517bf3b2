//! What a room takes from the heap while it plays: nothing for a step that arrives, and at most four allocations for a
//! flush, however many members it has. The production sessions and rooms, over real sockets, on this one thread;
//! the clients below only move bytes, so that all that is counted is the server's.
#![allow(clippy::unwrap_used, reason = "a test")]

use allocation_counter::measure;
use bytes::BytesMut;
use malpan_net::{Admission, AdmissionLimits, Settings, Shard};
use malpan_protocol::{
    BoardSize, ClientCodec, ClientPacket, Direction, JoinTarget, Name, Packet, ServerPacket, SoftwareName, VersionRange,
};
use malpan_server::{Host, config::Config};
use std::{
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};
use tokio::runtime::{Handle, Runtime};
use tokio_util::codec::Decoder;

/// Rounds before anything is counted: buffers reach their size, and the queues' blocks go round.
const WARM_UP: u32 = 400;
const ROUNDS: u32 = 200;
/// What `Runtime::block_on` allocates, whatever it runs.
const RUNTIME_ENTRY: u64 = 2;

struct Table {
    runtime: Runtime,
    shard: Shard,
    members: Vec<TcpStream>,
    seq: u32,
}

/// What one measured stretch of play was.
#[derive(Debug)]
struct Play {
    allocations: u64,
    flushes: u64,
    steps: u64,
}

impl Table {
    /// One room with `count` members, who have moved for a while.
    fn of(count: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut config = Config::default();
        config.game.board = BoardSize::new(64, 64).unwrap();
        config.game.tick = Duration::ZERO;
        config.limits.packets_per_second = 10_000;
        config.limits.steps_per_second = 10_000;
        config.limits.step_burst = 10_000;
        let settings = Settings { sweep_interval: Duration::from_secs(3600), ..Settings::default() };
        let (shard, members) = runtime.block_on(async {
            let shard = Shard::new(0, Handle::current(), settings, Arc::default());
            let host = Host::new(config);
            let limits = AdmissionLimits { sessions: 10, pending: 10, per_address: 10, exempt: Arc::new(|_| true) };
            let admission = Admission::new(limits);
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let mut members = Vec::new();
            for index in 0..count {
                let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                let (stream, peer) = listener.accept().unwrap();
                stream.set_nonblocking(true).unwrap();
                client.set_nonblocking(true).unwrap();
                client.set_nodelay(true).unwrap();
                let stream = tokio::net::TcpStream::from_std(stream).unwrap();
                shard.open(stream, peer, host.clone(), admission.admit(peer.ip()).unwrap());
                members.push(sit_down(client, index).await);
            }
            (shard, members)
        });
        let mut table = Self { runtime, shard, members, seq: 0 };
        table.play(WARM_UP, 1);
        table.play(WARM_UP / 4, 8);
        table
    }

    /// Plays `rounds`: in each, the first member takes `steps` steps at once, and everyone hears of it.
    fn play(&mut self, rounds: u32, steps: u32) -> Play {
        // Encoded beforehand: what the clients allocate is not the server's.
        let frames: Vec<BytesMut> = (0..rounds).map(|_| self.next_steps(steps)).collect();
        let (runtime, members) = (&self.runtime, &mut self.members);
        let mut flushes = 0;
        let info = measure(|| {
            runtime.block_on(async {
                for frame in &frames {
                    members[0].write_all(frame).unwrap();
                    flushes += hear(members, steps).await;
                }
            });
        });
        Play { allocations: info.count_total, flushes, steps: u64::from(rounds * steps) }
    }

    /// There and back again, so that every step is legal.
    fn next_steps(&mut self, count: u32) -> BytesMut {
        let mut bytes = BytesMut::new();
        for _ in 0..count {
            self.seq += 1;
            let direction = if self.seq % 2 == 1 { Direction::Down } else { Direction::Up };
            malpan_e2e::step(self.seq, direction).encode_frame(&mut bytes).unwrap();
        }
        bytes
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.members.clear();
        self.runtime.block_on(self.shard.finished());
    }
}

async fn sit_down(mut client: TcpStream, index: usize) -> TcpStream {
    let mut asked = BytesMut::new();
    let software = SoftwareName::new("test").unwrap();
    let packets = [
        ClientPacket::Hello { versions: VersionRange::SUPPORTED, client: software },
        ClientPacket::Guest { name: Name::new(&format!("p{index}")).unwrap() },
        ClientPacket::Join { target: JoinTarget::Any },
    ];
    packets.iter().for_each(|packet| packet.encode_frame(&mut asked).unwrap());
    client.write_all(&asked).unwrap();
    let mut heard = BytesMut::new();
    loop {
        let mut space = [0; 4096];
        match client.read(&mut space) {
            Ok(count) => heard.extend_from_slice(&space[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => tokio::time::sleep(Duration::from_millis(1)).await,
            Err(error) => panic!("{error}"),
        }
        while let Some(packet) = ClientCodec::new().decode(&mut heard).unwrap() {
            if matches!(packet, ServerPacket::Joined(_)) {
                return client;
            }
        }
    }
}

/// Waits until every member was told of `steps` steps; returns in how many flushes. Allocates nothing.
async fn hear(members: &mut [TcpStream], steps: u32) -> u64 {
    let mut flushes = 0;
    for (index, member) in members.iter_mut().enumerate() {
        let mut told = 0;
        while told < steps {
            let mut space = [0; 4096];
            match member.read(&mut space) {
                Ok(count) => {
                    let (moves, batches) = count_moves(&space[..count]);
                    told += moves;
                    flushes += if index == 0 { batches } else { 0 };
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(told, steps);
    }
    flushes
}

/// The positions and the batches in these bytes, read by hand: a decoder's lists would be counted. Whole frames
/// arrive, for they are small and written at once; a batch's header is three varints, of which the last is the length of
/// the positions, then three bytes a position.
fn count_moves(mut bytes: &[u8]) -> (u32, u64) {
    const UPDATES: u8 = 7;
    let (mut moves, mut batches) = (0, 0);
    while let [low, high, rest @ ..] = bytes {
        let (payload, after) = rest.split_at(usize::from(u16::from_le_bytes([*low, *high])));
        // Whoever came first still hears of the others' coming.
        if payload[0] == UPDATES {
            let varint = |at: usize| if payload[at] == 251 { 3 } else { 1 };
            let batch = 1 + varint(1);
            moves += u32::from(payload[batch + varint(batch)]) / 3;
            batches += 1;
        }
        bytes = after;
    }
    (moves, batches)
}

#[test]
fn a_flush_allocates_at_most_four_times_and_a_step_not_at_all() {
    for members in [1, 10] {
        let mut table = Table::of(members);
        for steps in [1, 8] {
            let play = table.play(ROUNDS, steps);
            assert_eq!(play.steps, u64::from(ROUNDS * steps));
            assert!(play.flushes > 0 && play.flushes <= play.steps);
            // Two for each flush, which is one frame here (events are the other). Nothing is left for the steps and the
            // members, but what entering the runtime takes once.
            let most = 2 * play.flushes + RUNTIME_ENTRY;
            assert!(play.allocations <= most, "{members} members, {steps} steps at once: {play:?}");
        }
    }
}
