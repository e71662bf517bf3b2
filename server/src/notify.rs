//! What a service manager is told (`Type=notify` of systemd): that the server is ready, and that it stops.
//!
//! A line or two in one datagram to the socket that `NOTIFY_SOCKET` names. Where it names none nobody is told.

use std::{env, ffi::OsStr, fmt, time::Duration};

/// Beyond the drain: what a goodbye may take of its own, and a busy machine.
const STOP_SPARE: Duration = Duration::from_secs(5);

/// What the service manager is told.
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    /// Players are awaited. With the ready line, for `systemctl status`.
    Ready(&'a str),
    /// The server stops, within this time.
    Stopping(Duration),
}

impl fmt::Display for News<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(line) => write!(f, "READY=1\nSTATUS={line}"),
            // Else `TimeoutStopSec` of the unit would have to be kept longer than `drain` by hand.
            Self::Stopping(within) => {
                let most = (*within + STOP_SPARE).as_micros();
                write!(f, "STOPPING=1\nSTATUS=draining, {} s at the most\nEXTEND_TIMEOUT_USEC={most}", within.as_secs())
            }
        }
    }
}

/// Tells the service manager, where there is one. Where it does not hear, the log says so, and the server goes on.
pub fn tell(news: News<'_>) {
    let Some(socket) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return };
    if let Err(error) = imp::send(&socket, news.to_string().as_bytes()) {
        tracing::warn!(%error, ?socket, ?news, "the service manager could not be told");
    }
}

#[cfg(target_os = "linux")]
mod imp {
    use super::OsStr;
    use std::{
        io,
        os::{
            linux::net::SocketAddrExt,
            unix::{
                ffi::OsStrExt,
                net::{SocketAddr, UnixDatagram},
            },
        },
    };

    pub(super) fn send(socket: &OsStr, news: &[u8]) -> io::Result<()> {
        let address = match socket.as_bytes() {
            // The name of an abstract socket, which is in no folder.
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            _ => SocketAddr::from_pathname(socket)?,
        };
        let ours = UnixDatagram::unbound()?;
        // A service manager that does not read must not hold the players up.
        ours.set_nonblocking(true)?;
        ours.send_to_addr(news, &address).map(drop)
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    use super::OsStr;
    use std::io;

    pub(super) fn send(_: &OsStr, _: &[u8]) -> io::Result<()> {
        Ok(())
    }
}
