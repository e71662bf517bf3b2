//! What `/metrics` tells, and that the manual has every metric as it is.

use crate::{Running, within};
use malpan_client::{
    Client, ClientError, ConnectOptions,
    protocol::{DenialCode, Direction, JoinTarget, KickReason, ServerPacket},
};
use malpan_server::metrics::{ClientKind, RefusalKind, ServerKind};
use std::{collections::BTreeMap, time::Duration};

/// A page, read as Prometheus reads it.
struct Page {
    /// In the order of the page: name, kind, help.
    metrics: Vec<(String, String, String)>,
    /// Each sample with its labels, as it stands there.
    samples: BTreeMap<String, f64>,
}

impl Page {
    async fn of(server: &Running) -> Self {
        let answer = server.get("/metrics").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain; version=0.0.4")));
        Self::read(&answer.body)
    }

    /// Reads a page in full; a line that is none of the format's fails.
    fn read(text: &str) -> Self {
        let (mut metrics, mut samples) = (Vec::<(String, String, String)>::new(), BTreeMap::new());
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').unwrap();
                assert!(metrics.iter().all(|(other, ..)| other != name), "{name} comes twice");
                metrics.push((name.into(), String::new(), help.into()));
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let last = metrics.last_mut().unwrap();
                last.1 = kind.strip_prefix(&format!("{} ", last.0)).expect("the type follows the help").into();
            } else {
                let (sample, value) = line.rsplit_once(' ').unwrap();
                let (name, kind, _) = metrics.last().unwrap();
                let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
                let rest = sample.strip_prefix(name.as_str()).expect("a sample follows its metric's head");
                assert!(suffixes.contains(&rest.split('{').next().unwrap()), "{line}");
                let value: f64 = value.parse().unwrap();
                assert!(samples.insert(sample.to_string(), value).is_none(), "{sample} comes twice");
            }
        }
        Self { metrics, samples }
    }

    fn value(&self, sample: &str) -> f64 {
        *self.samples.get(sample).unwrap_or_else(|| panic!("{sample} is on the page"))
    }

    /// The label of a metric's samples, but for the bounds of a histogram.
    fn label(&self, name: &str) -> Option<&str> {
        let labelled = self.samples.keys().find_map(|sample| sample.strip_prefix(name)?.strip_prefix('{'));
        labelled.map(|labels| labels.split('=').next().unwrap())
    }
}

/// Reads the page until `holds`: what is told to players and what is counted are not one moment.
async fn until(server: &Running, holds: impl Fn(&Page) -> bool) -> Page {
    within(async {
        loop {
            let page = Page::of(server).await;
            if holds(&page) {
                break page;
            }
        }
    })
    .await
}

#[tokio::test]
async fn what_the_server_knows_is_on_the_page() {
    let server = Running::start(|config| config.limits.sessions = 3);
    let before = Page::of(&server).await;
    for name in ["malpan_sessions", "malpan_unsigned_sessions", "malpan_players", "malpan_rooms", "malpan_draining"] {
        assert_eq!(before.value(name), 0.0, "{name}");
    }
    let mut player = server.guest("plays").await;
    within(player.join(JoinTarget::Any)).await.unwrap();
    let address = server.address.to_string();
    let _signed_in = server.guest("is in the lobby").await;
    let unsigned = within(Client::connect(&address, &ConnectOptions::default())).await.unwrap();
    let refused = within(Client::connect(&address, &ConnectOptions::default())).await;
    assert!(matches!(refused, Err(ClientError::Denied(_))), "{refused:?}");

    let page = until(&server, |page| page.value("malpan_shard_busy_seconds_total{shard=\"0\"}") > 0.0).await;
    for (sample, value) in [
        ("malpan_sessions", 3.0),
        ("malpan_unsigned_sessions", 1.0),
        ("malpan_players", 2.0),
        ("malpan_rooms", 1.0),
        ("malpan_seats_taken", 1.0),
        ("malpan_connections_accepted_total", 4.0),
        ("malpan_accept_errors_total", 0.0),
        ("malpan_connections_refused_total{reason=\"server_full\"}", 1.0),
        ("malpan_connections_refused_total{reason=\"address_full\"}", 0.0),
        ("malpan_denials_total{code=\"server_full\"}", 1.0),
        ("malpan_shard_sessions{shard=\"0\"}", 2.0),
        ("malpan_shard_sessions{shard=\"1\"}", 1.0),
        // Two sessions and a room; a session.
        ("malpan_shard_tasks{shard=\"0\"}", 3.0),
        ("malpan_shard_tasks{shard=\"1\"}", 1.0),
    ] {
        assert_eq!(page.value(sample), value, "{sample}");
    }
    assert!(page.value("process_resident_memory_bytes") > 1e6);
    assert!(page.value("process_cpu_seconds_total") >= 0.0);
    assert!(page.value("process_start_time_seconds") > 1.7e9);

    drop(unsigned);
    until(&server, |page| {
        page.value("malpan_sessions") == 2.0
            && page.value("malpan_sessions_closed_total{reason=\"disconnected\"}") == 1.0
    })
    .await;
}

