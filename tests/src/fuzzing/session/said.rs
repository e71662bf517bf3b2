//! What the strangers have said, as far as the server may take it for something.

use super::{bystander::STILL_HERE, stranger::Port};
use bytes::BytesMut;
use malpan_protocol::{ChatText, ClientPacket, VersionRange};
use malpan_server::{
    Greeting,
    lecture::{LectureCodec, LecturePacket},
    metrics::Metrics,
};
use std::collections::HashSet;
use tokio_util::codec::Decoder;

/// What all of them have said so far. That it had an effect is not said: it may have come too late, or too fast.
#[derive(Debug)]
pub(super) struct Said {
    port: Port,
    names: HashSet<String>,
    lines: HashSet<String>,
    payloads: HashSet<Vec<u8>>,
    /// Lecture clients have a seat from the moment they are accepted.
    seated_at_once: bool,
}

/// One stranger's words, read as the server has to read them.
#[derive(Debug)]
pub(super) struct Words {
    bytes: BytesMut,
    decoder: Greeting,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Connected,
    Greeted,
    SignedIn,
    /// Nothing behind this can be anything.
    Over,
}

impl Said {
    pub(super) fn new(port: Port) -> Self {
        let (names, lines, payloads) = (HashSet::new(), HashSet::new(), HashSet::new());
        Self { port, names, lines, payloads, seated_at_once: false }
    }

    /// A stranger has come.
    pub(super) fn words(&mut self) -> Words {
        self.seated_at_once |= self.port == Port::Lecture;
        Words { bytes: BytesMut::new(), decoder: Greeting::new(Metrics::default()), state: State::Connected }
    }

    /// Whether anyone may have signed in.
    pub(super) fn may_have_an_effect(&self) -> bool {
        self.seated_at_once || !self.names.is_empty()
    }

    /// Whether someone may be called so.
    pub(super) fn name(&self, name: &str) -> bool {
        match self.port {
            Port::Malpan => self.names.contains(name),
            Port::Lecture => name.starts_with("lecture-"),
        }
    }

    /// Whether someone has said this; the honest player says one thing only.
    pub(super) fn line(&self, line: &str) -> bool {
        self.lines.contains(line) || line == STILL_HERE
    }

    /// Whether someone has said something with this in it. The lecture wire splits what is long.
    pub(super) fn part_of_a_line(&self, part: &str) -> bool {
        STILL_HERE.contains(part) || self.lines.iter().any(|line| line.contains(part))
    }

    /// Whether someone has sent this.
    pub(super) fn payload(&self, payload: &[u8]) -> bool {
        self.payloads.contains(payload)
    }
}

impl Words {
    /// These bytes went to the server.
    pub(super) fn add(&mut self, bytes: &[u8], said: &mut Said) {
        self.bytes.extend_from_slice(bytes);
        while self.state != State::Over {
            let more = match said.port {
                Port::Malpan => self.decoder.decode(&mut self.bytes).map(|it| it.map(|it| self.malpan(it, said))).ok(),
                Port::Lecture => LectureCodec.decode(&mut self.bytes).map(|it| it.map(|it| lecture(&it, said))).ok(),
            };
            match more {
                Some(Some(())) => {}
                Some(None) => return,
                None => self.state = State::Over,
            }
        }
    }

    fn malpan(&mut self, packet: ClientPacket, said: &mut Said) {
        use ClientPacket as P;
        self.state = match (self.state, packet) {
            (State::Connected, P::Hello { versions, .. }) if VersionRange::SUPPORTED.choose(versions).is_some() => {
                State::Greeted
            }
            (State::Greeted, P::Guest { name } | P::Register { name, .. } | P::Login { name, .. }) => {
                said.names.insert(name.as_str().into());
                State::SignedIn
            }
            // Nobody has a token that is worth anything.
            (State::Greeted, P::Ping { .. } | P::Pong { .. } | P::Resume { .. }) => State::Greeted,
            // The name may have been taken: then it may try another.
            (State::SignedIn, P::Guest { name } | P::Register { name, .. } | P::Login { name, .. }) => {
                said.names.insert(name.as_str().into());
                State::SignedIn
            }
            (State::SignedIn, P::Chat { text } | P::Say { text, .. }) => {
                said.lines.insert(text.as_str().into());
                State::SignedIn
            }
            (State::SignedIn, P::Signal { payload, .. }) => {
                said.payloads.insert(payload.as_bytes().into());
                State::SignedIn
            }
            (State::SignedIn, _) => State::SignedIn,
            (State::Connected | State::Greeted | State::Over, _) => State::Over,
        };
    }
}

fn lecture(packet: &LecturePacket, said: &mut Said) {
    if let LecturePacket::Chat { text } = packet
        && let Some(line) = ChatText::lossy(text)
    {
        said.lines.insert(line.as_str().into());
    }
}
