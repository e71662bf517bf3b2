//! `malpan-server`.

use anyhow::Context;
use clap::Parser;
use malpan_server::{
    Server, Stop,
    cli::{self, Cli, Command, EXIT_DONE, EXIT_FAILED, Flags, TlsCommand},
    config::Config,
    files, logging,
    notify::{self, News},
    signals::StopSignals,
};
use std::{
    env,
    fmt::Write as _,
    future::Future,
    io::{self, Write as _},
    net::SocketAddr,
    process::ExitCode,
};
use tokio::sync::oneshot;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Config { command }) => command.run().map_err(Into::into),
        Some(Command::Tls { command: TlsCommand::DevCert(args) }) => args.run().map(|()| EXIT_DONE.into()),
        Some(Command::Store { command }) => look_after(command.run()),
        Some(Command::Account { command }) => look_after(command.run()),
        Some(Command::Notice(args)) => look_after(args.run()),
        Some(Command::Health(args)) => args.run(),
        Some(Command::Completions(args)) => args.run().map(|()| EXIT_DONE.into()).map_err(Into::into),
        Some(Command::Man(args)) => args.run().map(|()| EXIT_DONE.into()),
        None => serve(&cli.flags),
    };
    done.unwrap_or_else(|error| {
        eprintln!("malpan-server: {error:#}");
        EXIT_FAILED.into()
    })
}

fn look_after(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

fn serve(flags: &Flags) -> anyhow::Result<ExitCode> {
    let mut config = match cli::load(flags, env::vars_os()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return Ok(error.exit_code().into());
        }
    };
    logging::init(&config.log)?;
    fit_to_file_limit(&mut config)?;
    // The sessions run on the shards' own threads; this one accepts, and waits for signals.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve_until_stopped(config))
}

async fn serve_until_stopped(config: Config) -> anyhow::Result<ExitCode> {
    // Before the ready line: whoever reads it may stop the server at once.
    let mut signals = StopSignals::install().context("cannot catch the stop signals")?;
    let drain = config.drain;
    let server = Server::start(config)?;
    server.load().await;
    announce(&[
        // What is off has no address and is left out.
        ("listen", server.addresses()),
        ("http", server.http_address().as_slice()),
        ("lecture", server.lecture_address().as_slice()),
    ]);

    let (first, asked) = oneshot::channel();
    let second_signal = async {
        let signal = signals.next().await;
        tracing::info!(%signal, "asked to stop; once more stops at once");
        notify::tell(News::Stopping(signal.limit().map_or(drain, |limit| limit.min(drain))));
        // An error means that the server has stopped already.
        let _ = first.send(Stop { within: signal.limit() });
        signals.next().await
    };
    let counters = server.counters().clone();
    tokio::select! {
        biased;
        signal = second_signal => {
            tracing::warn!(%signal, "stopped at once");
            Ok(EXIT_FAILED.into())
        }
        // The sender lives in the other branch as long as this one is polled.
        () = server.run(async { asked.await.unwrap_or_default() }) => {
            tracing::info!(%counters, "counted");
            Ok(EXIT_DONE.into())
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

/// The one line that says where to connect: each thing that listens, and where it does. A service manager is told as well.
fn announce(listening: &[(&str, &[SocketAddr])]) {
    let mut line = String::from("ready");
    for (name, addresses) in listening {
        for (index, address) in addresses.iter().enumerate() {
            let before = if index == 0 { format!(" {name}=") } else { ",".into() };
            write!(line, "{before}{address}").expect("a string takes everything");
        }
    }
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
        // Nobody listens, but players may well come.
        tracing::warn!(%error, line, "the ready line could not be printed");
    }
    notify::tell(News::Ready(&line));
}
