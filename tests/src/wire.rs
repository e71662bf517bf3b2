//! A client that sends any bytes it likes, and that answers no ping by itself.

use crate::{bytes_of, name, within};
use bytes::BytesMut;
use malpan_client::protocol::{ClientCodec, ClientPacket, JoinTarget, ServerPacket, SoftwareName, VersionRange};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::codec::Decoder;

/// A stream to a server.
#[derive(Debug)]
pub struct Wire<IO> {
    stream: IO,
    incoming: BytesMut,
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Wire<IO> {
    /// Speaks over `stream`, which is connected.
    pub fn new(stream: IO) -> Self {
        Self { stream, incoming: BytesMut::new() }
    }

    /// The packets of one who says hello, signs in as `who` and joins any room.
    #[must_use]
    pub fn way_to_a_seat(who: &str) -> [ClientPacket; 3] {
        let client = SoftwareName::new("wire").expect("a valid constant");
        [
            ClientPacket::Hello { versions: VersionRange::SUPPORTED, client },
            ClientPacket::Guest { name: name(who) },
            ClientPacket::Join { target: JoinTarget::Any },
        ]
    }

    /// Writes these bytes.
    ///
    /// # Errors
    /// The stream's.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Ends its own half of the stream; the other can still be read.
    ///
    /// # Errors
    /// The stream's.
    pub async fn hang_up(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// The stream, for whoever reads no packets any more. What was read and not taken is dropped.
    pub fn into_stream(self) -> IO {
        self.stream
    }

    /// Writes these packets.
    ///
    /// # Errors
    /// The stream's.
    pub async fn send(&mut self, packets: &[ClientPacket]) -> io::Result<()> {
        self.write(&bytes_of(packets)).await
    }

    /// Writes these packets, one after the answer to the other; returns the answers.
    ///
    /// # Errors
    /// The stream's.
    pub async fn ask(&mut self, packets: &[ClientPacket]) -> io::Result<Vec<ServerPacket>> {
        let mut answers = Vec::new();
        for packet in packets {
            self.send(std::slice::from_ref(packet)).await?;
            answers.extend(self.next().await?);
        }
        Ok(answers)
    }

    /// The next packet that is no token; `None` at the end of the stream.
    ///
    /// # Errors
    /// The stream's, and `InvalidData` where the bytes are no packet.
    pub async fn next(&mut self) -> io::Result<Option<ServerPacket>> {
        loop {
            let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            match ClientCodec::new().decode(&mut self.incoming).map_err(invalid)? {
                // Comes behind each sign-in; who wants it asks the client library.
                Some(ServerPacket::Token { .. }) => continue,
                Some(packet) => return Ok(Some(packet)),
                None => {}
            }
            if self.stream.read_buf(&mut self.incoming).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Everything that comes until the end of the stream.
    ///
    /// # Errors
    /// As [`Wire::next`].
    ///
    /// # Panics
    /// Where it does not end within [`PATIENCE`](crate::PATIENCE).
    pub async fn to_the_end(&mut self) -> io::Result<Vec<ServerPacket>> {
        within(async {
            let mut packets = Vec::new();
            while let Some(packet) = self.next().await? {
                packets.push(packet);
            }
            Ok(packets)
        })
        .await
    }
}
