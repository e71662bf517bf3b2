//! Who comes to a room in the moment in which it closes. The clock is paused and there is one thread: whatever several clients
//! have written is in the room's inbox before the room looks at it.

use crate::test_host::TestHost;
use malpan_client::{
    Client,
    protocol::{ClientPacket, DenialCode, JoinTarget, Name, PlayerId, Resumption, RoomPlan, RoomTitle, ServerPacket},
};
use std::time::Duration;
use tokio::{io::DuplexStream, time::timeout};

fn closes_at_once() -> TestHost {
    TestHost::new(|config| config.limits.empty_room_grace = Duration::ZERO)
}

async fn in_the_lobby(client: &mut Client<DuplexStream>) -> Vec<String> {
    let page = client.list_lobby(PlayerId(0)).await.unwrap();
    page.names.iter().map(|name| name.as_str().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn who_wanted_to_watch_is_in_the_lobby_again() {
    let server = closes_at_once();
    let (mut player, _) = server.guest("player").await;
    let (mut watcher, _) = server.guest("watcher").await;
    let room = player.join(JoinTarget::Any).await.unwrap().room;
    player.send(&ClientPacket::Leave).unwrap();
    watcher.send(&ClientPacket::Watch { room }).unwrap();
    player.flush().await.unwrap();
    watcher.flush().await.unwrap();
    let denied = loop {
        match watcher.next().await.unwrap() {
            ServerPacket::Denied(denial) => break denial,
            ServerPacket::Token { .. } => {}
            other => panic!("it was to come when the room had closed: {other:?}"),
        }
    };
    assert_eq!(denied.code, DenialCode::NoSuchRoom);
    assert!(denied.reason.as_str().ends_with("has just closed"), "{denied:?}");
    assert_eq!(in_the_lobby(&mut watcher).await, ["player", "watcher"]);
    watcher.join(JoinTarget::Any).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_comes_back_is_in_the_lobby() {
    let server = closes_at_once();
    let (mut owner, _) = server.guest("owner").await;
    let plan =
        RoomPlan { game: None, title: RoomTitle::new("short").unwrap(), seats: None, board: None, password: None };
    let room = owner.create_room(plan).await.unwrap().room;
    let (mut lost, _) = server.guest("lost").await;
    lost.join(JoinTarget::Room(room)).await.unwrap();
    let token = lost.token().unwrap().clone();
    drop(lost);
    while !matches!(owner.next().await.unwrap(), ServerPacket::Away { .. }) {}
    let (mut back, _) = server.connect().await;
    owner.send(&ClientPacket::Remove { name: Name::new("lost").unwrap() }).unwrap();
    owner.send(&ClientPacket::Leave).unwrap();
    back.send(&ClientPacket::Resume { token, seen: None }).unwrap();
    owner.flush().await.unwrap();
    back.flush().await.unwrap();
    let place = loop {
        match timeout(Duration::from_secs(5), back.next()).await.unwrap().unwrap() {
            ServerPacket::Resumed(resumed) => break resumed.place,
            ServerPacket::Token { .. } => {}
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((place, server.host.rooms()), (Resumption::Lobby, 0));
    assert_eq!(in_the_lobby(&mut back).await, ["owner", "lost"]);
    back.join(JoinTarget::Any).await.unwrap();
}
