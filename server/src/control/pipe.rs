//! The control channel on Windows: a named pipe. Its name is made of the path, which names no file; by default a pipe can be
//! used by the user who made it, by administrators and by the system.

use std::{io, mem, path::Path, time::Duration};
use tokio::{
    net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions},
    time::{sleep, timeout},
};

/// Windows' `ERROR_PIPE_BUSY`.
const PIPE_BUSY: i32 = 231;
/// Between two tries at a busy pipe, and for all of them.
const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection, as the operator's command has it.
pub(crate) type Stream = NamedPipeClient;

/// The pipe.
#[derive(Debug)]
pub(crate) struct Listening {
    name: String,
    next: NamedPipeServer,
}

impl Listening {
    /// Listens at `path`. A server that lives there is an error.
    pub(crate) fn at(path: &Path) -> io::Result<Self> {
        let name = name(path);
        let next = ServerOptions::new().first_pipe_instance(true).reject_remote_clients(true).create(&name)?;
        Ok(Self { name, next })
    }

    /// The next connection.
    pub(crate) async fn accept(&mut self) -> io::Result<NamedPipeServer> {
        self.next.connect().await?;
        // The one for whoever comes after has to be there before this one is used.
        let next = ServerOptions::new().reject_remote_clients(true).create(&self.name)?;
        Ok(mem::replace(&mut self.next, next))
    }
}

/// Connects to the server that listens at `path`. A pipe has no queue of connections: whoever comes between two of them, or
/// while as many are served as may be, tries again.
pub(super) async fn connect(path: &Path) -> io::Result<NamedPipeClient> {
    let name = name(path);
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

fn name(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let plain = path.to_string_lossy().replace(['\\', '/', ':'], "-");
    format!(r"\\.\pipe\malpan-{plain}")
}

#[cfg(test)]
mod tests {
    use super::{Listening, connect};
    use std::{io, path::Path};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn a_living_servers_pipe_is_its_own_and_serves_one_after_the_other() {
        let path = Path::new(r"C:\folder of a test\store.redb.control");
        assert_eq!(connect(path).await.unwrap_err().kind(), io::ErrorKind::NotFound);
        let mut living = Listening::at(path).unwrap();
        assert!(Listening::at(path).is_err(), "another server listens there");
        let serving = async {
            for _ in 0..3 {
                let mut stream = living.accept().await.unwrap();
                let asked = stream.read_u8().await.unwrap();
                stream.write_u8(asked + 1).await.unwrap();
            }
        };
        let asking = async {
            for asked in 0..3 {
                let mut stream = connect(path).await.unwrap();
                stream.write_u8(asked).await.unwrap();
                assert_eq!(stream.read_u8().await.unwrap(), asked + 1);
            }
        };
        tokio::join!(serving, asking);
        drop(living);
        assert_eq!(connect(path).await.unwrap_err().kind(), io::ErrorKind::NotFound, "it takes its own away");
    }
}
