//! Turns a host of a route into a name that can be resolved and requested.

use std::net::IpAddr;

use rustls::pki_types::DnsName;

/// The label that replaces the asterisk of a wildcard: a name that the wildcard covers and that nobody else uses.
pub const WILDCARD_LABEL: &str = "kubectl-certs-probe";

/// What is requested from a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestedHost {
    /// A DNS name in its ASCII form (A-labels), in lower case, without a trailing dot. It is sent as SNI.
    Name(String),
    /// An IP address. No SNI is sent (RFC 6066, section 3).
    Address(IpAddr),
    /// No name (an empty host or `*`): the default certificate of the server.
    Default,
}

/// The host is neither a DNS name nor an IP address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is neither a DNS name nor an IP address")]
pub struct InvalidName {
    /// The host as it was given.
    pub name: String,
}

/// The name to request in order to see the certificate of `host`: `*.a.example` becomes
/// `kubectl-certs-probe.a.example`, an internationalized name its A-labels (RFC 5891), and brackets around an IPv6
/// address are dropped.
pub fn asked(host: &str) -> Result<RequestedHost, InvalidName> {
    let invalid = || InvalidName {
        name: crate::text::shorten(host, 300).into_owned(),
    };
    let bare = host.trim();
    if bare.is_empty() || bare == "*" {
        return Ok(RequestedHost::Default);
    }
    let unbracketed = bare.strip_prefix('[').and_then(|b| b.strip_suffix(']')).unwrap_or(bare);
    if let Ok(address) = unbracketed.parse::<IpAddr>() {
        return Ok(RequestedHost::Address(address));
    }
    // Names have 253 octets in ASCII at most, and an A-label is never shorter than its letters, so longer ones are
    // rejected at once.
    if bare.len() > 1024 {
        return Err(invalid());
    }
    let concrete = match bare.strip_prefix("*.") {
        Some("") => return Err(invalid()),
        Some(parent) => format!("{WILDCARD_LABEL}.{parent}"),
        None => bare.to_owned(),
    };
    let ascii = idna::domain_to_ascii(&concrete).map_err(|_| invalid())?;
    let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
    match DnsName::try_from(ascii) {
        Ok(_) => Ok(RequestedHost::Name(ascii.to_owned())),
        Err(_) => Err(invalid()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_become_what_a_client_asks_for() {
        let name = |s: &str| Ok(RequestedHost::Name(s.to_owned()));
        for (host, expected) in [
            ("shop.example", name("shop.example")),
            ("Shop.Example.", name("shop.example")),
            ("*.a.example", name("kubectl-certs-probe.a.example")),
            ("müller.example", name("xn--mller-kva.example")),
            ("under_score.example", name("under_score.example")),
            ("", Ok(RequestedHost::Default)),
            ("*", Ok(RequestedHost::Default)),
            ("192.0.2.7", Ok(RequestedHost::Address([192, 0, 2, 7].into()))),
            (
                "[::1]",
                Ok(RequestedHost::Address(std::net::Ipv6Addr::LOCALHOST.into())),
            ),
        ] {
            assert_eq!(asked(host), expected, "{host:?}");
        }
        for wrong in [
            "a b.example",
            "a..example",
            "x*.example",
            "a\u{1b}[31m.example",
            "*.",
            "http://a.example",
        ] {
            assert!(asked(wrong).is_err(), "{wrong:?}");
        }
        assert!(asked(&"ü".repeat(100_000)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged_and_a_name_is_plain_ascii(s in ".{0,80}") {
            if let Ok(RequestedHost::Name(name)) = asked(&s) {
                proptest::prop_assert!(name.is_ascii() && name.len() <= 253 && !name.contains('*'));
            }
        }
    }
}
