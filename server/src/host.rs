//! What all sessions of a server share, and the protocol they speak.

use crate::{
    accounts::{Accounts, Cost, Policy, Pool},
    config::Config,
    directory::{Directory, RoomLimits},
    ending::Ending,
    games::Games,
    greeting::{Greeting, begins_hello},
    metrics::{MeteredStore, Metrics},
    outgoing::{Outgoing, frame},
    people::People,
    player::{Player, Rates},
    resume::{Grace, Registry, TokenSource},
    room::RingLimits,
    saving::{self, Saver},
    server::admission_limits,
    store::{MemoryStore, Store, StoreError},
};
use malpan_net::{CloseReason, Frame, Protocol, Refusal, SessionHandle, Shard};
use malpan_protocol::{DenialCode, KickReason, MAX_SERVER_FRAME, ServerPacket};
use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// The game side of a server: rooms, accounts and limits. Cheap to clone; all clones are the same host.
///
/// It is a [`Protocol`], so it serves whatever streams a [`Shard`](malpan_net::Shard) is given: sockets in production,
/// in-memory streams in a simulation.
#[derive(Clone)]
pub struct Host(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) rates: Rates,
    pub(crate) directory: Directory,
    pub(crate) accounts: Accounts,
    pub(crate) registry: Registry,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) saver: Saver,
    pub(crate) people: People,
    pub(crate) metrics: Metrics,
    pub(crate) outgoing: Outgoing,
    /// How many lecture clients have been given a name.
    pub(crate) lecture_clients: AtomicU64,
    /// The same for everyone, so encoded once.
    heartbeat: Frame,
    /// When a server that was asked to stop will have stopped.
    draining: OnceLock<Instant>,
    /// What was kept has not come back yet: nobody is let in.
    loading: AtomicBool,
}

impl Host {
    /// A host without players, with the games that come with Malpan. What it keeps is gone with it.
    #[must_use]
    pub fn new(config: Config) -> Self {
        let games = Games::standard(&config.game);
        Self::with_games(config, games)
    }

    /// As [`Host::new`], with these games.
    #[must_use]
    pub fn with_games(config: Config, games: Games) -> Self {
        let pool = Pool::on_the_spot(password_cost(&config));
        let (tokens, store) = (TokenSource::system(), Arc::new(MemoryStore::default()));
        Self::on(config, games, Vec::new(), rand::random(), tokens, store, pool)
    }

    /// As [`Host::with_games`], with its rooms on `rules`, so that rules that take long hold up no session. Where that is
    /// empty, each room runs on the shard of whoever opened it. From `seed` the games' chance comes. What outlives the host
    /// is in `store`; passwords are hashed in `pool`.
    pub(crate) fn on(
        config: Config,
        games: Games,
        rules: Vec<Shard>,
        seed: u64,
        tokens: TokenSource,
        store: Arc<dyn Store>,
        pool: Pool,
    ) -> Self {
        let grace = Grace { time: config.limits.resume_grace, limits: admission_limits(&config) };
        // Where nobody comes back, nothing is kept for them.
        let kept = if grace.time.is_zero() { 0 } else { config.limits.ring_events };
        let limits = RoomLimits {
            rooms: config.limits.rooms,
            watchers: config.limits.watchers_per_room,
            tick: config.game.tick,
            inbox: config.limits.room_inbox,
            empty_grace: config.limits.empty_room_grace,
            barred_for: config.limits.removed_for,
            kept: RingLimits { events: kept, bytes: config.limits.ring_bytes },
            // The answer and the snapshot behind it have to fit as well.
            replay: config.limits.queue_bytes.saturating_sub(MAX_SERVER_FRAME),
        };
        let metrics = Metrics::default();
        let store: Arc<dyn Store> = Arc::new(MeteredStore::new(store, metrics.clone()));
        // Who cannot come back needs no room to come back to.
        let saver = if grace.time.is_zero() { Saver::off() } else { Saver::new(Arc::clone(&store)) };
        let accounts = Accounts::new(policy(&config), Arc::clone(&store), pool);
        Self(Arc::new(Shared {
            rates: Rates::new(&config.limits),
            directory: Directory::new(games, limits, rules, seed, metrics.clone(), saver.clone()),
            registry: Registry::new(grace, tokens, accounts.clone(), Arc::clone(&store), saver.clone()),
            accounts,
            saver,
            store,
            people: People::new(config.limits.lobby_deliveries_per_second),
            outgoing: Outgoing::new(metrics.clone()),
            metrics,
            lecture_clients: AtomicU64::new(0),
            heartbeat: frame(&ServerPacket::Ping { nonce: 0 }),
            draining: OnceLock::new(),
            loading: AtomicBool::new(false),
            config,
        }))
    }

    /// The games that can be played.
    #[must_use]
    pub fn games(&self) -> &Games {
        self.0.directory.games()
    }

    /// Rooms that are open.
    #[must_use]
    pub fn rooms(&self) -> usize {
        self.0.directory.rooms()
    }

    /// Seats that are taken or reserved, in all rooms.
    #[must_use]
    pub fn seats_taken(&self) -> usize {
        self.0.directory.seats_taken()
    }

    /// Players who are signed in and not away.
    #[must_use]
    pub fn signed_in(&self) -> usize {
        self.0.accounts.signed_in().saturating_sub(self.away())
    }

    /// Players whose connections were lost and who may come back.
    #[must_use]
    pub fn away(&self) -> usize {
        self.0.registry.away()
    }

