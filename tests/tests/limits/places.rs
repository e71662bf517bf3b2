//! How many there may be: connections in all, from one address and before they have signed in; and rooms.

use super::{config, denied};
use malpan_client::{ClientError, Connection};
use malpan_e2e::{MemoryServer, TestServer, name, within};
use malpan_net::{Admission, Count, Refusal};
use malpan_protocol::{DenialCode, JoinTarget, RoomTitle, SeatCount, ServerPacket};
use malpan_server::config::{Config, LimitsConfig};
use std::time::Duration;
use tokio::{net::TcpStream, time::sleep};

/// Connects where there is no place: the server says why without a question, and closes.
async fn is_refused(server: &TestServer, why: DenialCode) {
    let mut connection = Connection::new(TcpStream::connect(server.address()).await.unwrap());
    let packet = within(connection.next()).await.unwrap();
    assert!(matches!(&packet, ServerPacket::Denied(denial) if denial.code == why), "{packet:?}");
    assert!(matches!(within(connection.next()).await, Err(ClientError::Closed)));
    // Whoever asks first is told so in answer.
    assert_eq!(denied(within(server.connect()).await), why);
}

/// Waits until `count` of the places are taken.
async fn until(admission: &Admission, count: usize, taken: impl Fn(&Admission) -> usize) {
    let reached = async {
        while taken(admission) != count {
            sleep(Duration::from_millis(1)).await;
        }
    };
    within(reached).await;
}

fn start(adjust: impl FnOnce(&mut LimitsConfig)) -> TestServer {
    TestServer::start(|config: &mut Config| adjust(&mut config.limits)).unwrap()
}

#[tokio::test]
async fn a_full_server_says_so_and_has_a_place_again_when_someone_goes() {
    let server = start(|limits| limits.sessions = 3);
    let mut players = Vec::new();
    for index in 0..3 {
        players.push(within(server.player(&format!("p{index}"))).await.unwrap());
    }
    is_refused(&server, DenialCode::ServerFull).await;
    assert_eq!(server.counters().value(Count::RefusedFull), 2);
    drop(players.pop());
    until(server.admission(), 2, Admission::sessions).await;
    within(server.player("next")).await.unwrap();
}

#[tokio::test]
async fn only_so_many_may_not_have_signed_in() {
    let server = start(|limits| limits.unsigned = 2);
    // One has said hello, the other nothing.
    let mut greeted = within(server.connect()).await.unwrap();
    let silent = TcpStream::connect(server.address()).await.unwrap();
    until(server.admission(), 2, Admission::pending).await;
    is_refused(&server, DenialCode::TooManyUnsigned).await;
    assert_eq!(server.counters().value(Count::RefusedPending), 2);
    // A sign-in gives a place back, and so does going away.
    within(greeted.sign_in_guest(name("signed in"))).await.unwrap();
    let other = within(server.connect()).await.unwrap();
    is_refused(&server, DenialCode::TooManyUnsigned).await;
    drop(silent);
    until(server.admission(), 1, Admission::pending).await;
    within(server.guest("next")).await.unwrap();
    drop(other);
}

