//! `--record FILE`: what every connection of a run sent and received, and when.
//!
//! ```text
//! socket <-> Stream (TLS) <-> tap.rs <-> Client
//!                               |  records, into the thread's own chunk
//!                    each 50 ms, and when it is full: a bounded channel -> writer.rs (a thread) -> file
//! format.rs   the file, byte by byte
//! ```
//!
//! Invariant: no player's thread ever waits for the file. Where the file does not keep up or cannot be written, recording ends
//! there, and the run is void and says so; what stands in the file can be read all the same.

mod format;
mod tap;
mod writer;

pub(super) use format::{End, Ending, Header, ReadError, Reader, Record, What};
pub(super) use tap::{Tap, Tape};

use super::common::{Clock, lock};
use anyhow::{Context, Result};
use format::MAX_BYTES;
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};
use writer::{Message, Written};

/// A chunk goes to the writer when it has so many bytes.
const CHUNK_BYTES: usize = 64 * 1024;
/// How many chunks may wait for the writer: 64 MiB.
const CHUNKS: usize = 1_024;

/// A file that a recording will be written to.
#[derive(Debug)]
pub(super) struct Target {
    file: File,
    path: PathBuf,
    /// What it begins with.
    header: Vec<u8>,
}

/// A recording that goes on.
#[derive(Debug)]
pub(super) struct Recording {
    recorder: Arc<Recorder>,
    writer: JoinHandle<Written>,
    path: PathBuf,
    header_bytes: u64,
}

/// What became of a recording.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) path: PathBuf,
    pub(super) connections: u32,
    /// Bytes of the file.
    pub(super) bytes: u64,
    /// Why it is not whole, if it is not.
    pub(super) trouble: Option<String>,
}

/// Where records go. The threads of a run share it; each has a track of its own.
#[derive(Debug)]
pub(super) struct Recorder {
    clock: Clock,
    /// One per thread, and one for the hostile players. Only the thread itself locks it while the run goes on.
    tracks: Box<[Mutex<Chunk>]>,
    connections: AtomicU32,
    to_writer: SyncSender<Message>,
    trouble: Arc<Trouble>,
}

/// Records on their way to the file.
#[derive(Debug, Default)]
struct Chunk {
    bytes: Vec<u8>,
    records: u64,
}

/// Why a recording cannot go on, once it cannot.
#[derive(Debug, Default)]
struct Trouble {
    known: AtomicBool,
    why: Mutex<Option<String>>,
}

impl Target {
    /// Makes the file, readable by its owner alone. What is in one that was there stays until the run begins.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn create(path: &Path, header: &Header) -> Result<Self> {
        let header = format::write_header(header);
        let file = open_private(path).with_context(|| format!("cannot write --record {}", path.display()))?;
        Ok(Self { file, path: path.to_owned(), header })
    }

    /// Begins the file and starts the writer. There will be so many threads of players.
    ///
    /// # Errors
    /// Where it cannot be written, or the system starts no thread.
    pub(super) fn start(self, clock: Clock, threads: usize) -> Result<Recording> {
        let Self { mut file, path, header } = self;
        let mut begin = || {
            // A pipe or a device has no length.
            if file.metadata()?.is_file() {
                file.set_len(0)?;
            }
            file.write_all(&header)
        };
        begin().with_context(|| format!("cannot write --record {}", path.display()))?;
        let header_bytes = header.len() as u64;
        let (recorder, writer) = start(file, clock, threads, CHUNKS)?;
        Ok(Recording { recorder, writer, path, header_bytes })
    }
}

/// A file for what others must not read: there are passwords in it.
fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
        let file = options.mode(0o600).open(path)?;
        // One that was there before keeps its mode otherwise.
        if file.metadata()?.is_file() {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}

fn start(
    file: impl Write + Send + 'static,
    clock: Clock,
    threads: usize,
    chunks: usize,
) -> io::Result<(Arc<Recorder>, JoinHandle<Written>)> {
    let (to_writer, chunks) = sync_channel(chunks);
    let trouble = Arc::new(Trouble::default());
    let writer = writer::spawn(file, chunks, Arc::clone(&trouble))?;
    let tracks = std::iter::repeat_with(Mutex::default).take(threads + 1).collect();
    let recorder = Recorder { clock, tracks, connections: AtomicU32::new(0), to_writer, trouble };
    Ok((Arc::new(recorder), writer))
}

