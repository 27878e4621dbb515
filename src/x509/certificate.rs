//! One certificate: the fields that findings and reports need (RFC 5280).

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

/// Why bytes are not a DER certificate. The messages are fragments that fit "cannot be read: ...".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The structure is not that of a certificate, or a length in it is wrong.
    #[error("it is not a DER certificate")]
    NotDer,
    /// This number of bytes follows the certificate.
    #[error("{0} bytes follow the certificate")]
    Trailing(usize),
    /// notBefore or notAfter is not a valid time of RFC 5280.
    #[error("its validity is not a time")]
    Validity,
    /// This other part cannot be read.
    #[error("its {0} cannot be read")]
    Part(&'static str),
}

/// A SHA-256 digest, usually of DER.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Computes the digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest.as_ref());
        Self(sha256)
    }

    /// Its first 16 digits, enough for people to tell certificates apart.
    pub fn short(&self) -> String {
        self.to_string().chars().take(16).collect()
    }
}

impl std::fmt::Display for Fingerprint {
    /// Writes lower-case hexadecimal without separators.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// The algorithm of a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// RSA, with the length of the modulus in bits.
    Rsa(u32),
    /// An elliptic curve: `p256`, `p384`, `p521`, `p192`, or its OID; and its length in bits (0 if unknown).
    Ec(Text, u32),
    /// Ed25519.
    Ed25519,
    /// Ed448.
    Ed448,
    /// DSA, with its length in bits.
    Dsa(u32),
    /// Any other algorithm, by its OID.
    Other(Text),
}

impl std::fmt::Display for KeyAlgorithm {
    /// Writes the form that reports show: `rsa-2048`, `ecdsa-p256`, `ed25519`, ...
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

/// A subject alternative name that identifies a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum San {
    /// A dNSName of the certificate in lower case, which may be a wildcard.
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

/// The extended key usage. Without the extension, every usage is permitted (RFC 5280, section 4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtendedKeyUsage {
    /// Whether the certificate has the extension.
    pub present: bool,
    /// Whether it has id-kp-serverAuth or anyExtendedKeyUsage.
    pub server_auth: bool,
    /// Whether it has id-kp-clientAuth.
    pub client_auth: bool,
}

/// The fields of one certificate that are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // Each is an independent fact.
pub struct Certificate {
    /// The subject; [`Self::subject`] returns it as text.
    pub subject: Subject,
    /// The issuer; shared between certificates.
    pub issuer: Arc<Name>,
    /// The serial number.
    pub serial: Serial,
    /// SHA-256 of the DER.
    pub sha256: Fingerprint,
    /// SHA-256 of the subjectPublicKeyInfo.
    pub key_sha256: Fingerprint,
    /// The start of its validity, in seconds since 1970.
    pub not_before: Seconds,
    /// The last second of its validity, in seconds since 1970.
    pub not_after: Seconds,
    /// The dNSName and iPAddress entries of the subjectAltName, in order.
    pub names: Sans,
    /// Whether it has a subjectAltName extension.
    pub has_san: bool,
    /// The algorithm of its public key.
    pub key: KeyAlgorithm,
    /// The algorithm of its signature, such as `ecdsa-with-SHA384` or `sha1WithRSAEncryption`.
    pub signature: &'static str,
    /// Whether the hash of its signature is broken: MD2, MD5 or SHA-1.
    pub weak_signature: bool,
    /// Whether basicConstraints mark it as a CA.
    pub is_ca: bool,
    /// Its extended key usage.
    pub usage: ExtendedKeyUsage,
    /// The bits of its key usage, with digitalSignature as the highest; `None` without the extension, which permits
    /// everything.
    pub key_usage: Option<u16>,
    /// Whether its key is an RSA key of the type id-RSASSA-PSS.
    pub rsa_pss_key: bool,
    /// Whether Go can parse it, and if not, why.
    pub go: GoReads,
    /// Whether it requires OCSP stapling (RFC 7633).
    pub must_staple: bool,
    /// Whether its subject and issuer are the same name and its own key verifies its signature.
    pub self_signed: bool,
    /// The keyIdentifier of authorityKeyIdentifier; shared between certificates.
    pub authority_key_id: Option<Arc<[u8]>>,
}

impl Certificate {
    /// Reads one DER certificate. Bytes after it are an error. An unreadable subjectAltName counts as one without
    /// names.
    pub fn from_der(der: &[u8], interner: &mut Interner) -> Result<Self, CertificateError> {
        read(der, Fingerprint::of(der), interner)
    }

    /// The subject in the form of RFC 4514. Not cleared for a terminal.
    pub fn subject(&self) -> Cow<'_, str> {
        match &self.subject {
            Subject::FirstName => Cow::Owned(self.names.first().map(|name| format!("CN={name}")).unwrap_or_default()),
            Subject::Name(name) => Cow::Borrowed(&name.full),
        }
    }

    /// The subject, or `(none)` if it is empty, for display beside a label.
    pub fn subject_or_none(&self) -> Cow<'_, str> {
        Some(self.subject())
            .filter(|subject| !subject.is_empty())
            .unwrap_or(Cow::Borrowed("(none)"))
    }

    /// The name of the certificate in a sentence: its subject, otherwise the first of its names (`DNS:shop.example`),
    /// otherwise its serial number. Public CAs leave the subject of short-lived certificates empty. Not cleared for a
    /// terminal.
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

    /// The last common name of the subject. It is never used to judge a host.
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
