//! One fuzzed connection.

use super::said::{Said, Words};
use crate::{MemoryServer, room_model::is_of_a_room};
use bytes::BytesMut;
use malpan_client::{BoardView, Room, RoomError};
use malpan_protocol::{ClientCodec, Joined, RoomId, ServerPacket, game::five};
use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::timeout,
};
use tokio_util::codec::Decoder;

/// How long a stranger tries to write what the server does not take.
const TRIES: Duration = Duration::from_millis(50);

/// Which port of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    Malpan,
    Lecture,
}

/// A connection, what went over it, and where it has led.
pub(super) struct Stranger {
    port: Port,
    stream: DuplexStream,
    words: Words,
    reads: bool,
    incoming: BytesMut,
    room: Option<InRoom>,
}

impl Stranger {
    /// Connects over a stream that holds so many bytes.
    pub(super) fn new(server: &mut MemoryServer, said: &mut Said, port: Port, buffer: usize) -> Self {
        let stream = match port {
            Port::Malpan => server.stream_of(buffer),
            Port::Lecture => server.lecture_stream_of(buffer),
        };
        let stream = stream.expect("there is room for a few");
        Self { port, stream, words: said.words(), reads: true, incoming: BytesMut::new(), room: None }
    }

    pub(super) fn stops_or_starts_reading(&mut self) {
        self.reads = !self.reads;
    }

    /// Nothing more comes from here.
    pub(super) async fn shuts_down(&mut self) {
        // An error says that the server was first.
        drop(self.stream.shutdown().await);
    }

    /// Writes what the server takes of these bytes.
    pub(super) async fn writes(&mut self, bytes: &[u8], said: &mut Said) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Ok(Ok(written)) = timeout(TRIES, self.stream.write(rest)).await else { return };
            // Noted at once, before anything can come of it.
            self.words.add(&rest[..written], said);
            rest = &rest[written..];
        }
    }

    /// Takes in what has come, if it reads.
    pub(super) fn listens(&mut self, said: &Said) {
        let mut cx = Context::from_waker(Waker::noop());
        while self.reads {
            let read = pin!(self.stream.read_buf(&mut self.incoming)).poll(&mut cx);
            if !matches!(read, Poll::Ready(Ok(1..))) {
                return;
            }
            match self.port {
                Port::Malpan => self.hears(said),
                Port::Lecture => self.hears_the_lecture_wire(said),
            }
        }
    }

    fn hears(&mut self, said: &Said) {
        while let Some(packet) = ClientCodec::new().decode(&mut self.incoming).expect("the server's bytes are packets")
        {
            match &packet {
                ServerPacket::SignedIn { name, .. } => assert!(said.name(name.as_str()), "signed in as {name}"),
                ServerPacket::Resumed(resumed) => panic!("nobody has a token: {resumed:?}"),
                ServerPacket::LobbyChat(chat) => {
                    assert!(self.room.is_none() && said.line(chat.text.as_str()), "{chat:?}");
                }
                ServerPacket::Whisper(whisper) => assert!(said.line(whisper.text.as_str()), "{whisper:?}"),
                ServerPacket::Joined(joined) => {
                    assert!(said.may_have_an_effect() && self.room.is_none(), "{joined:?}");
                    self.room = Some(InRoom::new(joined).expect("one of the games"));
                }
                ServerPacket::RoomLeft { room } => assert_eq!(self.room.take().map(|room| room.id()), Some(*room)),
                packet if is_of_a_room(packet) => {
                    let room = self.room.as_mut().expect("what is said in a room is heard in it");
                    room.apply(packet).expect("a packet that follows from those before");
                    if let ServerPacket::Chat(chat) | ServerPacket::Emote(chat) = packet {
                        assert!(said.line(chat.text.as_str()), "{chat:?}");
                    }
                    if let ServerPacket::History(history) = packet {
                        assert_eq!(history.room, room.id());
                        assert!(history.lines.iter().all(|line| said.line(line.text.as_str())), "{history:?}");
                    }
                }
                _ => {}
            }
        }
    }

    /// Each packet has the size of its type, and text is text.
    fn hears_the_lecture_wire(&mut self, said: &Said) {
        while let Some(&size) = self.incoming.first()
            && self.incoming.len() >= size.into()
        {
            let packet = self.incoming.split_to(size.into());
            match (packet.get(1), size) {
                (Some(1 | 2), 6) | (Some(3), 4) => {}
                (Some(4), 4..) if size % 2 == 0 => {
                    let units: Vec<_> =
                        packet[4..].as_chunks().0.iter().map(|&unit| u16::from_le_bytes(unit)).collect();
                    let text = String::from_utf16(&units).expect("the server's text is UTF-16");
                    assert!(!text.chars().any(char::is_control), "{text:?}");
                    assert!(said.part_of_a_line(&text), "{text:?}");
                }
                _ => panic!("{packet:?}"),
            }
        }
    }
}

/// A room of either game, as one in it sees it.
enum InRoom {
    Board(Room<BoardView>),
    Five(Room<five::State>),
}

impl InRoom {
    fn new(joined: &Joined) -> Result<Self, RoomError> {
        Room::new(joined).map(Self::Board).or_else(|_| Room::new(joined).map(Self::Five))
    }

    fn id(&self) -> RoomId {
        match self {
            Self::Board(room) => room.id(),
            Self::Five(room) => room.id(),
        }
    }

    fn apply(&mut self, packet: &ServerPacket) -> Result<(), RoomError> {
        match self {
            Self::Board(room) => room.apply(packet),
            Self::Five(room) => room.apply(packet),
        }
    }
}
