//! Where a try to sign in comes from.

use std::net::{IpAddr, Ipv6Addr};

/// Whom the delays take for one: an IPv4 address, or the /64 network of an IPv6 address, of which one peer has all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Origin(IpAddr);

impl Origin {
    /// Of a peer's address. An IPv4 address in IPv6 clothes is the IPv4 address.
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
            v4 => v4,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Origin;

    #[test]
    fn an_ipv6_network_is_one_origin_and_a_mapped_address_is_ipv4() {
        let of = |text: &str| Origin::of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.2"), of("192.0.2.1"));
    }
}
