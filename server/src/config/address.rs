//! Addresses of what can be switched off.

use std::{fmt, net::SocketAddr, str::FromStr};

/// Where something listens: an address, or nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressOrOff {
    /// Here. Port 0 takes a free one.
    Address(SocketAddr),
    /// Nowhere; written `off`.
    Off,
}

/// A text that is neither an address nor `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither an IP address with a port nor `off`")]
pub struct AddressError;

impl AddressOrOff {
    /// The address, where there is one.
    #[must_use]
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(address),
            Self::Off => None,
        }
    }
}

impl FromStr for AddressOrOff {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text {
            "off" => Ok(Self::Off),
            address => address.parse().map(Self::Address).map_err(|_| AddressError),
        }
    }
}

impl fmt::Display for AddressOrOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Off => f.write_str("off"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressError, AddressOrOff};

    #[test]
    fn what_is_printed_is_read() {
        for text in ["off", "127.0.0.1:7780", "[::1]:0"] {
            assert_eq!(text.parse::<AddressOrOff>().unwrap().to_string(), text);
        }
        for text in ["", "Off", "on", "localhost:7780", "127.0.0.1", ":7780"] {
            assert_eq!(text.parse::<AddressOrOff>(), Err(AddressError), "{text}");
        }
    }
}
