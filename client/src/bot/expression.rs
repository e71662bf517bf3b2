//! The language of `--limit` and `--fail-if`: conditions on the report's figures. Pure.
//!
//! ```text
//! expression = all *( "|" all )         one of them holds
//! all        = condition *( "," condition )   all of them hold
//! condition  = name operator number [ unit ]
//! operator   = "<" | "<=" | ">" | ">=" | "=" | "!="
//! unit       = "us" | "ms" | "s" | "%" | "k"
//! ```
//!
//! A name is a path of the report's JSON, entries of `scenarios` by their names (`scenarios.chat.deliveries.missing`), or an
//! alias. Times are milliseconds unless their unit says otherwise.

use serde_json::Value;
use std::{fmt, str::FromStr};

/// The longest expression, in bytes.
const MAX_BYTES: usize = 1_000;

/// Aliases beside the percentiles of the main latency, and what they stand for.
const ALIASES: [(&str, &str); 8] = [
    ("lost", "players.lost"),
    ("failed", "players.failed"),
    ("connected", "players.connected"),
    ("slip", "slip_ms.p99"),
    ("cpu", "server.cpu_percent"),
    ("memory", "server.rss_kib_per_player"),
    ("us_per_position", "server.cpu_us_per_position"),
    ("void", "void"),
];
/// Aliases of sums over all honest scenarios' deliveries.
const SUMS: [&str; 3] = ["delivered", "missing", "late"];
/// Percentiles of the main latency.
const PERCENTILES: [&str; 5] = ["p50", "p90", "p99", "p999", "max"];

const UNMEASURED: &str = "was not measured";

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expression {
    text: String,
    /// One of these holds where all of its conditions do.
    any: Vec<Vec<Condition>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Condition {
    name: String,
    operator: Operator,
    number: f64,
    /// As it was written, with its unit.
    written: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Unequal,
}

/// Longest first: the first that fits is meant.
const OPERATORS: [(&str, Operator); 7] = [
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("!=", Operator::Unequal),
    ("==", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::More),
    ("=", Operator::Equal),
];

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}\n  {text}\n  {:>width$}", "^", width = at + 1)]
pub(super) struct ParseError {
    what: String,
    text: String,
    /// In characters.
    at: usize,
}

/// What an expression says of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) holds: bool,
    /// The conditions that decided it, and their figures, as `p99 = 61.2, not < 50ms`.
    pub(super) because: String,
    /// Whether a figure that it asks for was not measured.
    pub(super) unmeasured: bool,
}

impl Expression {
    /// Whether every name stands for a figure that a report like this one has.
    ///
    /// # Errors
    /// The first that does not.
    pub(super) fn check(&self, report: &Value) -> Result<(), String> {
        self.conditions().try_for_each(|condition| figure(report, &condition.name).map(drop))
    }

    /// Whether it holds for a report. What was not measured fulfils no condition.
    ///
    /// # Errors
    /// As [`Expression::check`].
    pub(super) fn judge(&self, report: &Value) -> Result<Verdict, String> {
        let (mut holds, mut unmeasured) = (false, false);
        let mut because = Vec::new();
        for all in &self.any {
            let mut all_hold = true;
            for condition in all {
                let found = figure(report, &condition.name)?;
                unmeasured |= found.is_none();
                let fulfilled = found.is_some_and(|found| condition.is_fulfilled_by(found));
                all_hold &= fulfilled;
                because.push((fulfilled, condition.told(found, fulfilled)));
            }
            holds |= all_hold;
        }
        // What decided it: the conditions that hold where the whole does, and the others where it does not.
        let decisive =
            because.into_iter().filter(|(fulfilled, told)| *fulfilled == holds || told.ends_with(UNMEASURED));
        let because = decisive.map(|(_, told)| told).collect::<Vec<_>>().join(", ");
        Ok(Verdict { holds, because, unmeasured })
    }

    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.any.iter().flatten()
    }
}

impl Condition {
    fn is_fulfilled_by(&self, found: f64) -> bool {
        // Figures are ratios and times, too: equal is what nobody can tell apart.
        let equal = (found - self.number).abs() <= f64::EPSILON * found.abs().max(self.number.abs());
        match self.operator {
            Operator::Less => found < self.number,
            Operator::AtMost => found < self.number || equal,
            Operator::More => found > self.number,
            Operator::AtLeast => found > self.number || equal,
            Operator::Equal => equal,
            Operator::Unequal => !equal,
        }
    }

    fn told(&self, found: Option<f64>, fulfilled: bool) -> String {
        let Self { name, operator, written, .. } = self;
        let Some(found) = found else { return format!("{name} {UNMEASURED}") };
        let sign = OPERATORS.iter().rfind(|(_, candidate)| candidate == operator).map_or("", |(sign, _)| sign);
        let not = if fulfilled { "" } else { "not " };
        format!("{name} = {}, {not}{sign} {written}", (found * 1_000.0).round() / 1_000.0)
    }
}

