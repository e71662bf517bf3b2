//! A host with one shard in memory, for tests that reach inside of it.

use crate::{Host, admission_limits, config::Config, session_settings};
use malpan_client::{Client, ConnectOptions, protocol::Name};
use malpan_net::{Admission, SessionHandle, Shard};
use std::net::SocketAddr;
use tokio::{
    io::{DuplexStream, duplex},
    runtime::Handle,
};

pub(crate) struct TestHost {
    pub(crate) host: Host,
    pub(crate) shard: Shard,
}

impl TestHost {
    pub(crate) fn new(adjust: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        adjust(&mut config);
        let shard = Shard::new(0, Handle::current(), session_settings(&config), Default::default());
        Self { host: Host::new(config), shard }
    }

    /// A client that has shaken hands, and its session.
    pub(crate) async fn connect(&self) -> (Client<DuplexStream>, SessionHandle) {
        let (ours, theirs) = duplex(4096);
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let permit = Admission::new(admission_limits(self.host.config())).admit(peer.ip()).unwrap();
        let known = self.sessions();
        self.shard.open(theirs, peer, self.host.clone(), permit);
        let session = self.sessions().into_iter().find(|new| known.iter().all(|old| old.id() != new.id())).unwrap();
        (Client::handshake(ours, &ConnectOptions::default()).await.unwrap(), session)
    }

    pub(crate) async fn guest(&self, name: &str) -> (Client<DuplexStream>, SessionHandle) {
        let (mut client, session) = self.connect().await;
        client.sign_in_guest(Name::new(name).unwrap()).await.unwrap();
        (client, session)
    }

    fn sessions(&self) -> Vec<SessionHandle> {
        let mut sessions = Vec::new();
        self.shard.each_session(|session| sessions.push(session.clone()));
        sessions
    }
}