#[tokio::test]
async fn who_is_kicked_is_counted_by_reason() {
    let server = Running::start(|config| config.limits.hello_within = Duration::from_millis(100));
    let mut silent = within(tokio::net::TcpStream::connect(server.address)).await.unwrap();
    within(tokio::io::AsyncReadExt::read(&mut silent, &mut [0; 64])).await.unwrap();
    let page = Page::of(&server).await;
    assert_eq!(page.value("malpan_kicks_total{reason=\"too_late\"}"), 1.0);
    assert_eq!(page.value("malpan_kicks_total{reason=\"silent\"}"), 0.0);
}

#[tokio::test]
async fn what_is_played_is_on_the_page() {
    let server = Running::start(|config| config.game.tick = Duration::ZERO);
    let (mut ann, mut bob) = (server.guest("Ann").await, server.guest("Bob").await);
    within(ann.join(JoinTarget::Any)).await.unwrap();
    within(bob.join(JoinTarget::Any)).await.unwrap();
    // One that is done and one that is not: up leads off the board.
    for (direction, batches) in [(Direction::Down, 1), (Direction::Up, 2), (Direction::Up, 2)] {
        within(async {
            ann.step(direction).unwrap();
            loop {
                match ann.next().await.unwrap() {
                    ServerPacket::Updates(updates) if updates.batch == batches => break,
                    ServerPacket::Refused(_) => break,
                    _ => {}
                }
            }
        })
        .await;
    }
    let page = until(&server, |page| page.value("malpan_flush_bytes_count") == 4.0).await;
    for (sample, value) in [
        ("malpan_received_packets_total{kind=\"command\"}", 3.0),
        // Two bytes of length, type, number, one byte of command with its length.
        ("malpan_received_bytes_total{kind=\"command\"}", 3.0 * 6.0),
        ("malpan_received_packets_total{kind=\"join\"}", 2.0),
        ("malpan_sent_packets_total{kind=\"joined\"}", 2.0),
        ("malpan_sent_packets_total{kind=\"entered\"}", 1.0),
        ("malpan_sent_packets_total{kind=\"updates\"}", 2.0 * 2.0),
        ("malpan_sent_packets_total{kind=\"refused\"}", 1.0),
        ("malpan_positions_delivered_total", 2.0 * 2.0),
        ("malpan_commands_refused_total{reason=\"rules\"}", 1.0),
        // Of the four flushes the first had nobody to hear it, the second one, and the moves two.
        ("malpan_flush_receivers_bucket{le=\"1\"}", 2.0),
        ("malpan_flush_receivers_bucket{le=\"2\"}", 4.0),
    ] {
        assert_eq!(page.value(sample), value, "{sample}");
    }
}

