//! Bytes that are no packets, over real sockets: the connection ends, and nobody else notices.
#![allow(clippy::unwrap_used, reason = "a test")]

use malpan_client::{Client, Room};
use malpan_e2e::{
    TestServer, Wire, bytes_of, expect,
    garbage::{noise, tls_greeting},
    line, within,
};
use malpan_net::Count;
use malpan_protocol::{Denial, DenialCode, KickReason, MAX_CLIENT_FRAME, ServerPacket};
use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};
use tokio::net::TcpStream;
use tracing_subscriber::filter::LevelFilter;

/// Frames that are none, whoever sends them.
fn bad_frames() -> Vec<(String, Vec<u8>)> {
    let hello = bytes_of(&Wire::<TcpStream>::way_to_a_seat("nobody")[..1]);
    let longer_by_one = [&[hello[0] + 1], &hello[1..], &[0]].concat();
    let over_the_cap = u16::try_from(MAX_CLIENT_FRAME + 1).unwrap().to_le_bytes();
    let mut frames = vec![
        ("an empty frame".into(), vec![0, 0]),
        ("a length over the cap, and nothing after it".into(), over_the_cap.to_vec()),
        ("a frame over the cap".into(), [&over_the_cap[..], &[0; MAX_CLIENT_FRAME + 1]].concat()),
        ("the longest length there is".into(), vec![0xff, 0xff]),
        ("a packet with a byte behind it".into(), longer_by_one),
        ("a packet that ends too early".into(), vec![2, 0, 0, 1]),
        ("an unknown type".into(), vec![1, 0, 99]),
        ("a type that is no number".into(), vec![3, 0, 0xfd, 0xff, 0xff]),
        ("a value that is not allowed".into(), vec![3, 0, 6, 1, 4]),
        ("a request of the web".into(), b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n".to_vec()),
        ("a TLS greeting with keys of today's length".into(), tls_greeting(1700)),
    ];
    frames.extend((1..=20).map(|seed| (format!("random bytes, seed {seed}"), noise(seed, 3000))));
    frames
}

/// Two who play while others send garbage.
struct Table {
    server: TestServer,
    players: Vec<(Client, Room)>,
}

impl Table {
    async fn new() -> Self {
        let server = TestServer::start(|config| config.limits.chat_lines = 1000).unwrap();
        let mut players = Vec::new();
        for who in ["ann", "bob"] {
            players.push(within(server.player(who)).await.unwrap());
        }
        Self { server, players }
    }

    /// Ann speaks, and both hear it, and nothing else of anyone.
    async fn plays_on(&mut self, about: &str) {
        self.players[0].0.chat(line("still here")).unwrap();
        for (client, room) in &mut self.players {
            let chat = within(expect(client, |packet| match packet {
                ServerPacket::Chat(chat) => Some(chat.clone()),
                ServerPacket::Entered(entered) if entered.event == 2 => None,
                other => panic!("{about}: {other:?}"),
            }));
            assert!(chat.await.unwrap().event > room.event(), "{about}");
        }
        assert_eq!(self.server.host().signed_in(), 2, "{about}");
    }

    fn malformed(&self) -> u64 {
        self.server.counters().value(Count::Malformed)
    }
}

#[tokio::test]
async fn a_stranger_who_sends_garbage_is_cut_off_without_a_word() {
    let log = log();
    let mut table = Table::new().await;
    for (number, (about, bytes)) in (1..).zip(bad_frames()) {
        let mark = log.mark();
        let stream = TcpStream::connect(table.server.address()).await.unwrap();
        let peer = stream.local_addr().unwrap();
        let mut wire = Wire::new(stream);
        within(wire.write(&bytes)).await.unwrap();
        assert_eq!(wire.to_the_end().await.unwrap(), [], "{about}");
        assert_eq!(table.malformed(), number, "{about}");
        table.plays_on(&about).await;

        let lines = log.of(peer, mark);
        assert!(
            lines.len() == 1 && lines[0].contains("DEBUG") && lines[0].contains("no packet"),
            "{about}: {lines:#?}"
        );
    }
}

#[tokio::test]
async fn a_client_that_sends_garbage_is_told_so() {
    let log = log();
    let mut table = Table::new().await;
    let cases = bad_frames();
    // In the middle of a conversation, after each part of it.
    for (number, (about, bytes)) in (1..).zip(&cases) {
        let mark = log.mark();
        let stream = TcpStream::connect(table.server.address()).await.unwrap();
        let peer = stream.local_addr().unwrap();
        let mut wire = Wire::new(stream);
        let said = 1 + usize::try_from(number).unwrap() % 2;
        within(wire.ask(&Wire::<TcpStream>::way_to_a_seat("rude")[..said])).await.unwrap();
        within(wire.write(bytes)).await.unwrap();
        let packets = wire.to_the_end().await.unwrap();
        let told = matches!(&packets[..], [ServerPacket::Denied(Denial { code: DenialCode::Malformed, .. })]);
        assert!(told, "{about}: {packets:?}");
        assert_eq!(table.malformed(), number, "{about}");
        table.plays_on(about).await;
        let lines = log.of(peer, mark);
        assert!(lines.iter().all(|line| line.contains("DEBUG")), "{about}: {lines:#?}");
        assert_eq!(lines.iter().filter(|line| line.contains("no packet")).count(), 1, "{about}: {lines:#?}");
    }
}

/// What comes before the garbage is done, and what comes behind it is not.
#[tokio::test]
async fn the_packets_before_garbage_are_done() {
    let table = Table::new().await;
    let mut wire = Wire::new(TcpStream::connect(table.server.address()).await.unwrap());
    let way = Wire::<TcpStream>::way_to_a_seat("rude");
    within(wire.write(&[bytes_of(&way[..2]), vec![0, 0], bytes_of(&way[2..])].concat())).await.unwrap();
    let packets = wire.to_the_end().await.unwrap();
    let as_it_should = matches!(
        &packets[..],
        [ServerPacket::Welcome(_), ServerPacket::SignedIn { .. }, ServerPacket::Denied(denial)]
            if denial.code == DenialCode::Malformed
    );
    assert!(as_it_should, "{packets:?}");
}

/// The short greeting of an older TLS client claims a frame that it never fills, but one that is longer than a hello.
#[tokio::test]
async fn a_short_tls_greeting_is_not_waited_for() {
    let server = TestServer::start(|config| config.limits.hello_within = Duration::from_secs(3600)).unwrap();
    let mut wire = Wire::new(TcpStream::connect(server.address()).await.unwrap());
    within(wire.write(&tls_greeting(512))).await.unwrap();
    assert_eq!(within(wire.to_the_end()).await.unwrap(), []);
    assert_eq!((server.counters().value(Count::Deadlines), server.counters().value(Count::Malformed)), (0, 1));
}

#[tokio::test]
async fn a_frame_that_stays_incomplete_ends_with_the_time_for_the_hello() {
    let server = TestServer::start(|config| config.limits.hello_within = Duration::from_millis(300)).unwrap();
    let mut wire = Wire::new(TcpStream::connect(server.address()).await.unwrap());
    within(wire.write(&[0, 1, 0, 1, 1])).await.unwrap();
    let packets = wire.to_the_end().await.unwrap();
    assert_eq!(packets, [ServerPacket::Kicked { reason: KickReason::TooLate }]);
    assert_eq!((server.counters().value(Count::Deadlines), server.counters().value(Count::Malformed)), (1, 0));
}

/// The log of this whole process: the server's shards have threads of their own, which a thread's own subscriber would
/// not hear. Each line names its peer, and each connection is a peer of its own.
fn log() -> &'static Lines {
    static LINES: OnceLock<Lines> = OnceLock::new();
    LINES.get_or_init(|| {
        let lines = Lines::default();
        let writer = lines.clone();
        let builder = tracing_subscriber::fmt().with_max_level(LevelFilter::DEBUG).with_ansi(false);
        builder.with_writer(move || writer.clone()).init();
        lines
    })
}

#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// How much has been logged so far.
    fn mark(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The lines about a peer since the mark; before, another may have had its port.
    fn of(&self, peer: SocketAddr, mark: usize) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap()[mark..].to_vec()).unwrap();
        let peer = format!("peer={peer}");
        let names = |line: &&str| line.split([' ', '{', '}']).any(|word| word == peer);
        text.lines().filter(names).map(str::to_owned).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
