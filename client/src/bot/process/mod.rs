//! What a process on this machine has used.

#[cfg(target_os = "linux")]
mod procfs;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
use procfs as system;
#[cfg(windows)]
use windows as system;

use anyhow::Result;
use std::time::Duration;

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// CPU time, in user and in kernel mode, over all its threads.
    pub(super) cpu: Duration,
    /// Its resident memory now, in KiB; on Windows its working set.
    pub(super) rss_kib: u64,
}

/// Reads what the process has used.
///
/// # Errors
/// Where there is no such process, or it cannot be looked at here.
pub(super) fn read(pid: u32) -> Result<Usage> {
    system::read(pid)
}

/// Systems without a way of their own.
#[cfg(not(any(target_os = "linux", windows)))]
mod system {
    use super::Usage;
    use anyhow::{Result, bail};

    pub(super) fn read(_: u32) -> Result<Usage> {
        bail!("--server-pid works on Linux and Windows; elsewhere there is --server-metrics")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(any(target_os = "linux", windows))]
    fn the_own_process_is_there_and_a_wrong_one_is_not() {
        let before = super::read(std::process::id()).unwrap();
        assert!(before.rss_kib > 0);
        // Work until the system has counted some of it: it does so in steps of up to 16 ms.
        let begun = std::time::Instant::now();
        while super::read(std::process::id()).unwrap().cpu == before.cpu {
            assert!(begun.elapsed() < std::time::Duration::from_secs(30), "CPU time stands still");
        }
        let error = format!("{:#}", super::read(u32::MAX).unwrap_err());
        assert!(error.contains("--server-pid 4294967295: there is no such process"), "{error}");
    }
}
