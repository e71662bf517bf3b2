//! The line to Windows' service manager: its controls in, the service's status out.

use super::{News, StopSignal};
use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;
use windows_service::{
    Error,
    service::{ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType},
    service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle},
};

/// Controls that wait: one to stop, one to stop at once, and some to spare.
const CONTROLS: usize = 4;

/// Where the controls go. The handler holds nothing of its own: windows-service frees what it holds with the first control to
/// stop, but Windows may call it again after that.
static STOPS: OnceLock<mpsc::Sender<StopSignal>> = OnceLock::new();

/// The line, as whoever serves has it.
#[derive(Debug)]
pub(super) struct Line {
    stops: mpsc::Receiver<StopSignal>,
    status: Status,
    /// Counts the steps of a start or a stop, so that the service manager sees that it goes on.
    checkpoint: AtomicU32,
}

/// The service's status.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Status(ServiceStatusHandle);

impl Line {
    /// Registers the one service of this process.
    pub(super) fn register(name: &str) -> Result<(Self, Status), Error> {
        let (sender, stops) = mpsc::channel(CONTROLS);
        // Twice in one process does not happen: the dispatcher runs one main function.
        let _ = STOPS.set(sender);
        let status = Status(service_control_handler::register(name, handle)?);
        let line = Self { stops, status, checkpoint: AtomicU32::new(0) };
        line.tell(News::Starting("reading its configuration"));
        Ok((line, status))
    }

    pub(super) async fn next(&mut self) -> StopSignal {
        match self.stops.recv().await {
            Some(signal) => signal,
            // The sender is never dropped.
            None => std::future::pending().await,
        }
    }

    pub(super) fn tell(&self, news: News<'_>) {
        let (state, accepted) = match news {
            News::Starting(step) => {
                tracing::debug!(step, "starting");
                (ServiceState::StartPending, ServiceControlAccept::empty())
            }
            News::Ready(line) => {
                tracing::info!(line, "ready");
                let stops =
                    ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN | ServiceControlAccept::PRESHUTDOWN;
                (ServiceState::Running, stops)
            }
            // Once more, at once: the machine is shut down under it.
            News::Stopping(_) => (ServiceState::StopPending, ServiceControlAccept::SHUTDOWN),
        };
        let hint = news.over_within();
        let checkpoint = hint.map_or(0, |_| self.checkpoint.fetch_add(1, Ordering::Relaxed) + 1);
        self.status.set(state, accepted, checkpoint, hint.unwrap_or_default(), 0);
    }
}

impl Status {
    /// Says that the service has ended with this code. Windows may end the process at once.
    pub(crate) fn ended(self, code: u8) {
        self.set(ServiceState::Stopped, ServiceControlAccept::empty(), 0, Duration::ZERO, code);
    }

    fn set(self, state: ServiceState, accepted: ServiceControlAccept, checkpoint: u32, wait_hint: Duration, code: u8) {
        let status = ServiceStatus {
            service_type: ServiceType::OWN_PROCESS,
            current_state: state,
            controls_accepted: accepted,
            exit_code: match code {
                0 => ServiceExitCode::NO_ERROR,
                code => ServiceExitCode::ServiceSpecific(code.into()),
            },
            checkpoint,
            wait_hint,
            process_id: None,
        };
        if let Err(error) = self.0.set_service_status(status) {
            tracing::warn!(%error, ?state, "the service manager could not be told");
        }
    }
}

fn handle(control: ServiceControl) -> ServiceControlHandlerResult {
    let signal = match control {
        ServiceControl::Stop => StopSignal::ServiceStop,
        ServiceControl::Shutdown => StopSignal::Shutdown,
        ServiceControl::Preshutdown => StopSignal::Preshutdown,
        // Windows answers it by itself, with the last status.
        ServiceControl::Interrogate => return ServiceControlHandlerResult::NoError,
        _ => return ServiceControlHandlerResult::NotImplemented,
    };
    if let Some(stops) = STOPS.get() {
        // Full: it has been asked more than once already.
        let _ = stops.try_send(signal);
    }
    ServiceControlHandlerResult::NoError
}
