//! An in-memory stream of which the test holds the other end, and says what the kernel would do.

use malpan_net::{CloseReason, SessionHandle};
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::coop::poll_proceed,
};

/// The session's end. Like a real socket it costs a place in the task's budget.
pub(crate) struct Wire(Arc<Mutex<State>>);

/// The test's end.
pub(crate) struct Peer(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    incoming: VecDeque<Incoming>,
    reader: Option<Waker>,
    reads: usize,
    writes: Vec<Vec<u8>>,
    write_calls: usize,
    /// Bytes that it will take before it blocks.
    room: usize,
    write_error: Option<io::ErrorKind>,
    writer: Option<Waker>,
    /// Whom to close, and why, in the middle of the next write.
    close_at_write: Option<(SessionHandle, CloseReason)>,
    shut_down: bool,
    closed: bool,
}

enum Incoming {
    Bytes(Vec<u8>),
    Error(io::ErrorKind),
    Eof,
}

/// A stream that takes whatever is written.
pub(crate) fn wire() -> (Wire, Peer) {
    let state = Arc::new(Mutex::new(State { room: usize::MAX, ..State::default() }));
    (Wire(Arc::clone(&state)), Peer(state))
}

impl Peer {
    /// Bytes that one read of the session finds.
    pub(crate) fn say(&self, bytes: impl Into<Vec<u8>>) {
        self.receive(Incoming::Bytes(bytes.into()));
    }

    /// The peer has said all.
    pub(crate) fn half_close(&self) {
        self.receive(Incoming::Eof);
    }

    pub(crate) fn break_reading(&self) {
        self.receive(Incoming::Error(io::ErrorKind::ConnectionReset));
    }

    pub(crate) fn break_writing(&self, error: io::ErrorKind) {
        let mut state = self.state();
        state.write_error = Some(error);
        wake(&mut state.writer);
    }

    /// From now on `bytes` more are taken, and then none.
    pub(crate) fn take(&self, bytes: usize) {
        let mut state = self.state();
        state.room = bytes;
        if bytes > 0 {
            wake(&mut state.writer);
        }
    }

    pub(crate) fn take_all(&self) {
        self.take(usize::MAX);
    }

    /// Closes the session while it writes, as another thread may at any time.
    pub(crate) fn close_at_write(&self, session: &SessionHandle, reason: CloseReason) {
        self.state().close_at_write = Some((session.clone(), reason));
    }

    /// What each write brought, so far.
    pub(crate) fn writes(&self) -> Vec<Vec<u8>> {
        self.state().writes.clone()
    }

    /// All that was written, in one piece.
    pub(crate) fn heard(&self) -> Vec<u8> {
        self.state().writes.concat()
    }

    /// Calls of write, those that took nothing included.
    pub(crate) fn write_calls(&self) -> usize {
        self.state().write_calls
    }

    /// Calls of read that were given something.
    pub(crate) fn reads(&self) -> usize {
        self.state().reads
    }

    /// Chunks that the session has not read.
    pub(crate) fn unread(&self) -> usize {
        self.state().incoming.len()
    }

    /// The session has said all.
    pub(crate) fn is_shut_down(&self) -> bool {
        self.state().shut_down
    }

    /// The session has let go of the stream.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    fn receive(&self, incoming: Incoming) {
        let mut state = self.state();
        state.incoming.push_back(incoming);
        wake(&mut state.reader);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let budget = ready!(poll_proceed(cx));
        let mut state = self.0.lock().unwrap();
        let Some(incoming) = state.incoming.pop_front() else {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        budget.made_progress();
        state.reads += 1;
        match incoming {
            Incoming::Bytes(mut bytes) => {
                let rest = bytes.split_off(bytes.len().min(buffer.remaining()));
                buffer.put_slice(&bytes);
                if !rest.is_empty() {
                    state.incoming.push_front(Incoming::Bytes(rest));
                }
            }
            Incoming::Error(error) => return Poll::Ready(Err(error.into())),
            // As often as it is asked.
            Incoming::Eof => state.incoming.push_front(Incoming::Eof),
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let budget = ready!(poll_proceed(cx));
        let mut state = self.0.lock().unwrap();
        state.write_calls += 1;
        assert!(!state.shut_down, "written after the shutdown");
        if let Some(error) = state.write_error {
            return Poll::Ready(if error == io::ErrorKind::WriteZero { Ok(0) } else { Err(error.into()) });
        }
        if state.room == 0 {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        budget.made_progress();
        let taken = bytes.len().min(state.room);
        if state.room < usize::MAX {
            state.room -= taken;
        }
        state.writes.push(bytes[..taken].to_vec());
        if let Some((session, reason)) = state.close_at_write.take() {
            session.close(reason);
        }
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.lock().unwrap().shut_down = true;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.0.lock().unwrap().closed = true;
    }
}
