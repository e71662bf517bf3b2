//! `malpan`: the terminal client and the load bot.

mod address;
mod bot;
mod pages;
mod play;
mod terminal;
mod tls_args;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Play on a Malpan server, or put load on one.
#[derive(Debug, Parser)]
#[command(name = "malpan", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play in the terminal.
    Play(play::Args),
    /// Put players on a server and measure what they feel.
    Bot(Box<bot::Args>),
    /// Print a script that completes this command line in a shell.
    Completions(pages::CompletionsArgs),
    /// Write the manual pages: one for the program and one for each of its commands.
    #[command(hide = true)]
    Man(pages::ManArgs),
}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Play(args) => play::run(args),
        Command::Bot(args) => bot::run(*args),
        Command::Completions(args) => pages::exit(args.run()),
        Command::Man(args) => pages::exit(args.run()),
    }
}
