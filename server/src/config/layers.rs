//! The layers of settings, laid over each other key by key.

use super::{
    Config, ConfigError, Key, Problem, Setting, Source,
    keys::{self, Allowed},
};
use serde::{Deserialize, de::IntoDeserializer};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fs,
    path::Path,
};
use toml::{
    Spanned, Value,
    de::{DeTable, DeValue},
};

/// How every environment variable of Malpan begins.
pub const VARIABLE_PREFIX: &str = "MALPAN_";
/// The variable that names the file where the flag `--config` does not.
pub const CONFIG_VARIABLE: &str = "MALPAN_CONFIG";
/// Variables of other Malpan programs, which may stand in the same environment.
const FOREIGN_VARIABLES: [&str; 1] = ["MALPAN_ADDR"];
/// What to say of a key that does not exist, and of a variable of none.
const ALL_KEYS: &str = "the keys that `malpan-server config print-default` prints";
const ALL_VARIABLES: &str = "MALPAN_KEY and MALPAN_SECTION__KEY of the keys that `malpan-server config print-default` \
                             prints";

/// Checks the file at `path` by itself, over the defaults, and returns what it makes of them.
///
/// # Errors
/// Every problem that could be found, with its line and column.
pub fn check_file(path: &Path) -> Result<Config, ConfigError> {
    let mut layers = Layers::over_defaults();
    layers.lay_file(path);
    layers.finish()
}

/// Settings laid over the defaults so far. A value that is wrong is noted and leaves the one below it.
#[derive(Debug)]
pub(crate) struct Layers {
    /// The configuration so far, in the form of its file.
    table: toml::Table,
    /// Where each value that is not the default was set.
    sources: BTreeMap<&'static str, Source>,
    /// Keys of which some layer had a wrong value: no rule between keys is held against what stands instead.
    spoilt: BTreeSet<&'static str>,
    problems: Vec<Problem>,
}

impl Layers {
    /// Nothing but the defaults.
    pub(crate) fn over_defaults() -> Self {
        let table = toml::Table::try_from(Config::default()).expect("the defaults have a TOML form");
        Self { table, sources: BTreeMap::new(), spoilt: BTreeSet::new(), problems: Vec::new() }
    }

