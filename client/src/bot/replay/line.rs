//! One connection that is replayed.

use super::ear::{Ear, Tally};
use crate::bot::cause;
use bytes::{Buf, BytesMut};
use malpan_client::{
    ClientError, Stream,
    protocol::{ClientPacket, Packet, ServerPacket},
};
use socket2::SockRef;
use std::{
    io::{self, ErrorKind},
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes asked of the stream at once.
const READ_BYTES: usize = 4096;
/// How often one connection is read before the others have their turn.
const READS_AT_ONCE: usize = 32;

/// A connection, before it is there, while it is, and after.
#[derive(Debug)]
pub(super) struct Line {
    /// `None` before it is there and after.
    io: Option<Stream>,
    pub(super) ear: Ear,
    outgoing: BytesMut,
    /// Counted as sent once the kernel has all of it.
    queued: Sent,
    sent: Sent,
    /// How many bytes may still be read, where only so many may.
    may_read: Option<u64>,
    /// Whether the server's pings are answered.
    answers: bool,
    /// Why the server ended it, by its own last word.
    last_word: Option<String>,
    /// Whether writing shall end when all is written, and has.
    finishing: bool,
    /// Wakes the task that reads.
    waker: Option<Waker>,
}

/// What was sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) bytes: u64,
    pub(super) frames: u64,
    pub(super) messages: u64,
}

impl Sent {
    /// Takes in more.
    pub(super) fn merge(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.frames += other.frames;
        self.messages += other.messages;
    }
}

impl Line {
    /// One that is not there yet.
    pub(super) fn new(hostile: bool, narrowed: bool) -> Self {
        Self {
            io: None,
            ear: Ear::new(hostile),
            outgoing: BytesMut::new(),
            queued: Sent::default(),
            sent: Sent::default(),
            may_read: narrowed.then_some(0),
            answers: !hostile,
            last_word: None,
            finishing: false,
            waker: None,
        }
    }

    /// It is there.
    pub(super) fn opened(&mut self, io: Stream) {
        if self.may_read.is_some() {
            // Where the system does not take in less, the attack is as good as it can be.
            let _ = SockRef::from(io.tcp()).set_recv_buffer_size(1);
        }
        self.io = Some(io);
    }

    /// Whether it is there.
    pub(super) fn is_open(&self) -> bool {
        self.io.is_some()
    }

    /// Queues what is to be sent; it goes out when it is there.
    pub(super) fn queue(&mut self, bytes: &[u8], frames: u32, messages: u32) {
        self.outgoing.extend_from_slice(bytes);
        self.queued.bytes += bytes.len() as u64;
        self.queued.frames += u64::from(frames);
        self.queued.messages += u64::from(messages);
    }

    /// Queues a packet that is not counted.
    pub(super) fn say(&mut self, packet: &ClientPacket) {
        packet.encode_frame(&mut self.outgoing).expect("it is short");
    }

    /// Ends writing once all that is queued is written.
    pub(super) fn finish(&mut self) {
        self.finishing = true;
    }

    /// So many bytes more may be read.
    pub(super) fn let_read(&mut self, bytes: u32) {
        if let Some(may_read) = &mut self.may_read {
            *may_read += u64::from(bytes);
            self.wake();
        }
    }

    /// Writes what the kernel takes at once. Returns whether that is all; where there is no connection yet, there is nothing to
    /// take it.
    pub(super) fn write(&mut self) -> bool {
        if self.io.is_none() {
            return true;
        }
        let written = self.poll_write(&mut Context::from_waker(Waker::noop()));
        if !matches!(written, Poll::Ready(Ok(()))) {
            // What is left, or why nothing is taken any more, is the reading task's to find out.
            self.wake();
        }
        written.is_ready()
    }

    /// Reads and takes in what came. Ready with the cause when the server has ended it, or it broke.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, tally: &mut Tally) -> Poll<String> {
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
        }
        // A broken pipe must not hide what came before it.
        let written = self.poll_write(cx);
        for _ in 0..READS_AT_ONCE {
            match self.poll_read(cx, tally) {
                Poll::Ready(Ok(0)) => return Poll::Ready(self.last_word.take().unwrap_or_else(|| "closed".into())),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(self.cause(error)),
                Poll::Pending => {
                    return match written {
                        Poll::Ready(Err(error)) => Poll::Ready(self.cause(error)),
                        _ => Poll::Pending,
                    };
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Lets it go, with a reset where it is to be one.
    pub(super) fn close(&mut self, reset: bool) {
        if let Some(io) = self.io.take()
            && reset
        {
            let _ = SockRef::from(io.tcp()).set_linger(Some(Duration::ZERO));
        }
        self.outgoing = BytesMut::new();
        self.wake();
    }

    /// What the kernel has taken since this was last asked.
    pub(super) fn take_sent(&mut self) -> Sent {
        std::mem::take(&mut self.sent)
    }

    fn wake(&mut self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    fn cause(&mut self, error: io::Error) -> String {
        self.last_word.take().unwrap_or_else(|| cause::of(&ClientError::from(error)))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(io) = &mut self.io else { return Poll::Ready(Ok(())) };
        while !self.outgoing.is_empty() {
            let written = ready!(Pin::new(&mut *io).poll_write(cx, &self.outgoing))?;
            if written == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            self.outgoing.advance(written);
        }
        // TCP has nothing to flush; a TLS stream has.
        ready!(Pin::new(&mut *io).poll_flush(cx))?;
        let queued = std::mem::take(&mut self.queued);
        self.sent.merge(queued);
        if self.finishing {
            ready!(Pin::new(io).poll_shutdown(cx))?;
            self.finishing = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once; returns how many bytes came, 0 at the end.
    fn poll_read(&mut self, cx: &mut Context<'_>, tally: &mut Tally) -> Poll<io::Result<usize>> {
        let Some(io) = &mut self.io else { return Poll::Ready(Ok(0)) };
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        let most = self.may_read.map_or(READ_BYTES, |most| usize::try_from(most).unwrap_or(usize::MAX).min(READ_BYTES));
        if most == 0 {
            // Woken when more may be read.
            return Poll::Pending;
        }
        let mut buffer = ReadBuf::uninit(&mut space[..most]);
        ready!(Pin::new(io).poll_read(cx, &mut buffer))?;
        let bytes = buffer.filled();
        if let Some(may_read) = &mut self.may_read {
            *may_read -= bytes.len() as u64;
        }
        self.ear.push(bytes, tally);
        let read = bytes.len();
        let mut pings = false;
        while let Some(packet) = self.ear.next(tally) {
            match packet {
                ServerPacket::Ping { nonce } if self.answers => {
                    self.say(&ClientPacket::Pong { nonce });
                    pings = true;
                }
                ServerPacket::Kicked { reason } => self.last_word = Some(format!("kicked_{}", cause::snake(&reason))),
                ServerPacket::Denied(denial) => self.last_word = Some(format!("denied_{}", cause::snake(&denial.code))),
                _ => {}
            }
        }
        if pings {
            // What is not taken now is written when it can be.
            let _ = self.poll_write(cx);
        }
        Poll::Ready(Ok(read))
    }
}
