//! A whole server in one call, for programs that are only a protocol.

use crate::{
    Admission, AdmissionLimits, CloseReason, Counters, Protocol, Settings, Shard, ShardThread, Tcp, Transport, accept,
};
use std::{fmt, future::Future, io, num::NonZero, sync::Arc, thread, time::Duration};
use tokio::{join, net::TcpListener, time::timeout};
use tokio_util::sync::CancellationToken;

/// Longer than a session takes that is held to the default [`Settings`].
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// Serves whoever connects to `listener` with `protocol`, until `stop`: [`Server::serve`] with everything by default.
///
/// ```
/// use malpan_net::{CloseReason, Frame, Protocol, Service, SessionHandle, bind, codec::LinesCodec, serve};
/// use tokio::{io::{AsyncReadExt, AsyncWriteExt}, net::TcpStream, sync::oneshot};
///
/// #[derive(Clone)]
/// struct Shout;
///
/// struct ShoutService(SessionHandle);
///
/// impl Protocol for Shout {
///     type Decoder = LinesCodec;
///     type Service = ShoutService;
///
///     fn decoder(&self) -> LinesCodec {
///         LinesCodec::new_with_max_length(1000)
///     }
///
///     fn open(&self, session: SessionHandle) -> ShoutService {
///         ShoutService(session)
///     }
///
///     fn farewell(&self, reason: CloseReason) -> Option<Frame> {
///         (reason == CloseReason::Stopping).then(|| Frame::new(b"the server stops\n"))
///     }
/// }
///
/// impl Service for ShoutService {
///     type Packet = String;
///
///     async fn packet(&mut self, line: String) {
///         self.0.send(Frame::new(format!("{}\n", line.to_uppercase()).as_bytes()));
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = bind("127.0.0.1:0".parse()?)?;
/// let address = listener.local_addr()?;
/// let (stop, stopped) = oneshot::channel::<()>();
/// let server = tokio::spawn(serve(listener, Shout, stopped));
///
/// let mut client = TcpStream::connect(address).await?;
/// client.write_all(b"hello\n").await?;
/// let mut answer = [0; 6];
/// client.read_exact(&mut answer).await?;
/// assert_eq!(&answer, b"HELLO\n");
///
/// // Usually it is a signal.
/// drop(stop);
/// let mut rest = String::new();
/// client.read_to_string(&mut rest).await?;
/// assert_eq!(rest, "the server stops\n");
/// drop(client);
/// server.await??;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The operating system's, where it gives no thread or no readiness queue.
pub async fn serve<P: Protocol>(listener: TcpListener, protocol: P, stop: impl Future) -> io::Result<()> {
    Server::new(protocol).serve(listener, stop).await
}

/// A server that is only a protocol: what it takes to serve it.
///
/// [`serve`] shows it at work, with everything by default.
pub struct Server<P, T = Tcp> {
    protocol: P,
    transport: T,
    settings: Settings,
    limits: AdmissionLimits,
    shards: usize,
    counters: Arc<Counters>,
    close_within: Duration,
}

impl<P: Protocol> Server<P> {
    /// A server over TCP with the defaults of [`Settings`] and [`AdmissionLimits`], and a shard for each core.
    #[must_use]
    pub fn new(protocol: P) -> Self {
        Self {
            protocol,
            transport: Tcp,
            settings: Settings::default(),
            limits: AdmissionLimits::default(),
            shards: thread::available_parallelism().map_or(1, NonZero::get),
            counters: Arc::default(),
            close_within: CLOSE_WITHIN,
        }
    }
}

impl<P: Protocol, T: Transport> Server<P, T> {
    /// What each session is held to.
    #[must_use]
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// Who may connect.
    #[must_use]
    pub fn limits(self, limits: AdmissionLimits) -> Self {
        Self { limits, ..self }
    }

    /// How many threads serve, at least one.
    #[must_use]
    pub fn shards(self, shards: usize) -> Self {
        Self { shards: shards.max(1), ..self }
    }

    /// Where to count what happens.
    #[must_use]
    pub fn counters(self, counters: Arc<Counters>) -> Self {
        Self { counters, ..self }
    }

    /// How long the connections may take to end once the server stops; 5 seconds by default.
    #[must_use]
    pub fn close_within(self, close_within: Duration) -> Self {
        Self { close_within, ..self }
    }

    /// What connections go through before they are served.
    #[must_use]
    pub fn transport<U: Transport>(self, transport: U) -> Server<P, U> {
        let Self { protocol, transport: _, settings, limits, shards, counters, close_within } = self;
        Server { protocol, transport, settings, limits, shards, counters, close_within }
    }

    /// Serves whoever connects to `listener` until `stop`, whatever that yields. Then takes nobody in, closes every
    /// connection with [`CloseReason::Stopping`], and returns when all have ended or the time for it is over.
    ///
    /// Accepts on the runtime that it is called on; the shards have threads of their own. Dropped, it accepts no more, and
    /// who is connected is served on.
    ///
    /// # Errors
    /// The operating system's, where it gives no thread or no readiness queue.
    pub async fn serve(self, listener: TcpListener, stop: impl Future) -> io::Result<()> {
        let start = |index| ShardThread::start(index, self.settings.clone(), Arc::clone(&self.counters));
        let threads = (0..self.shards).map(start).collect::<io::Result<Vec<_>>>()?;
        let shards: Arc<[Shard]> = threads.iter().map(|thread| thread.shard().clone()).collect();
        let (admission, stopped) = (Admission::new(self.limits), CancellationToken::new());
        let accepting =
            accept(listener, self.transport, Arc::clone(&shards), admission, self.protocol, stopped.clone());
        join!(accepting, async {
            stop.await;
            stopped.cancel();
        });
        close(&shards, self.close_within).await;
        Ok(())
    }
}

/// Ends every session, and waits until they have ended or `limit` is over.
async fn close(shards: &[Shard], limit: Duration) {
    let closed = async {
        for shard in shards {
            shard.close_all(CloseReason::Stopping);
        }
        for shard in shards {
            shard.finished().await;
        }
    };
    if timeout(limit, closed).await.is_err() {
        let sessions: usize = shards.iter().map(Shard::sessions).sum();
        tracing::warn!(sessions, "some connections did not end in time");
    }
}

impl<P, T> fmt::Debug for Server<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({:?}, {} shards)", self.limits, self.shards)
    }
}
