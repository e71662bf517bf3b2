//! The lecture wire, driven with bytes written by hand: lecture clients and Malpan clients on the same boards.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_client::{Client, Room};
use malpan_e2e::{MemoryServer, TestServer, arrived, line, within};
use malpan_net::CloseReason;
use malpan_protocol::{Cell, Direction, JoinTarget, LeaveReason, Seat, SeatCount, ServerPacket};
use malpan_server::config::{AddressOrOff, Config};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    net::TcpStream,
    time::{sleep, timeout},
};

const UP: [u8; 2] = [2, 1];
const DOWN: [u8; 2] = [2, 2];
const LEFT: [u8; 2] = [2, 3];
const RIGHT: [u8; 2] = [2, 4];

fn position(id: u8, x: u8, y: u8) -> Vec<u8> {
    vec![6, 1, id, 0, x, y]
}

fn put(id: u8, x: u8, y: u8) -> Vec<u8> {
    vec![6, 2, id, 0, x, y]
}

fn remove(id: u8) -> Vec<u8> {
    vec![4, 3, id, 0]
}

/// A chat packet from the server.
fn said(id: u8, text: &str) -> Vec<u8> {
    let mut packet = vec![0, 4, id, 0];
    packet.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    packet[0] = u8::try_from(packet.len()).unwrap();
    packet
}

/// A chat packet from a client.
fn say(text: &str) -> Vec<u8> {
    let mut packet = vec![0, 5];
    packet.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    packet[0] = u8::try_from(packet.len()).unwrap();
    packet
}

/// Lets everything happen: with paused time, a sleep ends only when nothing else is left to do.
async fn settle() {
    sleep(Duration::from_millis(100)).await;
}

/// The packets that have come, and whether the stream has ended.
async fn hears(stream: &mut DuplexStream) -> (Vec<Vec<u8>>, bool) {
    settle().await;
    let (mut bytes, mut ended) = (Vec::new(), false);
    // Nothing more comes while nothing happens: the read waits out the time that is left.
    while let Ok(read) = timeout(Duration::from_millis(1), stream.read_buf(&mut bytes)).await {
        if read.unwrap() == 0 {
            ended = true;
            break;
        }
    }
    let mut packets = Vec::new();
    while !bytes.is_empty() {
        packets.push(bytes.drain(..usize::from(bytes[0])).collect());
    }
    (packets, ended)
}

async fn packets(stream: &mut DuplexStream) -> Vec<Vec<u8>> {
    let (packets, ended) = hears(stream).await;
    assert!(!ended, "{packets:?}");
    packets
}

async fn writes(stream: &mut DuplexStream, bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
}

struct Scene {
    server: MemoryServer,
    /// Someone who speaks the Malpan protocol, on seat 0.
    malpan: Client<DuplexStream>,
    room: Room,
    /// Someone who speaks the lecture wire, on seat 1.
    lecture: DuplexStream,
}

impl Scene {
    async fn new() -> Self {
        let mut server = MemoryServer::new(Config::default(), 2);
        let (malpan, room) = server.player("Malpan").await.unwrap();
        let lecture = server.lecture_stream_of(4096).unwrap();
        let mut scene = Self { server, malpan, room, lecture };
        assert_eq!(packets(&mut scene.lecture).await, [put(1, 6, 0), put(0, 0, 0)], "the first names you");
        scene.hear().await;
        scene
    }

    /// What the Malpan client has heard.
    async fn hear(&mut self) -> Vec<ServerPacket> {
        self.malpan.flush().await.unwrap();
        settle().await;
        let (packets, end) = arrived(&mut self.malpan).await;
        assert!(end.is_none(), "{end:?}");
        packets.iter().for_each(|packet| self.room.apply(packet).unwrap());
        packets
    }

    fn piece(&self, seat: u8) -> Option<Cell> {
        self.room.piece(Seat::new(seat).unwrap()).map(|piece| piece.cell)
    }
}

