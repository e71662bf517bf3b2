//! A session: the one task that owns a connection from its first byte to its last.
//!
//! ```text
//! wait: close asked for? -> write what is queued -> read a packet -> Service::packet (writing goes on) -> wait
//! ```
//!
//! Everything that wakes the task is looked at in that order in one poll, so a close is never starved by a flood and
//! an answer leaves before the next question is read.

use crate::{
    CloseReason, Protocol, Service, SessionHandle,
    closing::close,
    queue::Item,
    reader::{ReadEnd, Reader},
    shard::Registered,
    writer::Writer,
};
use futures::FutureExt;
use std::{
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};
use tokio_util::codec::Decoder;

/// Serves one connection to its end.
pub(crate) async fn run<IO, P>(mut io: IO, protocol: P, registered: Registered, queue: mpsc::UnboundedReceiver<Item>)
where
    IO: AsyncRead + AsyncWrite + Unpin + Send,
    P: Protocol,
{
    let session = registered.session();
    let mut writer = Writer::new(queue);
    let served = AssertUnwindSafe(serve(&mut io, &mut writer, &protocol, session)).catch_unwind().await;
    let reason = served.unwrap_or(CloseReason::Panicked);
    // Those who still send after a panic learn that it is over before they are heard again.
    session.close(reason);
    session.shard().counters().add_closed(reason);
    match reason {
        CloseReason::Panicked => {
            tracing::error!(session = session.id().0, peer = %session.peer(), "a panic ended the session");
        }
        // The service has its own word for it.
        reason => tracing::trace!(session = session.id().0, peer = %session.peer(), ?reason, "session ended"),
    }
    // Boxed: the end is rare and must not make every session's task larger.
    Box::pin(close(io, writer, protocol.farewell(reason), reason, session)).await;
}

async fn serve<IO, P>(io: &mut IO, writer: &mut Writer, protocol: &P, session: &SessionHandle) -> CloseReason
where
    IO: AsyncRead + AsyncWrite + Unpin,
    P: Protocol,
{
    let mut reader = Reader::new(protocol.decoder());
    let mut service = protocol.open(session.clone());
    let reason = loop {
        let event = poll_fn(|cx| {
            if let Poll::Ready(reason) = poll_outgoing(cx, io, writer, session) {
                return Poll::Ready(Event::Ended(reason));
            }
            if session.queue().has_recovered(&session.shard().settings().queue) {
                return Poll::Ready(Event::Recovered);
            }
            reader.poll_packet(cx, io, || session.heard()).map(Event::Read)
        });
        let ended = match event.await {
            Event::Read(Ok(packet)) => {
                // Read long ago, perhaps, and kept while those before it waited: the silence was not the peer's.
                session.heard();
                handle(service.packet(packet), io, writer, session).await
            }
            Event::Recovered => handle(service.recovered(), io, writer, session).await,
            Event::Read(Err(end)) => Some(read_end::<P>(&mut service, end)),
            Event::Ended(reason) => Some(reason),
        };
        if let Some(reason) = ended {
            break reason;
        }
    };
    // One reason for everyone: what the peer did, unless someone has closed the session before.
    session.close(reason);
    let reason = session.close_reason().unwrap_or(reason);
    service.ended(reason).await;
    reason
}

enum Event<R> {
    Read(R),
    Recovered,
    Ended(CloseReason),
}

/// Runs one of the service's methods; writes meanwhile. `Some` when the session ends before it is through.
async fn handle<IO: AsyncRead + AsyncWrite + Unpin>(
    work: impl Future<Output = ()>,
    io: &mut IO,
    writer: &mut Writer,
    session: &SessionHandle,
) -> Option<CloseReason> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if work.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        poll_outgoing(cx, io, writer, session).map(Some)
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

fn read_end<P: Protocol>(service: &mut P::Service, end: ReadEnd<<P::Decoder as Decoder>::Error>) -> CloseReason {
    match end {
        ReadEnd::Eof => CloseReason::PeerClosed,
        ReadEnd::Io(error) => {
            tracing::trace!(%error, "reading failed");
            CloseReason::Broken
        }
        ReadEnd::Undecodable(error) => {
            service.malformed(&error);
            CloseReason::Malformed
        }
    }
}