#[tokio::test]
async fn only_so_many_may_come_from_one_address_unless_it_is_exempt() {
    let server = start(|limits| (limits.sessions_per_address, limits.exempt_addresses) = (2, Vec::new()));
    let (first, _second) = (within(server.player("a")).await.unwrap(), within(server.player("b")).await.unwrap());
    is_refused(&server, DenialCode::AddressFull).await;
    assert_eq!(server.counters().value(Count::RefusedAddress), 2);
    drop(first);
    until(server.admission(), 1, Admission::sessions).await;
    within(server.player("c")).await.unwrap();

    // The loopback is exempt by default, or where it is named.
    let exempt = start(|limits| {
        limits.sessions_per_address = 2;
        limits.exempt_addresses = vec!["127.0.0.0/8".parse().unwrap()];
    });
    let mut players = Vec::new();
    for index in 0..5 {
        players.push(within(exempt.player(&format!("p{index}"))).await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn the_defaults_are_what_the_operator_reads() {
    let LimitsConfig { sessions, sessions_per_address, unsigned, .. } = LimitsConfig::default();
    let mut server = MemoryServer::new(malpan_e2e::without_grace(), 2);
    let mut streams: Vec<_> = (0..unsigned).map(|_| server.stream().unwrap()).collect();
    assert_eq!(server.stream().unwrap_err(), Refusal::PendingFull);
    streams.clear();
    until(server.admission(), 0, Admission::sessions).await;

    // More than one address may have, for the loopback is exempt.
    let mut guests = Vec::new();
    for index in 0..sessions {
        guests.push(server.guest(&format!("g{index}")).await.unwrap());
    }
    assert_eq!(server.stream().unwrap_err(), Refusal::Full);
    drop(guests.pop());
    until(server.admission(), sessions - 1, Admission::sessions).await;
    assert!(server.stream().is_ok());

    let mut server = MemoryServer::new(config(|limits| limits.exempt_addresses.clear()), 1);
    let _streams: Vec<_> = (0..sessions_per_address).map(|_| server.stream().unwrap()).collect();
    assert_eq!(server.stream().unwrap_err(), Refusal::AddressFull);
}

#[tokio::test(start_paused = true)]
async fn only_so_many_rooms_are_opened() {
    for rooms in [None, Some(2)] {
        let config = config(|limits| limits.rooms = rooms.unwrap_or(limits.rooms));
        let rooms = config.limits.rooms;
        let mut server = MemoryServer::new(config, 2);
        let (one_seat, title) = (SeatCount::new(1).unwrap(), RoomTitle::new("small").unwrap());
        let mut owners = Vec::new();
        for index in 0..rooms {
            let mut owner = server.guest(&format!("owner {index}")).await.unwrap();
            owner.open_room(None, title.clone(), Some(one_seat)).await.unwrap();
            owners.push(owner);
        }
        assert_eq!(server.host().rooms(), rooms);
        let mut late = server.guest("late").await.unwrap();
        assert_eq!(denied(late.open_room(None, title.clone(), None).await), DenialCode::TooManyRooms);
        assert_eq!(denied(late.join(JoinTarget::Any).await), DenialCode::TooManyRooms);
        // A denied request leaves nothing behind, and a room that ends makes place for another.
        assert_eq!((server.host().rooms(), server.host().seats_taken()), (rooms, rooms));
        owners[0].leave().await.unwrap();
        late.join(JoinTarget::Any).await.unwrap();
        assert_eq!(server.host().rooms(), rooms);
    }
}

#[tokio::test(start_paused = true)]
async fn only_so_many_watch_a_room() {
    for watchers in [None, Some(0), Some(2)] {
        let config = config(|limits| limits.watchers_per_room = watchers.unwrap_or(limits.watchers_per_room));
        let watchers = config.limits.watchers_per_room;
        let mut server = MemoryServer::new(config, 2);
        let (_player, room) = server.player("player").await.unwrap();
        let mut watching = Vec::new();
        for index in 0..watchers {
            let mut watcher = server.guest(&format!("watcher {index}")).await.unwrap();
            watcher.watch(room.id()).await.unwrap();
            watching.push(watcher);
        }
        let mut late = server.guest("late").await.unwrap();
        assert_eq!(denied(late.watch(room.id()).await), DenialCode::NotWatchable);
        // One who leaves, or whose connection ends, makes place for another.
        if let Some(mut first) = watching.pop() {
            first.leave().await.unwrap();
            late.watch(room.id()).await.unwrap();
            assert_eq!(denied(first.watch(room.id()).await), DenialCode::NotWatchable);
            drop(late);
            sleep(Duration::from_secs(3)).await;
            first.watch(room.id()).await.unwrap();
        }
    }
}
