//! A whole server: listeners, shard threads, a host, and how it stops.

use crate::{
    accounts::Pool,
    config::Config,
    control::{self, Listening, Operator},
    everyone::Everyone,
    games::Games,
    host::{Host, password_cost},
    http,
    lecture::Lecture,
    metrics::Sources,
    resume::TokenSource,
    store::{self, OpenError, Store},
    tls::{self, Reload, TlsError, TlsFiles},
};
use malpan_net::{
    Admission, AdmissionLimits, CloseReason, Counters, Listener, QueueLimits, Settings, Shard, ShardThread, Tcp, Tls,
    accept, bind, rustls,
};
use std::{
    convert::Infallible,
    fmt,
    future::{Future, pending},
    io,
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::TcpListener,
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use tokio_util::sync::CancellationToken;

/// The end of a drain that belongs to saying goodbye: rooms flush, queues are written, connections closed.
const GOODBYE: Duration = Duration::from_secs(2);
/// What the rooms get of it for their last flush, and to save how they stand.
const ROOMS_FINISH_WITHIN: Duration = Duration::from_millis(300);
/// What the goodbye gets however short the drain is.
const SHORTEST_GOODBYE: Duration = Duration::from_secs(1);

/// A server that listens and does not serve yet.
pub struct Server<L = TcpListener> {
    ground: Ground<L>,
    http: Option<TcpListener>,
    addresses: Addresses,
    /// Of the shards and the rules, where they have threads of their own.
    threads: Vec<ShardThread>,
    admission: Arc<Admission>,
    host: Host,
    /// What players' connections go through, where that is not plain TCP, and what keeps it as its files are.
    tls: Option<Tls>,
    reload: Option<Reload>,
    /// Where the operator's commands come from.
    control: Option<Listening>,
}

/// After the store has not answered.
const LOAD_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What a server stands on: where connections come from, and where its tasks run.
#[derive(Debug)]
pub struct Ground<L> {
    /// Where players come from.
    pub listeners: Vec<L>,
    /// With what players' connections are encrypted; `None` leaves them plain.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Where lecture clients come from.
    pub lecture: Option<L>,
    /// Where sessions run, and with them the rooms unless there are `rules`.
    pub shards: Vec<Shard>,
    /// Where rooms run, where that is apart.
    pub rules: Vec<Shard>,
    /// What all of the shards count on.
    pub counters: Arc<Counters>,
    /// From this the games' chance comes: with the same seed, rooms that are opened in the same order have the same.
    pub seed: u64,
    /// Where the tokens come from with which players come back.
    pub tokens: TokenSource,
    /// Where the server keeps what outlives it.
    pub store: Arc<dyn Store>,
}

/// Where a server listens, with the ports that were given for port 0.
#[derive(Debug, Default)]
struct Addresses {
    listen: Vec<SocketAddr>,
    http: Option<SocketAddr>,
    lecture: Option<SocketAddr>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {}", explain(.source, .flag))]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The flag that sets it, with its dashes.
        flag: &'static str,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The control channel cannot be had.
    #[error(
        "cannot listen on the control channel {}: {source}; name another place with --control PATH, or go without it with --control off",
        path.display()
    )]
    Control {
        /// Where it was to be.
        path: PathBuf,
        /// What is in the way.
        source: io::Error,
    },
    /// The signal for a new certificate cannot be caught.
    #[error("cannot catch SIGHUP: {0}")]
    Hangup(io::Error),
    /// What it shall keep cannot be kept.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// No thread or readiness queue for a shard.
    #[error("cannot start a shard: {0}")]
    Shard(#[from] io::Error),
}

/// How a server is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stop {
    /// The whole time there is for it, where that is less than the configured drain.
    pub within: Option<Duration>,
}

