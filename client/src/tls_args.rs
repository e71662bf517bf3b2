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
    /// With --tls: the name that the server's certificate is for, where that is not the host of the address.
    #[arg(long, value_name = "NAME", requires = "tls")]
    tls_name: Option<String>,
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
        Ok(Some(match &self.tls_name {
            None => tls,
            Some(name) => tls.named(name).context("--tls-name")?,
        }))
    }
}
