//! How the programs behind servers and clients read a bundle: some refuse what others read.
//!
//! | program | reads for | rules from |
//! | --- | --- | --- |
//! | Go | Traefik; the checks of ingress-nginx, F5's controller, `HAProxy` Ingress, Contour and Kong; clients in Go | Go 1.26, `encoding/pem`, `crypto/x509/parser.go`, `crypto/tls/tls.go` (`X509KeyPair`) |
//! | OpenSSL | nginx, `HAProxy`, APISIX, Kong; curl and most of Linux | OpenSSL 3.0, `crypto/pem/pem_lib.c`; nginx 1.22, `ngx_ssl_load_certificate` |
//! | `BoringSSL` | Envoy: Istio, Contour, Cilium | `BoringSSL`, `crypto/pem/pem_lib.cc`; Envoy, `source/common/tls/context_impl.cc` |
//! | the check of ingress-nginx | ingress-nginx, before Go's | ingress-nginx 1.15, `internal/net/ssl/ssl.go` (`CreateSSLCert`) |
//! | the check of Contour | Contour, before Envoy | Contour, `internal/dag/secret.go` (`validateCertificate`) |
//! | Chrome, Firefox | | `BoringSSL`, `ssl/extensions.cc` and `ssl/ssl_cert.cc`; `mozilla::pkix` |
//! | Java | | JDK 21, `sun.security.validator.EndEntityChecker`, `jdk.tls.*` of its security properties |
//!
//! Nearly every bundle is read in the same way by all programs. To establish that, each block's lines and the leaf's
//! fields are examined once, and nothing is kept. Any other bundle is read again as each program would read it.

use std::borrow::Cow;

use super::{
    certificate::{Certificate, KeyAlgorithm},
    interner::Der,
};

mod client;
pub(crate) mod go;
mod text;

pub use go::GoReads;
pub(crate) use text::{ReadBlock, of_key_text, of_text};

/// A set of programs.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Readers(u16);

impl Readers {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// Go, as servers use it to load a certificate and its key.
    pub const GO: Self = Self(1);
    /// OpenSSL, as servers use it to load a certificate and its key.
    pub const OPENSSL: Self = Self(1 << 1);
    /// `BoringSSL`, as Envoy uses it to load a certificate and its key.
    pub const BORINGSSL: Self = Self(1 << 2);
    /// The checks of ingress-nginx beyond those of Go.
    pub const INGRESS_NGINX: Self = Self(1 << 3);
    /// The checks of Contour beyond those of Go.
    pub const CONTOUR: Self = Self(1 << 4);
    /// OpenSSL, if `tls.crt` and `tls.key` are joined in one file, of which it takes the first private key.
    pub const ONE_FILE: Self = Self(1 << 10);
    /// `HAProxy`'s controller, which puts the key before the certificates, so that a byte order mark ends up in the
    /// middle of a file.
    pub const HAPROXY: Self = Self(1 << 11);
    /// Clients written in Go.
    pub const GO_CLIENT: Self = Self(1 << 5);
    /// Clients that use OpenSSL.
    pub const OPENSSL_CLIENT: Self = Self(1 << 6);
    /// Chrome and browsers based on it.
    pub const CHROME: Self = Self(1 << 7);
    /// Firefox.
    pub const FIREFOX: Self = Self(1 << 8);
    /// Clients written in Java.
    pub const JAVA: Self = Self(1 << 9);

    /// The libraries with which a server may load its certificate and key.
    pub const LIBRARIES: Self = Self(Self::GO.0 | Self::OPENSSL.0 | Self::BORINGSSL.0);
    /// All programs with which servers load or check.
    pub const SERVERS: Self =
        Self(Self::LIBRARIES.0 | Self::INGRESS_NGINX.0 | Self::CONTOUR.0 | Self::ONE_FILE.0 | Self::HAPROXY.0);
    /// Browsers.
    pub const BROWSERS: Self = Self(Self::CHROME.0 | Self::FIREFOX.0);
    /// All clients.
    pub const CLIENTS: Self = Self(Self::GO_CLIENT.0 | Self::OPENSSL_CLIENT.0 | Self::BROWSERS.0 | Self::JAVA.0);

    /// The programs in either set.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The programs in both sets.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The programs of this set that are not in the other one.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this set has all programs of the other one.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// How many of the four kinds of clients (Go, OpenSSL, browsers, Java) are in the set completely.
    pub fn kinds_of_clients(self) -> usize {
        [Self::GO_CLIENT, Self::OPENSSL_CLIENT, Self::BROWSERS, Self::JAVA]
            .into_iter()
            .filter(|kind| self.contains(*kind))
            .count()
    }

