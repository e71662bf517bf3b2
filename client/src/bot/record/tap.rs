//! What goes over a connection, noted as it goes by.

use super::{End, Recorder, What};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream, and the tape that runs along where there is one.
#[derive(Debug)]
pub(in crate::bot) struct Tap<IO> {
    io: IO,
    tape: Option<Tape>,
}

/// What takes down one connection. Dropped, it notes how that ended.
#[derive(Debug)]
pub(in crate::bot) struct Tape {
    recorder: Arc<Recorder>,
    track: usize,
    connection: u32,
    end: End,
}

impl<IO> Tap<IO> {
    /// Notes on the tape what goes over `io`.
    pub(in crate::bot) fn new(io: IO, tape: Option<Tape>) -> Self {
        Self { io, tape }
    }

    /// The stream below.
    pub(in crate::bot) fn get_ref(&self) -> &IO {
        &self.io
    }

    /// The connection takes in as little as the system allows.
    pub(in crate::bot) fn note_narrowed(&self) {
        if let Some(tape) = &self.tape {
            tape.note(What::Narrowed);
        }
    }

    /// The connection will end with a reset.
    pub(in crate::bot) fn note_reset(&mut self) {
        if let Some(tape) = &mut self.tape {
            tape.end = End::Reset;
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Tap<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { io, tape } = self.get_mut();
        let before = buffer.filled().len();
        let read = ready!(Pin::new(io).poll_read(cx, buffer));
        if let Some(tape) = tape {
            match &read {
                Ok(()) if buffer.filled().len() > before => tape.note(What::Received(&buffer.filled()[before..])),
                Ok(()) if buffer.remaining() > 0 => tape.ended(End::ByServer),
                Ok(()) => {}
                Err(_) => tape.ended(End::Broken),
            }
        }
        Poll::Ready(read)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Tap<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let Self { io, tape } = self.get_mut();
        let written = ready!(Pin::new(io).poll_write(cx, bytes));
        if let Some(tape) = tape {
            match &written {
                Ok(0) => {}
                Ok(written) => tape.note(What::Sent(&bytes[..*written])),
                Err(_) => tape.ended(End::Broken),
            }
        }
        Poll::Ready(written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { io, tape } = self.get_mut();
        let done = ready!(Pin::new(io).poll_shutdown(cx));
        if let (Ok(()), Some(tape)) = (&done, tape) {
            tape.note(What::Finished);
        }
        Poll::Ready(done)
    }
}

impl Tape {
    /// Of this connection, which has been noted as open.
    pub(super) fn new(recorder: Arc<Recorder>, track: usize, connection: u32) -> Self {
        Self { recorder, track, connection, end: End::LetGo }
    }

    fn note(&self, what: What<'_>) {
        self.recorder.note(self.track, self.connection, what);
    }

    /// The stream ended by itself; what it was first stands.
    fn ended(&mut self, end: End) {
        if self.end == End::LetGo {
            self.end = end;
        }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        self.note(What::Closed(self.end));
    }
}
