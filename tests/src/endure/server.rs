//! `malpan-server` as a child process.

use anyhow::{Context, Result, bail};
use std::{
    net::SocketAddr,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(30);
/// Lines of the log that are kept.
const KEPT_LINES: usize = 20;

/// A server that is ready. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    pid: u32,
    address: SocketAddr,
    http: SocketAddr,
    log: Arc<Mutex<Log>>,
}

/// What its log is read for.
#[derive(Debug, Default, Clone)]
pub(super) struct Log {
    /// Lines that speak of a panic.
    pub(super) panics: u64,
    /// The first lines that are warnings or worse.
    pub(super) worries: Vec<String>,
}

/// A command at this nice value. The process is the program itself: `nice` becomes it.
pub(super) fn at_priority(program: &Path, priority: i8) -> Command {
    if priority == 0 {
        return Command::new(program);
    }
    let mut command = Command::new("nice");
    command.arg("-n").arg(priority.to_string()).arg(program);
    command
}

impl Server {
    /// Starts it on free ports, with its defaults: this machine's addresses are exempt from the bound per address.
    pub(super) async fn start(program: &Path, priority: i8) -> Result<Self> {
        Self::start_with(program, priority, &["--listen", "127.0.0.1:0", "--store", "memory:"]).await
    }

    /// As [`Server::start`], with these arguments.
    pub(super) async fn start_with(program: &Path, priority: i8, arguments: &[&str]) -> Result<Self> {
        let mut command = at_priority(program, priority);
        command.args(["--http", "127.0.0.1:0"]).args(arguments);
        // Nothing of the environment may change what is measured.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
        let log = Arc::new(Mutex::new(Log::default()));
        let err = child.stderr.take().context("it has an error output")?;
        // Read all the time: a full pipe would stop the server.
        tokio::spawn(read_log(BufReader::new(err).lines(), Arc::clone(&log)));
        let out = child.stdout.take().context("it has an output")?;
        let ready = timeout(PATIENCE, BufReader::new(out).lines().next_line()).await.context("it is not ready")??;
        let Some(ready) = ready else { bail!("the server ended at once: {:?}", kept(&log).worries) };
        let listed = |name: &str| {
            let said = ready.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
            said.with_context(|| format!("no {name} in {ready:?}"))?.parse().context("no address")
        };
        let (address, http) = (listed("listen")?, listed("http")?);
        let pid = child.id().context("it has ended")?;
        Ok(Self { child, pid, address, http, log })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where its metrics are.
    pub(super) fn http(&self) -> SocketAddr {
        self.http
    }

    pub(super) fn log(&self) -> Log {
        kept(&self.log)
    }

    /// Ends it as `kill -9` does.
    pub(super) async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("the server cannot be killed")
    }

    /// Asks it to stop, and says how it ended.
    pub(super) async fn stop(mut self) -> Result<std::process::ExitStatus> {
        let asked = Command::new("kill").args(["-s", "TERM", &self.pid.to_string()]).status().await?;
        anyhow::ensure!(asked.success(), "the server could not be asked to stop");
        Ok(timeout(PATIENCE, self.child.wait()).await.context("the server does not stop")??)
    }
}

fn kept(log: &Mutex<Log>) -> Log {
    log.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn read_log(mut lines: tokio::io::Lines<BufReader<tokio::process::ChildStderr>>, log: Arc<Mutex<Log>>) {
    while let Ok(Some(line)) = lines.next_line().await {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let panics = line.contains("panic");
        log.panics += u64::from(panics);
        if (panics || line.contains("WARN") || line.contains("ERROR")) && log.worries.len() < KEPT_LINES {
            log.worries.push(line);
        }
    }
}
