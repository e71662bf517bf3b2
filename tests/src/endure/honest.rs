//! The honest players: `malpan bot` as a child process.

use super::server::{Server, at_priority};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::{path::PathBuf, process::Stdio, time::Duration};

/// How honest players play.
#[derive(Debug, Clone)]
pub(super) struct Honest {
    pub(super) bot: PathBuf,
    pub(super) players: u32,
    pub(super) rate: f64,
    pub(super) duration: Duration,
    pub(super) priority: i8,
}

/// What they felt: what of the bot's report is looked at here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Felt {
    pub(super) players: Players,
    pub(super) moves: Moves,
    pub(super) positions: Positions,
    pub(super) latency_ms: Latency,
    pub(super) slip_ms: Percentiles,
    pub(super) server: Usage,
    pub(super) void: bool,
    pub(super) void_reasons: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Players {
    pub(super) connected: u64,
    pub(super) failed: u64,
    pub(super) lost: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Moves {
    pub(super) due: u64,
    pub(super) acked: u64,
    pub(super) refused: u64,
    pub(super) unanswered: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Positions {
    pub(super) due: u64,
    pub(super) delivered: u64,
    pub(super) missing: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Latency {
    pub(super) move_to_others: Percentiles,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Percentiles {
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) max: Option<f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Usage {
    pub(super) cpu_percent: Option<f64>,
}

impl Honest {
    /// Plays once, from the first connection to the last answer.
    pub(super) async fn play(&self, server: &Server) -> Result<Felt> {
        let mut command = at_priority(&self.bot, self.priority);
        command.arg("bot").arg(server.address().to_string());
        command.args(["--players", &self.players.to_string(), "--rate", &self.rate.to_string()]);
        command.args(["--duration", &format!("{}ms", self.duration.as_millis()), "--json", "-"]);
        command.args(["--server-pid", &server.pid().to_string()]);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.with_context(|| format!("starting {}", self.bot.display()))?;
        // 4 is void, which its report says too.
        if !matches!(output.status.code(), Some(0 | 4)) {
            bail!("the honest players failed, {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        serde_json::from_slice(&output.stdout).context("the bot's report is not as expected")
    }
}

impl Felt {
    /// From when a move was due to when another player saw it, 99th percentile in milliseconds.
    pub(super) fn p99(&self) -> f64 {
        // Nothing was felt: as bad as it gets.
        self.latency_ms.move_to_others.p99.unwrap_or(f64::INFINITY)
    }

    /// One line for people.
    pub(super) fn line(&self) -> String {
        let Latency { move_to_others: Percentiles { p50, p99, max } } = &self.latency_ms;
        let ms = |value: &Option<f64>| value.map_or("-".into(), |ms| format!("{ms:.1}"));
        format!(
            "p50/p99/max {} / {} / {} ms, slip p99 {} ms, delivered {}, missing {}, lost {}, failed {}, server {} %{}",
            ms(p50),
            ms(p99),
            ms(max),
            ms(&self.slip_ms.p99),
            self.positions.delivered,
            self.positions.missing,
            self.players.lost,
            self.players.failed,
            ms(&self.server.cpu_percent),
            if self.void { format!(", VOID: {}", self.void_reasons.join("; ")) } else { String::new() },
        )
    }
}
