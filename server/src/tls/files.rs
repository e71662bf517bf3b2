//! The certificate and its key, out of their files.

use super::validity;
use crate::config::TlsConfig;
use malpan_net::rustls::{
    self, ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
    server::NoServerSessionStorage,
    version::TLS13,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, with those between it and one that clients trust.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// What the files hold.
#[derive(Debug)]
pub struct Loaded {
    /// What to serve with.
    pub config: Arc<ServerConfig>,
    /// When the certificate ends, where it says so in a way that can be read.
    pub not_after: Option<SystemTime>,
}

/// Why a certificate and its key cannot be used. Names the key of the configuration and the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{key} ({}): it cannot be read: {source}", .path.display())]
    Unreadable {
        /// The key of the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file is no PEM.
    #[error("{key} ({}): it is damaged: {what}", .path.display())]
    Damaged {
        /// The key of the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// What is looked for is not in the file.
    #[error("{key} ({}): there is no {what} in it", .path.display())]
    Missing {
        /// The key of the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
    },
    /// The key is there, but nobody is, at the start of a server, to type its password.
    #[error("{key} ({}): the private key in it has a password, and the server asks for none; take it out with `openssl pkey -in {} -out NEW.pem`, and name the new file, which is the server's alone to read", .path.display(), .path.display())]
    HasPassword {
        /// The key of the configuration.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// The key is another certificate's.
    #[error("tls.key ({}): it is not the key of the certificate in tls.cert ({})", .0.key.display(), .0.cert.display())]
    Mismatch(TlsFiles),
    /// rustls does not take them.
    #[error("tls.cert ({}) and tls.key ({}) cannot be used: {source}", .files.cert.display(), .files.key.display())]
    Unusable {
        /// The files.
        files: Box<TlsFiles>,
        /// Why.
        source: rustls::Error,
    },
}

impl TlsFiles {
    /// The files that `config` names, if it does.
    #[must_use]
    pub fn of(config: &TlsConfig) -> Option<Self> {
        let (cert, key) = config.cert.path().zip(config.key.path())?;
        Some(Self { cert: cert.into(), key: key.into() })
    }

    /// Reads and checks them.
    ///
    /// # Errors
    /// [`TlsError`]. A certificate that has ended is none: it is the clients' to judge, and the log's to say.
    pub fn load(&self) -> Result<Loaded, TlsError> {
        let chain = CertificateDer::pem_slice_iter(&read("tls.cert", &self.cert)?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| damaged("tls.cert", &self.cert, &error))?;
        let Some(own) = chain.first() else {
            return Err(TlsError::Missing { key: "tls.cert", path: self.cert.clone(), what: "certificate" });
        };
        let not_after = validity::not_after(own);
        let text = read("tls.key", &self.key)?;
        let key = match PrivateKeyDer::from_pem_slice(&text) {
            Ok(key) => key,
            Err(_) if has_password(&text) => {
                return Err(TlsError::HasPassword { key: "tls.key", path: self.key.clone() });
            }
            Err(pem::Error::NoItemsFound) => {
                return Err(TlsError::Missing { key: "tls.key", path: self.key.clone(), what: "private key" });
            }
            Err(error) => return Err(damaged("tls.key", &self.key, &error)),
        };
        let config = server_config(chain, key).map_err(|source| match source {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch(self.clone()),
            source => TlsError::Unusable { files: Box::new(self.clone()), source },
        })?;
        Ok(Loaded { config: Arc::new(config), not_after })
    }
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(ring::default_provider().into())
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    // Who comes back shakes hands anew: it costs a client that was lost a fraction of a millisecond here, and nothing of
    // an earlier connection or certificate is kept.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { key, path: path.into(), source })
}

fn damaged(key: &'static str, path: &Path, error: &pem::Error) -> TlsError {
    // They tell the lines as lists of numbers.
    let what = match error {
        pem::Error::MissingSectionEnd { end_marker } => {
            format!("it is cut short: the end of the section {} is missing", section(end_marker))
        }
        pem::Error::IllegalSectionStart { line } => format!("no section can begin with the line {}", section(line)),
        error => error.to_string(),
    };
    TlsError::Damaged { key, path: path.into(), what }
}

/// A line of a PEM file, or a part of one, to be read by people.
fn section(line: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(line).trim().trim_matches('-'))
}

/// Whether a file without a key that could be read has one behind a password, in PKCS #8 or as OpenSSL once wrote it.
fn has_password(pem: &[u8]) -> bool {
    let text = String::from_utf8_lossy(pem);
    text.lines().any(|line| line.contains("BEGIN ENCRYPTED PRIVATE KEY") || line.starts_with("Proc-Type: 4,ENCRYPTED"))
}

#[cfg(test)]
mod tests {
    use super::TlsFiles;
    use crate::tls::DevCert;
    use std::{fs, path::PathBuf};
    use tempfile::{TempDir, tempdir};

    fn files() -> (TempDir, TlsFiles, DevCert) {
        let (folder, dev) = (tempdir().unwrap(), DevCert::new(&[]).unwrap());
        let write = |name, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let files = TlsFiles { cert: write("cert.pem", &dev.cert), key: write("key.pem", &dev.key) };
        (folder, files, dev)
    }

    /// What is said of the files, without the folder that they are in.
    fn said(folder: &TempDir, files: &TlsFiles) -> String {
        let folder = format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR);
        files.load().unwrap_err().to_string().replace(&folder, "")
    }

    #[test]
    fn a_certificate_and_its_key_are_taken() {
        let (_folder, files, _) = files();
        assert!(files.load().unwrap().not_after.unwrap() > std::time::SystemTime::now());
    }

    #[test]
    fn what_is_wrong_is_said_with_key_and_file() {
        let (folder, good, dev) = files();
        let absent = TlsFiles { cert: folder.path().join("absent.pem"), ..good.clone() };
        assert!(said(&folder, &absent).starts_with("tls.cert (absent.pem): it cannot be read: "));

        let swapped = TlsFiles { cert: good.key.clone(), key: good.cert.clone() };
        assert_eq!(said(&folder, &swapped), "tls.cert (key.pem): there is no certificate in it");
        let no_key = TlsFiles { key: good.cert.clone(), ..good.clone() };
        assert_eq!(said(&folder, &no_key), "tls.key (cert.pem): there is no private key in it");

        let write = |name: &str, text: String| -> PathBuf {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let other = write("other.pem", DevCert::new(&[]).unwrap().key);
        let other = TlsFiles { key: other, ..good.clone() };
        let expected = "tls.key (other.pem): it is not the key of the certificate in tls.cert (cert.pem)";
        assert_eq!(said(&folder, &other), expected);

        let half = TlsFiles { cert: write("half.pem", dev.cert[..dev.cert.len() / 2].into()), ..good.clone() };
        let expected =
            r#"tls.cert (half.pem): it is damaged: it is cut short: the end of the section "CERTIFICATE" is missing"#;
        assert_eq!(said(&folder, &half), expected);
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n\
                   -----END RSA PRIVATE KEY-----\n";
        for text in [locked, old] {
            let locked = TlsFiles { key: write("locked.pem", text.into()), ..good.clone() };
            let said = said(&folder, &locked);
            assert!(said.starts_with("tls.key (locked.pem): the private key in it has a password"), "{said}");
        }
        let begin_to_end = |inside: &str| format!("-----BEGIN CERTIFICATE-----\n{inside}\n-----END CERTIFICATE-----\n");
        let noise = TlsFiles { cert: write("noise.pem", begin_to_end("AAAA")), ..good };
        assert!(said(&folder, &noise).starts_with("tls.cert (noise.pem) and tls.key (key.pem) cannot be used: "));
    }
}
