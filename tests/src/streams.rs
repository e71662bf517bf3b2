//! A listener whose connections are in memory: a whole server without sockets.

use malpan_net::{Listener, Settings};
use std::{future::pending, io, net::SocketAddr};
use tokio::{
    io::{DuplexStream, duplex},
    sync::mpsc,
};

/// Streams in memory, of which the test holds the other ends.
#[derive(Debug)]
pub struct Streams {
    from: SocketAddr,
    coming: mpsc::UnboundedReceiver<DuplexStream>,
}

/// Where connections to a server that listens to [`Streams`] are made.
#[derive(Debug)]
pub struct Port(mpsc::UnboundedSender<DuplexStream>);

impl Streams {
    /// A listener, all of whose connections come from this address, and the port that they are made at.
    #[must_use]
    pub fn from(from: SocketAddr) -> (Self, Port) {
        let (port, coming) = mpsc::unbounded_channel();
        (Self { from, coming }, Port(port))
    }
}

impl Port {
    /// A connection whose buffers hold so many bytes each way.
    ///
    /// # Panics
    /// Where the server has ended.
    #[must_use]
    pub fn connect(&self, bytes: usize) -> DuplexStream {
        let (near, far) = duplex(bytes);
        self.0.send(far).expect("the server listens");
        near
    }
}

impl Listener for Streams {
    type Stream = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        match self.coming.recv().await {
            Some(stream) => Ok((stream, self.from)),
            None => pending().await,
        }
    }

    fn hand_over(
        stream: DuplexStream,
        _: &Settings,
        _: bool,
    ) -> io::Result<impl FnOnce() -> io::Result<DuplexStream> + Send + use<>> {
        Ok(move || Ok(stream))
    }
}
