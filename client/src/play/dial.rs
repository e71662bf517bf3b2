//! How the link reaches its server: over TCP, or in a test over memory.

use crate::address::Address;
use malpan_client::{Client, ClientError, ConnectOptions, Stream, Tls};
use std::future::Future;
use tokio::io::{AsyncRead, AsyncWrite};

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
    /// Connects to `address`, encrypted with `tls`, where that is wanted.
    pub(crate) fn new(address: Address, tls: Option<Tls>) -> Self {
        Self { address, options: ConnectOptions { tls, ..ConnectOptions::default() } }
    }
}

impl Dial for DialTcp {
    type Io = Stream;

    async fn dial(&mut self) -> Result<Client, ClientError> {
        Client::connect(self.address.as_str(), &self.options).await
    }
}
