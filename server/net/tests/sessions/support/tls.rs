//! TLS by hand: certificates, a listener for in-memory streams, and a peer that encrypts what it says.

use super::{Peer, Scene, Wire, settle, wire};
use malpan_net::{
    CloseReason, Listener, Settings, Shard, Tls, accept,
    rustls::{
        ClientConfig, ClientConnection, Error, RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer},
        version::TLS13,
    },
};
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use std::{
    io::{self, Read, Write},
    net::SocketAddr,
    sync::Arc,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Who signs the servers' certificates, and what clients trust.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// A server's configuration with a certificate of its own, which is returned beside it.
    pub(crate) fn server(&self) -> (Arc<ServerConfig>, CertificateDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(["localhost".into()]).unwrap().signed_by(&key, &self.0).unwrap();
        let certificate = certificate.der().clone();
        let config = ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        (Arc::new(config), certificate)
    }

    fn client(&self) -> ClientConnection {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        ClientConnection::new(config.into(), "localhost".try_into().unwrap()).unwrap()
    }
}

/// Where the scene's connections come from.
pub(crate) struct Wires(mpsc::UnboundedReceiver<Wire>);

impl Listener for Wires {
    type Stream = Wire;

    async fn accept(&mut self) -> io::Result<(Wire, SocketAddr)> {
        match self.0.recv().await {
            Some(wire) => Ok((wire, "192.0.2.1:7".parse().unwrap())),
            None => std::future::pending().await,
        }
    }

    fn hand_over(stream: Wire, _: &Settings, _: bool) -> io::Result<impl FnOnce() -> io::Result<Wire> + Send + use<>> {
        Ok(move || Ok(stream))
    }
}

/// A TLS port of a scene.
pub(crate) struct Port {
    pub(crate) authority: Authority,
    pub(crate) tls: Tls,
    wires: mpsc::UnboundedSender<Wire>,
}

impl Port {
    pub(crate) fn open(scene: &Scene, tls: impl FnOnce(Arc<ServerConfig>) -> Tls) -> Self {
        let authority = Authority::new();
        let tls = tls(authority.server().0);
        let (wires, listener) = mpsc::unbounded_channel();
        let shards: Arc<[Shard]> = Arc::new([scene.shard.clone()]);
        let (admission, protocol) = (Arc::clone(&scene.admission), scene.protocol.clone());
        let accepting = accept(Wires(listener), tls.clone(), shards, admission, protocol, CancellationToken::new());
        tokio::spawn(accepting);
        Self { authority, tls, wires }
    }

    /// Connects; nothing is said yet.
    pub(crate) async fn connect(&self) -> Peer {
        let (wire, peer) = wire();
        self.wires.send(wire).unwrap();
        settle().await;
        peer
    }

    /// Connects and shakes hands.
    pub(crate) async fn enter(&self) -> TlsPeer {
        let mut client = self.begin().await;
        client.exchange().await;
        assert!(!client.connection.is_handshaking());
        client
    }

    /// Connects, with a handshake to be done.
    pub(crate) async fn begin(&self) -> TlsPeer {
        TlsPeer { peer: self.connect().await, connection: self.authority.client(), heard: 0 }
    }
}

/// The other end of a wire, which speaks TLS.
pub(crate) struct TlsPeer {
    pub(crate) peer: Peer,
    pub(crate) connection: ClientConnection,
    /// Bytes of the wire that were taken in.
    heard: usize,
}

impl TlsPeer {
    /// What it has to say next, encrypted.
    pub(crate) fn encrypted(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    /// Says what it has to say, and takes in what it hears, until neither is left.
    pub(crate) async fn exchange(&mut self) {
        loop {
            let bytes = self.encrypted();
            if !bytes.is_empty() {
                self.peer.say(bytes);
            }
            settle().await;
            if !self.take_in().unwrap() && !self.connection.wants_write() {
                return;
            }
        }
    }

    /// Takes in what has come; whether there was anything.
    pub(crate) fn take_in(&mut self) -> Result<bool, Error> {
        let all = self.peer.heard();
        let mut fresh = &all[self.heard..];
        self.heard = all.len();
        let is_fresh = !fresh.is_empty();
        while !fresh.is_empty() {
            self.connection.read_tls(&mut fresh).unwrap();
            self.connection.process_new_packets()?;
        }
        Ok(is_fresh)
    }

    /// Says these bytes, and takes in what comes back.
    pub(crate) async fn say(&mut self, plain: &[u8]) {
        self.connection.writer().write_all(plain).unwrap();
        self.exchange().await;
    }

    /// What was said to it, decrypted; and whether that was the orderly end.
    pub(crate) fn heard(&mut self) -> (Vec<u8>, bool) {
        let (mut heard, mut piece) = (Vec::new(), [0; 512]);
        loop {
            match self.connection.reader().read(&mut piece) {
                Ok(0) => return (heard, true),
                Ok(count) => heard.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return (heard, false),
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// The records in these bytes: the type of each, and how long it is.
pub(crate) fn records(mut bytes: &[u8]) -> Vec<(u8, usize)> {
    let mut records = Vec::new();
    while let [kind, _, _, high, low, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        records.push((*kind, length));
        bytes = &rest[length..];
    }
    assert!(bytes.is_empty(), "half a record");
    records
}

/// The reasons are compared in tests that play out the end of a connection.
pub(crate) fn ends(scene: &mut Scene) -> Vec<CloseReason> {
    let ended = scene.events().into_iter().filter_map(|event| match event {
        super::Event::Ended(reason) => Some(reason),
        _ => None,
    });
    ended.collect()
}
