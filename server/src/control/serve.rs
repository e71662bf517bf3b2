//! The server's side of the control channel.

use super::{
    Operator,
    request::{Answer, LONGEST_LINE, Request},
    system::Listening,
};
use futures::{SinkExt as _, StreamExt as _};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::codec::{Framed, LinesCodec};

/// Connections at once; whoever comes then waits for one to end.
const CONNECTIONS: usize = 8;
/// The longest line that is taken.
const LONGEST_REQUEST: usize = 8 * 1024;
/// For each request to come, and for each answer to be taken.
const PATIENCE: Duration = Duration::from_secs(10);
/// After a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(100);

/// Answers until it is dropped.
pub(crate) async fn serve(mut listening: Listening, operator: Operator) -> Infallible {
    let (places, mut connections) = (Arc::new(Semaphore::new(CONNECTIONS)), JoinSet::new());
    loop {
        while connections.try_join_next().is_some() {}
        let place = Arc::clone(&places).acquire_owned().await.expect("nobody closes it");
        match listening.accept().await {
            Ok(stream) => {
                let operator = operator.clone();
                connections.spawn(async move {
                    let _place = place;
                    answer(stream, &operator).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the control channel: a connection was not accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, operator: &Operator) {
    let mut lines = Framed::new(stream, LinesCodec::new_with_max_length(LONGEST_REQUEST));
    // Silence, a line that is too long or the end of the stream: whatever it is, this was all.
    while let Ok(Some(Ok(line))) = timeout(PATIENCE, lines.next()).await {
        let answer = match serde_json::from_str::<Request>(&line) {
            Ok(request) => {
                // A list is no event.
                if !matches!(request, Request::List { .. }) {
                    tracing::info!(?request, "the operator asks");
                }
                operator.act(request).await
            }
            Err(error) => Answer::Failed(format!("not a request: {error}")),
        };
        let Ok(line) = serde_json::to_string(&answer) else { return };
        debug_assert!(line.len() <= LONGEST_LINE, "a page of accounts is bounded");
        if !matches!(timeout(PATIENCE, lines.send(line)).await, Ok(Ok(()))) {
            return;
        }
    }
}