    /// Where it keeps what outlives it.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.0.store
    }

    /// What players and rooms report.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// From now on no room can be joined or opened, and the server is not ready. It will have stopped within that time.
    pub fn start_draining(&self, within: Duration) {
        // An error means that it has been asked to before; it stops as it said then.
        let _ = self.0.draining.set(Instant::now() + within);
        self.0.directory.keep_empty_rooms_no_more();
    }

    /// Has every room send what it holds back for its next flush and save how it stands, and waits until all have. From then
    /// on nothing happens in them, and nothing that happens is kept.
    pub async fn finish_rooms(&self) {
        self.0.directory.finish_rooms().await;
    }

    /// Rooms and resume tokens that have changed and are not in the store yet.
    #[must_use]
    pub fn unsaved(&self) -> usize {
        self.0.saver.waiting()
    }

    /// Whether what was kept has not come back yet, and nobody is let in.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.0.is_loading()
    }

    /// Nobody is let in until [`Host::load`] has succeeded.
    pub(crate) fn expect_load(&self) {
        self.0.loading.store(true, Ordering::Release);
    }

    /// Opens the rooms that the store has kept, on `shards`, and expects those who sat there. Where the store does not answer,
    /// it can be tried again.
    pub(crate) async fn load(&self, shards: &[Shard]) -> Result<(), StoreError> {
        let loaded = saving::load(&self.0, shards).await?;
        self.0.loading.store(false, Ordering::Release);
        if loaded != Default::default() {
            let saving::Loaded { rooms, players, set_aside } = loaded;
            tracing::info!(rooms, players, set_aside, "what was kept has come back");
        }
        Ok(())
    }

    /// What a client without TLS is told on a port that speaks it, in its own words; nothing where its first bytes are no
    /// hello's.
    pub(crate) fn tls_required(&self, first: [u8; 3]) -> Option<Frame> {
        let why = "this port speaks TLS; connect with --tls";
        begins_hello(first).then(|| self.0.outgoing.denied(DenialCode::TlsRequired, why))
    }

    /// Whether nobody is playing: whoever still has a seat is away.
    pub(crate) fn nobody_plays(&self) -> bool {
        self.seats_taken() <= self.0.registry.seats_away()
    }

    /// Whoever is away is given up; from now on nobody is expected back.
    pub(crate) fn expect_nobody_back(&self) {
        self.0.registry.close();
    }

    /// What its sessions share.
    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.0)
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.0.is_draining()
    }

    #[cfg(test)]
    pub(crate) fn directory(&self) -> &Directory {
        &self.0.directory
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }
}

impl Shared {
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get().is_some()
    }

    pub(crate) fn is_loading(&self) -> bool {
        self.loading.load(Ordering::Acquire)
    }

    /// What a draining server tells everyone who is signed in or signs in; `None` where it is not draining.
    pub(crate) fn draining(&self) -> Option<ServerPacket> {
        let left = self.draining.get()?.saturating_duration_since(Instant::now());
        // Rounded: the first hear the limit itself.
        let seconds = u16::try_from(left.as_millis().saturating_add(500) / 1000).unwrap_or(u16::MAX);
        Some(ServerPacket::Draining { seconds })
    }
}

impl Protocol for Host {
    type Decoder = Greeting;
    type Service = Player;

    fn decoder(&self) -> Greeting {
        Greeting::new(self.0.metrics.clone())
    }

    fn open(&self, session: SessionHandle) -> Player {
        Player::new(Arc::clone(&self.0), session)
    }

    fn farewell(&self, reason: CloseReason) -> Option<Frame> {
        let kick = match reason {
            CloseReason::Refused(refusal) => {
                let code = match refusal {
                    Refusal::Full => DenialCode::ServerFull,
                    Refusal::AddressFull => DenialCode::AddressFull,
                    Refusal::PendingFull => DenialCode::TooManyUnsigned,
                };
                return Some(self.0.outgoing.denied(code, refusal));
            }
            // Whoever is gone hears nothing; to whoever sent garbage the player has said what there is to say.
            CloseReason::Handshake | CloseReason::PeerClosed | CloseReason::Broken | CloseReason::Malformed => {
                return None;
            }
            CloseReason::SlowConsumer | CloseReason::WriteStalled => KickReason::SlowConsumer,
            CloseReason::Silent => KickReason::Silent,
            CloseReason::Deadline => KickReason::TooLate,
            CloseReason::Panicked => KickReason::InternalError,
            CloseReason::Stopping => KickReason::Stopping,
            CloseReason::Service(code) => Ending::of(code)?.kick()?,
        };
        Some(self.0.outgoing.kicked(kick))
    }

    fn signs_in(&self) -> bool {
        true
    }

    fn heartbeat(&self) -> Option<Frame> {
        Some(self.0.heartbeat.clone())
    }
}

/// What a password's hash costs, as `config` has it.
pub(crate) fn password_cost(config: &Config) -> Cost {
    let accounts = &config.accounts;
    Cost { memory_kib: accounts.argon2_memory_kib, iterations: accounts.argon2_iterations }
}

/// What holds for signing in, as `config` has it.
fn policy(config: &Config) -> Policy {
    let exempt = config.limits.exempt_addresses.clone();
    Policy {
        require_login: config.accounts.require_login,
        exempt: Arc::new(move |address| exempt.iter().any(|network| network.contains(address))),
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({} rooms, {} signed in)", self.rooms(), self.signed_in())
    }
}
