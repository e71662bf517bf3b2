//! `endure`: figures of the real server, as a process, beside hostile load. Linux only: it reads `/proc`.
//!
//! ```text
//! frames.rs, stalled.rs, soak.rs, sign_ins.rs, restart.rs   what is measured
//!   pairs.rs     honest players alone and beside something else, in turn, and the verdict
//!   server.rs    malpan-server as a child          gauges.rs   what it holds: its metrics, its files, its memory
//!   honest.rs    `malpan bot` as a child           hostile/    attacks, from this process
//!   tenth.rs     a tenth player in every room      storm.rs    many who sign in, from this process
//!   goals.rs     what has to hold, and the exit code
//! ```
//!
//! Honest players and hostile ones are different processes: what the attacks cost this one is not felt by those that
//! are measured, but for the cores that all share.

mod frames;
mod gauges;
mod goals;
mod honest;
pub mod hostile;
mod pairs;
mod restart;
mod server;
mod sign_ins;
mod soak;
mod stalled;
mod storm;
mod tenth;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use std::{fs, path::PathBuf, process::ExitCode, time::Duration};

const EXIT_FAILED: u8 = 1;
const EXIT_MISSED: u8 = 3;

/// Apart, because this crate has tokio pause its clock, and what is measured should have the clock that it always has.
const BUILD: &str =
    "cargo build --release -p malpan-server -p malpan-client && cargo build --release -p malpan-e2e --bins";
const AFTER_HELP: &str = "\
Build what it runs first:
  cargo build --release -p malpan-server -p malpan-client && cargo build --release -p malpan-e2e --bins

Exit status: 0 every goal holds; 1 failed; 2 usage; 3 a goal does not hold. A run of honest players that the bot calls \
void, because its own schedule slipped, counts all the same and is marked.";

/// Figures of the real server beside hostile load.
#[derive(Debug, Parser)]
#[command(name = "endure", after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Honest players alone and beside hostile frames of every kind
    Frames(frames::Flags),
    /// Honest players in rooms with one more who reads, and with one who does not
    Stalled(stalled::Flags),
    /// Honest players alone and while very many sign in to accounts
    SignIns(sign_ins::Flags),
    /// Players whose server is killed or stopped, and started again
    Restart(restart::Flags),
    /// Honest and hostile players for a long time: does the server grow, or slow down?
    Soak(soak::Flags),
}

/// What all of them take.
#[derive(Debug, Clone, Args)]
struct Common {
    /// malpan-server [default: beside this program]
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// malpan, whose `bot` plays the honest players [default: beside this program]
    #[arg(long, value_name = "FILE")]
    bot: Option<PathBuf>,
    /// Moves per second of each honest player
    #[arg(long, value_name = "MOVES", default_value_t = 5.0)]
    rate: f64,
    /// Nice value of the server and the bot; below 0 only as root
    #[arg(long, value_name = "N", default_value_t = 0, allow_hyphen_values = true)]
    priority: i8,
    /// Write everything that was measured as JSON
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Common {
    fn server(&self) -> Result<PathBuf> {
        program(self.server.as_ref(), "malpan-server")
    }

    fn bot(&self) -> Result<PathBuf> {
        program(self.bot.as_ref(), "malpan")
    }

    /// Writes what was measured where that was asked for.
    fn write(&self, report: &impl serde::Serialize) -> Result<()> {
        let Some(path) = &self.out else { return Ok(()) };
        let text = serde_json::to_string_pretty(report)?;
        fs::write(path, text + "\n").with_context(|| format!("writing {}", path.display()))
    }
}

fn program(given: Option<&PathBuf>, name: &str) -> Result<PathBuf> {
    let path = match given {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name(name),
    };
    anyhow::ensure!(path.is_file(), "there is no {}; build it: {BUILD}", path.display());
    Ok(path)
}

/// Does what the command line asks for.
pub async fn run(cli: Cli) -> ExitCode {
    let goals = match cli.command {
        Command::Frames(flags) => frames::run(&flags).await,
        Command::Stalled(flags) => stalled::run(&flags).await,
        Command::SignIns(flags) => sign_ins::run(&flags).await,
        Command::Restart(flags) => restart::run(&flags).await,
        Command::Soak(flags) => soak::run(&flags).await,
    };
    match goals {
        Ok(goals) => {
            goals.print();
            if goals.all_hold() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_MISSED) }
        }
        Err(error) => {
            eprintln!("endure: {error:#}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

/// The load of the whole machine, as it tells it: of the last one, five and fifteen minutes.
fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}
