//! Many clients at once, on a thread of their own, so that they do not hold up whoever is measured beside them.

use malpan_client::protocol::{ClientPacket, Packet, SoftwareName, VersionRange};
use std::{
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    thread,
};
use tokio::{
    net::{TcpSocket, TcpStream},
    runtime,
    sync::{Semaphore, oneshot},
};

/// A crowd that has set out. Yields what became of each, in their order.
pub(crate) type Crowd<T> = oneshot::Receiver<Vec<T>>;

/// Sends `count` clients, of which `at_once` do `work` at a time; each is told its number.
pub(crate) fn send<T, F>(count: usize, at_once: usize, work: impl Fn(usize) -> F + Send + 'static) -> Crowd<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let (done, crowd) = oneshot::channel();
    thread::spawn(move || {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outcomes = runtime.block_on(async {
            let places = Arc::new(Semaphore::new(at_once));
            let mut clients = Vec::with_capacity(count);
            for number in 0..count {
                let place = Arc::clone(&places).acquire_owned().await.unwrap();
                let work = work(number);
                clients.push(tokio::spawn(async move {
                    let outcome = work.await;
                    drop(place);
                    outcome
                }));
            }
            let mut outcomes = Vec::with_capacity(count);
            for client in clients {
                // A client that panicked has said why; without its outcome the test fails.
                outcomes.extend(client.await);
            }
            outcomes
        });
        // Nobody looks where the test has failed already.
        let _ = done.send(outcomes);
    });
    crowd
}

/// Addresses of the loopback from which clients come.
const SOURCES: usize = 250;

/// Connects from one of the loopback's addresses, the `nth` over and over: each has ports of its own, and counts for itself.
/// From one alone it would become slow: of each address Linux looks at half of the free ports first, some 7,000.
pub(crate) async fn connect_from(nth: usize, server: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    let source = Ipv4Addr::LOCALHOST.to_bits() + u32::try_from(nth % SOURCES).unwrap();
    socket.bind((Ipv4Addr::from_bits(source), 0).into())?;
    socket.connect(server).await
}

/// Closes with a reset instead of an orderly end.
pub(crate) fn reset(stream: &TcpStream) {
    stream.set_zero_linger().unwrap();
}

/// A hello that is as long as one of a client may be.
pub(crate) fn long_hello() -> Vec<u8> {
    let client = SoftwareName::new(&"x".repeat(40)).unwrap();
    frame(&ClientPacket::Hello { versions: VersionRange::SUPPORTED, client })
}

/// The bytes of a packet.
pub(crate) fn frame(packet: &ClientPacket) -> Vec<u8> {
    let mut bytes = bytes::BytesMut::new();
    packet.encode_frame(&mut bytes).unwrap();
    bytes.to_vec()
}
