//! Where the server is, and how the bot goes there.

use anyhow::{Context, Result, ensure};
use malpan_client::{ConnectOptions, Tls, protocol::SoftwareName};
use std::net::{SocketAddr, ToSocketAddrs};

/// Where the server is.
#[derive(Debug)]
pub(super) struct Goal {
    /// As it was named: for its certificate.
    pub(super) address: String,
    /// The same as addresses; tried in order.
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) options: ConnectOptions,
}

impl Goal {
    /// The server of that address.
    ///
    /// # Errors
    /// Where it is none.
    pub(super) fn find(address: String, tls: Option<Tls>) -> Result<Self> {
        let addresses = address.to_socket_addrs().with_context(|| format!("{address} is no address"))?.collect();
        let software = SoftwareName::new(concat!("malpan-bot/", env!("CARGO_PKG_VERSION"))).expect("a valid constant");
        Ok(Self { address, addresses, options: ConnectOptions { software, tls, ..ConnectOptions::default() } })
    }

    /// # Errors
    /// Where the server is not on this machine, and `what` must not go anywhere else.
    pub(super) fn ensure_here(&self, what: &str) -> Result<()> {
        ensure!(
            self.addresses.iter().all(|address| address.ip().is_loopback()),
            "{what} is hostile, and {} is not this machine: --i-own-this-server says that you may do that",
            self.address
        );
        Ok(())
    }
}
