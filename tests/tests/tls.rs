//! TLS in front of the real host, in memory with paused time: one time for handshake and hello.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use malpan_client::{Client, ClientError, ConnectOptions, Connection, protocol::*};
use malpan_e2e::Certificates;
use malpan_net::{
    Count, Counters, Listener, Settings, Shard,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer, pki_types::pem::PemObject},
};
use malpan_server::{Games, Ground, Server, Stop, TokenSource, config::Config, session_settings, tls::TlsFiles};
use std::{fs, future::pending, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    runtime::Handle,
    sync::mpsc,
    time::{Instant, sleep},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Streams in memory, of which the test holds the other ends.
struct Streams(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Streams {
    type Stream = DuplexStream;

    async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        match self.0.recv().await {
            Some(stream) => Ok((stream, "192.0.2.1:7".parse().unwrap())),
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

/// A running server with TLS.
struct Port {
    streams: mpsc::UnboundedSender<DuplexStream>,
    counters: Arc<Counters>,
    shard: Shard,
    trusted: TlsConnector,
}

impl Port {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::write(folder.path()).unwrap();
        let config = Config { tls: certificates.config(), ..Config::default() };
        let counters = Arc::<Counters>::default();
        let shard = Shard::new(0, Handle::current(), session_settings(&config), Arc::clone(&counters));
        let (streams, listener) = mpsc::unbounded_channel();
        let ground = Ground {
            listeners: vec![Streams(listener)],
            tls: Some(TlsFiles::of(&config.tls).unwrap().load().unwrap().config),
            lecture: None,
            shards: vec![shard.clone()],
            rules: vec![],
            counters: Arc::clone(&counters),
            seed: 1,
            tokens: TokenSource::system(),
            store: std::sync::Arc::new(malpan_server::store::MemoryStore::default()),
        };
        let games = Games::standard(&config.game);
        tokio::spawn(Server::on(ground, config, games).run(pending::<Stop>()));
        let mut roots = RootCertStore::empty();
        let ca = fs::read(certificates.file("ca.pem")).unwrap();
        roots.add(CertificateDer::from_pem_slice(&ca).unwrap()).unwrap();
        let trusted = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { streams, counters, shard, trusted: Arc::new(trusted).into() }
    }

    fn connect(&self) -> DuplexStream {
        let (near, far) = duplex(16 * 1024);
        self.streams.send(far).unwrap();
        near
    }

    async fn encrypt(&self, stream: DuplexStream) -> TlsStream<DuplexStream> {
        self.trusted.connect("localhost".try_into().unwrap(), stream).await.unwrap()
    }
}

const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// How late a deadline may be found, and a little for what is not time.
const LATE: Duration = Duration::from_millis(300);

#[tokio::test(start_paused = true)]
async fn the_handshake_lies_within_the_time_for_the_hello() {
    let port = Port::open();
    let begun = Instant::now();
    let stream = port.connect();
    sleep(HELLO_WITHIN - Duration::from_secs(1)).await;
    // Barely in time; and then it says nothing.
    let mut silent = Connection::new(port.encrypt(stream).await);
    assert_eq!(silent.next().await.unwrap(), ServerPacket::Kicked { reason: KickReason::TooLate });
    assert!((HELLO_WITHIN..HELLO_WITHIN + LATE).contains(&begun.elapsed()), "after {:?}", begun.elapsed());
    // What ends it is encrypted as well, and orderly.
    assert!(matches!(silent.next().await, Err(ClientError::Closed)));
    assert_eq!(port.counters.value(Count::Deadlines), 1);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_end_has_the_same_time() {
    let port = Port::open();
    let begun = Instant::now();
    let mut stream = port.connect();
    stream.write_all(&[0x16, 3, 1]).await.unwrap();
    assert_eq!(stream.read(&mut [0; 9]).await.unwrap(), 0);
    assert!((HELLO_WITHIN..HELLO_WITHIN + LATE).contains(&begun.elapsed()), "after {:?}", begun.elapsed());
    assert_eq!((port.counters.value(Count::HandshakesFailed), port.shard.sessions()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn who_is_late_with_the_handshake_and_early_with_the_hello_plays() {
    let port = Port::open();
    let stream = port.connect();
    sleep(HELLO_WITHIN - Duration::from_secs(1)).await;
    let mut client = Client::handshake(port.encrypt(stream).await, &ConnectOptions::default()).await.unwrap();
    sleep(HELLO_WITHIN).await;
    client.sign_in_guest(Name::new("Ann").unwrap()).await.unwrap();
    client.join(JoinTarget::Any).await.unwrap();
    client.bye().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_plain_hello_is_answered_in_its_own_words() {
    let port = Port::open();
    let refused = Client::handshake(port.connect(), &ConnectOptions::default()).await.unwrap_err();
    let ClientError::Denied(denial) = refused else { panic!("{refused}") };
    assert_eq!(denial.code, DenialCode::TlsRequired);
    assert_eq!(denial.reason.as_str(), "this port speaks TLS; connect with --tls");
    // Bytes that are neither are not answered, and not waited for.
    let begun = Instant::now();
    let mut stranger = port.connect();
    stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(stranger.read(&mut [0; 9]).await.unwrap(), 0);
    assert!(begun.elapsed() < LATE);
}
