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
                backup(&mut asked, file).await
            }
        }
    }
}

/// Has it written, and looks whether it is there. A server may see another file under this name than its operator: a service
/// may have a `/tmp` of its own.
async fn backup(asked: &mut Asked, file: PathBuf) -> anyhow::Result<ExitCode> {
    if file.symlink_metadata().is_ok() {
        // Else it would be found below, and taken for the backup.
        bail!("the backup {}: it is there already; name a new file", file.display());
    }
    let Answer::Done(what) = asked.ask(Request::Backup { file: file.clone() }).await? else {
        bail!("an answer to another question");
    };
    if let Err(error) = file.symlink_metadata()
        && error.kind() == io::ErrorKind::NotFound
    {
        bail!(
            "the server says that it has written {what}; but here there is no such file, so its folder is another one to \
             the server (with PrivateTmp= in its unit /tmp and /var/tmp are); name a file in a folder that both see and the \
             server may write: its StateDirectory= (of a packaged one /var/lib/malpan), or one that ReadWritePaths= names"
        );
    }
    println!("{what}");
    Ok(EXIT_DONE.into())
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
