//! Real sockets on port 0, and waiting for what they bring about.

use super::settings;
use malpan_net::{Settings, bind};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};

/// Long enough for the slowest machine; only a test that fails waits for it.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Times that no test comes near to, so that what happens happens for another reason.
pub(crate) fn patient() -> Settings {
    let minute = Duration::from_secs(60);
    Settings { closing_flush: minute, closing_linger: minute, write_stall: minute, silence: None, ..settings() }
}

pub(crate) fn listen() -> (TcpListener, SocketAddr) {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    timeout(LONG, TcpStream::connect(address)).await.unwrap().unwrap()
}

/// Closes with a reset.
pub(crate) fn abort(stream: TcpStream) {
    stream.set_zero_linger().unwrap();
}

pub(crate) async fn read_to_end(mut stream: TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    timeout(LONG, stream.read_to_end(&mut bytes)).await.unwrap()?;
    Ok(bytes)
}

/// Waits until `true`.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    let satisfied = async {
        while !condition() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(LONG, satisfied).await.expect("it never came about");
}
