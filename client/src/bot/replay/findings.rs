//! What a replay found, as the report that every run has.

use super::{Findings, Script, ear::Tally, stage::Found};
use crate::bot::{
    conductor::{CutShort, ProcessUse, Used},
    ledger::sum,
    metrics::Latencies,
    report::{
        Bytes, Frames, Latency, Messages, Moves, Players, Received, Recording, Replay, Report, Scenario, Server, causes,
    },
    summary::{self, Asked},
};
use std::{collections::BTreeMap, path::Path, time::Duration};

/// The name of the only scenario.
const NAME: &str = "replay";

/// The report of a replay of the recording in `file`.
pub(in crate::bot) fn report(asked: &Asked, file: &Path, script: &Script, findings: Findings) -> Report {
    let Findings { found, elapsed, cut_short, used, series } = findings;
    let slip_ms = found.timings.slip.percentiles();
    let void_reasons = void_reasons(&found, slip_ms.p99);
    let connect = found.timings.connect.percentiles();
    let players = Players {
        asked: found.connections,
        connected: found.connected,
        failed: sum(&found.failed_by),
        failed_by: found.failed_by.clone(),
        lost: sum(&found.lost_by),
        lost_by: found.lost_by.clone(),
        denied_by: found.received.denied_by.clone(),
    };
    let scenario = Scenario {
        name: NAME.into(),
        hostile: false,
        rate: 0.0,
        players: players.clone(),
        messages: Some(messages(&found)),
        deliveries: None,
        operations: None,
        attack: None,
        main: Some("connect".into()),
        latency_ms: BTreeMap::from([("connect".to_owned(), connect)]),
    };
    let peak = series.iter().map(|sample| sample.players).max().unwrap_or(0);
    let rss_kib = series.iter().filter_map(|sample| sample.server_rss_kib).max();
    Report {
        bot: summary::bot(asked),
        address: asked.address.clone(),
        seed: asked.seed,
        rate: 0.0,
        duration_s: asked.duration.as_secs_f64(),
        elapsed_s: elapsed.as_secs_f64(),
        threads: asked.threads,
        cut_short: cut_short.is_some(),
        moves: Moves::default(),
        positions: Default::default(),
        latency_ms: Latency { move_to_self: Default::default(), move_to_others: Default::default(), connect },
        slip_ms,
        bytes: Bytes { received: found.received.bytes, sent: found.sent.bytes },
        curve: curve(&found.timings.connect),
        series,
        server: used.server.map(|usage| process(&usage, &found, rss_kib, peak)),
        own: used.own.seated.map(|_| process(&used.own, &found, None, peak)),
        capacity: None,
        record: None,
        replay: Some(replay(file, script, &found)),
        void: !void_reasons.is_empty(),
        void_reasons,
        failure: failure(cut_short, asked, &players),
        scenarios: vec![scenario],
        players,
    }
}

/// The report of such a replay before anything was measured: it has every name that a report of it will have.
pub(in crate::bot) fn empty(asked: &Asked, script: &Script, with_server: bool) -> Report {
    let findings = Findings {
        found: Found::default(),
        elapsed: Duration::ZERO,
        cut_short: None,
        used: Used::nothing(with_server),
        series: Vec::new(),
    };
    report(asked, Path::new(""), script, findings)
}

fn messages(found: &Found) -> Messages {
    let (sent, Tally { acked, refused, .. }) = (found.sent.messages, &found.received);
    Messages {
        due: found.due.messages,
        sent,
        acked: *acked,
        refused: *refused,
        unanswered: sent.saturating_sub(acked + refused),
    }
}

fn replay(file: &Path, script: &Script, found: &Found) -> Replay {
    let header = script.header.clone();
    let recorded = received(&script.recorded);
    let mut now = received(&found.received);
    for name in recorded.frames_by.keys() {
        // What did not come at all has its place beside what came then.
        now.frames_by.entry(name.clone()).or_default();
    }
    Replay {
        file: file.display().to_string(),
        recording: Recording {
            version: header.bot,
            command: header.command,
            address: header.address,
            seed: header.seed,
            started: header.started,
            whole: script.whole,
            connections: script.count().into(),
            bytes_sent: script.bytes_sent,
            received: recorded,
        },
        frames: Frames {
            due: found.due.frames,
            sent: found.sent.frames,
            pongs_left_out: script.pongs,
            without_token: found.tokens_missing,
        },
        received: now,
        not_ended: found.not_ended,
    }
}

fn received(tally: &Tally) -> Received {
    Received {
        bytes: tally.bytes,
        frames: tally.frames,
        frames_by: tally.frames_by.iter().map(|(&name, &count)| (name.to_owned(), count)).collect(),
        positions: tally.positions,
        acked: tally.acked,
        refused: tally.refused,
        denied_by: tally.denied_by.clone(),
    }
}

fn curve(connect: &Latencies) -> Vec<crate::bot::report::CurvePoint> {
    if connect.percentiles().count == 0 { Vec::new() } else { connect.curve() }
}

#[allow(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn process(usage: &ProcessUse, found: &Found, rss_kib: Option<u64>, peak: u64) -> Server {
    let cpu = || {
        let (end, elapsed) = usage.end?;
        Some((end.cpu.saturating_sub(usage.seated?.cpu).as_secs_f64(), elapsed.as_secs_f64()))
    };
    let positions = found.received.positions;
    let rss = || Some(rss_kib?.saturating_sub(usage.before?.rss_kib) as f64 / peak as f64);
    Server {
        cpu_us_per_position: cpu().filter(|_| positions > 0).map(|(cpu_s, _)| cpu_s * 1e6 / positions as f64),
        cpu_percent: cpu().map(|(cpu_s, elapsed_s)| cpu_s / elapsed_s * 100.0),
        rss_kib_per_player: rss().filter(|_| peak > 0),
    }
}

/// Why the replay says nothing about the server.
fn void_reasons(found: &Found, slip_p99_ms: Option<f64>) -> Vec<String> {
    let mut reasons: Vec<String> = slip_p99_ms.and_then(summary::slip_reason).into_iter().collect();
    if found.undone > 0 {
        reasons.push(format!("the bot did not get round to {} things that were due", found.undone));
    }
    if found.blocked > 0 {
        reasons.push(format!("{} times something found the bot's own sockets full", found.blocked));
    }
    reasons
}

/// Why the replay failed, for people.
fn failure(cut_short: Option<CutShort>, asked: &Asked, players: &Players) -> Option<String> {
    if cut_short != Some(CutShort::Interrupted) && players.connected == 0 && players.failed > 0 {
        return Some(format!("no connection could be opened to {}: {}", asked.address, causes(&players.failed_by)));
    }
    (players.connected > 0 && players.lost == players.connected)
        .then(|| format!("every connection was lost: {}", causes(&players.lost_by)))
}
