//! From the send queue to the socket: everything that waits in one write.
//!
//! On a loopback or a small network a write costs the same whatever its size up to a segment, and copying a few hundred
//! bytes costs a hundredth of it. So all waiting frames are laid side by side in the shard's scratch, within one poll.
//! Frames of which the kernel has not taken the last byte stay here, in order, and go on counting.

use crate::{Frame, SessionHandle, queue::Item};
use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{io::AsyncWrite, sync::mpsc, task::coop::has_budget_remaining};

/// Most frames laid side by side for one write.
const BATCH_FRAMES: usize = 64;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Default)]
struct Scratch {
    items: Vec<Item>,
    bytes: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Writer {
    receiver: mpsc::UnboundedReceiver<Item>,
    /// Frames that the kernel has not taken whole; empty, and without memory of its own, while the peer keeps up.
    unwritten: VecDeque<Frame>,
    /// Bytes of the first of them that the kernel has taken.
    offset: usize,
    /// Whether the stream took bytes since it was last flushed. A socket has nothing to flush; TLS may.
    unflushed: bool,
    /// Whether the channel knows whom to wake, and nothing has come through it since.
    listening: bool,
}

impl Writer {
    pub(crate) fn new(receiver: mpsc::UnboundedReceiver<Item>) -> Self {
        Self { receiver, unwritten: VecDeque::new(), offset: 0, unflushed: false, listening: false }
    }

    /// Writes what waits, and flushes it. Pending when nothing is left to write or the kernel takes no more; an error
    /// when the connection broke.
    pub(crate) fn poll_write<IO: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
        session: &SessionHandle,
    ) -> Poll<io::Error> {
        // Most of the time a packet has come and nothing is to be written: the channel's cold memory is left alone.
        if self.listening && session.queue().is_idle() && self.unwritten.is_empty() && !self.unflushed {
            return Poll::Pending;
        }
        self.listening = false;
        SCRATCH.with_borrow_mut(|scratch| {
            loop {
                if !self.unwritten.is_empty() {
                    match self.poll_write_rest(cx, io, session, &mut scratch.bytes) {
                        Poll::Ready(Ok(())) => continue,
                        Poll::Ready(Err(error)) => return Poll::Ready(error),
                        Poll::Pending => {
                            self.gather(cx, &mut scratch.items, session);
                            return Poll::Pending;
                        }
                    }
                }
                scratch.items.clear();
                // The handle holds a sender as long as this runs, so the channel does not close before.
                let Poll::Ready(1..) = self.receiver.poll_recv_many(cx, &mut scratch.items, BATCH_FRAMES) else {
                    // Pending for want of items, the channel has the waker; for want of budget, it may not.
                    self.listening = has_budget_remaining();
                    return match ready!(self.poll_flush(cx, io, session)) {
                        Ok(()) => Poll::Pending,
                        Err(error) => Poll::Ready(error),
                    };
                };
                session.queue().nudged(scratch.items.iter().filter(|item| item.is_none()).count());
                if let Err(error) = self.write_fresh(cx, io, session, scratch) {
                    return Poll::Ready(error);
                }
            }
        })
    }

    /// Takes what is queued without writing it, for a stream that is not there yet: the word to close comes through the
    /// queue, and wakes only a task that listens there.
    pub(crate) fn hold(&mut self, cx: &mut Context<'_>, session: &SessionHandle) {
        SCRATCH.with_borrow_mut(|scratch| self.gather(cx, &mut scratch.items, session));
    }

    /// Drops what is queued, but for the rest of a frame that was begun: the stream must stay readable to its end.
    pub(crate) fn drop_queued(&mut self, session: &SessionHandle) {
        self.receiver.close();
        while let Ok(item) = self.receiver.try_recv() {
            self.unwritten.extend(item);
        }
        for dropped in self.unwritten.drain(usize::from(self.offset > 0).min(self.unwritten.len())..) {
            session.queue().release(1, dropped.len());
        }
    }

    /// Takes no more from the queue, and adds `last` behind what is in it, whatever the bounds: it is the last.
    pub(crate) fn finish_with(&mut self, last: Option<Frame>, session: &SessionHandle) {
        self.receiver.close();
        while let Ok(item) = self.receiver.try_recv() {
            self.unwritten.extend(item);
        }
        if let Some(last) = last.filter(|last| !last.is_empty()) {
            session.queue().count(1, last.len());
            self.unwritten.push_back(last);
        }
    }

