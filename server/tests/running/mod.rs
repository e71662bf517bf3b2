//! The real `malpan-server`, as a process of its own.

use std::{
    future::Future,
    net::SocketAddr,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    task::JoinHandle,
    time::timeout,
};

/// How long a test waits for what has to come. It only turns a test that would hang into one that fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Does `work`, which may not hang.
pub(crate) async fn within<T>(work: impl Future<Output = T>) -> T {
    timeout(PATIENCE, work).await.expect("what the test waits for came within its patience")
}

/// A server process that is ready. Dropped, it is killed.
pub(crate) struct Running {
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    log: Arc<Mutex<String>>,
    /// Ends with the log.
    logging: JoinHandle<()>,
    /// The line that it printed.
    pub(crate) ready: String,
}

/// How a process ended.
#[derive(Debug)]
#[allow(dead_code, reason = "not every test looks at all of it")]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// What it printed after the ready line, or at all where it never was ready.
    pub(crate) out: Vec<String>,
    pub(crate) log: String,
}

impl Running {
    /// Starts it and waits for the ready line.
    pub(crate) async fn start(args: &[&str]) -> Self {
        Self::spawn(args).until_ready().await
    }

    /// Waits for the ready line.
    pub(crate) async fn until_ready(mut self) -> Self {
        match within(self.out.next_line()).await.unwrap() {
            Some(ready) => self.ready = ready,
            None => panic!("it never was ready: {:?}", self.end().await),
        }
        self
    }

    /// Starts it, and waits for nothing. HTTP is off and the store in memory unless `args` say where: servers beside each
    /// other would all want the default port and the default file.
    pub(crate) fn spawn(args: &[&str]) -> Self {
        let without_http: &[&str] = if args.contains(&"--http") { &[] } else { &["--http", "off"] };
        let without_store: &[&str] = if args.contains(&"--store") { &[] } else { &["--store", "memory:"] };
        Self::command(&[args, without_http, without_store].concat())
    }

    /// Starts the program with exactly these arguments, to do something other than serve.
    #[allow(dead_code, reason = "not every test does")]
    pub(crate) fn command(args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_malpan-server"));
        command.args(args);
        Self::of(command)
    }

    /// As [`Running::command`]. A write that the limit on the size of files forbids fails, instead of ending the process.
    #[cfg(target_os = "linux")]
    #[allow(dead_code, reason = "not every test fills a disk")]
    pub(crate) fn that_survives_the_limit_of_files(args: &[&str]) -> Self {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_malpan-server")]).args(args);
        Self::of(command)
    }

    /// As [`Running::command`], with this variable.
    #[allow(dead_code, reason = "not every test sets one")]
    pub(crate) fn with_variable(name: &str, value: &str, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_malpan-server"));
        command.args(args);
        Self::in_environment(command, &[(name, value)])
    }

    fn of(command: Command) -> Self {
        Self::in_environment(command, &[])
    }

    fn in_environment(mut command: Command, variables: &[(&str, &str)]) -> Self {
        let mut child = command
            .env_clear()
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut err = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::<Mutex<String>>::default();
        let lines = Arc::clone(&log);
        // Read all the time: a full pipe would stop the server.
        let logging = tokio::spawn(async move {
            while let Some(line) = err.next_line().await.unwrap() {
                *lines.lock().unwrap() += &(line + "\n");
            }
        });
        Self { child, out, log, logging, ready: String::new() }
    }

    /// Where it listens, as its ready line says.
    #[allow(dead_code, reason = "not every test connects")]
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.listed("listen").split(',').map(|address| address.parse().unwrap()).collect()
    }

    /// What the ready line says of `name`.
    pub(crate) fn listed(&self, name: &str) -> &str {
        let said = self.ready.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        said.unwrap_or_else(|| panic!("{name} is in the ready line: {}", self.ready))
    }

    /// Waits until it has ended of its own accord.
    pub(crate) async fn end(mut self) -> Ended {
        let code = within(self.child.wait()).await.unwrap().code();
        let mut out = Vec::new();
        while let Some(line) = within(self.out.next_line()).await.unwrap() {
            out.push(line);
        }
        within(self.logging).await.unwrap();
        Ended { code, out, log: self.log.lock().unwrap().clone() }
    }

    /// Waits until it has logged this.
    #[allow(dead_code, reason = "not every test waits for a line of the log")]
    pub(crate) async fn until_logged(&self, what: &str) {
        within(async {
            while !self.log.lock().unwrap().contains(what) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
    }

    /// Ends it at once.
    #[allow(dead_code, reason = "not every test ends it so")]
    pub(crate) fn stop_now(&mut self) {
        self.child.start_kill().unwrap();
    }

    /// The number of its process.
    #[allow(dead_code, reason = "not every test that runs a server looks at the process")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it still runs")
    }

    /// Sends it a signal.
    #[cfg(unix)]
    #[allow(dead_code, reason = "not every test that runs a server stops it so")]
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} {}", self.child.id().expect("it still runs"));
        assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }
}
