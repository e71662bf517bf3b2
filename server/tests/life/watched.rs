//! A server process that is watched from outside.

use crate::{
    process::Process,
    running::{Ended, PATIENCE, Running, within},
};
use malpan_client::{
    Client, ConnectOptions, Room,
    protocol::{JoinTarget, Name},
};
use std::{
    collections::BTreeMap,
    io::Write,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Mutex, MutexGuard},
    time::sleep,
};

/// These tests measure, so each has the machine to itself.
static ALONE: Mutex<()> = Mutex::const_new(());

/// Silence that no test waits for: its own players may wait long for their turn where the machine is busy.
pub(crate) const PATIENT: &str = "silence = \"1h\"";

/// A server that runs, with metrics. Dropped, it is killed.
pub(crate) struct Watched {
    running: Running,
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    http: SocketAddr,
    _alone: MutexGuard<'static, ()>,
}

/// What there is of everything that comes and goes with connections.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    files: usize,
    gauges: Vec<(&'static str, f64)>,
}

impl Standing {
    fn nothing_waits(&self) -> bool {
        self.gauges.iter().all(|&(name, value)| name != "malpan_queued_messages" || value == 0.0)
    }
}

const GAUGES: [&str; 9] = [
    "malpan_sessions",
    "malpan_unsigned_sessions",
    "malpan_players",
    "malpan_rooms",
    "malpan_seats_taken",
    "malpan_queued_messages",
    "malpan_queued_bytes",
    "malpan_shard_sessions",
    "malpan_shard_tasks",
];

/// The metrics of one moment; those with labels are sums over them as well.
pub(crate) struct Page(BTreeMap<String, f64>);

impl Page {
    pub(crate) fn value(&self, name: &str) -> f64 {
        *self.0.get(name).unwrap_or_else(|| panic!("{name} is on the page"))
    }
}

impl Watched {
    /// Starts a server with this configuration, whose limits come last, on free ports. Nobody is expected back: what a
    /// connection had is gone with it.
    pub(crate) async fn start(config: &str) -> Self {
        let alone = ALONE.lock().await;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let limits = if config.contains("[limits]") { "" } else { "[limits]" };
        write!(file, "{config}\n{limits}\nresume_grace = \"0s\"\n").unwrap();
        let free = "127.0.0.1:0";
        let path = file.path().to_str().unwrap();
        let args = ["--config", path, "--listen", free, "--http", free, "--lecture", free, "--shards", "2"];
        let running = Running::start(&args).await;
        let (process, address) = (Process(running.id()), running.addresses()[0]);
        let http = running.listed("http").parse().unwrap();
        Self { running, process, address, http, _alone: alone }
    }

    /// Where lecture clients are awaited.
    pub(crate) fn lecture(&self) -> SocketAddr {
        self.running.listed("lecture").parse().unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    /// Waits until it has ended of its own accord.
    pub(crate) async fn end(self) -> Ended {
        self.running.end().await
    }

    pub(crate) async fn connect(&self) -> Client {
        within(Client::connect(&self.address.to_string(), &ConnectOptions::default())).await.unwrap()
    }

    pub(crate) async fn guest(&self, name: &str) -> Client {
        let mut client = self.connect().await;
        within(client.sign_in_guest(Name::new(name).unwrap())).await.unwrap();
        client
    }

    pub(crate) async fn player(&self, name: &str) -> (Client, Room) {
        let mut client = self.guest(name).await;
        let room = Room::new(&within(client.join(JoinTarget::Any)).await.unwrap()).unwrap();
        (client, room)
    }

    /// What `path` answers: the status and the text.
    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        within(async {
            let mut stream = TcpStream::connect(self.http).await.unwrap();
            let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.http);
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            (head.split(' ').nth(1).unwrap().parse().unwrap(), body.into())
        })
        .await
    }

    pub(crate) async fn page(&self) -> Page {
        let (status, text) = self.get("/metrics").await;
        assert_eq!(status, 200);
        let mut samples = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap();
            samples.insert(sample.to_string(), value);
            if let Some((name, _)) = sample.split_once('{') {
                *samples.entry(name.to_string()).or_default() += value;
            }
        }
        Page(samples)
    }

    /// Waits for a page with which `holds`.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Page) -> bool) -> Page {
        let began = Instant::now();
        loop {
            let page = self.page().await;
            if holds(&page) {
                return page;
            }
            assert!(began.elapsed() < PATIENCE * 4, "it never came about: {what}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// What there is once nothing moves any more: nothing waits to be written, and the connections that asked are closed.
    ///
    /// The one that asked last may not be quite closed when the files are counted: the fewest seen are those without it.
    pub(crate) async fn standing(&self) -> Standing {
        let began = Instant::now();
        let (mut found, mut times) = (self.look().await, 0);
        while times < 5 {
            sleep(Duration::from_millis(20)).await;
            let now = self.look().await;
            if now.gauges == found.gauges && now.nothing_waits() {
                times += 1;
                found.files = found.files.min(now.files);
            } else {
                assert!(began.elapsed() < PATIENCE, "it never comes to rest: {now:?} after {found:?}");
                (found, times) = (now, 0);
            }
        }
        found
    }

    async fn look(&self) -> Standing {
        let page = self.page().await;
        let gauges = GAUGES.map(|name| (name, page.value(name))).into();
        Standing { files: self.process.files().len(), gauges }
    }

    /// Waits until there is exactly as much as there was.
    pub(crate) async fn settles_to(&self, before: &Standing) {
        let began = Instant::now();
        loop {
            let now = self.look().await;
            if now == *before {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "it is left with {now:?}, of {before:?}");
            sleep(Duration::from_millis(50)).await;
        }
    }
}
