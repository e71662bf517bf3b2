//! Floods of every kind: over budget is answered, the tenth time in ten seconds closes, and meanwhile everyone else is
//! served.

use crate::{State, is_denied};
use malpan_client::{Client, Room};
use malpan_e2e::{MemoryServer, Wire, arrived, line, payload, step};
use malpan_protocol::{
    ClientPacket, DenialCode, Direction, JoinTarget, KickReason, RefusalReason, RoomFilter, RoomId, RoomTitle,
    ServerPacket, SignalTarget,
};
use malpan_server::config::{Config, LimitsConfig};
use std::time::Duration;
use tokio::{
    io::DuplexStream,
    time::{sleep, timeout},
};

/// A kind of flood: what is sent over and over, in which state, and how many of these packets are done at once before
/// the rate says no.
pub(crate) struct Flood {
    about: &'static str,
    pub(crate) state: State,
    pub(crate) packets: Vec<ClientPacket>,
    done: fn(&LimitsConfig) -> u16,
    is_done: fn(&ServerPacket) -> bool,
}

/// Every kind. `room` is one that can be watched.
pub(crate) fn every_kind(room: RoomId) -> Vec<Flood> {
    let flood = |about, state, packets, done, is_done| Flood { about, state, packets, done, is_done };
    let signal = |to| ClientPacket::Signal { to, payload: payload(&[7; 256]) };
    let open = ClientPacket::OpenRoom { game: None, title: RoomTitle::new("flood").unwrap(), seats: None };
    let is_joined: fn(&ServerPacket) -> bool = |packet| matches!(packet, ServerPacket::Joined(_));
    vec![
        flood(
            "pings",
            State::Greeted,
            vec![ClientPacket::Ping { nonce: 1 }],
            |limits| limits.packets_per_second,
            |packet| matches!(packet, ServerPacket::Pong { .. }),
        ),
        flood(
            "lines of chat",
            State::Seated,
            vec![ClientPacket::Chat { text: line("flood") }],
            |limits| limits.chat_lines,
            |packet| matches!(packet, ServerPacket::Chat(_)),
        ),
        flood(
            "signals to the room",
            State::Seated,
            vec![signal(SignalTarget::Room)],
            |limits| limits.signals_per_second,
            |packet| matches!(packet, ServerPacket::Signal(_)),
        ),
        flood(
            "signals to oneself",
            State::Seated,
            vec![signal(SignalTarget::Myself)],
            |limits| limits.signals_per_second,
            |packet| matches!(packet, ServerPacket::Echo { .. }),
        ),
        flood(
            "joins of no room",
            State::Lobby,
            vec![ClientPacket::Join { target: JoinTarget::Room(RoomId(999)) }],
            |limits| limits.join_burst,
            |packet| is_denied(packet, DenialCode::NoSuchRoom),
        ),
        flood(
            "room lists",
            State::Lobby,
            vec![ClientPacket::ListRooms { after: RoomId(0), filter: RoomFilter::All }],
            |limits| limits.join_burst,
            |packet| matches!(packet, ServerPacket::Rooms(_)),
        ),
        flood(
            "room openings",
            State::Lobby,
            vec![open, ClientPacket::Leave],
            |limits| limits.rooms_opened_per_minute,
            is_joined,
        ),
        flood(
            "joins and leaves",
            State::Lobby,
            vec![ClientPacket::Join { target: JoinTarget::Any }, ClientPacket::Leave],
            |limits| limits.join_burst,
            is_joined,
        ),
        flood(
            "watching and leaving",
            State::Lobby,
            vec![ClientPacket::Watch { room }, ClientPacket::Leave],
            |limits| limits.join_burst,
            is_joined,
        ),
    ]
}

/// Two who play in different rooms of the flooder's shard.
pub(crate) struct Others {
    pub(crate) same_room: (Client<DuplexStream>, Room),
    elsewhere: (Client<DuplexStream>, Room),
}

impl Others {
    pub(crate) async fn new(server: &mut MemoryServer) -> Self {
        let same_room = server.player("same room").await.unwrap();
        let mut client = server.guest("elsewhere").await.unwrap();
        let joined = client.open_room(None, RoomTitle::new("elsewhere").unwrap(), None).await.unwrap();
        Self { same_room, elsewhere: (client, Room::new(&joined).unwrap()) }
    }

    /// Each takes a step, and has its acknowledgement within a tick of the room.
    pub(crate) async fn are_served(&mut self, about: &str) {
        for (client, view) in [&mut self.same_room, &mut self.elsewhere] {
            let down = view.own_piece().unwrap().cell.y == 0;
            let seq = client.step(if down { Direction::Down } else { Direction::Up }).unwrap();
            client.flush().await.unwrap();
            sleep(Duration::from_millis(35)).await;
            let (packets, end) = arrived(client).await;
            assert!(end.is_none(), "{about}: {end:?}");
            packets.iter().for_each(|packet| view.apply(packet).unwrap());
            let acks = packets.iter().filter_map(|packet| match packet {
                ServerPacket::Updates(updates) => Some(updates.acks.iter()),
                _ => None,
            });
            let own = view.own_seat();
            assert!(acks.flatten().any(|ack| Some(ack.seat) == own && ack.seq == seq), "{about}: {packets:?}");
        }
    }
}

