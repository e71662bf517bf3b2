//! A panic in a game's rules, at each place where they are called.

use crate::{
    fragile::{FAULT, FRAGILE, Fragile, Place},
    is_scene, plays,
};
use malpan_client::{Client, ClientError};
use malpan_e2e::{TestServer, expect, line, to_the_end, within};
use malpan_protocol::{JoinTarget, KickReason, RoomId, ServerPacket};
use malpan_server::{
    Games,
    config::{AddressOrOff, Config},
};
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A room of the fragile game with two in it and one about to come, and someone on a board of the same shard.
struct Scene {
    server: TestServer,
    bystander: Client,
    pair: [Client; 2],
    late: Client,
    room: RoomId,
}

impl Scene {
    async fn new(drain: Duration) -> Self {
        let adjust = |config: &mut Config| {
            config.shards = 1;
            config.drain = drain;
            config.http = AddressOrOff::Address(([127, 0, 0, 1], 0).into());
        };
        let games = |config: &Config| Games::board(&config.game).with(10, |_| Fragile::default());
        let server = TestServer::start_with(adjust, games).unwrap();
        let (bystander, _) = within(server.player("bystander")).await.unwrap();
        let [mut ann, mut bob, late] =
            [guest(&server, "ann").await, guest(&server, "bob").await, guest(&server, "late").await];
        let room = within(ann.join(JoinTarget::AnyOf(FRAGILE))).await.unwrap().room;
        within(bob.join(JoinTarget::Room(room))).await.unwrap();
        Self { server, bystander, pair: [ann, bob], late, room }
    }

    /// From now on the rules panic there.
    async fn arm(&mut self, place: Place) {
        self.pair[0].command(&place).unwrap();
        within(self.pair[0].flush()).await.unwrap();
        // What comes behind it in the inbox comes later. At a place that is called at once, nothing more is answered.
        if matches!(place, Place::TakeSeat | Place::LeaveSeat | Place::Snapshot) {
            let done = |packet: &ServerPacket| matches!(packet, ServerPacket::Updates(_)).then_some(());
            expect(&mut self.pair[0], done).await.unwrap();
        }
    }

    /// Everyone in the room was told why it ended; nobody else felt it, and the game can be played again.
    async fn ended_alone(mut self) {
        for client in &mut self.pair {
            is_told(client).await;
        }
        self.bystander.chat(line("still here")).unwrap();
        let heard = |packet: &ServerPacket| matches!(packet, ServerPacket::Chat(_)).then_some(());
        expect(&mut self.bystander, heard).await.unwrap();
        let mut next = guest(&self.server, "next").await;
        let room = within(next.join(JoinTarget::AnyOf(FRAGILE))).await.unwrap().room;
        assert_ne!(room, self.room);
        let page = self.page().await;
        let has = |line: &str| assert!(page.lines().any(|found| found == line), "{line}: {page}");
        has("malpan_rooms_failed_total 1");
        has("malpan_rooms 2");
        has("malpan_seats_taken 2");
        has("malpan_sessions_closed_total{reason=\"panic\"} 0");
    }

    async fn page(&self) -> String {
        let mut stream = TcpStream::connect(self.server.http_address().unwrap()).await.unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: here\r\n\r\n").await.unwrap();
        let mut page = String::new();
        within(stream.read_to_string(&mut page)).await.unwrap();
        page
    }
}

async fn guest(server: &TestServer, name: &str) -> Client {
    within(server.guest(name)).await.unwrap()
}

async fn is_told(client: &mut Client) {
    let (packets, end) = to_the_end(client).await;
    assert_eq!(packets.last(), Some(&ServerPacket::Kicked { reason: KickReason::RoomFailed }), "{packets:?}");
    assert!(matches!(end, ClientError::Closed), "{end:?}");
}

/// What a panic of the rules is logged as: of the first room of the game, which is the second of the server.
fn assert_logged(test: &str) {
    plays(test, |line| {
        assert_eq!(line.message, "a panic ended the room");
        assert_eq!((line.field("room"), line.field("game")), ("2", "fragile"));
        line.tells_of(FAULT, "tests/panics/fragile.rs");
    });
}

#[tokio::test]
async fn in_a_command() {
    if !is_scene() {
        return assert_logged("rooms::in_a_command");
    }
    let mut scene = Scene::new(Duration::ZERO).await;
    scene.arm(Place::Apply).await;
    scene.ended_alone().await;
}

#[tokio::test]
async fn in_a_tick() {
    if !is_scene() {
        return assert_logged("rooms::in_a_tick");
    }
    let mut scene = Scene::new(Duration::ZERO).await;
    scene.arm(Place::Tick).await;
    scene.ended_alone().await;
}

