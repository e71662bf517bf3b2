//! What was said over a connection from which another has taken over does nothing any more. Its session is closed and reads
//! nothing, so no client can bring it about that a room hears it late: the test reaches inside.

use super::{Message, OwnersWish, Who};
use crate::test_host::TestHost;
use malpan_client::{
    Client, Room,
    protocol::{
        ChatText, CommandBytes, Direction, JoinTarget, LeaveReason, Manner, Name, RoomPlan, RoomTitle, ServerPacket,
        SignalPayload,
    },
};
use malpan_net::SessionId;
use std::time::Duration;
use tokio::{io::DuplexStream, time::timeout};

/// Everything that comes, taken into the room. The clock is paused: it jumps only where nothing is left to happen.
async fn follow(client: &mut Client<DuplexStream>, room: &mut Room) -> Vec<ServerPacket> {
    let mut packets = Vec::new();
    while let Ok(packet) = timeout(Duration::from_millis(500), client.next()).await {
        let packet = packet.unwrap();
        room.apply(&packet).unwrap();
        packets.push(packet);
    }
    packets
}

#[tokio::test(start_paused = true)]
async fn what_a_connection_said_from_which_another_has_taken_over_does_nothing() {
    let server = TestHost::new(|_| {});
    let (mut ann, old) = server.guest("ann").await;
    let title = RoomTitle::new("mine").unwrap();
    let plan = RoomPlan { game: None, title, seats: None, board: None, password: None };
    let mut of_ann = Room::new(&ann.create_room(plan).await.unwrap()).unwrap();
    let (mut bob, _) = server.guest("bob").await;
    let mut of_bob = Room::new(&bob.join(JoinTarget::Room(of_ann.id())).await.unwrap()).unwrap();
    follow(&mut ann, &mut of_ann).await;
    let (mut again, new) = server.connect().await;
    again.resume(ann.token().unwrap().clone(), Some(of_ann.seen())).await.unwrap();
    follow(&mut again, &mut of_ann).await;
    follow(&mut bob, &mut of_bob).await;

    let inbox = server.host.directory().inbox(of_ann.id()).unwrap();
    let seat = of_ann.own_seat().unwrap();
    let all_of = |from: SessionId| {
        let name = Name::new("bob").unwrap();
        [
            Message::Command { seat, from, seq: 1, command: CommandBytes::of(&Direction::Down).unwrap() },
            Message::Chat { seat, from, manner: Manner::Say, text: ChatText::new("stale?").unwrap() },
            Message::Signal { seat, from, payload: SignalPayload::new(b"stale?").unwrap() },
            Message::Own { seat, from, wish: OwnersWish::HandOver, name },
            Message::Away { seat, from },
            Message::Leave { who: Who::Seat(seat), from, reason: LeaveReason::Left, done: None },
        ]
    };
    for message in all_of(old.id()) {
        let what = format!("{message:?}");
        inbox.try_send(message).unwrap();
        let heard = (follow(&mut again, &mut of_ann).await, follow(&mut bob, &mut of_bob).await);
        assert_eq!(heard, (vec![], vec![]), "{what}");
    }
    assert_eq!(server.host.seats_taken(), 2);
    // From the one that has the seat each of them does something.
    for message in all_of(new.id()) {
        let what = format!("{message:?}");
        inbox.try_send(message).unwrap();
        assert!(!follow(&mut bob, &mut of_bob).await.is_empty(), "{what}");
    }
    assert_eq!(server.host.seats_taken(), 1);
}
