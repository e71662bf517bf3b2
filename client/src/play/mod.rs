//! Being written.

use std::process::ExitCode;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_: Args) -> ExitCode {
    ExitCode::SUCCESS
}
