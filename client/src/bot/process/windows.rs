//! From Windows, by way of sysinfo.

use super::Usage;
use anyhow::{Context, Result, ensure};
use std::time::Duration;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

pub(super) fn read(pid: u32) -> Result<Usage> {
    let mut system = System::new().context("--server-pid: what processes use cannot be read here")?;
    let id = Pid::from_u32(pid);
    let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[id]), true, what);
    let process = system
        .process(id)
        .with_context(|| format!("--server-pid {pid}: there is no such process, or it is not yours"))?;
    let usage = Usage { cpu: Duration::from_millis(process.accumulated_cpu_time()), rss_kib: process.memory() / 1024 };
    ensure!(usage.rss_kib > 0, "--server-pid {pid}: the process cannot be looked at; run this as an administrator");
    Ok(usage)
}
