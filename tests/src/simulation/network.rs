//! The network: links with latency, jitter and buffers, that are held, cut, reset and repaired, and listeners that fail.

use super::{
    pipe::{Fate, Pipe, Quality},
    stream::{HandOver, Link, SimStream},
    world::World,
};
use malpan_net::{Listener, Settings};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::{
    collections::BTreeMap,
    future::pending,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

type Arrival = io::Result<(SimStream, SocketAddr)>;

/// The server's side of a door: what would be a listening socket.
#[derive(Debug)]
pub(super) struct SimListener(mpsc::UnboundedReceiver<Arrival>);

/// Where a client connects to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Players,
    Lecture,
}

/// The network of one run. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Network {
    world: Arc<World>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    rng: StdRng,
    players: mpsc::UnboundedSender<Arrival>,
    lecture: mpsc::UnboundedSender<Arrival>,
    last_port: u16,
    /// By the port of the client, which is another for each connection. Those that neither end has any more are forgotten.
    links: BTreeMap<u16, Arc<Link>>,
    forgotten: Carried,
}

/// What sessions have read and written, and how many connections the server has accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Carried {
    pub(super) read: u64,
    pub(super) written: u64,
    pub(super) accepted: u64,
}

impl Network {
    pub(super) fn new(world: &Arc<World>, seed: u64) -> (Self, SimListener, SimListener) {
        let (players, at_players) = mpsc::unbounded_channel();
        let (lecture, at_lecture) = mpsc::unbounded_channel();
        let inner = Inner {
            rng: StdRng::seed_from_u64(seed),
            players,
            lecture,
            last_port: 0,
            links: BTreeMap::new(),
            forgotten: Carried::default(),
        };
        let network = Self { world: Arc::clone(world), inner: Arc::new(Mutex::new(inner)) };
        (network, SimListener(at_players), SimListener(at_lecture))
    }

    /// Connects from `address`. The link is as good or bad as chance has it.
    pub(super) fn connect(&self, door: Door, address: IpAddr) -> io::Result<SimStream> {
        let mut inner = self.inner();
        let bad = inner.rng.random_ratio(1, 4);
        let quality = Quality {
            latency: Duration::from_millis(inner.rng.random_range(0..=if bad { 150 } else { 20 })),
            jitter_ms: if bad { 80 } else { 5 },
            most_read: [7, 100, 1500, 16_384][inner.rng.random_range(usize::from(!bad)..4)],
            capacity: [600, 4096, 16_384, 65_536][inner.rng.random_range(usize::from(!bad)..4)],
        };
        let mut pipe = || Pipe::new(quality, StdRng::seed_from_u64(inner.rng.random()));
        let (up, down) = (pipe(), pipe());
        inner.last_port += 1;
        let peer = SocketAddr::new(address, inner.last_port);
        let (link, ours, theirs) = Link::new(peer, Arc::clone(&self.world), up, down);
        if inner.rng.random_ratio(1, 60) {
            let at = [HandOver::AtTheAcceptor, HandOver::AtTheShard][inner.rng.random_range(0..2)];
            link.state().fails = Some(at);
            link.state().disturbed = true;
        }
        let door = match door {
            Door::Players => &inner.players,
            Door::Lecture => &inner.lecture,
        };
        if door.send(Ok((theirs, peer))).is_err() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        inner.links.insert(peer.port(), link);
        Ok(ours)
    }

    /// The next call to accept fails.
    pub(super) fn fail_to_accept(&self, error: io::Error) {
        let _ = self.inner().players.send(Err(error));
    }

    /// Forgets the connections that are over, and adds up what all have carried.
    pub(super) fn carried(&self) -> Carried {
        let mut inner = self.inner();
        let Inner { links, forgotten, .. } = &mut *inner;
        let mut sum = Carried::default();
        links.retain(|_, link| {
            let state = link.state();
            let over = !state.server_has_it && !state.client_has_it;
            let to = if over { &mut *forgotten } else { &mut sum };
            to.accepted += u64::from(state.accepted);
            if state.handed_over {
                to.read += state.read;
                to.written += state.written;
            }
            !over
        });
        sum.read += forgotten.read;
        sum.written += forgotten.written;
        sum.accepted += forgotten.accepted;
        sum
    }

    /// The connection from that port, while an end of it is there.
    pub(super) fn link(&self, port: u16) -> Option<Arc<Link>> {
        self.inner().links.get(&port).cloned()
    }

    /// What the kernel does about dead peers where the protocol does nothing; see malpan-net's `options.rs`.
    pub(super) fn keep_alive(&self, silence: Duration) {
        for link in self.inner().links.values() {
            let mut state = link.state();
            if state.keepalive && state.lost_since.is_some_and(|since| since.elapsed() >= silence) {
                state.up.set(Fate::Reset);
                state.down.set(Fate::Reset);
            }
        }
    }

    /// Connections that the server has and no client.
    pub(super) fn half_open(&self) -> usize {
        let half = |link: &&Arc<Link>| {
            let state = link.state();
            state.server_has_it && !state.client_has_it
        };
        self.inner().links.values().filter(half).count()
    }

    /// Connections of which both ends are there.
    pub(super) fn open_links(&self) -> Vec<Arc<Link>> {
        let open = |link: &&Arc<Link>| {
            let state = link.state();
            state.server_has_it && state.client_has_it
        };
        self.inner().links.values().filter(open).cloned().collect()
    }

    /// Connections that the server has in some way: those that were refused and are told so, and all.
    pub(super) fn at_the_server(&self) -> (usize, usize) {
        let inner = self.inner();
        let mut counts = (0, 0);
        for link in inner.links.values() {
            let state = link.state();
            if state.server_has_it && state.accepted {
                counts.0 += usize::from(!state.handed_over);
                counts.1 += 1;
            }
        }
        counts
    }

    /// Every fault is over. A client whose link was cut learns of it; the server has to find out by itself.
    pub(super) fn repair(&self) {
        for link in self.inner().links.values() {
            let mut state = link.state();
            if state.up.fate == Fate::Held {
                state.up.set(Fate::Carries);
            }
            match state.down.fate {
                Fate::Held => state.down.set(Fate::Carries),
                Fate::Cut | Fate::Vanishes if state.client_has_it => state.down.set(Fate::Reset),
                _ => {}
            }
            // A client that waits to write would wait for ever.
            if state.client_has_it && matches!(state.up.fate, Fate::Cut) {
                state.up.set(Fate::Vanishes);
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener for SimListener {
    type Stream = SimStream;

    async fn accept(&mut self) -> Arrival {
        let Some(arrival) = self.0.recv().await else { return pending().await };
        if let Ok((stream, _)) = &arrival {
            let mut state = stream.link.state();
            state.accepted = true;
            (state.accepted_at, state.heard) = (Instant::now(), Instant::now());
        }
        arrival
    }

    fn hand_over(
        stream: SimStream,
        _: &Settings,
        has_heartbeat: bool,
    ) -> io::Result<impl FnOnce() -> io::Result<SimStream> + Send + use<>> {
        let fails = {
            let mut state = stream.link.state();
            state.handed_over = true;
            state.keepalive = !has_heartbeat;
            state.fails
        };
        if fails == Some(HandOver::AtTheAcceptor) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(move || match fails {
            Some(_) => Err(io::ErrorKind::NotConnected.into()),
            None => Ok(stream),
        })
    }
}