#[tokio::test]
async fn what_players_and_rooms_report_is_on_the_page() {
    let server = Running::start(|_| {});
    let metrics = server.host.metrics();
    metrics.received(ClientKind::Chat, 7);
    metrics.received(ClientKind::Chat, 9);
    metrics.sent(ServerKind::from(&ServerPacket::Kicked { reason: KickReason::Silent }), 4, 10);
    metrics.positions_delivered(30);
    metrics.flushed(100, 10, Duration::ZERO);
    metrics.flushed(129, 3, Duration::from_millis(5));
    metrics.kicked(KickReason::Flooding);
    metrics.denied(DenialCode::RateLimited);
    metrics.command_refused(RefusalKind::Rules);
    let page = Page::of(&server).await;
    for (sample, value) in [
        ("malpan_received_packets_total{kind=\"chat\"}", 2.0),
        ("malpan_received_bytes_total{kind=\"chat\"}", 16.0),
        ("malpan_received_packets_total{kind=\"bye\"}", 0.0),
        ("malpan_sent_packets_total{kind=\"kicked\"}", 10.0),
        ("malpan_sent_bytes_total{kind=\"kicked\"}", 40.0),
        ("malpan_positions_delivered_total", 30.0),
        ("malpan_flush_bytes_bucket{le=\"64\"}", 0.0),
        ("malpan_flush_bytes_bucket{le=\"128\"}", 1.0),
        ("malpan_flush_bytes_bucket{le=\"256\"}", 2.0),
        ("malpan_flush_bytes_sum", 229.0),
        ("malpan_flush_receivers_bucket{le=\"5\"}", 1.0),
        ("malpan_flush_late_seconds_bucket{le=\"0.0005\"}", 1.0),
        ("malpan_flush_late_seconds_bucket{le=\"0.008\"}", 2.0),
        ("malpan_flush_late_seconds_bucket{le=\"+Inf\"}", 2.0),
        ("malpan_flush_late_seconds_sum", 0.005),
        ("malpan_flush_late_seconds_count", 2.0),
        ("malpan_kicks_total{reason=\"flooding\"}", 1.0),
        ("malpan_denials_total{code=\"rate_limited\"}", 1.0),
        ("malpan_commands_refused_total{reason=\"rules\"}", 1.0),
    ] {
        assert_eq!(page.value(sample), value, "{sample}");
    }
}

#[tokio::test]
async fn servers_in_one_process_are_apart() {
    let (one, other) = (Running::start(|_| {}), Running::start(|_| {}));
    one.host.metrics().positions_delivered(5);
    let _player = one.guest("plays").await;
    let (one, other) = (Page::of(&one).await, Page::of(&other).await);
    for sample in ["malpan_positions_delivered_total", "malpan_players", "malpan_connections_accepted_total"] {
        assert!(one.value(sample) > 0.0, "{sample}");
        assert_eq!(other.value(sample), 0.0, "{sample}");
    }
}

#[tokio::test]
async fn the_page_has_as_many_lines_after_play_as_before() {
    let server = Running::start(|_| {});
    let before = Page::of(&server).await;
    for index in 0..20 {
        let mut player = server.guest(&format!("player {index}")).await;
        within(player.join(JoinTarget::Any)).await.unwrap();
    }
    let after = Page::of(&server).await;
    assert_eq!(before.samples.keys().collect::<Vec<_>>(), after.samples.keys().collect::<Vec<_>>());
}

#[tokio::test]
async fn the_manual_has_every_metric_as_it_is() {
    let page = Page::of(&Running::start(|_| {})).await;
    let mut table = String::from("| metric | kind | label | what it is |\n|---|---|---|---|\n");
    for (name, kind, help) in &page.metrics {
        let label = page.label(name).map_or(String::new(), |label| format!("`{label}`"));
        table += &format!("| `{name}` | {kind} | {label} | {help} |\n");
    }
    // What is not there on Windows says so in its line.
    let lines = include_str!("../../../docs/operations.md").lines();
    let here = lines.filter(|line| cfg!(not(windows)) || !line.contains("; not on Windows."));
    let manual = here.collect::<Vec<_>>().join("\n");
    assert!(manual.contains(&table), "docs/operations.md needs this table:\n{table}");
}

#[tokio::test]
async fn names_keep_the_conventions() {
    let page = Page::of(&Running::start(|_| {})).await;
    for (name, kind, help) in &page.metrics {
        assert!(name.starts_with("malpan_") || name.starts_with("process_"), "{name}");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
        assert!(help.ends_with('.') && help.is_ascii(), "{name}: {help}");
    }
}
