//! The conditions of `malpan bot --limit` and `--fail-if`: the bytes up to the first zero are an expression, those behind it
//! the JSON of a report; where there is none, a report of the usual kind stands in.
//!
//! The language belongs to the program `malpan` and is no part of the client's library, so its file is taken in here as it
//! is. It needs nothing of the bot.

#[path = "../../../client/src/bot/expression.rs"]
mod language;

use language::{Expression, Verdict};
use serde_json::{Value, json};

/// What an expression may have at the most, in bytes.
const LONGEST_BYTES: usize = 1_000;
/// What the error may say beside the expression's own line and the one with the mark, in bytes.
const LONGEST_REASON_BYTES: usize = 80;
/// The signs in pairs: each is what its neighbour is not.
const OPPOSITES: [(&str, &str); 3] = [("<", ">="), (">", "<="), ("=", "!=")];

/// Any expression over any report.
///
/// # Panics
/// Where the language breaks a law of its own.
pub fn expression(data: &[u8]) {
    let end = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let text = String::from_utf8_lossy(&data[..end]);
    let report = serde_json::from_slice(data.get(end + 1..).unwrap_or_default()).unwrap_or_else(|_| usual());
    match text.parse::<Expression>() {
        Ok(expression) => {
            assert!(text.len() <= LONGEST_BYTES, "{} bytes are taken", text.len());
            prints_as_itself(&expression);
            is_what_its_conditions_are(&expression, &text, &report);
            // With another sign or number in them they have to fit as well.
            let short = conditions(&text).flatten().filter(|condition| condition.len() <= LONGEST_BYTES / 2);
            short.for_each(|condition| means_what_it_says(condition, &report));
        }
        Err(error) => points_to_its_place(&error.to_string(), &text),
    }
}

/// What is printed is one line and reads as the same.
fn prints_as_itself(expression: &Expression) {
    let printed = expression.to_string();
    assert!(is_line(&printed), "{printed:?}");
    assert_eq!(printed.parse().as_ref(), Ok(expression), "{printed}");
}

/// Bars and commas do what they say, found out by splitting the text.
fn is_what_its_conditions_are(expression: &Expression, text: &str, report: &Value) {
    let verdict = expression.judge(report);
    let each: Vec<Vec<_>> = conditions(text).map(|all| all.map(|one| verdict_of(one, report)).collect()).collect();
    let holds = each.iter().any(|all| all.iter().all(|one| one.holds));
    assert_eq!(verdict.holds, holds, "{text} of {report}");
    assert_eq!(verdict.unmeasured, each.iter().flatten().any(|one| one.unmeasured), "{text} of {report}");
    let decisive = each.iter().flatten().filter(|one| one.holds == holds || one.unmeasured);
    let because = decisive.map(|one| one.because.as_str()).collect::<Vec<_>>().join(", ");
    assert_eq!(verdict.because, because, "{text}");
    assert!(is_line(&verdict.because) && !verdict.because.is_empty(), "{:?}", verdict.because);
    if let Err(unknown) = expression.check(report) {
        assert!(is_line(&unknown) && verdict.unmeasured, "{unknown:?}");
    }
}

/// One condition, with its own sign and with every other.
fn means_what_it_says(condition: &str, report: &Value) {
    let (name, sign, number) = parts(condition);
    let holds = |sign: &str| verdict_of(&format!("{name}{sign}{number}"), report).holds;
    let own = verdict_of(condition, report);
    assert_eq!(verdict_of(&format!(" {name}  {sign} {number} "), report), own, "{condition} with blanks");
    // Whether percent of a whole are meant depends on the name.
    let stand_in = if name == "cpu" || name.ends_with("percent") { "percent" } else { "figure" };
    let of = |sign: &str, figure: f64| verdict_of(&format!("{stand_in}{sign}{number}"), &json!({ stand_in: figure }));
    assert!(!(of("=", 0.0).holds && of("=", 1.0).holds), "{number} is 0 and 1");
    if let Some(value) = at_path(report, name) {
        assert!(verdict_of(&format!("{name}={value}"), report).holds, "{name} is {value}");
    }
    if own.unmeasured {
        assert!(!OPPOSITES.iter().any(|(one, other)| holds(one) || holds(other)), "{condition} of {report}");
        return;
    }
    for (one, other) in OPPOSITES {
        assert!(holds(one) != holds(other), "{name}{one}{number} and {name}{other}{number} of {report}");
    }
    let exactly_one = [holds("<"), holds("="), holds(">")].into_iter().filter(|holds| *holds).count();
    assert_eq!(exactly_one, 1, "{condition} of {report}");
    assert_eq!(holds("="), holds("=="), "{condition}");

    // The figure that is told is one with which the verdict is the same.
    let (_, told) = own.because.split_once(" = ").expect("a figure is told");
    let (figure, _) = told.split_once(", ").expect("a figure, and how it compares");
    let figure: f64 = figure.parse().expect("a figure is a number");
    assert!(figure.is_finite(), "{}", own.because);
    assert_eq!(of(sign, figure).holds, own.holds, "{}", own.because);
}

