//! What one connection may take, in memory and in time.

use std::time::Duration;

/// The limits of every session of a shard.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Bounds of the send queue.
    pub queue: QueueLimits,
    /// A [transport](crate::Transport) that is not ready after this long ends the connection.
    pub handshake_within: Duration,
    /// A write that makes no progress for this long ends the connection.
    pub write_stall: Duration,
    /// After this much silence from an established peer it is sent [`Protocol::heartbeat`](crate::Protocol::heartbeat),
    /// again and again; where the protocol has none, TCP keepalive asks for the first time. `None` sends none.
    pub ping_after: Option<Duration>,
    /// An established peer of which nothing was heard for this long is given up. Where the protocol has no heartbeat, a
    /// quiet peer is not: only one that does not answer TCP keepalive for about this long. `None` never does.
    pub silence: Option<Duration>,
    /// The kernel's send buffer of each socket in bytes, so that a peer that stopped reading is noticed early; `None`
    /// leaves the system's default.
    pub send_buffer_bytes: Option<usize>,
    /// How long a connection that ends may take to write what is still queued.
    pub closing_flush: Duration,
    /// How long input is discarded after the last byte was written, so that the peer can read it.
    pub closing_linger: Duration,
    /// How often a shard looks for silence, deadlines and stalled writes, at least a millisecond. Deadlines and stalls are
    /// found up to this much late; silence, which is measured with a coarser clock, as much early or late.
    pub sweep_interval: Duration,
    /// The least time between two looks of a shard's thread at its sockets and timers. The first event after a rest is
    /// handled at once; those that follow within this time are handled together, with one wake-up of the thread for all
    /// of them. `ZERO` handles each as it comes.
    pub poll_interval: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            queue: QueueLimits::default(),
            handshake_within: Duration::from_secs(5),
            write_stall: Duration::from_secs(5),
            ping_after: Some(Duration::from_secs(10)),
            silence: Some(Duration::from_secs(30)),
            send_buffer_bytes: Some(16 * 1024),
            closing_flush: Duration::from_secs(2),
            closing_linger: Duration::from_secs(1),
            sweep_interval: Duration::from_millis(250),
            poll_interval: Duration::ZERO,
        }
    }
}

/// The bounds of a send queue. A frame counts until the kernel has taken its last byte.
#[derive(Debug, Clone, Copy)]
pub struct QueueLimits {
    /// Most frames.
    pub messages: usize,
    /// Most bytes.
    pub bytes: usize,
    /// From so many frames on, the peer lags.
    pub lag_messages: usize,
    /// From so many bytes on, the peer lags.
    pub lag_bytes: usize,
    /// A lagging peer has recovered when no more frames than this wait, and no more bytes than half of `lag_bytes`: what
    /// was too long to be queued must then fit.
    pub recovered_messages: usize,
}

impl Default for QueueLimits {
    fn default() -> Self {
        Self { messages: 64, bytes: 64 * 1024, lag_messages: 48, lag_bytes: 48 * 1024, recovered_messages: 16 }
    }
}
