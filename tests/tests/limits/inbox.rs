//! A room's inbox: where it is full, a session waits, is written to all the same, and nothing is lost.

use super::config;
use malpan_client::{Client, Room};
use malpan_e2e::{MemoryServer, arrived, name, payload};
use malpan_net::Frame;
use malpan_protocol::{ClientPacket, JoinTarget, Packet, ServerPacket, SignalTarget};
use std::{ops::Range, time::Duration};
use tokio::{
    io::DuplexStream,
    runtime::{Builder, Runtime},
    task::yield_now,
};

/// Two shards with a runtime each, of which one stands still while the other is driven: so a room can be kept from its
/// inbox for as long as it takes.
struct Two {
    rooms: Runtime,
    guests: Runtime,
    server: MemoryServer,
}

impl Two {
    fn new(room_inbox: u16) -> Self {
        let runtime = || Builder::new_current_thread().enable_all().build().unwrap();
        let (rooms, guests) = (runtime(), runtime());
        let mut config = config(|limits| {
            limits.room_inbox = room_inbox.into();
            limits.packets_per_second = 10_000;
            limits.signals_per_second = 10_000;
        });
        config.game.tick = Duration::ZERO;
        let server = MemoryServer::on(config, &[rooms.handle().clone(), guests.handle().clone()]);
        Self { rooms, guests, server }
    }

    /// What a guest hears of a ping behind all that it has sent, while the rooms stand still.
    fn ping(&self, guest: &mut Client<DuplexStream>, nonce: u32) -> Vec<ServerPacket> {
        guest.send(&ClientPacket::Ping { nonce }).unwrap();
        self.guests.block_on(async { guest.flush().await.unwrap() });
        drive(&self.guests);
        heard(&self.guests, guest)
    }
}

/// Lets a runtime do all that it can without any other.
fn drive(runtime: &Runtime) {
    runtime.block_on(async {
        for _ in 0..1000 {
            yield_now().await;
        }
    });
}

fn heard(runtime: &Runtime, client: &mut Client<DuplexStream>) -> Vec<ServerPacket> {
    let (packets, end) = runtime.block_on(arrived(client));
    assert!(end.is_none(), "{end:?}");
    packets
}

#[test]
fn a_session_waits_at_a_full_inbox_is_written_to_meanwhile_and_loses_nothing() {
    for room_inbox in [256u16, 3] {
        let mut two = Two::new(room_inbox);
        // The opener's shard is the room's.
        let (mut opener, mut view) = two.rooms.block_on(two.server.player("opener")).unwrap();
        let mut guest = two.guests.block_on(async {
            let mut guest = two.server.connect().await.unwrap();
            guest.sign_in_guest(name("guest")).await.unwrap();
            guest
        });
        let session = two.server.newest_session().unwrap();
        guest.send(&ClientPacket::Join { target: JoinTarget::Room(view.id()) }).unwrap();
        let mut guest_view: Option<Room> = None;
        while guest_view.is_none() {
            two.guests.block_on(async { guest.flush().await.unwrap() });
            drive(&two.guests);
            drive(&two.rooms);
            for packet in heard(&two.guests, &mut guest) {
                let ServerPacket::Joined(joined) = packet else { panic!("{packet:?}") };
                guest_view = Some(Room::new(&joined).unwrap());
            }
        }
        let mut guest_view = guest_view.unwrap();
        assert_eq!(heard(&two.rooms, &mut opener).iter().map(|packet| view.apply(packet).unwrap()).count(), 1);

        // The room stands still. As many as its inbox holds cost the guest nothing: what comes behind them is answered.
        let signals = |guest: &mut Client<DuplexStream>, numbers: Range<u16>| {
            numbers.for_each(|n| guest.signal(SignalTarget::Room, payload(&n.to_le_bytes())).unwrap());
        };
        signals(&mut guest, 0..room_inbox);
        assert_eq!(two.ping(&mut guest, 1), [ServerPacket::Pong { nonce: 1 }]);
        // One more, and the guest's session waits with all that comes behind it.
        let count = room_inbox + 100;
        signals(&mut guest, room_inbox..room_inbox + 1);
        assert_eq!(two.ping(&mut guest, 2), []);
        signals(&mut guest, room_inbox + 1..count);

        // It waits, and yet what others send reaches it.
        let mut draining = bytes::BytesMut::new();
        ServerPacket::Draining { seconds: 9 }.encode_frame(&mut draining).unwrap();
        session.send(Frame::new(&draining));
        drive(&two.guests);
        assert_eq!(heard(&two.guests, &mut guest), [ServerPacket::Draining { seconds: 9 }]);

        // The room goes on: everything comes, in order, to both.
        let (mut to_opener, mut to_guest, mut pongs) = (Vec::new(), Vec::new(), 0);
        for _ in 0..count {
            drive(&two.rooms);
            for packet in heard(&two.rooms, &mut opener) {
                view.apply(&packet).unwrap();
                let ServerPacket::Signal(signal) = packet else { panic!("{packet:?}") };
                to_opener.push(signal.payload);
            }
            drive(&two.guests);
            for packet in heard(&two.guests, &mut guest) {
                guest_view.apply(&packet).unwrap();
                match packet {
                    ServerPacket::Signal(signal) => to_guest.push(signal.payload),
                    ServerPacket::Pong { nonce: 2 } => pongs += 1,
                    other => panic!("{other:?}"),
                }
            }
        }
        let sent: Vec<_> = (0..count).map(|number| payload(&number.to_le_bytes())).collect();
        assert_eq!((to_opener, to_guest, pongs), (sent.clone(), sent, 1));
    }
}
