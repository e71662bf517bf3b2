//! One seed's run, from the first connection to the last.

use super::{
    faults,
    honest::{Honest, Standing, Standings},
    hostile::Hostile,
    invariants::Watch,
    mirror::{Listening, Mirror, locked},
    network::{Door, Network, SimListener},
    observed::{self, BY_DESIGN, Records},
    plan::{End, Plan},
    world::{Phase, World},
};
use malpan_client::{Client, ConnectOptions};
use malpan_net::{Count, Counters, Shard};
use malpan_protocol::{Name, RoomFilter, RoomId, Rooms};
use malpan_server::{Ground, Server, Stop, session_settings};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::{
    collections::BTreeMap,
    fmt,
    net::IpAddr,
    panic,
    sync::{Arc, Mutex, Once, PoisonError},
    time::Duration,
};
use tokio::{
    runtime::{Builder, Handle},
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::task::TaskTracker;

/// How a seed went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Over everything that clients received, when, and who sat where: the same each time.
    pub hash: u64,
    /// After each of these the invariants held.
    pub steps: u32,
    /// Simulated time.
    pub took: Duration,
    /// What happened, and how often.
    pub tally: BTreeMap<&'static str, u64>,
}

/// What did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The step after which it was found.
    pub step: u32,
    /// What is wrong.
    pub what: String,
    /// The hash until then: the same each time.
    pub hash: u64,
    /// The end of the trace.
    pub lines: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, step, what, hash, lines } = self;
        lines.iter().try_for_each(|line| writeln!(f, "    {line}"))?;
        writeln!(f, "seed {seed}, step {step}, trace {hash:016x}: {what}")?;
        write!(f, "  again: cargo run -p malpan-e2e --bin simulate -- --seed {seed}")
    }
}

/// Runs one seed. One that fails is run again for its trace.
///
/// # Errors
/// What did not hold.
pub fn run(seed: u64) -> Result<Outcome, Box<Failure>> {
    once(seed, false, false).or_else(|_| once(seed, true, false))
}

/// Runs one seed and prints its trace meanwhile.
///
/// # Errors
/// As [`run`].
pub fn run_aloud(seed: u64) -> Result<Outcome, Box<Failure>> {
    once(seed, true, true)
}

fn once(seed: u64, keep_lines: bool, echo: bool) -> Result<Outcome, Box<Failure>> {
    hush_designed_panics();
    // No I/O driver: nothing here may touch a real socket.
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    let mut world = None;
    let took = runtime.block_on(async {
        let began = Instant::now();
        let world = world.insert(World::new(keep_lines, echo));
        let (mirror, records) = (Arc::<Mutex<Mirror>>::default(), Records::default());
        let listening = Listening { world: Arc::clone(world), mirror: Arc::clone(&mirror), records: records.clone() };
        let _listening = tracing::subscriber::set_default(listening);
        let mut driver = Driver::new(seed, world, mirror, records);
        driver.drive().await;
        for &count in Count::ALL {
            world.count_many(count.label(), driver.watch.counters.value(count));
        }
        began.elapsed()
    });
    drop(runtime);
    let world = world.expect("it ran");
    let (hash, steps, tally, failure, lines) = world.result();
    match failure {
        None => Ok(Outcome { seed, hash, steps, took, tally }),
        Some((step, what)) => Err(Box::new(Failure { seed, step, what, hash, lines })),
    }
}

struct Driver {
    rng: StdRng,
    plan: Plan,
    world: Arc<World>,
    network: Network,
    watch: Watch,
    records: Records,
    standings: Standings,
    server: JoinHandle<()>,
    stop: Option<oneshot::Sender<()>>,
    hostile: Vec<JoinHandle<()>>,
    hostile_so_far: u32,
    names: Vec<Name>,
}

