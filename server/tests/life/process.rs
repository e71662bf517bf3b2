//! What a process uses, as Linux tells it.

use std::{fs, time::Duration};

/// `/proc` counts processor time in these, whatever the kernel's own tick is.
const TICKS_PER_SECOND: u64 = 100;

/// Another process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(pub(crate) u32);

impl Process {
    /// Bytes of memory of its own: heap and stacks, not what it maps from files.
    pub(crate) fn memory(self) -> u64 {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("Linux tells of RssAnon");
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
    }

    /// The numbers of its open files.
    pub(crate) fn files(self) -> Vec<u64> {
        let names = fs::read_dir(format!("/proc/{}/fd", self.0)).unwrap().map(|file| file.unwrap().file_name());
        names.map(|name| name.to_str().unwrap().parse().unwrap()).collect()
    }

    /// Processor time that it has used so far, in all.
    pub(crate) fn cpu(self) -> Duration {
        let stat = self.read("stat");
        // Its name is in parentheses, and may hold spaces.
        let fields: Vec<_> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u64 = [11, 12].map(|field: usize| fields[field].parse::<u64>().unwrap()).iter().sum();
        Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND)
    }

    /// From now on it may have no more than so many files open. What is open stays so.
    pub(crate) fn limit_files(self, most: u64) {
        let pid = i32::try_from(self.0).unwrap();
        let (mut soft, mut hard) = (0, 0);
        rlimit::prlimit(pid, rlimit::Resource::NOFILE, None, Some((&mut soft, &mut hard))).unwrap();
        rlimit::prlimit(pid, rlimit::Resource::NOFILE, Some((most, hard)), None).unwrap();
    }

    fn read(self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.0)).unwrap()
    }
}

/// Raises this process's own limit of open files, so that it can have `count` connections.
pub(crate) fn allow_connections(count: usize) {
    let needed = count as u64 + 200;
    let allowed = rlimit::increase_nofile_limit(u64::MAX).unwrap();
    assert!(
        allowed >= needed,
        "this test needs {needed} open files, and the hard limit is {allowed}: raise `ulimit -Hn`"
    );
}
