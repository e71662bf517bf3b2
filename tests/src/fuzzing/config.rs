//! The configuration: the bytes up to the first zero are a file, the lines behind it variables.

use malpan_server::{
    Host, admission_limits,
    cli::{Flags, load},
    config::{Config, ConfigError, Source, check_file},
    session_settings,
};
use std::{
    env,
    ffi::OsString,
    fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

/// The file of one input, while it is looked at.
struct File(PathBuf);

/// Any file and any variables.
///
/// # Panics
/// Where something loads and is not valid or not itself when it is printed and loaded again, or does not load and the
/// problems are not as they should be.
pub fn config(data: &[u8]) {
    let end = data.iter().position(|&byte| byte == 0).unwrap_or(data.len());
    let file = File::new(&data[..end]);
    let alone = check_file(&file.0);
    judge(&alone, &data[..end]);
    let flags = Flags { config: Some(file.0.clone()), ..Flags::default() };
    let layered = load(&flags, variables(data.get(end + 1..).unwrap_or_default()));
    if data.len() <= end + 1 {
        assert_eq!(layered, alone, "a file by itself");
    }
    judge(&layered, &data[..end]);
}

fn judge(loaded: &Result<Config, ConfigError>, file: &[u8]) {
    match loaded {
        Ok(config) => {
            assert_eq!(config.validate(), Ok(()));
            let printed = toml::to_string(config).expect("a configuration has a TOML form");
            let again = check_file(&File::new(printed.as_bytes()).0);
            assert_eq!(again.as_ref(), Ok(config), "{printed}");
            serves(config);
        }
        Err(error) => {
            assert!(!error.problems.is_empty());
            for problem in &error.problems {
                let shown = problem.to_string();
                assert!(!shown.chars().any(char::is_control), "{shown:?}");
                let sources = problem.settings.iter().map(|setting| &setting.source);
                sources.for_each(|source| is_within(source, &String::from_utf8_lossy(file)));
            }
        }
    }
}

/// What is accepted can be served.
fn serves(config: &Config) {
    drop((session_settings(config), admission_limits(config), config.announced_limits()));
    drop(Host::new(config.clone()));
}

/// A place in the file is one, or just behind its end.
fn is_within(source: &Source, text: &str) {
    if let Source::File { position: Some((line, column)), .. } = source {
        let lines: Vec<_> = text.split('\n').collect();
        assert!((1..=lines.len()).contains(line), "line {line} of {}", lines.len());
        let columns = lines[line - 1].chars().count() + 1;
        assert!((1..=columns).contains(column), "column {column} of {columns}");
    }
}

/// Lines of `NAME=VALUE`.
fn variables(lines: &[u8]) -> Vec<(OsString, OsString)> {
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.into(), value.into()));
    String::from_utf8_lossy(lines).lines().filter_map(pair).collect::<Vec<_>>()
}

impl File {
    fn new(text: &[u8]) -> Self {
        static NUMBERS: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("malpan-fuzz-{}-{number}.toml", process::id()));
        fs::write(&path, text).expect("the folder for temporary files can be written");
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}
