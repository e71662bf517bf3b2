//! Names, and when a run is void.

use super::{Asked, report as make, void_reasons};
use crate::bot::{
    conductor::{CutShort, ProcessUse, Used},
    gauge::Usage,
    hostile::Tally,
    metrics::Latencies,
    outcome::Totals,
    plan::Plan,
    report::Report,
    rooms::Positions,
    run::Findings,
    steps::Refused,
    table::Table,
};
use serde_json::Value;
use std::time::{Duration, SystemTime};

fn plan() -> Plan {
    Plan::new(&"walk".parse().unwrap(), 100, None, 3, 0)
}

fn latencies(ms: u64) -> Latencies {
    let mut latencies = Latencies::default();
    latencies.record_ns(ms * 1_000_000);
    latencies
}

fn totals() -> Totals {
    let mut totals = Totals::of(Vec::new(), &plan());
    totals.moves_accepted = 4_900;
    totals.moves_refused = Refused { taken: 90, ..Refused::default() };
    (totals.bytes_received, totals.bytes_sent) = (7, 8);
    totals.timings.connect = latencies(4);
    totals.timings.slip = latencies(1);
    let walk = &mut totals.parts[0];
    walk.fates.connected = 100;
    walk.fates.lost_by.insert("kicked_slow_consumer".into(), 2);
    (walk.ledger.due, walk.ledger.sent, walk.ledger.done) = (5_000, 5_000, 4_900);
    walk.ledger.late = 5;
    walk.ledger.to_self = latencies(20);
    walk.ledger.to_others = latencies(30);
    walk.deliveries = Positions { due: 49_000, delivered: 48_900, missing: 100, left_out: 100, ..Positions::default() };
    totals
}

fn report(totals: Totals, cut_short: Option<CutShort>) -> Report {
    let usage = |cpu_ms, rss_kib| Usage { cpu: Duration::from_millis(cpu_ms), rss_kib };
    let server = ProcessUse {
        before: Some(usage(0, 5_000)),
        seated: Some(usage(100, 5_250)),
        end: Some((usage(589, 9_000), Duration::from_secs(10))),
    };
    let duration = Duration::from_secs(10);
    let started = SystemTime::UNIX_EPOCH;
    let asked = Asked { address: "127.0.0.1:7777".into(), seed: 3, duration, threads: 2, started };
    let attacks = vec![Tally::default()];
    let used = Used { server: Some(server), own: server };
    let findings = Findings { totals, attacks, asked: 100, elapsed: duration, cut_short, used };
    make(&asked, &plan(), &findings)
}

fn at<'a>(json: &'a Value, path: &str) -> &'a Value {
    let pointer = format!("/{}", path.replace('.', "/"));
    json.pointer(&pointer).unwrap_or_else(|| panic!("no {path} in {json:#}"))
}

#[test]
fn json_has_the_promised_names() {
    let json = serde_json::to_value(report(totals(), None)).unwrap();
    let numbers = [
        ("players.asked", 100.0),
        ("players.connected", 100.0),
        ("players.lost", 2.0),
        ("players.lost_by.kicked_slow_consumer", 2.0),
        ("moves.due", 5_000.0),
        ("moves.sent", 5_000.0),
        ("moves.acked", 4_900.0),
        ("moves.refused", 90.0),
        ("moves.refused_by.off_board", 0.0),
        ("moves.refused_by.taken", 90.0),
        ("moves.refused_by.too_fast", 0.0),
        ("moves.unanswered", 10.0),
        ("positions.due", 49_000.0),
        ("positions.delivered", 48_900.0),
        ("positions.missing", 100.0),
        ("positions.late", 5.0),
        ("positions.missing_by.left_out", 100.0),
        ("latency_ms.move_to_self.p99", 20.0),
        ("latency_ms.move_to_others.p99", 30.0),
        ("latency_ms.connect.p99", 4.0),
        ("slip_ms.p99", 1.0),
        ("bytes.received", 7.0),
        ("bytes.sent", 8.0),
        ("server.cpu_us_per_position", 10.0),
        ("server.cpu_percent", 4.89),
        ("server.rss_kib_per_player", 2.5),
        ("seed", 3.0),
        ("rate", 5.0),
        ("duration_s", 10.0),
        ("elapsed_s", 10.0),
        ("threads", 2.0),
    ];
    for (path, wanted) in numbers {
        let found = at(&json, path).as_f64().unwrap();
        assert!((found - wanted).abs() <= wanted * 0.001, "{path}: {found}, not {wanted}");
    }
    for quantile in ["p50", "p90", "p99", "p999", "max", "count"] {
        for of in ["latency_ms.move_to_self", "latency_ms.move_to_others", "latency_ms.connect", "slip_ms"] {
            assert!(at(&json, &format!("{of}.{quantile}")).is_number());
        }
    }
    assert_eq!(at(&json, "void"), false);
    assert_eq!(at(&json, "void_reasons").as_array().unwrap().len(), 0);
    assert_eq!(at(&json, "cut_short"), false);
    assert_eq!(at(&json, "bot.version"), env!("CARGO_PKG_VERSION"));
    assert!(at(&json, "bot.command").is_array());
}

