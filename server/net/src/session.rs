//! A session: the one task that owns a connection from its first byte to its last.
//!
//! ```text
//! Transport::handshake -> Service::opened
//! wait: close asked for? -> write what is queued -> read a packet -> Service::packet (writing goes on) -> wait
//! ```
//!
//! Everything that wakes the task is looked at in that order in one poll, so a close is never starved by a flood and
//! an answer leaves before the next question is read.

use crate::{
    CloseReason, Count, Protocol, Service, SessionHandle,
    closing::close,
    panics::{CaughtPanic, catch_panic},
    queue::Item,
    reader::{ReadEnd, Reader},
    shard::Registered,
    writer::Writer,
};
use std::{
    future::{Future, poll_fn},
    io, mem,
    pin::{Pin, pin},
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
    time::timeout,
};
use tokio_util::codec::Decoder;

/// Serves one connection, which `connect` makes on the shard's own runtime, to its end.
pub(crate) async fn run<IO, F, P>(
    connect: impl FnOnce() -> F + Send,
    protocol: P,
    registered: Registered,
    queue: mpsc::UnboundedReceiver<Item>,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send,
    F: Future<Output = io::Result<IO>> + Send,
    P: Protocol,
{
    let session = registered.session();
    let mut writer = Writer::new(queue);
    // Boxed: what comes before and after is over soon, and must not make every session's task larger.
    let connected = catch_panic(Box::pin(connected(connect, &mut writer, session)).as_mut()).await;
    let mut io = match connected.unwrap_or_else(|panic| Err(panicked(session, &panic))) {
        Ok(io) => io,
        Err(reason) => return note_end(session, reason),
    };
    if !protocol.signs_in() {
        session.establish();
    }
    let served = catch_panic(pin!(serve(&mut io, &mut writer, &protocol, session))).await;
    let reason = served.unwrap_or_else(|panic| panicked(session, &panic));
    note_end(session, reason);
    Box::pin(close(io, writer, protocol.farewell(reason), reason, session)).await;
}

/// The stream that `connect` makes, in its time and unless the session is closed before; or why there is none.
async fn connected<IO, F: Future<Output = io::Result<IO>>>(
    connect: impl FnOnce() -> F,
    writer: &mut Writer,
    session: &SessionHandle,
) -> Result<IO, CloseReason> {
    let mut connecting = pin!(timeout(session.shard().settings().handshake_within, connect()));
    poll_fn(|cx| {
        // Looked at first: on a stream that is there at once, even whoever is closed before it began is told why.
        if let Poll::Ready(connected) = connecting.as_mut().poll(cx) {
            return Poll::Ready(connected.unwrap_or_else(|late| Err(late.into())).map_err(|error| {
                tracing::debug!(session = session.id().0, peer = %session.peer(), %error, "the handshake failed");
                CloseReason::Handshake
            }));
        }
        writer.hold(cx, session);
        session.close_reason().map_or(Poll::Pending, |reason| Poll::Ready(Err(reason)))
    })
    .await
}

/// Nobody is served any more, for `reason`.
fn note_end(session: &SessionHandle, reason: CloseReason) {
    // Those who still send after a panic learn that it is over before they are heard again.
    session.close(reason);
    session.shard().counters().add_closed(reason);
    // The service has its own word for it.
    tracing::trace!(session = session.id().0, peer = %session.peer(), ?reason, "session ended");
}

/// The one line about a panic.
fn panicked(session: &SessionHandle, panic: &CaughtPanic) -> CloseReason {
    tracing::error!(
        session = session.id().0,
        peer = %session.peer(),
        panic = panic.message(),
        place = panic.place(),
        backtrace = panic.backtrace(),
        "a panic ended the session"
    );
    CloseReason::Panicked
}

async fn serve<IO, P>(io: &mut IO, writer: &mut Writer, protocol: &P, session: &SessionHandle) -> CloseReason
where
    IO: AsyncRead + AsyncWrite + Unpin,
    P: Protocol,
{
    let mut reader = Reader::new(protocol.decoder());
    let mut service = protocol.open(session.clone());
    let mut opened = false;
    let reason = loop {
        let event = poll_fn(|cx| {
            if let Poll::Ready(reason) = poll_outgoing(cx, io, writer, session) {
                return Poll::Ready(Event::Ended(reason));
            }
            if !mem::replace(&mut opened, true) {
                return Poll::Ready(Event::Opened);
            }
            if session.queue().has_recovered(&session.shard().settings().queue) {
                return Poll::Ready(Event::Recovered);
            }
            reader.poll_packet(cx, io, |bytes| session.received(bytes)).map(Event::Read)
        });
        let ended = match event.await {
            Event::Read(Ok(packet)) => {
                // Read long ago, perhaps, and kept while those before it waited: the silence was not the peer's.
                session.heard();
                session.shard().counters().add(Count::PacketsReceived);
                handle(pin!(service.packet(packet)), io, (&mut reader, &mut *writer), session).await
            }
            Event::Opened => handle(pin!(service.opened()), io, (&mut reader, &mut *writer), session).await,
            Event::Recovered => handle(pin!(service.recovered()), io, (&mut reader, &mut *writer), session).await,
            Event::Read(Err(end)) => Some(read_end::<P>(&mut service, end, session)),
            Event::Ended(reason) => Some(reason),
        };
        if let Some(reason) = ended {
            break reason;
        }
    };
    // One reason for everyone: what the peer did, unless someone has closed the session before.
    session.close(reason);
    let reason = session.close_reason().unwrap_or(reason);
    // Boxed for the same reason as the close above: it holds the service a second time.
    Box::pin(service.ended(reason)).await;
    reason
}

enum Event<R> {
    Opened,
    Read(R),
    Recovered,
    Ended(CloseReason),
}

/// Runs one of the service's methods; writes meanwhile. `Some` when the session ends before it is through.
///
/// The work comes pinned: taken by value it would have its place in the session's task twice.
async fn handle<IO: AsyncRead + AsyncWrite + Unpin, D: Decoder>(
    mut work: Pin<&mut impl Future<Output = ()>>,
    io: &mut IO,
    (reader, writer): (&mut Reader<D>, &mut Writer),
    session: &SessionHandle,
) -> Option<CloseReason> {
    poll_fn(|cx| {
        if work.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(reason) = poll_outgoing(cx, io, writer, session) {
            return Poll::Ready(Some(reason));
        }
        if !session.needs_peer() {
            return Poll::Pending;
        }
        let end = reader.poll_end(cx, io, |bytes| session.received(bytes));
        end.map(|end| Some(end.map_or(CloseReason::Broken, |()| CloseReason::PeerClosed)))
    })
    .await
}

/// Looks whether to close, and writes what is queued. Ready only with the reason for an end.
fn poll_outgoing<IO: AsyncWrite + Unpin>(
    cx: &mut Context<'_>,
    io: &mut IO,
    writer: &mut Writer,
    session: &SessionHandle,
) -> Poll<CloseReason> {
    if let Some(reason) = session.close_reason() {
        return Poll::Ready(reason);
    }
    if let Poll::Ready(error) = writer.poll_write(cx, io, session) {
        tracing::trace!(session = session.id().0, %error, "writing failed");
        return Poll::Ready(CloseReason::Broken);
    }
    // Asked again: the nudge that came with it may just have been taken from the queue.
    session.close_reason().map_or(Poll::Pending, Poll::Ready)
}

fn read_end<P: Protocol>(
    service: &mut P::Service,
    end: ReadEnd<<P::Decoder as Decoder>::Error>,
    session: &SessionHandle,
) -> CloseReason {
    match end {
        ReadEnd::Eof => CloseReason::PeerClosed,
        ReadEnd::Io(error) => {
            tracing::trace!(session = session.id().0, %error, "reading failed");
            CloseReason::Broken
        }
        ReadEnd::Undecodable(error) => {
            tracing::trace!(session = session.id().0, peer = %session.peer(), %error, "these bytes are no packet");
            service.malformed(&error);
            CloseReason::Malformed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::run;
    use crate::{Admission, AdmissionLimits, CloseReason, Count, Protocol, Service, SessionHandle, Settings, Shard};
    use std::{
        future::{pending, ready},
        io,
        net::SocketAddr,
        sync::Arc,
    };
    use tokio::{net::TcpStream, runtime::Handle};
    use tokio_util::codec::BytesCodec;

    /// A protocol for each number.
    #[derive(Clone)]
    struct Silent<const N: u8>;

    impl<const N: u8> Protocol for Silent<N> {
        type Decoder = BytesCodec;
        type Service = Self;

        fn decoder(&self) -> BytesCodec {
            BytesCodec::new()
        }

        fn open(&self, _: SessionHandle) -> Self {
            Self
        }
    }

    impl<const N: u8> Service for Silent<N> {
        type Packet = bytes::BytesMut;

        async fn packet(&mut self, _: bytes::BytesMut) {}
    }

    fn shard() -> (Shard, Arc<Admission>, SocketAddr) {
        let shard = Shard::new(0, Handle::current(), Settings::default(), Arc::default());
        let limits = AdmissionLimits { sessions: 9, pending: 9, per_address: 9, exempt: Arc::new(|_| false) };
        (shard, Admission::new(limits), "192.0.2.1:7".parse().unwrap())
    }

    #[tokio::test]
    async fn a_session_has_a_number_and_knows_its_protocol() {
        let (shard, admission, peer) = shard();
        let permit = || admission.admit(peer.ip()).unwrap();
        let (first, _queue) = shard.register(peer, permit(), &Silent::<0>, false);
        let (second, _queue) = shard.register(peer, permit(), &Silent::<1>, false);
        let [first, second] = [first.session(), second.session()];
        assert!(first.speaks::<Silent<0>>() && !first.speaks::<Silent<1>>());
        assert!(second.speaks::<Silent<1>>() && !second.speaks::<Silent<0>>());
        assert!(first.id().0 > 0 && second.id() > first.id(), "counted from 1");
        assert_eq!(first.id().to_string(), first.id().0.to_string());
    }

    #[test]
    fn a_protocol_asks_for_nothing_by_itself() {
        let protocol = Silent::<0>;
        let bytes = [protocol.heartbeat(), protocol.farewell(CloseReason::Stopping)];
        assert!(!protocol.signs_in() && bytes.iter().all(Option::is_none));
    }

    /// Every idle session costs this much, and the service's own part on top. Run it with `--nocapture` for the number.
    #[tokio::test]
    #[cfg(target_pointer_width = "64")]
    async fn a_session_is_a_small_task() {
        let (shard, admission, peer) = shard();
        let (registered, queue) = shard.register(peer, admission.admit(peer.ip()).unwrap(), &Silent::<0>, false);
        let connect = pending::<io::Result<TcpStream>>;
        let task = size_of_val(&run(connect, Silent::<0>, registered, queue));
        println!("a session's task, without its service: {task} bytes");
        assert!(task <= 512, "{task} bytes");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_cannot_be_taken_over_gives_everything_back() {
        let (shard, admission, peer) = shard();
        let permit = admission.admit(peer.ip()).unwrap();
        let connect = || ready(Err::<TcpStream, _>(io::ErrorKind::NotConnected.into()));
        shard.open_with(peer, Silent::<0>, permit, false, connect);
        assert_eq!((shard.sessions(), admission.sessions()), (1, 1));
        shard.finished().await;
        assert_eq!((shard.sessions(), admission.sessions(), admission.pending()), (0, 0, 0));
        assert_eq!(shard.counters().value(Count::HandshakesFailed), 1);
    }
}
