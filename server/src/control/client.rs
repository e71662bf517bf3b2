//! The operator's side of the control channel.

use super::{
    request::{Answer, LONGEST_LINE, Request},
    system::{self, Stream},
};
use futures::{SinkExt as _, StreamExt as _};
use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::timeout;
use tokio_util::codec::{Framed, LinesCodec};

/// For each answer. The store's own bounds are shorter.
const PATIENCE: Duration = Duration::from_secs(30);
/// For an answer that takes the longer the more there is in the store: about a hundred million accounts.
const LONG_PATIENCE: Duration = Duration::from_secs(3600);

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Reached(Framed<Stream, LinesCodec>);

/// Why a server cannot be asked, though there is one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreachable {
    /// It is another user's.
    #[error("the control channel {0} is not permitted to you; run this as the user that the server runs as")]
    NotPermitted(PathBuf),
    /// It cannot be connected to.
    #[error("the control channel {0}: {1}")]
    Io(PathBuf, io::Error),
    /// It closed the connection.
    #[error("the server closed the control channel; run this as the user that the server runs as")]
    Closed,
    /// It does not answer.
    #[error("the server does not answer on its control channel")]
    Silent,
    /// The request has no JSON: a path that is not UTF-8.
    #[error("this cannot be asked of a server: {0}")]
    Unsayable(serde_json::Error),
    /// It answers something else.
    #[error("what listens on the control channel is no Malpan server of this version: {0}")]
    Strange(String),
}

/// Connects to the server that listens at `path`; `None` where there is none.
pub(crate) async fn reach(path: &Path) -> Result<Option<Reached>, Unreachable> {
    match system::connect(path).await {
        Ok(stream) => Ok(Some(Reached(Framed::new(stream, LinesCodec::new_with_max_length(LONGEST_LINE))))),
        Err(error) => match error.kind() {
            // The second: a server that was killed has left its socket behind.
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
            io::ErrorKind::PermissionDenied => Err(Unreachable::NotPermitted(path.into())),
            _ => Err(Unreachable::Io(path.into(), error)),
        },
    }
}

impl Reached {
    /// Asks, and waits for the answer.
    pub(crate) async fn ask(&mut self, request: &Request) -> Result<Answer, Unreachable> {
        let line = serde_json::to_string(request).map_err(Unreachable::Unsayable)?;
        let asked = async {
            self.0.send(line).await.map_err(|_| Unreachable::Closed)?;
            match self.0.next().await {
                None => Err(Unreachable::Closed),
                Some(Err(error)) => Err(Unreachable::Strange(error.to_string())),
                Some(Ok(line)) => serde_json::from_str(&line).map_err(|error| Unreachable::Strange(error.to_string())),
            }
        };
        let patience = if request.reads_everything() { LONG_PATIENCE } else { PATIENCE };
        timeout(patience, asked).await.unwrap_or(Err(Unreachable::Silent))
    }
}
