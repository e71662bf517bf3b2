//! Accepts connections and deals them to the shards in turn. No accept error ends it.

use crate::{
    Admission, CloseReason, Count, Frame, Listener, Permit, Protocol, Refusal, Shard, Transport, closing::shut_down,
};
use futures::FutureExt;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

/// The first pause after an accept error that asks for one, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(500));
/// How many refused connections may be told so at once; further ones are just closed.
const FAREWELLS_AT_ONCE: usize = 256;

/// Accepts on `listener` until `stop`, and serves each connection over `transport` with `protocol` on one of `shards`.
/// What concerns no shard, such as a refusal, is counted by the first.
///
/// # Panics
/// Where there are no shards.
pub async fn accept<L: Listener, T: Transport<L::Stream>, P: Protocol>(
    mut listener: L,
    transport: T,
    shards: Arc<[Shard]>,
    admission: Arc<Admission>,
    protocol: P,
    stop: CancellationToken,
) {
    assert!(!shards.is_empty(), "someone has to serve");
    let farewells = Arc::new(Semaphore::new(FAREWELLS_AT_ONCE));
    // Only whoever is admitted takes a turn: who is refused must not be able to skew where the others go.
    let mut turn = shards.iter().cycle();
    let counters = shards[0].counters();
    let mut pause = Pause::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                pause.end();
                counters.add(Count::Accepted);
                match admission.admit(peer.ip()) {
                    Ok(permit) => {
                        let shard = turn.next().expect("a cycle over at least one");
                        deal::<L, T, P>(stream, peer, shard, transport.clone(), protocol.clone(), permit);
                    }
                    Err(refusal) => refuse(stream, peer, &shards[0], &transport, &protocol, refusal, &farewells),
                }
            }
            Err(error) => {
                counters.add(Count::AcceptErrors);
                if is_the_peers_own(&error) {
                    tracing::debug!(%error, "a connection ended before it was accepted");
                    continue;
                }
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = sleep(pause.longer(&error)) => {}
                }
            }
        }
    }
}

fn deal<L: Listener, T: Transport<L::Stream>, P: Protocol>(
    stream: L::Stream,
    peer: SocketAddr,
    shard: &Shard,
    transport: T,
    protocol: P,
    permit: Permit,
) {
    // The socket leaves the acceptor's readiness queue here and enters the shard's there.
    match L::hand_over(stream, shard.settings(), protocol.heartbeat().is_some()) {
        Ok(take_over) => shard.open_with(peer, protocol, permit, T::IS_ENCRYPTED, move || async move {
            // An error is the machine's, which watches no more sockets than it can. The peer is not named: it would have
            // its place in every session's task.
            let stream =
                take_over().inspect_err(|error| tracing::warn!(%error, "a connection could not be taken over"))?;
            transport.handshake(stream).await
        }),
        Err(error) => {
            shard.counters().add_closed(CloseReason::Broken);
            tracing::debug!(%peer, %error, "a connection ended while it was accepted");
        }
    }
}

/// Tells a peer why it is not admitted, where that costs little, and closes.
fn refuse<S, T: Transport<S>, P: Protocol>(
    stream: S,
    peer: SocketAddr,
    shard: &Shard,
    transport: &T,
    protocol: &P,
    refusal: Refusal,
    farewells: &Arc<Semaphore>,
) {
    let reason = CloseReason::Refused(refusal);
    shard.counters().add_closed(reason);
    tracing::debug!(%peer, %refusal, "connection refused");
    // Who is refused is worth no handshake that takes work. One with TLS might be all but done in its first step, where the
    // peer's words are there already; others show by it that they wait.
    if T::IS_ENCRYPTED {
        return;
    }
    let (Some(farewell), Ok(place)) = (protocol.farewell(reason), Arc::clone(farewells).try_acquire_owned()) else {
        return;
    };
    let Some(Ok(stream)) = transport.handshake(stream).now_or_never() else { return };
    let limit = shard.settings().closing_linger;
    // Here and not on the shard: it holds no session, and the acceptor has time.
    tokio::spawn(async move {
        let _place = place;
        say_farewell(stream, &farewell, limit).await;
    });
}

async fn say_farewell<IO: AsyncRead + AsyncWrite + Unpin>(mut stream: IO, farewell: &Frame, limit: Duration) {
    if let Ok(Ok(())) = timeout(limit, stream.write_all(farewell)).await {
        shut_down(&mut stream, limit).await;
    }
}

/// Errors that concern the one connection that was to be accepted, not the listener.
fn is_the_peers_own(error: &io::Error) -> bool {
    use io::ErrorKind as E;
    matches!(
        error.kind(),
        E::ConnectionAborted
            | E::ConnectionReset
            | E::ConnectionRefused
            | E::Interrupted
            | E::NetworkUnreachable
            | E::HostUnreachable
            | E::TimedOut
    )
}

/// The pauses after errors of the machine, of which having no file descriptor left is the usual one: trying again at
/// once would burn a core, giving up would end the server.
#[derive(Default)]
struct Pause {
    last: Option<Duration>,
}

impl Pause {
    fn longer(&mut self, error: &io::Error) -> Duration {
        let (first, longest) = BACKOFF;
        if self.last.is_none() {
            tracing::warn!(%error, "connections cannot be accepted; trying again until they can");
        }
        *self.last.insert(self.last.map_or(first, |last| (last * 2).min(longest)))
    }

    fn end(&mut self) {
        if self.last.take().is_some() {
            tracing::info!("connections are accepted again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BACKOFF, Pause, is_the_peers_own};
    use std::io;

    #[test]
    fn pauses_grow_to_the_longest_and_start_over() {
        let error = io::Error::from_raw_os_error(24);
        let mut pause = Pause::default();
        let pauses: Vec<_> = (0..10).map(|_| pause.longer(&error)).collect();
        assert_eq!((pauses[0], pauses[1], pauses[9]), (BACKOFF.0, BACKOFF.0 * 2, BACKOFF.1));
        pause.end();
        assert_eq!(pause.longer(&error), BACKOFF.0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn only_the_peers_own_errors_go_on_at_once() {
        let errno = io::Error::from_raw_os_error;
        let (econnaborted, emfile, enfile, enobufs, enomem) = (103, 24, 23, 105, 12);
        assert!(is_the_peers_own(&errno(econnaborted)));
        for machine in [emfile, enfile, enobufs, enomem] {
            assert!(!is_the_peers_own(&errno(machine)));
        }
    }
}
