//! What happened, in numbers that only rise.

use crate::{CloseReason, Refusal};
use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
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
}

/// A set of counters, shared by all shards.
#[derive(Debug)]
pub struct Counters([AtomicU64; Count::ALL.len()]);

impl Default for Counters {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; Count::ALL.len()])
    }
}

impl Counters {
    /// Counts one.
    pub fn add(&self, count: Count) {
        self.0[count as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were so far.
    #[must_use]
    pub fn value(&self, count: Count) -> u64 {
        self.0[count as usize].load(Ordering::Relaxed)
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
