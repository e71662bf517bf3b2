//! What has to happen within a time: hello, sign-in, signs of life, and the taking of what is written.

use super::{SWEEP, assert_due, config, denied};
use malpan_client::{ClientError, Connection};
use malpan_e2e::{MemoryServer, Wire, bytes_of, expect, line, name, to_the_end};
use malpan_net::Count;
use malpan_protocol::{ClientPacket, DenialCode, KickReason, LeaveReason, ServerPacket, SoftwareName, VersionRange};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::{Instant, interval, sleep, timeout},
};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[tokio::test(start_paused = true)]
async fn a_hello_has_to_come_in_time() {
    for limit in [None, Some(seconds(2))] {
        let config = config(|limits| limits.hello_within = limit.unwrap_or(limits.hello_within));
        let limit = config.limits.hello_within;
        let mut server = MemoryServer::new(config, 1);
        // Off the sweep's beat, and half a hello is none.
        sleep(Duration::from_millis(133)).await;
        let since = Instant::now();
        let mut silent = Connection::new(server.stream().unwrap());
        let mut half = server.stream().unwrap();
        half.write_all(&[12, 0, 0]).await.unwrap();
        assert_eq!(silent.next().await.unwrap(), ServerPacket::Kicked { reason: KickReason::TooLate });
        assert_due(since, limit);
        assert!(matches!(silent.next().await, Err(ClientError::Closed)));
        let mut last = Vec::new();
        half.read_to_end(&mut last).await.unwrap();
        assert_eq!(last, [2, 0, 17, 1], "Kicked, TooLate");
        assert_eq!(server.counters().value(Count::Deadlines), 2);

        // One that says hello just in time stays.
        let mut late = Connection::new(server.stream().unwrap());
        sleep(limit - Duration::from_millis(5)).await;
        let client = SoftwareName::new("late").unwrap();
        late.send(&ClientPacket::Hello { versions: VersionRange::SUPPORTED, client }).unwrap();
        assert!(matches!(late.next().await.unwrap(), ServerPacket::Welcome(_)));
        assert!(timeout(seconds(1), late.next()).await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_has_to_come_in_time_whatever_else_is_said() {
    for limit in [None, Some(seconds(3))] {
        let config = config(|limits| limits.sign_in_within = limit.unwrap_or(limits.sign_in_within));
        let limit = config.limits.sign_in_within;
        let mut server = MemoryServer::new(config, 1);
        let mut talker = server.connect().await.unwrap();
        let mut late = server.connect().await.unwrap();
        let since = Instant::now();
        let mut pace = interval(seconds(1));
        let kicked = loop {
            tokio::select! {
                packet = talker.next() => match packet.unwrap() {
                    ServerPacket::Pong { .. } => {}
                    other => break other,
                },
                _ = pace.tick() => {
                    talker.send(&ClientPacket::Ping { nonce: 1 }).unwrap();
                    if since.elapsed() > limit - Duration::from_millis(1500) && server.host().signed_in() == 0 {
                        late.sign_in_guest(name("late")).await.unwrap();
                    }
                }
            }
        };
        assert_eq!(kicked, ServerPacket::Kicked { reason: KickReason::TooLate });
        assert_due(since, limit);
        // Whoever is signed in is under no such deadline any more.
        sleep(seconds(2)).await;
        assert_eq!((server.host().signed_in(), server.admission().sessions()), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_failed_try_to_sign_in_closes() {
    for tries in [None, Some(3)] {
        let config = config(|limits| limits.sign_in_attempts = tries.unwrap_or(limits.sign_in_attempts));
        let tries = config.limits.sign_in_attempts;
        let mut server = MemoryServer::new(config, 1);
        let _ann = server.guest("Ann").await.unwrap();
        let (mut stubborn, mut wise) = (server.connect().await.unwrap(), server.connect().await.unwrap());
        for _ in 1..tries {
            for client in [&mut stubborn, &mut wise] {
                assert_eq!(denied(client.sign_in_guest(name("ann")).await), DenialCode::NameTaken);
            }
        }
        // The last one may still succeed.
        wise.sign_in_guest(name("Bob")).await.unwrap();
        assert_eq!(denied(stubborn.sign_in_guest(name("ann")).await), DenialCode::TooManyAttempts);
        assert!(matches!(stubborn.next().await, Err(ClientError::Closed)));
        assert_eq!(server.host().signed_in(), 2);
    }
}

/// A player that does not answer pings by itself, as the client library does.
async fn deaf_player(server: &mut MemoryServer) -> Wire<DuplexStream> {
    let mut deaf = Wire::new(server.stream().unwrap());
    let answers = deaf.ask(&Wire::<DuplexStream>::way_to_a_seat("deaf")[..2]).await.unwrap();
    assert!(matches!(answers[..], [ServerPacket::Welcome(_), ServerPacket::SignedIn { .. }]), "{answers:?}");
    deaf
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_pinged_and_then_given_up() {
    for times in [None, Some((seconds(1), seconds(5)))] {
        let config = config(|limits| {
            (limits.ping_after, limits.silence) = times.unwrap_or((limits.ping_after, limits.silence));
        });
        let (ping_after, silence) = (config.limits.ping_after, config.limits.silence);
        let mut server = MemoryServer::new(config, 1);
        let mut deaf = deaf_player(&mut server).await;
        let since = Instant::now();
        let mut pings = Vec::new();
        let kicked = loop {
            match deaf.next().await.unwrap().unwrap() {
                ServerPacket::Ping { .. } => pings.push(since.elapsed()),
                other => break other,
            }
        };
        assert_eq!(kicked, ServerPacket::Kicked { reason: KickReason::Silent });
        assert_due(since, silence);
        assert_eq!(deaf.next().await.unwrap(), None, "the end of the stream");
        // The first after the time for it, and then again and again.
        let (first, gaps) = (pings[0], pings.windows(2).map(|two| two[1] - two[0]));
        assert!(first >= ping_after && first <= ping_after + SWEEP, "{first:?}");
        assert!(gaps.into_iter().all(|gap| gap >= ping_after && gap <= ping_after + SWEEP), "{pings:?}");
        assert!(pings.len() >= 2, "{pings:?}");
        assert_eq!((server.host().signed_in(), server.counters().value(Count::Silent)), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_answers_pings_or_says_anything_else_stays_for_minutes() {
    let mut server = MemoryServer::new(config(|_| {}), 1);
    let (mut player, _) = server.player("answers").await.unwrap();
    // Every packet is a sign of life; whoever sends one in time is not even pinged.
    let mut deaf = deaf_player(&mut server).await;
    let talks = tokio::spawn(async move {
        for nonce in 0..40 {
            sleep(seconds(8)).await;
            let answer = deaf.ask(&[ClientPacket::Ping { nonce }]).await.unwrap();
            assert_eq!(answer, [ServerPacket::Pong { nonce }]);
        }
        deaf
    });
    // Pings are answered within `next`, which returns nothing else.
    let nothing = timeout(seconds(300), player.next()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    assert!(player.traffic().0 > 29 * 4, "it was pinged each ten seconds");
    assert_eq!((server.host().signed_in(), server.host().seats_taken()), (2, 1));
    let answers = tokio::spawn(async move { timeout(seconds(60), player.next()).await.is_err() });
    drop(talks.await.unwrap());
    assert!(answers.await.unwrap());
    assert_eq!(server.counters().value(Count::Silent), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_nothing_that_is_written_is_cut_off() {
    for limit in [None, Some(seconds(1))] {
        let config = config(|limits| limits.write_stall = limit.unwrap_or(limits.write_stall));
        let limit = config.limits.write_stall;
        let mut server = MemoryServer::new(config, 2);
        let (mut witness, _) = server.player("witness").await.unwrap();
        // Two whose streams hold a little: one takes nothing, the other a few bytes now and then.
        let (mut stalled, stalled_view) = server.player_over(64, "stalled").await.unwrap();
        let mut slow = server.stream_of(64).unwrap();
        slow.write_all(&bytes_of(&Wire::<DuplexStream>::way_to_a_seat("slow"))).await.unwrap();
        let sips = tokio::spawn(async move {
            let mut byte = [0; 8];
            loop {
                sleep(limit / 2).await;
                slow.read_exact(&mut byte).await.unwrap();
            }
        });
        // More than the streams hold, in few messages: the queues are far from full.
        let since = Instant::now();
        for _ in 0..3 {
            witness.chat(line(&"x".repeat(100))).unwrap();
        }
        let left = expect(&mut witness, |packet| match packet {
            ServerPacket::Left(left) => Some((left.seat, left.reason)),
            _ => None,
        });
        assert_eq!(left.await.unwrap(), (stalled_view.own_seat().unwrap(), LeaveReason::Kicked));
        assert_due(since, limit);
        assert_eq!(server.counters().value(Count::SlowConsumers), 1);
        let (packets, _) = to_the_end(&mut stalled).await;
        assert_eq!(packets.last(), Some(&ServerPacket::Kicked { reason: KickReason::SlowConsumer }));
        // The slow one took something in time, each time.
        let others =
            timeout(limit * 3, expect(&mut witness, |packet| matches!(packet, ServerPacket::Left(_)).then_some(())));
        assert!(others.await.is_err(), "whoever takes a little is not cut off");
        sips.abort();
    }
}
