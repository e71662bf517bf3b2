//! A connection's two ends.

use super::{
    pipe::{Fate, Found, Pipe},
    world::World,
};
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::coop::poll_proceed,
    time::{Instant, Sleep, sleep_until},
};

/// A connection as the network knows it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) peer: SocketAddr,
    world: Arc<World>,
    state: Mutex<LinkState>,
}

#[derive(Debug)]
pub(super) struct LinkState {
    /// Towards the server, and away from it.
    pub(super) up: Pipe,
    pub(super) down: Pipe,
    pub(super) accepted: bool,
    pub(super) accepted_at: Instant,
    /// Admitted: a session has it, or had.
    pub(super) handed_over: bool,
    pub(super) server_has_it: bool,
    pub(super) client_has_it: bool,
    /// The server has ended its side: what it reads from then on is discarded.
    pub(super) server_shut_down: bool,
    /// Since when it has. A session that ends has let go of its player up to a few seconds before.
    pub(super) server_ended: Option<Instant>,
    /// A fault befell it, so that nothing about it can be expected.
    pub(super) disturbed: bool,
    /// The client says no hello, whatever it says.
    pub(super) never_greets: bool,
    pub(super) fails: Option<HandOver>,
    /// The kernel asks for the peer, because the protocol does not.
    pub(super) keepalive: bool,
    /// Since when nothing can get through for good.
    pub(super) lost_since: Option<Instant>,
    /// When a session last read something.
    pub(super) heard: Instant,
    /// What a session has read and written.
    pub(super) read: u64,
    pub(super) written: u64,
}

/// How taking a connection over may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HandOver {
    AtTheAcceptor,
    AtTheShard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// One end of a connection.
#[derive(Debug)]
pub(super) struct SimStream {
    pub(super) link: Arc<Link>,
    side: Side,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Link {
    /// A connection and its two ends: the client's, the server's.
    pub(super) fn new(peer: SocketAddr, world: Arc<World>, up: Pipe, down: Pipe) -> (Arc<Self>, SimStream, SimStream) {
        let state = LinkState {
            up,
            down,
            accepted: false,
            accepted_at: Instant::now(),
            handed_over: false,
            server_has_it: true,
            client_has_it: true,
            server_shut_down: false,
            server_ended: None,
            disturbed: false,
            never_greets: false,
            fails: None,
            keepalive: false,
            lost_since: None,
            heard: Instant::now(),
            read: 0,
            written: 0,
        };
        let link = Arc::new(Self { peer, world, state: Mutex::new(state) });
        let end = |side| SimStream { link: Arc::clone(&link), side, timer: None };
        let (client, server) = (end(Side::Client), end(Side::Server));
        (link, client, server)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, LinkState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Both directions meet this fate.
    pub(super) fn befall(&self, fate: Fate) {
        let mut state = self.state();
        state.disturbed = true;
        if matches!(fate, Fate::Cut | Fate::Vanishes) {
            state.lost_since.get_or_insert_with(Instant::now);
        }
        state.up.set(fate);
        state.down.set(fate);
    }
}

impl SimStream {
    /// The client is gone without a word: nothing arrives in either direction, and nobody is told.
    pub(super) fn vanish(self, fate: Fate) {
        self.link.befall(fate);
    }
}

impl LinkState {
    fn incoming(&mut self, side: Side) -> &mut Pipe {
        match side {
            Side::Client => &mut self.down,
            Side::Server => &mut self.up,
        }
    }

    fn outgoing(&mut self, side: Side) -> &mut Pipe {
        match side {
            Side::Client => &mut self.up,
            Side::Server => &mut self.down,
        }
    }
}

impl AsyncRead for SimStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        // As a socket's readiness does.
        let budget = ready!(poll_proceed(cx));
        let Self { link, side, timer } = self.get_mut();
        let before = buffer.filled().len();
        loop {
            let mut state = link.state();
            let incoming = state.incoming(*side);
            incoming.listen_as_reader(cx);
            match incoming.read(buffer)? {
                Found::Bytes(count) => {
                    budget.made_progress();
                    match side {
                        Side::Server if !state.server_shut_down => {
                            state.read += count as u64;
                            state.heard = Instant::now();
                        }
                        Side::Server => {}
                        Side::Client => {
                            let port = link.peer.port().into();
                            link.world.hash(1, port, &buffer.filled()[before..]);
                        }
                    }
                    return Poll::Ready(Ok(()));
                }
                Found::End => return Poll::Ready(Ok(())),
                Found::Nothing => return Poll::Pending,
                Found::NotBefore(due) => {
                    drop(state);
                    let timer = timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
                    if timer.deadline() != due {
                        timer.as_mut().reset(due);
                    }
                    ready!(timer.as_mut().poll(cx));
                }
            }
        }
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let budget = ready!(poll_proceed(cx));
        let mut state = self.link.state();
        let outgoing = state.outgoing(self.side);
        let count = outgoing.write(bytes)?;
        if count == 0 && !bytes.is_empty() {
            outgoing.listen_as_writer(cx);
            return Poll::Pending;
        }
        if self.side == Side::Server {
            state.written += count as u64;
        }
        budget.made_progress();
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.link.state();
        state.outgoing(self.side).end();
        if self.side == Side::Server {
            state.server_shut_down = true;
            state.server_ended.get_or_insert_with(Instant::now);
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for SimStream {
    fn drop(&mut self) {
        let mut state = self.link.state();
        let unread = state.incoming(self.side).close_for_reading();
        match state.outgoing(self.side) {
            // As the kernel does where bytes came that nobody has read.
            pipe if unread && pipe.fate == Fate::Carries => pipe.set(Fate::Reset),
            pipe => pipe.end(),
        }
        match self.side {
            Side::Client => state.client_has_it = false,
            Side::Server => {
                state.server_has_it = false;
                state.server_ended.get_or_insert_with(Instant::now);
            }
        }
    }
}
