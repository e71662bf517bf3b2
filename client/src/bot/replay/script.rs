//! A recording as what has to be done again: which connection opens, sends and ends when. Pure but for reading the file.
//!
//! Frames are taken apart here, once. What a client says only because the server said something first cannot be said again as
//! it is:
//!
//! | recorded | replayed |
//! |---|---|
//! | a pong | left out: the replay answers the pings of its own server |
//! | a resume | with the token, and what was seen of the room, of the replay's connection that stands for the recorded one |
//! | a name with the recorded run's number | the same with this run's: the server keeps names for a while |
//!
//! Everything else, and every byte of hostile players, is sent as it was, in the same pieces.

use super::ear::{Ear, Place, Tally};
use crate::bot::{
    plan,
    record::{End, Ending, Header, ReadError, Reader, What},
};
use anyhow::{Context, Result};
use bytes::BytesMut;
use malpan_client::protocol::{ClientPacket, Name, Packet, ResumeToken, Seen, ServerCodec};
use std::{
    collections::HashMap,
    fs::File,
    io::{BufReader, Read},
    path::Path,
    time::Duration,
};
use tokio_util::codec::Decoder;

/// A recording, ready to be sent again.
#[derive(Debug)]
pub(in crate::bot) struct Script {
    pub(in crate::bot) header: Header,
    /// Whether the recording has its end.
    pub(in crate::bot) whole: bool,
    /// In the order of the file.
    pub(super) connections: Vec<Connection>,
    /// When the first was opened and when the last thing happened, on the recorded clock.
    pub(super) first_us: u64,
    pub(super) last_us: u64,
    /// From when on that run was measured: connecting goes as fast as the machine can, and says nothing of a schedule.
    pub(super) measured_us: u64,
    /// What the recorded server said.
    pub(super) recorded: Tally,
    /// What was sent then, pongs included.
    pub(super) bytes_sent: u64,
    /// Pongs that are left out.
    pub(super) pongs: u64,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) player: u32,
    pub(super) hostile: bool,
    /// When connecting began.
    pub(super) opened_us: u64,
    /// Whether it takes in as little as the system allows, and reads only as much as it then did.
    pub(super) narrowed: bool,
    /// Whether it says goodbye.
    pub(super) bye: bool,
    /// What is sent but for resumes.
    pub(super) bytes: BytesMut,
    /// In the order of their times. The last one is the end, and no other is.
    pub(super) acts: Vec<Act>,
}

/// Something that a connection does.
#[derive(Debug)]
pub(super) struct Act {
    pub(super) at_us: u64,
    pub(super) what: Do,
}

/// What a connection does.
#[derive(Debug)]
pub(super) enum Do {
    /// Sends the next of its bytes.
    Send(Burst),
    /// Sends a resume.
    Resume(Box<Resume>),
    /// May read so many bytes more: only of those that are narrowed.
    Read(u32),
    /// Ends its writing.
    Finish,
    /// Ends.
    End(End),
}

/// Bytes sent at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Burst {
    pub(super) bytes: u32,
    /// Whole frames in them, and how many of those are messages. Of hostile players none are counted.
    pub(super) frames: u32,
    pub(super) messages: u32,
}

/// A resume, as it was.
#[derive(Debug)]
pub(super) struct Resume {
    pub(super) token: ResumeToken,
    pub(super) seen: Option<Seen>,
    /// The connection that was given this token, as an index into the script's.
    pub(super) from: Option<u32>,
}

impl Script {
    /// Reads a recording. Names get `run`, this run's own number.
    ///
    /// # Errors
    /// Where it is none, and what to do then.
    pub(in crate::bot) fn load(path: &Path, run: u32) -> Result<Self> {
        let read = || Self::read(BufReader::with_capacity(256 * 1024, File::open(path)?), run);
        read().with_context(|| format!("cannot replay {}", path.display()))
    }

