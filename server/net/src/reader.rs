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
use tokio::io::AsyncRead;
use tokio_util::{codec::Decoder, io::poll_read_buf};

/// Bytes asked of the socket at once.
const READ_BYTES: usize = 16 * 1024;

thread_local! {
    static SCRATCH: RefCell<BytesMut> = RefCell::new(BytesMut::with_capacity(READ_BYTES));
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
            let packet = self.decoder.decode(&mut self.rest).map_err(ReadEnd::Undecodable)?;
            self.rest_is_fresh = packet.is_some() && !self.rest.is_empty();
            if let Some(packet) = packet {
                if self.rest.is_empty() {
                    self.rest = BytesMut::new();
                }
                return Poll::Ready(Ok(packet));
            }
        }
        SCRATCH.with_borrow_mut(|scratch| {
            loop {
                scratch.clear();
                scratch.reserve(READ_BYTES);
                scratch.extend_from_slice(&self.rest);
                let count = ready!(poll_read_buf(Pin::new(&mut *io), cx, scratch)).map_err(ReadEnd::Io)?;
                let packet = if count > 0 {
                    self.decoder.decode(scratch).map_err(ReadEnd::Undecodable)?
                } else {
                    // A packet that was cut off is the peer's loss, not an offence: the stream has just ended.
                    let Ok(Some(last)) = self.decoder.decode_eof(scratch) else {
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

    fn keep(&mut self, undecoded: &[u8]) {
        if undecoded.is_empty() {
            if self.rest.capacity() > 0 {
                self.rest = BytesMut::new();
            }
        } else {
            self.rest.clear();
            self.rest.extend_from_slice(undecoded);
        }
    }
}
