//! TLS between an accepted connection and its session, with rustls.

use crate::{Frame, Transport, closing::shut_down};
use std::{
    fmt, io,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    task::coop::poll_proceed,
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig, server};

/// How a peer that speaks TLS begins: a handshake record of any version.
const TLS_BEGINS: [u8; 2] = [0x16, 0x03];
/// Bytes that are looked at before the handshake, fewer than any greeting has.
const FIRST_BYTES: usize = 3;
/// Encrypted bytes that wait at the most for the kernel to take them, and so the longest record. It has counted them as
/// taken, so a peer that does not read is noticed this much later than without TLS.
const UNWRITTEN_BYTES: usize = 16 * 1024;
/// For a peer that is told in plain bytes why it is not served, to read that; as [`Settings::closing_linger`].
///
/// [`Settings::closing_linger`]: crate::Settings::closing_linger
const PLAIN_LINGER: Duration = Duration::from_secs(1);

/// What to say to a peer whose first three bytes are not TLS; `None` where nothing would be understood.
type PlainAnswer = dyn Fn([u8; FIRST_BYTES]) -> Option<Frame> + Send + Sync;

/// Encrypts every connection, with a configuration that can be [exchanged](Tls::replace) while it serves. Cheap to clone;
/// all clones are the same.
#[derive(Clone)]
pub struct Tls(Arc<Shared>);

struct Shared {
    config: RwLock<Arc<ServerConfig>>,
    plain_answer: Option<Box<PlainAnswer>>,
}

impl Tls {
    /// Serves with `config`.
    #[must_use]
    pub fn new(config: Arc<ServerConfig>) -> Self {
        Self(Arc::new(Shared { config: RwLock::new(config), plain_answer: None }))
    }

    /// As [`Tls::new`]. A peer whose first three bytes do not begin a TLS handshake is told what `plain_answer` makes of
    /// them, as it is, before its connection closes.
    #[must_use]
    pub fn answering(
        config: Arc<ServerConfig>,
        plain_answer: impl Fn([u8; 3]) -> Option<Frame> + Send + Sync + 'static,
    ) -> Self {
        let plain_answer: Box<PlainAnswer> = Box::new(plain_answer);
        Self(Arc::new(Shared { config: RwLock::new(config), plain_answer: Some(plain_answer) }))
    }

    /// From now on connections begin with `config`. Those that have begun go on with what they have.
    pub fn replace(&self, config: Arc<ServerConfig>) {
        *self.0.config.write().unwrap_or_else(PoisonError::into_inner) = config;
    }

    fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.config.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport<S> for Tls {
    const IS_ENCRYPTED: bool = true;

    type Stream = TlsStream<S>;

    async fn handshake(&self, mut stream: S) -> io::Result<TlsStream<S>> {
        let mut first = [0; FIRST_BYTES];
        stream.read_exact(&mut first).await?;
        if !first.starts_with(&TLS_BEGINS) {
            let answer = self.0.plain_answer.as_ref().and_then(|answer| answer(first));
            if let Some(answer) = answer {
                stream.write_all(&answer).await?;
                shut_down(&mut stream, PLAIN_LINGER).await;
            }
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the peer does not speak TLS"));
        }
        let mut begun = Ok(0);
        let accepting = TlsAcceptor::from(self.config()).accept_with(stream, |connection| {
            connection.set_buffer_limit(Some(UNWRITTEN_BYTES));
            // What was looked at is not lost. Three bytes are no message yet: nothing is to be processed.
            begun = connection.read_tls(&mut &first[..]);
        });
        begun?;
        Ok(TlsStream(Box::new(accepting.await?)))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

/// An encrypted stream.
///
/// Each write becomes one record, or as many as hold 16 KiB each, and goes to the stream below in one write. Its orderly
/// end says so to the peer (`close_notify`).
// Boxed: it is moved about with the session's task, which must not hold its place twice.
#[derive(Debug)]
pub struct TlsStream<S>(Box<server::TlsStream<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // One read of the socket may bring a hundred records. Each costs a place in the task's budget, as a read does: a
        // session would handle on when the budget is spent and nothing can be written, and fill its own queue.
        let budget = ready!(poll_proceed(cx));
        let read = ready!(Pin::new(&mut *self.0).poll_read(cx, buffer));
        budget.made_progress();
        Poll::Ready(read)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}
