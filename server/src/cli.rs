//! The command line: `malpan-server [FLAGS]`, `malpan-server config ...`, `malpan-server tls ...`, `malpan-server store ...`,
//! `malpan-server account ...`, `malpan-server notice ...`, `malpan-server health`, `malpan-server completions`, `malpan-server man`,
//! and on Windows `malpan-server service ...`.
//!
//! Flags stay text until [`load`] lays them over the file and the environment: one reader and one form of message for
//! all three.

mod account;
mod ask;
mod health;
mod pages;
mod password;
mod store;

pub use account::AccountCommand;
pub use ask::{NoticeArgs, Where};
pub use health::HealthArgs;
pub use pages::{CompletionsArgs, ManArgs};
pub use store::StoreCommand;

use crate::{
    config::{self, CONFIG_VARIABLE, Config, ConfigError, layers::Layers},
    tls::DevCertArgs,
};
use clap::{Args, Parser, Subcommand};
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The work was done.
pub const EXIT_DONE: u8 = 0;
/// The work failed, or the configuration file or a variable is wrong.
pub const EXIT_FAILED: u8 = 1;
/// The command line is wrong.
pub const EXIT_USAGE: u8 = 2;

const AFTER_HELP: &str = "\
Every flag goes before its variable (--tick: MALPAN_GAME__TICK), that before the file, that before the default.
`malpan-server config print-default` prints every key of the file.

Examples:
  malpan-server                                    play on this machine
  malpan-server --listen 0.0.0.0:7777 --drain 30s  play over the network, stop within 30 s
  malpan-server --board 32x32 --tick 50ms          a larger board, moves twenty times a second
  malpan-server config print-default > malpan.toml begin a configuration file

Exit codes: 0 done, 1 failed, 2 wrong command line.";

/// The Malpan game server: one board for every ten players, everyone sees everyone move.
///
/// When it is ready it prints one line to the standard output, `ready listen=ADDRESS http=ADDRESS`, with the real ports.
/// The log goes to the standard error output. A termination signal or Ctrl-C drains and stops it, a second one stops it at once.
#[derive(Debug, Clone, Parser)]
#[command(name = "malpan-server", version, max_term_width = 100, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub flags: Flags,
}

/// What to do instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Print or check a configuration
    #[command(disable_help_subcommand = true)]
    Config {
        /// Which of both.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Make a certificate to develop with
    #[command(disable_help_subcommand = true)]
    Tls {
        /// What about it.
        #[command(subcommand)]
        command: TlsCommand,
    },
    /// Look after accounts, whether the server runs or not
    #[command(disable_help_subcommand = true)]
    Account {
        /// What to do.
        #[command(subcommand)]
        command: AccountCommand,
    },
    /// Tell everyone who is signed in something
    Notice(NoticeArgs),
    /// Check or copy a store, whether the server runs or not
    #[command(disable_help_subcommand = true)]
    Store {
        /// Which of both.
        #[command(subcommand)]
        command: StoreCommand,
    },
    /// Ask a running server on this machine whether it serves: exits with 0 where it does, else with 1
    Health(HealthArgs),
    /// Have Windows run the server as a service
    #[cfg(windows)]
    #[command(disable_help_subcommand = true)]
    Service {
        /// What about it.
        #[command(subcommand)]
        command: crate::service::ServiceCommand,
    },
    /// Print a script that completes this command line in a shell
    Completions(CompletionsArgs),
    /// Write the manual pages: one for the program and one for each of its commands
    #[command(hide = true)]
    Man(ManArgs),
}

/// What to do about TLS.
#[derive(Debug, Clone, Subcommand)]
pub enum TlsCommand {
    /// Write a certificate for this machine and who signed it: ca.pem, cert.pem, key.pem. Nothing is overwritten
    DevCert(DevCertArgs),
}

/// What to do with a configuration.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Print a complete configuration file: every key with its default, unit and range
    PrintDefault,
    /// Check a configuration file by itself, without flags and variables: prints `ok`, or every problem and exits with 1
    Check {
        /// The file, in TOML
        file: PathBuf,
    },
}

