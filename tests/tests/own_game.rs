//! A game that the server does not come with, through the same rooms: its tick, its two classes of updates, what it may
//! not do; and rules that take long, with and without threads of their own.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_client::{Client, ClientError, Room, View};
use malpan_e2e::{TestServer, line, within};
use malpan_game::{Effects, Game};
use malpan_protocol::{
    ClientPacket, CommandBytes, DenialCode, GameName, JoinTarget, KickReason, RefusalReason, Refused, Seat,
    ServerPacket, UpdateBytes,
};
use malpan_server::{Games, config::Config};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

const LAB: GameName = GameName::constant("lab");
const SLOW: Duration = Duration::from_millis(200);

/// Says back what it is told, in either class, and whatever else a test wants.
#[derive(Default)]
struct Lab {
    ticks: u32,
    trapped: bool,
    said: Vec<Said>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Order {
    Event(u32),
    Latest(u32),
    Both(u32),
    /// The other way round.
    BothTurned(u32),
    Nothing,
    /// Whoever leaves from now on meets a fault.
    Trap,
    /// Takes its time.
    Think,
    /// Says more than fits.
    Shout,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Said {
    Tick(u32),
    Number(u32),
    Noise(Vec<u8>),
}

impl Game for Lab {
    const NAME: GameName = LAB;
    const TICK: Option<Duration> = Some(Duration::from_millis(50));
    const WATCHABLE: bool = false;
    type Command = Order;
    type Update = Said;
    type Refusal = ();
    type Snapshot = Vec<Said>;
    type Saved = ();

    fn take_seat(&mut self, _: Duration, _: Seat) -> Effects<Said> {
        Effects::none()
    }

    fn leave_seat(&mut self, _: Duration, _: Seat) -> Effects<Said> {
        assert!(!self.trapped, "a fault, as a test wants it");
        Effects::none()
    }

    fn apply(&mut self, _: Duration, _: Seat, order: Order) -> Result<Effects<Said>, ()> {
        let effects = match order {
            Order::Event(number) => Effects::event(Said::Number(number)),
            Order::Latest(number) => Effects::latest(Said::Number(number)),
            Order::Both(number) => Effects::event(Said::Number(number)).and_latest(Said::Number(number + 1)),
            Order::BothTurned(number) => Effects::latest(Said::Number(number)).and_event(Said::Number(number + 1)),
            Order::Nothing => Effects::none(),
            Order::Trap => {
                self.trapped = true;
                Effects::none()
            }
            Order::Think => {
                std::thread::sleep(SLOW);
                return Err(());
            }
            Order::Shout => Effects::event(Said::Noise(vec![7; UpdateBytes::MAX_BYTES])),
        };
        self.said.extend(effects.clone().into_updates());
        Ok(effects)
    }

    fn tick(&mut self, now: Duration) -> Effects<Said> {
        self.ticks += 1;
        assert!(now >= Self::TICK.unwrap() * self.ticks, "a tick is never early");
        if self.ticks > 3 {
            return Effects::none();
        }
        self.said.push(Said::Tick(self.ticks));
        Effects::event(Said::Tick(self.ticks))
    }

    fn snapshot(&self) -> Vec<Said> {
        self.said.clone()
    }
}

/// What was said so far.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard(Vec<Said>);

impl View for Heard {
    const GAME: GameName = LAB;
    type Update = Said;
    type State = Vec<Said>;

    fn new(state: Vec<Said>) -> Self {
        Self(state)
    }

    fn update(&mut self, update: Said) {
        self.0.push(update);
    }
}

fn lab(adjust: impl FnOnce(&mut Config)) -> TestServer {
    let games = |config: &Config| Games::board(&config.game).with(2, |_| Lab::default());
    TestServer::start_with(adjust, games).unwrap()
}

async fn join(server: &TestServer, name: &str) -> (Client, Room<Heard>) {
    let mut client = within(server.guest(name)).await.unwrap();
    let room = Room::new(&within(client.join(JoinTarget::AnyOf(LAB))).await.unwrap()).unwrap();
    (client, room)
}

/// Takes in packets until `done` says so of one; returns what was acknowledged, in order.
async fn hear(client: &mut Client, room: &mut Room<Heard>, done: impl Fn(&ServerPacket) -> bool) -> Vec<u32> {
    let mut acks = Vec::new();
    loop {
        let packet = within(client.next()).await.unwrap();
        room.apply(&packet).unwrap();
        match &packet {
            ServerPacket::Happened(happened) => acks.extend(happened.ack.map(|ack| ack.seq)),
            ServerPacket::Updates(updates) => acks.extend(updates.acks.iter().map(|ack| ack.seq)),
            _ => {}
        }
        if done(&packet) {
            return acks;
        }
    }
}

fn is_chat(packet: &ServerPacket) -> bool {
    matches!(packet, ServerPacket::Chat(_))
}

#[tokio::test]
async fn events_and_latest_keep_their_order_and_each_command_is_acknowledged_once() {
    let server = lab(|config| config.game.tick = Duration::from_millis(300));
    let (mut one, mut view) = join(&server, "one").await;
    let (mut other, mut other_view) = join(&server, "other").await;
    let orders = [
        Order::Latest(1),
        Order::Latest(2),
        Order::Event(3),
        Order::Nothing,
        Order::Latest(4),
        Order::Both(5),
        Order::BothTurned(7),
        Order::Event(9),
    ];
    let seqs: Vec<_> = orders.iter().map(|order| one.command(order).unwrap()).collect();
    one.chat(line("done")).unwrap();
    let mut acks = hear(&mut one, &mut view, is_chat).await;
    hear(&mut other, &mut other_view, is_chat).await;
    acks.sort_unstable();
    assert_eq!(acks, seqs);
    let numbers = |view: &Room<Heard>| -> Vec<u32> {
        view.view().0.iter().filter_map(|said| if let Said::Number(n) = said { Some(*n) } else { None }).collect()
    };
    assert_eq!(numbers(&view), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    // Whoever comes later finds the same.
    within(other.leave()).await.unwrap();
    let late = join(&server, "late").await.1;
    assert_eq!(numbers(&late), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[tokio::test]
async fn ticks_come_without_a_command() {
    let server = lab(|_| {});
    let (mut client, mut view) = join(&server, "one").await;
    let third = |packet: &ServerPacket| match packet {
        ServerPacket::Happened(happened) => {
            assert_eq!(happened.ack, None);
            happened.updates.values().any(|said| said == Ok(Said::Tick(3)))
        }
        _ => false,
    };
    hear(&mut client, &mut view, third).await;
    assert_eq!(view.view().0, [1, 2, 3].map(Said::Tick));
}

#[tokio::test]
async fn a_command_that_is_none_of_the_game_closes_its_connection_alone() {
    let server = lab(|_| {});
    let (mut rude, _) = join(&server, "rude").await;
    let (mut other, mut view) = join(&server, "other").await;
    rude.send(&ClientPacket::Command { seq: 1, command: CommandBytes::of(&99u8).unwrap() }).unwrap();
    let (packets, end) = malpan_e2e::to_the_end(&mut rude).await;
    let last = packets.last().unwrap();
    assert!(matches!(last, ServerPacket::Denied(denial) if denial.code == DenialCode::Malformed), "{packets:?}");
    assert!(matches!(end, ClientError::Closed));
    hear(&mut other, &mut view, |packet| matches!(packet, ServerPacket::Left(_))).await;
    other.command(&Order::Event(1)).unwrap();
    hear(&mut other, &mut view, |packet| matches!(packet, ServerPacket::Happened(h) if h.ack.is_some())).await;
}

#[tokio::test]
async fn a_game_that_says_too_much_ends_its_room_alone() {
    let server = lab(|_| {});
    let (mut loud, _) = join(&server, "loud").await;
    let (mut walker, _) = within(server.player("walker")).await.unwrap();
    loud.command(&Order::Shout).unwrap();
    let (packets, _) = malpan_e2e::to_the_end(&mut loud).await;
    assert_eq!(packets.last(), Some(&ServerPacket::Kicked { reason: KickReason::RoomFailed }));
    walker.chat(line("still here")).unwrap();
    malpan_e2e::expect(&mut walker, |packet| is_chat(packet).then_some(())).await.unwrap();
}

#[tokio::test]
async fn whoever_leaves_a_room_that_fails_by_it_is_told_as_everyone() {
    let server = lab(|_| {});
    let (mut leaver, _) = join(&server, "leaver").await;
    let (mut other, _) = join(&server, "other").await;
    leaver.command(&Order::Trap).unwrap();
    assert!(matches!(within(leaver.leave()).await, Err(ClientError::Kicked(KickReason::RoomFailed))));
    let (packets, _) = malpan_e2e::to_the_end(&mut other).await;
    assert_eq!(packets.last(), Some(&ServerPacket::Kicked { reason: KickReason::RoomFailed }));
    assert_eq!((server.host().rooms(), server.host().seats_taken()), (0, 0));
}

#[tokio::test]
async fn rules_that_cannot_even_be_made_cost_their_opener_the_connection_and_nobody_else() {
    let broken =
        |config: &Config| Games::board(&config.game).with(2, |_| -> Lab { panic!("a fault, as a test wants it") });
    let server = TestServer::start_with(|_| {}, broken).unwrap();
    for name in ["one", "two"] {
        let mut opener = within(server.guest(name)).await.unwrap();
        let joined = within(opener.join(JoinTarget::AnyOf(LAB))).await;
        assert!(matches!(joined, Err(ClientError::Kicked(KickReason::RoomFailed))), "{joined:?}");
    }
    within(server.player("walker")).await.unwrap();
    assert_eq!((server.host().rooms(), server.host().seats_taken()), (1, 1));
}

/// Ticks far more often than rooms flush, and says each time as much as may be said.
struct Chatter;

impl Game for Chatter {
    const NAME: GameName = GameName::constant("chatter");
    const TICK: Option<Duration> = Some(Duration::from_millis(2));
    type Command = ();
    type Update = Vec<u8>;
    type Refusal = ();
    type Snapshot = ();
    type Saved = ();

    fn take_seat(&mut self, _: Duration, _: Seat) -> Effects<Vec<u8>> {
        Effects::none()
    }

    fn leave_seat(&mut self, _: Duration, _: Seat) -> Effects<Vec<u8>> {
        Effects::none()
    }

    fn apply(&mut self, _: Duration, _: Seat, (): ()) -> Result<Effects<Vec<u8>>, ()> {
        Ok(Effects::none())
    }

    fn tick(&mut self, _: Duration) -> Effects<Vec<u8>> {
        // As long as the time between two ticks, so that one is always due.
        std::thread::sleep(Duration::from_millis(2));
        // Its length is three bytes.
        Effects::latest(vec![7; UpdateBytes::MAX_BYTES / 2 - 3])
    }

    fn snapshot(&self) {}
}

#[tokio::test]
async fn ticks_without_pause_that_say_all_they_may_neither_end_the_room_nor_keep_commands_out() {
    let chatter = |config: &Config| Games::board(&config.game).with(2, |_| Chatter);
    let slow_flush = |config: &mut Config| {
        config.game.tick = Duration::from_secs(1);
        config.rules_threads = 1;
    };
    let server = TestServer::start_with(slow_flush, chatter).unwrap();
    let mut client = within(server.guest("one")).await.unwrap();
    within(client.join(JoinTarget::AnyOf(Chatter::NAME))).await.unwrap();
    for batch in 1..=20 {
        client.flush().await.unwrap();
        let of_batch = |packet: &ServerPacket| match packet {
            ServerPacket::Updates(updates) if updates.batch >= batch => Some(()),
            ServerPacket::Kicked { reason } => panic!("{reason:?}"),
            _ => None,
        };
        malpan_e2e::expect(&mut client, of_batch).await.unwrap();
    }
    let seq = client.command(&()).unwrap();
    let done = |packet: &ServerPacket| match packet {
        ServerPacket::Updates(updates) => updates.acks.iter().any(|ack| ack.seq == seq).then_some(()),
        _ => None,
    };
    malpan_e2e::expect(&mut client, done).await.unwrap();
    within(client.leave()).await.unwrap();
}

#[tokio::test]
async fn a_room_that_thinks_does_not_keep_the_others_from_their_goodbye() {
    let server = lab(|config| config.rules_threads = 1);
    let (mut thinker, _) = join(&server, "thinker").await;
    let (mut walker, _) = within(server.player("walker")).await.unwrap();
    for _ in 0..10 {
        thinker.command(&Order::Think).unwrap();
    }
    within(thinker.flush()).await.unwrap();
    let stopping = Instant::now();
    let (heard, ()) = tokio::join!(malpan_e2e::to_the_end(&mut walker), server.stop());
    assert_eq!(heard.0.last(), Some(&ServerPacket::Kicked { reason: KickReason::Stopping }));
    // The goodbye has a second; the thoughts would take two.
    assert!(stopping.elapsed() < SLOW * 10, "{:?}", stopping.elapsed());
}

#[tokio::test]
async fn a_game_that_is_not_for_watching_is_not_watched() {
    let server = lab(|_| {});
    let (_client, room) = join(&server, "one").await;
    let mut curious = within(server.guest("curious")).await.unwrap();
    let denied = within(curious.watch(room.id())).await;
    assert!(matches!(&denied, Err(ClientError::Denied(d)) if d.code == DenialCode::NotWatchable), "{denied:?}");
}

#[tokio::test]
async fn a_room_with_slow_rules_gives_way_to_the_others_of_its_thread_between_two_of_them() {
    let server = lab(|config| config.rules_threads = 1);
    let (mut thinker, _) = join(&server, "thinker").await;
    let (mut walker, _) = within(server.player("walker")).await.unwrap();
    for _ in 0..6 {
        thinker.command(&Order::Think).unwrap();
    }
    within(thinker.flush()).await.unwrap();
    let refused = |wanted| {
        move |packet: &ServerPacket| {
            matches!(packet, ServerPacket::Refused(refused) if refused.seq == wanted).then_some(())
        }
    };
    malpan_e2e::expect(&mut thinker, refused(1)).await.unwrap();
    walker.chat(line("and I?")).unwrap();
    // Whichever of the two comes first: the second thought is being thought, and the third may be by a hair.
    tokio::select! {
        biased;
        heard = malpan_e2e::expect(&mut walker, |packet| is_chat(packet).then_some(())) => heard.unwrap(),
        thought = malpan_e2e::expect(&mut thinker, refused(5)) => panic!("three more thoughts came first: {thought:?}"),
    }
}

/// The longest of the pings of someone on the thinker's own shard, sent all the while five thoughts of 200 ms are thought.
async fn worst_ping(rules_threads: usize) -> Duration {
    let server = lab(|config| {
        config.shards = 1;
        config.rules_threads = rules_threads;
        config.limits.packets_per_second = 10_000;
    });
    let (mut thinker, _) = join(&server, "thinker").await;
    let mut other = within(server.guest("other")).await.unwrap();
    for _ in 0..5 {
        thinker.command(&Order::Think).unwrap();
    }
    within(thinker.flush()).await.unwrap();
    let thoughts = tokio::spawn(async move {
        for seq in 1..=5 {
            let refused = Refused { seq, why: RefusalReason::Rules(malpan_protocol::RefusalBytes::of(&()).unwrap()) };
            malpan_e2e::expect(&mut thinker, |packet| {
                (*packet == ServerPacket::Refused(refused.clone())).then_some(())
            })
            .await
            .unwrap();
        }
    });
    let mut worst = Duration::ZERO;
    for nonce in 0.. {
        if thoughts.is_finished() {
            break;
        }
        let sent = Instant::now();
        other.send(&ClientPacket::Ping { nonce }).unwrap();
        malpan_e2e::expect(&mut other, |packet| (*packet == ServerPacket::Pong { nonce }).then_some(())).await.unwrap();
        worst = worst.max(sent.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    thoughts.await.unwrap();
    worst
}

/// A promise in milliseconds, on a machine that others use, too: one try of ten has to keep it. Without the thread none
/// could, for each thought alone takes ten times as long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_rules_on_a_thread_of_their_own_hold_up_nobody_else() {
    let mut best = Duration::MAX;
    for _ in 0..10 {
        best = best.min(worst_ping(1).await);
        if best < Duration::from_millis(20) {
            return;
        }
    }
    panic!("the longest ping took {best:?} at best");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_rules_on_the_shard_hold_up_its_sessions() {
    let worst = worst_ping(0).await;
    assert!(worst >= SLOW / 2, "{worst:?}: without threads of their own the rules run between the packets");
}
