//! Where the server is.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

/// The port that is meant where none is named.
const DEFAULT_PORT: u16 = 7777;

/// A server's `host:port`. The host may be a name, which is looked up again at each connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(String);

/// What is wrong with an address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an address is HOST:PORT or HOST, such as 127.0.0.1:7777 or example.org")]
pub(crate) struct AddressError;

impl Address {
    /// The address as `host:port`.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        if let Some(ip) = bare {
            let ip: Ipv6Addr = ip.parse().map_err(|_| AddressError)?;
            return Ok(Self(SocketAddr::from((ip, DEFAULT_PORT)).to_string()));
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self(SocketAddr::from((ip, DEFAULT_PORT)).to_string()));
        }
        if text.parse::<SocketAddr>().is_ok() {
            return Ok(Self(text.to_owned()));
        }
        let is_host = |host: &str| {
            !host.is_empty() && !host.contains([':', '/', '[', ']']) && !host.contains(char::is_whitespace)
        };
        match text.rsplit_once(':') {
            Some((host, port)) if is_host(host) && port.parse::<u16>().is_ok() => Ok(Self(text.to_owned())),
            None if is_host(text) => Ok(Self(format!("{text}:{DEFAULT_PORT}"))),
            _ => Err(AddressError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_missing_port_is_filled_in() {
        for (text, meant) in [
            ("127.0.0.1:9", "127.0.0.1:9"),
            ("127.0.0.1", "127.0.0.1:7777"),
            ("example.org", "example.org:7777"),
            ("example.org:80", "example.org:80"),
            ("::1", "[::1]:7777"),
            ("[::1]", "[::1]:7777"),
            ("[::1]:9", "[::1]:9"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().as_str(), meant, "{text}");
        }
    }

    #[test]
    fn what_names_no_host_is_refused() {
        for bad in ["", ":7777", "host:", "host:port", "host:70000", "http://host", "a b", "[::1", "a:b:1", "[x]"] {
            assert!(bad.parse::<Address>().is_err(), "{bad:?}");
        }
    }
}
