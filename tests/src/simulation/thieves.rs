//! Hostile clients that want to be someone else, or to be someone twice.

use super::{
    floods::own_room,
    hostile::{Hostile, hello, step},
    ideas::{Idea, Idea as I},
    network::Door,
    stream::SimStream,
};
use crate::bytes_of;
use bytes::BytesMut;
use malpan_client::protocol::{
    ClientCodec, ClientPacket, DenialCode, JoinTarget, Name, ResumeToken, Secret, ServerPacket,
};
use rand::RngExt as _;
use std::{io, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};
use tokio_util::codec::Decoder;

/// A connection, and what has come over it of a packet that is not whole yet.
struct Wire {
    stream: SimStream,
    bytes: BytesMut,
}

impl Hostile {
    /// A name that is registered is nobody else's.
    pub(super) async fn steal_a_name(&self, stream: SimStream) -> io::Result<()> {
        let registered = self.lore.is_registered(&self.victim);
        let mut wire = Wire::begin(stream, &[ClientPacket::Guest { name: self.victim.clone() }]).await?;
        let heard = wire.hears_for(8000).await?;
        if registered && let Some(signed_in) = heard.iter().find(|packet| signs_in(packet)) {
            self.world.fail(|| format!("hostile {} is a guest of a registered name: {signed_in:?}", self.id));
        }
        Ok(())
    }

    /// Tokens that nobody has, or has any more, bring nobody back.
    pub(super) async fn try_tokens(&mut self, idea: Idea, stream: SimStream) -> io::Result<()> {
        let mut wire = Wire::begin(stream, &[]).await?;
        for _ in 0..self.rng.random_range(1..14) {
            let spent = self.lore.a_spent_token(&mut self.rng);
            let token = match spent {
                Some(spent) if idea == I::ReplaysTokens => spent,
                // A bit away from one that was good.
                Some(spent) if self.rng.random() => {
                    let mut bytes = *spent.as_bytes();
                    bytes[self.rng.random_range(0..ResumeToken::BYTES)] ^= 1 << self.rng.random_range(0..8);
                    ResumeToken::new(bytes)
                }
                _ => ResumeToken::new(self.rng.random()),
            };
            wire.says(&[ClientPacket::Resume { token, seen: None }]).await?;
            for packet in wire.hears_for(400).await? {
                self.must_not_come_in(&packet);
                if is_denied(&packet, DenialCode::ResumeRefused) {
                    self.world.count("a wrong token was refused");
                }
            }
        }
        Ok(())
    }

    pub(super) async fn guess_passwords(&mut self, stream: SimStream) -> io::Result<()> {
        let mut wire = Wire::begin(stream, &[]).await?;
        for number in 0..self.rng.random_range(1..12) {
            let secret = Secret::new(&format!("guess {number} of {}", self.victim)).expect("long enough");
            wire.says(&[ClientPacket::Login { name: self.victim.clone(), secret }]).await?;
            for packet in wire.hears_for(300).await? {
                self.must_not_come_in(&packet);
                if is_denied(&packet, DenialCode::WrongCredentials) {
                    self.world.count("a wrong password was refused");
                }
                if is_denied(&packet, DenialCode::TooSoon) {
                    self.world.count("a guess was not looked at");
                }
            }
        }
        Ok(())
    }

    /// Names like others' names, words that are no names, words that are no passwords; or accounts and accounts.
    pub(super) async fn register(&mut self, idea: Idea, stream: SimStream) -> io::Result<()> {
        // What is nobody's yet is left to whoever is to have it: an account is for good.
        let victim = self.lore.is_registered(&self.victim).then(|| self.victim.clone());
        let mut wire = Wire::begin(stream, &[]).await?;
        for number in 0..self.rng.random_range(1..12) {
            let own = self.name("squat");
            let like = victim.as_ref().unwrap_or(&own).as_str();
            let bytes = match self.rng.random_range(0..6) {
                _ if idea == I::RegistersMany => register(&format!("{own}-{number}"), "correct horse"),
                0 => register(&like.to_uppercase(), "correct horse"),
                1 => register(&format!("{like}\u{200d}"), "correct horse"),
                2 => register(&format!("{like}\u{202e}"), "correct horse"),
                3 => register(&"n".repeat(400), "correct horse"),
                4 => register("", "correct horse"),
                _ => register(own.as_str(), "short"),
            };
            wire.stream.write_all(&bytes).await?;
            for packet in wire.hears_for(300).await? {
                if let (ServerPacket::SignedIn { name, .. }, Some(victim)) = (&packet, &victim)
                    && name.folded() == victim.folded()
                {
                    self.world.fail(|| format!("hostile {} has registered a name again: {packet:?}", self.id));
                }
            }
        }
        Ok(())
    }

