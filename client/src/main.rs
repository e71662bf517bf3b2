//! `malpan`: the terminal client and the load bot.

mod bot;
mod play;
mod tls_args;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Play on a Malpan server, or put load on one.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play in the terminal.
    Play(play::Args),
    /// Put players on a server and measure what they feel.
    Bot(bot::Args),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Play(args) => play::run(args),
        Command::Bot(args) => bot::run(args),
    }
}
