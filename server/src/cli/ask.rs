//! Asking a server that runs over its control channel, or doing it on the store where none does.

use super::{EXIT_DONE, Flags, load};
use crate::{
    accounts::{Changes, Cost},
    config::Config,
    control::{Answer, Operator, Players, Reached, Request, Text, reach},
    host::password_cost,
    store::{self, FileError, OpenError},
};
use anyhow::{Context, bail};
use clap::Args;
use malpan_protocol::{ChatText, PlayerId};
use std::{env, path::PathBuf, process::ExitCode, sync::Arc};

/// Which server, or whose store.
#[derive(Debug, Clone, Default, Args)]
pub struct Where {
    /// The server's control channel [default: the one that a server would have]
    #[arg(long, value_name = "PATH|auto|off")]
    pub control: Option<String>,
    /// The store, where no server runs [default: the one that a server would use]
    #[arg(long, value_name = "redb:PATH|redis://...")]
    pub store: Option<String>,
    /// Configuration file that names both, in TOML
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What everyone is told.
#[derive(Debug, Clone, Args)]
pub struct NoticeArgs {
    /// A line of up to 200 characters
    pub text: String,
    /// Which server.
    #[command(flatten)]
    pub place: Where,
}

/// Whoever does what is asked.
pub(super) enum Asked {
    Server(Reached),
    Store(Operator),
}

/// Nobody is signed in where no server runs.
#[derive(Debug)]
struct Nobody;

impl Players for Nobody {
    fn banned(&self, _: PlayerId) {}
    fn deleted(&self, _: PlayerId) {}
    fn password_changed(&self, _: PlayerId) {}
    fn tell(&self, _: &ChatText) -> Option<u64> {
        None
    }
}

impl Where {
    /// The configuration that a server with these settings would have. `None` where it is wrong, which has been said.
    pub(super) fn config(&self) -> Result<Config, ExitCode> {
        let flags = Flags {
            store: self.store.clone(),
            config: self.config.clone(),
            control: self.control.clone(),
            ..Flags::default()
        };
        load(&flags, env::vars_os()).map_err(|error| {
            eprintln!("{error}");
            error.exit_code().into()
        })
    }
}

impl Asked {
    /// The server with this configuration, or its store. With `make`, a store that is not there is made.
    pub(super) async fn of(config: &Config, make: bool) -> anyhow::Result<Self> {
        if let Some(path) = config.control.path(&config.store)
            && let Some(server) = reach(&path).await?
        {
            return Ok(Self::Server(server));
        }
        if config.store == store::StoreAddress::Memory {
            bail!(
                "no server listens on the control channel, and a store in memory is gone with its server; name one with --control or --store"
            );
        }
        let opened = if make { store::open(&config.store) } else { store::open_existing(&config.store) };
        let hint = match &opened {
            Err(OpenError::File(FileError::Absent(_))) => "no server listens on the control channel",
            _ => {
                "no server listens on the control channel, so the store was opened; a server whose `control` is off or \
                 elsewhere has to be stopped first, or named with --control"
            }
        };
        Ok(Self::Store(Operator::new(opened.context(hint)?, Arc::new(Nobody), Changes::default())))
    }

    pub(super) async fn ask(&mut self, request: Request) -> anyhow::Result<Answer> {
        let answer = match self {
            Self::Server(server) => server.ask(&request).await?,
            Self::Store(operator) => operator.act(request).await,
        };
        match answer {
            Answer::Failed(why) => bail!(why),
            answer => Ok(answer),
        }
    }

    /// Asks, and prints what was done.
    pub(super) async fn do_it(&mut self, request: Request) -> anyhow::Result<ExitCode> {
        match self.ask(request).await? {
            Answer::Done(what) => println!("{what}"),
            other => bail!("an answer to another question: {other:?}"),
        }
        Ok(EXIT_DONE.into())
    }
}

impl NoticeArgs {
    /// Does it, printing to the standard outputs.
    ///
    /// # Errors
    /// Where no server runs, or the text cannot be shown.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let text = ChatText::new(&self.text)?;
        let config = match self.place.config() {
            Ok(config) => config,
            Err(code) => return Ok(code),
        };
        let Some(path) = config.control.path(&config.store) else {
            bail!(
                "a server with this configuration has no control channel: `control` is off, or the store is no file and \
                 nothing says where the channel is; name it with --control"
            );
        };
        let server = reach(&path).await?;
        let server = server.with_context(|| format!("no server is running: nothing listens at {}", path.display()))?;
        Asked::Server(server).do_it(Request::Notice { text: Text(text) }).await
    }
}

/// What a new password's hash costs.
pub(super) fn cost(config: &Config) -> Cost {
    password_cost(config)
}
