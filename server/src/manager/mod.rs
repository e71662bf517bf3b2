//! Who looks after this process: asks it to stop, and is told how it goes.
//!
//! ```text
//! terminal, kill, systemd  -> signals.rs -+               +-> systemd.rs (NOTIFY_SOCKET, where there is one)
//!                                         +-> Manager ->  |
//! Windows' service manager -> scm.rs     -+               +-> scm.rs (the service's status)
//! ```
//!
//! Invariant: whoever serves knows the [`Manager`] alone, and asks nowhere who it is.

#[cfg(windows)]
mod scm;
mod signals;
mod systemd;

#[cfg(windows)]
pub(crate) use scm::Status;
pub use signals::{StopSignal, StopSignals};

use std::{io, time::Duration};

/// Beyond the drain: what a goodbye may take of its own, and a busy machine.
const STOP_SPARE: Duration = Duration::from_secs(5);

/// Who looks after this process.
#[derive(Debug)]
pub struct Manager(Side);

#[derive(Debug)]
enum Side {
    /// Whoever has started it, by signals; systemd, where it is that, is told.
    Process(StopSignals),
    /// Windows' service manager.
    #[cfg(windows)]
    Service(scm::Line),
}

/// What the manager is told.
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    /// The server starts, and does this now.
    Starting(&'a str),
    /// Players are awaited. With the ready line.
    Ready(&'a str),
    /// The server stops, within this time.
    Stopping(Duration),
}

impl Manager {
    /// Of a process by itself: begins to catch its signals. Has to be called within a runtime whose I/O is enabled.
    ///
    /// # Errors
    /// Where the system refuses a handler.
    pub fn of_process() -> io::Result<Self> {
        StopSignals::install().map(|signals| Self(Side::Process(signals)))
    }

    /// Of the service of this name, in its own main function. The status is for saying that it has ended.
    ///
    /// # Errors
    /// Where the service manager does not know the service.
    #[cfg(windows)]
    pub(crate) fn of_service(name: &str) -> Result<(Self, Status), windows_service::Error> {
        let (line, status) = scm::Line::register(name)?;
        Ok((Self(Side::Service(line)), status))
    }

    /// The next time that it asks the process to stop, or has asked since the last call. Loses nothing when it is cancelled.
    pub async fn asks_to_stop(&mut self) -> StopSignal {
        match &mut self.0 {
            Side::Process(signals) => signals.next().await,
            #[cfg(windows)]
            Side::Service(line) => line.next().await,
        }
    }

    /// Tells it. Where it does not hear, the log says so, and the server goes on.
    pub fn tell(&self, news: News<'_>) {
        match &self.0 {
            Side::Process(_) => systemd::tell(news),
            #[cfg(windows)]
            Side::Service(line) => line.tell(news),
        }
    }
}

impl News<'_> {
    /// Within what time it will be over, with something to spare; `None` where it is no beginning of anything.
    fn over_within(self) -> Option<Duration> {
        match self {
            // A large store is read once, whole.
            Self::Starting(_) => Some(Duration::from_secs(60)),
            Self::Ready(_) => None,
            Self::Stopping(within) => Some(within + STOP_SPARE),
        }
    }
}