/// How to serve. What is not given comes from the environment, the file or the defaults.
#[derive(Debug, Clone, Default, Args)]
pub struct Flags {
    /// Address on which players are awaited; may be given several times. Port 0 takes a free port [default:
    /// 127.0.0.1:7777]
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Vec<String>,
    /// Address on which health and metrics are served: /healthz, /readyz, /metrics [default: 127.0.0.1:7780]
    #[arg(long, value_name = "IP:PORT|off")]
    pub http: Option<String>,
    /// Address on which clients of the lecture wire, packed packets of u8 size and u8 type, are awaited [default: off]
    #[arg(long, value_name = "IP:PORT|off")]
    pub lecture: Option<String>,
    /// Serve TLS with this certificate, in PEM; `malpan-server tls dev-cert` makes one to try it with [default: off]
    #[arg(long, value_name = "FILE|off")]
    pub tls_cert: Option<String>,
    /// The certificate's private key, in PEM [default: off]
    #[arg(long, value_name = "FILE|off")]
    pub tls_key: Option<String>,
    /// Where accounts and rooms are kept: a file, by default in the user's folder for data, a Redis, or nowhere. A URL with a
    /// password belongs into the file or the variable MALPAN_STORE [default: redb]
    #[arg(long, value_name = "redb:PATH|redis://...|memory:")]
    pub store: Option<String>,
    /// Where the operator's own commands reach the server: a path, or beside the store's file [default: auto]
    #[arg(long, value_name = "PATH|auto|off")]
    pub control: Option<String>,
    /// Threads that each serve their own sessions and rooms; 0 starts one per processor core [default: 0]
    #[arg(long, value_name = "N")]
    pub shards: Option<String>,
    /// Threads that run the rooms' rules apart from the shards, for slow rules; 0 runs them on the shards [default: 0]
    #[arg(long, value_name = "N")]
    pub rules_threads: Option<String>,
    /// The board's width and height, each 1 to 64 cells [default: 8x8]
    #[arg(long, value_name = "WxH")]
    pub board: Option<String>,
    /// Seats of a room, 1 to 10 [default: 10]
    #[arg(long, value_name = "N")]
    pub seats: Option<String>,
    /// Time between two batches of moves of a room at the least, up to 1s; 0s sends each move at once [default: 33ms]
    #[arg(long, value_name = "TIME")]
    pub tick: Option<String>,
    /// Time in which the server stops once it is asked to; players play on until 2 s before its end. 0s ends their play
    /// at once [default: 10s]
    #[arg(long, value_name = "TIME")]
    pub drain: Option<String>,
    /// Configuration file, in TOML [default: the variable MALPAN_CONFIG, else none]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Form of the log: text for people, json for programs [default: text]
    #[arg(long, value_name = "text|json")]
    pub log_format: Option<String>,
}

/// The configuration that the flags, the environment, the file and the defaults make together. `environment` is
/// [`std::env::vars_os`] in the server; only names that begin with `MALPAN_` matter.
///
/// # Errors
/// [`ConfigError`] with every problem of every layer.
pub fn load(flags: &Flags, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Config, ConfigError> {
    let environment: BTreeMap<_, _> = environment.into_iter().collect();
    let mut layers = Layers::over_defaults();
    let variable = || environment.get(OsStr::new(CONFIG_VARIABLE)).map(Path::new);
    if let Some(file) = flags.config.as_deref().or_else(variable) {
        layers.lay_file(file);
    }
    layers.lay_variables(&environment);
    layers.lay_flag("--listen", "listen", &flags.listen);
    layers.lay_flag("--http", "http", flags.http.as_slice());
    layers.lay_flag("--lecture", "lecture", flags.lecture.as_slice());
    layers.lay_flag("--tls-cert", "tls.cert", flags.tls_cert.as_slice());
    layers.lay_flag("--tls-key", "tls.key", flags.tls_key.as_slice());
    layers.lay_flag("--store", "store", flags.store.as_slice());
    layers.lay_flag("--control", "control", flags.control.as_slice());
    layers.lay_flag("--shards", "shards", flags.shards.as_slice());
    layers.lay_flag("--rules-threads", "rules_threads", flags.rules_threads.as_slice());
    layers.lay_flag("--board", "game.board", flags.board.as_slice());
    layers.lay_flag("--seats", "game.seats", flags.seats.as_slice());
    layers.lay_flag("--tick", "game.tick", flags.tick.as_slice());
    layers.lay_flag("--drain", "drain", flags.drain.as_slice());
    layers.lay_flag("--log-format", "log.format", flags.log_format.as_slice());
    layers.finish()
}

impl ConfigCommand {
    /// Does it, printing to the standard outputs.
    ///
    /// # Errors
    /// Where the standard output cannot be written.
    pub fn run(&self) -> io::Result<ExitCode> {
        let mut out = io::stdout().lock();
        match self {
            Self::PrintDefault => out.write_all(config::default_file().as_bytes())?,
            Self::Check { file } => match config::check_file(file) {
                Ok(_) => writeln!(out, "ok")?,
                Err(error) => {
                    writeln!(out, "{error}")?;
                    return Ok(EXIT_FAILED.into());
                }
            },
        }
        Ok(EXIT_DONE.into())
    }
}

impl ConfigError {
    /// The code to exit with: [`EXIT_USAGE`] where a flag has a part in it, else [`EXIT_FAILED`].
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if self.is_usage() { EXIT_USAGE } else { EXIT_FAILED }
    }
}
