//! The file of a recording. Pure: it knows no file and no clock.
//!
//! ```text
//! file    = magic (8 bytes), version (u16 little-endian), length (u32 little-endian), header (that many bytes of JSON), records
//! record  = length (varint), body of that length
//! body    = kind (1 byte), connection (varint), microseconds since the run's start (varint), what the kind has
//! ```
//!
//! | kind | | what it has |
//! |---|---|---|
//! | 0 | the recording ends, and whole | how many records stand before it (varint); connection and time are 0 |
//! | 1 | a connection is opened; the time is when connecting began | the player's number (varint), 1 of a hostile one, else 0 (1 byte) |
//! | 2 | the kernel took bytes | the bytes |
//! | 3 | bytes were read | the bytes |
//! | 4 | it takes in as little as the system allows, and reads no more than was read | |
//! | 5 | writing ended, reading went on | |
//! | 6 | it ended | 0: the bot let it go, 1: the server closed, 2: it broke, 3: the bot reset it (1 byte) |
//! | 7 | from this time on the run is measured: everyone was there | connection is 0 |
//!
//! Varints are LEB128: seven bits a byte, the lowest first, the high bit set on all but the last. Records of one connection stand
//! in the order of what happened; those of several do not.
//!
//! Invariant: whoever reads a file that was cut off, at whatever byte, gets every whole record before the cut, and is told. A
//! length that is merely claimed reserves nothing beyond [`MAX_BODY`].

use serde::{Deserialize, Serialize};
use std::io::{self, Read};

/// What every recording begins with. Not text, and a transfer as text breaks it.
const MAGIC: [u8; 8] = *b"\x8fMalpan\n";
/// The version that this bot writes and reads.
pub(in crate::bot) const VERSION: u16 = 2;
/// The most bytes of a header.
const MAX_HEADER: u32 = 64 * 1024;
/// The most bytes that one record carries; what is longer takes several.
pub(super) const MAX_BYTES: usize = 16 * 1024;
/// The most bytes of a record's body.
const MAX_BODY: u64 = MAX_BYTES as u64 + 32;

/// What run it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::bot) struct Header {
    /// The bot's version.
    pub(in crate::bot) bot: String,
    pub(in crate::bot) command: Vec<String>,
    /// Where it went.
    pub(in crate::bot) address: String,
    pub(in crate::bot) seed: u64,
    /// When it began, in UTC (RFC 3339, whole seconds).
    pub(in crate::bot) started: String,
    /// The number that is in its players' names, and in no other run's.
    pub(in crate::bot) run: u32,
}

/// One record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bot) struct Record<'a> {
    /// Which connection, by its number.
    pub(in crate::bot) connection: u32,
    /// Since the run's start.
    pub(in crate::bot) at_us: u64,
    pub(in crate::bot) what: What<'a>,
}

/// What happened to a connection, or to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bot) enum What<'a> {
    /// It was opened; the time is when connecting began.
    Opened {
        /// Whose it is.
        player: u32,
        hostile: bool,
    },
    /// The kernel took these bytes.
    Sent(&'a [u8]),
    /// These bytes were read.
    Received(&'a [u8]),
    /// It takes in as little as the system allows: that and when it reads are part of what it does.
    Narrowed,
    /// Writing ended, and reading went on.
    Finished,
    /// It ended.
    Closed(End),
    /// From this time on the run is measured: everyone was there.
    Measured,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bot) enum End {
    /// The bot let it go.
    LetGo,
    /// The server closed it.
    ByServer,
    /// It broke.
    Broken,
    /// The bot reset it.
    Reset,
}

/// Why something is no recording.
#[derive(Debug, thiserror::Error)]
pub(in crate::bot) enum ReadError {
    /// It begins otherwise.
    #[error("it is no recording of malpan bot; `malpan bot --record FILE` makes one")]
    Foreign,
    /// Another version's.
    #[error(
        "it is a recording of format {found}, and this bot reads format {VERSION}: replay it with the bot that made it, or record \
         anew with this one"
    )]
    Version {
        /// Which.
        found: u16,
    },
    /// It ends before its first record.
    #[error("it ends before the first connection: there is nothing to replay; record anew")]
    Empty,
    /// It is not what a bot writes.
    #[error("it is damaged at byte {at}: {what}; copy it anew (as binary), or record anew")]
    Damaged {
        /// Where the record begins that is wrong.
        at: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Writes what stands before the first record.
pub(super) fn write_header(header: &Header) -> Vec<u8> {
    let json = serde_json::to_vec(header).expect("a header is JSON");
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&u32::try_from(json.len()).expect("a command line is short").to_le_bytes());
    out.extend_from_slice(&json);
    out
}

