//! What of a recording is sent again, as it was and otherwise.

use super::{Do, Script};
use crate::bot::{
    plan,
    record::{End, Header, ReadError, Record, What, file_of},
};
use bytes::BytesMut;
use malpan_client::protocol::{
    ChatText, ClientPacket, JoinTarget, Name, Packet, PlayerId, ResumeToken, RoomId, Secret, Seen, ServerCodec,
    ServerPacket, SoftwareName, VersionRange,
};
use std::time::Duration;
use tokio_util::codec::Decoder;

/// The recorded run's number, and this one's.
const THEN: u32 = 0xaaaa;
const NOW: u32 = 0xbbbb;

fn header() -> Header {
    Header { bot: "0".into(), command: Vec::new(), address: String::new(), seed: 1, started: String::new(), run: THEN }
}

fn frame(packet: &impl Packet) -> Vec<u8> {
    let mut frame = BytesMut::new();
    packet.encode_frame(&mut frame).unwrap();
    frame.to_vec()
}

fn name(prefix: &str, rest: &str) -> Name {
    Name::new(&format!("{prefix}{rest}")).unwrap()
}

fn hello() -> ClientPacket {
    ClientPacket::Hello { versions: VersionRange::SUPPORTED, client: SoftwareName::new("bot").unwrap() }
}

fn record(connection: u32, at_us: u64, what: What<'_>) -> Record<'_> {
    Record { connection, at_us, what }
}

fn opened(connection: u32, at_us: u64, hostile: bool) -> Record<'static> {
    record(connection, at_us, What::Opened { player: 4, hostile })
}