    /// As [`Script::load`], of what was read already.
    ///
    /// # Errors
    /// As [`Script::load`].
    pub(super) fn read(input: impl Read, run: u32) -> Result<Self, ReadError> {
        let mut reader = Reader::new(input)?;
        let header = reader.header().clone();
        let mut loader = Loader::new(header.run, run);
        let mut last_us = 0;
        while let Some(record) = reader.next()? {
            last_us = last_us.max(record.at_us);
            let known = loader.take(record.connection, record.at_us, record.what);
            if !known {
                return Err(reader.damaged("a connection that was not opened, or is over"));
            }
        }
        let whole = reader.ending() == Ending::Whole;
        let script = loader.finish(last_us, header, whole);
        if script.connections.is_empty() { Err(ReadError::Empty) } else { Ok(script) }
    }

    /// How many connections there are.
    pub(in crate::bot) fn count(&self) -> u32 {
        u32::try_from(self.connections.len()).unwrap_or(u32::MAX)
    }

    /// From the first connect to the last end.
    pub(in crate::bot) fn span(&self) -> Duration {
        Duration::from_micros(self.last_us - self.first_us)
    }

    /// From the first connect to when it is measured.
    pub(super) fn lead(&self) -> Duration {
        Duration::from_micros(self.measured_us - self.first_us)
    }

    /// The most connections that are open at once.
    pub(super) fn most_at_once(&self) -> u32 {
        let ends = |connection: &Connection| connection.acts.last().map_or(connection.opened_us, |act| act.at_us);
        let mut changes: Vec<(u64, i64)> = self.connections.iter().map(|one| (one.opened_us, 1)).collect();
        changes.extend(self.connections.iter().map(|one| (ends(one), -1)));
        // At the same time, opening comes first.
        changes.sort_unstable_by_key(|&(at, change)| (at, -change));
        let mut now = 0;
        let most = changes.iter().map(|&(_, change)| {
            now += change;
            now
        });
        u32::try_from(most.max().unwrap_or(0)).unwrap_or(u32::MAX)
    }

    /// Whether it does what a server on another machine must not be sent without its owner's consent.
    pub(super) fn is_hostile(&self) -> bool {
        self.connections.iter().any(|connection| connection.hostile)
    }
}

/// What is read so far.
struct Loader {
    names: Names,
    /// By the recording's number, where the connection is in the script.
    numbers: HashMap<u32, usize>,
    loading: Vec<Loading>,
    /// Which connection was given a token.
    tokens: HashMap<[u8; ResumeToken::BYTES], u32>,
    measured_us: Option<u64>,
    recorded: Tally,
    bytes_sent: u64,
    pongs: u64,
}

/// One connection while it is read.
struct Loading {
    connection: Connection,
    ear: Ear,
    /// Bytes sent that are no whole frame yet; of hostile players, all that may still hold a name.
    pending: BytesMut,
    /// Whether frames are no longer looked for.
    raw: bool,
    over: bool,
    last_sent_us: u64,
}

impl Loader {
    fn new(recorded_run: u32, run: u32) -> Self {
        Self {
            names: Names::new(recorded_run, run),
            numbers: HashMap::new(),
            loading: Vec::new(),
            tokens: HashMap::new(),
            measured_us: None,
            recorded: Tally::default(),
            bytes_sent: 0,
            pongs: 0,
        }
    }

    /// Takes in a record. Returns whether there may be such a one.
    fn take(&mut self, number: u32, at_us: u64, what: What<'_>) -> bool {
        if let What::Measured = what {
            self.measured_us.get_or_insert(at_us);
            return true;
        }
        if let What::Opened { player, hostile } = what {
            let fresh = self.numbers.insert(number, self.loading.len()).is_none();
            self.loading.push(Loading::new(player, hostile, at_us));
            return fresh;
        }
        let Some(&index) = self.numbers.get(&number) else { return false };
        let one = &mut self.loading[index];
        if one.over {
            return false;
        }
        match what {
            What::Opened { .. } | What::Measured => return false,
            What::Sent(bytes) => {
                self.bytes_sent += bytes.len() as u64;
                one.last_sent_us = at_us;
                if one.connection.hostile {
                    one.say_as_it_is(at_us, bytes, &self.names);
                } else {
                    self.pongs += one.say(at_us, bytes, &self.names, &self.tokens);
                    self.inherit(index);
                }
            }
            What::Received(bytes) => {
                if one.connection.narrowed {
                    one.connection.act(at_us, Do::Read(u32::try_from(bytes.len()).unwrap_or(u32::MAX)));
                }
                one.ear.push(bytes, &mut self.recorded);
                while one.ear.next(&mut self.recorded).is_some() {}
                if let Some(token) = one.ear.token.take() {
                    let index = u32::try_from(index).expect("numbers are u32");
                    self.tokens.insert(*token.as_bytes(), index);
                }
            }
            What::Narrowed => one.connection.narrowed = true,
            What::Finished => one.connection.act(at_us, Do::Finish),
            What::Closed(end) => one.end(at_us, end),
        }
        true
    }

