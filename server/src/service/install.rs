//! `malpan-server service install`.

use super::{
    ServiceName,
    folder::Folder,
    system::{Refused, manager},
};
use crate::{
    cli::{EXIT_DONE, EXIT_FAILED},
    config::check_file,
    manager::StopSignal,
};
use anyhow::Context;
use clap::Args;
use std::{
    env,
    ffi::OsString,
    path::{self, Path, PathBuf},
    process::ExitCode,
    time::Duration,
};
use windows_service::{
    Error,
    service::{
        Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceFailureActions,
        ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceType,
    },
    service_manager::ServiceManagerAccess,
};

const DESCRIPTION: &str = "The Malpan game server: rooms of players who all see each other move.";

/// After a failure, and after one that comes for the third time.
const RESTART_AFTER: Duration = Duration::from_secs(5);
const RESTART_LATER: Duration = Duration::from_secs(60);
/// Without a failure for so long, the next one is the first.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);

/// What to install.
#[derive(Debug, Clone, Args)]
pub struct InstallArgs {
    /// The service's name, which names its folder %ProgramData%\NAME and its account NT SERVICE\NAME too
    #[arg(long, value_name = "NAME", default_value = ServiceName::USUAL)]
    pub name: ServiceName,
    /// Its configuration file, in TOML, which says where its store is [default: malpan-server.toml in the service's folder,
    /// made where it is not there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

impl InstallArgs {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let Self { name, config } = self;
        // First of all: without its leave nothing is made.
        let manager = manager(&name, ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?;
        let folder = Folder::of(&name);
        // The log may go there, wherever the configuration is.
        folder.make()?;
        let config = match config {
            Some(file) => path::absolute(&file).with_context(|| format!("the file {}", file.display()))?,
            None => folder.configuration()?,
        };
        match check_file(&config) {
            Ok(mut read) => folder.fit(&mut read).with_context(|| config.display().to_string())?,
            Err(error) => {
                eprintln!("{error}");
                return Ok(EXIT_FAILED.into());
            }
        }
        let program = env::current_exe().context("where this program is")?;
        let info = info(&name, &program, &config);
        let service = manager.create_service(&info, ServiceAccess::ALL_ACCESS).map_err(Refused::about(&name))?;
        settle(&service, &name);
        if let Err(error) = folder.protect(&name.account()) {
            // Without its folder it cannot serve, and one that everybody reads is none.
            let _ = service.delete();
            return Err(error);
        }
        println!("the service {name} is installed and starts with Windows; to start it now: net start {name}");
        println!("configuration: {}", config.display());
        println!("folder: {}", folder.path().display());
        println!("account: {}, which has to be able to read and write what the configuration names", name.account());
        Ok(EXIT_DONE.into())
    }
}

fn info(name: &ServiceName, program: &Path, config: &Path) -> ServiceInfo {
    let arguments: [OsString; 6] =
        ["service".into(), "run".into(), "--name".into(), name.as_str().into(), "--config".into(), config.into()];
    ServiceInfo {
        name: name.as_str().into(),
        display_name: name.displayed().into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        // Both are quoted where they hold a blank.
        executable_path: program.into(),
        launch_arguments: arguments.into(),
        dependencies: Vec::new(),
        account_name: Some(name.account().into()),
        account_password: None,
    }
}

/// What is not said when it is made. A Windows that does not take one of it (old ones know fewer) has a service all the same.
fn settle(service: &Service, name: &ServiceName) {
    let restart = |delay| ServiceAction { action_type: ServiceActionType::Restart, delay };
    let failure_actions = ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(FORGOTTEN_AFTER),
        reboot_msg: None,
        command: None,
        actions: Some(vec![restart(RESTART_AFTER), restart(RESTART_AFTER), restart(RESTART_LATER)]),
    };
    let settings: [(&str, Result<(), Error>); 5] = [
        ("its description", service.set_description(DESCRIPTION)),
        // Behind the network.
        ("its delayed start", service.set_delayed_auto_start(true)),
        ("its restart after a failure", service.update_failure_actions(failure_actions)),
        ("its restart after an exit code other than 0", service.set_failure_actions_on_non_crash_failures(true)),
        ("its time before a shutdown", service.set_preshutdown_timeout(StopSignal::PRESHUTDOWN_TIMEOUT)),
    ];
    for (what, set) in settings {
        if let Err(refused) = set.map_err(Refused::about(name)) {
            eprintln!("malpan-server: warning: {what} is not set: {refused}");
        }
    }
}
