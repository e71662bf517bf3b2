//! A report that has everything, for the tests of what shows reports.

use super::{
    metrics::Percentiles,
    report::{
        Attack, Bot, Bytes, CurvePoint, Deliveries, Latency, Messages, Moves, Operations, Players, RefusedBy, Report,
        Sample, Scenario, Server,
    },
};

fn percentiles(ms: f64) -> Percentiles {
    let of = |factor: f64| Some(ms * factor);
    Percentiles { count: 1_000, p50: of(1.0), p90: of(1.5), p99: of(2.0), p999: of(3.0), max: of(4.0) }
}

fn part(name: &str) -> Scenario {
    let players = Players { asked: 50, connected: 50, ..Players::default() };
    Scenario {
        name: name.into(),
        hostile: false,
        rate: 5.0,
        players,
        messages: None,
        deliveries: None,
        operations: None,
        attack: None,
        main: None,
        latency_ms: Default::default(),
    }
}

/// The report.
pub(super) fn everything() -> Report {
    let causes = |cause: &str, count| [(cause.to_owned(), count)].into_iter().collect();
    let positions = Deliveries { due: 1_000, delivered: 990, late: 3, missing: 10, missing_by: causes("left_out", 10) };
    let walk = Scenario {
        messages: Some(Messages { due: 100, sent: 100, acked: 98, refused: 2, unanswered: 0 }),
        deliveries: Some(positions.clone()),
        main: Some("to_others".into()),
        latency_ms: [("to_self".into(), percentiles(9.0)), ("to_others".into(), percentiles(10.0))].into(),
        ..part("walk")
    };
    let login = Scenario {
        operations: Some(Operations { due: 9, done: 8, failed: 1, failed_by: causes("denied_busy", 1), unfinished: 0 }),
        main: Some("sign_in".into()),
        latency_ms: [("sign_in".into(), percentiles(60.0))].into(),
        ..part("login")
    };
    let flood = Scenario {
        hostile: true,
        attack: Some(Attack {
            attempts: 84,
            connected: 84,
            ended_by: causes("kicked_flooding", 84),
            lasted_ms: percentiles(29.0),
            bytes_sent: 38_717_292,
            bytes_received: 89_050,
            frames_sent: 6_000_000,
        }),
        ..part("flood")
    };
    let sample = |second: u32| Sample {
        at_s: f64::from(second),
        measured: second > 2,
        players: 100,
        sent_per_s: 500.0,
        delivered_per_s: 5_000.0,
        errors_per_s: f64::from(second % 3),
        p50_ms: (second > 2).then_some(10.0),
        p90_ms: (second > 2).then_some(15.0),
        p99_ms: (second > 2).then_some(20.0),
        max_ms: (second > 2).then_some(40.0),
        slip_p99_ms: Some(1.0),
        server_cpu_percent: Some(30.0),
        server_rss_kib: Some(20_000),
        ..Sample::default()
    };
    let command = ["malpan", "bot", "--limit", "p99<50ms"].map(String::from).to_vec();
    Report {
        bot: Bot {
            version: "0.1.0".into(),
            command,
            started: "2026-11-24T20:00:00Z".into(),
            system: "linux x86_64".into(),
            processor: Some("A Processor".into()),
            cores: 2,
        },
        address: "127.0.0.1:7777".into(),
        seed: 1,
        rate: 5.0,
        duration_s: 10.0,
        elapsed_s: 10.0,
        threads: 2,
        cut_short: false,
        players: Players { asked: 100, connected: 100, lost: 1, lost_by: causes("cut_off", 1), ..Players::default() },
        moves: Moves {
            due: 100,
            sent: 100,
            acked: 98,
            refused: 2,
            refused_by: RefusedBy { off_board: 0, taken: 2, too_fast: 0 },
            unanswered: 0,
        },
        positions,
        latency_ms: Latency {
            move_to_self: percentiles(9.0),
            move_to_others: percentiles(10.0),
            connect: percentiles(4.0),
        },
        slip_ms: percentiles(0.5),
        bytes: Bytes { received: 10_000, sent: 1_000 },
        scenarios: vec![walk, login, flood],
        series: (1..=12).map(sample).collect(),
        curve: [(0.0, 5.0), (50.0, 10.0), (90.0, 15.0), (99.0, 20.0), (100.0, 40.0)]
            .map(|(percentile, ms)| CurvePoint { percentile, ms, count: 1 })
            .to_vec(),
        server: Some(Server { cpu_us_per_position: Some(3.1), cpu_percent: Some(30.0), rss_kib_per_player: Some(4.2) }),
        own: None,
        capacity: None,
        record: None,
        replay: None,
        void: false,
        void_reasons: Vec::new(),
        failure: None,
    }
}
