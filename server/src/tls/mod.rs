//! TLS on the ports for players: a certificate from files, and a new one while the server runs.
//!
//! ```text
//! files.rs     tls.cert, tls.key -> rustls' configuration, or a TlsError that names key and file
//! reload.rs    SIGHUP, or files that changed -> the same, into malpan-net's Tls; what is wrong changes nothing
//! validity.rs  when a certificate ends, for the log
//! dev_cert.rs  `malpan-server tls dev-cert`
//! ```

mod dev_cert;
mod files;
mod reload;
mod validity;

pub use dev_cert::{DevCert, DevCertArgs};
pub use files::{Loaded, TlsError, TlsFiles};
pub(crate) use reload::{Reload, look, note};