impl Server {
    /// Listens on every configured address, opens the store and starts the shards, with the games that come with Malpan. Call it on a Tokio
    /// runtime; the acceptors will run there.
    ///
    /// # Errors
    /// [`StartError`] where an address or the store cannot be had, or there is no certificate where one is named.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let games = Games::standard(&config.game);
        Self::start_with(config, games)
    }

    /// As [`Server::start`], with these games.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_with(config: Config, games: Games) -> Result<Self, StartError> {
        let tls = TlsFiles::of(&config.tls);
        // How they look is noted before they are read: what changes in between is loaded anew.
        let tls = tls.map(|files| Ok::<_, TlsError>((tls::look(&files), files.load()?, files))).transpose()?;
        let listen = |flag, address| bind(address).map_err(|source| StartError::Listen { address, flag, source });
        let listeners =
            config.listen.iter().map(|&address| listen("--listen", address)).collect::<Result<Vec<_>, _>>()?;
        let http = config.http.address().map(|address| listen("--http", address)).transpose()?;
        let lecture = config.lecture.address().map(|address| listen("--lecture", address)).transpose()?;
        let addresses = Addresses {
            listen: listeners.iter().map(TcpListener::local_addr).collect::<Result<_, _>>()?,
            http: http.as_ref().map(TcpListener::local_addr).transpose()?,
            lecture: lecture.as_ref().map(TcpListener::local_addr).transpose()?,
        };
        // Behind the addresses: a second server by mistake says which port is in use.
        let store = store::open(&config.store)?;
        // Behind the store: whoever has that is the one server of it.
        let control = config.control.path(&config.store);
        let control = control.map(|path| Listening::at(&path).map_err(|source| StartError::Control { path, source }));
        let counters = Arc::<Counters>::default();
        let (count, settings) = (config.shard_count(), session_settings(&config));
        let start = |index| ShardThread::start(index, settings.clone(), Arc::clone(&counters));
        let threads = (0..count + config.rules_threads).map(start).collect::<Result<Vec<_>, _>>()?;
        let mut shards: Vec<_> = threads.iter().map(|thread| thread.shard().clone()).collect();
        let rules = shards.split_off(count);
        let tls_config = tls.as_ref().map(|(_, loaded, _)| Arc::clone(&loaded.config));
        let (seed, tokens) = (rand::random(), TokenSource::system());
        let ground = Ground { listeners, tls: tls_config, lecture, shards, rules, counters, seed, tokens, store };
        let pool = Pool::start(password_cost(&config))?;
        let control = control.transpose()?;
        let mut server = Self { http, addresses, threads, control, ..Self::hashing_in(pool, ground, config, games) };
        if let (Some((look, loaded, files)), Some(tls)) = (tls, &server.tls) {
            tls::note(&loaded, "start");
            server.reload = Some(Reload::new(files, tls.clone(), look).map_err(StartError::Hangup)?);
        }
        Ok(server)
    }

    /// The addresses listened on, with the ports that were given for port 0.
    #[must_use]
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses.listen
    }

    /// Where health and metrics are served, with the port that was given for port 0; `None` where they are off.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.addresses.http
    }

    /// Where lecture clients are awaited, with the port that was given for port 0; `None` where they are not.
    #[must_use]
    pub fn lecture_address(&self) -> Option<SocketAddr> {
        self.addresses.lecture
    }
}

impl<L: Listener> Server<L> {
    /// A server on ground of the caller's own, such as a simulation's, without HTTP. Of `config`, the addresses, the
    /// store and the numbers of threads are not looked at. It cannot fail, for what it could fail at is there.
    #[must_use]
    pub fn on(ground: Ground<L>, config: Config, games: Games) -> Self {
        // Threads of its own would be none of the ground's, and know nothing of its clock.
        let pool = Pool::on_the_spot(password_cost(&config));
        Self::hashing_in(pool, ground, config, games)
    }

    fn hashing_in(pool: Pool, mut ground: Ground<L>, config: Config, games: Games) -> Self {
        let admission = Admission::new(admission_limits(&config));
        let (rules, store) = (ground.rules.clone(), Arc::clone(&ground.store));
        let host = Host::on(config, games, rules, ground.seed, std::mem::take(&mut ground.tokens), store, pool);
        host.expect_load();
        let tls = ground.tls.clone().map(|config| {
            let host = host.clone();
            Tls::answering(config, move |first| host.tls_required(first))
        });
        let (addresses, threads) = (Addresses::default(), Vec::new());
        Self { ground, http: None, addresses, threads, admission, host, tls, reload: None, control: None }
    }

