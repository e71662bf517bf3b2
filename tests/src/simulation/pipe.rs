//! One direction of a connection: bytes on their way, as a socket's buffers and a link hold them.

use rand::{RngExt as _, rngs::StdRng};
use std::{
    collections::VecDeque,
    io,
    task::{Context, Waker},
    time::Duration,
};
use tokio::{io::ReadBuf, time::Instant};

/// How a link carries bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Quality {
    pub(super) latency: Duration,
    /// Up to so many milliseconds more for each write.
    pub(super) jitter_ms: u64,
    /// Most bytes that one read brings.
    pub(super) most_read: usize,
    /// Bytes that fit on the way and in the buffers; a writer waits for more.
    pub(super) capacity: usize,
}

/// What became of the link under a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Carries,
    /// Nothing arrives until it is repaired; what is written waits.
    Held,
    /// Nothing arrives any more, and nobody is told. What is written fills the buffers.
    Cut,
    /// As cut, and what is written vanishes into nothing.
    Vanishes,
    Reset,
}

#[derive(Debug)]
pub(super) struct Pipe {
    quality: Quality,
    pub(super) fate: Fate,
    chunks: VecDeque<(Instant, VecDeque<u8>)>,
    waiting: usize,
    last_due: Instant,
    end: Option<Instant>,
    reader_is_gone: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    rng: StdRng,
    /// Since when the writer waits.
    pub(super) blocked_since: Option<Instant>,
}

/// What a read finds.
pub(super) enum Found {
    Bytes(usize),
    End,
    NotBefore(Instant),
    Nothing,
}

impl Pipe {
    pub(super) fn new(quality: Quality, rng: StdRng) -> Self {
        Self {
            quality,
            fate: Fate::Carries,
            chunks: VecDeque::new(),
            waiting: 0,
            last_due: Instant::now(),
            end: None,
            reader_is_gone: false,
            reader: None,
            writer: None,
            rng,
            blocked_since: None,
        }
    }

    pub(super) fn read(&mut self, buffer: &mut ReadBuf<'_>) -> io::Result<Found> {
        match self.fate {
            Fate::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
            Fate::Held | Fate::Cut | Fate::Vanishes => return Ok(Found::Nothing),
            Fate::Carries => {}
        }
        let now = Instant::now();
        let Some((due, chunk)) = self.chunks.front_mut() else {
            return Ok(match self.end {
                Some(end) if end <= now => Found::End,
                Some(end) => Found::NotBefore(end),
                None => Found::Nothing,
            });
        };
        if *due > now {
            return Ok(Found::NotBefore(*due));
        }
        let most = self.rng.random_range(1..=self.quality.most_read);
        let count = most.min(chunk.len()).min(buffer.remaining());
        chunk.drain(..count).for_each(|byte| buffer.put_slice(&[byte]));
        if chunk.is_empty() {
            self.chunks.pop_front();
        }
        self.waiting -= count;
        wake(&mut self.writer);
        Ok(Found::Bytes(count))
    }

    /// Takes some of `bytes`; none where there is no room.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.fate {
            Fate::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
            _ if self.end.is_some() => return Err(io::ErrorKind::BrokenPipe.into()),
            // Of a reader that is gone behind such a link nobody hears.
            Fate::Vanishes => {
                self.blocked_since = None;
                return Ok(bytes.len());
            }
            Fate::Held | Fate::Cut => {}
            Fate::Carries if self.reader_is_gone => return Err(io::ErrorKind::BrokenPipe.into()),
            Fate::Carries => {}
        }
        let count = bytes.len().min(self.quality.capacity - self.waiting);
        if count == 0 {
            self.blocked_since.get_or_insert_with(Instant::now);
            return Ok(0);
        }
        self.blocked_since = None;
        let due = self.arrival();
        self.chunks.push_back((due, bytes[..count].iter().copied().collect()));
        self.waiting += count;
        wake(&mut self.reader);
        Ok(count)
    }

    /// Nothing more will be written.
    pub(super) fn end(&mut self) {
        if self.end.is_none() {
            self.end = Some(self.arrival());
            wake(&mut self.reader);
        }
    }

    /// Nothing more will be read. True where something was left that nobody has read.
    pub(super) fn close_for_reading(&mut self) -> bool {
        let unread = self.waiting > 0;
        if self.fate == Fate::Carries {
            self.chunks.clear();
            self.waiting = 0;
        }
        self.reader_is_gone = true;
        wake(&mut self.writer);
        unread
    }

    pub(super) fn set(&mut self, fate: Fate) {
        // What is lost stays lost: a link that was cut carries nothing again.
        let possible = match self.fate {
            Fate::Carries | Fate::Held => true,
            Fate::Cut => matches!(fate, Fate::Vanishes | Fate::Reset),
            Fate::Vanishes => fate == Fate::Reset,
            Fate::Reset => false,
        };
        if possible {
            self.fate = fate;
        }
        self.wake_both();
    }

    pub(super) fn listen_as_reader(&mut self, cx: &Context<'_>) {
        self.reader = Some(cx.waker().clone());
    }

    pub(super) fn listen_as_writer(&mut self, cx: &Context<'_>) {
        self.writer = Some(cx.waker().clone());
    }

    fn wake_both(&mut self) {
        wake(&mut self.reader);
        wake(&mut self.writer);
    }

    /// When what is written now arrives: never before what was written earlier.
    fn arrival(&mut self) -> Instant {
        let jitter = Duration::from_millis(self.rng.random_range(0..=self.quality.jitter_ms));
        self.last_due = self.last_due.max(Instant::now() + self.quality.latency + jitter);
        self.last_due
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
