//! The catalogue of attacks. `docs/protocol.md` says how each has to end.

use super::{
    Category::{self, Greetings, Halves, Lengths, Packets, Payloads, Rooms, Steps, Talk, WrongState},
    End,
    bytes::{frame, hello, text, with_a_trailing_byte},
};
use crate::{
    bytes_of,
    garbage::{noise, tls_greeting},
    line, name, payload, step,
};
use malpan_client::protocol::{
    ClientPacket, DenialCode, Direction, JoinTarget, KickReason, MAX_CLIENT_FRAME, RoomFilter, RoomId, RoomTitle,
    SignalTarget,
};

const CUT: &[End] = &[End::Cut];
const MALFORMED: &[End] = &[End::Denied(DenialCode::Malformed)];
const OUT_OF_ORDER: &[End] = &[End::Denied(DenialCode::OutOfOrder)];
const FLOODING: &[End] = &[End::Kicked(KickReason::Flooding)];
const TOO_LATE: &[End] = &[End::Kicked(KickReason::TooLate)];
/// Out of order where the room closes meanwhile, or is full of others who watch.
const WATCHED: &[End] = &[End::Kicked(KickReason::Flooding), End::Denied(DenialCode::OutOfOrder), End::NoRoom];
const LEFT: &[End] = &[End::Left];

/// What one connection does. [`Category::Stopped`] is not here: its attack is ten connections.
#[derive(Debug)]
pub struct Attack {
    /// Its kind.
    pub category: Category,
    /// In words.
    pub about: &'static str,
    /// How far the connection comes like an honest one.
    pub stage: Stage,
    /// What it sends then.
    pub(super) say: Say,
    /// How many frames that are, or beginnings of frames.
    pub frames: u64,
    /// And what it does after that.
    pub(super) then: Then,
    /// The ends that the documents promise it.
    pub ends: &'static [End],
}

/// A state of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was said.
    Stranger,
    /// Hello was said.
    Greeted,
    /// Signed in, in no room.
    Lobby,
    /// Signed in, in a room of its own.
    Seated,
    /// Signed in, watches a room of others.
    Watching,
}

impl Stage {
    /// Whether it comes after the sign-in.
    #[must_use]
    pub fn is_signed_in(self) -> bool {
        !matches!(self, Self::Stranger | Self::Greeted)
    }
}

#[derive(Debug)]
pub(super) enum Say {
    Bytes(Vec<u8>),
    /// One byte each half second.
    Slowly(Vec<u8>),
    /// In and out of the room that is watched, and then only in.
    WatchAgainAndAgain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// Reads until the server ends it.
    Listens,
    /// Reads, and says it again whenever the server says nothing more and has not ended it: budgets refill with time, and
    /// a busy machine takes its time.
    GoesOn,
    /// Ends its half of the stream, and reads.
    HangsUp,
    /// Resets the connection.
    Resets,
}

impl Attack {
    fn then(mut self, then: Then, ends: &'static [End]) -> Self {
        (self.then, self.ends) = (then, ends);
        self
    }
}

/// Every attack by one connection.
#[must_use]
pub fn catalogue() -> Vec<Attack> {
    [lengths(), payloads(), greetings(), wrong_state(), packets(), steps(), talk(), rooms(), halves()]
        .into_iter()
        .flatten()
        .collect()
}

fn attack(
    category: Category,
    about: &'static str,
    stage: Stage,
    (frames, say): (u64, Say),
    ends: &'static [End],
) -> Attack {
    Attack { category, about, stage, say, frames, then: Then::Listens, ends }
}

fn flood(
    category: Category,
    about: &'static str,
    stage: Stage,
    packets: &[ClientPacket],
    ends: &'static [End],
) -> Attack {
    attack(category, about, stage, many(packets), ends).then(Then::GoesOn, ends)
}

fn one(bytes: impl Into<Vec<u8>>) -> (u64, Say) {
    (1, Say::Bytes(bytes.into()))
}

fn many(packets: &[ClientPacket]) -> (u64, Say) {
    (packets.len() as u64, Say::Bytes(bytes_of(packets)))
}

fn lengths() -> Vec<Attack> {
    let over = u16::try_from(MAX_CLIENT_FRAME + 1).expect("fits").to_le_bytes();
    let over_and_sent = [&over[..], &[0; MAX_CLIENT_FRAME + 1]].concat();
    let claims = [&1024_u16.to_le_bytes()[..], &[8]].concat();
    vec![
        attack(Lengths, "length 0, from a stranger", Stage::Stranger, one([0, 0]), CUT),
        attack(Lengths, "length 65,535, from a stranger", Stage::Stranger, one([0xff, 0xff]), CUT),
        attack(Lengths, "a hello of 257 bytes", Stage::Stranger, one([1, 1]), CUT),
        attack(Lengths, "one over the cap", Stage::Greeted, one(over), MALFORMED),
        attack(Lengths, "length 0 in the lobby", Stage::Lobby, one([0, 0]), MALFORMED),
        attack(Lengths, "one over the cap, and all of it sent", Stage::Seated, one(over_and_sent), MALFORMED),
        attack(Lengths, "length 65,535 in a room", Stage::Seated, one([0xff, 0xff]), MALFORMED),
        attack(Lengths, "claims 1,024 bytes and sends one", Stage::Seated, one(claims), CUT).then(Then::HangsUp, CUT),
    ]
}

