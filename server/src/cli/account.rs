//! `malpan-server account ...`: looking after accounts.

use super::{
    EXIT_DONE,
    ask::{Asked, Where, cost},
    password,
};
use crate::{
    accounts::{self, Workspace},
    control::{Answer, Hash, Listed, Request, Text},
};
use anyhow::bail;
use clap::Subcommand;
use malpan_protocol::Name;
use std::{
    io::{self, BufWriter, ErrorKind, Write},
    process::ExitCode,
    time::{Duration, UNIX_EPOCH},
};

/// What to do about accounts. A running server is asked over its control channel; where none runs, it is done on the store.
#[derive(Debug, Clone, Subcommand)]
pub enum AccountCommand {
    /// List all of them by name: number, name, when it was made, and whether it is banned
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        /// Which server.
        #[command(flatten)]
        place: Where,
    },
    /// Make one. The password is asked for, or the first line of the standard input
    Add {
        /// Its name
        name: Name,
        /// Which server.
        #[command(flatten)]
        place: Where,
    },
    /// Give one another password, which is asked for, or the first line of the standard input. Who is signed in to it stays
    Passwd {
        /// Its name
        name: Name,
        /// Which server.
        #[command(flatten)]
        place: Where,
    },
    /// Ban one: who is signed in to it is disconnected, and it cannot be signed in to
    Ban {
        /// Its name
        name: Name,
        /// What whoever signs in to it is told, up to 150 characters
        #[arg(long, default_value = "by the operator")]
        reason: String,
        /// Which server.
        #[command(flatten)]
        place: Where,
    },
    /// Ban one no longer
    Unban {
        /// Its name
        name: Name,
        /// Which server.
        #[command(flatten)]
        place: Where,
    },
    /// Delete one: who is signed in to it is disconnected, and its name is free
    Delete {
        /// Its name
        name: Name,
        /// Which server.
        #[command(flatten)]
        place: Where,
    },
}

impl AccountCommand {
    /// Does it, printing to the standard outputs.
    ///
    /// # Errors
    /// Where it cannot be done; the error says what to do.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let (Self::List { place, .. }
        | Self::Add { place, .. }
        | Self::Passwd { place, .. }
        | Self::Ban { place, .. }
        | Self::Unban { place, .. }
        | Self::Delete { place, .. }) = &self;
        let config = match place.config() {
            Ok(config) => config,
            Err(code) => return Ok(code),
        };
        // The password before the store: nobody is kept from that while somebody types.
        let hashed = || {
            let secret = password::ask()?;
            anyhow::Ok(Hash(accounts::hash(&secret, cost(&config), &mut Workspace::default())))
        };
        let make = matches!(self, Self::Add { .. });
        let request = match self {
            Self::List { json, .. } => return list(&mut Asked::of(&config, false).await?, json).await,
            Self::Add { name, .. } => Request::Add { name: Text(name), secret: hashed()? },
            Self::Passwd { name, .. } => Request::Passwd { name: Text(name), secret: hashed()? },
            Self::Ban { name, reason, .. } => Request::Ban { name: Text(name), reason },
            Self::Unban { name, .. } => Request::Unban { name: Text(name) },
            Self::Delete { name, .. } => Request::Delete { name: Text(name) },
        };
        Asked::of(&config, make).await?.do_it(request).await
    }
}

async fn list(asked: &mut Asked, json: bool) -> anyhow::Result<ExitCode> {
    let mut after = None;
    loop {
        let Answer::Accounts { accounts, more } = asked.ask(Request::List { after }).await? else {
            bail!("an answer to another question");
        };
        match print(&accounts, json) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(EXIT_DONE.into()),
            printed => printed?,
        }
        match accounts.last().filter(|_| more) {
            Some(last) => after = Some(last.name.0.folded()),
            None => return Ok(EXIT_DONE.into()),
        }
    }
}

fn print(accounts: &[Listed], json: bool) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for account in accounts {
        if json {
            serde_json::to_writer(&mut out, account)?;
            writeln!(out)?;
            continue;
        }
        let (player, name) = (account.player, &account.name.0);
        let created = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(account.created));
        write!(out, "{player}\t{name}\t{created}")?;
        match &account.banned {
            Some(ban) => writeln!(out, "\tbanned: {}", ban.reason)?,
            None => writeln!(out)?,
        }
    }
    out.flush()
}
