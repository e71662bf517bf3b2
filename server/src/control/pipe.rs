//! The control channel on Windows: a named pipe. Its name is made of the path, which names no file; by default a pipe can be
//! used by the user who made it, by administrators and by the system.

use std::{io, mem, path::Path};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions};

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

/// Connects to the server that listens at `path`.
pub(super) async fn connect(path: &Path) -> io::Result<NamedPipeClient> {
    ClientOptions::new().open(name(path))
}

fn name(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let plain = path.to_string_lossy().replace(['\\', '/', ':'], "-");
    format!(r"\\.\pipe\malpan-{plain}")
}
