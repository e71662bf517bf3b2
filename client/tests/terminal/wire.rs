//! A network between a client and its server that a test can cut and mend.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// Carries connections to a server until it is cut.
pub(crate) struct Wire {
    address: SocketAddr,
    /// Where it leads.
    server: Arc<Mutex<String>>,
    /// What carries them; none while it is cut.
    carried: Arc<Mutex<Option<JoinSet<()>>>>,
}

impl Wire {
    /// A wire on a free port, that leads to `server`.
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let carried = Arc::new(Mutex::new(Some(JoinSet::new())));
        let server = Arc::new(Mutex::new(server));
        let wire = Self { address, server: Arc::clone(&server), carried: Arc::clone(&carried) };
        tokio::spawn(async move {
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let server = server.lock().unwrap_or_else(PoisonError::into_inner).clone();
                // While it is cut, whoever comes is sent away at once.
                if let Some(carried) = &mut *carried.lock().unwrap_or_else(PoisonError::into_inner) {
                    carried.spawn(async move {
                        // Where no server is, whoever came is sent away as well.
                        if let Ok(mut far) = TcpStream::connect(server).await {
                            // However it ends, both sides see that.
                            let _ = copy_bidirectional(&mut near, &mut far).await;
                        }
                    });
                }
            }
        });
        wire
    }

    /// Where it begins.
    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Leads connections that are made from now on to another server.
    pub(crate) fn lead_to(&self, server: String) {
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = server;
    }

    /// Breaks every connection, and lets none through.
    pub(crate) fn cut(&self) {
        *self.carried.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Lets connections through again.
    pub(crate) fn mend(&self) {
        *self.carried.lock().unwrap_or_else(PoisonError::into_inner) = Some(JoinSet::new());
    }
}