#[test]
fn what_was_not_measured_is_null() {
    let json = serde_json::to_value(report(Totals::of(Vec::new(), &plan()), None)).unwrap();
    for path in ["latency_ms.move_to_self.p99", "server.cpu_us_per_position", "server.rss_kib_per_player"] {
        assert!(at(&json, path).is_null(), "{path}");
    }
    assert!(at(&json, "server.cpu_percent").is_number());
}

#[test]
fn a_slipped_schedule_is_void() {
    let mut totals = totals();
    totals.timings.slip = latencies(4);
    assert!(!report(totals, None).void);
    let mut totals = self::totals();
    totals.timings.slip = latencies(6);
    let report = report(totals, None);
    assert!(report.void && report.void_reasons[0].contains("6.0 ms at p99"), "{:?}", report.void_reasons);
    assert!(Table(&report).to_string().contains("VOID: the schedule slipped"));
}

#[test]
fn missing_positions_void_a_run_only_where_the_bot_may_have_lost_them() {
    let reasons = |change: fn(&mut Totals)| {
        let mut totals = totals();
        change(&mut totals);
        void_reasons(&totals, &totals.timings.slip.percentiles())
    };
    assert_eq!(reasons(|_| {}), [""; 0]);
    assert!(reasons(|totals| totals.unread_bytes = 9)[0].contains("9 bytes lay unread"));
    assert!(reasons(|totals| totals.longest_stall_ns = 1_500_000_000)[0].contains("stood still for 1.5 s"));
    assert!(reasons(|totals| totals.unsent = 4)[0].contains("sending 4 moves"));
    assert!(reasons(|totals| totals.blocked = 2)[0].contains("2 actions found the bot's own sockets full"));
    let nothing_missing = |totals: &mut Totals| {
        (totals.unread_bytes, totals.longest_stall_ns) = (9, 1_500_000_000);
        totals.parts[0].deliveries.missing = 0;
    };
    assert_eq!(reasons(nothing_missing), [""; 0]);
}

#[test]
fn failures_say_why_and_an_interrupt_is_none() {
    let mut nobody = Totals::of(Vec::new(), &plan());
    nobody.parts[0].fates.failed_by.insert("connection_refused".into(), 100);
    let report_of_nobody = report(nobody, Some(CutShort::NobodySeated));
    assert_eq!(report_of_nobody.failure.unwrap(), "no player got a seat at 127.0.0.1:7777: connection_refused 100");
    let lost = report(totals(), Some(CutShort::EveryoneLost));
    assert_eq!(lost.failure.unwrap(), "every player was lost: kicked_slow_consumer 2");
    let interrupted = report(totals(), Some(CutShort::Interrupted));
    assert_eq!(interrupted.failure, None);
    assert!(interrupted.cut_short && Table(&interrupted).to_string().contains("cut short by Ctrl-C"));
}
