//! Owners put people out, and lose their connections.

use super::{Connection, arrived, follow, is_refused, resume, resume_to, server, settle};
use malpan_client::{ClientError, Room};
use malpan_e2e::{MemoryServer, line, name};
use malpan_protocol::{
    ClientPacket, DenialCode, Direction, JoinTarget, LeaveReason, Resumption, RoomPlan, RoomTitle, ServerPacket,
};
use std::time::Duration;
use tokio::time::sleep;

struct Scene {
    server: MemoryServer,
    ann: Connection,
    of_ann: Room,
    bob: Connection,
    of_bob: Room,
}

/// Ann's room, in which Bob sits.
async fn scene() -> Scene {
    let mut server = server();
    let mut ann = server.guest("ann").await.unwrap();
    let title = RoomTitle::new("mine").unwrap();
    let plan = RoomPlan { game: None, title, seats: None, board: None, password: None };
    let mut of_ann = Room::new(&ann.create_room(plan).await.unwrap()).unwrap();
    let mut bob = server.guest("bob").await.unwrap();
    let mut of_bob = Room::new(&bob.join(JoinTarget::Room(of_ann.id())).await.unwrap()).unwrap();
    follow(&mut ann, &mut of_ann).await;
    follow(&mut bob, &mut of_bob).await;
    Scene { server, ann, of_ann, bob, of_bob }
}

