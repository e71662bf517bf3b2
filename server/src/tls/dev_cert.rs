//! `malpan-server tls dev-cert`: a certificate to try TLS with, and an authority for it alone.

use anyhow::{Context, bail};
use malpan_net::rustls::pki_types::ServerName;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Whom every certificate is for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What `malpan-server tls dev-cert` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct DevCertArgs {
    /// Folder to write to; made where it is not there
    #[arg(long, value_name = "DIR", default_value = "dev-cert")]
    out: PathBuf,
    /// A further name or address of the server, beside localhost, 127.0.0.1 and ::1; may be given several times
    #[arg(long = "name", value_name = "HOST")]
    names: Vec<String>,
    /// Overwrite what is there
    #[arg(long)]
    force: bool,
}

/// A certificate with its key, and the certificate of the authority that signed it: all as PEM. The authority's own key is
/// gone, so it signs nothing else.
#[derive(Debug)]
pub struct DevCert {
    /// What clients trust.
    pub ca: String,
    /// The server's certificate.
    pub cert: String,
    /// Its key.
    pub key: String,
}

impl DevCert {
    /// For this machine and `names`, for a year.
    ///
    /// # Errors
    /// Where a name is none.
    pub fn new(names: &[String]) -> Result<Self, rcgen::Error> {
        let now = SystemTime::now();
        // From yesterday: clocks differ.
        Self::valid(names, now - DAY, now + 365 * DAY)
    }

    /// For this machine and `names`, from one time to another.
    ///
    /// # Errors
    /// As [`DevCert::new`].
    pub fn valid(names: &[String], from: SystemTime, until: SystemTime) -> Result<Self, rcgen::Error> {
        let mut authority = params("Malpan development authority", from, until);
        authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

        let key = KeyPair::generate()?;
        let all = NAMES.iter().map(ToString::to_string).chain(names.iter().cloned());
        let mut own = params("Malpan development server", from, until);
        own.subject_alt_names = CertificateParams::new(all.collect::<Vec<_>>())?.subject_alt_names;
        own.use_authority_key_identifier_extension = true;
        own.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        own.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let own = own.signed_by(&key, &authority)?;
        Ok(Self { ca: authority.pem(), cert: own.pem(), key: key.serialize_pem() })
    }

    /// Writes `ca.pem`, `cert.pem` and `key.pem` into `folder`.
    ///
    /// # Errors
    /// The operating system's; where one of them is there, and not to be overwritten.
    pub fn write(&self, folder: &Path, overwrite: bool) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        let files = [("ca.pem", &self.ca), ("cert.pem", &self.cert), ("key.pem", &self.key)];
        for (name, _) in files {
            let path = folder.join(name);
            if overwrite {
                // Made anew, so that it is nobody else's to read.
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            } else if path.symlink_metadata().is_ok() {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    format!("{} is there already", path.display()),
                ));
            }
        }
        for (name, text) in files {
            create(&folder.join(name), name == "key.pem")?.write_all(text.as_bytes())?;
        }
        Ok(())
    }
}

impl DevCertArgs {
    /// Makes one, writes it, and prints how to use it.
    ///
    /// # Errors
    /// Where a name is none, or the files cannot be written.
    pub fn run(&self) -> anyhow::Result<()> {
        if let Some(name) = self.names.iter().find(|name| !is_host(name)) {
            bail!("--name {name:?}: it is neither the name of a host, such as game.example, nor an IP address");
        }
        let dev = DevCert::new(&self.names).context("a name is none")?;
        match dev.write(&self.out, self.force) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                bail!("{error}; --force overwrites it, or name another folder with --out")
            }
            Err(error) => return Err(error).with_context(|| format!("cannot write to {}", self.out.display())),
        }
        let file = |name| self.out.join(name).display().to_string();
        let (ca, cert, key) = (file("ca.pem"), file("cert.pem"), file("key.pem"));
        let names: Vec<_> = NAMES.into_iter().chain(self.names.iter().map(String::as_str)).collect();
        let said = format!(
            "A certificate to develop with, for {}, good for a year: {cert}, its key {key}, and\nwho signed it: {ca}. \
             Use them so:\n\n  malpan-server --tls-cert {cert} --tls-key {key}\n  malpan play --tls --ca {ca}\n",
            names.join(", "),
        );
        io::stdout().write_all(said.as_bytes()).context("writing to the standard output")
    }
}

/// Whether a client could connect to it, or to what its `*` stands for.
fn is_host(name: &str) -> bool {
    ServerName::try_from(name.strip_prefix("*.").unwrap_or(name)).is_ok()
}

fn params(name: &str, from: SystemTime, until: SystemTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let since_1970 = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + since_1970(from);
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since_1970(until);
    params
}

/// Makes a file that is not there; a secret one is its owner's alone to read.
fn create(path: &Path, is_secret: bool) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_secret {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = is_secret;
    options.open(path)
}
