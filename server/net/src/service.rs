//! What a protocol and its service are to this crate.

use crate::{Frame, SessionHandle, admission::Refusal};
use std::{fmt, future::Future};
use tokio_util::codec::Decoder;

/// What a listener speaks. Cloned for each connection, so keep it small: an `Arc` or two.
///
/// ```
/// use malpan_net::{Frame, Protocol, Service, SessionHandle, codec::LinesCodec};
/// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
///
/// /// One number that all connections count up.
/// #[derive(Clone, Default)]
/// struct Counter(Arc<AtomicU64>);
///
/// struct Visitor { counter: Counter, session: SessionHandle }
///
/// impl Protocol for Counter {
///     type Decoder = LinesCodec;
///     type Service = Visitor;
///
///     fn decoder(&self) -> LinesCodec {
///         // An endless line ends the connection as malformed, and takes no more memory than this.
///         LinesCodec::new_with_max_length(80)
///     }
///
///     fn open(&self, session: SessionHandle) -> Visitor {
///         Visitor { counter: self.clone(), session }
///     }
/// }
///
/// impl Service for Visitor {
///     type Packet = String;
///
///     async fn opened(&mut self) {
///         self.session.send(Frame::new(b"say anything to count\n"));
///     }
///
///     async fn packet(&mut self, _: String) {
///         let number = self.counter.0.fetch_add(1, Ordering::Relaxed) + 1;
///         self.session.send(Frame::new(format!("{number}\n").as_bytes()));
///     }
/// }
/// # use malpan_net::{Admission, AdmissionLimits, Counters, Settings, Shard};
/// # use tokio::{io::{AsyncReadExt, AsyncWriteExt, duplex}, runtime::Handle};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let shard = Shard::new(0, Handle::current(), Settings::default(), Arc::<Counters>::default());
/// # let admission = Admission::new(AdmissionLimits::default());
/// # let counter = Counter::default();
/// # for (said, expected) in [("a\nb\n", "say anything to count\n1\n2\n"), ("c\n", "say anything to count\n3\n")] {
/// #     let (mut client, server) = duplex(1024);
/// #     let peer = "192.0.2.1:7".parse()?;
/// #     shard.open(server, peer, counter.clone(), admission.admit(peer.ip())?);
/// #     client.write_all(said.as_bytes()).await?;
/// #     client.shutdown().await?;
/// #     let mut heard = String::new();
/// #     client.read_to_string(&mut heard).await?;
/// #     assert_eq!(heard, expected);
/// # }
/// # Ok(())
/// # }
/// ```
pub trait Protocol: Clone + Send + Sync + 'static {
    /// Cuts bytes into packets. It must bound what it buffers: reject an oversized packet by its header. It is asked
    /// again only while bytes are left, so it must not hold back packets of its own.
    type Decoder: Decoder<Item: Send, Error: fmt::Display + Send> + Send;
    /// What happens on one connection.
    type Service: Service<Packet = <Self::Decoder as Decoder>::Item>;

    /// A decoder for one connection.
    fn decoder(&self) -> Self::Decoder;

    /// A connection opened: makes its service. Runs on the shard where the session lives.
    fn open(&self, session: SessionHandle) -> Self::Service;

    /// Whether a peer has to prove itself first, by signing in, say. Its service tells when it has, with
    /// [`SessionHandle::establish`]; until then it counts against [`AdmissionLimits::pending`], silence is not limited and
    /// no heartbeats are sent, and a [deadline](SessionHandle::set_deadline) is the service's business.
    ///
    /// `false`, the default: whoever connects is established at once.
    ///
    /// [`AdmissionLimits::pending`]: crate::AdmissionLimits::pending
    fn signs_in(&self) -> bool {
        false
    }

    /// The last bytes for a peer whose connection ends for `reason`; `None`, the default, sends nothing.
    fn farewell(&self, reason: CloseReason) -> Option<Frame> {
        let _ = reason;
        None
    }

    /// The bytes that ask a silent peer for a sign of life; `None`, the default, where the protocol has no such thing.
    ///
    /// Without them a quiet peer cannot be told from a dead one by its silence, so [`Settings::silence`] does not hold.
    /// Instead the kernel asks, with TCP keepalive: after [`Settings::ping_after`] for the first time, and a peer that is
    /// gone ends as [`CloseReason::Broken`] after about [`Settings::silence`], or that long after the first byte of which it
    /// has not confirmed the arrival.
    ///
    /// [`Settings::silence`]: crate::Settings::silence
    /// [`Settings::ping_after`]: crate::Settings::ping_after
    fn heartbeat(&self) -> Option<Frame> {
        None
    }
}

/// One connection's behaviour.
///
/// Its methods run one at a time. While one waits, nothing is read from the peer (unless it
/// [needs the peer](SessionHandle::set_needs_peer)), and what is queued for the peer is still written. When the connection ends
/// meanwhile, the waiting method is dropped where it waits.
pub trait Service: Sized + Send + 'static {
    /// What the decoder yields.
    type Packet: Send;

    /// The connection is open. Runs before the first packet is read, and may wait as [`Service::packet`] may: for a seat,
    /// say.
    fn opened(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// A packet arrived.
    fn packet(&mut self, packet: Self::Packet) -> impl Future<Output = ()> + Send;

    /// The peer lagged, so that [`SessionHandle::send_latest`] left frames out, and has caught up.
    fn recovered(&mut self) -> impl Future<Output = ()> + Send {
        async {}
    }

    /// The peer's bytes are not packets; `error` says why. The connection closes after this with
    /// [`CloseReason::Malformed`].
    fn malformed(&mut self, error: &dyn fmt::Display) {
        let _ = error;
    }

    /// The connection ends. What is queued and the farewell are written only after this, so it should not take long. Not
    /// called when a method panicked; the service is dropped either way.
    fn ended(self, reason: CloseReason) -> impl Future<Output = ()> + Send {
        let _ = reason;
        async {}
    }
}

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// It was not admitted.
    Refused(Refusal),
    /// The transport's handshake failed, or took longer than
    /// [`Settings::handshake_within`](crate::Settings::handshake_within).
    Handshake,
    /// The peer closed it.
    PeerClosed,
    /// It broke: reset, unreachable, or dead by TCP keepalive.
    Broken,
    /// The peer's bytes are not packets.
    Malformed,
    /// A frame that must be delivered did not fit the queue.
    SlowConsumer,
    /// Nothing could be written for [`Settings::write_stall`](crate::Settings::write_stall).
    WriteStalled,
    /// Nothing was heard for [`Settings::silence`](crate::Settings::silence), in spite of heartbeats.
    Silent,
    /// The deadline that the service had set passed.
    Deadline,
    /// The service panicked.
    Panicked,
    /// The server stops.
    Stopping,
    /// The service's own reason.
    Service(u16),
}

impl CloseReason {
    /// Whether what is queued is still written. A peer that does not read gets the farewell at best.
    pub(crate) fn flushes(self) -> bool {
        !matches!(self, Self::SlowConsumer | Self::WriteStalled | Self::Broken | Self::Silent)
    }
}