    /// Who has just resumed sits where it sat before: what it is told from then on counts as its own.
    fn inherit(&mut self, index: usize) {
        let Some(Act { what: Do::Resume(resume), .. }) = self.loading[index].connection.acts.last() else { return };
        let place: Option<Place> = resume.from.and_then(|from| self.loading[from as usize].ear.place);
        let ear = &mut self.loading[index].ear;
        ear.place = ear.place.or(place);
    }

    fn finish(mut self, last_us: u64, header: Header, whole: bool) -> Script {
        for one in self.loading.iter_mut().filter(|one| !one.over) {
            // The recording ends before the connection: the bot's own end was that of all its sockets.
            one.end(last_us, End::LetGo);
        }
        let mut connections: Vec<Connection> = self.loading.into_iter().map(|one| one.connection).collect();
        connections.iter_mut().for_each(|one| one.acts.shrink_to_fit());
        let first_us = connections.iter().map(|one| one.opened_us).min().unwrap_or(0);
        Script {
            header,
            whole,
            connections,
            first_us,
            last_us,
            measured_us: self.measured_us.unwrap_or(first_us).max(first_us),
            recorded: self.recorded,
            bytes_sent: self.bytes_sent,
            pongs: self.pongs,
        }
    }
}

impl Loading {
    fn new(player: u32, hostile: bool, opened_us: u64) -> Self {
        let (bytes, acts) = (BytesMut::new(), Vec::new());
        Self {
            connection: Connection { player, hostile, opened_us, narrowed: false, bye: false, bytes, acts },
            ear: Ear::new(hostile),
            pending: BytesMut::new(),
            raw: false,
            over: false,
            last_sent_us: opened_us,
        }
    }

    /// Frames, each whole one at the time at which its last byte was sent. Returns how many pongs were left out.
    fn say(&mut self, at_us: u64, bytes: &[u8], names: &Names, tokens: &HashMap<[u8; ResumeToken::BYTES], u32>) -> u64 {
        let mut pongs = 0;
        self.pending.extend_from_slice(bytes);
        while !self.raw {
            match ServerCodec::new().decode(&mut self.pending) {
                Ok(None) => return pongs,
                Ok(Some(ClientPacket::Pong { .. })) => pongs += 1,
                Ok(Some(ClientPacket::Resume { token, seen })) => {
                    let from = tokens.get(token.as_bytes()).copied();
                    self.connection.act(at_us, Do::Resume(Box::new(Resume { token, seen, from })));
                }
                Ok(Some(mut packet)) => {
                    names.rename(&mut packet);
                    self.connection.say(at_us, &packet);
                }
                // No client of ours says that.
                Err(_) => self.raw = true,
            }
        }
        self.flush(at_us);
        pongs
    }

    /// Bytes of a hostile player, in the pieces in which they were sent.
    fn say_as_it_is(&mut self, at_us: u64, bytes: &[u8], names: &Names) {
        let connection = &mut self.connection;
        connection.send(at_us, bytes, Burst { bytes: length(bytes), ..Burst::default() }, true);
        if self.raw {
            return;
        }
        self.pending.extend_from_slice(bytes);
        loop {
            let begin = connection.bytes.len() - self.pending.len();
            match ServerCodec::new().decode(&mut self.pending) {
                Ok(None) => return,
                Ok(Some(mut packet)) => {
                    if !names.rename(&mut packet) {
                        continue;
                    }
                    let mut frame = BytesMut::new();
                    let end = connection.bytes.len() - self.pending.len();
                    // As long as it was, so that the pieces stay what they are.
                    if packet.encode_frame(&mut frame).is_ok() && frame.len() == end - begin {
                        connection.bytes[begin..end].copy_from_slice(&frame);
                    }
                    break;
                }
                Err(_) => break,
            }
        }
        // It signs in once, or speaks no frames at all.
        (self.raw, self.pending) = (true, BytesMut::new());
    }

