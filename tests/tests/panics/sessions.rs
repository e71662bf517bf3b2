//! A panic in the handler of one connection.

use crate::{
    is_scene, plays,
    touchy::{FAULT, Place, Touchy},
};
use malpan_client::Room;
use malpan_e2e::{MemoryServer, Wire, arrived, expect, line};
use malpan_net::Count;
use malpan_protocol::{ClientPacket, KickReason, LeaveReason, ServerPacket};
use std::time::Duration;
use tokio::{io::DuplexStream, time::sleep};

/// The sessions of a scene in their order: a witness, then whoever is struck.
const STRUCK: &str = "2";

fn assert_logged(test: &str) {
    plays(test, |line| {
        assert_eq!(line.message, "a panic ended the session");
        assert_eq!((line.field("session"), line.field("peer")), (STRUCK, "127.0.0.1:2"));
        line.tells_of(FAULT, "tests/panics/touchy.rs");
    });
}

/// Someone sits beside a witness and is struck by what `strike` sends; the witness sees them go, and nothing else happens.
async fn seated(place: Place, strike: &[u8]) {
    let mut server = MemoryServer::new(malpan_e2e::without_grace(), 1);
    let (mut witness, mut view) = server.player("witness").await.unwrap();
    let mut wire = Wire::new(server.stream_for(Touchy(server.host().clone(), place), 4096).unwrap());
    wire.ask(&Wire::<DuplexStream>::way_to_a_seat("struck")).await.unwrap();
    wire.write(strike).await.unwrap();
    let packets = wire.to_the_end().await.unwrap();
    assert_eq!(packets.last(), Some(&ServerPacket::Kicked { reason: KickReason::InternalError }), "{packets:?}");
    sleep(Duration::from_secs(2)).await;

    let (packets, _) = arrived(&mut witness).await;
    packets.iter().for_each(|packet| view.apply(packet).unwrap());
    let left: Vec<_> = packets
        .iter()
        .filter_map(|packet| if let ServerPacket::Left(left) = packet { Some(left.reason) } else { None })
        .collect();
    assert_eq!(left, [LeaveReason::Disconnected]);
    only_the_witness_is_left(&mut server).await;
    // The room goes on, and the name is free.
    witness.chat(line("still here")).unwrap();
    expect(&mut witness, |packet| matches!(packet, ServerPacket::Chat(_)).then_some(())).await.unwrap();
    let (_, late): (_, Room) = server.player("struck").await.unwrap();
    assert_eq!(late.id(), view.id());
}

async fn only_the_witness_is_left(server: &mut MemoryServer) {
    assert_eq!(server.counters().value(Count::Panics), 1);
    let host = server.host();
    assert_eq!((host.signed_in(), host.seats_taken(), host.rooms()), (1, 1, 1));
    assert_eq!((server.admission().sessions(), server.admission().pending()), (1, 0));
    // The witness's session and its room.
    assert_eq!((server.shards()[0].sessions(), server.shards()[0].tasks()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn at_a_packet() {
    if !is_scene() {
        return assert_logged("sessions::at_a_packet");
    }
    let ping = malpan_e2e::bytes_of(&[ClientPacket::Ping { nonce: 13 }]);
    seated(Place::Packet, &ping).await;
}

#[tokio::test(start_paused = true)]
async fn at_bytes_that_are_no_packet() {
    if !is_scene() {
        return assert_logged("sessions::at_bytes_that_are_no_packet");
    }
    seated(Place::Malformed, &[0, 0]).await;
}

#[tokio::test(start_paused = true)]
async fn at_the_end() {
    if !is_scene() {
        return assert_logged("sessions::at_the_end");
    }
    seated(Place::Ended, &malpan_e2e::bytes_of(&[ClientPacket::Bye])).await;
}

#[tokio::test(start_paused = true)]
async fn at_the_beginning() {
    if !is_scene() {
        return assert_logged("sessions::at_the_beginning");
    }
    let mut server = MemoryServer::new(malpan_e2e::without_grace(), 1);
    let _witness = server.player("witness").await.unwrap();
    let mut wire = Wire::new(server.stream_for(Touchy(server.host().clone(), Place::Opened), 4096).unwrap());
    assert_eq!(wire.to_the_end().await.unwrap(), [ServerPacket::Kicked { reason: KickReason::InternalError }]);
    sleep(Duration::from_secs(2)).await;
    only_the_witness_is_left(&mut server).await;
}

/// A panic that no room and no session has to answer for, and that quotes what no terminal should obey.
#[test]
fn anywhere_else() {
    if !is_scene() {
        return plays("sessions::anywhere_else", |line| {
            assert_eq!((line.message.as_str(), line.field("thread")), ("a panic", "elsewhere"));
            assert!(line.field("place").contains("sessions.rs:"), "{line:?}");
            let quoted = ["\u{1b}[2J and\na line", "\\u{1b}[2J and\\na line"];
            assert!(quoted.contains(&line.field("panic")), "{line:?}");
        });
    }
    let elsewhere = std::thread::Builder::new().name("elsewhere".into());
    elsewhere.spawn(|| panic!("\u{1b}[2J and\na line")).unwrap().join().unwrap_err();
}
