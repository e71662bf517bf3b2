//! Someone reads too slowly: the bounds of the send queue, one by one, and the way back. In memory and in simulated time,
//! so each figure is exact.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_client::{Client, ClientError, Room};
use malpan_e2e::{MemoryServer, arrived, line, payload, to_the_end};
use malpan_net::{CloseReason, SessionHandle};
use malpan_protocol::{ClientPacket, Direction, KickReason, LeaveReason, ServerPacket, SignalTarget};
use malpan_server::config::{Config, LimitsConfig};
use std::time::Duration;
use tokio::{
    io::DuplexStream,
    time::{sleep, timeout},
};

/// Bytes that are on the way to the slow one, beside its queue.
const STREAM_BYTES: usize = 32;
const TURN: Duration = Duration::from_millis(50);

/// The defaults, and others.
fn configurations() -> [Config; 2] {
    [LimitsConfig::default(), changed()].map(|limits| {
        let limits = LimitsConfig {
            // So that nothing but the queue ends anyone.
            write_stall: Duration::from_secs(3600),
            packets_per_second: 10_000,
            signals_per_second: 10_000,
            chat_lines: 1000,
            resume_grace: Duration::ZERO,
            ..limits
        };
        Config { limits, ..Config::default() }
    })
}

fn changed() -> LimitsConfig {
    LimitsConfig {
        queue_messages: 20,
        queue_bytes: 40_000,
        lag_messages: 10,
        lag_bytes: 20_000,
        recovered_messages: 3,
        ..LimitsConfig::default()
    }
}

/// One who plays and one who has stopped reading, in one room.
struct Pair {
    server: MemoryServer,
    limits: LimitsConfig,
    player: Client<DuplexStream>,
    view: Room,
    slow: Client<DuplexStream>,
    slow_view: Room,
    slow_session: SessionHandle,
    steps: usize,
    left: Vec<LeaveReason>,
    /// Packets that reached the slow one, as far as they were looked at.
    snapshots: usize,
    lines: usize,
}

impl Pair {
    async fn new(config: Config) -> Self {
        let limits = config.limits.clone();
        let mut server = MemoryServer::new(config, 2);
        let (player, view) = server.player("player").await.unwrap();
        let (slow, slow_view) = server.player_over(STREAM_BYTES, "slow").await.unwrap();
        let slow_session = server.newest_session().unwrap();
        let (steps, left) = (0, Vec::new());
        let mut pair =
            Self { server, limits, player, view, slow, slow_view, slow_session, steps, left, snapshots: 0, lines: 0 };
        pair.turn().await;
        pair
    }

    /// Lets what was sent happen. The player reads; the slow one does not.
    async fn turn(&mut self) {
        self.player.flush().await.unwrap();
        sleep(TURN).await;
        for packet in arrived(&mut self.player).await.0 {
            self.view.apply(&packet).unwrap();
            if let ServerPacket::Left(left) = packet {
                assert_eq!(left.seat, self.slow_view.own_seat().unwrap());
                self.left.push(left.reason);
            }
        }
        let (messages, bytes) = self.backlog();
        assert!(messages <= self.limits.queue_messages, "{messages} messages wait");
        assert!(bytes <= self.limits.queue_bytes, "{bytes} bytes wait");
    }

    fn backlog(&self) -> (usize, usize) {
        self.slow_session.backlog()
    }

    /// To and fro, each step a batch of its own.
    async fn step(&mut self) {
        self.player.step([Direction::Right, Direction::Left][self.steps % 2]).unwrap();
        self.steps += 1;
        self.turn().await;
    }

    /// One event in a batch of its own.
    async fn chat(&mut self) {
        self.player.chat(line("an event")).unwrap();
        self.turn().await;
    }

    /// Steps until the slow one lags, and `more` steps, which it is not sent.
    async fn lag(&mut self, more: usize) {
        while self.backlog().0 < self.limits.lag_messages {
            self.step().await;
            assert!(self.steps < 500, "the backlog does not grow");
        }
        for _ in 0..more {
            self.step().await;
            assert_eq!(self.backlog().0, self.limits.lag_messages, "moves are left out from the lag bound on");
        }
    }

    /// Chats until the queue of the slow one is full: every event is queued.
    async fn fill(&mut self) {
        for waiting in self.limits.lag_messages + 1..=self.limits.queue_messages {
            self.chat().await;
            assert_eq!(self.backlog().0, waiting, "events are queued to the bound");
        }
        assert_eq!(self.slow_session.close_reason(), None);
        assert_eq!(self.left, []);
    }

    /// The slow one reads up to `count` packets, as far as there are any.
    async fn slow_reads(&mut self, count: usize) {
        for _ in 0..count {
            let Ok(packet) = timeout(Duration::from_millis(1), self.slow.next()).await else { return };
            self.slow_takes(&packet.unwrap());
        }
    }

    fn slow_takes(&mut self, packet: &ServerPacket) {
        // A missing event would be an error here.
        self.slow_view.apply(packet).unwrap();
        self.snapshots += usize::from(matches!(packet, ServerPacket::Snapshot(_)));
        self.lines += usize::from(matches!(packet, ServerPacket::Chat(_)));
    }

    fn both_see_the_same(&self) {
        assert_eq!(self.slow_view.pieces().collect::<Vec<_>>(), self.view.pieces().collect::<Vec<_>>());
        assert_eq!(self.slow_view.event(), self.view.event());
    }
}