    /// Lays the file at `path` over what there is.
    pub(crate) fn lay_file(&mut self, path: &Path) {
        let source = |position| Source::File { path: path.into(), position };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.note(None, source(None), format!("it cannot be read: {error}"), None),
        };
        let position = |offset| source(Some(line_and_column(&text, offset)));
        let (document, errors) = DeTable::parse_recoverable(&text);
        if !errors.is_empty() {
            // What could be recovered from a broken file may not be what was meant.
            for error in errors {
                let offset = error.span().map_or(text.len(), |span| span.start);
                self.note(None, position(offset), error.message().into(), None);
            }
            return;
        }
        let mut leaves = Vec::new();
        flatten("", document.into_inner(), &mut leaves);
        leaves.sort_by_key(|leaf| leaf.offset);
        for Leaf { name, value, offset } in leaves {
            let Some(key) = self.known(&name, position(offset)) else { continue };
            match value {
                Some(value) => self.lay_value(key, value, position(offset)),
                None => self.spoil(key, position(offset), "it holds a number too large for TOML".into()),
            }
        }
    }

    /// Lays every variable that begins with [`VARIABLE_PREFIX`] over what there is; all others are passed by.
    pub(crate) fn lay_variables(&mut self, environment: &BTreeMap<OsString, OsString>) {
        for (name, value) in environment {
            let name = name.to_string_lossy();
            // On Windows the names of variables have no case.
            let name = if cfg!(windows) { name.to_ascii_uppercase() } else { name.into_owned() };
            if !name.starts_with(VARIABLE_PREFIX)
                || name == CONFIG_VARIABLE
                || FOREIGN_VARIABLES.contains(&name.as_str())
            {
                continue;
            }
            let source = Source::Variable(name.clone());
            let Some(key) = keys::keys().find(|key| key.variable() == name) else {
                self.note(None, source, "no key belongs to this variable".into(), Some(ALL_VARIABLES.into()));
                continue;
            };
            match value.to_str() {
                Some(text) if self.default_of(key).is_array() => {
                    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                    self.lay_texts(key, items, source);
                }
                Some(text) => self.lay_texts(key, [text], source),
                None => self.spoil(key, source, "its value is not UTF-8".into()),
            }
        }
    }

    /// Lays the values of a flag over what there is: all that were given where the key is a list, else one.
    pub(crate) fn lay_flag(&mut self, flag: &'static str, name: &str, texts: &[String]) {
        if texts.is_empty() {
            return;
        }
        let key = keys::find(name).expect("every flag names a key");
        self.lay_texts(key, texts.iter().map(String::as_str), Source::Flag(flag));
    }

    /// What the layers make together.
    pub(crate) fn finish(mut self) -> Result<Config, ConfigError> {
        let config = Config::deserialize(self.table.clone()).expect("each value was tried as it was laid");
        for violation in config.validate().err().unwrap_or_default() {
            if violation.keys.iter().any(|key| self.spoilt.contains(key)) {
                continue;
            }
            let source = |key| self.sources.get(key).cloned().unwrap_or(Source::Default);
            let settings = violation.keys.iter().map(|&key| Setting { key: Some(key), source: source(key) }).collect();
            let allowed = match violation.keys[..] {
                [key] => keys::find(key).map(|key| key.allowed.to_string()),
                _ => None,
            };
            self.problems.push(Problem { settings, what: violation.what, allowed });
        }
        if self.problems.is_empty() { Ok(config) } else { Err(ConfigError { problems: self.problems }) }
    }

    /// Lays texts, which have no TOML type, over a key: the key's own type says how they are read.
    fn lay_texts<'a>(&mut self, key: &'static Key, texts: impl IntoIterator<Item = &'a str>, source: Source) {
        let mut texts = texts.into_iter();
        let value = match self.default_of(key) {
            Value::Array(_) => Value::Array(texts.map(Value::from).collect()),
            Value::Integer(_) => {
                let text = texts.next().unwrap_or_default();
                match text.parse::<i64>() {
                    Ok(number) => Value::Integer(number),
                    Err(_) => return self.spoil(key, source, format!("{text:?} is not a whole number in range")),
                }
            }
            Value::Boolean(_) => match texts.next().unwrap_or_default() {
                "true" => Value::Boolean(true),
                "false" => Value::Boolean(false),
                text => return self.spoil(key, source, format!("{text:?} is neither true nor false")),
            },
            _ => Value::from(texts.next().unwrap_or_default()),
        };
        self.lay_value(key, value, source);
    }

    /// The key of this name; where there is none, that is noted.
    fn known(&mut self, name: &str, source: Source) -> Option<&'static Key> {
        let key = keys::find(name);
        if key.is_none() {
            let what = if keys::is_section(name) {
                format!("`{name}` is a section with keys of its own, not a key")
            } else {
                format!("there is no key `{name}`")
            };
            self.note(None, source, what, Some(ALL_KEYS.into()));
        }
        key
    }

    /// Lays one value over `key`, or notes why not.
    fn lay_value(&mut self, key: &'static Key, value: Value, source: Source) {
        let default = self.default_of(key);
        if !value.same_type(default) {
            let what = format!("{value} is of type {}, not {}", value.type_str(), default.type_str());
            return self.spoil(key, source, what);
        }
        let below = std::mem::replace(key.value_in_mut(&mut self.table), value.clone());
        match Config::deserialize(self.table.clone()) {
            Ok(_) => {
                self.sources.insert(key.name, source);
            }
            Err(error) => {
                *key.value_in_mut(&mut self.table) = below;
                let what = match key.allowed {
                    // serde would name the Rust type that the number does not fit.
                    Allowed::Count { .. } => format!("{value} is out of range"),
                    _ => format!("{}: {}", without_password(&value), error.message()),
                };
                self.spoil(key, source, what);
            }
        }
    }

    /// The value of `key` so far: of the same TOML type as its default.
    fn default_of(&self, key: &Key) -> &Value {
        key.value_in(&self.table)
    }

    fn spoil(&mut self, key: &'static Key, source: Source, what: String) {
        self.spoilt.insert(key.name);
        self.note(Some(key.name), source, what, Some(key.allowed.to_string()));
    }

    fn note(&mut self, key: Option<&'static str>, source: Source, what: String, allowed: Option<String>) {
        self.problems.push(Problem { settings: vec![Setting { key, source }], what, allowed });
    }
}

/// The value as it may be shown: of a URL without who signs in there.
fn without_password(value: &Value) -> String {
    let shown = value.to_string();
    match (shown.find("://"), shown.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}://...{}", &shown[..scheme], &shown[at..]),
        _ => shown,
    }
}

/// A value of the file, unless TOML cannot hold it, and where it stands.
struct Leaf {
    name: String,
    value: Option<Value>,
    offset: usize,
}

/// Takes the sections of a file apart into single values. A table where no section is expected stays whole, for
/// [`Layers::known`] or the key's type to refuse.
fn flatten(prefix: &str, table: DeTable<'_>, leaves: &mut Vec<Leaf>) {
    for (key, value) in table {
        let name = format!("{prefix}{}", key.get_ref());
        let offset = if keys::find(&name).is_some() { value.span().start } else { key.span().start };
        match value.get_ref() {
            DeValue::Table(_) if keys::is_section(&name) => {
                let DeValue::Table(section) = value.into_inner() else { unreachable!("matched above") };
                flatten(&format!("{name}."), section, leaves);
            }
            _ => leaves.push(Leaf { name, value: into_value(value), offset }),
        }
    }
}

/// The value without its place. Numbers that exceed TOML's own have none.
fn into_value(value: Spanned<DeValue<'_>>) -> Option<Value> {
    Value::deserialize(value.into_deserializer()).ok()
}

/// The line and column, in characters and from 1, of a byte offset into `text`.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}