impl FromStr for Expression {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut parser = Parser { text, rest: text };
        if text.len() > MAX_BYTES {
            return Err(parser.wrong(format!("longer than {MAX_BYTES} bytes")));
        }
        let mut any = vec![Vec::new()];
        loop {
            let condition = parser.condition()?;
            any.last_mut().expect("never empty").push(condition);
            parser.blanks();
            match parser.rest.chars().next() {
                None => return Ok(Self { text: text.to_owned(), any }),
                Some(',') => {}
                Some('|') => any.push(Vec::new()),
                Some(_) => return Err(parser.wrong("a comma, a bar or the end should follow".into())),
            }
            parser.rest = &parser.rest[1..];
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn condition(&mut self) -> Result<Condition, ParseError> {
        self.blanks();
        let name = self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if name.is_empty() {
            return Err(self.wrong("a name should stand here, such as p99 or players.lost".into()));
        }
        self.blanks();
        let operator = OPERATORS.iter().find(|(sign, _)| self.rest.starts_with(sign));
        let Some(&(sign, operator)) = operator else {
            return Err(self.wrong("one of < <= > >= = != should stand here".into()));
        };
        self.rest = &self.rest[sign.len()..];
        self.blanks();
        let written = self.rest;
        let digits = self.take(|c| c.is_ascii_digit() || matches!(c, '.' | '-'));
        let number = digits.parse::<f64>().ok().filter(|number| number.is_finite());
        let Some(number) = number else {
            self.rest = written;
            return Err(self.wrong("a number should stand here, such as 50ms or 0.99".into()));
        };
        let before_unit = self.rest;
        let unit = self.take(|c| c.is_ascii_alphabetic() || c == '%');
        let number = match unit {
            "" | "ms" => number,
            "us" => number / 1_000.0,
            "s" | "k" => number * 1_000.0,
            // Of one core's time, a hundred is the whole; of what was due, one is.
            "%" if name.ends_with("percent") || name == "cpu" => number,
            "%" => number / 100.0,
            _ => {
                self.rest = before_unit;
                return Err(self.wrong("no unit; there are us, ms, s, % and k".into()));
            }
        };
        let written = written[..written.len() - self.rest.len()].to_owned();
        Ok(Condition { name: name.to_owned(), operator, number, written })
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, of: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !of(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn wrong(&self, what: String) -> ParseError {
        let at = self.text[..self.text.len() - self.rest.len()].chars().count();
        ParseError { what, text: self.text.to_owned(), at }
    }
}

/// A figure of a report; `None` where it was not measured.
fn figure(report: &Value, name: &str) -> Result<Option<f64>, String> {
    if PERCENTILES.contains(&name) {
        let main = main_latency(report).ok_or_else(|| format!("{name}: no scenario of this run has a latency"))?;
        return Ok(number(&main[name]));
    }
    if SUMS.contains(&name) {
        return Ok(Some(sum(report, name)));
    }
    let path = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, path)| path);
    let mut at = report;
    let mut below_causes = false;
    for part in path.split('.') {
        at = match at {
            Value::Array(entries) => match entries.iter().find(|entry| entry["name"] == part) {
                Some(entry) => entry,
                None => return Err(format!("{name}: this run has no scenario {part}")),
            },
            _ => match at.get(part) {
                Some(value) => value,
                // A cause that never was.
                None if below_causes => return Ok(Some(0.0)),
                None if part == "server" => return Err(format!("{name} needs --server-pid or --server-metrics")),
                None => return Err(format!("there is no figure {name}")),
            },
        };
        below_causes = part.ends_with("_by");
    }
    match at {
        Value::Null | Value::Number(_) | Value::Bool(_) => Ok(number(at)),
        _ => Err(format!("{name} is no figure, but holds some")),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_bool().map(|value| f64::from(u8::from(value))))
}

/// The main latency of the walkers, or of the first honest scenario that has one.
fn main_latency(report: &Value) -> Option<&Value> {
    let honest = || report["scenarios"].as_array().into_iter().flatten().filter(|part| part["hostile"] != true);
    let main = |part: &'_ Value| part["main"].as_str().map(str::to_owned);
    let walk = honest().find(|part| part["name"] == "walk");
    let part = walk.or_else(|| honest().find(|part| main(part).is_some()))?;
    part["latency_ms"].get(main(part)?)
}

/// Of all honest deliveries: the ratio that was delivered, and how many are missing or late.
fn sum(report: &Value, name: &str) -> f64 {
    let honest = || report["scenarios"].as_array().into_iter().flatten().filter(|part| part["hostile"] != true);
    let sum = |of: &str| honest().filter_map(|part| part["deliveries"][of].as_f64()).sum::<f64>();
    match (name, sum("due")) {
        ("delivered", 0.0) => 1.0,
        ("delivered", due) => sum("delivered") / due,
        _ => sum(name),
    }
}

#[cfg(test)]
mod tests {
    use super::Expression;
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
        parse(text).judge(&report()).unwrap().holds
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
        let because = |text: &str| parse(text).judge(&report()).unwrap().because;
        assert_eq!(because("p99<5ms,lost=0,failed=0"), "p99 = 7, not < 5ms, lost = 2, not = 0");
        assert_eq!(because("failed=0"), "failed = 0, = 0");
        assert_eq!(because("latency_ms.move_to_self.p99<5"), "latency_ms.move_to_self.p99 was not measured");
    }

    #[test]
    fn what_was_not_measured_fulfils_nothing() {
        assert!(!holds("latency_ms.move_to_self.p99<5") && !holds("latency_ms.move_to_self.p99>=5"));
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

    proptest! {
        #[test]
        fn no_text_brings_the_parser_down(text in ".{0,60}", tail in "[a-z0-9.<>=!,|% ]{0,60}") {
            for text in [text, tail] {
                if let Ok(expression) = text.parse::<Expression>() {
                    let _ = expression.judge(&report());
                    prop_assert_eq!(expression.to_string(), text);
                }
            }
        }
    }
}
