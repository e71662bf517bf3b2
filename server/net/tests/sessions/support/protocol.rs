//! A protocol of lines of text, each behind its length in one byte. 255 is no length.

use bytes::{Buf, BytesMut};
use malpan_net::{CloseReason, Frame, Protocol, Service, SessionHandle};
use std::{fmt, sync::Arc};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::codec::Decoder;

/// What happened on the connections, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// Told only by services that wait when opened.
    Opened,
    Packet(String),
    /// A packet that waited was handled to its end.
    Through,
    /// A packet that waited was dropped where it did.
    CutShort,
    Recovered,
    Malformed(String),
    Ended(CloseReason),
}

/// How the services behave beyond what packets ask of them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Behaviour {
    pub(crate) panic_when_recovered: bool,
    pub(crate) panic_at_the_end: bool,
    pub(crate) panic_when_opened: bool,
    pub(crate) wait_when_opened: bool,
    pub(crate) no_heartbeat: bool,
    pub(crate) no_sign_in: bool,
    pub(crate) wait_at_the_end: bool,
}

#[derive(Clone)]
pub(crate) struct TestProtocol {
    pub(crate) behaviour: Behaviour,
    pub(crate) log: mpsc::UnboundedSender<Event>,
    pub(crate) opened: mpsc::UnboundedSender<SessionHandle>,
    /// What packets that wait, wait for.
    pub(crate) gate: Arc<Semaphore>,
}

/// The bytes of these packets.
pub(crate) fn packets<const N: usize>(texts: [&str; N]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for text in texts {
        bytes.push(u8::try_from(text.len()).unwrap());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

/// The frame of one packet.
pub(crate) fn frame(text: &str) -> Frame {
    Frame::new(&packets([text]))
}

/// The packets in these bytes, which must end with one.
pub(crate) fn unpack(bytes: &[u8]) -> Vec<String> {
    let mut bytes = BytesMut::from(bytes);
    let mut texts = Vec::new();
    while let Some(text) = Lines.decode(&mut bytes).unwrap() {
        texts.push(text);
    }
    assert!(bytes.is_empty(), "half a packet at the end: {bytes:?}");
    texts
}

pub(crate) struct Lines;

#[derive(Debug)]
pub(crate) struct NoLength;

impl fmt::Display for NoLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("255 is no length")
    }
}

impl From<std::io::Error> for NoLength {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

impl Decoder for Lines {
    type Item = String;
    type Error = NoLength;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<String>, NoLength> {
        let length = match bytes.first() {
            None => return Ok(None),
            Some(255) => return Err(NoLength),
            Some(&length) => usize::from(length),
        };
        if bytes.len() <= length {
            return Ok(None);
        }
        bytes.advance(1);
        Ok(Some(String::from_utf8(bytes.split_to(length).to_vec()).unwrap()))
    }
}

impl Protocol for TestProtocol {
    type Decoder = Lines;
    type Service = TestService;

    fn decoder(&self) -> Lines {
        Lines
    }

    fn open(&self, session: SessionHandle) -> TestService {
        assert!(!self.behaviour.panic_when_opened, "asked to panic when opened");
        // Nobody looks where the test needs no handle.
        let _ = self.opened.send(session.clone());
        TestService { protocol: self.clone(), session }
    }

    fn signs_in(&self) -> bool {
        !self.behaviour.no_sign_in
    }

    fn farewell(&self, reason: CloseReason) -> Option<Frame> {
        Some(frame(&format!("bye {reason:?}")))
    }

    fn heartbeat(&self) -> Option<Frame> {
        (!self.behaviour.no_heartbeat).then(|| frame("alive?"))
    }
}

pub(crate) struct TestService {
    protocol: TestProtocol,
    session: SessionHandle,
}

impl TestService {
    fn log(&self, event: Event) {
        // Nobody looks where the test does not care.
        let _ = self.protocol.log.send(event);
    }

    async fn wait(&self) {
        let mut waiting = Waiting { log: &self.protocol.log, through: false };
        self.protocol.gate.acquire().await.unwrap().forget();
        waiting.through = true;
    }
}

struct Waiting<'a> {
    log: &'a mpsc::UnboundedSender<Event>,
    through: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let _ = self.log.send(if self.through { Event::Through } else { Event::CutShort });
    }
}

impl Service for TestService {
    type Packet = String;

    async fn opened(&mut self) {
        if self.protocol.behaviour.wait_when_opened {
            self.log(Event::Opened);
            self.wait().await;
        }
    }

    async fn packet(&mut self, packet: String) {
        self.log(Event::Packet(packet.clone()));
        match packet.split_once(' ').unwrap_or((&packet, "")) {
            ("echo", text) => drop(self.session.send(frame(text))),
            ("wait", _) => self.wait().await,
            ("close", code) => self.session.close(CloseReason::Service(code.parse().unwrap())),
            ("establish", _) => self.session.establish(),
            ("panic", _) => panic!("asked to panic"),
            _ => {}
        }
    }

    async fn recovered(&mut self) {
        self.log(Event::Recovered);
        assert!(!self.protocol.behaviour.panic_when_recovered, "asked to panic when recovered");
    }

    fn malformed(&mut self, error: &dyn fmt::Display) {
        self.log(Event::Malformed(error.to_string()));
    }

    async fn ended(self, reason: CloseReason) {
        self.log(Event::Ended(reason));
        if self.protocol.behaviour.wait_at_the_end {
            self.wait().await;
        }
        assert!(!self.protocol.behaviour.panic_at_the_end, "asked to panic at the end");
    }
}