    /// Opens the rooms that the store has kept; whoever sat there may come back. [`Server::run`] does it where it was not
    /// done before. Where the store does not answer, that goes on trying, and nobody is let in meanwhile.
    pub async fn load(&self) {
        if let Err(error) = self.host.load(&self.ground.shards).await {
            tracing::debug!(%error, "what was kept cannot be loaded yet");
        }
    }

    /// The game side.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// What the connections were counted as so far.
    #[must_use]
    pub fn counters(&self) -> &Arc<Counters> {
        &self.ground.counters
    }

    /// Who is connected.
    #[must_use]
    pub fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    /// The shards on which the sessions and rooms live.
    pub fn shards(&self) -> impl Iterator<Item = &Shard> {
        self.ground.shards.iter()
    }

    /// Serves until `stop`, then drains: tells everyone, takes nobody in, lets the seated play on until all have left or
    /// time is nearly up, and says goodbye. Returns within the configured drain (or [`Stop::within`]), but takes up to
    /// one second for the goodbye however short that is.
    pub async fn run(self, stop: impl Future<Output = Stop>) {
        let Self {
            ground,
            http: http_listener,
            addresses: _,
            threads: _threads,
            admission,
            host,
            tls,
            reload,
            control,
        } = self;
        let Ground { listeners, lecture, shards, rules, counters, .. } = ground;
        let shards: Arc<[Shard]> = shards.into();
        // Ends with this function, and with it every connection of HTTP: it answers as long as the server is there.
        let mut beside = JoinSet::new();
        if let Some(reload) = reload {
            beside.spawn(reload.run());
        }
        if let Some(listener) = http_listener {
            let all = shards.iter().chain(&rules).cloned().collect();
            beside.spawn(http::serve(listener, Sources::new(host.clone(), Arc::clone(&admission), counters, all)));
        }
        beside.spawn(host.shared().saver.clone().run());
        beside.spawn(host.shared().registry.clone().prolong_tokens());
        beside.spawn(host.shared().registry.clone().watch_accounts());
        if host.is_loading()
            && let Err(error) = host.load(&shards).await
        {
            tracing::warn!(%error, "the store does not answer; nobody is let in until it does");
            beside.spawn(load_later(host.clone(), Arc::clone(&shards)));
        }
        let everyone = Arc::new(Everyone::new(host.clone(), Arc::clone(&shards)));
        if let Some(listening) = control {
            let (store, changes) = (Arc::clone(host.store()), host.shared().accounts.changes());
            beside.spawn(control::serve(listening, Operator::new(store, Arc::clone(&everyone) as _, changes)));
        }
        let stop_accepting = CancellationToken::new();
        let mut acceptors = JoinSet::new();
        for listener in listeners {
            let (shards, admission) = (Arc::clone(&shards), Arc::clone(&admission));
            let (host, stop) = (host.clone(), stop_accepting.clone());
            match &tls {
                Some(tls) => acceptors.spawn(accept(listener, tls.clone(), shards, admission, host, stop)),
                None => acceptors.spawn(accept(listener, Tcp, shards, admission, host, stop)),
            };
        }
        if let Some(listener) = lecture {
            let (shards, admission) = (Arc::clone(&shards), Arc::clone(&admission));
            acceptors.spawn(accept(listener, Tcp, shards, admission, Lecture::new(&host), stop_accepting.clone()));
        }
        let stop = stop.await;
        let drain = host.config().drain;
        let limit = stop.within.map_or(drain, |within| within.min(drain));
        // First of all: who balances load learns of it before anybody is turned away.
        host.start_draining(limit);
        stop_accepting.cancel();
        while acceptors.join_next().await.is_some() {}

        drain_and_close(&everyone, &host, &shards, &rules, limit).await;
    }
}

impl<L> fmt::Debug for Server<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({:?}, {} shards)", self.addresses, self.ground.shards.len())
    }
}

