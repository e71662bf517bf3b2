//! What goes over a connection stands in the file, and a file that cannot be written stops nobody.

use super::{
    CHUNK_BYTES, End, Ending, Header, Reader, Recorder, Tap, Target, What, finish, format::write_header, start,
};
use crate::bot::common::{Clock, lock};
use std::{
    io::{self, Write},
    sync::{Arc, Mutex, mpsc},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// A file in memory.
#[derive(Clone)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(write_header(&header()))))
    }

    /// What stands in it, as (connection, what), and how it ends.
    fn read(&self) -> (Vec<(u32, String)>, Ending) {
        let bytes = lock(&self.0).clone();
        let mut reader = Reader::new(bytes.as_slice()).unwrap();
        let mut found = Vec::new();
        while let Some(record) = reader.next().unwrap() {
            found.push((record.connection, told(record.what)));
        }
        (found, reader.ending())
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file on a disk with room for so many bytes.
struct SmallDisk(usize);

impl Write for SmallDisk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0 -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk that takes nothing before it is told to go on.
struct Stuck(mpsc::Receiver<()>, Memory);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Whoever let go of the other end lets everything pass.
        let _ = self.0.recv();
        Write::write(&mut self.1, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn header() -> Header {
    Header { bot: "0".into(), command: Vec::new(), address: String::new(), seed: 1, started: String::new(), run: 0 }
}

fn told(what: What<'_>) -> String {
    match what {
        What::Sent(bytes) => format!("sent {}", String::from_utf8_lossy(bytes)),
        What::Received(bytes) => format!("received {}", String::from_utf8_lossy(bytes)),
        what => format!("{what:?}"),
    }
}

fn tap<IO>(io: IO, recorder: &Arc<Recorder>, player: u32) -> Tap<IO> {
    Tap::new(io, Some(recorder.open(recorder.track_of(player), player, false, 0)))
}

#[tokio::test]
async fn what_goes_by_is_noted_as_the_kernel_took_it() {
    let memory = Memory::new();
    let (recorder, writer) = start(memory.clone(), Clock::start(), 2, 64).unwrap();
    // The other side takes four bytes at a time.
    let (near, mut far) = duplex(4);
    let mut near = tap(near, &recorder, 7);
    let heard = async {
        let mut heard = [0; 6];
        far.read_exact(&mut heard).await.unwrap();
        far.write_all(b"yes").await.unwrap();
        assert_eq!(&heard, b"please");
        drop(far);
    };
    let said = async {
        near.write_all(b"please").await.unwrap();
        near.shutdown().await.unwrap();
        let mut answer = String::new();
        near.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "yes");
    };
    tokio::join!(heard, said);
    drop(near);
    finish(&recorder, writer);
    let (found, ending) = memory.read();
    let lines: Vec<&str> = found
        .iter()
        .map(|(connection, what)| {
            assert_eq!(*connection, 0);
            what.as_str()
        })
        .collect();
    let expected = [
        "Opened { player: 7, hostile: false }",
        "sent plea",
        "sent se",
        "Finished",
        "received yes",
        "Closed(ByServer)",
    ];
    assert_eq!((lines.as_slice(), ending), (&expected[..], Ending::Whole));
}

#[tokio::test]
async fn every_end_is_told_from_the_others() {
    let memory = Memory::new();
    let (recorder, writer) = start(memory.clone(), Clock::start(), 1, 64).unwrap();
    let (io, _far) = duplex(4);
    drop(tap(io, &recorder, 0));
    let (io, _far) = duplex(4);
    let mut reset = tap(io, &recorder, 0);
    reset.note_narrowed();
    reset.note_reset();
    drop(reset);
    let (io, far) = duplex(4);
    drop(far);
    let mut broken = tap(io, &recorder, 0);
    broken.write_all(b"x").await.unwrap_err();
    // What it was first stands.
    assert_eq!(broken.read(&mut [0; 4]).await.unwrap(), 0);
    drop(broken);
    finish(&recorder, writer);
    let ends: Vec<String> =
        memory.read().0.into_iter().map(|(_, what)| what).filter(|what| !what.starts_with("Opened")).collect();
    let closed = |end: End| format!("Closed({end:?})");
    assert_eq!(ends, [closed(End::LetGo), "Narrowed".into(), closed(End::Reset), closed(End::Broken)]);
}

#[test]
fn a_bot_that_is_killed_leaves_behind_what_it_handed_over() {
    let memory = Memory::new();
    let (recorder, _writer) = start(memory.clone(), Clock::start(), 1, 64).unwrap();
    let tape = recorder.open(0, 3, false, 0);
    recorder.hand_over(0);
    // The writer flushes once nothing waits.
    while memory.read().0.is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(memory.read(), (vec![(0, "Opened { player: 3, hostile: false }".into())], Ending::CutOff));
    drop(tape);
}

#[test]
fn bytes_of_any_length_are_told_in_pieces_that_a_reader_takes() {
    let memory = Memory::new();
    let (recorder, writer) = start(memory.clone(), Clock::start(), 1, 64).unwrap();
    let tape = recorder.open(0, 0, true, 0);
    let bytes = vec![b'x'; CHUNK_BYTES * 2 + 1];
    recorder.note(0, 0, What::Sent(&bytes));
    drop(tape);
    finish(&recorder, writer);
    let (found, ending) = memory.read();
    let sent: usize = found.iter().filter_map(|(_, what)| what.strip_prefix("sent ")).map(str::len).sum();
    assert_eq!((sent, ending), (bytes.len(), Ending::Whole));
}

#[test]
fn a_full_disk_is_told_and_the_file_does_not_say_that_it_is_whole() {
    let (recorder, writer) = start(SmallDisk(CHUNK_BYTES), Clock::start(), 1, 1_000).unwrap();
    let tape = recorder.open(0, 0, false, 0);
    for _ in 0..100 {
        recorder.note(0, 0, What::Sent(&[b'x'; 4_000]));
    }
    drop(tape);
    finish(&recorder, writer);
    let why = recorder.trouble.told().unwrap();
    assert!(why.contains("writing it failed"), "{why}");
}

#[test]
fn a_disk_that_stands_still_holds_up_nobody_and_is_told() {
    let (go, stuck) = mpsc::channel();
    let memory = Memory::new();
    let (recorder, writer) = start(Stuck(stuck, memory.clone()), Clock::start(), 1, 2).unwrap();
    let tape = recorder.open(0, 0, false, 0);
    // Were this to wait for the disk, it would never end.
    for _ in 0..100 {
        recorder.note(0, 0, What::Received(&[0; 16_000]));
    }
    let why = recorder.trouble.told().unwrap();
    assert!(why.contains("did not keep up"), "{why}");
    drop(go);
    drop(tape);
    finish(&recorder, writer);
    let (found, ending) = memory.read();
    // The end of the connection would stand behind a gap.
    assert!((2..20).contains(&found.len()) && !found.iter().any(|(_, what)| what.starts_with("Closed")), "{found:?}");
    assert_eq!(ending, Ending::CutOff);
}

#[test]
fn a_recording_is_its_owners_alone_and_a_bad_path_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.rec");
    std::fs::write(&path, "what was here before").unwrap();
    let target = Target::create(&path, &header()).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let recording = target.start(Clock::start(), 1).unwrap();
    drop(recording.recorder().open(0, 0, false, 0));
    let recorded = recording.finish();
    assert_eq!((recorded.connections, recorded.trouble), (1, None));
    assert_eq!(recorded.bytes, std::fs::metadata(&path).unwrap().len());
    let error = format!("{:#}", Target::create(folder.path(), &header()).unwrap_err());
    assert!(error.contains("cannot write --record"), "{error}");
}