/// Appends a record. Of its bytes there may be at most [`MAX_BYTES`].
pub(super) fn append(out: &mut Vec<u8>, record: &Record<'_>) {
    let (kind, bytes): (u8, &[u8]) = match record.what {
        What::Opened { .. } => (1, &[]),
        What::Sent(bytes) => (2, bytes),
        What::Received(bytes) => (3, bytes),
        What::Narrowed => (4, &[]),
        What::Finished => (5, &[]),
        What::Closed(End::LetGo) => (6, &[0]),
        What::Closed(End::ByServer) => (6, &[1]),
        What::Closed(End::Broken) => (6, &[2]),
        What::Closed(End::Reset) => (6, &[3]),
        What::Measured => (7, &[]),
    };
    // The numbers are at most 26 bytes: the length is known once they are written.
    let mut numbers = Numbers::default();
    numbers.put(record.connection.into());
    numbers.put(record.at_us);
    if let What::Opened { player, hostile } = record.what {
        numbers.put(player.into());
        numbers.put(hostile.into());
    }
    let numbers = numbers.as_bytes();
    put_varint(out, (1 + numbers.len() + bytes.len()) as u64);
    out.push(kind);
    out.extend_from_slice(numbers);
    out.extend_from_slice(bytes);
}

/// Appends the record that says that the recording is whole: `records` stand before it.
pub(super) fn append_end(out: &mut Vec<u8>, records: u64) {
    let mut body = vec![0, 0, 0];
    put_varint(&mut body, records);
    put_varint(out, body.len() as u64);
    out.extend_from_slice(&body);
}

/// A few varints.
#[derive(Default)]
struct Numbers {
    bytes: [u8; 32],
    length: usize,
}

impl Numbers {
    fn put(&mut self, mut value: u64) {
        loop {
            let low = (value & 0x7f) as u8;
            value >>= 7;
            self.bytes[self.length] = if value == 0 { low } else { low | 0x80 };
            self.length += 1;
            if value == 0 {
                return;
            }
        }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

fn put_varint(out: &mut Vec<u8>, value: u64) {
    let mut numbers = Numbers::default();
    numbers.put(value);
    out.extend_from_slice(numbers.as_bytes());
}

/// Reads a recording.
#[derive(Debug)]
pub(in crate::bot) struct Reader<R> {
    input: R,
    header: Header,
    /// The body of the record last read.
    body: Vec<u8>,
    /// Bytes and records read.
    at: u64,
    records: u64,
    /// Where the last record begins.
    begin: u64,
    ending: Option<Ending>,
}

/// How a recording ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::bot) enum Ending {
    /// As it should.
    Whole,
    /// Something is missing: the bot was killed, or its disk was full.
    CutOff,
}

impl<R: Read> Reader<R> {
    /// Reads what stands before the first record.
    ///
    /// # Errors
    /// [`ReadError`] where it is no recording of this version.
    pub(in crate::bot) fn new(mut input: R) -> Result<Self, ReadError> {
        let mut magic = Vec::new();
        input.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic)?;
        if magic.is_empty() || !MAGIC.starts_with(&magic) {
            return Err(ReadError::Foreign);
        }
        if magic.len() < MAGIC.len() {
            return Err(ReadError::Empty);
        }
        let mut at = MAGIC.len() as u64;
        let mut take = |length: u32| -> Result<Vec<u8>, ReadError> {
            let mut bytes = Vec::new();
            let read = input.by_ref().take(length.into()).read_to_end(&mut bytes)?;
            at += read as u64;
            if read < length as usize { Err(ReadError::Empty) } else { Ok(bytes) }
        };
        let version = take(2)?;
        let version = u16::from_le_bytes([version[0], version[1]]);
        if version != VERSION {
            return Err(ReadError::Version { found: version });
        }
        let length = take(4)?;
        let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
        let damaged = ReadError::Damaged { at: 10, what: "its header is not one" };
        if length > MAX_HEADER {
            return Err(damaged);
        }
        let header = serde_json::from_slice(&take(length)?).map_err(|_| damaged)?;
        Ok(Self { input, header, body: Vec::new(), at, records: 0, begin: at, ending: None })
    }

