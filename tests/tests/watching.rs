//! Watching a room without a seat.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_client::{Client, ClientError, Room};
use malpan_e2e::{MemoryServer, arrived, line, payload, step};
use malpan_protocol::{
    ClientPacket, DenialCode, Direction, JoinTarget, RoomFilter, RoomId, ServerPacket, SignalTarget,
};
use std::time::Duration;
use tokio::{io::DuplexStream, time::sleep};

struct Scene {
    server: MemoryServer,
    player: Client<DuplexStream>,
    room: Room,
    watcher: Client<DuplexStream>,
    view: Room,
}

impl Scene {
    async fn new() -> Self {
        let mut server = MemoryServer::new(malpan_e2e::without_grace(), 2);
        let (player, room) = server.player("player").await.unwrap();
        let mut watcher = server.guest("watcher").await.unwrap();
        let view = Room::new(&watcher.watch(room.id()).await.unwrap()).unwrap();
        assert_eq!((view.own_seat(), view.members().count()), (None, 1));
        Self { server, player, room, watcher, view }
    }

    /// Lets everything happen: with paused time, a sleep ends only when nothing else is left to do.
    async fn settle(&mut self) -> Vec<ServerPacket> {
        // An error means that the connection has ended, which what arrives says better.
        let _ = (self.player.flush().await, self.watcher.flush().await);
        sleep(Duration::from_millis(100)).await;
        arrived(&mut self.player).await.0.iter().for_each(|packet| self.room.apply(packet).unwrap());
        let (packets, end) = arrived(&mut self.watcher).await;
        assert!(end.is_none(), "{end:?}");
        packets.iter().for_each(|packet| self.view.apply(packet).unwrap());
        packets
    }
}

#[tokio::test(start_paused = true)]
async fn who_watches_sees_what_the_seated_see() {
    let mut scene = Scene::new().await;
    let _others = [scene.server.player("second").await.unwrap(), scene.server.player("third").await.unwrap()];
    for direction in Direction::ALL {
        scene.player.step(direction).unwrap();
    }
    scene.player.chat(line("hello")).unwrap();
    let packets = scene.settle().await;
    assert!(packets.iter().any(|packet| matches!(packet, ServerPacket::Chat(_))));
    assert_eq!(scene.view.pieces().collect::<Vec<_>>(), scene.room.pieces().collect::<Vec<_>>());
    assert_eq!((scene.view.event(), scene.view.skipped_batches()), (scene.room.event(), 0));
    let list = scene.player.list_rooms(RoomId(0), RoomFilter::All).await.unwrap();
    assert_eq!((list.rooms[0].taken, list.rooms[0].watchers), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn who_watches_has_no_part_in_the_room_and_the_conversation_goes_on() {
    let mut scene = Scene::new().await;
    let attempts = [
        step(1, Direction::Down),
        ClientPacket::Chat { text: line("hi") },
        ClientPacket::Signal { to: SignalTarget::Room, payload: payload(b"hi") },
        ClientPacket::Signal { to: SignalTarget::Myself, payload: payload(b"hi") },
    ];
    for packet in attempts {
        scene.watcher.send(&packet).unwrap();
        let packets = scene.settle().await;
        let [ServerPacket::Denied(denial)] = &packets[..] else { panic!("{packets:?}") };
        assert_eq!(denial.code, DenialCode::Watching);
    }
    assert_eq!(scene.room.event(), scene.view.event(), "the player heard nothing of it");
    // A watcher leaves, and then may sit down.
    assert_eq!(scene.watcher.leave().await.unwrap(), scene.room.id());
    let joined = scene.watcher.join(JoinTarget::Room(scene.room.id())).await.unwrap();
    assert_eq!(joined.members.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_closes_lets_its_watchers_go() {
    let mut scene = Scene::new().await;
    scene.player.leave().await.unwrap();
    let packets = scene.settle().await;
    assert_eq!(packets.last(), Some(&ServerPacket::RoomLeft { room: scene.room.id() }));
    assert_eq!(scene.server.host().rooms(), 0);
    // Whoever asked to leave just before that is not out of order.
    scene.watcher.send(&ClientPacket::Leave).unwrap();
    assert_eq!(scene.settle().await, []);
    let late = scene.watcher.watch(scene.room.id()).await;
    assert!(matches!(&late, Err(ClientError::Denied(denial)) if denial.code == DenialCode::NoSuchRoom), "{late:?}");
    scene.watcher.join(JoinTarget::Any).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_a_leave_the_next_room_can_be_entered_after_one_has_closed() {
    let mut scene = Scene::new().await;
    drop(scene.player);
    sleep(Duration::from_secs(3)).await;
    // `RoomLeft` has come unasked; what a join waits for is its own answer.
    let joined = scene.watcher.join(JoinTarget::Any).await.unwrap();
    assert_ne!(joined.room, scene.room.id());
    assert_eq!(scene.server.host().seats_taken(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_falls_behind_gets_one_snapshot_and_is_exact_again() {
    let mut config = malpan_e2e::without_grace();
    (config.limits.packets_per_second, config.limits.steps_per_second, config.limits.step_burst) = (1000, 1000, 1000);
    config.game.tick = Duration::ZERO;
    let mut server = MemoryServer::new(config, 1);
    let (mut player, mut room) = server.player("player").await.unwrap();
    let mut watcher = server.connect_over(256).await.unwrap();
    watcher.sign_in_guest(malpan_e2e::name("watcher")).await.unwrap();
    let mut view = Room::new(&watcher.watch(room.id()).await.unwrap()).unwrap();
    for turn in 0..151 {
        player.step([Direction::Right, Direction::Left][turn % 2]).unwrap();
        player.flush().await.unwrap();
        sleep(Duration::from_millis(2)).await;
        arrived(&mut player).await.0.iter().for_each(|packet| room.apply(packet).unwrap());
    }
    let mut snapshots = 0;
    for _ in 0..200 {
        let (packets, end) = arrived(&mut watcher).await;
        assert!(end.is_none(), "{end:?}");
        for packet in packets {
            view.apply(&packet).unwrap();
            snapshots += usize::from(matches!(packet, ServerPacket::Snapshot(_)));
        }
        sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(snapshots, 1);
    assert!(view.skipped_batches() > 0);
    assert_eq!(view.pieces().collect::<Vec<_>>(), room.pieces().collect::<Vec<_>>());
}