#[tokio::test(start_paused = true)]
async fn who_is_put_out_while_away_comes_back_to_the_lobby_and_stays_out() {
    let Scene { mut server, mut ann, mut of_ann, bob, of_bob } = scene().await;
    let (token, seen) = (bob.token().unwrap().clone(), of_bob.seen());
    drop(bob);
    follow(&mut ann, &mut of_ann).await;
    ann.remove(name("bob")).unwrap();
    let heard = follow(&mut ann, &mut of_ann).await;
    assert!(matches!(&heard[..], [ServerPacket::Left(left)] if left.reason == LeaveReason::Removed), "{heard:?}");
    assert_eq!((server.host().seats_taken(), server.host().away()), (1, 1));

    let (mut bob, resumed) = resume(&mut server, &token, Some(seen)).await.unwrap();
    assert_eq!((resumed.place, resumed.name), (Resumption::Lobby, name("bob")));
    settle().await;
    assert!(arrived(&mut bob).await.0.is_empty());
    let barred = bob.join(JoinTarget::Room(of_ann.id())).await;
    assert!(matches!(barred, Err(ClientError::Denied(denial)) if denial.code == DenialCode::Barred));
    assert!(bob.join(JoinTarget::Any).await.unwrap().room != of_ann.id());
    assert!(follow(&mut ann, &mut of_ann).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_seat_from_which_someone_was_put_out_is_not_theirs_again_once_another_has_it() {
    let Scene { mut server, mut ann, mut of_ann, bob, of_bob } = scene().await;
    let (token, seen) = (bob.token().unwrap().clone(), of_bob.seen());
    drop(bob);
    settle().await;
    ann.remove(name("bob")).unwrap();
    follow(&mut ann, &mut of_ann).await;
    let mut cid = server.guest("cid").await.unwrap();
    let mut of_cid = Room::new(&cid.join(JoinTarget::Room(of_ann.id())).await.unwrap()).unwrap();
    assert_eq!(of_cid.own_seat(), of_bob.own_seat());
    let (bob, resumed) = resume(&mut server, &token, Some(seen)).await.unwrap();
    assert_eq!(resumed.place, Resumption::Lobby);
    // Nor when he goes, or his grace is over.
    drop(bob);
    sleep(Duration::from_secs(9)).await;
    follow(&mut cid, &mut of_cid).await;
    assert_eq!((of_cid.members().count(), server.host().seats_taken()), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn who_has_taken_over_is_put_out_over_the_new_connection() {
    let Scene { mut server, mut ann, mut of_ann, mut bob, mut of_bob } = scene().await;
    let token = bob.token().unwrap().clone();
    let (mut again, _) = resume_to(&mut server, &token, &mut of_bob).await;
    ann.remove(name("bob")).unwrap();
    follow(&mut ann, &mut of_ann).await;
    let heard = follow(&mut again, &mut of_bob).await;
    let [ServerPacket::Removed { room, by }, ServerPacket::RoomLeft { .. }] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((*room, by), (of_ann.id(), &name("ann")));
    // What he says still, over either of them, does nothing and ends nothing.
    for connection in [&mut bob, &mut again] {
        let _ = connection.step(Direction::Down);
        let _ = connection.chat(line("me?"));
        let _ = connection.flush().await;
    }
    assert!(follow(&mut ann, &mut of_ann).await.is_empty());
    assert!(arrived(&mut again).await.1.is_none());
    again.join(JoinTarget::Any).await.unwrap();
}

/// The wish and the take-over are on their way at once: whichever comes first, he is out, and knows it.
#[tokio::test(start_paused = true)]
async fn a_removal_that_crosses_a_return_is_told_one_way_or_the_other() {
    for removes_first in [true, false] {
        let Scene { mut server, mut ann, mut of_ann, bob, of_bob } = scene().await;
        let token = bob.token().unwrap().clone();
        drop(bob);
        settle().await;
        let mut again = server.connect().await.unwrap();
        let wish = ClientPacket::Remove { name: name("bob") };
        let back = ClientPacket::Resume { token, seen: Some(of_bob.seen()) };
        if removes_first {
            ann.send(&wish).unwrap();
            ann.flush().await.unwrap();
        }
        again.send(&back).unwrap();
        again.flush().await.unwrap();
        ann.send(&wish).unwrap();
        let heard = follow(&mut ann, &mut of_ann).await;
        assert!(heard.iter().any(|packet| matches!(packet, ServerPacket::Left(_))), "{heard:?}");
        assert_eq!((server.host().seats_taken(), server.host().away()), (1, 0));
        let (packets, end) = arrived(&mut again).await;
        assert!(end.is_none(), "{end:?}");
        let is_in_the_lobby = |packet: &ServerPacket| match packet {
            ServerPacket::Resumed(resumed) => resumed.place == Resumption::Lobby,
            ServerPacket::RoomLeft { .. } => true,
            _ => false,
        };
        assert_eq!(packets.iter().filter(|packet| is_in_the_lobby(packet)).count(), 1, "{packets:?}");
        again.join(JoinTarget::Any).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_who_is_away_owns_the_room_until_the_grace_is_over() {
    let Scene { mut server, ann, mut of_ann, mut bob, mut of_bob } = scene().await;
    let token = ann.token().unwrap().clone();
    drop(ann);
    follow(&mut bob, &mut of_bob).await;
    assert!(of_bob.is_away(of_ann.own_seat().unwrap()));
    assert_eq!(of_bob.owner(), of_ann.own_seat());
    let (mut ann, _) = resume_to(&mut server, &token, &mut of_ann).await;
    ann.hand_over(name("bob")).unwrap();
    follow(&mut ann, &mut of_ann).await;
    assert_eq!(of_ann.owner(), of_bob.own_seat());
    follow(&mut bob, &mut of_bob).await;

    // And the new one, whom nobody can put out meanwhile.
    let token = bob.token().unwrap().clone();
    drop(bob);
    follow(&mut ann, &mut of_ann).await;
    ann.remove(name("bob")).unwrap();
    let heard = follow(&mut ann, &mut of_ann).await;
    assert!(matches!(&heard[..], [ServerPacket::Denied(denial)] if denial.code == DenialCode::NotOwner), "{heard:?}");
    // Ann is heard now and then.
    for _ in 0..31 {
        sleep(Duration::from_secs(1)).await;
        ann.send(&ClientPacket::Pong { nonce: 0 }).unwrap();
        ann.flush().await.unwrap();
    }
    follow(&mut ann, &mut of_ann).await;
    assert_eq!(of_ann.owner(), of_ann.own_seat());
    assert!(is_refused(resume(&mut server, &token, None).await));
}
