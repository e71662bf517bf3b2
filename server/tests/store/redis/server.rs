//! A real `redis-server`, on a free port, with a folder of its own.

use super::PATIENCE;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Instant,
};
use tempfile::TempDir;

/// A Redis that answers. Dropped, it is killed.
pub(crate) struct Redis {
    child: Child,
    port: u16,
    folder: TempDir,
    options: Vec<String>,
}

impl Redis {
    /// Starts it with more options, in the form of its command line.
    pub(crate) fn start(options: &[&str]) -> Self {
        let options = options.iter().map(ToString::to_string).collect::<Vec<_>>();
        // Someone else may have taken the port that was free.
        (0..10).find_map(|_| Self::try_start(&options)).expect("redis-server starts on one of ten ports")
    }

    fn try_start(options: &[String]) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = spawn(port, &folder, options);
        let mut redis = Self { child, port, folder, options: options.into() };
        redis.answers().then_some(redis)
    }

    pub(crate) fn url(&self, rest: &str) -> String {
        format!("redis://127.0.0.1:{}/{rest}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again, on the same port and folder.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.port, &self.folder, &self.options);
        assert!(self.answers(), "redis-server starts again");
    }

    /// Sends it a signal, such as `STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Has it do something: one command in words, whose answer is its first line.
    pub(crate) fn tell(&self, words: &str) -> String {
        self.try_tell(words).unwrap()
    }

    fn try_tell(&self, words: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.write_all(format!("{words}\r\n").as_bytes())?;
        let mut answer = String::new();
        BufReader::new(stream.take(65_536)).read_line(&mut answer)?;
        Ok(answer.trim_end().to_owned())
    }

    /// Waits until it answers; whether it does, and has not ended.
    fn answers(&mut self) -> bool {
        let started = Instant::now();
        // One that wants a password is ready as well.
        while !self.try_tell("PING").is_ok_and(|answer| answer == "+PONG" || answer.starts_with("-NOAUTH")) {
            assert!(started.elapsed() < PATIENCE, "redis-server does not answer");
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // A stopped one does not die of SIGTERM.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(port: u16, folder: &TempDir, options: &[String]) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"])
        .args(["--appendfsync", "always"])
        .args(options)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}
