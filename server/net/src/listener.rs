//! Listening sockets.

use std::{io, net::SocketAddr};
use tokio::net::{TcpListener, TcpSocket};

/// Connections that the kernel may hold until they are accepted.
const BACKLOG: u32 = 4096;

/// Listens on `address`; port 0 takes any free one.
///
/// # Errors
/// The operating system's: a port in use, an address that is not this machine's, a port below 1024 without the right.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Unix it lets a restarted server have its port back while old connections linger in TIME_WAIT. On Windows the
    // same option would let two servers share a port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
