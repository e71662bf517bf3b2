//! Networks of IP addresses, to say to whom a limit does not apply.

use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A network such as `10.0.0.0/8`, or one address such as `::1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    first: IpAddr,
    prefix: u32,
}

/// A text that names no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// Neither an address nor an address and a prefix length.
    #[error("`{0}` is neither an IP address nor a network such as 10.0.0.0/8")]
    Malformed(String),
    /// A prefix longer than the address.
    #[error("`{text}` has a prefix of more than {max} bits")]
    LongPrefix {
        /// The text.
        text: String,
        /// How many bits the address has.
        max: u32,
    },
    /// Bits set after the prefix: probably a slip, and it is not guessed which part is meant.
    #[error("`{text}` names a host within its network; the network is `{network}`")]
    HostBits {
        /// The text.
        text: String,
        /// The network that holds the address.
        network: Network,
    },
}

impl Network {
    /// This machine's own addresses: `127.0.0.0/8` and `::1`.
    #[must_use]
    pub const fn loopback() -> [Self; 2] {
        let v4 = Self { first: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 };
        [v4, Self { first: IpAddr::V6(Ipv6Addr::LOCALHOST), prefix: 128 }]
    }

    /// Whether `address` is in it. An IPv4 address in IPv6 clothes (`::ffff:127.0.0.1`), which is how a socket that
    /// listens for both shows it, counts as the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.prefix) == self.first
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let malformed = || NetworkError::Malformed(text.into());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| malformed())?;
        let bits = width(address);
        let prefix = match prefix {
            // `parse` alone would take `+8`.
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().map_err(|_| malformed())?,
            Some(_) => return Err(malformed()),
            None => bits,
        };
        if prefix > bits {
            return Err(NetworkError::LongPrefix { text: text.into(), max: bits });
        }
        // Clients are compared in canonical form, so a network of mapped addresses would match nobody.
        if address.to_canonical() != address {
            return Err(malformed());
        }
        let network = Self { first: masked(address, prefix), prefix };
        if network.first != address {
            return Err(NetworkError::HostBits { text: text.into(), network });
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == width(self.first) {
            return self.first.fmt(f);
        }
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;
    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

/// Bits of an address of this family.
fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { Ipv4Addr::BITS } else { Ipv6Addr::BITS }
}

/// `address` with every bit after the first `prefix` cleared.
fn masked(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        // A prefix of 0 shifts by the whole width, which clears everything.
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(Ipv4Addr::BITS - prefix).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & mask).into()
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(Ipv6Addr::BITS - prefix).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Network, NetworkError};

    fn contains(network: &str, address: &str) -> bool {
        network.parse::<Network>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn the_prefix_decides() {
        assert!(contains("10.0.0.0/8", "10.255.255.255") && !contains("10.0.0.0/8", "11.0.0.0"));
        assert!(contains("192.168.4.0/22", "192.168.7.9") && !contains("192.168.4.0/22", "192.168.8.0"));
        assert!(contains("192.0.2.7", "192.0.2.7") && !contains("192.0.2.7", "192.0.2.6"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1") && !contains("2001:db8::/32", "2001:db9::1"));
        assert!(contains("::1", "::1") && !contains("::1", "::2"));
    }

    #[test]
    fn a_prefix_of_nothing_takes_the_whole_family_only() {
        assert!(contains("0.0.0.0/0", "203.0.113.9") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "2001:db8::1") && !contains("::/0", "203.0.113.9"));
    }

    #[test]
    fn mapped_addresses_count_as_ipv4() {
        assert!(contains("127.0.0.0/8", "::ffff:127.0.0.1"));
        assert!(!contains("::/0", "::ffff:127.0.0.1"));
    }

    #[test]
    fn loopback_is_what_its_text_says() {
        let loopback = ["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        assert_eq!(Network::loopback(), loopback);
        assert_eq!(loopback.map(|network| network.to_string()), ["127.0.0.0/8", "::1"]);
    }

    #[test]
    fn bad_texts_are_refused() {
        for text in
            ["", "/8", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/-1", "10.0.0/8", "localhost", "::ffff:10.0.0.0/104"]
        {
            assert_eq!(text.parse::<Network>(), Err(NetworkError::Malformed(text.into())));
        }
        assert!(matches!("10.0.0.0/33".parse::<Network>(), Err(NetworkError::LongPrefix { max: 32, .. })));
        assert!(matches!("::/129".parse::<Network>(), Err(NetworkError::LongPrefix { max: 128, .. })));
        let slip = "10.1.0.0/8".parse::<Network>().unwrap_err();
        assert_eq!(slip.to_string(), "`10.1.0.0/8` names a host within its network; the network is `10.0.0.0/8`");
    }
}
