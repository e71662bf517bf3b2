//! What a server holds, as its metrics page and the system tell it.

use super::server::Server;
use anyhow::{Context, Result};
use serde::Serialize;
use std::{collections::BTreeMap, fs, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

const PATIENCE: Duration = Duration::from_secs(10);
/// How long what is over may take to be gone: longer than the server's times for closing.
const SETTLES_WITHIN: Duration = Duration::from_secs(45);

/// A page of metrics: the values by name and labels, as they stand there.
#[derive(Debug)]
pub(super) struct Page(BTreeMap<String, f64>);

impl Page {
    pub(super) async fn of(server: &Server) -> Result<Self> {
        let read = async {
            let mut stream = TcpStream::connect(server.http()).await?;
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
            let mut page = String::new();
            stream.read_to_string(&mut page).await?;
            std::io::Result::Ok(page)
        };
        let text = timeout(PATIENCE, read).await.context("the server's metrics do not come")??;
        let value = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Ok(Self(text.lines().filter(|line| line.starts_with(['m', 'p'])).filter_map(value).collect()))
    }

    /// The sum over all labels.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
    pub(super) fn sum(&self, name: &str) -> u64 {
        let of_it = |found: &str| found.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('{'));
        self.0.iter().filter(|(found, _)| of_it(found)).map(|(_, value)| *value as u64).sum()
    }

    /// Sessions that ended by a panic, and rooms that did, by what their members were told.
    pub(super) fn panics(&self) -> u64 {
        self.sum("malpan_sessions_closed_total{reason=\"panic\"}")
            + self.sum("malpan_kicks_total{reason=\"room_failed\"}")
            + self.sum("malpan_kicks_total{reason=\"internal_error\"}")
    }

    /// Sessions that ended because they did not read.
    pub(super) fn slow_consumers(&self) -> u64 {
        self.sum("malpan_sessions_closed_total{reason=\"slow_consumer\"}")
    }
}

/// Everything that has to be as before when everyone has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Census {
    pub(super) sessions: u64,
    pub(super) unsigned: u64,
    pub(super) players: u64,
    pub(super) rooms: u64,
    pub(super) seats: u64,
    pub(super) tasks: u64,
    /// Entries of `/proc/PID/fd`.
    pub(super) files: u64,
}

impl Census {
    pub(super) async fn of(server: &Server) -> Result<Self> {
        // Before the page is asked for, which takes a file of its own.
        let files = fs::read_dir(format!("/proc/{}/fd", server.pid()))?.count() as u64;
        let page = Page::of(server).await?;
        Ok(Self {
            sessions: page.sum("malpan_sessions"),
            unsigned: page.sum("malpan_unsigned_sessions"),
            players: page.sum("malpan_players"),
            rooms: page.sum("malpan_rooms"),
            seats: page.sum("malpan_seats_taken"),
            tasks: page.sum("malpan_shard_tasks"),
            files,
        })
    }

    /// Waits until everything is as `before`, for as long as that may take. Returns how it is then.
    pub(super) async fn settled(server: &Server, before: &Self) -> Result<Self> {
        let start = Instant::now();
        loop {
            let now = Self::of(server).await?;
            if now == *before || start.elapsed() > SETTLES_WITHIN {
                return Ok(now);
            }
            sleep(Duration::from_millis(250)).await;
        }
    }
}

/// Memory of the process that is backed by no file, in KiB.
pub(super) fn anonymous_memory_kib(server: &Server) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("no RssAnon in its status")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
