//! What the language of `--limit` and `--fail-if` means.

use super::expression::Expression;
use proptest::prelude::*;
use serde_json::{Value, json};

fn report() -> Value {
    json!({
        "players": { "lost": 2, "failed": 0, "connected": 100, "lost_by": { "cut_off": 2 } },
        "latency_ms": { "move_to_others": { "p99": 61.234 }, "move_to_self": { "p99": null } },
        "slip_ms": { "p99": 1.5 },
        "void": false,
        "scenarios": [
            { "name": "flood", "hostile": true, "main": null, "latency_ms": {} },
            {
                "name": "chat", "hostile": false, "main": "to_others",
                "latency_ms": { "to_others": { "p50": 1.0, "p99": 7.0, "max": 9.0 } },
                "deliveries": { "due": 1_000, "delivered": 990, "missing": 10, "late": 3 },
            },
        ],
    })
}

fn parse(text: &str) -> Expression {
    text.parse().unwrap()
}

fn holds(text: &str) -> bool {
    parse(text).judge(&report()).holds
}

#[test]
fn conditions_compare_figures_with_numbers() {
    for text in [
        "lost=2",
        "lost==2",
        "lost!=3",
        "lost<3",
        "lost<=2",
        "lost>1",
        "lost >= 2",
        "players.lost = 2",
        "latency_ms.move_to_others.p99 > 61ms",
        "latency_ms.move_to_others.p99<0.0613s",
        "latency_ms.move_to_others.p99 > 61000us",
        "delivered=99%",
        "delivered>0.98",
        "missing=10",
        "late=3",
        "p99=7",
        "max<10ms",
        "slip<5ms",
        "void=0",
        "scenarios.chat.deliveries.due=1k",
        "players.lost_by.cut_off=2",
        "players.lost_by.kicked_silent=0",
        "connected=100,lost<10",
        "lost=0|lost=2",
        "lost=0,failed=0|p99<8,failed=0",
    ] {
        assert!(holds(text), "{text}");
    }
    for text in ["lost=0", "lost<2", "lost>2", "lost=2,p99<5ms", "lost=0|p99<5ms", "delivered>=99.5%"] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn a_verdict_says_what_decided_it() {
    let because = |text: &str| parse(text).judge(&report()).because;
    assert_eq!(because("p99<5ms,lost=0,failed=0"), "p99 = 7, not < 5ms, lost = 2, not = 0");
    assert_eq!(because("failed=0"), "failed = 0, = 0");
    assert_eq!(because("latency_ms.move_to_self.p99<5"), "latency_ms.move_to_self.p99 was not measured");
}

#[test]
fn what_was_not_measured_fulfils_nothing() {
    assert!(!holds("latency_ms.move_to_self.p99<5") && !holds("latency_ms.move_to_self.p99>=5"));
}

#[test]
fn what_a_report_has_no_name_for_was_not_measured() {
    let verdict = parse("scenarios.chat.latency_ms.echo.p99<5ms,lost=2").judge(&report());
    assert!(!verdict.holds && verdict.unmeasured);
    assert_eq!(verdict.because, "scenarios.chat.latency_ms.echo.p99 was not measured");
}

#[test]
fn a_figure_is_told_in_full_where_it_has_to_be() {
    let report = json!({ "players": { "lost": 0.9999996, "failed": 1.7e308, "connected": 0.1 + 0.2 } });
    let because = |text: &str| parse(text).judge(&report).because;
    assert_eq!(because("lost>=100%"), "lost = 0.9999996, not >= 100%");
    assert_eq!(because("lost<100%"), "lost = 0.9999996, < 100%");
    assert_eq!(because("lost>0.5"), "lost = 1, > 0.5");
    assert!(because("failed>1").starts_with("failed = 17000000000"), "not inf");
    // Nobody can tell them apart, so it is neither more nor less.
    assert_eq!(because("connected<=0.3"), "connected = 0.3, <= 0.3");
    assert!(!parse("connected>0.3").judge(&report).holds && !parse("connected<0.3").judge(&report).holds);
}

#[test]
fn beyond_all_numbers_there_is_no_figure() {
    let part = json!({ "deliveries": { "due": 1e308, "delivered": 1e308, "missing": 0 } });
    let verdict = parse("delivered=1").judge(&json!({ "scenarios": [part, part] }));
    assert!(!verdict.holds && verdict.unmeasured);
}

#[test]
fn names_that_are_none_are_found_out() {
    for (text, reason) in [
        ("p98<5", "there is no figure p98"),
        ("players=5", "is no figure, but holds some"),
        ("players.gone=5", "there is no figure players.gone"),
        ("cpu<50%", "needs --server-pid"),
        ("scenarios.walk.players.lost=0", "no scenario walk"),
    ] {
        let error = parse(text).check(&report()).unwrap_err();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn errors_point_to_their_place() {
    let error = "p99<50ms,lost~0".parse::<Expression>().unwrap_err().to_string();
    assert_eq!(error, "one of < <= > >= = != should stand here\n  p99<50ms,lost~0\n               ^");
    for text in
        ["", "p99", "p99<", "p99<x", "<5", "p99<5ms lost=0", "p99<5,", "p99<5|", "p99<5min", "p99<--5", "p99<1e9"]
    {
        assert!(text.parse::<Expression>().is_err(), "{text}");
    }
}

#[test]
fn a_number_has_to_be_one() {
    let nines = "9".repeat(308);
    for text in [format!("p99<{nines}9"), format!("p99<{nines}k"), format!("p99<{nines}s")] {
        let error = text.parse::<Expression>().unwrap_err().to_string();
        assert!(error.ends_with("\n      ^"), "{error}");
    }
    assert!(format!("p99<{nines}").parse::<Expression>().is_ok());
}

#[test]
fn it_is_one_line_whatever_it_was_written_as() {
    let expression = parse("p99<50ms,\n\tlost = 2\u{2003}");
    assert_eq!(expression.to_string(), "p99<50ms,  lost = 2 ");
    let error = "p99<50ms,\nlost~0".parse::<Expression>().unwrap_err().to_string();
    assert_eq!(error, "one of < <= > >= = != should stand here\n  p99<50ms, lost~0\n                ^");
    let error = "p99<5|".repeat(1_000).parse::<Expression>().unwrap_err().to_string();
    assert_eq!(error, format!("longer than 1000 bytes; it begins\n  {}\n  ^", "p99<5|".repeat(10)));
}

proptest! {
    #[test]
    fn no_text_brings_the_parser_down(text in ".{0,60}", tail in "[a-z0-9.<>=!,|% ]{0,60}") {
        for text in [text, tail] {
            if let Ok(expression) = text.parse::<Expression>() {
                let _ = expression.judge(&report());
                prop_assert_eq!(expression.to_string().parse(), Ok(expression));
            }
        }
    }
}
