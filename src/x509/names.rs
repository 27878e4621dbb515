//! Compares hosts with the names of certificates (RFC 9525). The common name plays no part.

use std::{borrow::Cow, net::IpAddr};

use super::{
    certificate::San,
    suffix::{Section, public_suffix},
};
use crate::object::Text;

/// The normal form in which hosts are compared: lower case, no trailing dot, A-labels (UTS 46), canonical IP addresses,
/// and wildcard labels unchanged. A host that IDNA rejects or that ends in several dots is only converted to lower
/// case.
pub fn normalize(host: &str) -> Text {
    normalized(host).into()
}

/// How often normalization is repeated until the host no longer changes: `[::1].` is recognized as an address only
/// after its dot is removed.
const LOOKS: usize = 4;

pub(super) fn normalized(host: &str) -> Cow<'_, str> {
    if is_plain_name(host) {
        return Cow::Borrowed(host);
    }
    let mut form = simpler(host);
    for _ in 1..LOOKS {
        let again = simpler(&form);
        if again == form {
            break;
        }
        form = Cow::Owned(again.into_owned());
    }
    form
}

fn simpler(host: &str) -> Cow<'_, str> {
    let host = host.trim();
    if let Some(address) = address(host) {
        return Cow::Owned(address.to_string());
    }
    // A single trailing dot marks an absolute name (RFC 1034, section 3.1). A host with more of them is not a name.
    let ends = |name: &&str| !name.ends_with(|c: char| c == '.' || c.is_whitespace());
    let host = host.strip_suffix('.').filter(ends).unwrap_or(host);
    if host.is_ascii() {
        return Cow::Owned(host.to_ascii_lowercase());
    }
    let (wildcard, rest) = match host.strip_prefix("*.") {
        Some(rest) => ("*.", rest),
        None => ("", host),
    };
    match idna::domain_to_ascii(rest) {
        Ok(ascii) => Cow::Owned(format!("{wildcard}{}", ascii.strip_suffix('.').unwrap_or(&ascii))),
        Err(_) => Cow::Owned(host.to_lowercase()),
    }
}

/// Whether a host is a name in its normal form already, which is the usual case and needs no allocation. Its last label
/// begins with a letter, so it is not an IP address.
fn is_plain_name(host: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_' | b'*');
    let top = host.rsplit('.').next().and_then(|label| label.bytes().next());
    host.bytes().all(plain) && top.is_some_and(|b| b.is_ascii_lowercase())
}

/// An IP address, with or without the brackets of URLs.
pub(super) fn address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok()
}

/// Whether a certificate with this name is valid for the host (RFC 9525, section 6). A wildcard is one whole leftmost
/// label and stands for exactly one label. A host that is itself a wildcard, as in an Ingress, is only covered by the
/// same wildcard, and an IP address only by an iPAddress.
pub fn matches(host: &str, san: &San) -> bool {
    covered(host, std::slice::from_ref(san))
}

/// Whether one of the names is valid for the host.
pub fn covered(host: &str, names: &[San]) -> bool {
    let host = normalized(host);
    if let Some(address) = address(&host) {
        return names.iter().any(|san| matches!(san, San::Ip(name) if *name == address));
    }
    let covering = NameForms::of(&host);
    names.iter().any(|san| covering.is(san))
}

/// The dNSNames that are valid for a host in its normal form that is not an IP address.
pub(super) struct NameForms<'a> {
    /// The host itself.
    pub(super) itself: Option<&'a str>,
    /// The part after `*.` of the wildcard whose asterisk stands for the first label of the host.
    pub(super) parent: Option<&'a str>,
}

impl<'a> NameForms<'a> {
    pub(super) fn of(host: &'a str) -> Self {
        let parent = host
            .split_once('.')
            .filter(|(label, parent)| !label.is_empty() && !parent.is_empty() && !parent.contains('*'));
        Self {
            itself: Some(host).filter(|host| !host.is_empty() && !host.contains('*')),
            parent: parent.map(|(_, parent)| parent),
        }
    }

    fn is(&self, san: &San) -> bool {
        match san {
            San::Ip(_) => false,
            San::Dns(name) => match name.strip_prefix("*.") {
                Some(parent) => self.parent == Some(parent),
                None => self.itself == Some(name.as_str()),
            },
        }
    }
}

/// Whether a name is a wildcard directly below a public suffix of the ICANN section, such as `*.com` or `*.co.uk`: it
/// would cover domains of several owners, and CAs must not issue it (CA/Browser Forum, section 3.2.2.6). Suffixes of
/// the private section (`*.web.app`) belong to one owner, and unknown ones (`*.internal`) to the cluster, so neither
/// counts.
pub fn wildcard_too_broad(name: &str) -> bool {
    let name = normalized(name);
    let Some(parent) = name.strip_prefix("*.") else {
        return false;
    };
    public_suffix(parent) == Some((parent, Some(Section::Icann)))
}

