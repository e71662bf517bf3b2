//! `malpan-server service run`: what Windows' service manager starts.

use super::{
    ServiceName,
    folder::Folder,
    system::{NOT_STARTED_BY_THE_MANAGER, Refused},
};
use crate::{
    cli::{self, EXIT_DONE, EXIT_FAILED, Flags},
    config::{Config, LogConfig, PathOrOff},
    error_text, logging,
    manager::Manager,
    serving,
};
use anyhow::bail;
use clap::Args;
use std::{env, ffi::OsString, path::PathBuf, process::ExitCode, sync::OnceLock};
use tracing::dispatcher;
use windows_service::{define_windows_service, service_dispatcher};

/// As what to run. `malpan-server service install` writes it into the service's command line.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The service's name
    #[arg(long, value_name = "NAME", default_value = ServiceName::USUAL)]
    pub name: ServiceName,
    /// Its configuration file, in TOML
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// What the service's main function runs: Windows calls it with words of its own.
static ARGS: OnceLock<RunArgs> = OnceLock::new();

define_windows_service!(service_main, main_of_the_service);

impl RunArgs {
    /// Runs until the service has stopped.
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let name = self.name.clone();
        let config = self.config.display().to_string();
        if ARGS.set(self).is_err() {
            bail!("the service {name} runs already");
        }
        match service_dispatcher::start(name.as_str(), service_main).map_err(Refused::about(&name)) {
            Ok(()) => Ok(EXIT_DONE.into()),
            Err(refused) if refused.code() == Some(NOT_STARTED_BY_THE_MANAGER) => bail!(
                "only Windows' service manager starts this: `malpan-server service install` makes the service, and \
                 `net start {name}` starts it; to serve in this window: malpan-server --config \"{config}\""
            ),
            Err(refused) => Err(refused.into()),
        }
    }
}

fn main_of_the_service(_: Vec<OsString>) {
    let Some(args) = ARGS.get() else { return };
    let folder = Folder::of_running(&args.name, &args.config);
    match Manager::of_service(args.name.as_str()) {
        Ok((manager, status)) => status.ended(serve(args, &folder, manager)),
        // There is nobody to tell but the log.
        Err(error) => Failure::from(format!("the service {}: {error:?}", args.name)).log(&folder),
    }
}

/// Serves, and returns the code to exit with.
fn serve(args: &RunArgs, folder: &Folder, manager: Manager) -> u8 {
    match configuration(args, folder) {
        Ok(config) => serving::serve(config, || Ok(manager)).unwrap_or_else(|error| {
            // It has been logged, unless the log is what failed.
            if !dispatcher::has_been_set() {
                Failure::from(error_text(&error)).log(folder);
            }
            EXIT_FAILED
        }),
        Err(failure) => {
            failure.log(folder);
            failure.code
        }
    }
}

fn configuration(args: &RunArgs, folder: &Folder) -> Result<Config, Failure> {
    // Windows starts a service in its own folder; a relative path of the configuration means one beside that.
    if let Some(beside) = args.config.parent()
        && let Err(error) = env::set_current_dir(beside)
    {
        return Err(Failure::from(format!("the folder {}: {error}", beside.display())));
    }
    let flags = Flags { config: Some(args.config.clone()), ..Flags::default() };
    let mut config = cli::load(&flags, env::vars_os()).map_err(|error| {
        let problems = error.problems.iter().map(ToString::to_string).collect();
        Failure { problems, code: error.exit_code() }
    })?;
    folder.fit(&mut config).map_err(|error| Failure::from(error.to_string()))?;
    Ok(config)
}

/// Why it does not serve, before there is a log.
struct Failure {
    problems: Vec<String>,
    code: u8,
}

impl From<String> for Failure {
    fn from(problem: String) -> Self {
        Self { problems: vec![problem], code: EXIT_FAILED }
    }
}

impl Failure {
    /// A service has no standard outputs: the log in its folder is where it is looked for.
    fn log(&self, folder: &Folder) {
        let config = LogConfig { file: PathOrOff::Path(folder.log()), ..LogConfig::default() };
        if logging::init(&config).is_ok() {
            for problem in &self.problems {
                tracing::error!("{problem}");
            }
        }
    }
}
