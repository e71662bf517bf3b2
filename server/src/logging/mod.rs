//! The log: `tracing` events to the standard error output or to a file, as text for people or as JSON for programs; panics
//! too, so that no line of it is anything else.
//!
//! `log.filter` is the only thing that says what is logged; `RUST_LOG` is not read, so that the configuration shows
//! the whole truth.

mod file;

use crate::config::{LogConfig, LogFormat};
use file::{Bounds, LogFile};
use malpan_net::note_panic;
use std::{
    env,
    io::{self, IsTerminal},
    panic,
    path::PathBuf,
    sync::Mutex,
    thread,
};
use tracing::{Dispatch, subscriber::SetGlobalDefaultError};
use tracing_subscriber::{
    EnvFilter,
    filter::ParseError,
    fmt::{MakeWriter, SubscriberBuilder},
};

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The filter is not in the filter syntax.
    #[error("log.filter cannot be read: {0}")]
    Filter(#[from] ParseError),
    /// The file cannot be written.
    #[error("the log file {} (log.file) cannot be written: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is in the way.
        source: io::Error,
    },
    /// The process has a log already.
    #[error("the log was set up twice: {0}")]
    Twice(#[from] SetGlobalDefaultError),
}

/// Sends the whole process's log to where `config` says, the standard error output or a file, and every panic to the log.
/// Text has colours where that is a terminal and `NO_COLOR` is unset or empty.
///
/// # Errors
/// [`LogError`] where the filter cannot be read (a loaded configuration's always can), the file cannot be written, or a log
/// is set up already.
pub fn init(config: &LogConfig) -> Result<(), LogError> {
    let dispatch = match config.file.path() {
        Some(path) => {
            let bounds = Bounds { bytes: config.file_bytes as u64, old_files: config.old_files };
            let file = LogFile::open(path, bounds).map_err(|source| LogError::File { path: path.into(), source })?;
            dispatch(config, false, Mutex::new(file))?
        }
        None => dispatch(config, has_colours(), io::stderr)?,
    };
    tracing::dispatcher::set_global_default(dispatch)?;
    panic::set_hook(Box::new(report_panic));
    Ok(())
}

/// Whether the standard error output shows colours, and they are wanted.
fn has_colours() -> bool {
    let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !unwanted && io::stderr().is_terminal() && obeys_colours()
}

/// A console of Windows before Windows Terminal shows the escapes themselves until it is told to obey them.
#[cfg(windows)]
fn obeys_colours() -> bool {
    anstyle_query::windows::enable_ansi_colors() == Some(true)
}

#[cfg(not(windows))]
fn obeys_colours() -> bool {
    true
}

/// Logs a panic that nobody catches. Of one that ends a room or a session, they log one line with their numbers.
fn report_panic(info: &panic::PanicHookInfo<'_>) {
    for panic in note_panic(info) {
        tracing::error!(
            panic = panic.message(),
            place = panic.place(),
            backtrace = panic.backtrace(),
            thread = thread::current().name(),
            "a panic"
        );
    }
}

/// The log as `config` has it, written to `writer`.
fn dispatch<W>(config: &LogConfig, ansi: bool, writer: W) -> Result<Dispatch, ParseError>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&config.filter)?;
    // A failed write is not reported: the report would go to the same closed pipe, and panic there.
    let builder = SubscriberBuilder::default().with_env_filter(filter).with_writer(writer).log_internal_errors(false);
    Ok(match config.format {
        LogFormat::Text => Dispatch::new(builder.with_ansi(ansi).finish()),
        LogFormat::Json => Dispatch::new(builder.json().with_current_span(false).finish()),
    })
}

#[cfg(test)]
mod tests {
    use super::dispatch;
    use crate::config::{LogConfig, LogFormat};
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };
    use tracing::{debug, dispatcher, info, info_span};

    #[derive(Debug, Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged of two events within two spans.
    fn logged(format: LogFormat, filter: &str, ansi: bool) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let config = LogConfig { format, filter: filter.into(), ..LogConfig::default() };
        dispatcher::with_default(&dispatch(&config, ansi, move || writer.clone()).unwrap(), || {
            let _session = info_span!("session", session = 7, player = "ann").entered();
            let _room = info_span!("room", room = 3).entered();
            info!(seat = 2, "took a seat");
            debug!("a detail");
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    /// The line without its time, which begins it.
    fn timeless(line: &str) -> &str {
        line.split_once("Z ").expect("a time in UTC begins the line").1.trim()
    }

    #[test]
    fn text_names_the_spans_and_their_fields() {
        let log = logged(LogFormat::Text, "info", false);
        insta::assert_snapshot!(timeless(&log), @r#"INFO session{session=7 player="ann"}:room{room=3}: malpan_server::logging::tests: took a seat seat=2"#);
    }

    #[test]
    fn colours_are_asked_for() {
        assert!(logged(LogFormat::Text, "info", true).contains('\u{1b}'));
        assert!(!logged(LogFormat::Text, "info", false).contains('\u{1b}'));
    }

    #[test]
    fn json_is_one_object_a_line_with_the_fields_of_every_span() {
        let log = logged(LogFormat::Json, "debug", true);
        let timeless: Vec<_> =
            log.lines().map(|line| line.split_once("Z\",").expect("a time begins the line").1).collect();
        insta::assert_snapshot!(timeless.join("\n"), @r#"
        "level":"INFO","fields":{"message":"took a seat","seat":2},"target":"malpan_server::logging::tests","spans":[{"player":"ann","session":7,"name":"session"},{"room":3,"name":"room"}]}
        "level":"DEBUG","fields":{"message":"a detail"},"target":"malpan_server::logging::tests","spans":[{"player":"ann","session":7,"name":"session"},{"room":3,"name":"room"}]}
        "#);
    }

    #[test]
    fn the_filter_decides_by_level_and_module() {
        assert_eq!(logged(LogFormat::Text, "off", false), "");
        assert_eq!(logged(LogFormat::Text, "debug", false).lines().count(), 2);
        assert_eq!(logged(LogFormat::Text, "warn,malpan_server::logging=info", false).lines().count(), 1);
    }
}
