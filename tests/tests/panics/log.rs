//! The log of another process, read as whoever collects it would.

use crate::FORM;
use malpan_server::{
    config::{LogConfig, LogFormat},
    logging,
};
use std::{collections::BTreeMap, env, process::Command};

/// One line, whatever its form.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) level: String,
    pub(crate) message: String,
    pub(crate) fields: BTreeMap<String, String>,
}

impl Line {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).unwrap_or_else(|| panic!("{name} is in {self:?}"))
    }

    /// What a panic's line says beside whom it struck.
    pub(crate) fn tells_of(&self, panic: &str, file: &str) {
        assert_eq!(self.field("panic"), panic);
        let place = self.field("place").replace('\\', "/");
        let (found, position) = place.split_once(':').unwrap();
        assert!(found.ends_with(file) && position.split(':').all(|n| n.parse::<u32>().is_ok()), "{place}");
    }
}

/// The variable that says so is set in scenes alone.
pub(crate) fn set_up_if_asked() -> bool {
    let Some(form) = env::var_os(FORM) else { return false };
    let format = if form == "json" { LogFormat::Json } else { LogFormat::Text };
    logging::init(&LogConfig { format, filter: "warn".into(), ..LogConfig::default() }).unwrap();
    true
}

/// Everything that the test of this name prints to the standard error output when it runs alone as a scene.
pub(crate) fn lines_of(test: &str, form: &str) -> Vec<Line> {
    let scene = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(FORM, form)
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8(scene.stdout).unwrap(), String::from_utf8(scene.stderr).unwrap());
    assert!(scene.status.success() && out.contains("1 passed"), "{test}: {out}\n{err}");
    assert!(err.chars().all(|c| c == '\n' || !c.is_control()), "{test}: a terminal would obey this: {err:?}");
    err.lines().map(if form == "json" { json } else { text }).collect()
}

fn json(line: &str) -> Line {
    let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let as_text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut fields: BTreeMap<_, _> =
        line["fields"].as_object().unwrap().iter().map(|(name, value)| (name.clone(), as_text(value))).collect();
    Line { level: as_text(&line["level"]), message: fields.remove("message").unwrap(), fields }
}

/// `TIME LEVEL target: message name=value name="a text"`. No message or text of these scenes has a `=` in it.
fn text(line: &str) -> Line {
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(time.ends_with('Z'), "a time begins {line:?}");
    let (level, rest) = rest.trim_start().split_once(' ').unwrap();
    let (_target, rest) = rest.split_once(": ").unwrap();
    let mut parts = rest.split('=');
    let (message, mut name) = parts.next().unwrap().rsplit_once(' ').unwrap();
    let mut fields = BTreeMap::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let (value, next) = if parts.peek().is_some() { part.rsplit_once(' ').unwrap() } else { (part, "") };
        fields.insert(name.to_owned(), value.trim_matches('"').to_owned());
        name = next;
    }
    Line { level: level.into(), message: message.into(), fields }
}
