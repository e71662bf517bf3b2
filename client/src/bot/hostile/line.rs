//! A connection without manners.

use crate::bot::{
    cause,
    common::lock,
    connect::{self, Wire},
    record::Tap,
    shared::Shared,
};
use bytes::BytesMut;
use malpan_client::{
    ClientError,
    protocol::{ClientCodec, ClientPacket, JoinTarget, Name, ServerPacket, SoftwareName, VersionRange},
};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::codec::{Decoder, Encoder};

/// Why a connection ended, in the report's words.
pub(super) type Ended = String;

/// A connection, and where what goes over it is counted.
pub(super) struct Line<'a> {
    io: Wire,
    codec: ClientCodec,
    incoming: BytesMut,
    /// What the server said at last: it explains the end better than the end itself.
    last_word: Option<Ended>,
    shared: &'a Shared,
    player: u32,
    attempt: u32,
    part: usize,
}

impl<'a> Line<'a> {
    /// Connects.
    ///
    /// # Errors
    /// Why it could not.
    pub(super) async fn open(shared: &'a Shared, player: u32, attempt: u32, part: usize) -> Result<Self, Ended> {
        let begun_ns = shared.common.clock.now_ns();
        let stream = connect::open_stream(&shared.common.goal, player).await.map_err(|error| cause::of(&error))?;
        let tape = shared.recorder.as_ref().map(|to| to.open(to.hostile_track(), player, true, begun_ns));
        let io = Tap::new(stream, tape);
        let (codec, incoming) = (ClientCodec::new(), BytesMut::new());
        Ok(Self { io, codec, incoming, last_word: None, shared, player, attempt, part })
    }

    /// The frames that an honest client says first: hello, sign-in, a seat anywhere.
    pub(super) fn opening(&self) -> Vec<ClientPacket> {
        let client = SoftwareName::new("malpan-bot/hostile").expect("a valid constant");
        let name: Name = self.shared.plan.hostile_name(self.player, self.attempt);
        vec![
            ClientPacket::Hello { versions: VersionRange::SUPPORTED, client },
            ClientPacket::Guest { name },
            ClientPacket::Join { target: JoinTarget::Any },
        ]
    }

    /// Signs in and takes a seat, as honest clients do.
    ///
    /// # Errors
    /// Why it could not.
    pub(super) async fn enter(&mut self) -> Result<(), Ended> {
        for packet in self.opening() {
            self.say(&packet).await?;
        }
        while !matches!(self.hear().await?, ServerPacket::Joined(_)) {}
        Ok(())
    }

    /// The packet as a frame.
    pub(super) fn frame(&mut self, packet: &ClientPacket) -> BytesMut {
        let mut frame = BytesMut::new();
        self.codec.encode(packet, &mut frame).expect("shorter than a frame may be");
        frame
    }

    /// Sends a packet as it should be.
    ///
    /// # Errors
    /// Why the connection ended.
    pub(super) async fn say(&mut self, packet: &ClientPacket) -> Result<(), Ended> {
        let frame = self.frame(packet);
        lock(&self.shared.attacks)[self.part].frames_sent += 1;
        self.write(&frame).await
    }

    /// Counts frames that were written as bytes.
    pub(super) fn count_frames(&self, frames: u64) {
        lock(&self.shared.attacks)[self.part].frames_sent += frames;
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// Why the connection ended.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        let written = async {
            self.io.write_all(bytes).await?;
            self.io.flush().await
        };
        written.await.map_err(|error| self.ended(&error.into()))?;
        lock(&self.shared.attacks)[self.part].bytes_sent += bytes.len() as u64;
        Ok(())
    }

    /// The next packet; pings are not answered.
    ///
    /// # Errors
    /// Why the connection ended.
    pub(super) async fn hear(&mut self) -> Result<ServerPacket, Ended> {
        loop {
            match self.codec.decode(&mut self.incoming) {
                Ok(Some(packet)) => {
                    match &packet {
                        ServerPacket::Kicked { reason } => {
                            self.last_word = Some(format!("kicked_{}", cause::snake(reason)));
                        }
                        ServerPacket::Denied(denial) => {
                            self.last_word = Some(format!("denied_{}", cause::snake(&denial.code)));
                        }
                        _ => {}
                    }
                    return Ok(packet);
                }
                Ok(None) => {}
                Err(_) => return Err("not_malpan".into()),
            }
            if self.read(4096).await? == 0 {
                return Err(self.last_word.take().unwrap_or_else(|| "closed".into()));
            }
        }
    }

    /// Reads up to `most` bytes and returns how many came; 0 at the end.
    ///
    /// # Errors
    /// Why the connection ended.
    pub(super) async fn read(&mut self, most: usize) -> Result<usize, Ended> {
        let mut bytes = vec![0; most];
        let read = self.io.read(&mut bytes).await.map_err(|error| self.ended(&error.into()))?;
        self.incoming.extend_from_slice(&bytes[..read]);
        lock(&self.shared.attacks)[self.part].bytes_received += read as u64;
        Ok(read)
    }

    /// Forgets what came, for those who do not look at it.
    pub(super) fn forget(&mut self) {
        self.incoming.clear();
    }

    /// Takes in as little as the system allows before it is read.
    pub(super) fn narrow(&self) {
        // Where the system does not, the attack is as good as it can be.
        let _ = SockRef::from(self.io.get_ref().tcp()).set_recv_buffer_size(1);
        self.io.note_narrowed();
    }

    /// Reads until the server ends it.
    pub(super) async fn hear_out(&mut self) -> Ended {
        loop {
            if let Err(ended) = self.hear().await {
                return ended;
            }
        }
    }

    /// Ends it with a reset.
    pub(super) fn reset(&mut self) {
        self.io.note_reset();
        let _ = SockRef::from(self.io.get_ref().tcp()).set_linger(Some(std::time::Duration::ZERO));
    }

    fn ended(&mut self, error: &ClientError) -> Ended {
        self.last_word.take().unwrap_or_else(|| cause::of(error))
    }

    /// The run's own generator of this attacker.
    pub(super) fn rng(&self) -> crate::bot::plan::Rng {
        self.shared.plan.walk_rng(self.player)
    }
}
