//! Whose request it is that comes by way of a proxy: what trusted ones say of whom they speak for.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};

use crate::config::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The most hops that are looked at, from the nearest: longer chains than a few are made up.
const HOPS_MAX: usize = 16;

/// The proxies whose word is taken. Bounded by the setting.
#[derive(Debug, Clone, Default)]
pub(super) struct TrustedProxies(Vec<Network>);

impl TrustedProxies {
    pub(super) fn new(networks: Vec<Network>) -> TrustedProxies {
        TrustedProxies(networks)
    }

    /// True when the address is one of theirs.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The address that a request came from: the nearest one that is not a trusted proxy's. It is the peer's own
    /// unless the peer is trusted, and when what a trusted peer says cannot be read.
    pub(super) fn client_of(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        let hops = match hops(headers) {
            Some(hops) if !hops.is_empty() => hops,
            Some(_) | None => return peer,
        };
        // Where all are trusted, the farthest is whom they speak for.
        let farthest = hops.last().copied();
        hops.into_iter().find(|hop| !self.trusts(*hop)).or(farthest).unwrap_or(peer)
    }
}

/// The addresses that are said to stand before the peer, the nearest first; none when something among those that
/// are looked at is no address. `Forwarded` is looked at where both are there.
fn hops(headers: &HeaderMap) -> Option<Vec<IpAddr>> {
    let (name, read): (HeaderName, fn(&str) -> Option<IpAddr>) =
        if headers.contains_key(FORWARDED) { (FORWARDED, forwarded) } else { (X_FORWARDED_FOR, node) };
    let mut elements = Vec::new();
    for value in headers.get_all(name) {
        elements.extend(value.to_str().ok()?.split(','));
    }
    elements.iter().rev().take(HOPS_MAX).map(|element| read(element.trim())).collect()
}

/// The `for` of one element (RFC 7239 §4). An element holds no comma, for no address does.
fn forwarded(element: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in element.split(';') {
        let (name, value) = pair.trim().split_once('=')?;
        if name.eq_ignore_ascii_case("for") {
            let bare = value.strip_prefix('"').map_or(Some(value), |rest| rest.strip_suffix('"'))?;
            if found.replace(node(bare)?).is_some() {
                return None;
            }
        }
    }
    found
}

/// An address, with a port or without, IPv6 in brackets or bare.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    bare.ok().or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn client(headers: &[(&'static str, &'static str)]) -> String {
        client_from("10.0.0.1", headers)
    }

    fn client_from(peer: &str, pairs: &[(&'static str, &'static str)]) -> String {
        let networks = ["10.0.0.0/8", "fd00::/8"].map(|text| text.parse().expect("a network"));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        TrustedProxies::new(networks.to_vec()).client_of(peer.parse().expect("an address"), &headers).to_string()
    }

    #[test]
    fn the_word_of_a_proxy_is_taken_only_when_it_is_trusted() {
        assert_eq!(client_from("203.0.113.9", &[("x-forwarded-for", "198.51.100.7")]), "203.0.113.9");
        assert_eq!(client_from("203.0.113.9", &[("forwarded", "for=198.51.100.7")]), "203.0.113.9");
        assert_eq!(client(&[("x-forwarded-for", "198.51.100.7")]), "198.51.100.7");
        assert_eq!(client_from("::ffff:10.0.0.1", &[("x-forwarded-for", "198.51.100.7")]), "198.51.100.7");
        assert_eq!(client(&[]), "10.0.0.1");
    }

    #[test]
    fn the_nearest_address_that_is_no_proxy_counts_and_what_a_client_writes_before_it_does_not() {
        assert_eq!(client(&[("x-forwarded-for", "1.1.1.1, 198.51.100.7")]), "198.51.100.7");
        assert_eq!(client(&[("x-forwarded-for", "1.1.1.1, 198.51.100.7, 10.2.2.2")]), "198.51.100.7");
        assert_eq!(client(&[("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "198.51.100.7")]), "198.51.100.7");
        assert_eq!(client(&[("x-forwarded-for", "10.3.3.3, 10.2.2.2")]), "10.3.3.3", "all of them are proxies");
        assert_eq!(client(&[("forwarded", "for=1.1.1.1;proto=https, for=198.51.100.7")]), "198.51.100.7");
        let both = [("forwarded", "for=198.51.100.7"), ("x-forwarded-for", "1.1.1.1")];
        assert_eq!(client(&both), "198.51.100.7");
    }

    #[test]
    fn addresses_are_read_with_their_ports_and_brackets() {
        assert_eq!(client(&[("forwarded", "For=\"[2001:db8::7]:4711\";by=10.0.0.1")]), "2001:db8::7");
        assert_eq!(client(&[("forwarded", "for=\"[2001:db8::7]\"")]), "2001:db8::7");
        assert_eq!(client(&[("x-forwarded-for", "198.51.100.7:4711")]), "198.51.100.7");
        assert_eq!(client(&[("x-forwarded-for", "2001:db8::7")]), "2001:db8::7");
        assert_eq!(client(&[("x-forwarded-for", "::ffff:198.51.100.7")]), "198.51.100.7");
    }

    #[test]
    fn what_cannot_be_read_leaves_the_peers_own_address() {
        for text in ["unknown", "", "198.51.100.7,", "1.1.1.1, not-an-address", "300.1.1.1", "[2001:db8::7"] {
            assert_eq!(client(&[("x-forwarded-for", text)]), "10.0.0.1", "{text}");
        }
        for text in ["for=_hidden", "for=unknown", "by=1.1.1.1", "for=1.1.1.1;for=1.1.1.2", "for=\"1.1.1.1", "1.1.1.1"]
        {
            assert_eq!(client(&[("forwarded", text)]), "10.0.0.1", "{text}");
        }
        assert_eq!(client(&[("forwarded", "for=unknown"), ("x-forwarded-for", "1.1.1.1")]), "10.0.0.1");
    }

    #[test]
    fn a_chain_without_end_is_looked_at_from_its_near_end_only() {
        let long = format!("junk, {}198.51.100.7", "10.2.2.2, ".repeat(HOPS_MAX));
        let mut headers = HeaderMap::new();
        headers.insert(X_FORWARDED_FOR, HeaderValue::from_str(&long).expect("a value"));
        let proxies = TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")]);
        assert_eq!(proxies.client_of("10.0.0.1".parse().expect("an address"), &headers).to_string(), "198.51.100.7");
    }
}
