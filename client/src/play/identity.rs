//! Who signs in, and how.

use malpan_client::{
    Client, ClientError,
    protocol::{Name, Secret},
};
use tokio::io::{AsyncRead, AsyncWrite};

/// Who signs in. The password is wiped when this is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Identity {
    /// Someone without an account.
    Guest {
        /// The name.
        name: Name,
        /// Whether it was made up here, so that another does as well.
        generated: bool,
    },
    /// The owner of an account.
    Login {
        /// The account's name.
        name: Name,
        /// Its password, kept for a connection to which no token brings one back.
        secret: Secret,
    },
    /// The owner of an account that does not exist yet.
    Register {
        /// Its name to be.
        name: Name,
        /// Its password to be.
        secret: Secret,
    },
}

impl Identity {
    /// A guest who has chosen this name.
    pub(crate) fn guest(name: Name) -> Self {
        Self::Guest { name, generated: false }
    }

    /// The name.
    pub(crate) fn name(&self) -> &Name {
        match self {
            Self::Guest { name, .. } | Self::Login { name, .. } | Self::Register { name, .. } => name,
        }
    }

    /// Signs in over `client`; returns the name as the server has it.
    pub(crate) async fn sign_in<IO>(&self, client: &mut Client<IO>) -> Result<Name, ClientError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let (_, name) = match self.clone() {
            Self::Guest { name, .. } => client.sign_in_guest(name).await?,
            Self::Login { name, secret } => client.login(name, secret).await?,
            Self::Register { name, secret } => client.register(name, secret).await?,
        };
        Ok(name)
    }

    /// Who signs in the next time, after this one was signed in under `name`: an account is made once.
    pub(crate) fn signed_in(self, name: Name) -> Self {
        match self {
            Self::Guest { generated, .. } => Self::Guest { name, generated },
            Self::Login { secret, .. } | Self::Register { secret, .. } => Self::Login { name, secret },
        }
    }
}
