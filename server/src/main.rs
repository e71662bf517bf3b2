//! `malpan-server`.

use clap::Parser;
use malpan_server::{
    cli::{self, Cli, Command, EXIT_DONE, EXIT_FAILED, Flags, TlsCommand},
    error_text,
    manager::Manager,
    serving,
};
use std::{env, future::Future, process::ExitCode};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Config { command }) => command.run().map_err(Into::into),
        Some(Command::Tls { command: TlsCommand::DevCert(args) }) => args.run().map(|()| EXIT_DONE.into()),
        Some(Command::Store { command }) => look_after(command.run()),
        Some(Command::Account { command }) => look_after(command.run()),
        Some(Command::Notice(args)) => look_after(args.run()),
        Some(Command::Health(args)) => args.run(),
        #[cfg(windows)]
        Some(Command::Service { command }) => command.run(),
        Some(Command::Completions(args)) => args.run().map(|()| EXIT_DONE.into()).map_err(Into::into),
        Some(Command::Man(args)) => args.run().map(|()| EXIT_DONE.into()),
        None => serve(&cli.flags),
    };
    done.unwrap_or_else(|error| {
        eprintln!("malpan-server: {}", error_text(&error));
        EXIT_FAILED.into()
    })
}

fn look_after(work: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

fn serve(flags: &Flags) -> anyhow::Result<ExitCode> {
    match cli::load(flags, env::vars_os()) {
        Ok(config) => serving::serve(config, Manager::of_process).map(Into::into),
        Err(error) => {
            eprintln!("{error}");
            Ok(error.exit_code().into())
        }
    }
}
