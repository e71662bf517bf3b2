//! A session as everyone else sees it: something to send to and to close.

use crate::{
    CloseReason, Count, Frame, Permit, Protocol, Shard,
    queue::{Item, SendQueue},
};
use std::{
    any::TypeId,
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;

/// A session's number: unique while the process runs, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What became of a frame that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It is queued.
    Queued,
    /// It was left out or dropped, because the peer is behind.
    LeftOut,
    /// The session is ending: because the frame did not fit, or for an earlier reason.
    Closed,
}

/// Sends to one session and closes it. Cheap to clone; all clones are the same session. Keeping one keeps neither the
/// connection nor the session's task alive.
///
/// There are three ways to send, none of which waits. They differ in what becomes of a peer that is behind:
///
/// ```
/// use malpan_net::{CloseReason, Delivery, Frame, Protocol, QueueLimits, Service, SessionHandle, Settings};
/// # use malpan_net::{Admission, AdmissionLimits, Counters, Shard, codec::LinesCodec};
/// # use std::sync::Arc;
/// # use tokio::{io::duplex, runtime::Handle, sync::mpsc};
/// # #[derive(Clone)]
/// # struct Passes(mpsc::UnboundedSender<SessionHandle>);
/// # struct Nothing;
/// # impl Protocol for Passes {
/// #     type Decoder = LinesCodec;
/// #     type Service = Nothing;
/// #     fn decoder(&self) -> LinesCodec { LinesCodec::new() }
/// #     fn open(&self, session: SessionHandle) -> Nothing { self.0.send(session).unwrap(); Nothing }
/// # }
/// # impl Service for Nothing {
/// #     type Packet = String;
/// #     async fn packet(&mut self, _: String) {}
/// # }
///
/// // Four frames at most, and from the second on the peer is behind.
/// let queue = QueueLimits { messages: 4, lag_messages: 2, recovered_messages: 0, ..QueueLimits::default() };
/// let settings = Settings { queue, ..Settings::default() };
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let shard = Shard::new(0, Handle::current(), settings, Arc::<Counters>::default());
/// # let (_client, server) = duplex(1);
/// # let (passes, mut opened) = mpsc::unbounded_channel();
/// # let peer = "192.0.2.1:7".parse().unwrap();
/// # let permit = Admission::new(AdmissionLimits::default()).admit(std::net::IpAddr::from([192, 0, 2, 1])).unwrap();
/// # shard.open(server, peer, Passes(passes), permit);
/// # let session = opened.recv().await.unwrap();
///
/// // Its peer does not read.
/// let frame = Frame::new(b"news\n");
/// assert_eq!(session.send_latest(frame.clone()), Delivery::Queued);
/// assert_eq!(session.send_droppable(frame.clone()), Delivery::Queued);
/// assert_eq!(session.send_latest(frame.clone()), Delivery::LeftOut);
/// assert_eq!(session.send_droppable(frame.clone()), Delivery::LeftOut);
/// // What must be delivered goes on to be queued, up to the bound.
/// assert_eq!(session.send(frame.clone()), Delivery::Queued);
/// assert_eq!(session.send(frame.clone()), Delivery::Queued);
/// assert_eq!(session.send(frame), Delivery::Closed);
/// assert_eq!(session.close_reason(), Some(CloseReason::SlowConsumer));
/// # });
/// ```
#[derive(Clone)]
pub struct SessionHandle(Arc<Shared>);

struct Shared {
    id: SessionId,
    peer: SocketAddr,
    shard: Shard,
    queue: SendQueue,
    close: OnceLock<CloseReason>,
    permit: Mutex<Option<Permit>>,
    heartbeat: Option<Frame>,
    /// The type of the protocol.
    protocol: TypeId,
    is_encrypted: bool,
    /// In milliseconds on the shard's exact clock.
    began_at: u64,
    // Times on the shard's coarse clock, in milliseconds.
    heard_at: AtomicU64,
    pinged_at: AtomicU64,
    /// 0 while writing is not blocked.
    blocked_since: AtomicU64,
    /// [`NEVER`] where there is none.
    deadline: AtomicU64,
    /// Whether silence is limited and heartbeats are sent.
    established: AtomicBool,
    /// Whether what is being handled ends with the peer.
    needs_peer: AtomicBool,
}

const NEVER: u64 = u64::MAX;

