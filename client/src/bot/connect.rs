//! A player's way to the server and to its seat.

use super::{goal::Goal, record::Tap, shared::Shared};
use malpan_client::{
    Client, ClientError, Stream,
    protocol::{JoinTarget, Joined},
};
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Instant, sleep, timeout},
};

/// How often a player tries again, and how long it waits before the first time; it doubles each time.
const RETRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Players per source address on loopback. A source address has about 28,000 ports towards one server.
const PLAYERS_PER_SOURCE: u32 = 20_000;

/// A connection of the bot: what goes over it is recorded where the run is.
pub(super) type Wire = Tap<Stream>;

/// A player that has its seat.
#[derive(Debug)]
pub(super) struct Seated {
    pub(super) client: Client<Wire>,
    pub(super) joined: Joined,
    /// From the TCP connect, with TLS through its handshake, to the seat, of the attempt that succeeded.
    pub(super) took: Duration,
}

/// Connects, signs in and takes a seat anywhere. What may pass, such as a full backlog, is tried again.
///
/// # Errors
/// The last attempt's.
pub(super) async fn seat(shared: &Shared, player: u32) -> Result<Seated, ClientError> {
    let mut pause = FIRST_PAUSE;
    for _ in 0..RETRIES {
        match seat_once(shared, player).await {
            Err(error) if may_pass(&error) => sleep(pause).await,
            done => return done,
        }
        pause *= 2;
    }
    seat_once(shared, player).await
}

/// As [`seat`], in a single attempt.
///
/// # Errors
/// Its own.
pub(super) async fn seat_once(shared: &Shared, player: u32) -> Result<Seated, ClientError> {
    let begin = Instant::now();
    let mut client = shake_hands(shared, player).await?;
    client.sign_in_guest(shared.plan.name(player)).await?;
    let joined = client.join(JoinTarget::Any).await?;
    Ok(Seated { client, joined, took: begin.elapsed() })
}

/// Connects and shakes hands.
///
/// # Errors
/// Where the server cannot be reached or does not answer as one.
pub(super) async fn shake_hands(shared: &Shared, player: u32) -> Result<Client<Wire>, ClientError> {
    let begun_ns = shared.common.clock.now_ns();
    let stream = open_stream(&shared.common.goal, player).await?;
    let tape = shared.recorder.as_ref().map(|to| to.open(to.track_of(player), player, false, begun_ns));
    Client::handshake(Tap::new(stream, tape), &shared.common.goal.options).await
}

/// A connection to the server, with TLS where the run has it. It is not recorded yet.
///
/// # Errors
/// Where the server cannot be reached, or does not answer in time.
pub(super) async fn open_stream(goal: &Goal, player: u32) -> Result<Stream, ClientError> {
    let limit = goal.options.timeout;
    let open = async {
        let tcp = open(&goal.addresses, player).await?;
        Stream::over(tcp, &goal.address, goal.options.tls.as_ref()).await
    };
    timeout(limit, open).await.unwrap_or(Err(ClientError::TimedOut(limit)))
}

/// A TCP connection to the server, from an address that has ports left.
///
/// # Errors
/// The last address'.
async fn open(addresses: &[SocketAddr], player: u32) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for &address in addresses {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_nodelay(true)?;
        if let Some(source) = source(address, player) {
            // Ports that an earlier run has just let go of may be taken again.
            socket.set_reuseaddr(true)?;
            socket.bind(source)?;
        }
        match socket.connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The address to connect from, where the system's choice would run out of ports: only on loopback can the bot give
/// itself more addresses.
fn source(server: SocketAddr, player: u32) -> Option<SocketAddr> {
    let nth = player / PLAYERS_PER_SOURCE;
    let IpAddr::V4(server) = server.ip() else { return None };
    (nth > 0 && server.is_loopback()).then(|| (Ipv4Addr::from_bits(Ipv4Addr::LOCALHOST.to_bits() + nth), 0).into())
}

/// Whether another attempt in a moment can help. A server that does not answer at all is not asked again: it had its
/// time.
fn may_pass(error: &ClientError) -> bool {
    !matches!(error, ClientError::TimedOut(_)) && error.is_transient()
}

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn more_players_than_ports_get_more_loopback_addresses() {
        let from = |server: &str, player| source(server.parse().unwrap(), player).map(|source| source.to_string());
        assert_eq!(from("127.0.0.1:7777", 19_999), None);
        assert_eq!(from("127.0.0.1:7777", 20_000).as_deref(), Some("127.0.0.2:0"));
        assert_eq!(from("127.0.0.1:7777", 999_999).as_deref(), Some("127.0.0.50:0"));
        assert_eq!(from("192.0.2.1:7777", 20_000), None);
        assert_eq!(from("[::1]:7777", 20_000), None);
    }
}
