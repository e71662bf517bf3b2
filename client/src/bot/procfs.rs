//! What a process has used, from Linux's `/proc`.

use anyhow::{Context, Result, bail};
use std::{fs, time::Duration};

/// `/proc` counts CPU time in these on every platform Linux runs on (its USER_HZ), whatever the kernel's own tick is.
const TICKS_PER_SECOND: u64 = 100;

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// CPU time, in user and in kernel mode, over all its threads.
    pub(super) cpu: Duration,
    /// Its resident memory now, in KiB.
    pub(super) rss_kib: u64,
}

/// Reads what the process has used.
///
/// # Errors
/// Where there is no such process, or no `/proc`.
pub(super) fn read(pid: u32) -> Result<Usage> {
    if !cfg!(target_os = "linux") {
        bail!("--server-pid reads /proc, which only Linux has");
    }
    let file = |name| {
        let path = format!("/proc/{pid}/{name}");
        fs::read_to_string(&path).with_context(|| format!("--server-pid {pid}: there is no such process ({path})"))
    };
    let cpu = cpu_time(&file("stat")?).with_context(|| format!("/proc/{pid}/stat is not as expected"))?;
    // A process that has ended and was not waited for has no memory left.
    let rss_kib = resident_kib(&file("status")?)
        .with_context(|| format!("--server-pid {pid}: the process has ended, or is the kernel's own"))?;
    Ok(Usage { cpu, rss_kib })
}

fn cpu_time(stat: &str) -> Option<Duration> {
    // The second field is the program's name in brackets, which may itself hold blanks and brackets.
    let (_, fields) = stat.rsplit_once(')')?;
    // The first of these is the third field; 14 and 15 are utime and stime.
    let mut fields = fields.split_ascii_whitespace().skip(14 - 3);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let sum = ticks()? + ticks()?;
    Some(Duration::from_millis(sum * 1_000 / TICKS_PER_SECOND))
}

fn resident_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{cpu_time, resident_kib};
    use std::time::Duration;

    #[test]
    fn cpu_is_user_plus_system_time_whatever_the_name_is() {
        let stat = "42 (a) R 1 (b) S 1 42 42 0 -1 4194560 1200 0 0 0 150 75 9 9 20 0 3 0 100 1000 200";
        assert_eq!(cpu_time(stat), Some(Duration::from_millis(2_250)));
        assert_eq!(cpu_time("42 (short) S 1 2"), None);
    }

    #[test]
    fn memory_is_the_resident_set() {
        assert_eq!(resident_kib("Name:\tx\nVmPeak:\t 9 kB\nVmRSS:\t    1234 kB\n"), Some(1_234));
        assert_eq!(resident_kib("Name:\tkthreadd\n"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn the_own_process_is_there_and_a_wrong_one_is_not() {
        assert!(super::read(std::process::id()).unwrap().rss_kib > 0);
        let error = format!("{:#}", super::read(u32::MAX).unwrap_err());
        assert!(error.contains("--server-pid 4294967295: there is no such process"), "{error}");
    }
}
