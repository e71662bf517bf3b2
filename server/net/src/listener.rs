//! Where connections come from: listening sockets.

use crate::{Settings, options};
use socket2::{Domain, Protocol, Socket, Type};
use std::{future::Future, io, net::SocketAddr};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};

/// Where connections come from. In production it is a [`TcpListener`]; a simulation has a network of its own.
pub trait Listener: Send + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection, and who it is from. Dropped while it waits, it takes none.
    ///
    /// # Errors
    /// Why there is none now; the next call may bring one.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;

    /// Prepares a connection for its session, as `settings` ask, and takes it out of the acceptor's runtime. What this
    /// returns is called on the shard's runtime and brings it into that. `has_heartbeat` says whether the protocol finds
    /// dead peers by itself.
    ///
    /// # Errors
    /// Whatever makes the connection useless.
    fn hand_over(
        stream: Self::Stream,
        settings: &Settings,
        has_heartbeat: bool,
    ) -> io::Result<impl FnOnce() -> io::Result<Self::Stream> + Send + use<Self>>;
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        Self::accept(self).await
    }

    fn hand_over(
        stream: TcpStream,
        settings: &Settings,
        has_heartbeat: bool,
    ) -> io::Result<impl FnOnce() -> io::Result<TcpStream> + Send + use<>> {
        options::set(&stream, settings, has_heartbeat)?;
        let stream = stream.into_std()?;
        Ok(move || TcpStream::from_std(stream))
    }
}

/// Connections that the kernel may hold until they are accepted. Of a number as it is Windows takes no more than 200; of a
/// negative one, which its headers call `SOMAXCONN_HINT`, as many as it says.
const BACKLOG: i32 = if cfg!(windows) { -4096 } else { 4096 };

/// Listens on `address`; port 0 takes any free one. `[::]` is every address of this machine, IPv4 ones too.
///
/// # Errors
/// The operating system's: a port in use, an address that is not this machine's, a port below 1024 without the right.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // On Unix it lets a restarted server have its port back while old connections linger in TIME_WAIT. On Windows the
    // same option would let two servers share a port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // `[::]` is every address of the machine, of both kinds: on Linux by default, on Windows where it is asked for.
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::{BACKLOG, bind};
    use std::net::TcpStream;

    #[tokio::test]
    async fn every_address_means_those_of_both_kinds() {
        let listener = bind("[::]:0".parse().unwrap()).unwrap();
        let port = listener.local_addr().unwrap().port();
        for address in ["127.0.0.1", "::1"] {
            let _client = TcpStream::connect((address, port)).unwrap();
            let (_, peer) = listener.accept().await.unwrap();
            assert_eq!(peer.ip().to_canonical().to_string(), address);
        }
    }

    #[tokio::test]
    async fn as_many_as_a_storm_has_wait_until_they_are_accepted() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        // More than Windows keeps by itself, and than Linux did before 5.4. Nothing is accepted meanwhile.
        let waiting: Vec<_> = (0..250).map(|_| TcpStream::connect(address).unwrap()).collect();
        assert!(waiting.len() < BACKLOG.unsigned_abs() as usize);
        for _ in &waiting {
            drop(listener.accept().await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_port_is_one_listeners() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        assert!(bind(listener.local_addr().unwrap()).is_err());
    }
}