fn payloads() -> Vec<Attack> {
    let guest = ClientPacket::Guest { name: name("Ann") };
    let huge = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0x10];
    let signal = |count: &[u8]| frame(&[&[8, 1], count, &[1; 260]].concat());
    vec![
        attack(Payloads, "a byte behind the hello", Stage::Stranger, one(with_a_trailing_byte(&hello())), CUT),
        attack(Payloads, "an escape sequence as software", Stage::Stranger, one(frame(b"\0\x01\x01\x04\x1b[2J")), CUT),
        attack(Payloads, "a byte behind the name", Stage::Greeted, one(with_a_trailing_byte(&guest)), MALFORMED),
        attack(Payloads, "a name of 2^60 bytes", Stage::Greeted, one(frame(&[&[1], &huge[..]].concat())), MALFORMED),
        attack(Payloads, "a name with an escape sequence", Stage::Greeted, one(text(1, "\u{1b}[31mAnn")), MALFORMED),
        attack(Payloads, "a name with a line break", Stage::Greeted, one(text(1, "Ann\nroot")), MALFORMED),
        attack(Payloads, "an unknown type", Stage::Lobby, one(frame(&[99])), MALFORMED),
        attack(Payloads, "a type of nine bytes", Stage::Lobby, one(frame(&huge)), MALFORMED),
        attack(Payloads, "a packet cut short", Stage::Lobby, one(frame(&[4])), MALFORMED),
        attack(Payloads, "chat with an escape sequence", Stage::Seated, one(text(7, "\u{1b}]0;x\u{7}")), MALFORMED),
        attack(Payloads, "chat that runs backwards", Stage::Seated, one(text(7, "a\u{202e}b")), MALFORMED),
        attack(Payloads, "chat that is no UTF-8", Stage::Seated, one(frame(&[7, 2, 0xc3, 0x28])), MALFORMED),
        attack(Payloads, "a signal of 257 bytes", Stage::Seated, one(signal(&[0xfb, 1, 1])), MALFORMED),
        attack(Payloads, "a signal of 2^60 bytes", Stage::Seated, one(signal(&huge)), MALFORMED),
        attack(Payloads, "a step in a fifth direction", Stage::Seated, one(frame(&[6, 1, 1, 4])), MALFORMED),
    ]
}

fn greetings() -> Vec<Attack> {
    let web = b"GET / HTTP/1.1\r\nHost: example.org\r\nUser-Agent: curl\r\n\r\n";
    let mut attacks = vec![
        attack(Greetings, "a request of the web", Stage::Stranger, one(web), CUT),
        attack(Greetings, "TLS as it is today", Stage::Stranger, one(tls_greeting(1700)), CUT),
        attack(Greetings, "TLS as it was", Stage::Stranger, one(tls_greeting(512)), CUT),
        attack(Greetings, "a secure shell", Stage::Stranger, one(*b"SSH-2.0-OpenSSH_9.6\r\n"), CUT),
        attack(Greetings, "a request of the web, in the lobby", Stage::Lobby, one(web), MALFORMED),
    ];
    let noises = (1..=5).map(|seed| attack(Greetings, "noise", Stage::Stranger, one(noise(seed, 3000)), CUT));
    attacks.extend(noises);
    attacks
}

fn wrong_state() -> Vec<Attack> {
    let right = || step(1, Direction::Right);
    let join = || ClientPacket::Join { target: JoinTarget::Any };
    let signal = ClientPacket::Signal { to: SignalTarget::Room, payload: payload(b"x") };
    let cases = [
        ("a step before the hello", Stage::Stranger, right()),
        ("a ping before the hello", Stage::Stranger, ClientPacket::Ping { nonce: 1 }),
        ("a name before the hello", Stage::Stranger, ClientPacket::Guest { name: name("Ann") }),
        ("two hellos", Stage::Greeted, hello()),
        ("a join before the sign-in", Stage::Greeted, join()),
        ("chat before the sign-in", Stage::Greeted, ClientPacket::Chat { text: line("hi") }),
        ("a step before joining", Stage::Lobby, right()),
        ("a signal before joining", Stage::Lobby, signal),
        ("a leave before joining", Stage::Lobby, ClientPacket::Leave),
        ("a second name", Stage::Lobby, ClientPacket::Guest { name: name("Ann") }),
        ("two hellos, in a room", Stage::Seated, hello()),
        ("a second join", Stage::Seated, join()),
    ];
    let cases = cases.into_iter();
    cases.map(|(about, stage, packet)| attack(WrongState, about, stage, many(&[packet]), OUT_OF_ORDER)).collect()
}

