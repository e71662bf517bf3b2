//! Rooms with a password.

use super::{Memory, denied, heard, plan, server};
use malpan_client::ClientError;
use malpan_e2e::{MemoryServer, to_the_end};
use malpan_protocol::{
    ClientPacket, DenialCode, Door, JoinTarget, KickReason, Part, RoomId, RoomPassword, RoomPlan, RoomQuery,
    ServerPacket,
};
use std::time::Duration;
use tokio::time::sleep;

fn password(text: &str) -> RoomPassword {
    RoomPassword::new(text).unwrap()
}

async fn locked_room(server: &mut MemoryServer) -> (Memory, RoomId) {
    let mut ann = server.guest("Ann").await.unwrap();
    let plan = RoomPlan { password: Some(password("sesame")), ..plan("secret") };
    let room = ann.create_room(plan).await.unwrap().room;
    (ann, room)
}

#[tokio::test(start_paused = true)]
async fn only_who_knows_the_password_comes_in_to_sit_or_to_watch() {
    let mut server = server(|_| {});
    let (_ann, locked) = locked_room(&mut server).await;
    let mut bob = server.guest("Bob").await.unwrap();
    assert_eq!(denied(bob.join(JoinTarget::Room(locked)).await), DenialCode::PasswordRequired);
    assert_eq!(denied(bob.watch(locked).await), DenialCode::PasswordRequired);
    for part in [Part::Seat, Part::Watch] {
        for wrong in ["sesam", "sesame ", "SESAME"] {
            let mut stranger = server.guest(&format!("{part:?} {wrong}").trim_end().replace(' ', "-")).await.unwrap();
            assert_eq!(denied(stranger.unlock(locked, part, password(wrong)).await), DenialCode::WrongPassword);
        }
        let joined = bob.unlock(locked, part, password("sesame")).await.unwrap();
        assert_eq!((joined.room, joined.seat.is_some()), (locked, part == Part::Seat));
        let packets = heard(&mut bob).await;
        assert!(matches!(&packets[..], [ServerPacket::About(about)] if about.door == Door::Password), "{packets:?}");
        bob.leave().await.unwrap();
    }
    assert_eq!(denied(bob.unlock(RoomId(999), Part::Seat, password("x")).await), DenialCode::NoSuchRoom);
    let (mut cid, open) = server.player("Cid").await.unwrap();
    cid.leave().await.unwrap();
    cid.unlock(open.id(), Part::Seat, password("any")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_any_room_never_comes_behind_a_password_and_lists_say_which_have_one() {
    let mut server = server(|_| {});
    let (mut ann, locked) = locked_room(&mut server).await;
    for number in 0..12 {
        let (_, room) = server.player(&format!("any {number}")).await.unwrap();
        assert_ne!(room.id(), locked);
    }
    let list = ann.find_rooms(RoomQuery { door: Some(Door::Password), ..RoomQuery::ALL }).await.unwrap();
    assert_eq!(list.rooms.iter().map(|entry| entry.room).collect::<Vec<_>>(), [locked]);
    let list = ann.find_rooms(RoomQuery { door: Some(Door::Open), ..RoomQuery::ALL }).await.unwrap();
    assert!(!list.rooms.is_empty() && list.rooms.iter().all(|entry| entry.room != locked && entry.owner.is_none()));
}

/// A guess costs what joining costs; after a few each is a strike as well.
#[tokio::test(start_paused = true)]
async fn whoever_guesses_on_is_sent_away() {
    let mut server = server(|config| (config.limits.join_burst, config.limits.rate_limit_strikes) = (5, 4));
    let (_ann, locked) = locked_room(&mut server).await;
    let mut guesser = server.guest("guesser").await.unwrap();
    let mut guesses = 0;
    let end = loop {
        sleep(Duration::from_millis(500)).await;
        guesses += 1;
        let guess = password(&format!("guess {guesses}"));
        match guesser.unlock(locked, Part::Seat, guess).await {
            Err(ClientError::Denied(denial)) => assert_eq!(denial.code, DenialCode::WrongPassword),
            other => break other,
        }
        assert!(guesses < 20);
    };
    assert!(matches!(end, Err(ClientError::Kicked(KickReason::Flooding) | ClientError::Closed)), "{end:?}");
    assert_eq!(guesses, 3 + 4 + 1, "three for free, the fourth strike ends it, and the next finds that out");

    // And faster than joins are allowed, it is not even looked at.
    let mut hasty = server.guest("hasty").await.unwrap();
    for _ in 0..9 {
        let guess = password("sesame?");
        hasty.send(&ClientPacket::Unlock { room: locked, part: Part::Seat, password: guess }).unwrap();
    }
    let (packets, _) = to_the_end(&mut hasty).await;
    let codes = packets.iter().filter_map(|packet| match packet {
        ServerPacket::Denied(denial) => Some(denial.code),
        _ => None,
    });
    assert_eq!(codes.filter(|code| *code == DenialCode::WrongPassword).count(), 5);
}