    /// Sends what is no frame.
    fn flush(&mut self, at_us: u64) {
        let rest = std::mem::take(&mut self.pending);
        if !rest.is_empty() && !self.connection.hostile {
            self.connection.send(at_us, &rest, Burst { bytes: length(&rest), ..Burst::default() }, false);
        }
    }

    fn end(&mut self, at_us: u64, end: End) {
        self.flush(self.last_sent_us);
        self.connection.act(at_us, Do::End(end));
        self.over = true;
        let place = self.ear.place;
        (self.ear, self.pending) = (Ear::default(), BytesMut::new());
        self.ear.place = place;
    }
}

impl Connection {
    fn act(&mut self, at_us: u64, what: Do) {
        self.acts.push(Act { at_us, what });
    }

    /// Sends a frame, with those before it where they were sent at the same time.
    fn say(&mut self, at_us: u64, packet: &ClientPacket) {
        let mut frame = BytesMut::new();
        packet.encode_frame(&mut frame).expect("it was decoded from a frame");
        let messages = u32::from(is_message(packet));
        self.bye |= *packet == ClientPacket::Bye;
        self.send(at_us, &frame, Burst { bytes: length(&frame), frames: 1, messages }, false);
    }

    /// `alone`: as a piece of its own, whatever was sent at the same time.
    fn send(&mut self, at_us: u64, bytes: &[u8], burst: Burst, alone: bool) {
        self.bytes.extend_from_slice(bytes);
        match self.acts.last_mut() {
            Some(Act { at_us: last_us, what: Do::Send(last) }) if *last_us == at_us && !alone => {
                last.bytes += burst.bytes;
                last.frames += burst.frames;
                last.messages += burst.messages;
            }
            _ => self.act(at_us, Do::Send(burst)),
        }
    }
}

impl Resume {
    /// As a frame, with what this run's server gave.
    pub(super) fn frame(&self, token: Option<ResumeToken>, place: Option<Place>) -> BytesMut {
        let token = token.unwrap_or_else(|| self.token.clone());
        let seen = self.seen.map(|seen| place.map_or(seen, |place| place.seen));
        let mut frame = BytesMut::new();
        ClientPacket::Resume { token, seen }.encode_frame(&mut frame).expect("it is shorter than a frame may be");
        frame
    }
}

/// Whether it is something that its sender sees done.
fn is_message(packet: &ClientPacket) -> bool {
    matches!(packet, ClientPacket::Command { .. } | ClientPacket::Chat { .. } | ClientPacket::Signal { .. })
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a piece is short")
}

/// Whose names are rewritten, and how.
struct Names {
    /// Of honest players and of hostile ones: what they begin with, and will.
    prefixes: [(String, String); 2],
}

impl Names {
    fn new(recorded_run: u32, run: u32) -> Self {
        let honest = (plan::name_prefix(recorded_run), plan::name_prefix(run));
        let hostile = (plan::hostile_prefix(recorded_run), plan::hostile_prefix(run));
        Self { prefixes: [honest, hostile] }
    }

    /// Gives a packet this run's name. Returns whether it is a sign-in.
    fn rename(&self, packet: &mut ClientPacket) -> bool {
        let (ClientPacket::Guest { name } | ClientPacket::Register { name, .. } | ClientPacket::Login { name, .. }) =
            packet
        else {
            return false;
        };
        let renamed = self.prefixes.iter().find_map(|(from, to)| {
            let rest = name.as_str().strip_prefix(from.as_str())?;
            Name::new(&format!("{to}{rest}")).ok()
        });
        if let Some(renamed) = renamed {
            *name = renamed;
        }
        true
    }
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