#[tokio::test(start_paused = true)]
async fn moves_are_left_out_then_events_fill_the_queue_then_the_connection_ends() {
    for config in configurations() {
        let mut pair = Pair::new(config).await;
        pair.lag(30).await;
        pair.fill().await;
        pair.chat().await;
        assert_eq!(pair.slow_session.close_reason(), Some(CloseReason::SlowConsumer));
        assert_eq!(pair.left, [LeaveReason::Kicked], "the others see it at once");
        assert_eq!(pair.server.host().seats_taken(), 1, "and the seat is free");

        // Whoever reads again finds what was on the way, whole and without a gap, and why it ends.
        let (packets, end) = to_the_end(&mut pair.slow).await;
        let (last, before) = packets.split_last().unwrap();
        assert_eq!(last, &ServerPacket::Kicked { reason: KickReason::SlowConsumer });
        assert!(matches!(end, ClientError::Closed), "{end:?}");
        assert!(!before.is_empty());
        before.iter().for_each(|packet| pair.slow_takes(packet));
    }
}

#[tokio::test(start_paused = true)]
async fn one_who_recovers_in_a_quiet_room_has_every_event_and_one_snapshot() {
    for config in configurations() {
        let left_out = 30;
        let mut pair = Pair::new(config).await;
        pair.lag(left_out).await;
        pair.fill().await;
        // From here on nothing happens in the room.
        for _ in 0..20 {
            pair.slow_reads(10).await;
            pair.turn().await;
        }
        assert_eq!((pair.snapshots, pair.backlog()), (1, (0, 0)));
        assert_eq!(pair.lines, pair.limits.queue_messages - pair.limits.lag_messages, "no event is lost");
        assert_eq!(pair.slow_view.skipped_batches(), left_out as u64);
        pair.both_see_the_same();
        // And it goes on as if nothing had been.
        pair.step().await;
        pair.slow_reads(10).await;
        assert_eq!((pair.snapshots, pair.slow_view.skipped_batches()), (1, left_out as u64));
        pair.both_see_the_same();
    }
}

#[tokio::test(start_paused = true)]
async fn one_who_recovers_in_a_busy_room_has_one_snapshot_too() {
    for config in configurations() {
        let mut pair = Pair::new(config).await;
        pair.lag(5).await;
        // It reads a little before each step. As long as it lags, a step adds nothing to what waits for it.
        let mut lags = true;
        for _ in 0..100 {
            pair.slow_reads(3).await;
            pair.turn().await;
            let waiting = pair.backlog().0;
            pair.step().await;
            let queued = pair.backlog().0 > waiting;
            if lags && queued {
                // The snapshot may be among what waits.
                assert!(waiting <= pair.limits.recovered_messages + 1, "sent moves again while {waiting} waited");
                lags = false;
            }
            assert!(!lags || waiting > pair.limits.recovered_messages, "still lags although only {waiting} wait");
        }
        pair.slow_reads(1000).await;
        assert_eq!(pair.snapshots, 1);
        assert!(pair.slow_view.skipped_batches() >= 5);
        pair.both_see_the_same();
        assert_eq!(pair.left, []);
    }
}

#[tokio::test(start_paused = true)]
async fn the_bounds_in_bytes_hold_as_those_in_messages_do() {
    for config in configurations() {
        let mut pair = Pair::new(config).await;
        let LimitsConfig { lag_bytes, queue_bytes, lag_messages, .. } = pair.limits.clone();
        let mut largest = 0;
        loop {
            // A move is sent below the lag bound and left out above it.
            let before = pair.backlog();
            pair.step().await;
            if before.1 > 0 {
                assert_eq!(pair.backlog().0 - before.0, usize::from(before.1 < lag_bytes), "{before:?}");
            }
            // Many signals at once make one large frame.
            let before = pair.backlog();
            for _ in 0..30 {
                pair.player.signal(SignalTarget::Room, payload(&[1; 256])).unwrap();
            }
            pair.turn().await;
            if pair.slow_session.close_reason().is_some() {
                assert!(before.1 + largest > queue_bytes, "it ended too early: {before:?}");
                break;
            }
            largest = largest.max(pair.backlog().1 - before.1);
            assert!(pair.backlog().0 < lag_messages, "bytes are what binds here");
        }
        assert!(largest > 7000);
        assert_eq!(pair.slow_session.close_reason(), Some(CloseReason::SlowConsumer));
        assert_eq!(pair.left, [LeaveReason::Kicked]);
    }
}

#[tokio::test(start_paused = true)]
async fn echoes_and_pongs_are_dropped_for_one_who_lags() {
    for config in configurations() {
        let mut pair = Pair::new(config).await;
        pair.lag(0).await;
        let asked = |pair: &mut Pair| {
            pair.slow.send(&ClientPacket::Ping { nonce: 1 }).unwrap();
            pair.slow.signal(SignalTarget::Myself, payload(b"echo")).unwrap();
        };
        asked(&mut pair);
        // It speaks, but does not listen.
        pair.slow.flush().await.unwrap();
        pair.turn().await;
        assert_eq!(pair.backlog().0, pair.limits.lag_messages);
        for _ in 0..20 {
            pair.slow_reads(10).await;
            pair.turn().await;
        }
        asked(&mut pair);
        pair.slow.flush().await.unwrap();
        pair.turn().await;
        let (packets, _) = arrived(&mut pair.slow).await;
        let echo = ServerPacket::Echo { payload: payload(b"echo") };
        assert_eq!(packets, [ServerPacket::Pong { nonce: 1 }, echo], "and answered again when it has caught up");
    }
}
