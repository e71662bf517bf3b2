//! After a storm of connections of every kind nothing of them is left.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_e2e::{TestServer, Wire, line, name, payload, step, within};
use malpan_net::Shard;
use malpan_protocol::{ClientPacket, Direction, JoinTarget, RoomTitle, ServerPacket, SignalTarget};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpStream, sync::Semaphore, time::sleep};

const CONNECTIONS: usize = 400;
const AT_ONCE: usize = 50;

/// Comes, does one of many things, and is gone. What fails on the way does not matter: the server ends half of these
/// itself, and others cut it off in the middle of a word.
async fn come_and_go(server: &TestServer, number: usize) -> Option<()> {
    let mut wire = Wire::new(TcpStream::connect(server.address()).await.ok()?);
    let way = Wire::<TcpStream>::way_to_a_seat(&format!("guest {number}"));
    match number % 12 {
        // Gone before the first byte, in the middle of a frame, at each state of the conversation.
        0 => {}
        1 => wire.write(&[12, 0, 0]).await.ok()?,
        2 => drop(wire.ask(&way[..1]).await.ok()?),
        3 => drop(wire.ask(&way[..2]).await.ok()?),
        4 => drop(wire.ask(&way).await.ok()?),
        // Everything at once, and gone without an answer.
        5 => wire.send(&way).await.ok()?,
        // Garbage, before and after.
        6 => wire.write(&[0xff; 64]).await.ok()?,
        7 => {
            wire.ask(&way).await.ok()?;
            wire.write(&[0, 0]).await.ok()?;
            wire.to_the_end().await.ok()?;
        }
        // In the middle of a flood, and cut off for one.
        8 => {
            wire.ask(&way).await.ok()?;
            let step = |seq| step(seq, Direction::ALL[seq as usize % 4]);
            wire.send(&(1..60).map(step).collect::<Vec<_>>()).await.ok()?;
        }
        9 => {
            wire.ask(&way).await.ok()?;
            let signal = ClientPacket::Signal { to: SignalTarget::Room, payload: payload(&[0; 200]) };
            wire.send(&vec![signal; 60]).await.ok()?;
            wire.to_the_end().await.ok()?;
        }
        // In and out of rooms.
        10 => {
            wire.ask(&way).await.ok()?;
            let leave = [ClientPacket::Leave, ClientPacket::Join { target: JoinTarget::Any }];
            wire.send(&[&leave[..], &leave[..], &[ClientPacket::Leave]].concat()).await.ok()?;
            let title = RoomTitle::new("short-lived").unwrap();
            wire.send(&[
                ClientPacket::OpenRoom { game: None, title, seats: None },
                ClientPacket::Chat { text: line("hi") },
            ])
            .await
            .ok()?;
            while !matches!(wire.next().await.ok()??, ServerPacket::Chat(_)) {}
        }
        // And a polite one.
        _ => {
            wire.ask(&way).await.ok()?;
            wire.send(&[ClientPacket::Bye]).await.ok()?;
            wire.to_the_end().await.ok()?;
        }
    }
    Some(())
}

fn left_over(server: &TestServer) -> [(&'static str, usize); 6] {
    let host = server.host();
    [
        ("signed in", host.signed_in()),
        ("seats taken", host.seats_taken()),
        ("rooms", host.rooms()),
        ("connections admitted", server.admission().sessions()),
        ("of which not signed in", server.admission().pending()),
        ("sessions on the shards", server.shards().iter().map(Shard::sessions).sum()),
    ]
}

#[tokio::test]
async fn nothing_is_left_after_a_storm() {
    let server = Arc::new(
        TestServer::start(|config| {
            config.limits.exempt_addresses.clear();
            config.limits.sessions_per_address = CONNECTIONS;
        })
        .unwrap(),
    );
    let storm = Arc::new(Semaphore::new(AT_ONCE));
    let mut guests = Vec::new();
    for number in 0..CONNECTIONS {
        let (server, storm) = (Arc::clone(&server), Arc::clone(&storm));
        guests.push(tokio::spawn(async move {
            let _place = storm.acquire().await.unwrap();
            come_and_go(&server, number).await
        }));
    }
    let mut done = 0;
    for guest in guests {
        done += usize::from(within(guest).await.unwrap().is_some());
    }
    assert!(done > CONNECTIONS / 2, "most did what they came for: {done}");
    let nothing_left = async {
        while left_over(&server).iter().any(|&(_, count)| count > 0) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    if tokio::time::timeout(malpan_e2e::PATIENCE, nothing_left).await.is_err() {
        panic!("still there: {:?}", left_over(&server));
    }
    // And it serves as on the first day: the first seat of a new room, under a name that was used before.
    let mut guest = within(server.connect()).await.unwrap();
    within(guest.sign_in_guest(name("guest 4"))).await.unwrap();
    assert_eq!(within(guest.join(JoinTarget::Any)).await.unwrap().members.len(), 1);
    assert_eq!(server.admission().sessions(), 1);
}