    /// What run it was.
    pub(in crate::bot) fn header(&self) -> &Header {
        &self.header
    }

    /// The next record; `None` at the end.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] where there is something that no bot writes.
    pub(in crate::bot) fn next(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        if self.ending.is_some() {
            return Ok(None);
        }
        let begin = self.at;
        self.begin = begin;
        let damaged = |what| ReadError::Damaged { at: begin, what };
        let Some(length) = self.read_length()? else {
            self.ending = Some(Ending::CutOff);
            return Ok(None);
        };
        if !(1..=MAX_BODY).contains(&length) {
            return Err(damaged("a record of an impossible length"));
        }
        self.body.clear();
        let read = self.input.by_ref().take(length).read_to_end(&mut self.body)?;
        self.at += read as u64;
        if (read as u64) < length {
            self.ending = Some(Ending::CutOff);
            return Ok(None);
        }
        let Body { kind, connection, at_us, rest } =
            Body::of(&self.body).ok_or_else(|| damaged("a record without its numbers"))?;
        if kind == 0 {
            let whole = split_varint(rest).is_some_and(|(records, rest)| records == self.records && rest.is_empty());
            if !whole || self.input.read(&mut [0])? > 0 {
                return Err(damaged("an end that is none"));
            }
            self.ending = Some(Ending::Whole);
            return Ok(None);
        }
        self.records += 1;
        let connection = u32::try_from(connection).map_err(|_| damaged("a connection of an impossible number"))?;
        let what = what(kind, rest).ok_or_else(|| damaged("a record of an unknown kind or form"))?;
        Ok(Some(Record { connection, at_us, what }))
    }

    /// That the record last read cannot be.
    pub(in crate::bot) fn damaged(&self, what: &'static str) -> ReadError {
        ReadError::Damaged { at: self.begin, what }
    }

    /// How it ends; to be asked after [`Reader::next`] has returned `None`.
    pub(in crate::bot) fn ending(&self) -> Ending {
        self.ending.unwrap_or(Ending::CutOff)
    }

    /// The length of the next record; `None` where the file ends within it.
    fn read_length(&mut self) -> Result<Option<u64>, ReadError> {
        let begin = self.at;
        let mut value = 0;
        for shift in [0, 7, 14] {
            let mut byte = [0];
            match self.input.read_exact(&mut byte) {
                Ok(()) => self.at += 1,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                Err(error) => return Err(error.into()),
            }
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] & 0x80 == 0 {
                return Ok(Some(value));
            }
        }
        Err(ReadError::Damaged { at: begin, what: "a record of an impossible length" })
    }
}

/// A record's body, taken apart.
struct Body<'a> {
    kind: u8,
    connection: u64,
    at_us: u64,
    rest: &'a [u8],
}

impl<'a> Body<'a> {
    fn of(body: &'a [u8]) -> Option<Self> {
        let (&kind, rest) = body.split_first()?;
        let (connection, rest) = split_varint(rest)?;
        let (at_us, rest) = split_varint(rest)?;
        Some(Self { kind, connection, at_us, rest })
    }
}

fn what(kind: u8, rest: &[u8]) -> Option<What<'_>> {
    match kind {
        1 => {
            let (player, rest) = split_varint(rest)?;
            let player = u32::try_from(player).ok()?;
            match rest {
                [0] => Some(What::Opened { player, hostile: false }),
                [1] => Some(What::Opened { player, hostile: true }),
                _ => None,
            }
        }
        2 => Some(What::Sent(rest)),
        3 => Some(What::Received(rest)),
        4 => rest.is_empty().then_some(What::Narrowed),
        5 => rest.is_empty().then_some(What::Finished),
        6 => {
            let end = match rest {
                [0] => End::LetGo,
                [1] => End::ByServer,
                [2] => End::Broken,
                [3] => End::Reset,
                _ => return None,
            };
            Some(What::Closed(end))
        }
        7 => rest.is_empty().then_some(What::Measured),
        _ => None,
    }
}

/// The varint that bytes begin with, and what follows it.
fn split_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().enumerate().take(10) {
        let low = u64::from(byte & 0x7f);
        // The tenth byte has a single bit left.
        if index == 9 && low > 1 {
            return None;
        }
        value |= low << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
