//! One of ten stops reading. The other nine do not feel it, and it is gone soon.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_client::{Client, ClientError, Room};
use malpan_e2e::{MemoryServer, TestServer, payload, to_the_end, within};
use malpan_net::{CloseReason, Count};
use malpan_protocol::{Direction, JoinTarget, KickReason, LeaveReason, Left, Name, Seat, ServerPacket, SignalTarget};
use std::time::Duration;
use tokio::{
    io::DuplexStream,
    net::{TcpSocket, TcpStream},
    time::{Instant, interval_at, sleep, sleep_until},
};

const PLAYERS: u8 = 10;
const STEP_EVERY: Duration = Duration::from_millis(100);
const SIGNAL_EVERY: Duration = Duration::from_millis(200);
/// Of which nothing is sent in the last second: all that was sent arrives.
const STRETCH: Duration = Duration::from_secs(8);
const STEPS: u32 = 70;
const SIGNALS: u32 = 35;

/// When the player on `seat` is due to send its first; everyone in a phase of their own.
fn phase(seat: Seat) -> Duration {
    Duration::from_millis(3 + 7 * seat.index() as u64)
}

/// What one of the nine felt.
struct Felt {
    latencies: Vec<Duration>,
    left: Vec<Left>,
}

/// Plays for the stretch that begins at `start`, if it plays, and notes how long after its due time everything arrives.
async fn feel(mut client: Client<DuplexStream>, mut view: Room, start: Instant, plays: bool) -> Felt {
    let own = phase(view.own_seat().unwrap());
    let mut steps = interval_at(start + own, STEP_EVERY);
    let mut signals = interval_at(start + own, SIGNAL_EVERY);
    let (mut stepped, mut signalled) = (0, 0);
    let mut felt = Felt { latencies: Vec::new(), left: Vec::new() };
    loop {
        tokio::select! {
            packet = client.next() => {
                let packet = packet.unwrap();
                view.apply(&packet).unwrap();
                let late = |seat, number, every| Instant::now() - (start + phase(seat) + every * number);
                match packet {
                    ServerPacket::Updates(moves) => {
                        felt.latencies.extend(moves.acks.iter().map(|ack| late(ack.seat, ack.seq - 1, STEP_EVERY)));
                    }
                    ServerPacket::Signal(signal) => {
                        let number = u32::from(signal.payload.as_bytes()[0]);
                        felt.latencies.push(late(signal.seat, number, SIGNAL_EVERY));
                    }
                    ServerPacket::Left(left) => felt.left.push(left),
                    ServerPacket::Refused(_) | ServerPacket::Snapshot(_) => panic!("{packet:?}"),
                    _ => {}
                }
            }
            _ = steps.tick(), if plays && stepped < STEPS => {
                client.step([Direction::Right, Direction::Left][stepped as usize % 2]).unwrap();
                stepped += 1;
            }
            _ = signals.tick(), if plays && signalled < SIGNALS => {
                client.signal(SignalTarget::Room, payload(&[u8::try_from(signalled).unwrap(); 200])).unwrap();
                signalled += 1;
            }
            () = sleep_until(start + STRETCH) => {
                assert_eq!(view.skipped_batches(), 0);
                return felt;
            }
        }
    }
}

/// Ten in a room, of whom nine play and the last only looks on; or does not even that, where `stops` is set. Returns the
/// 99th percentile of what the nine felt.
async fn stretch(stops: bool) -> Duration {
    let mut config = malpan_e2e::without_grace();
    // Far enough apart for all to step to and fro.
    config.game.board = "64x64".parse().unwrap();
    let limits = config.limits.clone();
    let mut server = MemoryServer::new(config, 2);
    let mut players = Vec::new();
    for index in 0..PLAYERS {
        players.push(server.player(&format!("p{index}")).await.unwrap());
    }
    let last = server.newest_session().unwrap();
    let (mut looker, mut looker_view) = players.pop().unwrap();
    let seat = looker_view.own_seat().unwrap();
    let start = Instant::now() + Duration::from_millis(10);
    let nine: Vec<_> =
        players.into_iter().map(|(client, view)| tokio::spawn(feel(client, view, start, true))).collect();
    if stops {
        let (mut most_messages, mut most_bytes) = (0, 0);
        while last.close_reason().is_none() {
            sleep(Duration::from_millis(1)).await;
            let (messages, bytes) = last.backlog();
            (most_messages, most_bytes) = (most_messages.max(messages), most_bytes.max(bytes));
        }
        assert!(Instant::now() < start + STRETCH / 2, "it is gone before the stretch is half over");
        assert_eq!(last.close_reason(), Some(CloseReason::SlowConsumer));
        assert!((limits.lag_messages..=limits.queue_messages).contains(&most_messages), "{most_messages} messages");
        assert!(most_bytes <= limits.queue_bytes, "{most_bytes} bytes");
        sleep(Duration::from_millis(100)).await;
        assert_eq!(server.host().seats_taken(), usize::from(PLAYERS) - 1);
        // It reads again: what was on the way, without a gap, and the reason.
        let (packets, end) = to_the_end(&mut looker).await;
        let (kicked, before) = packets.split_last().unwrap();
        assert_eq!(kicked, &ServerPacket::Kicked { reason: KickReason::SlowConsumer });
        assert!(matches!(end, ClientError::Closed), "{end:?}");
        before.iter().for_each(|packet| looker_view.apply(packet).unwrap());
        // The seat is free for another.
        let mut next = server.guest("next").await.unwrap();
        let joined = next.join(JoinTarget::Room(looker_view.id())).await.unwrap();
        assert_eq!((joined.seat.unwrap(), joined.members.len()), (seat, usize::from(PLAYERS)));
    } else {
        assert_eq!(feel(looker, looker_view, start, false).await.left, []);
    }
    let mut latencies = Vec::new();
    for one in nine {
        let felt = one.await.unwrap();
        // Nobody of the nine missed anything, and all saw who left, and why, and then the one who came and went.
        let sent = u32::from(PLAYERS - 1) * (STEPS + SIGNALS);
        assert_eq!(felt.latencies.len(), sent as usize);
        let left: Vec<_> = felt.left.iter().map(|left| (left.seat, left.reason)).collect();
        let expected = [(seat, LeaveReason::Kicked), (seat, LeaveReason::Disconnected)];
        assert_eq!(left, if stops { &expected[..] } else { &[] });
        latencies.extend(felt.latencies);
    }
    latencies.sort_unstable();
    latencies[latencies.len() * 99 / 100]
}