/// The number where a path through objects alone leads.
fn at_path(report: &Value, name: &str) -> Option<f64> {
    let found = name.split('.').try_fold(report, |at, part| at.as_object()?.get(part))?;
    // Without a dot it may be an alias.
    found.as_f64().filter(|_| name.contains('.'))
}

/// A refusal is three lines: why, the expression, and a mark under the place.
fn points_to_its_place(error: &str, text: &str) {
    let lines: Vec<_> = error.split('\n').collect();
    let [why, shown, mark] = lines[..] else { panic!("{} lines: {error:?}", lines.len()) };
    assert!(lines.iter().all(|line| is_line(line)), "{error:?}");
    assert!(why.len() <= LONGEST_REASON_BYTES, "{why}");
    assert!(shown.len() <= 2 + LONGEST_BYTES && mark.len() <= shown.chars().count() + 1, "{error}");
    assert_eq!(mark.trim_start(), "^");
    // What stands before the mark is not to blame: with nothing but blanks behind it, it is refused there, or taken whole.
    let before: String = text.chars().take(mark.len() - 3).collect();
    if let Err(error) = before.parse::<Expression>() {
        let place = error.to_string().lines().last().map(str::len);
        assert_eq!(place, Some(mark.len()), "{before:?} of {text:?}: {error}");
    }
}

/// An expression's conditions as they are written: no name, sign or number has a bar or a comma.
fn conditions(text: &str) -> impl Iterator<Item = impl Iterator<Item = &str>> {
    text.split('|').map(|all| all.split(','))
}

/// A condition's name, sign and number.
fn parts(condition: &str) -> (&str, &str, &str) {
    let is_sign = |c| matches!(c, '<' | '>' | '=' | '!');
    let (name, rest) = condition.split_at(condition.find(is_sign).expect("a condition has a sign"));
    let (sign, number) = rest.split_at(rest.find(|c| !is_sign(c)).expect("a number follows"));
    (name.trim(), sign, number)
}

fn verdict_of(text: &str, report: &Value) -> Verdict {
    text.parse::<Expression>().unwrap_or_else(|error| panic!("{text:?}: {error}")).judge(report)
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// A report as `malpan bot` writes them, without what no condition can be about.
fn usual() -> Value {
    let percentiles =
        |ms: f64| json!({ "p50": ms, "p90": 2.0 * ms, "p99": 3.0 * ms, "p999": 4.0 * ms, "max": 5.0 * ms });
    let nothing = json!({ "count": 0, "p50": null, "p90": null, "p99": null, "p999": null, "max": null });
    json!({
        "elapsed_s": 10.0,
        "players": { "asked": 100, "connected": 99, "failed": 1, "failed_by": { "timed_out": 1 }, "lost": 2, "lost_by": { "cut_off": 2 } },
        "positions": { "due": 3_000_000, "delivered": 2_999_999, "missing": 1, "missing_by": { "left_out": 1 } },
        "latency_ms": { "move_to_others": percentiles(20.411), "move_to_self": nothing },
        "slip_ms": percentiles(0.5),
        "scenarios": [
            { "name": "flood", "hostile": true, "main": null, "latency_ms": {}, "attack": { "attempts": 84 } },
            {
                "name": "chat", "hostile": false, "main": "to_others",
                "latency_ms": { "to_others": percentiles(7.25), "to_self": nothing },
                "deliveries": { "due": 3_000_000, "delivered": 2_999_999, "missing": 1, "late": 3 },
            },
            { "name": "login", "hostile": false, "main": null, "operations": { "due": 9, "failed_by": {} }, "latency_ms": {} },
        ],
        "server": { "cpu_percent": 30.1, "cpu_us_per_position": 3.25, "rss_kib_per_player": null },
        "void": false,
        "void_reasons": [],
        "failure": null,
    })
}
