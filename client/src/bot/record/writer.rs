//! The thread that writes a recording.

use super::{Chunk, Trouble, format};
use std::{
    io::{self, BufWriter, Write},
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, TryRecvError},
    },
    thread::{self, JoinHandle},
};

/// What the threads of a run tell it.
#[derive(Debug)]
pub(super) enum Message {
    Chunk(Chunk),
    /// Nothing follows.
    End,
}

/// What it wrote.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) bytes: u64,
    pub(super) records: u64,
}

/// Starts it.
///
/// # Errors
/// Where the system starts no thread.
pub(super) fn spawn(
    file: impl Write + Send + 'static,
    messages: Receiver<Message>,
    trouble: Arc<Trouble>,
) -> io::Result<JoinHandle<Written>> {
    thread::Builder::new().name("bot-record".into()).spawn(move || {
        let mut written = Written::default();
        if let Err(error) = write(BufWriter::new(file), &messages, &trouble, &mut written) {
            trouble.tell(format!("writing it failed: {error}"));
        }
        written
    })
}

fn write(
    mut file: impl Write,
    messages: &Receiver<Message>,
    trouble: &Trouble,
    written: &mut Written,
) -> io::Result<()> {
    loop {
        let message = match messages.try_recv() {
            Ok(message) => message,
            Err(TryRecvError::Empty) => {
                // Nothing waits: whoever is killed now leaves it behind.
                file.flush()?;
                match messages.recv() {
                    Ok(message) => message,
                    Err(_) => return Ok(()),
                }
            }
            Err(TryRecvError::Disconnected) => return file.flush(),
        };
        match message {
            Message::Chunk(Chunk { bytes, records }) => {
                file.write_all(&bytes)?;
                written.bytes += bytes.len() as u64;
                written.records += records;
            }
            Message::End => {
                // Where something did not get here, the file must not say that it is whole.
                if !trouble.known.load(Relaxed) {
                    let mut end = Vec::new();
                    format::append_end(&mut end, written.records);
                    file.write_all(&end)?;
                    written.bytes += end.len() as u64;
                }
                return file.flush();
            }
        }
    }
}
