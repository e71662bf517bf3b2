//! Serving, from a configuration until whoever looks after the process asks it to stop.

use crate::{
    Server, Stop,
    cli::{EXIT_DONE, EXIT_FAILED},
    config::Config,
    error_text, files, logging,
    manager::{Manager, News},
};
use anyhow::Context;
use std::{
    fmt::Write as _,
    io::{self, Write as _},
    net::SocketAddr,
};
use tokio::sync::oneshot;

/// Sets the log up, serves as `config` says, and returns the code to exit with. `manager` is called on the runtime.
///
/// # Errors
/// Where the server cannot be started. Where the log goes to a file, that has the error too.
pub fn serve(config: Config, manager: impl FnOnce() -> io::Result<Manager>) -> anyhow::Result<u8> {
    logging::init(&config.log)?;
    let in_file = config.log.file.path().is_some();
    let served = start(config, manager);
    if let Err(error) = &served
        && in_file
    {
        tracing::error!(error = error_text(error), "the server does not start");
    }
    served
}

fn start(mut config: Config, manager: impl FnOnce() -> io::Result<Manager>) -> anyhow::Result<u8> {
    fit_to_file_limit(&mut config)?;
    // The sessions run on the shards' own threads; this one accepts, and waits for signals.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before the ready line: whoever reads it may stop the server at once.
        let mut manager = manager().context("cannot catch the stop signals")?;
        serve_until_stopped(config, &mut manager).await
    })
}

async fn serve_until_stopped(config: Config, manager: &mut Manager) -> anyhow::Result<u8> {
    let drain = config.drain;
    manager.tell(News::Starting("opening its ports and its store"));
    let server = Server::start(config)?;
    manager.tell(News::Starting("opening the rooms that it has kept"));
    server.load().await;
    let line = ready_line(&[
        // What is off has no address and is left out.
        ("listen", server.addresses()),
        ("http", server.http_address().as_slice()),
        ("lecture", server.lecture_address().as_slice()),
    ]);
    announce(&line);
    manager.tell(News::Ready(&line));

    let (first, asked) = oneshot::channel();
    let second_time = async {
        let signal = manager.asks_to_stop().await;
        tracing::info!(%signal, "asked to stop; once more stops at once");
        manager.tell(News::Stopping(signal.limit().map_or(drain, |limit| limit.min(drain))));
        // An error means that the server has stopped already.
        let _ = first.send(Stop { within: signal.limit() });
        manager.asks_to_stop().await
    };
    let counters = server.counters().clone();
    tokio::select! {
        biased;
        signal = second_time => {
            tracing::warn!(%signal, "stopped at once");
            Ok(EXIT_FAILED)
        }
        // The sender lives in the other branch as long as this one is polled.
        () = server.run(async { asked.await.unwrap_or_default() }) => {
            tracing::info!(%counters, "counted");
            Ok(EXIT_DONE)
        }
    }
}

/// Raises the limit of open files, and takes fewer sessions where they would not fit it.
fn fit_to_file_limit(config: &mut Config) -> anyhow::Result<()> {
    let limit = files::raise_limit().context("cannot raise the limit of open files")?;
    let sessions = config.limits.sessions;
    // Threads of the rules are runtimes as the shards are, and the lecture port is a listener as the others.
    let shards = config.shard_count() + config.rules_threads;
    let listeners = config.listen.len() + usize::from(config.lecture.address().is_some());
    let http = config.http.address().is_some();
    if let Some(shortage) = files::shortage(sessions, limit, shards, listeners, http)? {
        tracing::warn!("{shortage}");
        config.limits.sessions = shortage.sessions;
    }
    Ok(())
}

/// The one line that says where to connect: each thing that listens, and where it does.
fn ready_line(listening: &[(&str, &[SocketAddr])]) -> String {
    let mut line = String::from("ready");
    for (name, addresses) in listening {
        for (index, address) in addresses.iter().enumerate() {
            let before = if index == 0 { format!(" {name}=") } else { ",".into() };
            write!(line, "{before}{address}").expect("a string takes everything");
        }
    }
    line
}

fn announce(line: &str) {
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        // Nobody listens, but players may well come.
        tracing::warn!(%error, line, "the ready line could not be printed");
    }
}
