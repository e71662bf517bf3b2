//! Floods of every kind at once, over sockets.

use crate::floods::every_kind;
use malpan_e2e::{TestServer, Wire, bytes_of, within};
use malpan_net::Count;
use malpan_protocol::{ClientPacket, Direction, RoomId, RoomTitle, ServerPacket};
use malpan_server::config::AddressOrOff;
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{io::AsyncWriteExt, net::TcpStream, task::JoinHandle, time::sleep};

/// A stream of connections that flood as fast as a socket takes it, over and over.
async fn flood_without_end(server: Arc<TestServer>, number: usize, room: RoomId, floods: Arc<AtomicUsize>) {
    loop {
        let one = async {
            if number.is_multiple_of(3) {
                let mut stream = TcpStream::connect(server.lecture_address().unwrap()).await?;
                return stream.write_all(&[2, 4, 2, 3, 6, 5, b'h', 0, b'i', 0].repeat(5000)).await;
            }
            let kinds = every_kind(room);
            let kind = &kinds[floods.load(Ordering::Relaxed) % kinds.len()];
            let stream = TcpStream::connect(server.address()).await?;
            let mut wire = Wire::new(stream);
            let count = floods.load(Ordering::Relaxed);
            wire.ask(&kind.state.way(&format!("f{number}-{count}"), room)).await?;
            wire.write(&bytes_of(&kind.packets).repeat(2000)).await?;
            wire.to_the_end().await.map(drop)
        };
        // An error is what becomes of most: cut off while they still write.
        let _ = one.await;
        floods.fetch_add(1, Ordering::Relaxed);
        // Those that end linger for a second: with no pause there would soon be too many who have not signed in.
        sleep(Duration::from_millis(20)).await;
    }
}

/// Over sockets, where the system's buffers are full of it and everything happens at once: as long as the floods go on,
/// someone in the middle of them steps and is answered, and newcomers sign in and open rooms.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_floods_of_every_kind_come_without_end_everyone_else_is_served() {
    let here = AddressOrOff::Address(([127, 0, 0, 1], 0).into());
    let server = Arc::new(TestServer::start(|config| (config.shards, config.lecture) = (1, here)).unwrap());
    let (mut ann, mut view) = within(server.player("ann")).await.unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let floods: Vec<_> = (0..6)
        .map(|number| tokio::spawn(flood_without_end(Arc::clone(&server), number, view.id(), Arc::clone(&count))))
        .collect();
    let newcomers = tokio::spawn({
        let server = Arc::clone(&server);
        async move {
            for number in 0..5 {
                let mut next = within(server.guest(&format!("next {number}"))).await.unwrap();
                within(next.open_room(None, RoomTitle::new("quiet").unwrap(), None)).await.unwrap();
                within(next.leave()).await.unwrap();
            }
        }
    });
    let mut round = 0;
    // Each kind several times, and some rounds of play in any case.
    while round < 30 || count.load(Ordering::Relaxed) < 100 || !newcomers.is_finished() {
        round += 1;
        ann.send(&ClientPacket::Ping { nonce: round }).unwrap();
        let seq = ann.step([Direction::Down, Direction::Up][round as usize % 2]).unwrap();
        let pause = sleep(Duration::from_millis(50));
        tokio::pin!(pause);
        let (mut answered, mut settled, mut rested) = (false, false, false);
        // She reads all the time, as a player must.
        within(async {
            while !(answered && settled && rested) {
                tokio::select! {
                    () = &mut pause, if !rested => rested = true,
                    packet = ann.next() => {
                        let packet = packet.unwrap();
                        assert!(!matches!(packet, ServerPacket::Denied(_) | ServerPacket::Kicked { .. }), "{packet:?}");
                        view.apply(&packet).unwrap();
                        answered |= packet == ServerPacket::Pong { nonce: round };
                        settled |= match &packet {
                            ServerPacket::Updates(updates) => {
                                updates.acks.iter().any(|ack| Some(ack.seat) == view.own_seat() && ack.seq == seq)
                            }
                            ServerPacket::Refused(refused) => refused.seq == seq,
                            _ => false,
                        };
                    }
                }
            }
        })
        .await;
    }
    newcomers.await.unwrap();
    assert!(floods.iter().all(|flood| !flood.is_finished()), "they never end by themselves");
    floods.iter().for_each(JoinHandle::abort);
    assert_eq!(server.counters().value(Count::Panics), 0);
    let only_ann = async {
        while (server.host().signed_in(), server.admission().sessions()) != (1, 1) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    within(only_ann).await;
}
