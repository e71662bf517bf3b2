//! The control channel on Windows: a named pipe, and a file that says its name.
//!
//! Anyone may make a pipe of any name that is free, and wait there for what an operator sends to a server that does not run.
//! So each server's pipe has a name that nobody can guess, in a file at the channel's path: whoever finds the pipe may read
//! what lies beside the store. By default a pipe can be written to by the user who made it, by administrators and by the
//! system.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    mem,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions},
    time::{sleep, timeout},
};

/// Windows' `ERROR_PIPE_BUSY`.
const PIPE_BUSY: i32 = 231;
/// Between two tries at a busy pipe, and for all of them.
const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(10);
/// How the names begin; 128 random bits follow.
const PREFIX: &str = r"\\.\pipe\malpan-";
const DIGITS: usize = 32;

/// A connection, as the operator's command has it.
pub(crate) type Stream = NamedPipeClient;

/// The pipe; the file is taken away when this is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    path: PathBuf,
    name: String,
    next: NamedPipeServer,
}

impl Listening {
    /// Listens at `path`. What a server that was killed has left there is replaced; one that lives is an error.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        match name_in(path) {
            Ok(name) if is_there(&name) => {
                return Err(io::Error::new(io::ErrorKind::AddrInUse, "another server listens there"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let name = format!("{PREFIX}{:0DIGITS$x}", rand::random::<u128>());
        let next = ServerOptions::new().first_pipe_instance(true).reject_remote_clients(true).create(&name)?;
        fs::write(path, &name)?;
        Ok(Self { path: path.into(), name, next })
    }

    /// The next connection.
    pub(crate) async fn accept(&mut self) -> io::Result<NamedPipeServer> {
        self.next.connect().await?;
        // The one for whoever comes after has to be there before this one is used.
        let next = ServerOptions::new().reject_remote_clients(true).create(&self.name)?;
        Ok(mem::replace(&mut self.next, next))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Unless another server has put its own there meanwhile.
        if name_in(&self.path).is_ok_and(|name| name == self.name) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Connects to the server that listens at `path`. A pipe has no queue of connections: whoever comes between two of them, or
/// while as many are served as may be, tries again.
pub(super) async fn connect(path: &Path) -> io::Result<NamedPipeClient> {
    let name = name_in(path)?;
    let connecting = async {
        loop {
            match ClientOptions::new().open(&name) {
                Err(error) if error.raw_os_error() == Some(PIPE_BUSY) => sleep(PAUSE).await,
                connected => return connected,
            }
        }
    };
    timeout(PATIENCE, connecting).await.unwrap_or_else(|_| Err(io::Error::from_raw_os_error(PIPE_BUSY)))
}

/// The pipe's name that the file at `path` says.
fn name_in(path: &Path) -> io::Result<String> {
    let mut name = String::new();
    let longest = PREFIX.len() + DIGITS;
    let read = File::open(path)?.take(longest as u64 + 1).read_to_string(&mut name);
    match name.strip_prefix(PREFIX) {
        // A server that begins has not written it yet.
        None if name.is_empty() && read.is_ok() => Err(io::ErrorKind::NotFound.into()),
        Some(digits) if digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => Ok(name),
        _ => Err(io::Error::new(io::ErrorKind::AlreadyExists, "something else is there")),
    }
}

/// Whether anyone listens at a pipe of this name.
fn is_there(name: &str) -> bool {
    !matches!(ClientOptions::new().open(name), Err(error) if error.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::{Listening, PREFIX, connect};
    use std::{fs, io};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn a_living_servers_pipe_is_its_own_and_serves_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        assert_eq!(connect(&path).await.unwrap_err().kind(), io::ErrorKind::NotFound);
        let mut living = Listening::at(&path).unwrap();
        let serving = async {
            for _ in 0..3 {
                let mut stream = living.accept().await.unwrap();
                let asked = stream.read_u8().await.unwrap();
                stream.write_u8(asked + 1).await.unwrap();
            }
        };
        let asking = async {
            for asked in 0..3 {
                let mut stream = connect(&path).await.unwrap();
                stream.write_u8(asked).await.unwrap();
                assert_eq!(stream.read_u8().await.unwrap(), asked + 1);
            }
        };
        tokio::join!(serving, asking);
        assert_eq!(Listening::at(&path).unwrap_err().kind(), io::ErrorKind::AddrInUse, "another server listens there");
        drop(living);
        assert!(!path.exists(), "it takes its own away");
        assert_eq!(connect(&path).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn what_a_killed_server_has_left_is_replaced_by_a_name_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let dead = format!("{PREFIX}{:032x}", 7);
        fs::write(&path, &dead).unwrap();
        assert_eq!(connect(&path).await.unwrap_err().kind(), io::ErrorKind::NotFound);
        let living = Listening::at(&path).unwrap();
        assert_ne!(fs::read_to_string(&path).unwrap(), dead);
        // Another server's, meanwhile.
        fs::write(&path, &dead).unwrap();
        drop(living);
        assert_eq!(fs::read_to_string(&path).unwrap(), dead);
    }

    #[tokio::test]
    async fn what_says_no_pipes_name_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        for text in ["something of somebody's", r"\\.\pipe\other", &format!("{PREFIX}{}", "0".repeat(33))] {
            fs::write(&path, text).unwrap();
            assert_eq!(Listening::at(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists, "{text}");
            assert_eq!(connect(&path).await.unwrap_err().kind(), io::ErrorKind::AlreadyExists, "{text}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
