//! One certificate: the fields that findings and reports are made of (RFC 5280).

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use super::{interner::Interner, readers::GoReads, sans::Sans};
use crate::object::{Seconds, Text};

mod distinguished;
mod identifier;
mod name;
mod read;
mod serial;

pub(crate) use distinguished::name_of;
pub(crate) use identifier::{authority_key_id, issuer_url, subject_key_id};
pub use name::{Name, Subject};
pub(crate) use read::read;
pub use serial::Serial;

/// Why DER is not a certificate: fragments that fit "cannot be read: ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The structure is not that of a certificate, or a length in it is wrong.
    #[error("it is not a DER certificate")]
    NotDer,
    /// Bytes follow the certificate.
    #[error("{0} bytes follow the certificate")]
    Trailing(usize),
    /// notBefore or notAfter is not a time of RFC 5280.
    #[error("its validity is not a time")]
    Validity,
    /// Another part cannot be read: which.
    #[error("its {0} cannot be read")]
    Part(&'static str),
}

/// A SHA-256 digest of DER.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest.as_ref());
        Self(sha256)
    }

    /// Its first 16 digits, by which people tell certificates apart.
    pub fn short(&self) -> String {
        self.to_string().chars().take(16).collect()
    }
}

impl std::fmt::Display for Fingerprint {
    /// Lower-case hexadecimal without separators.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// What kind of public key a certificate has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA with the modulus's length in bits.
    Rsa(u32),
    /// A named elliptic curve: `p256`, `p384`, `p521`, `p192`, or its OID; and its length in bits (0 when unknown).
    Ec(Text, u32),
    /// Ed25519.
    Ed25519,
    /// Ed448.
    Ed448,
    /// DSA with its length in bits.
    Dsa(u32),
    /// Anything else, by its OID.
    Other(Text),
}

impl std::fmt::Display for KeyAlgorithm {
    /// `rsa-2048`, `ecdsa-p256`, `ed25519`, ... as reports show it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rsa(bits) => write!(f, "rsa-{bits}"),
            Self::Ec(curve, _) => write!(f, "ecdsa-{curve}"),
            Self::Ed25519 => f.write_str("ed25519"),
            Self::Ed448 => f.write_str("ed448"),
            Self::Dsa(bits) => write!(f, "dsa-{bits}"),
            Self::Other(oid) => f.write_str(oid),
        }
    }
}

/// A subject alternative name that a server can be known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum San {
    /// A dNSName as it stands in the certificate, in lower case; perhaps a wildcard.
    Dns(Text),
    /// An iPAddress.
    Ip(IpAddr),
}

impl std::fmt::Display for San {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => write!(f, "{address}"),
        }
    }
}

/// What the extended key usage says. Without the extension, everything is allowed (RFC 5280, section 4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtendedKeyUsage {
    /// Whether the extension is there.
    pub present: bool,
    /// id-kp-serverAuth, or anyExtendedKeyUsage.
    pub server_auth: bool,
    /// id-kp-clientAuth.
    pub client_auth: bool,
}

/// What is kept of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Each is a fact of its own.
pub struct Certificate {
    /// The subject; [`Self::subject`] has it as text.
    pub subject: Subject,
    /// The issuer; shared between certificates.
    pub issuer: Arc<Name>,
    /// The serial number.
    pub serial: Serial,
    /// SHA-256 of the DER.
    pub sha256: Fingerprint,
    /// SHA-256 of the subjectPublicKeyInfo.
    pub key_sha256: Fingerprint,
    /// The start of its validity.
    pub not_before: Seconds,
    /// The last second of its validity.
    pub not_after: Seconds,
    /// dNSName and iPAddress entries of the subjectAltName, in their order.
    pub names: Sans,
    /// Whether there is a subjectAltName extension at all.
    pub has_san: bool,
    /// The public key's algorithm.
    pub key: KeyAlgorithm,
    /// The signature's algorithm, such as `ecdsa-with-SHA384` or `sha1WithRSAEncryption`.
    pub signature: &'static str,
    /// Whether the signature's hash is broken: MD2, MD5 or SHA-1.
    pub weak_signature: bool,
    /// basicConstraints says CA.
    pub is_ca: bool,
    /// Its extended key usage.
    pub usage: ExtendedKeyUsage,
    /// The bits of its key usage, digitalSignature the highest; `None` without the extension, which allows everything.
    pub key_usage: Option<u16>,
    /// Its key is an RSA key of the kind id-RSASSA-PSS.
    pub rsa_pss_key: bool,
    /// Whether Go parses it.
    pub go: GoReads,
    /// It asks for OCSP stapling (RFC 7633).
    pub must_staple: bool,
    /// Subject and issuer are the same name and its own key verifies its signature.
    pub self_signed: bool,
    /// authorityKeyIdentifier's keyIdentifier; shared between certificates.
    pub authority_key_id: Option<Arc<[u8]>>,
}

impl Certificate {
    /// Reads one DER certificate. Bytes after it are an error; a subjectAltName that cannot be read has no names.
    pub fn from_der(der: &[u8], interner: &mut Interner) -> Result<Self, CertificateError> {
        read(der, Fingerprint::of(der), interner)
    }

    /// The subject, as RFC 4514 writes it. Not cleared for a terminal.
    pub fn subject(&self) -> Cow<'_, str> {
        match &self.subject {
            Subject::FirstName => Cow::Owned(self.names.first().map(|name| format!("CN={name}")).unwrap_or_default()),
            Subject::Name(name) => Cow::Borrowed(&name.full),
        }
    }

    /// The subject, or `(none)`, beside a word that says what it is.
    pub fn subject_or_none(&self) -> Cow<'_, str> {
        Some(self.subject())
            .filter(|subject| !subject.is_empty())
            .unwrap_or(Cow::Borrowed("(none)"))
    }

    /// What to call it in a sentence: its subject, else the first of its names (`DNS:shop.example`), else its serial number.
    /// Public CAs leave the subject of short-lived certificates empty. Not cleared for a terminal.
    pub fn called(&self) -> Cow<'_, str> {
        let subject = self.subject();
        if !subject.is_empty() {
            return subject;
        }
        Cow::Owned(match self.names.first() {
            Some(San::Dns(name)) => format!("DNS:{name}"),
            Some(San::Ip(address)) => format!("IP:{address}"),
            None => format!("serial number {}", self.serial),
        })
    }

    /// The subject's last common name. Never used for judging a host.
    pub fn common_name(&self) -> Option<&str> {
        match &self.subject {
            Subject::FirstName => match self.names.first()? {
                San::Dns(name) => Some(name),
                San::Ip(_) => None,
            },
            Subject::Name(name) => name.common.as_deref(),
        }
    }
}
