//! What strangers write reaches the log of the real server as text and as nothing else: no terminal obeys it, no line and
//! no field is forged. In both forms of the log, with everything logged that there is.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

#[allow(dead_code, reason = "not all of it is needed here")]
mod running;

use malpan_client::protocol::{ClientPacket, Codec, ServerPacket, SoftwareName, VersionRange};
use running::{Running, within};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_util::{bytes::BytesMut, codec::Encoder};

/// What a terminal would obey, and what would look like a line or a field of the log. Each has a word to be found by.
const EVIL: [&str; 8] = [
    "\u{1b}]0;pwned\u{7}",
    "\u{1b}[2Jpwned",
    "\u{9b}2Jpwned",
    "x\nERROR pwned",
    "x\r\npwned",
    "\u{202e}pwned",
    "x\u{2028}pwned",
    "x\u{85}pwned\u{7f}",
];
/// What may be said, and looks like a part of the log.
const SLY: [&str; 3] = ["a\" pwned=\"1", "} ERROR pwned: b", "pwned=2, \"c\":{"];

fn frame(packet: &ClientPacket) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    Codec::<ServerPacket, ClientPacket>::new().encode(packet, &mut bytes).unwrap();
    bytes.to_vec()
}

/// A frame with this text behind what begins its payload.
fn with_text(begin: &[u8], text: &str, end: &[u8]) -> Vec<u8> {
    let payload = [begin, &[u8::try_from(text.len()).unwrap()], text.as_bytes(), end].concat();
    [&u16::try_from(payload.len()).unwrap().to_le_bytes(), payload.as_slice()].concat()
}

fn hello(client: &str) -> Vec<u8> {
    let client = SoftwareName::new(client).unwrap();
    frame(&ClientPacket::Hello { versions: VersionRange::SUPPORTED, client })
}

/// Everything that is sent, a connection for each: to the game's port, the lecture clients' and that of the metrics.
fn attacks() -> [Vec<Vec<u8>>; 3] {
    let (mut game, mut lecture, mut http) = (Vec::new(), Vec::new(), Vec::new());
    for (number, text) in EVIL.into_iter().enumerate() {
        let way = [hello("a client"), with_text(&[1], &format!("evil{number}"), &[])].concat();
        game.push(with_text(&[0, 1, 1], text, &[]));
        game.push([hello("a client"), with_text(&[1], text, &[])].concat());
        // A title, a game's name, and in a room of one's own: chat, a command and match data.
        game.push([way.clone(), with_text(&[3, 0], text, &[0])].concat());
        game.push([way.clone(), with_text(&[4, 2], text, &[])].concat());
        let in_a_room = [way, vec![2, 0, 4, 0]].concat();
        game.push([in_a_room.clone(), with_text(&[7], text, &[])].concat());
        game.push([in_a_room.clone(), with_text(&[6, 1], text, &[])].concat());
        game.push([in_a_room, with_text(&[8, 1], text, &[]), vec![0, 0]].concat());
        game.push(format!("GET /{text} HTTP/1.1\r\nUser-Agent: {text}\r\n\r\n").into_bytes());
        game.push(text.as_bytes().to_vec());
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        lecture.push([&[u8::try_from(utf16.len() + 2).unwrap(), 5], utf16.as_slice(), &[0, 0]].concat());
        lecture.push(text.as_bytes().to_vec());
        http.push(format!("GET /{text} HTTP/1.1\r\nUser-Agent: {text}\r\n\r\n").into_bytes());
        http.push(format!("{text} / HTTP/1.1\r\n\r\n").into_bytes());
    }
    for text in SLY {
        // Signed in, in a room, and then a frame that is none: each line of the log has the name in it.
        let way = [hello(text), with_text(&[1], text, &[]), vec![2, 0, 4, 0, 0, 0]];
        game.push(way.concat());
    }
    [game, lecture, http]
}

/// Sends it and waits for the end of the connection, which some of the lecture's and the web's do not have.
async fn attack(address: SocketAddr, bytes: &[u8]) {
    let mut stream = within(TcpStream::connect(address)).await.unwrap();
    // Errors are the end as well.
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    let _ = timeout(Duration::from_secs(10), stream.read_to_end(&mut Vec::new())).await;
}

/// The log of a server that all of this is sent to.
async fn log(form: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("malpan.toml");
    std::fs::write(&file, "[log]\nfilter = \"trace\"\n").unwrap();
    let any = "127.0.0.1:0";
    let flags = ["--listen", any, "--lecture", any, "--http", any, "--drain", "0s", "--log-format", form];
    let server = Running::start(&[&flags[..], &["--config", file.to_str().unwrap()]].concat()).await;
    let [game, lecture, http] = attacks();
    for (port, attacks) in [("listen", game), ("lecture", lecture), ("http", http)] {
        let address = server.listed(port).parse().unwrap();
        for bytes in attacks {
            attack(address, &bytes).await;
        }
    }
    server.signal("TERM");
    let ended = server.end().await;
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    let bad = ended.log.chars().find(|&c| c != '\n' && (c.is_control() || matches!(c, '\u{202e}' | '\u{2028}')));
    assert_eq!(bad, None, "{form}: {:?}", ended.log);
    ended.log
}

/// Of each attack on the game's port there are lines to be wrong in: one for a frame that is none, or who it was.
fn is_about_attacks(log: &str) {
    let no_packets = log.lines().filter(|line| line.contains("these bytes are no packet")).count();
    assert!(no_packets >= EVIL.len() * 6, "{no_packets}");
    assert!(log.lines().filter(|line| line.contains("not the lecture wire")).count() >= EVIL.len() / 2);
    assert!(log.contains("signed in") && log.contains("in a room"));
    // It was said, so it is there, in whatever form.
    assert!(log.matches("pwned").count() >= SLY.len() * 3);
}

#[tokio::test]
async fn a_text_log_has_a_time_and_a_level_on_every_line_and_no_field_that_a_stranger_wrote() {
    let log = log("text").await;
    is_about_attacks(&log);
    for line in log.lines() {
        let (time, rest) = line.split_once(' ').unwrap();
        assert!(time.len() == 27 && time.starts_with("20") && time.ends_with('Z'), "{line}");
        let level = rest.trim_start().split(' ').next().unwrap();
        assert!(["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].contains(&level), "{line}");
        // Whatever a stranger wrote stands within quotes: without those nothing of it is left.
        let mut outside = String::new();
        let (mut quoted, mut escaped) = (false, false);
        for c in rest.chars() {
            match c {
                '"' if !escaped => quoted = !quoted,
                _ if !quoted => outside.push(c),
                _ => {}
            }
            escaped = quoted && c == '\\' && !escaped;
        }
        assert!(!quoted && !outside.contains("pwned"), "{line}");
    }
}

#[tokio::test]
async fn a_json_log_has_an_object_on_every_line_with_the_names_that_it_always_has() {
    let log = log("json").await;
    is_about_attacks(&log);
    for line in log.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let spans = object["spans"].as_array().into_iter().flatten();
        for (name, _) in spans.chain([&object, &object["fields"]]).flat_map(|part| part.as_object().unwrap()) {
            let ordinary = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'.');
            assert!(ordinary && !name.contains("pwned"), "{name:?} in {line}");
        }
    }
}
