//! `malpan-server store ...`: looking after a store while no server uses it.

use super::{EXIT_DONE, EXIT_FAILED, Flags, load};
use crate::store::{self, Census, OpenError, StoreError};
use clap::{Args, Subcommand};
use std::{
    env,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

/// What to do with a store.
#[derive(Debug, Clone, Subcommand)]
pub enum StoreCommand {
    /// Read every record and count them: prints `ok`, or every problem and exits with 1. What a crash left behind is put in
    /// order
    Check {
        /// Which store.
        #[command(flatten)]
        which: Which,
    },
    /// Copy everything, as of one moment, into a new file
    Backup {
        /// The new file; `--store redb:FILE` starts a server with it
        file: PathBuf,
        /// Which store.
        #[command(flatten)]
        which: Which,
    },
}

/// Which store to look after.
#[derive(Debug, Clone, Default, Args)]
pub struct Which {
    /// The store [default: the one a server would use]
    #[arg(long, value_name = "redb:PATH|redis://...")]
    pub store: Option<String>,
    /// Configuration file that names the store, in TOML
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
enum Undone {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot print: {0}")]
    Print(#[from] io::Error),
}

impl StoreCommand {
    /// Does it, printing to the standard outputs.
    ///
    /// # Errors
    /// Where the store cannot be opened or read, or the standard output not be written.
    pub async fn run(&self) -> io::Result<ExitCode> {
        let (Self::Check { which } | Self::Backup { which, .. }) = self;
        let flags = Flags { store: which.store.clone(), config: which.config.clone(), ..Flags::default() };
        let config = match load(&flags, env::vars_os()) {
            Ok(config) => config,
            Err(error) => {
                eprintln!("{error}");
                return Ok(error.exit_code().into());
            }
        };
        self.run_on(&config.store).await.map_err(io::Error::other)
    }

    async fn run_on(&self, address: &store::StoreAddress) -> Result<ExitCode, Undone> {
        let store = store::open_existing(address)?;
        let mut out = io::stdout().lock();
        match self {
            Self::Check { .. } => {
                let census = store.check().await?;
                print(&mut out, &census)?;
                return Ok(if census.problems.is_empty() { EXIT_DONE } else { EXIT_FAILED }.into());
            }
            Self::Backup { file, .. } => {
                let bytes = store.backup(file.clone()).await?;
                writeln!(out, "{}: {bytes} bytes", file.display())?;
            }
        }
        Ok(EXIT_DONE.into())
    }
}

fn print(out: &mut impl Write, census: &Census) -> io::Result<()> {
    let Census { accounts, tokens, rooms, set_aside, problems } = census;
    writeln!(out, "accounts {accounts}, resume tokens {tokens}, rooms {rooms}, rooms set aside {}", set_aside.len())?;
    for (room, why) in set_aside {
        // The reason may quote anything.
        writeln!(out, "room {room} was set aside: {why:?}")?;
    }
    for problem in problems {
        writeln!(out, "{problem}")?;
    }
    if problems.is_empty() { writeln!(out, "ok") } else { Ok(()) }
}
