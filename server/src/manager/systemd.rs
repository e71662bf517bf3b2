//! What systemd is told (`Type=notify`): that the server is ready, and that it stops.
//!
//! A line or two in one datagram to the socket that `NOTIFY_SOCKET` names. Where it names none nobody is told.

use super::News;
use std::{env, ffi::OsStr};

/// Tells systemd, where it is there.
pub(super) fn tell(news: News<'_>) {
    let Some(lines) = lines(news) else { return };
    let Some(socket) = env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return };
    if let Err(error) = imp::send(&socket, lines.as_bytes()) {
        tracing::warn!(%error, ?socket, ?news, "the service manager could not be told");
    }
}

fn lines(news: News<'_>) -> Option<String> {
    match news {
        // It waits for the next word anyway.
        News::Starting(_) => None,
        News::Ready(line) => Some(format!("READY=1\nSTATUS={line}")),
        News::Stopping(within) => {
            // Else `TimeoutStopSec` of the unit would have to be kept longer than `drain` by hand.
            let most = news.over_within().unwrap_or(within).as_micros();
            let seconds = within.as_secs();
            Some(format!("STOPPING=1\nSTATUS=draining, {seconds} s at the most\nEXTEND_TIMEOUT_USEC={most}"))
        }
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