impl Driver {
    fn new(seed: u64, world: &Arc<World>, mirror: Arc<Mutex<Mirror>>, records: Records) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let plan = Plan::from(&mut rng);
        world.line(|| format!("{plan:?}"));
        let (network, players, lecture) = Network::new(world, rng.random());
        let counters = Arc::<Counters>::default();
        let shard = |index| Shard::new(index, Handle::current(), session_settings(&plan.config), Arc::clone(&counters));
        let mut shards: Vec<_> = (0..plan.shards + plan.rules).map(shard).collect();
        let rules = shards.split_off(plan.shards);
        let ground: Ground<SimListener> = Ground {
            listeners: vec![players],
            lecture: Some(lecture),
            shards: shards.clone(),
            rules: rules.clone(),
            counters: Arc::clone(&counters),
            seed: rng.random(),
        };
        let games = observed::games(&plan.config, &records, plan.faulty_game);
        let server = Server::on(ground, plan.config.clone(), games);
        let watch = Watch {
            host: server.host().clone(),
            config: plan.config.clone(),
            admission: Arc::clone(server.admission()),
            counters,
            shards,
            rules,
            network: network.clone(),
            mirror,
            records: records.clone(),
            clients: TaskTracker::new(),
            server_tasks: 0,
            ending: BTreeMap::new(),
            at_the_drain: None,
        };
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(server.run(async {
            let _ = stopped.await;
            Stop { within: None }
        }));
        let names = (0..plan.honest).map(|id| Name::new(&format!("honest-{id}")).expect("a short name")).collect();
        Self {
            rng,
            plan,
            world: Arc::clone(world),
            network,
            watch,
            records,
            standings: Standings::default(),
            server,
            stop: Some(stop),
            hostile: Vec::new(),
            hostile_so_far: 0,
            names,
        }
    }

    async fn drive(&mut self) {
        self.send_honest_clients();
        for _ in 0..self.plan.steps {
            faults::strike(&mut self.rng, &self.network, &self.world);
            self.send_hostile_clients();
            let pause = self.rng.random_range(1..400);
            if !self.step(pause).await {
                return;
            }
        }
        if self.plan.end == End::StopInTheMiddle {
            return self.stop_the_server().await;
        }
        if !self.everyone_plays().await {
            return;
        }
        match self.plan.end {
            End::EveryoneGoes => self.everyone_goes().await,
            _ => self.stop_the_server().await,
        }
    }

    /// Lets so many milliseconds pass, and looks at everything.
    async fn step(&mut self, ms: u64) -> bool {
        sleep(Duration::from_millis(ms)).await;
        self.network.keep_alive(self.plan.config.limits.silence);
        let step = self.world.next_step();
        self.watch.server_tasks = match (self.server.is_finished(), &self.stop) {
            (true, _) => 0,
            (false, None) => 1,
            // It, and an acceptor for each door.
            (false, Some(_)) => 3,
        };
        if let Err(what) = self.watch.check() {
            self.world.fail(|| what);
        }
        let counts = [self.watch.host.seats_taken(), self.watch.host.signed_in(), self.watch.admission.sessions()];
        let counts = counts.map(|count| u8::try_from(count).unwrap_or(u8::MAX));
        self.world.hash(3, step.into(), &counts);
        !self.world.has_failed()
    }

    /// Steps until `reached`, for so many seconds at most.
    async fn until(&mut self, seconds: u64, what: &str, reached: impl Fn(&Self) -> Result<(), String>) -> bool {
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            if !self.step(237).await {
                return false;
            }
            let Err(missing) = reached(self) else { return true };
            if Instant::now() >= end {
                self.world.fail(|| format!("{what} within {seconds} s: {missing}"));
                return false;
            }
        }
    }

    fn send_honest_clients(&mut self) {
        for (id, name) in (0..).zip(self.names.clone()) {
            let client = Honest {
                id,
                name,
                address: self.address(),
                rng: StdRng::seed_from_u64(self.rng.random()),
                world: Arc::clone(&self.world),
                network: self.network.clone(),
                records: self.records.clone(),
                standings: Arc::clone(&self.standings),
                faulty_game: self.plan.faulty_game,
                words: 0,
            };
            self.stands(id, Standing::Away);
            drop(self.watch.clients.spawn(client.live()));
        }
    }

    fn send_hostile_clients(&mut self) {
        self.hostile.retain(|client| !client.is_finished());
        if self.hostile.len() >= self.plan.hostile {
            return;
        }
        self.hostile_so_far += 1;
        let client = Hostile {
            id: self.hostile_so_far,
            victim: self.names[self.rng.random_range(0..self.names.len())].clone(),
            address: self.address(),
            rng: StdRng::seed_from_u64(self.rng.random()),
            world: Arc::clone(&self.world),
            network: self.network.clone(),
        };
        self.hostile.push(self.watch.clients.spawn(client.live()));
    }

    fn address(&mut self) -> IpAddr {
        // Not this machine's own, which the limit for each address does not hold for.
        [10, 0, 0, self.rng.random_range(1..=self.plan.addresses)].into()
    }

    /// The faults stop: within bounded time everyone is playing or has a final answer, and sees what is.
    async fn everyone_plays(&mut self) -> bool {
        self.hostile.drain(..).for_each(|client| client.abort());
        self.network.repair();
        let ids: Vec<_> = (0..self.plan.honest).collect();
        ids.iter().filter(|&&id| !self.plays(id)).for_each(|&id| self.stands(id, Standing::Away));
        self.world.enter(Phase::Settling);
        // The server has to give up who has vanished before names and places are free again.
        let silence = self.plan.config.limits.silence.as_secs();
        let settled = self.until(silence + 45, "everyone plays or has an answer", |driver| {
            let standings = driver.standings.lock().unwrap_or_else(PoisonError::into_inner);
            let away: Vec<_> = standings.iter().filter(|(_, standing)| **standing == Standing::Away).collect();
            // And the server knows who is gone.
            let half_open = driver.network.half_open();
            if away.is_empty() && half_open == 0 { Ok(()) } else { Err(format!("{away:?}, {half_open} half open")) }
        });
        if !settled.await {
            return false;
        }
        self.world.enter(Phase::Quiet);
        for _ in 0..20 {
            if !self.step(211).await {
                return false;
            }
        }
        self.world.enter(Phase::Comparing);
        for _ in 0..8 {
            if !self.step(211).await {
                return false;
            }
        }
        self.the_list_shows_what_is().await;
        !self.world.has_failed()
    }

    /// A stranger who asks for the rooms sees who sits and who watches where.
    async fn the_list_shows_what_is(&self) {
        // Where the server is full, it is not asked.
        let Some(list) = rooms(&self.network).await else { return };
        let mirror = locked(&self.watch.mirror);
        let listed: Vec<_> =
            list.rooms.iter().map(|room| (room.room.0, room.taken.into(), room.watchers.into())).collect();
        let there = mirror.rooms.iter().map(|(&id, room)| (id, room.seated.len(), room.watching.len()));
        let there: Vec<_> = there.collect();
        if list.next.is_none() && listed != there {
            self.world.fail(|| format!("the list has {listed:?}, and there are {there:?}"));
        }
        self.world.count("the list showed what was");
    }

    fn plays(&self, id: u32) -> bool {
        let standings = self.standings.lock().unwrap_or_else(PoisonError::into_inner);
        standings.get(&id) == Some(&Standing::Plays)
    }

    fn stands(&self, id: u32, standing: Standing) {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner).insert(id, standing);
    }

    /// Everyone goes, and every count is back. Then there is room for as many from each address as there may be.
    async fn everyone_goes(&mut self) {
        self.world.enter(Phase::Leaving);
        let gone = |driver: &Self| match driver.watch.clients.len() {
            0 => driver.watch.all_is_back(),
            clients => Err(format!("{clients} clients")),
        };
        let silence = self.plan.config.limits.silence.as_secs();
        if !self.until(silence + 15, "all counts are back", gone).await {
            return;
        }
        self.world.count("everyone was gone, and all counts were back");
        if !self.there_is_room_again().await {
            return;
        }
        self.stop_the_server().await;
    }

    async fn there_is_room_again(&mut self) -> bool {
        let limits = &self.plan.config.limits;
        let all = limits.sessions.min(limits.unsigned);
        let each = limits.sessions_per_address.min(all);
        for host in 1..=self.plan.addresses {
            let mut streams = Vec::new();
            for _ in 0..each {
                match self.network.connect(Door::Players, [10, 0, 0, host].into()) {
                    Ok(stream) => streams.push(stream),
                    Err(error) => self.world.fail(|| format!("no connection: {error}")),
                }
            }
            sleep(Duration::from_millis(1)).await;
            let refused = streams.iter().filter(|stream| !stream.link.state().handed_over).count();
            if refused > 0 {
                self.world.fail(|| format!("{refused} of {each} from 10.0.0.{host} were refused, and nobody is there"));
            }
            drop(streams);
            if !self.until(5, "all counts are back", |driver| driver.watch.all_is_back()).await {
                return false;
            }
        }
        true
    }

    /// Stops the server: it gains nothing, is through in time, and nothing is left of it.
    async fn stop_the_server(&mut self) {
        self.world.enter(Phase::Draining);
        let began = Instant::now();
        drop(self.stop.take());
        // The driver is polled before the server is: it learns of it within the next millisecond.
        sleep(Duration::from_millis(1)).await;
        self.watch.drain_begins();
        let limit = self.plan.config.drain.max(Duration::from_secs(1)) + Duration::from_millis(2);
        while !self.server.is_finished() {
            if began.elapsed() > limit {
                return self.world.fail(|| format!("the server took longer than {limit:?} to stop"));
            }
            let left = limit.saturating_sub(began.elapsed()) + Duration::from_millis(1);
            if !self.step(u64::try_from(left.as_millis()).unwrap_or(173).min(173)).await {
                return;
            }
            if self.server.is_finished() {
                break;
            }
        }
        self.world.count("the server stopped in time");
        self.hostile.drain(..).for_each(|client| client.abort());
        self.until(8, "nothing is left of the server", |driver| driver.watch.all_is_back()).await;
        // Told, or cut off: every client has its end.
        self.network.repair();
        self.until(30, "every client has its end", |driver| match driver.watch.clients.len() {
            0 => Ok(()),
            clients => Err(format!("{clients} clients")),
        })
        .await;
    }
}

/// Faulty games panic by design; what they say is not for the eyes.
fn hush_designed_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if info.payload_as_str() != Some(BY_DESIGN) {
                default(info);
            }
        }));
    });
}

/// One page of the list of rooms, as a stranger sees it.
async fn rooms(network: &Network) -> Option<Rooms> {
    let stream = network.connect(Door::Players, [127, 0, 0, 1].into()).ok()?;
    let mut client = Client::handshake(stream, &ConnectOptions::default()).await.ok()?;
    client.sign_in_guest(Name::new("stranger").expect("a short name")).await.ok()?;
    client.list_rooms(RoomId(0), RoomFilter::All).await.ok()
}
