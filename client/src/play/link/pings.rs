//! Pings: how long an answer takes, and whether anything comes at all.

use super::stay::SILENCE;
use std::time::Duration;
use tokio::time::Instant;

/// The pings of one connection: at most one is on its way.
pub(super) struct Pings {
    nonce: u32,
    asked_at: Option<Instant>,
    bytes_heard: u64,
    heard_at: Instant,
}

impl Pings {
    pub(super) fn new() -> Self {
        Self { nonce: 0, asked_at: None, bytes_heard: 0, heard_at: Instant::now() }
    }

    /// How long nothing came, given how many bytes have come in all.
    pub(super) fn silent_for(&mut self, bytes: u64) -> Duration {
        if bytes != self.bytes_heard {
            self.bytes_heard = bytes;
            self.heard_at = Instant::now();
        }
        self.heard_at.elapsed()
    }

    /// The number of the ping to send now, unless the last one may still be answered. A server drops pongs to a client
    /// that falls behind, so an old ping is given up.
    pub(super) fn ask(&mut self) -> Option<u32> {
        if self.asked_at.is_some_and(|at| at.elapsed() < SILENCE / 2) {
            return None;
        }
        self.nonce = self.nonce.wrapping_add(1);
        self.asked_at = Some(Instant::now());
        Some(self.nonce)
    }

    pub(super) fn answered(&mut self, nonce: u32) -> Option<Duration> {
        if nonce != self.nonce {
            return None;
        }
        self.asked_at.take().map(|at| at.elapsed())
    }
}