#[tokio::test(start_paused = true)]
async fn both_see_each_other_come_move_chat_and_go() {
    let mut scene = Scene::new().await;
    let name = scene.room.name(Seat::new(1).unwrap()).unwrap().to_string();
    assert!(name.starts_with("lecture-"), "{name}");

    writes(&mut scene.lecture, &[DOWN, RIGHT].concat()).await;
    assert_eq!(packets(&mut scene.lecture).await, [position(1, 6, 1), position(1, 7, 1)], "its own come back");
    scene.hear().await;
    assert_eq!(scene.piece(1), Some(Cell { x: 7, y: 1 }));
    scene.malpan.step(Direction::Down).unwrap();
    scene.hear().await;
    assert_eq!(packets(&mut scene.lecture).await, [position(0, 0, 1)]);

    writes(&mut scene.lecture, &say("안녕!")).await;
    assert_eq!(packets(&mut scene.lecture).await, [said(1, "안녕!")]);
    let heard = scene.hear().await;
    assert!(matches!(&heard[..], [ServerPacket::Chat(chat)] if chat.text.as_str() == "안녕!"), "{heard:?}");
    scene.malpan.chat(line("hello 😀")).unwrap();
    scene.hear().await;
    assert_eq!(packets(&mut scene.lecture).await, [said(0, "hello 😀")]);

    // A second lecture client: each sees the other come, and go.
    let mut second = scene.server.lecture_stream_of(4096).unwrap();
    let cells = packets(&mut second).await;
    assert_eq!(cells.iter().map(|packet| packet[1..3].to_vec()).collect::<Vec<_>>(), [[2, 2], [2, 0], [2, 1]]);
    let came = packets(&mut scene.lecture).await;
    assert_eq!(came, [cells[0].clone()]);
    drop(second);
    assert_eq!(packets(&mut scene.lecture).await, [remove(2)]);
    scene.malpan.leave().await.unwrap();
    assert_eq!(packets(&mut scene.lecture).await, [remove(0)]);
    assert_eq!(scene.server.host().seats_taken(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_board_refuses_changes_nothing_and_says_nothing() {
    let mut scene = Scene::new().await;
    writes(&mut scene.lecture, &[UP, UP].concat()).await;
    assert_eq!(packets(&mut scene.lecture).await, Vec::<Vec<u8>>::new());
    assert_eq!(scene.hear().await, []);
    assert_eq!(scene.piece(1), Some(Cell { x: 6, y: 0 }));
    // Faster than steps are allowed: what is too much is not done, and the connection lives.
    let walk: Vec<u8> = (0..40).flat_map(|turn| [LEFT, RIGHT][turn % 2]).collect();
    writes(&mut scene.lecture, &walk).await;
    let burst = Config::default().limits.step_burst;
    assert_eq!(packets(&mut scene.lecture).await.len(), usize::from(burst));
}

#[tokio::test(start_paused = true)]
async fn bytes_that_come_one_by_one_and_cut_in_every_place_are_the_same_packets() {
    let walk = [&DOWN[..], &say("hi"), &LEFT, &UP].concat();
    for cut in 0..walk.len() {
        let mut scene = Scene::new().await;
        writes(&mut scene.lecture, &walk[..cut]).await;
        let mut heard = packets(&mut scene.lecture).await;
        for byte in &walk[cut..] {
            writes(&mut scene.lecture, &[*byte]).await;
            heard.extend(packets(&mut scene.lecture).await);
        }
        heard.sort();
        let mut expected = [position(1, 6, 1), said(1, "hi"), position(1, 5, 1), position(1, 5, 0)];
        expected.sort();
        assert_eq!(heard, expected, "cut after {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_packet_ends_the_connection_and_frees_the_seat() {
    for garbage in [&[0, 1][..], &[1], &[2, 0], &[2, 6], &[2, 255], &[3, 1, 0], &[255, 4], &[5, 5, 0, 0, 0]] {
        let mut scene = Scene::new().await;
        let session = scene.server.newest_session().unwrap();
        // What stood before it is still done; whether the culprit hears of it is a matter of time.
        writes(&mut scene.lecture, &[&DOWN[..], garbage].concat()).await;
        assert!(hears(&mut scene.lecture).await.1, "{garbage:?}");
        assert_eq!(session.close_reason(), Some(CloseReason::Malformed));
        let left = scene.hear().await;
        assert!(left.iter().any(|packet| matches!(packet, ServerPacket::Updates(_))), "{left:?}");
        let last = left.last();
        assert!(matches!(last, Some(ServerPacket::Left(left)) if left.reason == LeaveReason::Kicked), "{left:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_packet_that_never_comes_whole_is_waited_for_and_costs_nothing() {
    let mut scene = Scene::new().await;
    writes(&mut scene.lecture, &[254, 5, b'h', 0]).await;
    // Long after a Malpan client would have been given up: here the kernel asks whether the peer is there.
    for _ in 0..10 {
        sleep(Duration::from_secs(9)).await;
        scene.malpan.send(&malpan_protocol::ClientPacket::Ping { nonce: 1 }).unwrap();
        scene.hear().await;
    }
    assert_eq!(packets(&mut scene.lecture).await, Vec::<Vec<u8>>::new());
    scene.lecture.shutdown().await.unwrap();
    assert!(hears(&mut scene.lecture).await.1);
}

#[tokio::test(start_paused = true)]
async fn chat_of_any_kind_is_clean_before_others_see_it() {
    let mut scene = Scene::new().await;
    // An array of wchar_t with what lay in it before, an escape sequence, half a surrogate pair, and nothing at all.
    let mut padded = say("hi\0rubbish");
    writes(&mut scene.lecture, &padded).await;
    writes(&mut scene.lecture, &say("\u{1b}[2J")).await;
    padded = vec![4, 5, 0x00, 0xd8];
    writes(&mut scene.lecture, &padded).await;
    writes(&mut scene.lecture, &[2, 5]).await;
    writes(&mut scene.lecture, &say("  ")).await;
    let expected = [said(1, "hi"), said(1, "\u{fffd}[2J"), said(1, "\u{fffd}")];
    assert_eq!(packets(&mut scene.lecture).await, expected);
    let heard = scene.hear().await;
    assert_eq!(heard.len(), 3, "{heard:?}");
    // Too much of it is a strike each, and the tenth ends it.
    for _ in 0..20 {
        // An error means that it has ended.
        let _ = scene.lecture.write_all(&say("spam")).await;
    }
    assert!(hears(&mut scene.lecture).await.1);
}

#[tokio::test(start_paused = true)]
async fn long_chat_is_split() {
    let mut scene = Scene::new().await;
    let text: String = "가나다라마".chars().cycle().take(200).collect();
    scene.malpan.chat(line(&text)).unwrap();
    scene.hear().await;
    let (first, second): (String, String) = (text.chars().take(125).collect(), text.chars().skip(125).collect());
    assert_eq!(packets(&mut scene.lecture).await, [said(0, &first), said(0, &second)]);
}

#[tokio::test(start_paused = true)]
async fn one_that_reads_too_slowly_is_cut_or_brought_up_to_date_as_anyone() {
    let mut config = Config::default();
    (config.limits.packets_per_second, config.limits.steps_per_second, config.limits.step_burst) = (1000, 1000, 1000);
    config.game.tick = Duration::ZERO;
    let mut server = MemoryServer::new(config, 1);
    let (mut malpan, mut room) = server.player("Malpan").await.unwrap();
    let mut lecture = server.lecture_stream_of(64).unwrap();
    settle().await;
    for turn in 0..201 {
        malpan.step([Direction::Down, Direction::Up][turn % 2]).unwrap();
        malpan.flush().await.unwrap();
        sleep(Duration::from_millis(2)).await;
        arrived(&mut malpan).await.0.iter().for_each(|packet| room.apply(packet).unwrap());
    }
    let (mut heard, mut round) = (Vec::new(), packets(&mut lecture).await);
    while !round.is_empty() {
        heard.append(&mut round);
        round = packets(&mut lecture).await;
    }
    assert!(heard.len() < 150, "most were left out: {}", heard.len());
    // The last is its part of the one snapshot: where everyone stands.
    let at = room.own_piece().unwrap().cell;
    assert!(heard[heard.len() - 2..].contains(&position(0, at.x, at.y)), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_seat_or_a_stopping_server_is_closed() {
    let mut config = Config::default();
    (config.limits.rooms, config.game.seats) = (1, SeatCount::new(1).unwrap());
    config.limits.empty_room_grace = Duration::ZERO;
    let mut server = MemoryServer::new(config, 1);
    let first = server.lecture_stream_of(4096).unwrap();
    settle().await;
    let mut second = server.lecture_stream_of(4096).unwrap();
    assert_eq!(hears(&mut second).await, (vec![], true));
    drop(first);
    settle().await;
    assert_eq!((server.host().rooms(), server.host().signed_in()), (0, 0));
    server.host().start_draining(Duration::ZERO);
    let mut late = server.lecture_stream_of(4096).unwrap();
    assert_eq!(hears(&mut late).await, (vec![], true));
}

#[tokio::test(start_paused = true)]
async fn a_taken_name_does_not_keep_a_lecture_client_out() {
    let mut server = MemoryServer::new(Config::default(), 1);
    let (mut first, _) = server.player("first").await.unwrap();
    let _prankster = server.guest("lecture-1").await.unwrap();
    let mut lecture = server.lecture_stream_of(4096).unwrap();
    assert_eq!(packets(&mut lecture).await.len(), 2);
    first.join(JoinTarget::Any).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn the_documents_session_is_as_it_says() {
    let page = include_str!("../../docs/protocol.md");
    let (_, rest) = page.split_once("```lecture\n").unwrap();
    let (session, _) = rest.split_once("```").unwrap();
    let mut server = MemoryServer::new(Config::default(), 1);
    let _malpan = server.player("Malpan").await.unwrap();
    let mut stream = server.lecture_stream_of(4096).unwrap();
    let (mut heard, mut lines) = (std::collections::VecDeque::from(packets(&mut stream).await), 0);
    for line in session.lines() {
        let (what, _) = line.split_once('#').unwrap();
        let bytes: Vec<u8> = what[1..].split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        match &what[..1] {
            "<" => assert_eq!(heard.pop_front(), Some(bytes), "{line}"),
            _ => {
                assert_eq!(heard, [] as [Vec<u8>; 0], "before {line}");
                writes(&mut stream, &bytes).await;
                heard.extend(packets(&mut stream).await);
            }
        }
        lines += 1;
    }
    assert_eq!((heard.len(), lines), (0, 9));
}

#[tokio::test]
async fn over_a_real_socket_a_stop_says_nothing_that_the_wire_has_no_word_for() {
    let here = AddressOrOff::Address(([127, 0, 0, 1], 0).into());
    let server = TestServer::start(|config| config.lecture = here).unwrap();
    let mut stream = within(TcpStream::connect(server.lecture_address().unwrap())).await.unwrap();
    let mut first = [0; 6];
    within(stream.read_exact(&mut first)).await.unwrap();
    assert_eq!(first[..4], [6, 2, 0, 0]);
    let mut rest = Vec::new();
    let (read, ()) = tokio::join!(within(stream.read_to_end(&mut rest)), server.stop());
    assert_eq!((read.unwrap(), rest), (0, vec![]));
}
