//! The end of a connection: the partial frame, what is still queued, the farewell, then silence.

use crate::{CloseReason, Frame, SessionHandle, writer::Writer};
use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf},
    time::timeout,
};

/// Ends a connection as `reason` asks: best effort towards a peer that does not read, and bounded in time.
pub(crate) async fn close<IO: AsyncRead + AsyncWrite + Unpin>(
    mut io: IO,
    mut writer: Writer,
    farewell: Option<Frame>,
    reason: CloseReason,
    session: &SessionHandle,
) {
    if reason == CloseReason::Broken {
        return;
    }
    if !reason.flushes() {
        writer.drop_queued(session);
    }
    writer.finish_with(farewell, session);
    let settings = session.shard().settings();
    let flushed = poll_fn(|cx| writer.poll_finish(cx, &mut io, session));
    if !matches!(timeout(settings.closing_flush, flushed).await, Ok(Ok(()))) {
        return;
    }
    drop(writer);
    shut_down(&mut io, settings.closing_linger).await;
}

/// Ends the stream towards the peer and discards what it still sends, until it has closed too, which one that closed
/// first has, or `limit` is over.
///
/// A socket that is closed with unread input is reset, and a reset can overtake the last bytes on their way to the
/// peer: the reason why it was closed would be lost.
pub(crate) async fn shut_down<IO: AsyncRead + AsyncWrite + Unpin>(io: &mut IO, limit: Duration) {
    let ended = async {
        if io.shutdown().await.is_ok() {
            poll_fn(|cx| poll_discard(cx, io)).await;
        }
    };
    // Whoever keeps talking for longer has had its time.
    let _ = timeout(limit, ended).await;
}

fn poll_discard<IO: AsyncRead + Unpin>(cx: &mut Context<'_>, io: &mut IO) -> Poll<()> {
    let mut space = [0; 1024];
    loop {
        let mut buffer = ReadBuf::new(&mut space);
        let read: io::Result<()> = ready!(Pin::new(&mut *io).poll_read(cx, &mut buffer));
        if read.is_err() || buffer.filled().is_empty() {
            return Poll::Ready(());
        }
    }
}
