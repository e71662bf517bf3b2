//! What asks the server to stop, on Unix and on Windows, behind one face.

use std::{fmt, io, time::Duration};

/// Something outside asks the server to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopSignal {
    /// SIGTERM, from a service manager or `kill`.
    Terminate,
    /// SIGINT on Unix, Ctrl-C on both systems.
    Interrupt,
    /// Ctrl-Break, on Windows.
    ConsoleBreak,
    /// The console window is closed, on Windows.
    ConsoleClose,
    /// The user signs off, on Windows, where the server runs in that user's session.
    LogOff,
    /// The machine is shut down, on Windows.
    Shutdown,
    /// The machine is about to be shut down, as Windows tells services that want to know it before others do.
    Preshutdown,
    /// The service is stopped, on Windows.
    ServiceStop,
}

impl StopSignal {
    /// What Windows leaves a process once its console closes, and a service once the machine is shut down (its
    /// `WaitToKillServiceTimeout`), in all, with a second to spare.
    pub const CONSOLE_CLOSE_LIMIT: Duration = Duration::from_secs(4);
    /// What Windows leaves a service that it tells before the machine is shut down.
    pub const PRESHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

    /// The time until the system ends the process whatever it does, or `None` where it waits.
    #[must_use]
    pub fn limit(self) -> Option<Duration> {
        match self {
            Self::Terminate | Self::Interrupt | Self::ConsoleBreak | Self::ServiceStop => None,
            Self::ConsoleClose | Self::LogOff | Self::Shutdown => Some(Self::CONSOLE_CLOSE_LIMIT),
            // With a second to spare, as above.
            Self::Preshutdown => Some(Self::PRESHUTDOWN_TIMEOUT - Duration::from_secs(1)),
        }
    }

    /// The name for the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => imp::INTERRUPT,
            Self::ConsoleBreak => "Ctrl-Break",
            Self::ConsoleClose => "console close",
            Self::LogOff => "log off",
            Self::Shutdown => "shutdown",
            Self::Preshutdown => "preshutdown",
            Self::ServiceStop => "service stop",
        }
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The stop signals of this process, from when it is installed until the process ends: dropping it does not bring the
/// system's own handling back.
#[derive(Debug)]
pub struct StopSignals(imp::Signals);

impl StopSignals {
    /// Begins to catch the signals, before the ready line, so that none ends the process unnoticed. Has to be called
    /// within a runtime whose I/O is enabled.
    ///
    /// # Errors
    /// Where the system refuses a handler.
    pub fn install() -> io::Result<Self> {
        imp::Signals::install().map(Self)
    }

    /// The next signal that arrives, or has arrived since the last call. Several of one kind at nearly the same time
    /// may count as one, as the system counts them. Loses nothing when it is cancelled.
    pub async fn next(&mut self) -> StopSignal {
        self.0.next().await
    }
}

#[cfg(unix)]
mod imp {
    use super::StopSignal;
    use std::io;
    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(super) const INTERRUPT: &str = "SIGINT";

    #[derive(Debug)]
    pub(super) struct Signals {
        terminate: Signal,
        interrupt: Signal,
    }

    impl Signals {
        pub(super) fn install() -> io::Result<Self> {
            Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
        }

        pub(super) async fn next(&mut self) -> StopSignal {
            tokio::select! {
                Some(()) = self.terminate.recv() => StopSignal::Terminate,
                Some(()) = self.interrupt.recv() => StopSignal::Interrupt,
                else => std::future::pending().await,
            }
        }
    }
}

#[cfg(windows)]
mod imp {
    use super::StopSignal;
    use std::{env, future::pending, io};
    use tokio::signal::windows::{
        CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_logoff,
        ctrl_shutdown,
    };

    pub(super) const INTERRUPT: &str = "Ctrl-C";

    #[derive(Debug)]
    pub(super) struct Signals {
        interrupt: CtrlC,
        console_break: CtrlBreak,
        console_close: CtrlClose,
        /// `None` in the session of services, whose programs are told of every user's log-off. Uncaught, it does nothing there.
        log_off: Option<CtrlLogoff>,
        shutdown: CtrlShutdown,
    }

    impl Signals {
        pub(super) fn install() -> io::Result<Self> {
            Ok(Self {
                interrupt: ctrl_c()?,
                console_break: ctrl_break()?,
                console_close: ctrl_close()?,
                // Set in each user's session, and in no other.
                log_off: env::var_os("SESSIONNAME").map(|_| ctrl_logoff()).transpose()?,
                shutdown: ctrl_shutdown()?,
            })
        }

        pub(super) async fn next(&mut self) -> StopSignal {
            let log_off = async {
                match &mut self.log_off {
                    Some(signal) => signal.recv().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                Some(()) = self.interrupt.recv() => StopSignal::Interrupt,
                Some(()) = self.console_break.recv() => StopSignal::ConsoleBreak,
                Some(()) = self.console_close.recv() => StopSignal::ConsoleClose,
                Some(()) = log_off => StopSignal::LogOff,
                Some(()) = self.shutdown.recv() => StopSignal::Shutdown,
                else => std::future::pending().await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::StopSignal;
    use std::time::Duration;

    #[test]
    fn what_is_ended_from_outside_has_a_second_to_spare() {
        let seconds = |signal: StopSignal| signal.limit().map(|limit| limit.as_secs());
        for signal in [StopSignal::ConsoleClose, StopSignal::LogOff, StopSignal::Shutdown] {
            assert_eq!(seconds(signal), Some(4), "{signal}: Windows leaves it 5 s");
        }
        assert_eq!(seconds(StopSignal::Preshutdown), Some(StopSignal::PRESHUTDOWN_TIMEOUT.as_secs() - 1));
        for signal in [StopSignal::ServiceStop, StopSignal::Terminate, StopSignal::Interrupt, StopSignal::ConsoleBreak]
        {
            assert_eq!(signal.limit(), None::<Duration>, "{signal}: it waits");
        }
    }
}
