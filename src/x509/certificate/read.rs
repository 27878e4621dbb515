//! Reads DER into a [`Certificate`]. x509-parser reads the structure, and only the extensions that are needed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use x509_parser::{
    certificate::X509CertificateParser,
    error::X509Error,
    extensions::{BasicConstraints, GeneralName, SubjectAlternativeName, X509Extension},
    nom::{self, Parser},
    prelude::FromDer,
};

use super::{
    Certificate, CertificateError, ExtendedKeyUsage, Fingerprint, KeyAlgorithm, San, Serial, Subject,
    distinguished::{dotted, is_first_name, name_of},
    identifier::{authority_key_id, subject_key_id},
};
use crate::{
    object::Text,
    x509::{
        der::{BIT_STRING, DerReader, INTEGER, OID, Outline, SEQUENCE, bits, public_key_parts},
        interner::Interner,
        readers::go,
        signature,
    },
};

const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
const TLS_FEATURE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 24];

const ANY_USAGE: &[u8] = &[0x55, 0x1d, 37, 0];
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];

/// `status_request` of RFC 6066, the TLS feature that RFC 7633 requires for must-staple.
const STATUS_REQUEST: u8 = 5;

/// Reads one DER certificate whose digest is known.
pub(crate) fn read(der: &[u8], sha256: Fingerprint, interner: &mut Interner) -> Result<Certificate, CertificateError> {
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let (rest, x509) = parser.parse(der).map_err(|e| why(&e))?;
    if !rest.is_empty() {
        return Err(CertificateError::Trailing(rest.len()));
    }
    let outline = Outline::of(der).ok_or(CertificateError::NotDer)?;

    let extensions = Extensions::of(x509.tbs_certificate.extensions());
    let issuer = interner.name(outline.issuer, true, || name_of(outline.issuer));
    let subject = if is_first_name(outline.subject, &extensions.names) {
        Subject::FirstName
    } else {
        Subject::Name(interner.name(outline.subject, extensions.is_ca, || name_of(outline.subject)))
    };
    let (signature, weak_signature) = signature::name_of(outline.algorithm);
    let self_signed = outline.issuer == outline.subject && signed_by_itself(&outline);
    Ok(Certificate {
        subject,
        issuer,
        serial: Serial::from(x509.tbs_certificate.raw_serial()),
        sha256,
        key_sha256: Fingerprint::of(outline.public_key),
        not_before: x509.validity().not_before.timestamp(),
        not_after: x509.validity().not_after.timestamp(),
        names: extensions.names.into(),
        has_san: extensions.has_san,
        key: key_algorithm(outline.public_key),
        signature,
        weak_signature,
        is_ca: extensions.is_ca,
        usage: extensions.usage,
        key_usage: extensions.key_usage,
        rsa_pss_key: is_pss_key(outline.public_key),
        go: go::reads(der),
        must_staple: extensions.must_staple,
        self_signed,
        authority_key_id: authority_key_id(&outline).map(|id| interner.key_id(id)),
    })
}

fn why(error: &nom::Err<X509Error>) -> CertificateError {
    let (nom::Err::Error(error) | nom::Err::Failure(error)) = error else {
        return CertificateError::NotDer;
    };
    match error {
        X509Error::InvalidDate => CertificateError::Validity,
        X509Error::InvalidVersion => CertificateError::Part("version"),
        X509Error::InvalidSerial => CertificateError::Part("serial number"),
        X509Error::InvalidAlgorithmIdentifier => CertificateError::Part("signature algorithm"),
        X509Error::InvalidX509Name => CertificateError::Part("subject or issuer"),
        X509Error::InvalidSPKI => CertificateError::Part("public key"),
        X509Error::InvalidExtensions | X509Error::DuplicateExtensions => CertificateError::Part("extensions"),
        X509Error::InvalidSignatureValue => CertificateError::Part("signature"),
        _ => CertificateError::NotDer,
    }
}

/// Whether a certificate signed itself, given that its subject and issuer are the same name. If the signature is of a
/// kind that is no longer verified (MD5, a short key), the key identifiers decide.
fn signed_by_itself(outline: &Outline<'_>) -> bool {
    let ids = subject_key_id(outline).zip(authority_key_id(outline));
    if ids.is_some_and(|(subject, authority)| subject != authority) {
        return false;
    }
    signature::verifies(outline.public_key, outline.signed, outline.algorithm, outline.signature).unwrap_or(true)
}

/// The contents of the extensions.
#[derive(Default)]
struct Extensions {
    names: Vec<San>,
    has_san: bool,
    is_ca: bool,
    usage: ExtendedKeyUsage,
    key_usage: Option<u16>,
    must_staple: bool,
}

