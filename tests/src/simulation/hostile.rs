//! Hostile clients, and clients of the lecture wire. Each has one connection and one idea.

use super::{
    floods::one_more,
    ideas::{IDEAS, Idea, Idea as I},
    lore::Lore,
    network::{Door, Network},
    pipe::Fate,
    stream::SimStream,
    world::World,
};
use crate::{bytes_of, garbage::tls_greeting};
use bytes::BytesMut;
use malpan_client::protocol::{
    ClientCodec, ClientPacket, DenialCode, Direction, JoinTarget, Name, ResumeToken, ServerPacket, SoftwareName,
    VersionRange,
};
use rand::{RngExt as _, rngs::StdRng};
use std::{io, net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{sleep, timeout},
};
use tokio_util::codec::Decoder;

/// One of them.
pub(super) struct Hostile {
    pub(super) id: u32,
    /// A name that an honest client has.
    pub(super) victim: Name,
    pub(super) address: IpAddr,
    pub(super) rng: StdRng,
    pub(super) world: Arc<World>,
    pub(super) network: Network,
    pub(super) lore: Lore,
}

impl Hostile {
    /// Does what it has in mind, to the end.
    pub(super) async fn live(mut self) {
        let (idea, label) = IDEAS[self.rng.random_range(0..IDEAS.len())];
        let lecture = matches!(idea, I::LectureMoves | I::LectureGarbage | I::LectureNeverReads);
        let door = if lecture { Door::Lecture } else { Door::Players };
        let Ok(stream) = self.network.connect(door, self.address) else { return };
        self.world.count(label);
        self.world.line(|| format!("hostile {:<3} {label}, from {}", self.id, stream.link.peer));
        // Whatever breaks, the server broke it, or a fault did.
        let _ = self.pursue(idea, stream).await;
    }

    async fn pursue(&mut self, idea: Idea, mut stream: SimStream) -> io::Result<()> {
        if let Some((bytes, expected)) = self.opening(idea) {
            let greets = matches!(idea, I::StepUnsigned | I::TwoHellos | I::TrailingByte | I::UnknownType);
            stream.link.state().never_greets = !greets;
            stream.write_all(&bytes).await?;
            return self.listen_to_the_end(stream, expected).await;
        }
        match idea {
            I::AByteASecond => {
                stream.link.state().never_greets = true;
                for byte in hello() {
                    stream.write_all(&[byte]).await?;
                    sleep(Duration::from_secs(1)).await;
                }
                Ok(())
            }
            I::ConnectsAndGoes => Ok(()),
            I::Resets => {
                stream.write_all(&self.way_to_a_seat()).await?;
                self.read_for(&mut stream, 600).await?;
                stream.link.befall(Fate::Reset);
                Ok(())
            }
            I::Vanishes => {
                stream.write_all(&self.way_to_a_seat()).await?;
                self.read_for(&mut stream, 600).await?;
                stream.vanish(Fate::Cut);
                Ok(())
            }
            I::NeverSignsIn => {
                stream.write_all(&hello()).await?;
                self.listen_to_the_end(stream, None).await
            }
            I::StealsNames => self.steal_a_name(stream).await,
            I::GuessesTokens | I::ReplaysTokens => self.try_tokens(idea, stream).await,
            I::TakesOver => self.take_over(stream).await,
            I::RegistersOddly | I::RegistersMany => self.register(idea, stream).await,
            I::GuessesPasswords => self.guess_passwords(stream).await,
            I::PutsOthersOut => self.put_others_out(stream).await,
            I::NeverReads => {
                stream.write_all(&self.way_to_a_seat()).await?;
                loop {
                    // Until the server has enough of it: writing then fails.
                    sleep(Duration::from_millis(300)).await;
                    stream.write_all(&bytes_of(&[step()])).await?;
                }
            }
            I::ReadsAByteASecond => {
                stream.write_all(&self.way_to_a_seat()).await?;
                let mut byte = [0];
                while stream.read(&mut byte).await? > 0 {
                    sleep(Duration::from_secs(1)).await;
                }
                Ok(())
            }
            I::LectureMoves => {
                for _ in 0..self.rng.random_range(5..40) {
                    let packet = match self.rng.random_range(0..8) {
                        0 => vec![6, 5, b'h', 0, b'i', 0],
                        direction => vec![2, 1 + direction % 4],
                    };
                    stream.write_all(&packet).await?;
                    self.read_for(&mut stream, 200).await?;
                }
                Ok(())
            }
            I::LectureGarbage => {
                stream.write_all(&self.noise(40)).await?;
                self.read_for(&mut stream, 3000).await
            }
            I::LectureNeverReads => loop {
                sleep(Duration::from_millis(150)).await;
                stream.write_all(&[2, self.rng.random_range(1..=4)]).await?;
            },
            flood => self.flood(flood, stream).await,
        }
    }

