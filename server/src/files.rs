//! Open files: each connection is one, and the system allows a process so many.

use crate::http;
use std::{fmt, io};

/// What a shard's runtime opens for itself: its poller, its waker and their duplicates. A test counts them.
const FILES_PER_SHARD: usize = 6;
/// A listener's own, and the connections that malpan-net keeps for a moment to tell them why they are refused.
const FILES_PER_LISTENER: usize = 1 + 256;
/// The listener for health and metrics, and its connections.
const FILES_FOR_HTTP: usize = 1 + http::CONNECTIONS;
/// The standard streams, the acceptors' runtime, the signal pipe, and files that are open for a moment.
const RESERVE: usize = 32;

/// How many files this process may have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileLimit {
    /// This many.
    Files(u64),
    /// No number that a process can meet: Windows counts sockets against memory only.
    Unlimited,
}

/// Fewer files than the sessions asked for. Prints as the warning for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shortage {
    /// Sessions that fit.
    pub sessions: usize,
    /// Sessions asked for.
    pub wanted: usize,
    /// Files allowed.
    pub files: u64,
    /// Files that the server needs for itself.
    pub own: usize,
}

/// Not even one session fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "this process may have {files} files open, and the server needs {own} for itself: no connection would fit. {HINT}"
)]
pub struct TooFewFiles {
    /// Files allowed.
    pub files: u64,
    /// Files that the server needs for itself.
    pub own: usize,
}

const HINT: &str = "Raise the hard limit of open files (`ulimit -Hn`, LimitNOFILE= of systemd).";

/// Raises the soft limit of open files to the hard one and returns what then holds. On Windows there is nothing to
/// raise.
///
/// # Errors
/// Where the system refuses to tell or to set the limit.
pub fn raise_limit() -> io::Result<FileLimit> {
    imp::raise_limit()
}

/// Checks `sessions` against the file limit, beside what `shards`, the `listeners` for players and `http` need. Where
/// they do not fit, the server accepts no more than [`Shortage::sessions`] instead and warns.
///
/// # Errors
/// [`TooFewFiles`] where not even one session fits: the server must not start.
pub fn shortage(
    sessions: usize,
    limit: FileLimit,
    shards: usize,
    listeners: usize,
    http: bool,
) -> Result<Option<Shortage>, TooFewFiles> {
    let FileLimit::Files(files) = limit else { return Ok(None) };
    let for_http = if http { FILES_FOR_HTTP } else { 0 };
    let own = RESERVE + shards * FILES_PER_SHARD + listeners * FILES_PER_LISTENER + for_http;
    // A limit that exceeds the address space is none.
    let room = usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(own);
    match room {
        0 => Err(TooFewFiles { files, own }),
        room if room < sessions => Ok(Some(Shortage { sessions: room, wanted: sessions, files, own })),
        _ => Ok(None),
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sessions, wanted, files, own } = self;
        write!(
            f,
            "limits.sessions is {wanted}, but this process may have {files} files open and needs {own} for itself: at \
             most {sessions} connections are accepted. {HINT}"
        )
    }
}

#[cfg(unix)]
mod imp {
    use super::FileLimit;
    use std::io;

    pub(super) fn raise_limit() -> io::Result<FileLimit> {
        match rlimit::increase_nofile_limit(u64::MAX)? {
            rlimit::INFINITY => Ok(FileLimit::Unlimited),
            files => Ok(FileLimit::Files(files)),
        }
    }
}

#[cfg(not(unix))]
mod imp {
    use super::FileLimit;
    use std::io;

    pub(super) fn raise_limit() -> io::Result<FileLimit> {
        Ok(FileLimit::Unlimited)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        FILES_FOR_HTTP, FILES_PER_LISTENER, FILES_PER_SHARD, FileLimit, RESERVE, Shortage, TooFewFiles, shortage,
    };

    #[test]
    fn the_last_file_decides() {
        let own = RESERVE + 2 * FILES_PER_SHARD + FILES_PER_LISTENER;
        let enough = 1000 + own as u64;
        assert_eq!(shortage(1000, FileLimit::Files(enough), 2, 1, false), Ok(None));
        let short = Shortage { sessions: 999, wanted: 1000, files: enough - 1, own };
        assert_eq!(shortage(1000, FileLimit::Files(enough - 1), 2, 1, false), Ok(Some(short)));
    }

    #[test]
    fn each_shard_and_listener_costs_sessions() {
        let left_with = |shards, listeners, http| {
            shortage(5000, FileLimit::Files(1024), shards, listeners, http).unwrap().expect("5000 do not fit").sessions
        };
        let left = |shards, listeners| left_with(shards, listeners, false);
        assert_eq!(left(1, 1) - left(2, 1), FILES_PER_SHARD);
        assert_eq!(left(1, 1) - left(1, 2), FILES_PER_LISTENER);
        assert_eq!(left(1, 1) - left_with(1, 1, true), FILES_FOR_HTTP);
    }

    #[test]
    fn a_server_without_a_session_does_not_start() {
        let own = RESERVE + FILES_PER_SHARD + FILES_PER_LISTENER;
        let refused = |files| shortage(10, FileLimit::Files(files), 1, 1, false) == Err(TooFewFiles { files, own });
        assert!(refused(0) && refused(own as u64));
        assert!(!refused(own as u64 + 1));
    }

    #[test]
    fn no_limit_holds_everything() {
        assert_eq!(shortage(1_000_000, FileLimit::Unlimited, 1024, 9, true), Ok(None));
        assert_eq!(shortage(1_000_000, FileLimit::Files(u64::MAX), 1024, 9, true), Ok(None));
    }

    #[test]
    fn the_messages_say_both_numbers_and_what_to_do() {
        let short = shortage(10_000, FileLimit::Files(1024), 2, 1, false).unwrap().expect("10000 do not fit");
        insta::assert_snapshot!(short, @"limits.sessions is 10000, but this process may have 1024 files open and needs 301 for itself: at most 723 connections are accepted. Raise the hard limit of open files (`ulimit -Hn`, LimitNOFILE= of systemd).");
        insta::assert_snapshot!(shortage(10, FileLimit::Files(16), 2, 1, false).unwrap_err(), @"this process may have 16 files open, and the server needs 301 for itself: no connection would fit. Raise the hard limit of open files (`ulimit -Hn`, LimitNOFILE= of systemd).");
    }
}
