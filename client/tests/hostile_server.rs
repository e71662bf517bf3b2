//! A server that sends what a terminal would obey: the real program, through pipes and in a terminal, shows none of it.

#![allow(clippy::unwrap_used, reason = "every function here is a test's")]

#[cfg(unix)]
#[allow(dead_code, reason = "not all of it is needed here")]
#[path = "terminal/pty.rs"]
mod pty;

use assert_cmd::Command;
use bytes::BytesMut;
use malpan_client::protocol::{
    game::board::{Position, State},
    *,
};
use malpan_e2e::PATIENCE;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

/// Stands in the packets of a good server where a text may be, and is replaced by one of the same length.
const PLACE: &str = "XXXXXXXXXX";
/// Titles, colours and screens of a terminal, the same with controls of one character, a line break, and text turned
/// round. Each as long as the place.
const EVIL: [&[u8]; 6] = [
    b"\x1b]0;pwned\x07",
    b"\x1b[2Jpwned1",
    "\u{9b}2Jpwned1".as_bytes(),
    b"ok\npwned 12",
    "\u{202e}pwned12".as_bytes(),
    b"\x7f\x08\x08pwned12",
];

/// The packets of a good server to one who signs in, joins, and stays for a while; each has a place.
fn good() -> Vec<(&'static str, ServerPacket)> {
    let limits = Limits {
        frame_bytes: 1024,
        packets_per_second: 100,
        steps_per_second: 20,
        step_burst: 10,
        signals_per_second: 10,
        tick_ms: 0,
        silence_seconds: 30,
    };
    let name = Name::new(PLACE).unwrap();
    let (seat, other) = (Seat::new(0).unwrap(), Seat::new(1).unwrap());
    let positions = vec![Position { seat, cell: Cell { x: 0, y: 0 } }].try_into().unwrap();
    let state = State { size: BoardSize::new(8, 8).unwrap(), positions };
    let joined = Joined {
        room: RoomId(1),
        title: RoomTitle::new(PLACE).unwrap(),
        game: GameName::BOARD,
        seats: SeatCount::new(10).unwrap(),
        seat: Some(seat),
        members: vec![Member { seat, name: name.clone() }].try_into().unwrap(),
        incarnation: 1,
        event: 1,
        batch: 0,
        state: StateBytes::of(&state).unwrap(),
    };
    let updates = UpdateBytes::of(&Position { seat: other, cell: Cell { x: 6, y: 0 } }).unwrap();
    let entered = Entered { event: 2, member: Member { seat: other, name: name.clone() }, updates };
    let denial = Denial { code: DenialCode::RateLimited, reason: Reason::new(PLACE).unwrap() };
    vec![
        ("welcome", ServerPacket::Welcome(Welcome { version: 1, server: SoftwareName::new(PLACE).unwrap(), limits })),
        ("name", ServerPacket::SignedIn { player: PlayerId(1), name }),
        ("title", ServerPacket::Joined(joined)),
        ("member", ServerPacket::Entered(entered)),
        ("chat", ServerPacket::Chat(Chatted { event: 3, seat: other, text: ChatText::new(PLACE).unwrap() })),
        ("denial", ServerPacket::Denied(denial)),
    ]
}

fn frame(packet: &ServerPacket) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    packet.encode_frame(&mut bytes).unwrap();
    bytes.to_vec()
}

/// The frame with `evil` in its place.
fn evil_frame(packet: &ServerPacket, evil: &[u8]) -> Vec<u8> {
    let mut bytes = frame(packet);
    assert_eq!(evil.len(), PLACE.len());
    let at = bytes.windows(PLACE.len()).position(|window| window == PLACE.as_bytes()).unwrap();
    bytes[at..at + evil.len()].copy_from_slice(evil);
    bytes
}

/// A server that is good up to the packet of this name, which is evil; what follows is good again. Connections come as
/// often as the client likes.
fn serve(evil_at: &'static str, evil: Option<&'static [u8]>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            // An error is the client's end.
            thread::spawn(move || stream.and_then(|stream| converse(stream, evil_at, evil)));
        }
    });
    address
}

fn converse(mut stream: TcpStream, evil_at: &str, evil: Option<&[u8]>) -> std::io::Result<()> {
    for (name, packet) in good() {
        if matches!(name, "welcome" | "name" | "title") {
            // One request for each of these; a small one comes whole.
            if stream.read(&mut [0; 1024])? == 0 {
                return Ok(());
            }
        }
        let bytes = evil.filter(|_| name == evil_at).map_or_else(|| frame(&packet), |evil| evil_frame(&packet, evil));
        stream.write_all(&bytes)?;
    }
    std::io::copy(&mut stream, &mut std::io::sink()).map(drop)
}

fn play_plainly(address: SocketAddr) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_malpan"))
        .args(["play", &address.to_string(), "--name", PLACE, "--plain"])
        .write_stdin("who\nstatus\nquit\n")
        .timeout(PATIENCE)
        .output()
        .unwrap();
    (output.status.code(), [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat())
}

#[test]
fn what_a_good_server_says_is_printed() {
    let (code, printed) = play_plainly(serve("nothing", None));
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains(&format!("you {PLACE} 0,0")), "{printed}");
}

#[test]
fn plain_mode_prints_nothing_that_a_terminal_obeys() {
    for (place, _) in good() {
        for evil in EVIL {
            let (code, printed) = play_plainly(serve(place, Some(evil)));
            let about = format!("{place}, {:?}: {printed:?}", String::from_utf8_lossy(evil));
            let bad = printed.chars().find(|&c| c != '\n' && (c.is_control() || c == '\u{202e}'));
            assert_eq!(bad, None, "{about}");
            assert!(!printed.contains("pwned"), "{about}");
            // It ends by itself, whatever it makes of such a server.
            assert!(code.is_some(), "{about}");
        }
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_is_sent_nothing_of_it() {
    for (place, _) in good() {
        let mut command = portable_pty::CommandBuilder::new(env!("CARGO_BIN_EXE_malpan"));
        command.args(["play", &serve(place, Some(EVIL[0])).to_string(), "--name", PLACE]);
        let mut terminal = pty::Terminal::start(command, (100, 30));
        // It says what it thinks of such a server, and ends, or tries again for as long as the person likes.
        let told = |rows: &[String]| rows.iter().any(|row| row.contains("not Malpan packets")).then_some(());
        terminal.wait_for("a word about it", told).await;
        terminal.press("\x03");
        terminal.wait_for_end().await;
        let sent = terminal.sent();
        assert!(!sent.windows(5).any(|bytes| bytes == b"pwned"), "{place}: {:?}", String::from_utf8_lossy(&sent));
    }
}