    /// The names of the programs for a sentence: `Go, Chrome and Java`. Empty for an empty set.
    pub fn names(self) -> String {
        const NAMES: [(Readers, &str); 9] = [
            (Readers::HAPROXY, "HAProxy"),
            (Readers::INGRESS_NGINX, "ingress-nginx"),
            (Readers::CONTOUR, "Contour"),
            (Readers::GO.with(Readers::GO_CLIENT), "Go"),
            (
                Readers::OPENSSL.with(Readers::ONE_FILE).with(Readers::OPENSSL_CLIENT),
                "OpenSSL",
            ),
            (Readers::BORINGSSL, "BoringSSL"),
            (Readers::CHROME, "Chrome"),
            (Readers::FIREFOX, "Firefox"),
            (Readers::JAVA, "Java"),
        ];
        let all_browsers = self.contains(Self::BROWSERS);
        let mut names: Vec<&str> = Vec::new();
        for (set, name) in NAMES {
            match set {
                Self::CHROME if all_browsers => names.push("browsers"),
                Self::FIREFOX if all_browsers => {}
                _ if self.and(set).is_empty() => {}
                _ => names.push(name),
            }
        }
        match names.split_last() {
            None => String::new(),
            Some((only, [])) => (*only).to_owned(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
        }
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Readers({})", self.names())
    }
}

/// The part of a bundle that an objection is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The PEM block at this position of `tls.crt`, and its position among the bundle's certificates if it is one of
    /// them.
    Block(usize, Option<u8>),
    /// `tls.key`.
    Key,
}

/// The cause of an objection, which decides how it is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// The form or the kind of the part.
    Form,
    /// The key usage of the certificate.
    Usage,
    /// The path of the certificate, which matters if clients trust it.
    Path,
    /// A defect that another finding reports. The objection only serves to be shown with the others.
    Told,
}

/// Something in a bundle that not all programs read in the same way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The part that it is about.
    pub part: Part,
    /// The programs that refuse the whole bundle because of it.
    pub refuse: Readers,
    /// The programs that skip the block.
    pub skip: Readers,
    /// The cause.
    pub about: About,
    /// The reason: a fragment such as "its serial number is negative".
    pub why: Cow<'static, str>,
}

impl Objection {
    pub(crate) fn new(part: Part, refuse: Readers, why: impl Into<Cow<'static, str>>) -> Self {
        Self {
            part,
            refuse,
            skip: Readers::NONE,
            about: About::Form,
            why: why.into(),
        }
    }

    pub(crate) fn about(self, about: About) -> Self {
        Self { about, ..self }
    }
}

/// The first objection because of which one of `readers` refuses the bundle.
pub fn refusal(objections: &[Objection], readers: Readers) -> Option<&Objection> {
    objections.iter().find(|o| !o.refuse.and(readers).is_empty())
}

/// The objections to certificates, the leaf first, because of their fields and sizes, not because of how they are
/// encoded.
pub(crate) fn of_certificates(
    certificates: &[std::sync::Arc<Certificate>],
    ders: &[Der],
    leaf: Option<usize>,
    block_of: impl Fn(usize) -> usize,
) -> Vec<Objection> {
    let mut found = Vec::new();
    for (at, certificate) in certificates.iter().enumerate() {
        let part = Part::Block(block_of(at), u8::try_from(at).ok());
        // The curve of the leaf's key is reported below, for all programs.
        let curve = leaf == Some(at) && matches!(certificate.go, GoReads::Curve | GoReads::CurveParameters);
        if let Some(why) = certificate.go.refusal().filter(|_| !curve) {
            // A server in Go parses only the leaf; a client parses everything that is sent.
            let servers = if leaf == Some(at) {
                Readers::GO.with(Readers::CONTOUR)
            } else {
                Readers::CONTOUR
            };
            let mut who = servers.with(Readers::GO_CLIENT);
            if matches!(certificate.go, GoReads::NotUtf8 | GoReads::BrokenName) {
                who = who
                    .with(Readers::OPENSSL)
                    .with(Readers::BORINGSSL)
                    .with(Readers::OPENSSL_CLIENT)
                    .with(Readers::CHROME);
            }
            found.push(Objection::new(part, who, why));
        }
        if leaf == Some(at) {
            client::of_leaf(certificate, part, &mut found);
        }
    }
    if let Some(at) = leaf {
        let part = Part::Block(block_of(at), u8::try_from(at).ok());
        client::of_size(ders, part, &mut found);
        client::of_issuer(ders, at, part, &mut found);
    }
    found
}

/// Whether a key is of a usual kind, about which only Go's parser of certificates has to be consulted.
fn is_usual(key: &KeyAlgorithm) -> bool {
    match key {
        KeyAlgorithm::Rsa(bits) => (2048..=8192).contains(bits),
        KeyAlgorithm::Ec(_, bits) => matches!(bits, 256 | 384),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
