//! TLS for the connection to a server: whom to trust, and what can go wrong.

use std::{fmt, io, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        self, CertificateError, ClientConfig, RootCertStore,
        client::Resumption,
        crypto::ring,
        pki_types::{
            CertificateDer, ServerName,
            pem::{self, PemObject},
        },
        version::TLS13,
    },
};

/// Encrypts connections, and says whose certificates are trusted. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    /// Whom the server's certificate has to be for; `None` for the host that is connected to.
    name: Option<ServerName<'static>>,
}

/// Why a connection could not be encrypted, or whom to trust could not be found out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The server did not answer with TLS.
    #[error("the server at {0} does not speak TLS")]
    NotTls(String),
    /// The server closed the connection before its handshake was over, as one does that speaks no TLS or is full.
    #[error("the server at {0} closed the connection: it does not speak TLS, or has no place")]
    CutOff(String),
    /// Nobody who is trusted has signed the server's certificate.
    #[error("the server's certificate is not signed by anyone trusted; give its CA with --ca")]
    UnknownIssuer,
    /// The server's certificate is another's.
    #[error("the server's certificate is not for {0}")]
    WrongName(String),
    /// The server's certificate has ended.
    #[error("the server's certificate has expired")]
    Expired,
    /// The server's certificate has not begun, or this machine's clock is wrong.
    #[error("the server's certificate is not valid yet; is this machine's clock right?")]
    NotValidYet,
    /// No server can have a certificate for this.
    #[error("{0} is no name that a certificate could be for")]
    NoName(String),
    /// The certificates to trust cannot be read.
    #[error("the certificates to trust cannot be read: {0}")]
    Roots(String),
    /// There is nobody to trust.
    #[error("there is no certificate to trust{0}")]
    NoRoots(&'static str),
    /// Anything else.
    #[error("TLS failed: {0}")]
    Other(#[from] rustls::Error),
}

impl Tls {
    /// Trusts whom this machine trusts: its administrator's own authorities too, and without a new build of the client
    /// when they change.
    ///
    /// # Errors
    /// Where the machine names nobody.
    pub fn system() -> Result<Self, TlsError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        // What cannot be read is as good as not there.
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            return Err(TlsError::NoRoots(" on this machine; give the server's CA with --ca"));
        }
        Self::with(roots)
    }

    /// Trusts exactly the certificates in `pem`.
    ///
    /// # Errors
    /// Where there is none in it, or one that cannot be read.
    pub fn trusting(pem: &[u8]) -> Result<Self, TlsError> {
        let unreadable = |error: pem::Error| TlsError::Roots(error.to_string());
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.map_err(unreadable)?)?;
        }
        if roots.is_empty() {
            return Err(TlsError::NoRoots(" in it"));
        }
        Self::with(roots)
    }

    fn with(roots: RootCertStore) -> Result<Self, TlsError> {
        let mut config = ClientConfig::builder_with_provider(ring::default_provider().into())
            .with_protocol_versions(&[&TLS13])?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // Servers keep nothing to resume.
        config.resumption = Resumption::disabled();
        Ok(Self { config: Arc::new(config), name: None })
    }

    /// The server's certificate has to be for `name`, whatever the address is: for a server that is reached by another one, as
    /// through a tunnel.
    ///
    /// # Errors
    /// Where it is no name that a certificate could be for.
    pub fn named(self, name: &str) -> Result<Self, TlsError> {
        Ok(Self { name: Some(server_name(name)?), ..self })
    }

    /// Shakes hands over `stream`, which is connected to `address`, a `host:port`.
    pub(crate) async fn connect(
        &self,
        stream: TcpStream,
        address: &str,
    ) -> Result<TlsStream<TcpStream>, crate::ClientError> {
        let name = self.name.clone().map_or_else(|| server_name(host(address)), Ok)?;
        let connecting = TlsConnector::from(Arc::clone(&self.config)).connect(name.clone(), stream);
        connecting.await.map_err(|error| explain(error, address, &name))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(name.to_owned()).map_err(|_| TlsError::NoName(name.to_owned()))
}

/// The host of a `host:port`, without the brackets of an IPv6 address.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// What a failed handshake with the server at `address` means, whose certificate had to be for `name`.
fn explain(error: io::Error, address: &str, name: &ServerName<'_>) -> crate::ClientError {
    if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) {
        return TlsError::CutOff(address.to_owned()).into();
    }
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return error.into();
    };
    use CertificateError as C;
    match tls {
        rustls::Error::InvalidMessage(_) => TlsError::NotTls(address.to_owned()),
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            // The latter of an authority that is called as one that is trusted: the last `dev-cert`, say.
            C::UnknownIssuer | C::BadSignature => TlsError::UnknownIssuer,
            C::NotValidForName | C::NotValidForNameContext { .. } => TlsError::WrongName(name.to_str().into_owned()),
            C::Expired | C::ExpiredContext { .. } => TlsError::Expired,
            C::NotValidYet | C::NotValidYetContext { .. } => TlsError::NotValidYet,
            _ => TlsError::Other(tls.clone()),
        },
        _ => TlsError::Other(tls.clone()),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::{Tls, host};

    #[test]
    fn a_certificate_is_for_the_host_alone() {
        for (address, expected) in
            [("localhost:7777", "localhost"), ("127.0.0.1:1", "127.0.0.1"), ("[::1]:7777", "::1"), ("bare", "bare")]
        {
            assert_eq!(host(address), expected);
        }
    }

    #[test]
    fn a_file_without_certificates_trusts_nobody() {
        let said = |pem: &[u8]| Tls::trusting(pem).unwrap_err().to_string();
        assert_eq!(said(b""), "there is no certificate to trust in it");
        assert_eq!(said(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), said(b""));
        let noise = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
        assert!(said(noise).starts_with("the certificates to trust cannot be read: "), "{}", said(noise));
    }
}