    /// Writes what [`Writer::finish_with`] gathered. Ready when all is written or the connection broke.
    pub(crate) fn poll_finish<IO: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
        session: &SessionHandle,
    ) -> Poll<io::Result<()>> {
        SCRATCH.with_borrow_mut(|scratch| {
            while !self.unwritten.is_empty() {
                ready!(self.poll_write_rest(cx, io, session, &mut scratch.bytes))?;
            }
            self.poll_flush(cx, io, session)
        })
    }

    /// Writes frames that have just left the queue; what the kernel does not take moves to `unwritten`.
    fn write_fresh<IO: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
        session: &SessionHandle,
        scratch: &mut Scratch,
    ) -> io::Result<()> {
        let Scratch { items, bytes } = scratch;
        // The usual case is one frame: it is written from where it lies.
        let bytes: &[u8] = match items.as_slice() {
            [Some(only)] => only,
            items => {
                bytes.clear();
                items.iter().flatten().for_each(|frame| bytes.extend_from_slice(frame));
                bytes
            }
        };
        if bytes.is_empty() {
            return Ok(());
        }
        let taken = match Pin::new(io).poll_write(cx, bytes) {
            Poll::Ready(taken) => self.progressed(taken, session)?,
            Poll::Pending => {
                session.write_blocked();
                0
            }
        };
        if taken == bytes.len() {
            session.written(items.iter().flatten().count(), taken);
            items.clear();
        } else {
            self.unwritten.extend(items.drain(..).flatten());
            self.took(taken, session);
        }
        Ok(())
    }

    /// Lays what is queued behind the rest that the kernel does not take. It is not only that the next write takes all
    /// of it: the word to close comes through the queue, and wakes only a task that listens there.
    fn gather(&mut self, cx: &mut Context<'_>, items: &mut Vec<Item>, session: &SessionHandle) {
        items.clear();
        while let Poll::Ready(1..) = self.receiver.poll_recv_many(cx, items, BATCH_FRAMES) {
            session.queue().nudged(items.iter().filter(|item| item.is_none()).count());
            self.unwritten.extend(items.drain(..).flatten());
        }
    }

    fn poll_write_rest<IO: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
        session: &SessionHandle,
        scratch: &mut Vec<u8>,
    ) -> Poll<io::Result<()>> {
        scratch.clear();
        let batch = self.unwritten.iter().take(BATCH_FRAMES);
        batch.for_each(|frame| scratch.extend_from_slice(frame));
        let Poll::Ready(taken) = Pin::new(io).poll_write(cx, &scratch[self.offset..]) else {
            session.write_blocked();
            return Poll::Pending;
        };
        let taken = self.progressed(taken, session)?;
        self.took(taken, session);
        Poll::Ready(Ok(()))
    }

    /// The kernel took `taken` more bytes of `unwritten`.
    fn took(&mut self, taken: usize, session: &SessionHandle) {
        let mut whole = 0;
        self.offset += taken;
        while let Some(first) = self.unwritten.front() {
            if self.offset < first.len() {
                break;
            }
            self.offset -= first.len();
            self.unwritten.pop_front();
            whole += 1;
        }
        session.written(whole, taken);
        if self.unwritten.is_empty() {
            self.unwritten = VecDeque::new();
        }
    }

    fn progressed(&mut self, taken: io::Result<usize>, session: &SessionHandle) -> io::Result<usize> {
        match taken? {
            0 => Err(io::ErrorKind::WriteZero.into()),
            taken => {
                self.unflushed = true;
                session.write_progressed();
                Ok(taken)
            }
        }
    }

    fn poll_flush<IO: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
        session: &SessionHandle,
    ) -> Poll<io::Result<()>> {
        if !self.unflushed {
            return Poll::Ready(Ok(()));
        }
        let Poll::Ready(flushed) = Pin::new(io).poll_flush(cx) else {
            session.write_blocked();
            return Poll::Pending;
        };
        self.unflushed = false;
        session.write_progressed();
        Poll::Ready(flushed)
    }
}