impl Recording {
    /// Where records go.
    pub(super) fn recorder(&self) -> Arc<Recorder> {
        Arc::clone(&self.recorder)
    }

    /// Writes what is left and ends the file. The run's threads must have ended.
    pub(super) fn finish(self) -> Recorded {
        let Self { recorder, writer, path, header_bytes } = self;
        let connections = recorder.connections.load(Relaxed);
        let written = finish(&recorder, writer);
        let trouble =
            recorder.trouble.told().map(|why| format!("the recording {} is not whole: {why}", path.display()));
        Recorded { path, connections, bytes: header_bytes + written.bytes, trouble }
    }
}

fn finish(recorder: &Recorder, writer: JoinHandle<Written>) -> Written {
    for track in &recorder.tracks {
        let chunk = std::mem::take(&mut *lock(track));
        // A writer that has ended has told why.
        let _ = recorder.to_writer.send(Message::Chunk(chunk));
    }
    let _ = recorder.to_writer.send(Message::End);
    writer.join().unwrap_or_else(|_| {
        recorder.trouble.tell("its thread panicked".into());
        Written::default()
    })
}

impl Recorder {
    /// Where the connections of this thread's players go.
    pub(super) fn track_of(&self, player: u32) -> usize {
        player as usize % (self.tracks.len() - 1)
    }

    /// Where those of hostile players go.
    pub(super) fn hostile_track(&self) -> usize {
        self.tracks.len() - 1
    }

    /// A connection is there; connecting began at `begun_ns`.
    pub(super) fn open(self: &Arc<Self>, track: usize, player: u32, hostile: bool, begun_ns: u64) -> Tape {
        let connection = self.connections.fetch_add(1, Relaxed);
        self.note_at(track, connection, begun_ns, What::Opened { player, hostile });
        Tape::new(Arc::clone(self), track, connection)
    }

    /// From `at_ns` on the run is measured.
    pub(super) fn measured(&self, at_ns: u64) {
        self.note_at(0, 0, at_ns, What::Measured);
    }

    /// Hands what a track has to the writer: a thread calls this now and then, so that a bot that is killed leaves nearly all
    /// behind.
    pub(super) fn hand_over(&self, track: usize) {
        let mut chunk = lock(&self.tracks[track]);
        if chunk.records > 0 {
            self.send(&mut chunk);
        }
    }

    fn note(&self, track: usize, connection: u32, what: What<'_>) {
        self.note_at(track, connection, self.clock.now_ns(), what);
    }

    fn note_at(&self, track: usize, connection: u32, at_ns: u64, what: What<'_>) {
        if self.trouble.known.load(Relaxed) {
            return;
        }
        let mut chunk = lock(&self.tracks[track]);
        let mut put = |what| {
            chunk.put(&Record { connection, at_us: at_ns / 1_000, what });
            if chunk.bytes.len() >= CHUNK_BYTES {
                self.send(&mut chunk);
            }
        };
        match what {
            What::Sent(bytes) => bytes.chunks(MAX_BYTES).for_each(|bytes| put(What::Sent(bytes))),
            What::Received(bytes) => bytes.chunks(MAX_BYTES).for_each(|bytes| put(What::Received(bytes))),
            what => put(what),
        }
    }

    fn send(&self, chunk: &mut Chunk) {
        match self.to_writer.try_send(Message::Chunk(std::mem::take(chunk))) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                self.trouble.tell(format!("the disk did not keep up, and {CHUNKS} chunks were waiting"));
            }
            Err(TrySendError::Disconnected(_)) => self.trouble.tell("its thread has ended".into()),
        }
    }
}

impl Chunk {
    fn put(&mut self, record: &Record<'_>) {
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(CHUNK_BYTES + MAX_BYTES + 64);
        }
        format::append(&mut self.bytes, record);
        self.records += 1;
    }
}

impl Trouble {
    /// The first reason stands.
    fn tell(&self, why: String) {
        lock(&self.why).get_or_insert(why);
        self.known.store(true, Relaxed);
    }

    fn told(&self) -> Option<String> {
        lock(&self.why).clone()
    }
}

/// A whole file of these records, for tests.
#[cfg(test)]
pub(super) fn file_of(header: &Header, records: &[Record<'_>]) -> Vec<u8> {
    let mut file = format::write_header(header);
    records.iter().for_each(|record| format::append(&mut file, record));
    format::append_end(&mut file, records.len() as u64);
    file
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
