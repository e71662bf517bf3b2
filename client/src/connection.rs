//! Packets over a byte stream.

use crate::ClientError;
use bytes::{Buf, BytesMut};
use malpan_protocol::{ClientCodec, ClientPacket, ResumeToken, ServerPacket};
use std::{
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::codec::{Decoder, Encoder};

/// Bytes asked of the stream at once.
const READ_BYTES: usize = 4096;

/// How an answer begins that is TLS: an alert of any version. As a frame it would be longer than any first one.
const TLS_ALERT: [u8; 2] = [0x15, 0x03];

/// A connection that speaks packets. The server's pings are answered here, its tokens kept, and neither is seen outside.
#[derive(Debug)]
pub struct Connection<IO> {
    io: IO,
    codec: ClientCodec,
    incoming: BytesMut,
    outgoing: BytesMut,
    bytes_received: u64,
    bytes_sent: u64,
    token: Option<ResumeToken>,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    /// Speaks packets over `io`, which is connected.
    pub fn new(io: IO) -> Self {
        Self {
            io,
            codec: ClientCodec::new(),
            incoming: BytesMut::new(),
            outgoing: BytesMut::new(),
            bytes_received: 0,
            bytes_sent: 0,
            token: None,
        }
    }

    /// Queues a packet. It goes out with the next [`Connection::flush`] or while [`Connection::next`] waits.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] where it is longer than a frame may be; nothing is queued then.
    pub fn send(&mut self, packet: &ClientPacket) -> Result<(), ClientError> {
        Ok(self.codec.encode(packet, &mut self.outgoing)?)
    }

    /// Writes all that is queued. Cancel-safe: what was not written stays queued.
    ///
    /// # Errors
    /// [`ClientError::Io`] where the stream broke.
    pub async fn flush(&mut self) -> Result<(), ClientError> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// The next packet; queued packets are written meanwhile. Cancel-safe.
    ///
    /// # Errors
    /// [`ClientError::Closed`] at the stream's orderly end, [`ClientError::Protocol`] or [`ClientError::Io`] where it
    /// broke.
    pub async fn next(&mut self) -> Result<ServerPacket, ClientError> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Tries to write all that is queued.
    ///
    /// # Errors
    /// As [`Connection::flush`].
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ClientError>> {
        while !self.outgoing.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.outgoing))?;
            if written == 0 {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
            }
            self.bytes_sent += written as u64;
            self.outgoing.advance(written);
        }
        // TCP has nothing to flush; a TLS stream has.
        Pin::new(&mut self.io).poll_flush(cx).map_err(ClientError::from)
    }

    /// Polls for the next packet, and writes what is queued.
    ///
    /// # Errors
    /// As [`Connection::next`].
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<ServerPacket, ClientError>> {
        // A broken pipe must not hide the packets before it: the server's last word is often the reason.
        let flushed = self.poll_flush(cx);
        loop {
            while let Some(packet) = self.codec.decode(&mut self.incoming)? {
                match packet {
                    ServerPacket::Ping { nonce } => {
                        self.send(&ClientPacket::Pong { nonce })?;
                        let _ = self.poll_flush(cx);
                    }
                    ServerPacket::Token { token } => self.token = Some(token),
                    packet => return Poll::Ready(Ok(packet)),
                }
            }
            match self.poll_read(cx) {
                Poll::Ready(Ok(_)) if self.is_tls() => return Poll::Ready(Err(ClientError::SpeaksTls)),
                Poll::Ready(Ok(0)) if self.incoming.is_empty() => return Poll::Ready(Err(ClientError::Closed)),
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()));
                }
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                Poll::Pending => {
                    return match flushed {
                        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                        _ => Poll::Pending,
                    };
                }
            }
        }
    }

    /// The newest token that came.
    #[must_use]
    pub fn token(&self) -> Option<&ResumeToken> {
        self.token.as_ref()
    }

    /// Bytes read and bytes written so far.
    #[must_use]
    pub fn traffic(&self) -> (u64, u64) {
        (self.bytes_received, self.bytes_sent)
    }

    /// The stream below.
    pub fn get_ref(&self) -> &IO {
        &self.io
    }

    /// Whether all that came so far is the beginning of TLS.
    fn is_tls(&self) -> bool {
        self.bytes_received == self.incoming.len() as u64 && self.incoming.starts_with(&TLS_ALERT)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // Not zeroed: this runs for every small packet.
        let mut space = [MaybeUninit::uninit(); READ_BYTES];
        let mut buffer = ReadBuf::uninit(&mut space);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer))?;
        let filled = buffer.filled();
        self.incoming.extend_from_slice(filled);
        self.bytes_received += filled.len() as u64;
        Poll::Ready(Ok(filled.len()))
    }
}