/// Whether a name, including a wildcard, is below a public suffix of the ICANN or the private section, so that a public
/// CA can issue for it. IP addresses and names with an unknown suffix (`.internal`, `.example`) are not.
pub fn is_public(name: &str) -> bool {
    let name = normalized(name);
    let base = name.strip_prefix("*.").unwrap_or(&name);
    public_suffix(base)
        .is_some_and(|(suffix, section)| section.is_some() && suffix.len() < base.len() && address(base).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dns(name: &str) -> San {
        San::Dns(name.into())
    }

    #[test]
    fn hosts_have_one_form() {
        for (host, normal) in [
            ("Shop.Example", "shop.example"),
            ("shop.example.", "shop.example"),
            ("*.Shop.Example", "*.shop.example"),
            ("müller.example", "xn--mller-kva.example"),
            ("*.MÜLLER.example.", "*.xn--mller-kva.example"),
            ("XN--MLLER-KVA.example", "xn--mller-kva.example"),
            ("ｓｈｏｐ。example", "shop.example"),
            ("[2001:DB8:0:0::1]", "2001:db8::1"),
            ("192.0.2.1", "192.0.2.1"),
            ("a_b.example", "a_b.example"),
            ("[2001:DB8::1].", "2001:db8::1"),
            ("a..", "a.."),
            ("..", ".."),
            ("a .", "a ."),
            ("", ""),
            ("*", "*"),
        ] {
            assert_eq!(normalize(host), normal, "{host}");
            assert_eq!(normalize(&normalize(host)), normal, "{host} twice");
        }
    }

    #[test]
    fn the_rules_of_rfc_9525() {
        for (host, name, expected) in [
            ("a.example", "a.example", true),
            ("A.Example.", "a.example", true),
            ("a.example", "b.example", false),
            ("a.example", "a.example.org", false),
            // A wildcard is one whole leftmost label, and stands for one label.
            ("a.example.org", "*.example.org", true),
            ("example.org", "*.example.org", false),
            ("a.b.example.org", "*.example.org", false),
            (".example.org", "*.example.org", false),
            ("foo.example.org", "f*.example.org", false),
            ("foo.example.org", "*o.example.org", false),
            ("a.foo.example.org", "a.*.example.org", false),
            ("a.b.example.org", "*.*.example.org", false),
            ("example", "*", false),
            ("a.example", "*.", false),
            ("xn--mller-kva.example.org", "*.example.org", true),
            // U-labels are compared as A-labels. A SAN with a U-label is invalid.
            ("müller.example", "xn--mller-kva.example", true),
            ("müller.example", "müller.example", false),
            ("bücher.example.org", "*.example.org", true),
            // Only the same wildcard covers a wildcard host.
            ("*.a.example", "*.a.example", true),
            ("*.a.example", "x.a.example", false),
            ("*.b.a.example", "*.a.example", false),
            ("*", "*.example", false),
            ("", "*.example", false),
            // A dNSName never covers an address.
            ("192.0.2.1", "192.0.2.1", false),
            ("192.0.2.1", "*.0.2.1", false),
        ] {
            assert_eq!(matches(host, &dns(name)), expected, "{host} against {name}");
        }
    }

    #[test]
    fn addresses_are_compared_as_addresses() {
        let name = San::Ip("2001:db8::1".parse().expect("address"));
        assert!(matches("[2001:DB8:0::1]", &name));
        assert!(!matches("2001:db8::2", &name));
        assert!(!matches("a.example", &name));
        assert!(covered(
            "192.0.2.1",
            &[dns("a.example"), San::Ip([192, 0, 2, 1].into())]
        ));
        assert!(!covered("192.0.2.1", &[dns("192.0.2.1")]));
        assert!(!covered("a.example", &[]));
    }

    #[test]
    fn wildcards_right_under_a_public_suffix_are_too_broad() {
        for (name, expected) in [
            ("*.com", true),
            ("*.co.uk", true),
            ("*.CO.UK.", true),
            ("*.xn--p1ai", true),
            ("*.example.com", false),
            ("*.example.co.uk", false),
            ("*.internal", false),
            ("*.svc.cluster.local", false),
            ("*.github.io", false),
            ("com", false),
            ("a.com", false),
            ("*", false),
        ] {
            assert_eq!(wildcard_too_broad(name), expected, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn random_text_never_panics(host in "\\PC*", name in "\\PC*") {
            let _ = (matches(&host, &dns(&name)), wildcard_too_broad(&name));
            let once = normalize(&host);
            let _ = normalize(&once);
        }
    }
}