impl SessionHandle {
    pub(crate) fn new<P: Protocol>(
        id: SessionId,
        peer: SocketAddr,
        shard: Shard,
        permit: Permit,
        protocol: &P,
        is_encrypted: bool,
    ) -> (Self, mpsc::UnboundedReceiver<Item>) {
        let (queue, receiver) = SendQueue::new();
        let (now, began_at) = (shard.clock_ms(), shard.exact_clock_ms());
        let shared = Shared {
            id,
            peer,
            shard,
            queue,
            close: OnceLock::new(),
            permit: Mutex::new(Some(permit)),
            heartbeat: protocol.heartbeat(),
            protocol: TypeId::of::<P>(),
            is_encrypted,
            began_at,
            heard_at: AtomicU64::new(now),
            pinged_at: AtomicU64::new(now),
            blocked_since: AtomicU64::new(0),
            deadline: AtomicU64::new(NEVER),
            established: AtomicBool::new(false),
            needs_peer: AtomicBool::new(false),
        };
        (Self(Arc::new(shared)), receiver)
    }

    /// The session's number.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.0.id
    }

    /// The peer's address.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.0.peer
    }

    /// Whether it was opened with the protocol `P`: for whoever looks at all sessions of a shard that several listeners
    /// share.
    #[must_use]
    pub fn speaks<P: Protocol>(&self) -> bool {
        self.0.protocol == TypeId::of::<P>()
    }

    /// Whether its [transport](crate::Transport::IS_ENCRYPTED) keeps what travels from everyone on the way: for a service
    /// that takes no secrets otherwise. A stream that was opened [by hand](Shard::open) does not count as such.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.is_encrypted
    }

    /// The shard on which the session lives.
    #[must_use]
    pub fn shard(&self) -> &Shard {
        &self.0.shard
    }

    /// Queues a frame that must be delivered. One that does not fit ends the session with
    /// [`CloseReason::SlowConsumer`].
    pub fn send(&self, frame: Frame) -> Delivery {
        if self.close_reason().is_some() {
            return Delivery::Closed;
        }
        if self.0.queue.push(frame, &self.0.shard.settings().queue) {
            return Delivery::Queued;
        }
        self.close(CloseReason::SlowConsumer);
        Delivery::Closed
    }

    /// Queues a frame that a newer one replaces, such as positions. From the lagging bound on, or where it does not fit,
    /// it is left out, and so is every further one, until the peer has caught up and
    /// [`Service::recovered`](crate::Service::recovered) was called. One that is longer than the whole bound in bytes
    /// could never be caught up with, and ends the session as [`SessionHandle::send`] does.
    pub fn send_latest(&self, frame: Frame) -> Delivery {
        let limits = &self.0.shard.settings().queue;
        if frame.len() > limits.bytes {
            return self.send(frame);
        }
        if self.close_reason().is_some() {
            return Delivery::Closed;
        }
        if !self.0.queue.leaves_out(limits) {
            if self.0.queue.push(frame, limits) {
                return Delivery::Queued;
            }
            self.0.queue.leave_out();
        }
        self.0.shard.counters().add(Count::LatestLeftOut);
        Delivery::LeftOut
    }

    /// Queues a frame that nobody misses, such as an echo: dropped from the lagging bound on, or where it does not fit.
    pub fn send_droppable(&self, frame: Frame) -> Delivery {
        let limits = &self.0.shard.settings().queue;
        if self.close_reason().is_some() {
            return Delivery::Closed;
        }
        if !self.0.queue.is_behind(limits) && self.0.queue.push(frame, limits) {
            Delivery::Queued
        } else {
            self.0.shard.counters().add(Count::DroppableDropped);
            Delivery::LeftOut
        }
    }

    /// Ends the session. The first reason counts; what is queued is still written where the peer reads.
    pub fn close(&self, reason: CloseReason) {
        if self.0.close.set(reason).is_ok() {
            self.0.queue.nudge();
        }
    }

    /// Why the session is ending, once it is.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.0.close.get().copied()
    }

    /// The peer has proven itself (signed in, say), or had [nothing to prove](crate::Protocol::signs_in): the session no
    /// longer counts as pending, its deadline is lifted,
    /// and from now on silence is limited and heartbeats are sent, where the protocol has
    /// [some](crate::Protocol::heartbeat).
    pub fn establish(&self) {
        if let Some(permit) = &*self.permit() {
            permit.establish();
        }
        self.0.deadline.store(NEVER, Ordering::Relaxed);
        self.0.established.store(true, Ordering::Relaxed);
    }

    /// Whether the peer has proven itself; see [`SessionHandle::establish`].
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.0.established.load(Ordering::Relaxed)
    }

    /// Ends the session with [`CloseReason::Deadline`] after `time`, unless [`SessionHandle::establish`] is called or
    /// another deadline set before.
    pub fn set_deadline(&self, time: Duration) {
        // Rounded up: a deadline may come a sweep late, but never early.
        let at = (self.0.shard.exact_clock_ms() + 1).saturating_add(millis(time));
        self.0.deadline.store(at, Ordering::Relaxed);
    }

    /// Whether the method of the service that runs is of no use without the peer: where the stream ends, it is dropped where
    /// it waits. For work that takes long and keeps others from theirs. `false`, as it is at first: what the peer said before
    /// it went is done.
    ///
    /// The stream is read meanwhile, up to about one packet of the peer's.
    pub fn set_needs_peer(&self, needed: bool) {
        self.0.needs_peer.store(needed, Ordering::Relaxed);
    }

    pub(crate) fn needs_peer(&self) -> bool {
        self.0.needs_peer.load(Ordering::Relaxed)
    }

    /// How long ago the connection was accepted, its transport's handshake included: a deadline that counts from there is
    /// what is left of it.
    #[must_use]
    pub fn age(&self) -> Duration {
        Duration::from_millis(self.0.shard.exact_clock_ms().saturating_sub(self.0.began_at))
    }

    /// Frames and bytes that wait to be taken by the kernel.
    #[must_use]
    pub fn backlog(&self) -> (usize, usize) {
        self.0.queue.backlog()
    }

    pub(crate) fn queue(&self) -> &SendQueue {
        &self.0.queue
    }

    /// A read brought so many bytes.
    pub(crate) fn received(&self, bytes: usize) {
        self.heard();
        self.0.shard.counters().add_many(Count::BytesReceived, bytes);
    }

    /// The stream took so many bytes, and with them the last of so many frames: their places are free.
    pub(crate) fn written(&self, frames: usize, bytes: usize) {
        self.0.queue.release(frames, bytes);
        let counters = self.0.shard.counters();
        counters.add_many(Count::BytesWritten, bytes);
        counters.add_many(Count::FramesWritten, frames);
    }

    pub(crate) fn heard(&self) {
        self.0.heard_at.store(self.0.shard.clock_ms(), Ordering::Relaxed);
    }

    pub(crate) fn write_blocked(&self) {
        // Only the first of several counts, until something could be written. Nobody else sets it.
        if self.0.blocked_since.load(Ordering::Relaxed) == 0 {
            self.0.blocked_since.store(self.0.shard.exact_clock_ms() + 1, Ordering::Relaxed);
        }
    }

    pub(crate) fn write_progressed(&self) {
        if self.0.blocked_since.load(Ordering::Relaxed) != 0 {
            self.0.blocked_since.store(0, Ordering::Relaxed);
        }
    }

    /// Asks the peer for a sign of life, where the protocol has a way to. Not to a peer that has enough to read.
    pub(crate) fn send_heartbeat(&self) {
        if let Some(heartbeat) = &self.0.heartbeat {
            self.send_droppable(heartbeat.clone());
        }
    }

    /// Gives the session's place back.
    pub(crate) fn release_permit(&self) {
        drop(self.permit().take());
    }

    /// What time has made of the session at `now` on the shard's clock.
    pub(crate) fn due(&self, now: u64) -> Due {
        let settings = self.0.shard.settings();
        let passed =
            |since: &AtomicU64, limit: Duration| now.saturating_sub(since.load(Ordering::Relaxed)) >= millis(limit);
        if now >= self.0.deadline.load(Ordering::Relaxed) {
            return Due::Close(CloseReason::Deadline);
        }
        if self.0.blocked_since.load(Ordering::Relaxed) != 0 && passed(&self.0.blocked_since, settings.write_stall) {
            return Due::Close(CloseReason::WriteStalled);
        }
        // Of a peer that cannot be asked, silence says nothing; see Protocol::heartbeat.
        if !self.is_established() || self.0.heartbeat.is_none() {
            return Due::Nothing;
        }
        if settings.silence.is_some_and(|limit| passed(&self.0.heard_at, limit)) {
            return Due::Close(CloseReason::Silent);
        }
        match settings.ping_after {
            Some(limit) if passed(&self.0.heard_at, limit) && passed(&self.0.pinged_at, limit) => {
                self.0.pinged_at.store(now, Ordering::Relaxed);
                Due::Heartbeat
            }
            _ => Due::Nothing,
        }
    }

    fn permit(&self) -> std::sync::MutexGuard<'_, Option<Permit>> {
        self.0.permit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the sweep has to do about a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Heartbeat,
    Close(CloseReason),
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({} from {})", self.0.id, self.0.peer)
    }
}

pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(NEVER / 2)
}
