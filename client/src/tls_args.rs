//! The flags that say how a connection is encrypted, the same for `play` and `bot`.

use anyhow::Context;
use malpan_client::Tls;
use std::{fs, path::PathBuf};

/// How the connection is encrypted.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct TlsArgs {
    /// Speak TLS, with a server whose certificate this machine trusts.
    #[arg(long)]
    tls: bool,
    /// With --tls: trust the certificates in this file (PEM), and no others.
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca: Option<PathBuf>,
}

impl TlsArgs {
    /// What to encrypt with; `None` for nothing.
    pub(crate) fn load(&self) -> anyhow::Result<Option<Tls>> {
        if !self.tls {
            return Ok(None);
        }
        let tls = match &self.ca {
            None => Tls::system()?,
            Some(file) => {
                let pem = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
                Tls::trusting(&pem).with_context(|| format!("--ca {}", file.display()))?
            }
        };
        Ok(Some(tls))
    }
}