    /// Comes back over another connection again and again, and goes on with the old ones, as fast as it can.
    pub(super) async fn take_over(&mut self, stream: SimStream) -> io::Result<()> {
        let guest = ClientPacket::Guest { name: self.name("foe") };
        let mut wire = Wire::begin(stream, &[guest, ClientPacket::Join { target: JoinTarget::Any }]).await?;
        let mut old = Vec::new();
        for _ in 0..self.rng.random_range(2..8) {
            let heard = wire.hears_for(self.rng.random_range(100..700)).await?;
            let token = heard.into_iter().find_map(|packet| match packet {
                ServerPacket::Token { token } => Some(token),
                _ => None,
            });
            let Some(token) = token else { return Ok(()) };
            let steps = vec![step(); self.rng.random_range(0..25)];
            wire.says(&steps).await?;
            let stream = self.network.connect(Door::Players, self.address)?;
            let new = Wire::begin(stream, &[ClientPacket::Resume { token, seen: None }]).await?;
            old.push(std::mem::replace(&mut wire, new));
            for stale in &mut old {
                // An error says that the server has closed it.
                let _ = stale.says(&steps).await;
            }
        }
        Ok(())
    }

    /// Owns a room, and lets nobody stay in it.
    pub(super) async fn put_others_out(&mut self, stream: SimStream) -> io::Result<()> {
        let mut wire = Wire::begin(stream, &[ClientPacket::Guest { name: self.name("foe") }, own_room()]).await?;
        for _ in 0..self.rng.random_range(2..10) {
            for packet in wire.hears_for(800).await? {
                if let ServerPacket::Entered(entered) = packet {
                    wire.says(&[ClientPacket::Remove { name: entered.member.name }]).await?;
                }
            }
        }
        Ok(())
    }

    fn must_not_come_in(&self, packet: &ServerPacket) {
        if signs_in(packet) {
            self.world.fail(|| format!("hostile {} came in by what it guessed: {packet:?}", self.id));
        }
    }
}

impl Wire {
    /// Says hello, and this.
    async fn begin(mut stream: SimStream, packets: &[ClientPacket]) -> io::Result<Self> {
        stream.write_all(&[hello(), bytes_of(packets)].concat()).await?;
        Ok(Self { stream, bytes: BytesMut::new() })
    }

    async fn says(&mut self, packets: &[ClientPacket]) -> io::Result<()> {
        self.stream.write_all(&bytes_of(packets)).await
    }

    /// Whatever comes in so many milliseconds. An error is the end, once there was nothing more.
    async fn hears_for(&mut self, ms: u64) -> io::Result<Vec<ServerPacket>> {
        let (end, mut packets) = (Instant::now() + Duration::from_millis(ms), Vec::new());
        loop {
            while let Some(packet) = ClientCodec::new().decode(&mut self.bytes).map_err(io::Error::other)? {
                packets.push(packet);
            }
            match timeout_at(end, self.stream.read_buf(&mut self.bytes)).await {
                Err(_) => return Ok(packets),
                Ok(Ok(1..)) => {}
                Ok(_) if !packets.is_empty() => return Ok(packets),
                Ok(ended) => return Err(ended.err().unwrap_or_else(|| io::ErrorKind::UnexpectedEof.into())),
            }
        }
    }
}

fn signs_in(packet: &ServerPacket) -> bool {
    matches!(packet, ServerPacket::SignedIn { .. } | ServerPacket::Resumed(_) | ServerPacket::Token { .. })
}

fn is_denied(packet: &ServerPacket, code: DenialCode) -> bool {
    matches!(packet, ServerPacket::Denied(denial) if denial.code == code)
}

/// The bytes of a registration, whatever the types would say to it.
fn register(name: &str, secret: &str) -> Vec<u8> {
    let (n, eight) = (Name::new("n").expect("a name"), Secret::new("12345678").expect("a secret"));
    let kind = bytes_of(&[ClientPacket::Register { name: n, secret: eight }])[2];
    let text = |text: &str| {
        let length = u16::try_from(text.len()).expect("a short text");
        let mut bytes = match u8::try_from(length) {
            Ok(short @ ..251) => vec![short],
            _ => [&[0xfb][..], &length.to_le_bytes()].concat(),
        };
        bytes.extend_from_slice(text.as_bytes());
        bytes
    };
    let payload = [&[kind][..], &text(name), &text(secret)].concat();
    [&u16::try_from(payload.len()).expect("a short packet").to_le_bytes()[..], &payload].concat()
}
