//! TLS in front of the real host, in memory with paused time: one time for handshake and hello.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use malpan_client::{Client, ClientError, ConnectOptions, Connection, protocol::*};
use malpan_e2e::{Certificates, Port, Streams};
use malpan_net::{
    Count, Counters, Shard,
    rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer, pki_types::pem::PemObject},
};
use malpan_server::{Games, Ground, Stop, config::Config, session_settings, tls::TlsFiles};
use std::{fs, future::pending, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    runtime::Handle,
    time::{Instant, sleep},
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A running server with TLS.
struct Server {
    port: Port,
    counters: Arc<Counters>,
    shard: Shard,
    trusted: TlsConnector,
}

impl Server {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates::write(folder.path()).unwrap();
        let config = Config { tls: certificates.config(), ..Config::default() };
        let counters = Arc::<Counters>::default();
        let shard = Shard::new(0, Handle::current(), session_settings(&config), Arc::clone(&counters));
        let (listener, port) = Streams::from(([192, 0, 2, 1], 7).into());
        let ground = Ground {
            listeners: vec![listener],
            tls: Some(TlsFiles::of(&config.tls).unwrap().load().unwrap().config),
            lecture: None,
            shards: vec![shard.clone()],
            rules: vec![],
            counters: Arc::clone(&counters),
            seed: 1,
            tokens: malpan_server::TokenSource::system(),
            store: std::sync::Arc::new(malpan_server::store::MemoryStore::default()),
        };
        let games = Games::standard(&config.game);
        tokio::spawn(malpan_server::Server::on(ground, config, games).run(pending::<Stop>()));
        let mut roots = RootCertStore::empty();
        let ca = fs::read(certificates.file("ca.pem")).unwrap();
        roots.add(CertificateDer::from_pem_slice(&ca).unwrap()).unwrap();
        let trusted = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { port, counters, shard, trusted: Arc::new(trusted).into() }
    }

    fn connect(&self) -> DuplexStream {
        self.port.connect(16 * 1024)
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
    let port = Server::open();
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
    let port = Server::open();
    let begun = Instant::now();
    let mut stream = port.connect();
    stream.write_all(&[0x16, 3, 1]).await.unwrap();
    assert_eq!(stream.read(&mut [0; 9]).await.unwrap(), 0);
    assert!((HELLO_WITHIN..HELLO_WITHIN + LATE).contains(&begun.elapsed()), "after {:?}", begun.elapsed());
    assert_eq!((port.counters.value(Count::HandshakesFailed), port.shard.sessions()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn who_is_late_with_the_handshake_and_early_with_the_hello_plays() {
    let port = Server::open();
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
    let port = Server::open();
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
