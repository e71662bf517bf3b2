//! This program again, as a child that uses a store and says what it was promised: to be killed, or to run out of room.

use crate::samples::new_account;
use futures::FutureExt as _;
use malpan_server::store::{CreateError, RedbStore, RoomChange, SavedRoom, Store};
use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};
use tokio::task::JoinSet;

/// Names the store's file for the child.
const FILE: &str = "MALPAN_TEST_STORE";
/// How the names of its accounts begin.
const PREFIX: &str = "MALPAN_TEST_PREFIX";
/// Accounts that it makes at the same time.
const CALLERS: usize = 16;

/// A child that works on a store. Dropped, it is killed.
pub(crate) struct Working {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Working {
    /// Has a child make one account after the other, with names that begin like this.
    pub(crate) fn start(file: &Path, prefix: &str) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", "--test-threads=1", "child::makes_accounts"]);
        Self::of(command, file, prefix)
    }

    /// As [`Working::start`], and no file of its may grow over so many KiB.
    #[cfg(unix)]
    pub(crate) fn start_within(kib: u64, file: &Path, prefix: &str) -> Self {
        // A soft limit, so that it can be raised while the child runs; its signal is ignored, so that a write fails.
        let script = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$0\" \"$@\"", kib * 2);
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).arg(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", "--test-threads=1", "child::makes_accounts"]);
        Self::of(command, file, prefix)
    }

    fn of(mut command: Command, file: &Path, prefix: &str) -> Self {
        command.env(FILE, file).env(PREFIX, prefix).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next thing that it says; nothing when it has ended.
    pub(crate) fn says(&mut self) -> Option<Said> {
        // What else is printed is the test harness's.
        self.lines.by_ref().map_while(Result::ok).find_map(|line| Said::read(&line))
    }

    /// Kills it, as `kill -9` does, and returns what it still had said.
    pub(crate) fn kill(mut self) -> Vec<Said> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.says()).collect()
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a child says of its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// The store promised that there is this account.
    Made(String),
    /// The store did not promise it.
    Refused(String, String),
}

impl Said {
    fn read(line: &str) -> Option<Self> {
        // The harness may have begun the line.
        let (_, said) = line.split_once("child: ")?;
        match said.split_once(' ')? {
            ("made", name) => Some(Self::Made(name.into())),
            ("refused", rest) => rest.split_once(' ').map(|(name, why)| Self::Refused(name.into(), why.into())),
            _ => None,
        }
    }

    fn print(&self) {
        let line = match self {
            Self::Made(name) => format!("child: made {name}\n"),
            Self::Refused(name, why) => format!("child: refused {name} {why}\n"),
        };
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).and_then(|()| out.flush()).unwrap();
    }
}

#[tokio::test]
#[ignore = "a child of other tests, which end it"]
async fn makes_accounts() {
    let (Some(file), Ok(prefix)) = (env::var_os(FILE).map(PathBuf::from), env::var(PREFIX)) else { return };
    let store = Arc::new(RedbStore::open(&file).unwrap());
    let mut number = 0_u32;
    let mut callers = JoinSet::new();
    loop {
        while callers.len() < CALLERS {
            number += 1;
            callers.spawn(make(Arc::clone(&store), format!("{prefix}-{number}")));
        }
        callers.join_next().await;
    }
}

async fn make(store: Arc<RedbStore>, name: String) {
    // Rooms are saved beside it, as in a server.
    let id = malpan_protocol::RoomId(1);
    let room = SavedRoom { id, incarnation: 1, record: name.clone().into() };
    let room = store.save_rooms(vec![RoomChange::Saved(room)]).boxed();
    match store.create_account(new_account(&name)).await {
        Ok(_) => Said::Made(name).print(),
        Err(CreateError::Store(error)) => {
            Said::Refused(name, error.to_string()).print();
            // What was refused is tried again, and not as quickly as the processor can.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        Err(CreateError::NameTaken(name)) => panic!("{name} is nobody's"),
    }
    let _ = room.await;
}