fn load(records: &[Record<'_>]) -> Script {
    Script::read(file_of(&header(), records).as_slice(), NOW).unwrap()
}

/// What a connection does, as lines.
fn told(script: &Script, index: usize) -> Vec<String> {
    let one = &script.connections[index];
    let mut from = 0;
    let lines = one.acts.iter().map(|act| {
        let what = match &act.what {
            Do::Send(burst) => {
                let mut bytes = BytesMut::from(&one.bytes[from..from + burst.bytes as usize]);
                from += burst.bytes as usize;
                let mut packets = Vec::new();
                while let Ok(Some(packet)) = ServerCodec::new().decode(&mut bytes) {
                    packets.push(format!("{packet:?}"));
                }
                format!("{} +{} {}/{}", packets.join(" "), bytes.len(), burst.frames, burst.messages)
            }
            Do::Resume(resume) => format!("resume of {:?}", resume.from),
            what => format!("{what:?}"),
        };
        format!("{} {what}", act.at_us)
    });
    lines.collect()
}

#[test]
fn frames_are_sent_as_they_were_but_pongs_and_names() {
    let guest = ClientPacket::Guest { name: name(&plan::name_prefix(THEN), "7") };
    let login =
        ClientPacket::Login { name: name(&plan::name_prefix(THEN), "7"), secret: Secret::new("12345678").unwrap() };
    let stranger = ClientPacket::Guest { name: name("ann-", "7") };
    let chat = ClientPacket::Chat { text: ChatText::new("a line").unwrap() };
    let both = [frame(&ClientPacket::Pong { nonce: 3 }), frame(&guest), frame(&chat)].concat();
    let script = load(&[
        opened(9, 100, false),
        record(9, 110, What::Sent(&frame(&hello()))),
        record(9, 120, What::Sent(&both)),
        record(9, 130, What::Sent(&frame(&ClientPacket::Pong { nonce: 4 }))),
        record(9, 140, What::Sent(&[frame(&login), frame(&stranger), frame(&ClientPacket::Bye)].concat())),
        record(9, 150, What::Closed(End::LetGo)),
    ]);
    let prefix = plan::name_prefix(NOW);
    assert_eq!(
        told(&script, 0),
        [
            format!("110 {:?} +0 1/0", hello()),
            format!("120 {:?} {chat:?} +0 2/1", ClientPacket::Guest { name: name(&prefix, "7") }),
            format!(
                "140 {:?} {stranger:?} Bye +0 3/0",
                ClientPacket::Login { name: name(&prefix, "7"), secret: Secret::new("12345678").unwrap() }
            ),
            "150 End(LetGo)".into(),
        ]
    );
    assert_eq!((script.pongs, script.first_us, script.last_us, script.whole), (2, 100, 150, true));
    assert!(script.connections[0].bye && !script.is_hostile());
}

#[test]
fn a_frame_in_pieces_is_sent_whole_when_its_last_piece_was() {
    let hello_frame = frame(&hello());
    let script = load(&[
        opened(0, 0, false),
        record(0, 10, What::Sent(&hello_frame[..3])),
        record(0, 20, What::Sent(&hello_frame[3..])),
        record(0, 30, What::Sent(&hello_frame[..5])),
        record(0, 40, What::Closed(End::Broken)),
    ]);
    assert_eq!(told(&script, 0), [format!("20 {:?} +0 1/0", hello()), "30  +5 0/0".into(), "40 End(Broken)".into()]);
}

#[test]
fn what_is_no_packet_is_sent_as_it_is() {
    let noise = [[0xff; 4].as_slice(), b"anything"].concat();
    let script = load(&[opened(0, 0, false), record(0, 10, What::Sent(&noise)), record(0, 20, What::Sent(b"more"))]);
    assert_eq!(script.connections[0].bytes, [noise.as_slice(), b"more"].concat());
    assert_eq!(script.connections[0].acts.len(), 3);
}

#[test]
fn hostile_bytes_keep_their_pieces_and_lose_their_name_alone() {
    let rest = "0000100002";
    let guest = |run| frame(&ClientPacket::Guest { name: name(&plan::hostile_prefix(run), rest) });
    let said = [frame(&hello()), guest(THEN), frame(&ClientPacket::Join { target: JoinTarget::Any })].concat();
    let noise = [0xff; 9];
    let mut records = vec![opened(0, 0, true), record(0, 0, What::Narrowed)];
    records.extend(said.chunks(1).map(|byte| record(0, 10, What::Sent(byte))));
    records.push(record(0, 11, What::Sent(&noise)));
    records.push(record(0, 12, What::Received(&[1, 2, 3])));
    records.push(record(0, 13, What::Closed(End::Reset)));
    let script = load(&records);
    let one = &script.connections[0];
    let expected = [frame(&hello()), guest(NOW), frame(&ClientPacket::Join { target: JoinTarget::Any }), noise.into()];
    assert_eq!(one.bytes, expected.concat());
    // Every byte alone, though all were sent at the same time.
    assert_eq!(one.acts.iter().filter(|act| matches!(act.what, Do::Send(_))).count(), said.len() + 1);
    assert!(matches!(one.acts[said.len() + 1].what, Do::Read(3)) && one.narrowed && script.is_hostile());
}

#[test]
fn a_resume_names_the_connection_whose_token_it_has() {
    let token = ResumeToken::new([7; 32]);
    let seen = Some(Seen { room: RoomId(1), incarnation: 1, event: 5 });
    let signed_in = ServerPacket::SignedIn { player: PlayerId(1), name: name("a", "b") };
    let answer = [frame(&signed_in), frame(&ServerPacket::Token { token: token.clone() })].concat();
    let resume = |token| frame(&ClientPacket::Resume { token, seen });
    let unknown = ResumeToken::new([8; 32]);
    let script = load(&[
        opened(3, 0, false),
        // The token comes in two pieces.
        record(3, 10, What::Received(&answer[..20])),
        record(3, 11, What::Received(&answer[20..])),
        opened(5, 20, false),
        record(5, 30, What::Sent(&[frame(&hello()), resume(token), frame(&ClientPacket::Leave)].concat())),
        opened(6, 40, false),
        record(6, 50, What::Sent(&resume(unknown))),
    ]);
    let lines = told(&script, 1);
    assert_eq!(lines[1], "30 resume of Some(0)");
    assert_eq!(lines[2], "30 Leave +0 1/0");
    assert_eq!(told(&script, 2)[0], "50 resume of None");
    // Sent again, it has this server's token, and what was seen there.
    let Do::Resume(resume) = &script.connections[1].acts[1].what else { panic!("{lines:?}") };
    let fresh = ResumeToken::new([9; 32]);
    let sent = ServerCodec::new().decode(&mut resume.frame(Some(fresh.clone()), None)).unwrap();
    assert_eq!(sent, Some(ClientPacket::Resume { token: fresh, seen }));
    assert_eq!((script.recorded.frames, script.recorded.frames_by["token"]), (2, 1));
}

#[test]
fn connections_that_have_no_end_end_with_the_recording() {
    let records = [opened(0, 5, false), opened(1, 6, false), record(1, 90, What::Sent(b"\x01"))];
    let mut file = file_of(&header(), &records);
    file.truncate(file.len() - 1);
    let script = Script::read(file.as_slice(), NOW).unwrap();
    assert!(!script.whole);
    for index in [0, 1] {
        assert_eq!(told(&script, index).last().unwrap(), "90 End(LetGo)");
    }
    assert_eq!(script.most_at_once(), 2);
}

#[test]
fn as_many_are_open_at_once_as_were() {
    let script = load(&[
        opened(0, 0, false),
        opened(1, 5, false),
        record(0, 10, What::Closed(End::LetGo)),
        opened(2, 20, false),
        record(1, 30, What::Closed(End::LetGo)),
    ]);
    assert_eq!(script.most_at_once(), 2);
}

#[test]
fn it_is_measured_from_when_it_was() {
    let measured = Record { connection: 0, at_us: 40, what: What::Measured };
    let end = record(0, 90, What::Closed(End::LetGo));
    assert_eq!(load(&[opened(0, 5, false), measured, end]).lead(), Duration::from_micros(35));
    // Where it never was, or was killed before: from the first connect.
    assert_eq!(load(&[opened(0, 5, false), end]).lead(), Duration::ZERO);
}

#[test]
fn what_cannot_have_happened_is_damage() {
    for records in [
        &[record(0, 1, What::Sent(b"x"))][..],
        &[opened(0, 1, false), opened(0, 2, false)],
        &[opened(0, 1, false), record(0, 2, What::Closed(End::LetGo)), record(0, 3, What::Sent(b"x"))],
    ] {
        let error = Script::read(file_of(&header(), records).as_slice(), NOW).unwrap_err();
        assert!(matches!(error, ReadError::Damaged { .. }), "{error}");
    }
    let error = Script::read(file_of(&header(), &[]).as_slice(), NOW).unwrap_err();
    assert!(error.to_string().contains("nothing to replay"), "{error}");
}
