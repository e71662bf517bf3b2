//! The server as a service of Windows.
//!
//! ```text
//! malpan-server service install    install.rs -> service manager: name, account, command line, what to do when it fails
//!                                  folder.rs  -> %ProgramData%\NAME: configuration, store, log, and who may read them
//! Windows starts it                run.rs     -> serving.rs, with the service manager as whoever looks after the process
//! malpan-server service uninstall  uninstall.rs
//! ```
//!
//! The configuration is one file that says where everything is: a service has no user's folder for data, and the operator's
//! own commands (`account`, `store`, `notice`) have to find the same store as the service by the same file.

mod folder;
mod install;
mod name;
mod run;
mod system;
mod uninstall;

pub use install::InstallArgs;
pub use name::{NameError, ServiceName};
pub use run::RunArgs;
pub use uninstall::UninstallArgs;

use clap::Subcommand;
use std::process::ExitCode;

/// What to do about the service.
#[derive(Debug, Clone, Subcommand)]
pub enum ServiceCommand {
    /// Have Windows start the server, with the machine and when it has failed; needs an administrator
    Install(InstallArgs),
    /// Stop the service and take it away; its folder stays. Needs an administrator
    Uninstall(UninstallArgs),
    /// What Windows itself starts
    Run(RunArgs),
}

impl ServiceCommand {
    /// Does it, printing to the standard outputs.
    ///
    /// # Errors
    /// Where it cannot be done; the error says what to do.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Install(args) => args.run(),
            Self::Uninstall(args) => args.run(),
            Self::Run(args) => args.run(),
        }
    }
}
