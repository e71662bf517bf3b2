//! The configuration: its layers, its messages, its printed file, and that the manual tells the truth of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod layers;
mod manual;
mod messages;
mod printed;
mod rules;

use malpan_server::{
    cli::{Flags, load},
    config::{AddressOrOff, Allowed, Config, ConfigError, LogFormat, check_file, default_file, keys},
};
use std::{collections::BTreeSet, ffi::OsString, io::Write, time::Duration};
use tempfile::NamedTempFile;

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

/// Loads `text` as the file, with these variables and flags over it.
fn load_all(text: &str, variables: &[(&str, &str)], flags: &Flags) -> Result<Config, ConfigError> {
    let file = file(text);
    let flags = Flags { config: Some(file.path().into()), ..flags.clone() };
    load(&flags, environment(variables))
}

/// The problems, with the file's name, which is never the same, replaced.
fn problems_of(result: Result<Config, ConfigError>) -> String {
    let lines = result.expect_err("it is refused").to_string();
    let clean = |line: &str| match (line.find("file "), line.find(", line ")) {
        (Some(start), Some(end)) => format!("{}FILE{}", &line[..start], &line[end..]),
        _ => line.to_string(),
    };
    lines.lines().map(clean).collect::<Vec<_>>().join("\n")
}

fn file_problems(text: &str) -> String {
    let alone = problems_of(check_file(file(text).path()));
    assert_eq!(alone, problems_of(load_all(text, &[], &Flags::default())), "checked and loaded alike");
    alone
}

fn variable_problems(variables: &[(&str, &str)]) -> String {
    problems_of(load(&Flags::default(), environment(variables)))
}

fn text(text: &str) -> Option<String> {
    Some(text.into())
}
