//! Certificates to try TLS with, in files.

use malpan_client::Tls;
use malpan_server::{
    config::{PathOrOff, TlsConfig},
    tls::DevCert,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A folder with `ca.pem`, `cert.pem` and `key.pem`, for localhost and its addresses.
#[derive(Debug)]
pub struct Certificates(PathBuf);

impl Certificates {
    /// Writes new ones to `folder`, over what is there.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn write(folder: &Path) -> io::Result<Self> {
        let now = SystemTime::now();
        Self::valid(folder, now - DAY, now + DAY)
    }

    /// As [`Certificates::write`], but they ended yesterday.
    ///
    /// # Errors
    /// As [`Certificates::write`].
    pub fn expired(folder: &Path) -> io::Result<Self> {
        let now = SystemTime::now();
        Self::valid(folder, now - 2 * DAY, now - DAY)
    }

    fn valid(folder: &Path, from: SystemTime, until: SystemTime) -> io::Result<Self> {
        DevCert::valid(&[], from, until).map_err(io::Error::other)?.write(folder, true)?;
        Ok(Self(folder.into()))
    }

    /// One of the files.
    #[must_use]
    pub fn file(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// For a server.
    #[must_use]
    pub fn config(&self) -> TlsConfig {
        let path = |name| PathOrOff::Path(self.0.join(name));
        TlsConfig { cert: path("cert.pem"), key: path("key.pem") }
    }

    /// For a client.
    ///
    /// # Panics
    /// Where the files are not as they were written.
    #[must_use]
    pub fn trusted(&self) -> Tls {
        let pem = fs::read(self.0.join("ca.pem")).expect("it was written");
        Tls::trusting(&pem).expect("it is a certificate")
    }
}