/// Nothing but the flood's own rate is in the way, and what happens is told at once.
pub(crate) fn config(limits: impl FnOnce(&mut LimitsConfig)) -> Config {
    let mut config = malpan_e2e::without_grace();
    config.game.tick = Duration::ZERO;
    limits(&mut config.limits);
    config
}

/// Sends the flood until the connection ends; returns what was done, and what else was said. One packet after the answer
/// to the other: a leave behind a join that was denied would be out of order.
async fn pour(wire: &mut Wire<DuplexStream>, flood: &Flood) -> (usize, Vec<ServerPacket>) {
    let (mut done, mut said, mut was_done) = (0, Vec::new(), false);
    for packet in flood.packets.iter().cycle().take(2000) {
        if *packet == ClientPacket::Leave && !std::mem::take(&mut was_done) {
            continue;
        }
        // An error is the end, which is heard below.
        let _ = wire.send(std::slice::from_ref(packet)).await;
        sleep(Duration::from_millis(1)).await;
        while let Ok(answer) = timeout(Duration::ZERO, wire.next()).await {
            let Some(answer) = answer.unwrap() else { return (done, said) };
            if (flood.is_done)(&answer) {
                was_done = true;
                done += 1;
            } else if matches!(answer, ServerPacket::Denied(_) | ServerPacket::Kicked { .. }) {
                said.push(answer);
            }
        }
    }
    panic!("{} go on for ever: {done} were done, and {said:?}", flood.about);
}

#[tokio::test(start_paused = true)]
async fn over_budget_is_answered_and_the_tenth_time_closes_while_everyone_else_is_served() {
    for index in 0..every_kind(RoomId(1)).len() {
        let config = config(|limits| limits.packets_per_second = if index == 0 { 100 } else { 10_000 });
        let limits = config.limits.clone();
        let mut server = MemoryServer::new(config, 1);
        let mut others = Others::new(&mut server).await;
        let room = others.same_room.1.id();
        let flood = every_kind(room).remove(index);
        let mut wire = Wire::new(server.stream().unwrap());
        wire.ask(&flood.state.way("flooder", room)).await.unwrap();
        // What the way took of the budgets comes back.
        sleep(Duration::from_secs(5)).await;
        others.are_served(flood.about).await;

        let ((done, said), ()) = tokio::join!(pour(&mut wire, &flood), async {
            for _ in 0..10 {
                others.are_served(flood.about).await;
            }
        });
        let most = usize::from((flood.done)(&limits));
        // A little comes back meanwhile; the rates' own test counts exactly.
        assert!((most..most + 20).contains(&done), "{}: {done} were done, of {most}", flood.about);
        let (last, denied) = said.split_last().unwrap();
        assert_eq!(last, &ServerPacket::Kicked { reason: KickReason::Flooding }, "{}", flood.about);
        assert!(denied.iter().all(|packet| is_denied(packet, DenialCode::RateLimited)), "{}: {denied:?}", flood.about);
        assert_eq!(denied.len(), usize::from(limits.rate_limit_strikes) - 1, "{}", flood.about);
        others.are_served(flood.about).await;
        assert_eq!((server.host().signed_in(), server.host().rooms()), (2, 2), "{}", flood.about);
    }
}

/// A held key is no attack, whatever a program makes of it: a step too fast is refused and is no strike, up to the packets
/// that anyone may send; beyond those each is one.
#[tokio::test(start_paused = true)]
async fn steps_are_refused_and_no_strike_until_they_are_too_many_packets() {
    let mut server = MemoryServer::new(config(|_| {}), 1);
    let mut others = Others::new(&mut server).await;
    let mut wire = Wire::new(server.stream().unwrap());
    wire.ask(&State::Seated.way("walker", RoomId(0))).await.unwrap();
    sleep(Duration::from_secs(5)).await;
    let walk = |seq| step(seq, [Direction::Down, Direction::Up][seq as usize % 2]);
    let (mut refused, mut done) = (0, 0);
    for seq in 1..=1000 {
        wire.send(&[walk(seq)]).await.unwrap();
        sleep(Duration::from_millis(11)).await;
        while let Ok(packet) = timeout(Duration::ZERO, wire.next()).await {
            match packet.unwrap().unwrap() {
                ServerPacket::Refused(no) if no.why == RefusalReason::TooFast => refused += 1,
                ServerPacket::Updates(updates) => done += updates.acks.iter().filter(|ack| ack.seq == seq).count(),
                ServerPacket::Ping { .. } | ServerPacket::Entered(_) | ServerPacket::Refused(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
    others.are_served("a walker").await;
    // Eleven seconds at 20 a second, and some at once.
    assert!((200..=240).contains(&done) && refused >= 700, "{done} done, {refused} too fast");
    let flood: Vec<_> = (0..1000).map(walk).collect();
    // An error is the end, which is heard below.
    let _ = tokio::join!(wire.send(&flood), others.are_served("a flood"));
    let packets = wire.to_the_end().await.unwrap();
    let denied = packets.iter().filter(|packet| is_denied(packet, DenialCode::RateLimited)).count();
    assert_eq!((denied, packets.last()), (9, Some(&ServerPacket::Kicked { reason: KickReason::Flooding })));
    others.are_served("after it").await;
}
