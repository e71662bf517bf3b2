//! How fast one client may do what.

use super::{config, denials, is_denied, settle};
use malpan_client::{Client, ClientError, Room};
use malpan_e2e::{MemoryServer, arrived, line, payload, to_the_end};
use malpan_net::Count;
use malpan_protocol::{
    ClientPacket, DenialCode, Direction, JoinTarget, KickReason, LeaveReason, RefusalReason, RoomFilter, RoomId,
    RoomTitle, ServerPacket, SignalTarget,
};
use malpan_server::config::{Config, LimitsConfig};
use std::time::Duration;
use tokio::{
    io::DuplexStream,
    time::{Instant, sleep, sleep_until},
};

type Memory = Client<DuplexStream>;

const SECOND: Duration = Duration::from_secs(1);

/// The default configuration and a changed one, each with nothing beside the rate at hand that ends anyone.
fn both(adjust: fn(&mut LimitsConfig)) -> [Config; 2] {
    [|_: &mut LimitsConfig| {}, adjust].map(|adjust| {
        let mut config = config(|limits| {
            limits.silence = Duration::from_secs(3600);
            limits.ping_after = Duration::from_secs(1800);
            limits.rate_limit_strikes = 1000;
            limits.empty_room_grace = Duration::ZERO;
            adjust(limits);
        });
        config.game.board = "64x64".parse().unwrap();
        config.game.tick = Duration::ZERO;
        config
    })
}

/// A player who has rested, so that every budget is whole.
async fn rested(config: Config) -> (MemoryServer, Memory, Room) {
    let mut server = MemoryServer::new(config, 1);
    let (client, room) = server.player("rested").await.unwrap();
    sleep(Duration::from_secs(600)).await;
    (server, client, room)
}

/// Holds a rested client to a budget: the burst at once and no more, one more after each interval and not before, and
/// the burst again after a rest. `attempt` asks once and says whether it was done; a denial for the rate says it was not.
async fn hold(client: &mut Memory, burst: u16, interval: Duration, mut attempt: impl AsyncFnMut(&mut Memory) -> bool) {
    let slack = Duration::from_millis(2);
    let mut start = Instant::now();
    for round in 0..2 {
        for number in 0..burst {
            assert!(attempt(client).await, "round {round}: {number} of {burst} at once were done");
        }
        assert!(!attempt(client).await, "more than {burst} at once");
        assert_eq!(start.elapsed(), Duration::ZERO, "nothing of it takes time");
        for step in 1..=2 {
            sleep_until(start + interval * step - slack).await;
            assert!(!attempt(client).await, "sooner than {interval:?} after the last");
            sleep_until(start + interval * step + slack).await;
            assert!(attempt(client).await, "{interval:?} after the last");
            assert!(!attempt(client).await, "two in {interval:?}");
        }
        sleep(interval * u32::from(burst + 2)).await;
        start = Instant::now();
    }
}

/// Whether the next packet is what was asked for, or says that it came too fast.
async fn verdict(client: &mut Memory, done: fn(&ServerPacket) -> bool) -> bool {
    let packet = client.next().await.unwrap();
    let over = is_denied(&packet, DenialCode::RateLimited)
        || matches!(&packet, ServerPacket::Refused(refused) if refused.why == RefusalReason::TooFast);
    assert!(over != done(&packet), "{packet:?}");
    !over
}

