//! `malpan-server`.

use anyhow::bail;
use clap::Parser;
use malpan_server::cli::{self, Cli, Command, EXIT_FAILED, Flags};
use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Config { command }) => command.run().map_err(Into::into),
        None => serve(&cli.flags),
    };
    done.unwrap_or_else(|error| {
        eprintln!("malpan-server: {error:#}");
        EXIT_FAILED.into()
    })
}

fn serve(flags: &Flags) -> anyhow::Result<ExitCode> {
    let config = match cli::load(flags, env::vars_os()) {
        Ok(config) => config,
        Err(error) => {
            eprintln!("{error}");
            return Ok(error.exit_code().into());
        }
    };
    bail!("there is no room to serve in yet ({} would be awaited)", config.listen[0])
}