#[tokio::test]
async fn where_a_seat_is_taken() {
    if !is_scene() {
        return assert_logged("rooms::where_a_seat_is_taken");
    }
    let mut scene = Scene::new(Duration::ZERO).await;
    scene.arm(Place::TakeSeat).await;
    let joined = within(scene.late.join(JoinTarget::Room(scene.room))).await;
    assert!(matches!(joined, Err(ClientError::Kicked(KickReason::RoomFailed))), "{joined:?}");
    scene.ended_alone().await;
}

#[tokio::test]
async fn where_a_seat_is_left() {
    if !is_scene() {
        return assert_logged("rooms::where_a_seat_is_left");
    }
    let mut scene = Scene::new(Duration::ZERO).await;
    scene.arm(Place::LeaveSeat).await;
    // Without a goodbye: the rules are called for whoever is gone, too.
    let mut third = guest(&scene.server, "third").await;
    within(third.join(JoinTarget::Room(scene.room))).await.unwrap();
    drop(third);
    scene.ended_alone().await;
}

#[tokio::test]
async fn in_the_picture_for_whoever_begins_to_watch() {
    if !is_scene() {
        return assert_logged("rooms::in_the_picture_for_whoever_begins_to_watch");
    }
    let mut scene = Scene::new(Duration::ZERO).await;
    scene.arm(Place::Snapshot).await;
    let watching = within(scene.late.watch(scene.room)).await;
    assert!(matches!(watching, Err(ClientError::Kicked(KickReason::RoomFailed))), "{watching:?}");
    scene.ended_alone().await;
}

#[tokio::test]
async fn where_the_rules_are_made() {
    if !is_scene() {
        return plays("rooms::where_the_rules_are_made", |line| {
            assert_eq!(line.message, "a panic ended the room");
            assert_eq!((line.field("room"), line.field("game")), ("1", "fragile"));
            line.tells_of("these rules cannot be made", "tests/panics/rooms.rs");
        });
    }
    let games =
        |config: &Config| Games::board(&config.game).with(2, |_| -> Fragile { panic!("these rules cannot be made") });
    let server = TestServer::start_with(|_| {}, games).unwrap();
    let mut opener = guest(&server, "opener").await;
    let joined = within(opener.join(JoinTarget::AnyOf(FRAGILE))).await;
    assert!(matches!(joined, Err(ClientError::Kicked(KickReason::RoomFailed))), "{joined:?}");
    assert_eq!((server.host().rooms(), server.host().seats_taken()), (0, 0));
    within(server.player("next")).await.unwrap();
}

/// The room ends while the server waits for its players to leave: there is nobody to wait for any more.
#[tokio::test]
async fn while_the_server_drains() {
    if !is_scene() {
        return assert_logged("rooms::while_the_server_drains");
    }
    let drain = Duration::from_secs(300);
    let Scene { server, mut bystander, mut pair, late, .. } = Scene::new(drain).await;
    let stopping = Instant::now();
    let stopped = tokio::spawn(server.stop());
    for client in pair.iter_mut().chain([&mut bystander]) {
        let told = |packet: &ServerPacket| matches!(packet, ServerPacket::Draining { .. }).then_some(());
        expect(client, told).await.unwrap();
    }
    within(bystander.leave()).await.unwrap();
    assert!(!stopped.is_finished(), "two are left");
    pair[0].command(&Place::Apply).unwrap();
    within(pair[0].flush()).await.unwrap();
    for client in &mut pair {
        is_told(client).await;
    }
    let goodbye = async {
        for mut client in [bystander, late] {
            let (packets, _) = to_the_end(&mut client).await;
            assert_eq!(packets.last(), Some(&ServerPacket::Kicked { reason: KickReason::Stopping }));
        }
    };
    within(async { tokio::join!(goodbye, async { stopped.await.unwrap() }) }).await;
    assert!(stopping.elapsed() < drain);
}

/// The last thing that a stopping server asks of the rules.
#[tokio::test]
async fn at_the_goodbye_of_a_stopping_server() {
    if !is_scene() {
        return assert_logged("rooms::at_the_goodbye_of_a_stopping_server");
    }
    let mut scene = Scene::new(Duration::ZERO).await;
    scene.arm(Place::LeaveSeat).await;
    let Scene { server, bystander, pair: [ann, bob], late, .. } = scene;
    let host = server.host().clone();
    let everyone = [bystander, ann, bob, late].map(|mut client| {
        tokio::spawn(async move {
            let (packets, _) = to_the_end(&mut client).await;
            assert_eq!(packets.last(), Some(&ServerPacket::Kicked { reason: KickReason::Stopping }));
        })
    });
    within(server.stop()).await;
    for one in everyone {
        one.await.unwrap();
    }
    assert_eq!((host.rooms(), host.seats_taken(), host.signed_in()), (0, 0, 0));
}