impl Extensions {
    fn of(list: &[X509Extension<'_>]) -> Self {
        let mut all = Self::default();
        for extension in list {
            let value = extension.value;
            match extension.oid.as_bytes() {
                BASIC_CONSTRAINTS => all.is_ca = BasicConstraints::from_der(value).is_ok_and(|(_, b)| b.ca),
                SUBJECT_ALT_NAME => {
                    all.has_san = true;
                    if let Ok((_, names)) = SubjectAlternativeName::from_der(value) {
                        all.names = names.general_names.iter().filter_map(san).collect();
                        all.names.shrink_to_fit();
                    }
                }
                EXTENDED_KEY_USAGE => all.usage = usage(value),
                KEY_USAGE => all.key_usage = Some(key_usage(value)),
                TLS_FEATURE => all.must_staple = asks_for_stapling(value),
                _ => {}
            }
        }
        all
    }
}

/// A name that identifies a server. A dNSName that is not UTF-8 is kept, and matches nothing.
fn san(name: &GeneralName<'_>) -> Option<San> {
    match name {
        GeneralName::DNSName(name) => Some(San::Dns(Text::from(*name).to_lowercase())),
        GeneralName::Invalid(tag, bytes) if tag.0 == 2 => {
            Some(San::Dns(Text::from(String::from_utf8_lossy(bytes)).to_lowercase()))
        }
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(|b| IpAddr::V4(Ipv4Addr::from(b)));
            let sixteen = || <[u8; 16]>::try_from(*bytes).map(|b| IpAddr::V6(Ipv6Addr::from(b)));
            four.or_else(|_| sixteen()).ok().map(San::Ip)
        }
        _ => None,
    }
}

fn usage(value: &[u8]) -> ExtendedKeyUsage {
    let mut usage = ExtendedKeyUsage {
        present: true,
        ..ExtendedKeyUsage::default()
    };
    let Some(list) = DerReader::new(value).expect(SEQUENCE) else {
        return usage;
    };
    let mut purposes = list.inside();
    while let Some(purpose) = purposes.expect(OID) {
        match purpose.value {
            ANY_USAGE => (usage.server_auth, usage.client_auth) = (true, true),
            SERVER_AUTH => usage.server_auth = true,
            CLIENT_AUTH => usage.client_auth = true,
            _ => {}
        }
    }
    usage
}

/// The bits of a keyUsage; none if it cannot be read.
fn key_usage(value: &[u8]) -> u16 {
    match DerReader::new(value).expect(BIT_STRING).map(|bits| bits.value) {
        Some([_, high]) => u16::from(*high) << 8,
        Some([_, high, low, ..]) => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}

/// Whether a subjectPublicKeyInfo is of the type id-RSASSA-PSS (RFC 4055) rather than rsaEncryption.
fn is_pss_key(info: &[u8]) -> bool {
    public_key_parts(info).is_some_and(|(oid, ..)| *oid == [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10])
}

fn asks_for_stapling(value: &[u8]) -> bool {
    let Some(list) = DerReader::new(value).expect(SEQUENCE) else {
        return false;
    };
    let mut features = list.inside();
    while let Some(feature) = features.expect(INTEGER) {
        if feature.value == [STATUS_REQUEST] {
            return true;
        }
    }
    false
}

/// The algorithm of a public key, from the OID and the parameters of its subjectPublicKeyInfo.
fn key_algorithm(info: &[u8]) -> KeyAlgorithm {
    let Some((oid, parameters, key)) = public_key_parts(info) else {
        return KeyAlgorithm::Other(Text::from("unknown"));
    };
    match oid {
        // rsaEncryption, RSASSA-PSS.
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1 | 10] => {
            let modulus = DerReader::new(key)
                .expect(SEQUENCE)
                .and_then(|k| k.inside().expect(INTEGER));
            KeyAlgorithm::Rsa(modulus.map_or(0, |m| bits(m.value)))
        }
        // id-ecPublicKey, whose parameters name the curve.
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] => match parameters.filter(|p| p.tag == OID) {
            Some(curve) => named_curve(curve.value),
            None => KeyAlgorithm::Ec(Text::from("explicit"), 0),
        },
        [0x2b, 0x65, 0x70] => KeyAlgorithm::Ed25519,
        [0x2b, 0x65, 0x71] => KeyAlgorithm::Ed448,
        // id-dsa, whose parameters begin with the prime.
        [0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1] => {
            let prime = parameters.and_then(|p| p.inside().expect(INTEGER));
            KeyAlgorithm::Dsa(prime.map_or(0, |p| bits(p.value)))
        }
        other => KeyAlgorithm::Other(dotted(other).into()),
    }
}

fn named_curve(oid: &[u8]) -> KeyAlgorithm {
    let (name, bits) = match oid {
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1] => ("p192", 192),
        [0x2b, 0x81, 0x04, 0, 33] => ("p224", 224),
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7] => ("p256", 256),
        [0x2b, 0x81, 0x04, 0, 34] => ("p384", 384),
        [0x2b, 0x81, 0x04, 0, 35] => ("p521", 521),
        other => return KeyAlgorithm::Ec(dotted(other).into(), 0),
    };
    KeyAlgorithm::Ec(Text::from(name), bits)
}

#[cfg(test)]
mod tests;
