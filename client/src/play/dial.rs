//! How the link reaches its server: over TCP, or in a test over memory.

use super::address::Address;
use malpan_client::{Client, ClientError, ConnectOptions};
use std::future::Future;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// Makes connections to one server.
pub(crate) trait Dial: Send + 'static {
    /// The byte stream.
    type Io: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Connects and shakes hands.
    fn dial(&mut self) -> impl Future<Output = Result<Client<Self::Io>, ClientError>> + Send;
}

/// Connects over TCP.
#[derive(Debug)]
pub(crate) struct DialTcp {
    address: Address,
    options: ConnectOptions,
}

impl DialTcp {
    /// Connects to `address`.
    pub(crate) fn new(address: Address) -> Self {
        Self { address, options: ConnectOptions::default() }
    }
}

impl Dial for DialTcp {
    type Io = TcpStream;

    async fn dial(&mut self) -> Result<Client<TcpStream>, ClientError> {
        Client::connect(self.address.as_str(), &self.options).await
    }
}
