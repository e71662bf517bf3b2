//! What lies between an accepted connection and its session.

use std::{future::Future, io};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// What an accepted connection becomes before its session reads from it. Cloned for each connection, so keep it small.
///
/// [`Tcp`] leaves it as it is, [`Tls`](crate::Tls) encrypts it. The service behind it notices nothing.
pub trait Transport<S = TcpStream>: Clone + Send + Sync + 'static {
    /// Whether nobody on the way can read or change what travels; sessions tell by
    /// [`SessionHandle::is_encrypted`](crate::SessionHandle::is_encrypted). `false` unless a transport says otherwise.
    const IS_ENCRYPTED: bool = false;

    /// What the session reads and writes.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Makes it, in the session's own task. The connection counts as a session meanwhile, and one that is not
    /// [established](crate::SessionHandle::establish); its service opens after this.
    ///
    /// It is dropped where it waits after [`Settings::handshake_within`](crate::Settings::handshake_within) or when the
    /// session is closed. The peer is told nothing then, because there is no stream yet to tell it on; nor is one that is
    /// refused, unless this is ready at once.
    ///
    /// # Errors
    /// Whatever makes the connection useless. It ends with
    /// [`CloseReason::Handshake`](crate::CloseReason::Handshake).
    fn handshake(&self, stream: S) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// Plain TCP, or whatever else a listener brings: as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tcp;

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport<S> for Tcp {
    type Stream = S;

    async fn handshake(&self, stream: S) -> io::Result<S> {
        Ok(stream)
    }
}