#[tokio::test(start_paused = true)]
async fn packets_of_any_kind() {
    let changed = |limits: &mut LimitsConfig| {
        (limits.packets_per_second, limits.steps_per_second) = (8, 8);
        limits.signals_per_second = 8;
    };
    for config in both(changed) {
        let rate = config.limits.packets_per_second;
        let (_server, mut client, _) = rested(config).await;
        hold(&mut client, rate, SECOND / u32::from(rate), async |client| {
            client.send(&ClientPacket::Ping { nonce: 1 }).unwrap();
            verdict(client, |packet| matches!(packet, ServerPacket::Pong { .. })).await
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn steps_which_are_no_strikes() {
    let changed = |limits: &mut LimitsConfig| (limits.steps_per_second, limits.step_burst) = (5, 3);
    for mut config in both(changed) {
        let (rate, burst) = (config.limits.steps_per_second, config.limits.step_burst);
        config.limits.rate_limit_strikes = 1;
        let (mut server, mut client, room) = rested(config).await;
        let mut done = 0;
        hold(&mut client, burst, SECOND / u32::from(rate), async |client| {
            client.step(Direction::Right).unwrap();
            let accepted = verdict(client, |packet| matches!(packet, ServerPacket::Updates(_))).await;
            done += u8::from(accepted);
            accepted
        })
        .await;
        // What was refused has not moved the piece.
        let (_, late) = server.player("late").await.unwrap();
        assert_eq!(late.piece(room.own_seat().unwrap()).unwrap().cell.x, done);
        assert_eq!(done, u8::try_from(2 * (burst + 2)).unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn signals_to_oneself_and_to_the_room_together() {
    for config in both(|limits| limits.signals_per_second = 3) {
        let rate = config.limits.signals_per_second;
        let (_server, mut client, _) = rested(config).await;
        let mut targets = [SignalTarget::Room, SignalTarget::Myself].into_iter().cycle();
        hold(&mut client, rate, SECOND / u32::from(rate), async |client| {
            client.signal(targets.next().unwrap(), payload(b"signal")).unwrap();
            let done = |packet: &ServerPacket| matches!(packet, ServerPacket::Signal(_) | ServerPacket::Echo { .. });
            verdict(client, done).await
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn chat() {
    for config in both(|limits| (limits.chat_lines, limits.chat_window) = (2, SECOND)) {
        let (lines, window) = (config.limits.chat_lines, config.limits.chat_window);
        let (_server, mut client, _) = rested(config).await;
        hold(&mut client, lines, window / u32::from(lines), async |client| {
            client.chat(line("line")).unwrap();
            verdict(client, |packet| matches!(packet, ServerPacket::Chat(_))).await
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn joins_and_room_lists_together() {
    for config in both(|limits| (limits.joins_per_second, limits.join_burst) = (1, 2)) {
        let (rate, burst) = (config.limits.joins_per_second, config.limits.join_burst);
        let (_server, mut client, room) = rested(config).await;
        let mut turn = 0;
        client.leave().await.unwrap();
        hold(&mut client, burst, SECOND / u32::from(rate), async |client| {
            turn += 1;
            client
                .send(&match turn % 2 {
                    0 => ClientPacket::ListRooms { after: RoomId(0), filter: RoomFilter::All },
                    // Whether there is such a room does not matter.
                    _ => ClientPacket::Join { target: JoinTarget::Room(RoomId(room.id().0 + turn)) },
                })
                .unwrap();
            let done = |packet: &ServerPacket| {
                matches!(packet, ServerPacket::Rooms(_)) || is_denied(packet, DenialCode::NoSuchRoom)
            };
            verdict(client, done).await
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn rooms_opened() {
    for config in both(|limits| limits.rooms_opened_per_minute = 6) {
        let rate = config.limits.rooms_opened_per_minute;
        let (server, mut client, _) = rested(config).await;
        client.leave().await.unwrap();
        hold(&mut client, rate, 60 * SECOND / u32::from(rate), async |client| {
            match client.open_room(None, RoomTitle::new("new").unwrap(), None).await {
                Ok(_) => client.leave().await.is_ok(),
                Err(ClientError::Denied(denial)) => {
                    assert_eq!((denial.code, server.host().rooms()), (DenialCode::RateLimited, 0));
                    false
                }
                Err(other) => panic!("{other:?}"),
            }
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_strike_within_the_window_ends_the_connection() {
    for strikes in [None, Some((3, 2 * SECOND))] {
        let mut config = config(|limits| {
            (limits.rate_limit_strikes, limits.strike_window) =
                strikes.unwrap_or((limits.rate_limit_strikes, limits.strike_window));
            // One line of chat, and each further one is a strike.
            (limits.chat_lines, limits.chat_window) = (1, Duration::from_secs(3600));
        });
        config.game.tick = Duration::ZERO;
        let (strikes, window) = (config.limits.rate_limit_strikes, config.limits.strike_window);
        let mut server = MemoryServer::new(config, 2);
        let (mut witness, _) = server.player("witness").await.unwrap();
        let (mut flooder, view) = server.player("flooder").await.unwrap();
        let talk = async |flooder: &mut Memory| {
            flooder.chat(line("and another thing")).unwrap();
            verdict(flooder, |packet| matches!(packet, ServerPacket::Chat(_))).await
        };
        assert!(talk(&mut flooder).await);
        // One strike less than it takes, and again as soon as the window is over.
        for _ in 0..2 {
            for _ in 1..strikes {
                assert!(!talk(&mut flooder).await);
            }
            sleep(window).await;
        }
        for _ in 1..strikes {
            assert!(!talk(&mut flooder).await);
        }
        sleep(window - Duration::from_millis(1)).await;
        arrived(&mut witness).await;
        flooder.chat(line("the last straw")).unwrap();
        flooder.send(&ClientPacket::Leave).unwrap();
        let (packets, end) = to_the_end(&mut flooder).await;
        assert_eq!(packets, [ServerPacket::Kicked { reason: KickReason::Flooding }]);
        assert!(matches!(end, ClientError::Closed), "{end:?}");
        let (packets, _) = arrived(&mut witness).await;
        let [ServerPacket::Left(left)] = packets.as_slice() else { panic!("{packets:?}") };
        assert_eq!((left.seat, left.reason), (view.own_seat().unwrap(), LeaveReason::Kicked));
        assert_eq!(server.counters().value(Count::ClosedByService), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn every_rate_but_the_steps_own_counts_as_a_strike() {
    let config = config(|limits| {
        limits.rate_limit_strikes = 5;
        limits.packets_per_second = 14;
        limits.signals_per_second = 1;
        limits.chat_lines = 1;
        limits.join_burst = 1;
        limits.rooms_opened_per_minute = 1;
        limits.step_burst = 1;
    });
    let mut server = MemoryServer::new(config, 1);
    let (mut client, _) = server.player("all of them").await.unwrap();
    sleep(10 * SECOND).await;
    let open = ClientPacket::OpenRoom { game: None, title: RoomTitle::new("new").unwrap(), seats: None };
    let list = ClientPacket::ListRooms { after: RoomId(0), filter: RoomFilter::All };
    // Each twice: once within the rate, once over it.
    client.leave().await.unwrap();
    client.open_room(None, RoomTitle::new("own").unwrap(), None).await.unwrap();
    client.leave().await.unwrap();
    client.send(&open).unwrap();
    client.send(&list).unwrap();
    client.send(&list).unwrap();
    let (packets, _) = settle(&mut client).await;
    assert_eq!(denials(&packets, DenialCode::RateLimited), 2, "{packets:?}");
    sleep(SECOND).await;
    client.join(JoinTarget::Any).await.unwrap();
    for _ in 0..2 {
        client.step(Direction::Right).unwrap();
        client.chat(line("line")).unwrap();
        client.signal(SignalTarget::Room, payload(b"")).unwrap();
    }
    let (packets, end) = settle(&mut client).await;
    assert_eq!(denials(&packets, DenialCode::RateLimited), 2, "{packets:?}");
    assert!(end.is_none());
    // Seven have been sent since the rest; the fifteenth is one too many.
    for nonce in 0..8 {
        client.send(&ClientPacket::Ping { nonce }).unwrap();
    }
    let (packets, _) = settle(&mut client).await;
    assert_eq!(packets.last(), Some(&ServerPacket::Kicked { reason: KickReason::Flooding }), "{packets:?}");
    assert_eq!(packets.iter().filter(|packet| matches!(packet, ServerPacket::Pong { .. })).count(), 7);
}
