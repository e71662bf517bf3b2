//! The list of keys: what each is called, means, and may be.

use super::{Config, GameConfig, LimitsConfig, LogConfig, TlsConfig, layers::VARIABLE_PREFIX};
use std::{fmt, time::Duration};

/// One key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name in the file, with its section: `game.board`.
    pub name: &'static str,
    /// What it is, in a sentence or three.
    pub about: &'static str,
    /// What it may be.
    pub allowed: Allowed,
}

/// What a key may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allowed {
    /// A whole number, both ends included.
    Count {
        /// What is counted, in the plural.
        unit: &'static str,
        /// The least.
        min: u64,
        /// The most.
        max: u64,
    },
    /// A time in whole milliseconds, written with its unit, both ends included.
    Time {
        /// The shortest.
        min: Duration,
        /// The longest.
        max: Duration,
    },
    /// What the key's own type reads.
    Form(&'static str),
}

/// Every key, in the order of the printed file.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    [Config::KEYS, GameConfig::KEYS, TlsConfig::KEYS, LogConfig::KEYS, LimitsConfig::KEYS].into_iter().flatten()
}

/// The key of this name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    keys().find(|key| key.name == name)
}

/// Whether `name` is a section, such as `game`.
pub(super) fn is_section(name: &str) -> bool {
    keys().any(|key| key.section() == name && !name.is_empty())
}

impl Key {
    /// The section it is in; empty for the keys above all sections.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(section, _)| section)
    }

    /// Its name within its section.
    #[must_use]
    pub fn leaf(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, leaf)| leaf)
    }

    /// The environment variable that sets it: `MALPAN_GAME__BOARD` for `game.board`.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.name.replace('.', "__").to_uppercase())
    }

    /// Its value in `table`, which is a whole configuration.
    pub(super) fn value_in<'a>(&self, table: &'a toml::Table) -> &'a toml::Value {
        let value = match self.section() {
            "" => table.get(self.leaf()),
            section => table.get(section).and_then(|section| section.get(self.leaf())),
        };
        value.expect("every key is a field of Config")
    }

    /// As [`Key::value_in`], to be changed.
    pub(super) fn value_in_mut<'a>(&self, table: &'a mut toml::Table) -> &'a mut toml::Value {
        let value = match self.section() {
            "" => table.get_mut(self.leaf()),
            section => table.get_mut(section).and_then(|section| section.get_mut(self.leaf())),
        };
        value.expect("every key is a field of Config")
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { unit, min, max } => write!(f, "{min} to {max} {unit}"),
            Self::Time { min, max } => {
                let (min, max) = (humantime::format_duration(*min), humantime::format_duration(*max));
                write!(f, "{min} to {max}, in whole milliseconds and with its unit")
            }
            Self::Form(form) => f.write_str(form),
        }
    }
}

/// A value that knows whether it keeps what its key allows.
pub(super) trait Ranged {
    /// What is wrong with it, or `None`. Types that cannot hold a wrong value keep this.
    fn breach(&self, _allowed: &Allowed) -> Option<String> {
        None
    }
}

impl Ranged for usize {
    fn breach(&self, allowed: &Allowed) -> Option<String> {
        match *allowed {
            Allowed::Count { min, max, .. } if !(min..=max).contains(&(*self as u64)) => {
                Some(format!("{self} is out of range"))
            }
            _ => None,
        }
    }
}

impl Ranged for u16 {
    fn breach(&self, allowed: &Allowed) -> Option<String> {
        usize::from(*self).breach(allowed)
    }
}

impl Ranged for Duration {
    fn breach(&self, allowed: &Allowed) -> Option<String> {
        let shown = humantime::format_duration(*self);
        match *allowed {
            Allowed::Time { min, max } if !(min..=max).contains(self) => Some(format!("{shown} is out of range")),
            _ if !self.subsec_nanos().is_multiple_of(1_000_000) => Some(format!("{shown} is not whole milliseconds")),
            _ => None,
        }
    }
}
