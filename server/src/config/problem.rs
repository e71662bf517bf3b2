//! What is wrong with a configuration, and where each wrong value came from.

use std::{
    fmt::{self, Write},
    path::PathBuf,
};

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Nowhere: the default holds.
    Default,
    /// In the file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// Line and column, from 1, where they are known.
        position: Option<(usize, usize)>,
    },
    /// In an environment variable of this name.
    Variable(String),
    /// In a flag of this name, with its dashes.
    Flag(&'static str),
}

/// A place that a problem concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key, where it is about one that exists.
    pub key: Option<&'static str>,
    /// Where its value was set.
    pub source: Source,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What it concerns: one place, or several that do not go together.
    pub settings: Vec<Setting>,
    /// What is wrong.
    pub what: String,
    /// What would be right, where one sentence can say it.
    pub allowed: Option<String>,
}

/// A configuration that cannot be used, with every problem that could be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.problems))]
pub struct ConfigError {
    /// What is wrong; at least one.
    pub problems: Vec<Problem>,
}

impl ConfigError {
    /// Whether the command line is at fault (exit code 2), and not only the file or the environment (exit code 1).
    #[must_use]
    pub fn is_usage(&self) -> bool {
        let settings = self.problems.iter().flat_map(|problem| &problem.settings);
        settings.into_iter().any(|setting| matches!(setting.source, Source::Flag(_)))
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = self.settings.iter().map(Setting::to_string).collect::<Vec<_>>().join(" and ");
        let allowed = self.allowed.as_ref().map(|allowed| format!("; allowed: {allowed}")).unwrap_or_default();
        // It quotes files and variables, and goes to a terminal: one line, with nothing in it that a terminal obeys.
        for c in format!("{places}: {}{allowed}", self.what).chars() {
            if c.is_control() { write!(f, "{}", c.escape_default())? } else { f.write_char(c)? }
        }
        Ok(())
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key {
            Some(key) => write!(f, "{key} ({})", self.source),
            None => self.source.fmt(f),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, position: None } => write!(f, "file {}", path.display()),
            Self::File { path, position: Some((line, column)) } => {
                write!(f, "file {}, line {line}, column {column}", path.display())
            }
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}
