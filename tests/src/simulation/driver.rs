//! The driver: one step after the other, and a look at everything after each.

use super::{
    faults,
    honest::{Honest, Standing, Standings},
    hostile::Hostile,
    lore::Lore,
    mirror::Mirror,
    network::{Network, SimListener},
    observed::{self, Records},
    plan::{End, Plan},
    sign_in::Account,
    watch::Watch,
    words::Heard,
    world::World,
};
use malpan_net::{Counters, Shard};
use malpan_protocol::Name;
use malpan_server::{Ground, Server, Stop, TokenSource, session_settings, store::MemoryStore};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    runtime::Handle,
    sync::oneshot,
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_util::task::TaskTracker;

/// See the module.
pub(super) struct Driver {
    pub(super) rng: StdRng,
    pub(super) plan: Plan,
    pub(super) world: Arc<World>,
    pub(super) network: Network,
    pub(super) watch: Watch,
    pub(super) records: Records,
    pub(super) standings: Standings,
    pub(super) server: JoinHandle<()>,
    pub(super) stop: Option<oneshot::Sender<()>>,
    pub(super) hostile: Vec<JoinHandle<()>>,
    pub(super) hostile_so_far: u32,
    pub(super) names: Vec<Name>,
    lore: Lore,
}

impl Driver {
    pub(super) fn new(seed: u64, world: &Arc<World>, mirror: Arc<Mutex<Mirror>>, records: Records) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let plan = Plan::from(&mut rng);
        world.line(|| format!("{plan:?}"));
        let (network, players, lecture) = Network::new(world, rng.random());
        let counters = Arc::<Counters>::default();
        let shard = |index| Shard::new(index, Handle::current(), session_settings(&plan.config), Arc::clone(&counters));
        let mut shards: Vec<_> = (0..plan.shards + plan.rules).map(shard).collect();
        let rules = shards.split_off(plan.shards);
        let ground: Ground<SimListener> = Ground {
            tls: None,
            listeners: vec![players],
            lecture: Some(lecture),
            shards: shards.clone(),
            rules: rules.clone(),
            counters: Arc::clone(&counters),
            seed: rng.random(),
            tokens: TokenSource::seeded(rng.random()),
            store: Arc::new(MemoryStore::default()),
        };
        let games = observed::games(&plan.config, &records, plan.faulty_game, plan.saves());
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
            lore: Lore::default(),
        }
    }

    pub(super) async fn drive(&mut self) {
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
    pub(super) async fn step(&mut self, ms: u64) -> bool {
        sleep(Duration::from_millis(ms)).await;
        self.network.keep_alive(self.plan.config.limits.silence);
        let step = self.world.next_step();
        self.watch.server_tasks = match (self.server.is_finished(), &self.stop) {
            (true, _) => 0,
            // It, what writes behind, what keeps tokens good, and what looks at accounts.
            (false, None) => 4,
            // And an acceptor for each door.
            (false, Some(_)) => 6,
        };
        if let Err(what) = self.watch.check() {
            self.world.fail(|| what);
        }
        let host = &self.watch.host;
        let counts = [host.seats_taken(), host.signed_in(), host.away(), self.watch.admission.sessions()];
        let counts = counts.map(|count| u8::try_from(count).unwrap_or(u8::MAX));
        self.world.hash(3, step.into(), &counts);
        !self.world.has_failed()
    }

    /// Steps until `reached`, for so many seconds at most.
    pub(super) async fn until(
        &mut self,
        seconds: u64,
        what: &str,
        reached: impl Fn(&Self) -> Result<(), String>,
    ) -> bool {
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
                lore: self.lore.clone(),
                clients: self.watch.clients.clone(),
                faulty_game: self.plan.faulty_game,
                grace: self.plan.config.limits.resume_grace,
                everyone_is_kept: self.plan.everyone_is_kept(),
                others: self.plan.honest,
                account: (id % 4 == 0).then(Account::default),
                kept: None,
                player: None,
                abandoned: false,
                locked: Vec::new(),
                heard: Heard::default(),
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
            lore: self.lore.clone(),
        };
        self.hostile.push(self.watch.clients.spawn(client.live()));
    }

    pub(super) fn address(&mut self) -> IpAddr {
        // Not this machine's own, which the limit for each address does not hold for.
        [10, 0, 0, self.rng.random_range(1..=self.plan.addresses)].into()
    }
}
