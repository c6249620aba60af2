//! A network of addresses, as settings write it: one address, or `ADDRESS/BITS`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    /// The first address; every bit after the prefix is zero.
    first: IpAddr,
    /// How many bits are common: up to 32, or up to 128 for IPv6.
    prefix: u32,
}

impl Network {
    /// True when the address belongs to it. An IPv4 address that is written as IPv6 (`::ffff:10.0.0.1`) counts as
    /// what it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        start(address.to_canonical(), self.prefix) == Some(self.first)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let wrong =
            || format!("expected an address or a network such as \"10.0.0.5\" or \"10.1.0.0/16\", found {text:?}");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address = address.parse::<IpAddr>().map_err(|_| wrong())?;
        if address.to_canonical() != address {
            return Err(format!("{text:?} is an IPv4 address; write it as one"));
        }
        let most = bits_of(address);
        let prefix = match prefix {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse::<u32>().ok().filter(|prefix| *prefix <= most).ok_or_else(wrong)?
            }
            Some(_) => return Err(wrong()),
            None => most,
        };
        let first = start(address, prefix).ok_or_else(wrong)?;
        if first != address {
            return Err(format!("{text:?} has bits after its first {prefix}; write \"{first}/{prefix}\""));
        }
        Ok(Network { first, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == bits_of(self.first) {
            write!(f, "{}", self.first)
        } else {
            write!(f, "{}/{}", self.first, self.prefix)
        }
    }
}

fn bits_of(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(_) => Ipv4Addr::BITS,
        IpAddr::V6(_) => Ipv6Addr::BITS,
    }
}

/// The address with all bits after the prefix at zero; none when it has not so many.
fn start(address: IpAddr, prefix: u32) -> Option<IpAddr> {
    let rest = bits_of(address).checked_sub(prefix)?;
    Some(match address {
        IpAddr::V4(four) => {
            let mask = u32::MAX.checked_shl(rest).unwrap_or(0);
            IpAddr::V4(Ipv4Addr::from_bits(four.to_bits() & mask))
        }
        IpAddr::V6(six) => {
            let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & mask))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_the_addresses_that_begin_like_it() {
        let holds = |network: &str, address: &str| {
            network.parse::<Network>().expect("a network").contains(address.parse().expect("an address"))
        };
        assert!(holds("10.1.0.0/16", "10.1.255.255") && holds("10.1.0.0/16", "::ffff:10.1.0.1"));
        assert!(!holds("10.1.0.0/16", "10.2.0.0") && !holds("10.1.0.0/16", "::1"));
        assert!(holds("127.0.0.1", "127.0.0.1") && !holds("127.0.0.1", "127.0.0.2"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1") && !holds("2001:db8::/32", "2001:db9::1"));
        assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::/0", "2001:db8::1") && !holds("::/0", "203.0.113.9"));
        assert!(!holds("2001:db8::/33", "10.0.0.1"), "a prefix longer than the address has bits");
    }

    #[test]
    fn what_is_no_network_is_refused_and_what_is_one_shows_itself() {
        for text in ["", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::/129", "host", "10.0.0.0/8/8"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        let error = "10.1.2.3/16".parse::<Network>().expect_err("refused");
        assert_eq!(error, "\"10.1.2.3/16\" has bits after its first 16; write \"10.1.0.0/16\"");
        assert!("::ffff:10.0.0.0/104".parse::<Network>().is_err());
        for text in ["10.1.0.0/16", "127.0.0.1", "2001:db8::/32", "::1"] {
            assert_eq!(text.parse::<Network>().expect("a network").to_string(), text);
        }
    }
}
