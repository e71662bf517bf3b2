//! A client whose bytes come one by one, and one that takes them one by one: the stream may be cut anywhere.
#![allow(clippy::unwrap_used, reason = "a test")]

use bytes::BytesMut;
use malpan_client::{Client, Room};
use malpan_e2e::{MemoryServer, TestServer, bytes_of, line, name, payload, step, within};
use malpan_protocol::{
    ClientCodec, ClientPacket, Direction, JoinTarget, ServerPacket, SignalTarget, SoftwareName, VersionRange,
};
use malpan_server::config::Config;
use std::time::Duration;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    net::TcpStream,
    time::{Instant, interval, sleep_until},
};
use tokio_util::codec::Decoder;

/// Writes each byte by itself.
async fn drip(stream: &mut (impl AsyncWrite + Unpin), packets: &[ClientPacket]) {
    for byte in bytes_of(packets) {
        stream.write_all(&[byte]).await.unwrap();
        stream.flush().await.unwrap();
    }
}

/// Reads byte by byte until a packet is there. What is read into `partial` of the next one is never more than a byte.
async fn sip(stream: &mut (impl AsyncRead + Unpin), partial: &mut BytesMut) -> ServerPacket {
    loop {
        if let Some(packet) = ClientCodec::new().decode(partial).unwrap() {
            assert!(partial.is_empty());
            if !matches!(packet, ServerPacket::Token { .. }) {
                return packet;
            }
        }
        partial.extend_from_slice(&[stream.read_u8().await.unwrap()]);
    }
}

/// The whole conversation of one who is alone in a room, byte by byte both ways.
async fn converse(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let mut partial = BytesMut::new();
    let client = SoftwareName::new("drip/1").unwrap();
    drip(stream, &[ClientPacket::Hello { versions: VersionRange::SUPPORTED, client }]).await;
    assert!(matches!(sip(stream, &mut partial).await, ServerPacket::Welcome(_)));
    drip(stream, &[ClientPacket::Guest { name: name("말판") }]).await;
    assert!(matches!(sip(stream, &mut partial).await, ServerPacket::SignedIn { name, .. } if name.as_str() == "말판"));
    drip(stream, &[ClientPacket::Join { target: JoinTarget::Any }]).await;
    let ServerPacket::Joined(joined) = sip(stream, &mut partial).await else { panic!("no seat") };
    let mut room = Room::new(&joined).unwrap();
    // A frame of some size, and several frames of which none waits for an answer.
    let talk = [
        ClientPacket::Signal { to: SignalTarget::Room, payload: payload(&[0xab; 256]) },
        ClientPacket::Chat { text: line("말") },
        step(1, Direction::Right),
    ];
    drip(stream, &talk).await;
    let (mut signals, mut lines, mut moves) = (0, 0, 0);
    while (signals, lines, moves) != (1, 1, 1) {
        let packet = sip(stream, &mut partial).await;
        room.apply(&packet).unwrap();
        match packet {
            ServerPacket::Signal(signal) => {
                assert_eq!(signal.payload, payload(&[0xab; 256]));
                signals += 1;
            }
            ServerPacket::Chat(_) => lines += 1,
            ServerPacket::Updates(_) => moves += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(room.own_piece().unwrap().cell.x, 1);
    drip(stream, &[ClientPacket::Leave, ClientPacket::Bye]).await;
    assert!(matches!(sip(stream, &mut partial).await, ServerPacket::RoomLeft { .. }));
    assert!(stream.read_u8().await.is_err(), "the end of the stream");
}

#[tokio::test]
async fn over_a_socket_without_delay() {
    let server = TestServer::start(|_| {}).unwrap();
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    stream.set_nodelay(true).unwrap();
    within(converse(&mut stream)).await;
}

/// In memory no byte can join another on the way: the server reads and writes one byte at a time.
#[tokio::test(start_paused = true)]
async fn over_a_stream_of_one_byte() {
    let mut server = MemoryServer::new(Config::default(), 1);
    let mut stream = server.stream_of(1).unwrap();
    converse(&mut stream).await;
}

/// Plays on its own for a while, and tells what it sees then.
async fn play(mut client: Client<DuplexStream>, mut view: Room, to_and_fro: [Direction; 2]) -> Room {
    let end = Instant::now() + Duration::from_secs(5);
    let mut pace = interval(Duration::from_millis(100));
    let mut directions = to_and_fro.iter().cycle().take(31);
    loop {
        tokio::select! {
            packet = client.next() => view.apply(&packet.unwrap()).unwrap(),
            _ = pace.tick() => {
                if let Some(&direction) = directions.next() {
                    client.step(direction).unwrap();
                    client.signal(SignalTarget::Room, payload(&[7; 40])).unwrap();
                }
            }
            () = sleep_until(end) => return view,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_who_takes_a_byte_at_a_time_sees_what_the_others_see() {
    let mut server = MemoryServer::new(Config::default(), 2);
    let (mut quick, mut quick_view) = server.player("quick").await.unwrap();
    let (slow, slow_view) = server.player_over(1, "slow").await.unwrap();
    quick_view.apply(&quick.next().await.unwrap()).unwrap();
    let quick = tokio::spawn(play(quick, quick_view, [Direction::Right, Direction::Left]));
    let slow = tokio::spawn(play(slow, slow_view, [Direction::Down, Direction::Up]));
    let (quick_view, slow_view) = (quick.await.unwrap(), slow.await.unwrap());
    assert_eq!(slow_view.pieces().collect::<Vec<_>>(), quick_view.pieces().collect::<Vec<_>>());
    assert_eq!(slow_view.own_piece().unwrap().cell.y, 1, "an odd number of steps");
    // Two entered, and each sent 31 signals.
    assert_eq!((slow_view.event(), quick_view.event(), slow_view.skipped_batches()), (64, 64, 0));
}
