//! The send queue: an mpsc channel of frames, bounded in messages and in bytes.
//!
//! ```text
//! SendQueue::push (any task, never waits) -> mpsc -> Writer, which gives the bounds back as the kernel takes bytes
//! ```
//!
//! The channel itself is unbounded, because a bound in messages alone is the wrong one and two bounds in two places
//! would be two mechanisms. Nothing enters it without a place in the counts here, so it is bounded all the same.

use crate::{Frame, QueueLimits};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::mpsc;

/// What travels: a frame, or nothing, which only wakes the session to look at what sits beside the queue.
pub(crate) type Item = Option<Frame>;

#[derive(Debug)]
pub(crate) struct SendQueue {
    sender: mpsc::UnboundedSender<Item>,
    messages: AtomicUsize,
    bytes: AtomicUsize,
    /// Set by a sender that left something out; cleared by the writer once the peer has caught up.
    lagging: AtomicBool,
}

impl SendQueue {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Item>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let queue =
            Self { sender, messages: AtomicUsize::new(0), bytes: AtomicUsize::new(0), lagging: AtomicBool::new(false) };
        (queue, receiver)
    }

    /// Queues `frame`, unless it does not fit.
    pub(crate) fn push(&self, frame: Frame, limits: &QueueLimits) -> bool {
        let length = frame.len();
        if length == 0 {
            // Of nothing the kernel never takes a last byte: it would count for ever.
            return true;
        }
        let messages = self.messages.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes = self.bytes.fetch_add(length, Ordering::Relaxed) + length;
        if messages > limits.messages || bytes > limits.bytes {
            self.release(1, length);
            return false;
        }
        if self.sender.send(Some(frame)).is_err() {
            // The session has ended; whoever sends will hear of it in another way.
            self.release(1, length);
        }
        true
    }

    /// Wakes the session.
    pub(crate) fn nudge(&self) {
        // An error means that the session has ended: nobody is left to wake.
        let _ = self.sender.send(None);
    }

    /// Whether the backlog is so long that what may be left out should be.
    pub(crate) fn is_behind(&self, limits: &QueueLimits) -> bool {
        self.messages.load(Ordering::Relaxed) >= limits.lag_messages
            || self.bytes.load(Ordering::Relaxed) >= limits.lag_bytes
    }

    /// Whether something is left out for this peer until it recovers; notes that from now on it is, where the backlog
    /// is too long.
    pub(crate) fn leaves_out(&self, limits: &QueueLimits) -> bool {
        if self.lagging.load(Ordering::SeqCst) {
            return true;
        }
        if !self.is_behind(limits) {
            return false;
        }
        self.leave_out();
        true
    }

    /// Notes that something was left out for this peer.
    pub(crate) fn leave_out(&self) {
        self.lagging.store(true, Ordering::SeqCst);
        // The writer may have emptied the queue since it was looked at, and be asleep: let it look again.
        self.nudge();
    }

    /// True once when a lagging peer has caught up. For the writer.
    pub(crate) fn has_recovered(&self, limits: &QueueLimits) -> bool {
        self.lagging.load(Ordering::SeqCst)
            && self.messages.load(Ordering::Relaxed) <= limits.recovered_messages
            && self.bytes.load(Ordering::Relaxed) <= limits.lag_bytes / 2
            // Whatever the bounds say: whoever is told so must not be behind at once.
            && !self.is_behind(limits)
            && self.lagging.swap(false, Ordering::SeqCst)
    }

    /// Frames and bytes that wait.
    pub(crate) fn backlog(&self) -> (usize, usize) {
        (self.messages.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    /// Counts frames and bytes that do not come through the channel.
    pub(crate) fn count(&self, messages: usize, bytes: usize) {
        self.messages.fetch_add(messages, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives places back: frames written whole, and bytes that the kernel took.
    pub(crate) fn release(&self, messages: usize, bytes: usize) {
        self.messages.fetch_sub(messages, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}