    /// The first and only words of those who have no more to say, and what they are to be told for them.
    fn opening(&mut self, idea: Idea) -> Option<(Vec<u8>, Option<DenialCode>)> {
        let nobody = ClientPacket::Guest { name: self.name("ghost") };
        let nobody_else = || ClientPacket::Guest { name: self.name("twice") };
        Some(match idea {
            I::Silence => (vec![], None),
            I::HalfAHello => (hello()[..5].to_vec(), None),
            I::Garbage => (self.noise(300), None),
            I::EmptyFrame => (vec![0, 0], None),
            I::TooLongAFrame => (vec![1, 4, 9, 9, 9], None),
            I::WebGreeting => (b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n".to_vec(), None),
            I::TlsGreeting => (tls_greeting(512), None),
            I::TrailingByte => {
                let mut bytes = bytes_of(&[nobody]);
                bytes[0] += 1;
                bytes.push(0);
                ([hello(), bytes].concat(), Some(DenialCode::Malformed))
            }
            I::UnknownType => ([hello(), vec![1, 0, 99]].concat(), Some(DenialCode::Malformed)),
            // Whatever follows has no effect: this one never signs in.
            I::StepAtOnce => (bytes_of(&[step(), nobody]), Some(DenialCode::OutOfOrder)),
            I::StepUnsigned => ([hello(), bytes_of(&[step(), nobody])].concat(), Some(DenialCode::OutOfOrder)),
            I::TwoHellos => ([hello(), hello(), bytes_of(&[nobody])].concat(), Some(DenialCode::OutOfOrder)),
            I::SignsInTwice => {
                ([hello(), bytes_of(&[nobody_else(), nobody_else()])].concat(), Some(DenialCode::OutOfOrder))
            }
            I::ResumesOnceSignedIn => {
                let token = ResumeToken::new([7; ResumeToken::BYTES]);
                (
                    [hello(), bytes_of(&[nobody_else(), ClientPacket::Resume { token, seen: None }])].concat(),
                    Some(DenialCode::OutOfOrder),
                )
            }
            I::GarbageFromASeat => {
                let way = self.way_to_a_seat();
                ([&way[..], &[0, 0], &bytes_of(&[step()])].concat(), Some(DenialCode::Malformed))
            }
            _ => return None,
        })
    }

    async fn flood(&mut self, idea: Idea, mut stream: SimStream) -> io::Result<()> {
        stream.write_all(&self.way_to_a_seat()).await?;
        self.read_for(&mut stream, 700).await?;
        for round in 1..=20 {
            let burst: Vec<_> =
                (0..self.rng.random_range(1..30)).flat_map(|n| one_more(self, idea, round * 100 + n)).collect();
            stream.write_all(&bytes_of(&burst)).await?;
            let pause = self.rng.random_range(0..300);
            self.read_for(&mut stream, pause).await?;
        }
        Ok(())
    }

    /// Reads to the end. Over a link that no fault befell the last word is as expected, unless there was no place at all.
    async fn listen_to_the_end(&self, mut stream: SimStream, expected: Option<DenialCode>) -> io::Result<()> {
        let (mut bytes, mut last) = (BytesMut::new(), None);
        loop {
            match ClientCodec::new().decode(&mut bytes) {
                Ok(Some(packet)) => {
                    last = Some(packet);
                    continue;
                }
                Ok(None) => {}
                Err(error) => self.world.fail(|| format!("hostile {} hears no packets: {error}", self.id)),
            }
            if stream.read_buf(&mut bytes).await? == 0 {
                break;
            }
        }
        let Some(expected) = expected else { return Ok(()) };
        let told = match &last {
            Some(ServerPacket::Denied(denial)) => {
                use DenialCode as C;
                denial.code == expected || matches!(denial.code, C::ServerFull | C::AddressFull | C::TooManyUnsigned)
            }
            Some(ServerPacket::Kicked { .. }) => true,
            _ => false,
        };
        if !told && !stream.link.state().disturbed {
            self.world.fail(|| format!("hostile {} was to be told {expected:?}, and was told {last:?}", self.id));
        }
        Ok(())
    }

    /// Reads whatever comes, for so many milliseconds.
    pub(super) async fn read_for(&self, stream: &mut SimStream, ms: u64) -> io::Result<()> {
        let mut bytes = [0; 512];
        let reading = async {
            while stream.read(&mut bytes).await? > 0 {}
            Err(io::ErrorKind::UnexpectedEof.into())
        };
        timeout(Duration::from_millis(ms), reading).await.unwrap_or(Ok(()))
    }

    pub(super) fn way_to_a_seat(&self) -> Vec<u8> {
        let guest = ClientPacket::Guest { name: self.name("foe") };
        [hello(), bytes_of(&[guest, ClientPacket::Join { target: JoinTarget::Any }])].concat()
    }

    pub(super) fn name(&self, kind: &str) -> Name {
        Name::new(&format!("{kind}-{}", self.id)).expect("a short name")
    }

    fn noise(&mut self, bytes: usize) -> Vec<u8> {
        (0..bytes).map(|_| self.rng.random()).collect()
    }
}

pub(super) fn hello() -> Vec<u8> {
    let client = SoftwareName::new("hostile").expect("a constant");
    bytes_of(&[ClientPacket::Hello { versions: VersionRange::SUPPORTED, client }])
}

pub(super) fn step() -> ClientPacket {
    crate::step(1, Direction::Up)
}
