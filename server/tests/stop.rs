//! How the server's process ends: told everyone, let them play on, and within its time; or at once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

mod running;

use malpan_client::{
    Client, ClientError, ConnectOptions, Room,
    protocol::{DenialCode, Direction, JoinTarget, KickReason, Name, RoomTitle, ServerPacket},
};
use running::{Running, within};
use std::time::{Duration, Instant};

/// What a busy machine may take longer than the server's own clock says.
const SLACK: Duration = Duration::from_secs(5);

async fn server(drain: &str) -> Running {
    // A tick at which whoever steps as soon as the last step is settled steps no faster than is allowed.
    Running::start(&["--listen", "127.0.0.1:0", "--shards", "2", "--tick", "60ms", "--drain", drain]).await
}

async fn guest(server: &Running, name: &str) -> Client {
    let address = server.addresses()[0].to_string();
    let mut client = within(Client::connect(&address, &ConnectOptions::default())).await.unwrap();
    within(client.sign_in_guest(Name::new(name).unwrap())).await.unwrap();
    client
}

async fn player(server: &Running, name: &str) -> (Client, Room) {
    let mut client = guest(server, name).await;
    let room = Room::new(&within(client.join(JoinTarget::Any)).await.unwrap()).unwrap();
    (client, room)
}

/// Takes one step and waits until it is settled; what else comes on the way is taken in. Fails where the server says that
/// it stops.
async fn step(client: &mut Client, room: &mut Room, seen: &mut Vec<ServerPacket>) -> Result<(), KickReason> {
    // To and fro between two cells of its own.
    let at = room.own_piece().unwrap().cell.x;
    let direction = if at.is_multiple_of(2) { Direction::Right } else { Direction::Left };
    let seq = client.step(direction).unwrap();
    loop {
        let packet = within(client.next()).await.unwrap();
        room.apply(&packet).unwrap();
        let settled = match &packet {
            ServerPacket::Updates(batch) => {
                batch.acks.iter().any(|ack| (Some(ack.seat), ack.seq) == (room.own_seat(), seq))
            }
            ServerPacket::Kicked { reason } => return Err(*reason),
            ServerPacket::Refused(_) | ServerPacket::Denied(_) => panic!("{packet:?}"),
            _ => false,
        };
        seen.push(packet);
        if settled {
            return Ok(());
        }
    }
}

fn draining(seen: &[ServerPacket]) -> Option<u16> {
    seen.iter().find_map(|packet| match packet {
        ServerPacket::Draining { seconds } => Some(*seconds),
        _ => None,
    })
}

/// Plays until the server says that it is about to stop, and for some steps more.
async fn play_into_the_drain(mut client: Client, mut room: Room) -> (Client, Room, u16) {
    let (mut seen, mut after) = (Vec::new(), 0);
    while after < 5 {
        step(&mut client, &mut room, &mut seen).await.expect("it lets them play on");
        after += usize::from(draining(&seen).is_some());
    }
    (client, room, draining(&seen).unwrap())
}

/// The last packet, and that nothing follows it.
async fn last_word(client: &mut Client) -> ServerPacket {
    let mut last = None;
    loop {
        match within(client.next()).await {
            Ok(packet) => last = Some(packet),
            Err(ClientError::Closed) => return last.expect("a last word"),
            Err(other) => panic!("{other}"),
        }
    }
}

fn denied<T: std::fmt::Debug>(answer: Result<T, ClientError>) -> DenialCode {
    match answer {
        Err(ClientError::Denied(denial)) => denial.code,
        other => panic!("{other:?}"),
    }
}

const STOPPING: ServerPacket = ServerPacket::Kicked { reason: KickReason::Stopping };

