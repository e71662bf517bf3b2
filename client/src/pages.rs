//! `malpan completions SHELL` and `malpan man DIR`: what a package brings beside the program.

use crate::Cli;
use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder to write to; made where it is not there.
    dir: PathBuf,
}

impl CompletionsArgs {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "malpan", &mut script);
        io::stdout().write_all(&script).context("cannot print the script")
    }
}

impl ManArgs {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let write = || fs::create_dir_all(&self.dir).and_then(|()| clap_mangen::generate_to(Cli::command(), &self.dir));
        write().with_context(|| format!("cannot write the manual pages to {}", self.dir.display()))
    }
}

/// 0, or 1 with the reason.
pub(crate) fn exit(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("malpan: {error:#}");
            ExitCode::FAILURE
        }
    }
}
