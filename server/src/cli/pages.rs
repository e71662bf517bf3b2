//! `malpan-server completions SHELL` and `malpan-server man DIR`: what a package brings beside the program.

use super::Cli;
use anyhow::Context;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

/// For which shell.
#[derive(Debug, Clone, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Where the manual pages go.
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// Folder to write to; made where it is not there
    pub dir: PathBuf,
}

impl CompletionsArgs {
    /// Prints the script.
    ///
    /// # Errors
    /// Where the standard output cannot be written.
    pub fn run(&self) -> io::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "malpan-server", &mut script);
        io::stdout().write_all(&script)
    }
}

impl ManArgs {
    /// Writes the pages.
    ///
    /// # Errors
    /// Where one cannot be written.
    pub fn run(&self) -> anyhow::Result<()> {
        let write = || fs::create_dir_all(&self.dir).and_then(|()| clap_mangen::generate_to(Cli::command(), &self.dir));
        write().with_context(|| format!("cannot write the manual pages to {}", self.dir.display()))
    }
}