#[tokio::test]
async fn stopped_amid_moves_it_tells_everyone_lets_them_play_on_and_ends_when_all_have_left() {
    // Far more time than the test has patience for: it ends because all have left.
    let server = server("10m").await;
    let mut in_lobby = guest(&server, "in the lobby").await;
    let mut players = Vec::new();
    for name in ["ann", "bob"] {
        let (client, room) = player(&server, name).await;
        players.push(tokio::spawn(play_into_the_drain(client, room)));
    }
    server.signal("TERM");
    // Everyone who is signed in is told, wherever they are.
    assert_eq!(within(in_lobby.next()).await.unwrap(), ServerPacket::Draining { seconds: 600 });
    // No seat can be had any more.
    let room = RoomTitle::new("too late").unwrap();
    assert_eq!(denied(within(in_lobby.join(JoinTarget::Any)).await), DenialCode::Draining);
    assert_eq!(denied(within(in_lobby.open_room(None, room, None)).await), DenialCode::Draining);
    let address = server.addresses()[0].to_string();
    let late = within(Client::connect(&address, &ConnectOptions::default())).await;
    assert!(matches!(late, Err(ClientError::Io(_))), "nobody is let in any more: {late:?}");

    let mut leavers = Vec::new();
    for player in players {
        let (client, room, seconds) = within(player).await.unwrap();
        assert_eq!(seconds, 600);
        leavers.push((client, room));
    }
    let (mut first, _) = leavers.pop().unwrap();
    within(first.leave()).await.unwrap();
    // While one still plays it goes on.
    let (mut second, mut room) = leavers.pop().unwrap();
    let mut seen = Vec::new();
    for _ in 0..5 {
        step(&mut second, &mut room, &mut seen).await.expect("it lets the last one play on");
    }
    within(second.bye()).await.unwrap();
    assert_eq!(last_word(&mut first).await, STOPPING);
    assert_eq!(last_word(&mut in_lobby).await, STOPPING);
    let ended = server.end().await;
    assert_eq!((ended.code, ended.out), (Some(0), Vec::new()), "{}", ended.log);
}

#[tokio::test]
async fn whoever_does_not_leave_plays_until_two_seconds_before_the_end() {
    let limit = Duration::from_secs(4);
    let server = server("4s").await;
    let (mut client, mut room) = player(&server, "stays").await;
    let mut seen = Vec::new();
    step(&mut client, &mut room, &mut seen).await.unwrap();
    let asked = Instant::now();
    server.signal("INT");
    let reason = within(async {
        loop {
            if let Err(reason) = step(&mut client, &mut room, &mut seen).await {
                break reason;
            }
        }
    })
    .await;
    assert_eq!((reason, draining(&seen)), (KickReason::Stopping, Some(4)));
    assert!(asked.elapsed() >= limit - Duration::from_secs(2), "{:?} of play is cut short", asked.elapsed());
    let ended = server.end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(asked.elapsed() <= limit + SLACK, "it took {:?}", asked.elapsed());
}

#[tokio::test]
async fn a_drain_of_no_time_ends_the_play_at_once() {
    let server = server("0s").await;
    let (mut client, _) = player(&server, "plays").await;
    let asked = Instant::now();
    server.signal("TERM");
    assert_eq!(within(client.next()).await.unwrap(), ServerPacket::Draining { seconds: 0 });
    assert_eq!(last_word(&mut client).await, STOPPING);
    let ended = server.end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    assert!(asked.elapsed() <= SLACK, "it took {:?}", asked.elapsed());
}

#[tokio::test]
async fn one_who_takes_no_goodbye_does_not_hold_it_up() {
    let server = server("0s").await;
    // Signed in, and from now on neither reads nor closes.
    let (_silent, _) = player(&server, "silent").await;
    server.signal("TERM");
    assert_eq!(server.end().await.code, Some(0));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    for (first, second) in [("TERM", "TERM"), ("INT", "INT"), ("INT", "TERM")] {
        let server = server("10m").await;
        let (mut client, _) = player(&server, "plays").await;
        server.signal(first);
        // The first has been heard by then: two at once might count as one.
        assert_eq!(within(client.next()).await.unwrap(), ServerPacket::Draining { seconds: 600 });
        server.signal(second);
        let ended = server.end().await;
        assert_eq!(ended.code, Some(1), "{}", ended.log);
        assert!(ended.log.contains("stopped at once"), "{}", ended.log);
    }
}

#[tokio::test]
async fn without_players_it_ends_at_once() {
    let server = server("10m").await;
    server.signal("TERM");
    assert_eq!(server.end().await.code, Some(0));
}
