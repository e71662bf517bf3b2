//! What happened, in numbers that only rise.

use crate::{CloseReason, Refusal};
use std::{
    cell::Cell,
    fmt,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident = $label:literal,)*) => {
        /// Something that is counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum Count { $($(#[$doc])* $name,)* }

        impl Count {
            /// Everything that is counted.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its stable name, in snake case.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }
        }
    };
}

counts! {
    /// Connections accepted, the refused ones included.
    Accepted = "accepted",
    /// Accept calls that failed.
    AcceptErrors = "accept_errors",
    /// Refused: as many sessions as the server takes.
    RefusedFull = "refused_full",
    /// Refused: as many from one address as the server takes.
    RefusedAddress = "refused_address",
    /// Refused: as many that are not established as the server takes.
    RefusedPending = "refused_pending",
    /// Ended because the transport's handshake failed or took too long.
    HandshakesFailed = "handshakes_failed",
    /// Ended by the peer, or broken.
    Disconnected = "disconnected",
    /// Ended because the bytes were no packets.
    Malformed = "malformed",
    /// Ended because the peer read too slowly.
    SlowConsumers = "slow_consumers",
    /// Ended because the peer said nothing.
    Silent = "silent",
    /// Ended because a deadline passed.
    Deadlines = "deadlines",
    /// Ended by a panic in the service.
    Panics = "panics",
    /// Ended because the server stopped.
    Stopped = "stopped",
    /// Ended by the service.
    ClosedByService = "closed_by_service",
    /// Bytes that sessions read from their streams.
    BytesReceived = "bytes_received",
    /// Bytes of frames that sessions wrote to their streams.
    BytesWritten = "bytes_written",
    /// Packets that were decoded and handed to their service.
    PacketsReceived = "packets_received",
    /// Frames that were written to their last byte.
    FramesWritten = "frames_written",
    /// Frames of [`send_latest`](crate::SessionHandle::send_latest) that were left out.
    LatestLeftOut = "latest_left_out",
    /// Frames of [`send_droppable`](crate::SessionHandle::send_droppable) that were dropped.
    DroppableDropped = "droppable_dropped",
}

/// More than a server usually has shards. The last one is for all threads that come late.
const STRIPES: usize = 16;
const SHARED: usize = STRIPES - 1;

/// A set of counters, shared by all shards. Each thread counts in a stripe of its own: bytes and packets are counted so
/// often that the shards would fetch the same memory from each other all the time.
#[derive(Debug, Default)]
pub struct Counters([Stripe; STRIPES]);

/// What no other thread touches, but to read it. Two cache lines: processors fetch them in pairs.
#[derive(Debug)]
#[repr(align(128))]
struct Stripe([AtomicU64; Count::ALL.len()]);

impl Default for Stripe {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; Count::ALL.len()])
    }
}

static LAST_STRIPE: AtomicUsize = AtomicUsize::new(0);

const NONE: usize = usize::MAX;

thread_local! {
    /// The thread's stripe of every set of counters, once it has one. Counting is too frequent for a lazy value.
    static STRIPE: Cell<usize> = const { Cell::new(NONE) };
}

fn stripe() -> usize {
    match STRIPE.get() {
        NONE => {
            let stripe = LAST_STRIPE.fetch_add(1, Ordering::Relaxed).min(SHARED);
            STRIPE.set(stripe);
            stripe
        }
        stripe => stripe,
    }
}

impl Counters {
    /// Counts one.
    pub fn add(&self, count: Count) {
        self.add_many(count, 1);
    }

    /// Counts `many` at once.
    pub fn add_many(&self, count: Count, many: usize) {
        let stripe = stripe();
        // Lossless: no system has more than 64 bits for a length.
        let (total, many) = (&self.0[stripe].0[count as usize], many as u64);
        if stripe == SHARED {
            total.fetch_add(many, Ordering::Relaxed);
        } else {
            // Nobody else writes there, so it need not be one step: that would cost as much as all the rest.
            total.store(total.load(Ordering::Relaxed) + many, Ordering::Relaxed);
        }
    }

    /// How many there were so far.
    #[must_use]
    pub fn value(&self, count: Count) -> u64 {
        self.0.iter().map(|stripe| stripe.0[count as usize].load(Ordering::Relaxed)).sum()
    }

    /// Every counter that is not 0.
    fn nonzero(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Count::ALL.iter().map(|&count| (count.label(), self.value(count))).filter(|&(_, value)| value > 0)
    }

    pub(crate) fn add_closed(&self, reason: CloseReason) {
        self.add(match reason {
            CloseReason::Refused(Refusal::Full) => Count::RefusedFull,
            CloseReason::Refused(Refusal::AddressFull) => Count::RefusedAddress,
            CloseReason::Refused(Refusal::PendingFull) => Count::RefusedPending,
            CloseReason::Handshake => Count::HandshakesFailed,
            CloseReason::PeerClosed | CloseReason::Broken => Count::Disconnected,
            CloseReason::Malformed => Count::Malformed,
            CloseReason::SlowConsumer | CloseReason::WriteStalled => Count::SlowConsumers,
            CloseReason::Silent => Count::Silent,
            CloseReason::Deadline => Count::Deadlines,
            CloseReason::Panicked => Count::Panics,
            CloseReason::Stopping => Count::Stopped,
            CloseReason::Service(_) => Count::ClosedByService,
        });
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (name, value) in self.nonzero() {
            write!(f, "{separator}{name}={value}")?;
            separator = " ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Count, Counters, STRIPES};
    use std::{sync::Barrier, thread};

    #[test]
    fn what_all_threads_count_is_one_sum() {
        const LATE: usize = 4;
        const EACH: usize = 500_000;
        let counters = Counters::default();
        let count = |times| {
            for _ in 0..times {
                counters.add(Count::PacketsReceived);
                counters.add_many(Count::BytesReceived, 7);
            }
        };
        // These take the stripes, so that those who come late share the last one, and get in each other's way.
        for _ in 0..STRIPES {
            thread::scope(|scope| drop(scope.spawn(|| count(1))));
        }
        let begin = Barrier::new(LATE);
        let late = || {
            begin.wait();
            count(EACH);
        };
        thread::scope(|scope| (0..LATE).for_each(|_| drop(scope.spawn(late))));
        let all = (STRIPES + LATE * EACH) as u64;
        assert_eq!(counters.value(Count::PacketsReceived), all);
        assert_eq!(counters.value(Count::BytesReceived), 7 * all);
        assert_eq!(counters.to_string(), format!("bytes_received={} packets_received={all}", 7 * all));
    }
}
