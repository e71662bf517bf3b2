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
/// What is shown of a longer one, in characters.
const SHOWN_CHARS: usize = 60;

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

    /// Whether it holds for a report. What was not measured fulfils no condition, and a report has no figure of what it has
    /// no name for: some names come with the first of their kind.
    pub(super) fn judge(&self, report: &Value) -> Verdict {
        let (mut holds, mut unmeasured) = (false, false);
        let mut because = Vec::new();
        for all in &self.any {
            let mut all_hold = true;
            for condition in all {
                let found = figure(report, &condition.name).ok().flatten();
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
        Verdict { holds, because, unmeasured }
    }

    fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.any.iter().flatten()
    }
}

impl Condition {
    fn is_fulfilled_by(&self, found: f64) -> bool {
        // Figures are ratios and times, too: equal is what nobody can tell apart, and neither less nor more.
        let equal = (found - self.number).abs() <= f64::EPSILON * found.abs().max(self.number.abs());
        match self.operator {
            Operator::Less => found < self.number && !equal,
            Operator::AtMost => found < self.number || equal,
            Operator::More => found > self.number && !equal,
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
        // In full where three decimals would say something else: 0.9999996 is not 1.
        let rounded = (found * 1_000.0).round() / 1_000.0;
        let is_as_good = rounded.is_finite() && self.is_fulfilled_by(rounded) == fulfilled;
        format!("{name} = {}, {not}{sign} {written}", if is_as_good { rounded } else { found })
    }
}

impl FromStr for Expression {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        // It is told on one line, where each character has its place.
        let line = text.chars().map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c });
        if text.len() > MAX_BYTES {
            let what = format!("longer than {MAX_BYTES} bytes; it begins");
            return Err(ParseError { what, text: line.take(SHOWN_CHARS).collect(), at: 0 });
        }
        let text: String = line.collect();
        let mut parser = Parser { text: &text, rest: &text };
        let mut any = vec![Vec::new()];
        loop {
            let condition = parser.condition()?;
            any.last_mut().expect("never empty").push(condition);
            parser.blanks();
            match parser.rest.chars().next() {
                None => return Ok(Self { text, any }),
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
        if !number.is_finite() {
            self.rest = written;
            return Err(self.wrong("the number is too large".into()));
        }
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
        return Ok(sum(report, name));
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

/// Of all honest deliveries: the ratio that was delivered, and how many are missing or late. `None` beyond all numbers.
fn sum(report: &Value, name: &str) -> Option<f64> {
    let honest = || report["scenarios"].as_array().into_iter().flatten().filter(|part| part["hostile"] != true);
    let sum = |of: &str| honest().filter_map(|part| part["deliveries"][of].as_f64()).sum::<f64>();
    let found = match (name, sum("due")) {
        ("delivered", 0.0) => 1.0,
        ("delivered", due) => sum("delivered") / due,
        _ => sum(name),
    };
    Some(found).filter(|found| found.is_finite())
}
