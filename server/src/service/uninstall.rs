//! `malpan-server service uninstall`.

use super::{
    ServiceName,
    folder::Folder,
    system::{CANNOT_ACCEPT_CONTROL, DOES_NOT_EXIST, NOT_ACTIVE, Refused, code, manager},
};
use crate::cli::EXIT_DONE;
use anyhow::bail;
use clap::Args;
use std::{
    process::ExitCode,
    thread::sleep,
    time::{Duration, Instant},
};
use windows_service::{
    service::{Service, ServiceAccess, ServiceState},
    service_manager::{ServiceManager, ServiceManagerAccess},
};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// Beyond what the service says it needs for its next step.
const SPARE: Duration = Duration::from_secs(10);
/// For Windows to forget it.
const GONE_WITHIN: Duration = Duration::from_secs(5);

/// What to uninstall.
#[derive(Debug, Clone, Args)]
pub struct UninstallArgs {
    /// The service's name
    #[arg(long, value_name = "NAME", default_value = ServiceName::USUAL)]
    pub name: ServiceName,
}

impl UninstallArgs {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let name = self.name;
        let manager = manager(&name, ServiceManagerAccess::CONNECT)?;
        let access = ServiceAccess::QUERY_STATUS | ServiceAccess::STOP | ServiceAccess::DELETE;
        let service = manager.open_service(name.as_str(), access).map_err(Refused::about(&name))?;
        stop(&service, &name)?;
        service.delete().map_err(Refused::about(&name))?;
        // It goes with the last who has it open.
        drop(service);
        if is_gone(&manager, &name) {
            println!("the service {name} is gone");
        } else {
            println!(
                "the service {name} goes when the programs that look at it, such as the list of services, are closed"
            );
        }
        println!("what it has kept stays: {}", Folder::of(&name).path().display());
        Ok(EXIT_DONE.into())
    }
}

/// Stops it, where it runs, and waits until it has stopped.
fn stop(service: &Service, name: &ServiceName) -> anyhow::Result<()> {
    let refused = Refused::about(name);
    let mut asked = false;
    let (mut step, mut since) = (None, Instant::now());
    loop {
        let status = service.query_status().map_err(&refused)?;
        if status.current_state == ServiceState::Stopped {
            return Ok(());
        }
        if !asked {
            asked = match service.stop() {
                Ok(_) => true,
                Err(error) => match code(&error) {
                    // It starts or stops already.
                    Some(CANNOT_ACCEPT_CONTROL | NOT_ACTIVE) => false,
                    _ => return Err(refused(error).into()),
                },
            };
        }
        // It may take as long as it likes, as long as it goes on.
        let now_at = Some((status.current_state, status.checkpoint));
        if step != now_at {
            (step, since) = (now_at, Instant::now());
        }
        if since.elapsed() > status.wait_hint + SPARE {
            bail!("the service {name} does not stop; end its process, then try again");
        }
        sleep(PAUSE);
    }
}

fn is_gone(manager: &ServiceManager, name: &ServiceName) -> bool {
    let begun = Instant::now();
    loop {
        match manager.open_service(name.as_str(), ServiceAccess::QUERY_STATUS) {
            Err(error) if code(&error) == Some(DOES_NOT_EXIST) => return true,
            _ if begun.elapsed() > GONE_WITHIN => return false,
            _ => sleep(PAUSE),
        }
    }
}
