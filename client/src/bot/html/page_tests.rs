//! A page of everything, from a report made by hand.

use super::page;
use crate::bot::{
    report::{Capacity, CurvePoint, Report, Sample, Scenario, Server, Step},
    sample_report::everything,
};

fn whole() -> Report {
    everything()
}

#[test]
fn a_page_has_everything_and_fetches_nothing() {
    let page = page(&whole());
    for wanted in
        ["Latency by percentile", "Players", "Rates", "Errors", "Server CPU", "Server memory", "Schedule slip"]
    {
        assert!(page.contains(wanted), "{wanted}");
    }
    for wanted in
        ["walk to others", "Hostile players", "kicked_flooding 84", "To repeat this", "--limit &#39;p99&lt;50ms&#39;"]
    {
        assert!(page.contains(wanted), "{wanted}");
    }
    for outside in ["http://", "https://", "<script", "@import", "url(", "src="] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    assert!(!page.contains("NaN") && !page.contains("inf"));
}

#[test]
fn what_a_server_says_is_no_markup() {
    let mut report = whole();
    report.players.lost_by.insert("<img src=x onerror=alert(1)>".into(), 1);
    report.address = "<b>&".into();
    report.scenarios[0].players.lost_by.insert("</td>".into(), 1);
    let page = page(&report);
    assert!(!page.contains("<img") && !page.contains("<b>&\"") && page.contains("&lt;img src=x"), "{page}");
}

#[test]
fn a_void_run_and_a_failed_one_say_so() {
    let mut report = whole();
    (report.void, report.void_reasons) = (true, vec!["the schedule slipped".into()]);
    assert!(page(&report).contains("Void: the bot itself was the bottleneck"));
    report.failure = Some("no player got a seat".into());
    assert!(page(&report).contains("Failed: no player got a seat"));
}

#[test]
fn a_search_shows_its_curve() {
    let step = |players, held| Step {
        at_s: 1.0,
        players,
        phase: "grow".into(),
        held,
        broken: (!held).then(|| "p99 = 61, not < 50ms".into()),
        p50_ms: Some(10.0),
        p99_ms: Some(players as f64 / 100.0),
        max_ms: Some(80.0),
        slip_p99_ms: Some(1.0),
        lost: 0,
        delivered: 1.0,
        server_cpu_percent: None,
    };
    let mut report = whole();
    let steps = vec![step(1_000, true), step(6_100, false)];
    report.capacity =
        Some(Capacity { limit: "p99<50ms".into(), players: 1_000, stopped_by: "with 6100".into(), steps });
    let page = page(&report);
    assert!(page.contains("This server holds 1000 players") && page.contains("The search"));
    assert_eq!((page.matches("mark good").count(), page.matches("mark bad").count()), (1, 1));
}

#[test]
fn an_empty_run_and_a_long_one_are_pages_too() {
    let mut report = whole();
    report.series.clear();
    report.curve.clear();
    report.scenarios = Vec::<Scenario>::new();
    report.server = None::<Server>;
    assert!(page(&report).contains("</html>"));
    let mut report = whole();
    report.series = vec![Sample { p99_ms: Some(3.0), ..report.series[0].clone() }; 10_000];
    report.curve = vec![CurvePoint { percentile: 100.0, ms: 1.0, count: 1 }];
    let page = page(&report);
    assert!(page.len() < 300_000 && !page.contains("inf"), "{}", page.len());
}
