//! `malpan-server store ...`: looking after what the server keeps.

use super::{
    EXIT_DONE, EXIT_FAILED,
    ask::{Asked, Where},
};
use crate::control::{Answer, Request};
use anyhow::{Context, bail};
use clap::Subcommand;
use std::{
    io::{self, Write},
    path::{self, PathBuf},
    process::ExitCode,
};

/// What to do with a store. A running server is asked over its control channel; where none runs, the store is opened.
#[derive(Debug, Clone, Subcommand)]
pub enum StoreCommand {
    /// Read every record and count them: prints `ok`, or every problem and exits with 1. What a crash left behind is put in
    /// order
    Check {
        /// Which server.
        #[command(flatten)]
        place: Where,
    },
    /// Copy everything, as of one moment, into a new file; a running server writes it
    Backup {
        /// The new file; `--store redb:FILE` starts a server with it
        file: PathBuf,
        /// Which server.
        #[command(flatten)]
        place: Where,
    },
}

impl StoreCommand {
    /// Does it, printing to the standard outputs.
    ///
    /// # Errors
    /// Where it cannot be done; the error says what to do.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let (Self::Check { place } | Self::Backup { place, .. }) = &self;
        let config = match place.config() {
            Ok(config) => config,
            Err(code) => return Ok(code),
        };
        let mut asked = Asked::of(&config, false).await?;
        match self {
            Self::Check { .. } => check(&mut asked).await,
            Self::Backup { file, .. } => {
                let file = path::absolute(&file).with_context(|| format!("the backup {}", file.display()))?;
                asked.do_it(Request::Backup { file }).await
            }
        }
    }
}

async fn check(asked: &mut Asked) -> anyhow::Result<ExitCode> {
    let Answer::Checked { lines, well } = asked.ask(Request::Check).await? else {
        bail!("an answer to another question");
    };
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}").context("cannot print")?;
    }
    Ok(if well { EXIT_DONE } else { EXIT_FAILED }.into())
}
