//! `endure`: what honest players feel, and what the server keeps, beside hostile load. See [`malpan_e2e::endure`].

use clap::Parser;
use malpan_e2e::endure::{self, Cli};
use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    endure::run(Cli::parse()).await
}
