//! One shard on the test's own runtime, and what is seen there.

use super::{Behaviour, Event, Peer, TestProtocol, wire};
use malpan_net::{Admission, AdmissionLimits, Count, Counters, QueueLimits, SessionHandle, Settings, Shard};
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    runtime::Handle,
    sync::{Semaphore, mpsc},
};

pub(crate) struct Scene {
    pub(crate) shard: Shard,
    pub(crate) admission: Arc<Admission>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) protocol: TestProtocol,
    log: mpsc::UnboundedReceiver<Event>,
    opened: mpsc::UnboundedReceiver<SessionHandle>,
}

/// Small bounds, and short times that differ from each other.
pub(crate) fn settings() -> Settings {
    Settings {
        queue: QueueLimits { messages: 8, bytes: 1000, lag_messages: 6, lag_bytes: 600, recovered_messages: 2 },
        handshake_within: Duration::from_secs(7),
        write_stall: Duration::from_secs(5),
        ping_after: Some(Duration::from_secs(10)),
        silence: Some(Duration::from_secs(35)),
        send_buffer_bytes: None,
        closing_flush: Duration::from_secs(2),
        closing_linger: Duration::from_secs(1),
        sweep_interval: Duration::from_millis(250),
        poll_interval: Duration::ZERO,
    }
}

/// Waits until every task waits. With paused time, time moves only then, here by a millisecond.
pub(crate) async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Nobody is exempt from the bound per address.
pub(crate) fn admission(sessions: usize, pending: usize, per_address: usize) -> Arc<Admission> {
    Admission::new(AdmissionLimits { sessions, pending, per_address, exempt: Arc::new(|_| false) })
}

impl Scene {
    pub(crate) fn new(settings: Settings) -> Self {
        Self::with(settings, Behaviour::default())
    }

    pub(crate) fn with(settings: Settings, behaviour: Behaviour) -> Self {
        let counters = Arc::<Counters>::default();
        let (log_sender, log) = mpsc::unbounded_channel();
        let (opened_sender, opened) = mpsc::unbounded_channel();
        Self {
            shard: Shard::new(0, Handle::current(), settings, Arc::clone(&counters)),
            admission: admission(10_000, 10_000, 10_000),
            counters,
            protocol: TestProtocol {
                behaviour,
                log: log_sender,
                opened: opened_sender,
                gate: Arc::new(Semaphore::new(0)),
            },
            log,
            opened,
        }
    }

    /// Opens a session over a wire, and lets it begin.
    pub(crate) async fn open(&mut self) -> (Peer, SessionHandle) {
        let (wire, peer) = wire();
        (peer, self.open_on(wire).await)
    }

    /// Opens a session on `io`, and lets it begin.
    pub(crate) async fn open_on(&mut self, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> SessionHandle {
        self.begin(io);
        self.opened().await
    }

    /// The session that is opened next.
    pub(crate) async fn opened(&mut self) -> SessionHandle {
        self.opened.recv().await.unwrap()
    }

    /// The session that was opened next, if one was.
    pub(crate) fn try_opened(&mut self) -> Option<SessionHandle> {
        self.opened.try_recv().ok()
    }

    /// Opens a session on `io` whose task has not run when this returns.
    pub(crate) fn begin(&self, io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let peer: SocketAddr = "192.0.2.1:7".parse().unwrap();
        let permit = self.admission.admit(peer.ip()).unwrap();
        self.shard.open(io, peer, self.protocol.clone(), permit);
    }

    /// Everything that happened since this was last asked.
    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.log.try_recv().ok()).collect()
    }

    /// Lets `count` packets that wait go on.
    pub(crate) fn let_through(&self, count: usize) {
        self.protocol.gate.add_permits(count);
    }

    pub(crate) fn counted(&self, count: Count) -> u64 {
        self.counters.value(count)
    }

    /// Sessions by the shard's count, by the register's and by the admission's.
    pub(crate) fn places(&self) -> [usize; 3] {
        let mut registered = 0;
        self.shard.each_session(|_| registered += 1);
        [self.shard.sessions(), registered, self.admission.sessions()]
    }
}
