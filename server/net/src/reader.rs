//! From the socket to packets, through the shard's scratch.
//!
//! An idle session holds no read buffer: bytes land in a buffer that all sessions of the thread share, packets are
//! decoded there, and only what is left of an incomplete packet is kept. Never borrowed across an `await`.

use bytes::BytesMut;
use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{io::AsyncRead, task::coop::poll_proceed};
use tokio_util::{codec::Decoder, io::poll_read_buf};

/// Bytes asked of the socket at once.
const READ_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch {
        bytes: BytesMut::with_capacity(READ_BYTES),
        spare: BytesMut::new(),
    });
}

struct Scratch {
    /// Where bytes land.
    bytes: BytesMut,
    /// The buffer of the last session that had something left over and needs it no more: the next one takes it, so that
    /// bursts of packets allocate nothing.
    spare: BytesMut,
}

#[derive(Debug)]
pub(crate) struct Reader<D> {
    decoder: D,
    /// Bytes that came and were not decoded: an incomplete packet, or packets behind one that is being handled.
    rest: BytesMut,
    /// Whether `rest` may hold a whole packet.
    rest_is_fresh: bool,
}

/// Why no further packet comes.
#[derive(Debug)]
pub(crate) enum ReadEnd<E> {
    /// The stream's orderly end.
    Eof,
    /// The stream broke.
    Io(io::Error),
    /// The bytes are not packets.
    Undecodable(E),
}

impl<D: Decoder> Reader<D> {
    pub(crate) fn new(decoder: D) -> Self {
        Self { decoder, rest: BytesMut::new(), rest_is_fresh: false }
    }

    /// The next packet. Pending only once nothing can be decoded and the socket has nothing more.
    pub(crate) fn poll_packet<IO: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut IO,
    ) -> Poll<Result<D::Item, ReadEnd<D::Error>>> {
        if self.rest_is_fresh {
            // As reading does, this costs a place in the task's budget. Without it the packets of one read would be
            // handled on when the budget is spent and nothing can be written: their answers would fill the queue of a
            // peer that reads, and other sessions would wait for the last of them.
            let budget = ready!(poll_proceed(cx));
            let packet = self.decoder.decode(&mut self.rest).map_err(ReadEnd::Undecodable)?;
            self.rest_is_fresh = packet.is_some() && !self.rest.is_empty();
            if let Some(packet) = packet {
                budget.made_progress();
                if self.rest.is_empty() {
                    SCRATCH.with_borrow_mut(|scratch| self.give_back(&mut scratch.spare));
                }
                return Poll::Ready(Ok(packet));
            }
        }
        SCRATCH.with_borrow_mut(|scratch| {
            loop {
                let bytes = &mut scratch.bytes;
                bytes.clear();
                bytes.reserve(READ_BYTES);
                bytes.extend_from_slice(&self.rest);
                let count = ready!(poll_read_buf(Pin::new(&mut *io), cx, bytes)).map_err(ReadEnd::Io)?;
                let packet = if count > 0 {
                    self.decoder.decode(bytes).map_err(ReadEnd::Undecodable)?
                } else {
                    // A packet that was cut off is the peer's loss, not an offence: the stream has just ended.
                    let Ok(Some(last)) = self.decoder.decode_eof(bytes) else {
                        return Poll::Ready(Err(ReadEnd::Eof));
                    };
                    Some(last)
                };
                self.keep(scratch);
                if let Some(packet) = packet {
                    self.rest_is_fresh = !self.rest.is_empty();
                    return Poll::Ready(Ok(packet));
                }
            }
        })
    }

    /// Keeps what is left in the scratch.
    fn keep(&mut self, scratch: &mut Scratch) {
        if scratch.bytes.is_empty() {
            self.give_back(&mut scratch.spare);
            return;
        }
        if self.rest.is_empty() {
            self.give_back(&mut scratch.spare);
            self.rest = std::mem::take(&mut scratch.spare);
        }
        self.rest.clear();
        self.rest.extend_from_slice(&scratch.bytes);
    }

    /// Lets go of the buffer, of which nothing is needed any more. (Its capacity tells nothing: that of a buffer read to
    /// its end is 0.)
    fn give_back(&mut self, spare: &mut BytesMut) {
        let mut unused = std::mem::take(&mut self.rest);
        unused.clear();
        // For a session that had none, this makes it visible whether there is memory behind it.
        if unused.try_reclaim(1) {
            *spare = unused;
        }
    }
}