/// As many over the budget as end it, and a few for the time that passes meanwhile.
const PACKETS: usize = 100 + 10 + 5;

fn packets() -> Vec<Attack> {
    let ping = ClientPacket::Ping { nonce: 1 };
    let lines = vec![ClientPacket::Chat { text: line(&"말".repeat(200)) }; 16];
    vec![
        flood(Packets, "pings before the sign-in", Stage::Greeted, &vec![ping.clone(); PACKETS], FLOODING),
        flood(Packets, "pings in the lobby", Stage::Lobby, &vec![ping; PACKETS], FLOODING),
        flood(Packets, "pongs", Stage::Seated, &vec![ClientPacket::Pong { nonce: 1 }; PACKETS], FLOODING),
        flood(Packets, "long lines, for the bytes", Stage::Seated, &lines, FLOODING),
        flood(
            Packets,
            "chat of one who watches",
            Stage::Watching,
            &vec![ClientPacket::Chat { text: line("hi") }; PACKETS],
            WATCHED,
        ),
    ]
}

fn steps() -> Vec<Attack> {
    let numbered = |direction: fn(usize) -> Direction| {
        let steps = (0..PACKETS).map(|number| step(u32::try_from(number).expect("few") + 1, direction(number)));
        steps.collect::<Vec<_>>()
    };
    let to_and_fro = numbered(|number| [Direction::Right, Direction::Left][number % 2]);
    vec![
        flood(Steps, "steps to and fro", Stage::Seated, &to_and_fro, FLOODING),
        flood(Steps, "steps against the wall", Stage::Seated, &numbered(|_| Direction::Up), FLOODING),
    ]
}

fn talk() -> Vec<Attack> {
    let signal = |to| ClientPacket::Signal { to, payload: payload(&[7; 256]) };
    let chat = vec![ClientPacket::Chat { text: line("buy this") }; 5 + 10 + 1];
    vec![
        flood(Talk, "chat", Stage::Seated, &chat, FLOODING),
        flood(Talk, "signals to the room", Stage::Seated, &vec![signal(SignalTarget::Room); 22], FLOODING),
        flood(Talk, "signals to oneself", Stage::Seated, &vec![signal(SignalTarget::Myself); 22], FLOODING),
    ]
}

fn rooms() -> Vec<Attack> {
    let list = ClientPacket::ListRooms { after: RoomId(0), filter: RoomFilter::All };
    let title = RoomTitle::new("mine").expect("a valid constant");
    let open = ClientPacket::OpenRoom { game: None, title, seats: None };
    let join = ClientPacket::Join { target: JoinTarget::Room(RoomId(u32::MAX)) };
    let opened_and_left = [open.clone(), ClientPacket::Leave];
    let openings = [&opened_and_left[..], &opened_and_left, &opened_and_left, &vec![open; 11]].concat();
    vec![
        flood(Rooms, "lists of rooms", Stage::Lobby, &vec![list; 17], FLOODING),
        attack(Rooms, "rooms opened and left", Stage::Lobby, many(&openings), FLOODING),
        flood(Rooms, "joins", Stage::Lobby, &vec![join; 17], FLOODING),
        attack(Rooms, "in and out of a room of others", Stage::Watching, (21, Say::WatchAgainAndAgain), WATCHED),
    ]
}

fn halves() -> Vec<Attack> {
    let hello = bytes_of(&[hello()]);
    let half_hello = &hello[..hello.len() / 2];
    let half_chat = &bytes_of(&[ClientPacket::Chat { text: line("half a word") }])[..6];
    let mut attacks = Vec::new();
    // A byte at a time holds a place for five seconds, so it is one attack of many.
    for _ in 0..8 {
        attacks.extend([
            attack(Halves, "half a hello, then a reset", Stage::Stranger, one(half_hello), LEFT)
                .then(Then::Resets, LEFT),
            attack(Halves, "half a hello, then the end", Stage::Stranger, one(half_hello), CUT)
                .then(Then::HangsUp, CUT),
            attack(Halves, "half a length, then a reset", Stage::Greeted, one([9]), LEFT).then(Then::Resets, LEFT),
            attack(Halves, "half a frame in the lobby, then the end", Stage::Lobby, one(half_chat), CUT)
                .then(Then::HangsUp, CUT),
            attack(Halves, "half a frame in a room, then a reset", Stage::Seated, one(half_chat), LEFT)
                .then(Then::Resets, LEFT),
        ]);
    }
    attacks.push(attack(Halves, "a hello byte by byte", Stage::Stranger, (1, Say::Slowly(hello)), TOO_LATE));
    attacks
}
