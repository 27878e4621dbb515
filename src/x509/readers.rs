//! What the programs that servers and clients are made of think of a bundle: what one of them reads, another refuses.
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
//! Nearly every bundle is read alike by all. It is then told by one look at each block's lines and at the leaf's fields, and
//! nothing is kept; the rest is read once more, as each program would.

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
    /// None.
    pub const NONE: Self = Self(0);
    /// Go, as what a server loads its pair with.
    pub const GO: Self = Self(1);
    /// OpenSSL, as what a server loads its pair with.
    pub const OPENSSL: Self = Self(1 << 1);
    /// `BoringSSL`, as Envoy loads its pair with it.
    pub const BORINGSSL: Self = Self(1 << 2);
    /// What ingress-nginx checks beside what Go does.
    pub const INGRESS_NGINX: Self = Self(1 << 3);
    /// What Contour checks beside what Go does.
    pub const CONTOUR: Self = Self(1 << 4);
    /// OpenSSL, where `tls.crt` and `tls.key` are put into one file: the first private key in it is taken.
    pub const ONE_FILE: Self = Self(1 << 10);
    /// `HAProxy`'s controller, which puts the key before the certificates: a byte order mark is then in the middle of a file.
    pub const HAPROXY: Self = Self(1 << 11);
    /// Clients that are written in Go.
    pub const GO_CLIENT: Self = Self(1 << 5);
    /// Clients that use OpenSSL.
    pub const OPENSSL_CLIENT: Self = Self(1 << 6);
    /// Chrome and what is made of it.
    pub const CHROME: Self = Self(1 << 7);
    /// Firefox.
    pub const FIREFOX: Self = Self(1 << 8);
    /// Clients in Java.
    pub const JAVA: Self = Self(1 << 9);

    /// What any server may load its pair with.
    pub const LIBRARIES: Self = Self(Self::GO.0 | Self::OPENSSL.0 | Self::BORINGSSL.0);
    /// All that servers load or check with.
    pub const SERVERS: Self =
        Self(Self::LIBRARIES.0 | Self::INGRESS_NGINX.0 | Self::CONTOUR.0 | Self::ONE_FILE.0 | Self::HAPROXY.0);
    /// Browsers.
    pub const BROWSERS: Self = Self(Self::CHROME.0 | Self::FIREFOX.0);
    /// All clients.
    pub const CLIENTS: Self = Self(Self::GO_CLIENT.0 | Self::OPENSSL_CLIENT.0 | Self::BROWSERS.0 | Self::JAVA.0);

    /// Those of either.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those of this set that are not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of the other are in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Of the four kinds of clients (Go, OpenSSL, browsers, Java), how many refuse altogether.
    pub fn kinds_of_clients(self) -> usize {
        [Self::GO_CLIENT, Self::OPENSSL_CLIENT, Self::BROWSERS, Self::JAVA]
            .into_iter()
            .filter(|kind| self.contains(*kind))
            .count()
    }

    /// Their names, for a sentence: `Go, Chrome and Java`. Empty for none.
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

/// What an objection is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The PEM block at this position of `tls.crt`, and its place among the bundle's certificates where it is one of them.
    Block(usize, Option<u8>),
    /// `tls.key`.
    Key,
}

/// What makes an objection, where other findings say it or it has a reason of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// How it is written, or what it is.
    Form,
    /// The key usage that it names.
    Usage,
    /// How it continues, which counts where clients trust it.
    Path,
    /// That which a finding of its own tells: it is here to be shown beside the rest.
    Told,
}

/// Something in a bundle that is not read alike by all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Where.
    pub part: Part,
    /// Who refuses all because of it.
    pub refuse: Readers,
    /// Who goes on without this block.
    pub skip: Readers,
    /// Of which kind it is.
    pub about: About,
    /// Why: a fragment such as "its serial number is negative".
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

/// Which part of a bundle keeps one of `readers` from using it, and why: the first objection that does. `skipped` counts
/// too, where a block that is needed is passed over.
pub fn refusal(objections: &[Objection], readers: Readers) -> Option<&Objection> {
    objections.iter().find(|o| !o.refuse.and(readers).is_empty())
}

/// What programs make of certificates, the leaf first: of their fields and sizes, not of how they are written.
pub(crate) fn of_certificates(
    certificates: &[std::sync::Arc<Certificate>],
    ders: &[Der],
    leaf: Option<usize>,
    block_of: impl Fn(usize) -> usize,
) -> Vec<Objection> {
    let mut found = Vec::new();
    for (at, certificate) in certificates.iter().enumerate() {
        let part = Part::Block(block_of(at), u8::try_from(at).ok());
        // The curve of the leaf's key is told below, for all.
        let curve = leaf == Some(at) && matches!(certificate.go, GoReads::Curve | GoReads::CurveParameters);
        if let Some(why) = certificate.go.refusal().filter(|_| !curve) {
            // A server in Go parses the leaf alone, a client all that is sent.
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

/// Whether a key is of a kind that only Go's parser of certificates is asked about: the usual ones.
fn is_usual(key: &KeyAlgorithm) -> bool {
    match key {
        KeyAlgorithm::Rsa(bits) => (2048..=8192).contains(bits),
        KeyAlgorithm::Ec(_, bits) => matches!(bits, 256 | 384),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
