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
    /// Items in the channel that are no frame. Counted, as frames are, before they enter it.
    nudges: AtomicUsize,
    /// Set by a sender that left something out; cleared by the writer once the peer has caught up.
    lagging: AtomicBool,
}

impl SendQueue {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Item>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let queue = Self {
            sender,
            messages: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            nudges: AtomicUsize::new(0),
            lagging: AtomicBool::new(false),
        };
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
        self.nudges.fetch_add(1, Ordering::Relaxed);
        // An error means that the session has ended: nobody is left to wake.
        let _ = self.sender.send(None);
    }

    /// Whether the channel is empty, without a look into it. Where it only seems so, because another thread is about to
    /// push, the one who listens on the channel is woken after this.
    pub(crate) fn is_idle(&self) -> bool {
        self.messages.load(Ordering::Relaxed) == 0 && self.nudges.load(Ordering::Relaxed) == 0
    }

    /// Counts nudges that have left the channel.
    pub(crate) fn nudged(&self, count: usize) {
        if count > 0 {
            self.nudges.fetch_sub(count, Ordering::Relaxed);
        }
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

#[cfg(test)]
mod tests {
    use super::SendQueue;
    use crate::{Frame, QueueLimits};
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };
    use tokio::sync::mpsc::error::TryRecvError;

    const LIMITS: QueueLimits =
        QueueLimits { messages: 8, bytes: 70, lag_messages: 6, lag_bytes: 50, recovered_messages: 2 };
    const THREADS: usize = 3;
    const FRAMES: usize = 30_000;

    #[test]
    fn a_gap_that_is_noted_too_late_wakes_the_writer_all_the_same() {
        let (queue, mut receiver) = SendQueue::new();
        while !queue.is_behind(&LIMITS) {
            assert!(queue.push(Frame::new(b"x"), &LIMITS));
        }
        // The sender has seen that, and before it says so the writer empties the queue and sleeps.
        while let Ok(Some(frame)) = receiver.try_recv() {
            queue.release(1, frame.len());
        }
        assert!(!queue.has_recovered(&LIMITS));
        queue.leave_out();
        assert!(matches!(receiver.try_recv(), Ok(None)), "nothing wakes the writer");
        assert!(queue.has_recovered(&LIMITS));
        assert!(!queue.has_recovered(&LIMITS), "once is enough");
    }

    /// Where it seems idle and is not, the writer would sleep; where it is and does not seem so, each packet costs a look.
    #[test]
    fn a_queue_is_idle_while_nothing_is_in_its_channel() {
        let (queue, _receiver) = SendQueue::new();
        assert!(queue.is_idle());
        queue.nudge();
        queue.nudge();
        queue.nudged(1);
        assert!(!queue.is_idle());
        queue.nudged(1);
        assert!(queue.is_idle());
        assert!(queue.push(Frame::new(b"x"), &LIMITS));
        assert!(!queue.is_idle());
        queue.release(1, 1);
        assert!(queue.is_idle());
    }

    /// Runs `send` in several threads at once against a writer, which calls `wake` after each item that it has written.
    fn contend(send: impl Fn(&SendQueue) -> bool + Sync, mut wake: impl FnMut(&SendQueue)) -> SendQueue {
        let (queue, mut receiver) = SendQueue::new();
        // Sent and not given back: at most what is counted in the queue, so never more than the bound.
        let (waiting, sent, running) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(THREADS));
        let mut written = 0;
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    for _ in 0..FRAMES {
                        waiting.fetch_add(1, Ordering::SeqCst);
                        if send(&queue) {
                            sent.fetch_add(1, Ordering::SeqCst);
                        } else {
                            waiting.fetch_sub(1, Ordering::SeqCst);
                            thread::yield_now();
                        }
                    }
                    running.fetch_sub(1, Ordering::SeqCst);
                });
            }
            loop {
                // Looked at first: what was sent before the end is found after it.
                let done = running.load(Ordering::SeqCst) == 0;
                match receiver.try_recv() {
                    Ok(item) => {
                        if let Some(frame) = item {
                            let most = LIMITS.messages + THREADS;
                            assert!(waiting.fetch_sub(1, Ordering::SeqCst) <= most, "over the bound");
                            queue.release(1, frame.len());
                            written += 1;
                        }
                        wake(&queue);
                    }
                    Err(TryRecvError::Empty) if !done => thread::yield_now(),
                    Err(_) => break,
                }
            }
        });
        assert_eq!(written, sent.load(Ordering::SeqCst));
        assert_eq!(queue.backlog(), (0, 0));
        queue
    }

    #[test]
    fn the_bounds_hold_and_are_given_back_exactly_under_contention() {
        let frame = Frame::new(b"0123456789");
        contend(|queue| queue.push(frame.clone(), &LIMITS), |_| {});
    }

    #[test]
    fn no_gap_is_forgotten_under_contention() {
        let frame = Frame::new(b"0123456789");
        let mut recoveries = 0;
        let send = |queue: &SendQueue| !queue.leaves_out(&LIMITS) && queue.push(frame.clone(), &LIMITS);
        let queue = contend(send, |queue| recoveries += usize::from(queue.has_recovered(&LIMITS)));
        assert!(recoveries > 0);
        assert!(!queue.lagging.load(Ordering::SeqCst), "a peer waits for its snapshot for ever");
    }
}