/// Until the store answers.
async fn load_later(host: Host, shards: Arc<[Shard]>) -> Infallible {
    while let Err(error) = host.load(&shards).await {
        tracing::debug!(%error, "what was kept cannot be loaded yet");
        sleep(LOAD_AGAIN_AFTER).await;
    }
    tracing::info!("the store answers; players are let in");
    pending().await
}

/// The drain itself. `limit` is the whole time for it.
async fn drain_and_close(everyone: &Everyone, host: &Host, shards: &[Shard], rules: &[Shard], limit: Duration) {
    let started = Instant::now();
    let play_until = started + limit.saturating_sub(GOODBYE);
    let end = started + limit.max(SHORTEST_GOODBYE);
    tracing::info!(players = host.signed_in(), rooms = host.rooms(), limit = ?limit, "draining");
    announce(everyone, host);
    tokio::select! {
        biased;
        () = nobody_plays(host) => {}
        () = sleep_until(play_until) => {}
    }
    // Rules that take long do not keep the others from their goodbye.
    let _ = timeout_at(end.min(Instant::now() + ROOMS_FINISH_WITHIN), host.finish_rooms()).await;
    // Whoever goes from now on goes because the server does, and may come back to the next one.
    let saver = &host.shared().saver;
    saver.freeze();
    let goodbye = async {
        shards.iter().for_each(|shard| shard.close_all(CloseReason::Stopping));
        host.expect_nobody_back();
        // The rooms after the sessions that hold them open.
        for shard in shards.iter().chain(rules) {
            shard.finished().await;
        }
    };
    let (left, saved) = tokio::join!(timeout_at(end, goodbye), saver.finish(end));
    if !saved {
        tracing::error!(
            unsaved = saver.waiting(),
            "the store did not take the last of the rooms and resume tokens in time"
        );
    }
    if left.is_err() {
        let left: usize = shards.iter().map(Shard::sessions).sum();
        tracing::warn!(sessions = left, "some clients did not take their goodbye in time");
    }
    tracing::info!(took = ?started.elapsed(), "stopped");
}

/// Tells everyone who is signed in; who signs in later is told then.
fn announce(everyone: &Everyone, host: &Host) {
    if let Some(draining) = host.shared().draining() {
        everyone.send(&draining);
    }
}

async fn nobody_plays(host: &Host) {
    while !host.nobody_plays() {
        sleep(Duration::from_millis(20)).await;
    }
}

/// What a session is held to, as `config` has it.
#[must_use]
pub fn session_settings(config: &Config) -> Settings {
    let limits = &config.limits;
    Settings {
        queue: QueueLimits {
            messages: limits.queue_messages,
            bytes: limits.queue_bytes,
            lag_messages: limits.lag_messages,
            lag_bytes: limits.lag_bytes,
            recovered_messages: limits.recovered_messages,
        },
        // One time for both: what the handshake leaves of it is the hello's.
        handshake_within: limits.hello_within,
        write_stall: limits.write_stall,
        ping_after: Some(limits.ping_after),
        silence: Some(limits.silence),
        send_buffer_bytes: (limits.send_buffer_bytes > 0).then_some(limits.send_buffer_bytes),
        poll_interval: config.poll_interval,
        ..Settings::default()
    }
}

/// Who may connect, as `config` has it.
#[must_use]
pub fn admission_limits(config: &Config) -> AdmissionLimits {
    let limits = &config.limits;
    let exempt = limits.exempt_addresses.clone();
    AdmissionLimits {
        sessions: limits.sessions,
        pending: limits.unsigned,
        per_address: limits.sessions_per_address,
        exempt: Arc::new(move |address| exempt.iter().any(|network| network.contains(address))),
    }
}

/// What to do about it, where that is known.
fn explain(error: &io::Error, flag: &str) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("the port is in use; stop the other server or choose another port with {flag}")
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".into(),
        io::ErrorKind::PermissionDenied => format!("{error}; ports below 1024 need the right to use them"),
        _ => error.to_string(),
    }
}