#[tokio::test(start_paused = true)]
async fn the_others_do_not_feel_it() {
    let (without, with) = (stretch(false).await, stretch(true).await);
    // A tick at the most, and something is felt at all.
    assert!((Duration::from_millis(5)..=Duration::from_millis(35)).contains(&without), "{without:?}");
    let bound = without.mul_f64(1.1).max(without + Duration::from_millis(3));
    assert!(with <= bound, "p99 {with:?} with a stopped reader, {without:?} without");
}

/// As few bytes on the way as the system allows.
async fn stopped_reader(server: &TestServer, room: JoinTarget) -> Client<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(server.address().parse().unwrap()).await.unwrap();
    let mut client = Client::handshake(stream, &malpan_client::ConnectOptions::default()).await.unwrap();
    client.sign_in_guest(Name::new("stopped").unwrap()).await.unwrap();
    client.join(room).await.unwrap();
    client
}

/// Sends and hears one signal of everybody's, each round, so that nobody but the stopped reader can be behind; returns
/// whether it is gone.
async fn round(players: &mut [(Client, Room)], number: u8) -> Option<Left> {
    let mut gone = None;
    for (client, _) in players.iter_mut() {
        client.signal(SignalTarget::Room, payload(&[number; 256])).unwrap();
        client.flush().await.unwrap();
    }
    let count = players.len();
    for (client, view) in players {
        let mut heard = 0;
        while heard < count {
            let packet = client.next().await.unwrap();
            view.apply(&packet).unwrap();
            match packet {
                ServerPacket::Signal(signal) => {
                    assert_eq!(signal.payload, payload(&[number; 256]));
                    heard += 1;
                }
                ServerPacket::Left(left) => gone = Some(left),
                ServerPacket::Entered(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    gone
}

/// Bytes that were sent to a stopped reader until it was cut off, with a send buffer of this size.
async fn bytes_until_cut(send_buffer_bytes: usize) -> u64 {
    let server = TestServer::start(|config| {
        config.game.tick = Duration::ZERO;
        config.limits.packets_per_second = 10_000;
        config.limits.signals_per_second = 10_000;
        config.limits.send_buffer_bytes = send_buffer_bytes;
    })
    .unwrap();
    let mut players = Vec::new();
    for index in 0..PLAYERS - 1 {
        players.push(server.player(&format!("p{index}")).await.unwrap());
    }
    let mut stopped = stopped_reader(&server, JoinTarget::Room(players[0].1.id())).await;
    let mut left = None;
    // A thousand rounds fill what a system can hold, several times.
    for number in (0..=u8::MAX).cycle().take(5000) {
        left = within(round(&mut players, number)).await;
        if left.is_some() {
            break;
        }
    }
    let left = left.expect("it is cut off");
    assert_eq!(left.reason, LeaveReason::Kicked);
    // The others play on, and the seat is free.
    assert_eq!(within(round(&mut players, 0)).await, None);
    assert_eq!(server.host().seats_taken(), usize::from(PLAYERS) - 1);
    assert_eq!(server.counters().value(Count::SlowConsumers), 1);
    // What was on the way can still be read; whether the last word comes is the system's affair.
    let _ = to_the_end(&mut stopped).await;
    stopped.traffic().0
}

#[tokio::test]
async fn over_sockets_it_is_cut_off_and_the_others_have_everything() {
    let (small, large) = (bytes_until_cut(16_384).await, bytes_until_cut(1 << 20).await);
    assert!(small * 2 < large, "{small} bytes with a small send buffer, {large} with a large one");
}
