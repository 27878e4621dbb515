//! Private keys of certificates: generating and reading them, and the request that a CA signs (RFC 2986).

use std::{fmt, str::FromStr};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PKCS_RSA_SHA256, RsaKeySize, SanType,
};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroize;

use crate::{name::Name, x509::KeyAlgorithm};

/// The algorithm and size of a certificate's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum KeyKind {
    /// ECDSA with P-256.
    #[default]
    EcdsaP256,
    /// ECDSA with P-384.
    EcdsaP384,
    /// RSA with 2048 bits.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits.
    Rsa4096,
}

/// Why there is no key or no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text does not name a kind of key.
    #[error("{0:?} is not a kind of key: write ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or rsa-4096")]
    Kind(String),
    /// The key that should be used again cannot be, for this reason.
    #[error("the current private key cannot be reused: {0}")]
    Reuse(&'static str),
    /// The system or the library failed.
    #[error("cannot make {0}")]
    Failed(&'static str),
    /// The request cannot contain this name.
    #[error("{0} cannot be in a certificate request")]
    Name(String),
}

impl KeyKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
    ];

    /// The name in flags and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        }
    }

    /// The kind of a certificate's present key, for a renewal that keeps it; `None` for kinds that this program does
    /// not generate.
    pub fn of(present: &KeyAlgorithm) -> Option<Self> {
        present.to_string().parse().ok()
    }
}

impl FromStr for KeyKind {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| KeyError::Kind(crate::text::shorten(text, 40).into_owned()))
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The longest common name, in octets (RFC 5280, appendix A.1: `ub-common-name`).
pub const COMMON_NAME: usize = 64;

/// The name that a request has as its common name: the first that is not too long.
pub fn common_name(names: &[Name]) -> Option<String> {
    let mut all = names.iter().map(ToString::to_string);
    all.find(|name| name.len() <= COMMON_NAME)
}

/// A private key. `Debug` shows no part of it.
pub struct PrivateKey {
    pair: KeyPair,
    /// The key as it was generated or read: `rcgen` writes PKCS #1 and SEC 1 with the label of PKCS #8.
    pem: SecretString,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey")
    }
}

impl PrivateKey {
    /// Generates a key. RSA takes up to several seconds of one core, so it should not run on a thread that others need.
    pub fn generate(kind: KeyKind) -> Result<Self, KeyError> {
        let rsa = |size| KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size);
        match kind {
            KeyKind::EcdsaP256 => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
            KeyKind::EcdsaP384 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
            KeyKind::Rsa2048 => rsa(RsaKeySize::_2048),
            KeyKind::Rsa3072 => rsa(RsaKeySize::_3072),
            KeyKind::Rsa4096 => rsa(RsaKeySize::_4096),
        }
        .map(|pair| Self {
            pem: pair.serialize_pem().into(),
            pair,
        })
        .map_err(|_| KeyError::Failed("a private key"))
    }

    /// Reads the key in a PEM text (PKCS #8, PKCS #1 or SEC 1) from a Secret or a journal, for `--reuse-key` and to
    /// continue an order. Errors do not quote its content.
    pub fn from_pem(pem: &SecretString) -> Result<Self, KeyError> {
        let text = pem.expose_secret();
        let block = crate::x509::pem::blocks(text.as_bytes())
            .find(crate::x509::pem::Block::is_private_key)
            .ok_or(KeyError::Reuse("there is no PEM private key in it"))?;
        if block.encrypted || block.label == b"ENCRYPTED PRIVATE KEY" {
            return Err(KeyError::Reuse("it is encrypted"));
        }
        let der = block
            .decode_secret(crate::x509::pem::KEY_CAP)
            .map_err(|_| KeyError::Reuse("it is not PEM"))?;
        // Recognized by structure, because labels are often wrong.
        let der = rustls::pki_types::PrivateKeyDer::try_from(der.as_slice())
            .map_err(|_| KeyError::Reuse("it is neither PKCS #8, PKCS #1 nor SEC 1"))?;
        let pair = KeyPair::try_from(&der)
            .map_err(|_| KeyError::Reuse("it is neither ECDSA, Ed25519 nor RSA of 2048 bits or more"))?;
        Ok(Self { pair, pem: pem.clone() })
    }

    /// The key as PEM: PKCS #8, or as it was read.
    pub fn pem(&self) -> &SecretString {
        &self.pem
    }

    /// The request for a certificate with these names as subjectAltNames, in order, as DER. Its subject is empty unless a common
    /// name is given: most CAs choose the common name, and newer profiles omit it.
    pub fn request(&self, names: &[Name], common_name: Option<&str>) -> Result<Vec<u8>, KeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        if let Some(name) = common_name {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        for name in names {
            let san = match name {
                Name::Ip(address) => SanType::IpAddress(*address),
                Name::Dns(_) | Name::Wildcard(_) => {
                    let text = name.to_string();
                    SanType::DnsName(text.clone().try_into().map_err(|_| KeyError::Name(text))?)
                }
            };
            params.subject_alt_names.push(san);
        }
        let request = params
            .serialize_request(&self.pair)
            .map_err(|_| KeyError::Failed("a certificate request"))?;
        Ok(request.der().to_vec())
    }
}

impl Drop for PrivateKey {
    /// `rcgen` only overwrites its own copy of the DER if asked to.
    fn drop(&mut self) {
        self.pair.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use x509_parser::{certification_request::X509CertificationRequest, extensions::ParsedExtension, prelude::FromDer};

    use super::*;

    #[test]
    fn a_request_has_the_names_no_subject_and_the_keys_signature() {
        let names: Vec<Name> = ["shop.example", "*.shop.example", "192.0.2.7", "2001:db8::1"]
            .iter()
            .map(|n| n.parse().unwrap())
            .collect();
        for kind in [KeyKind::EcdsaP256, KeyKind::EcdsaP384, KeyKind::Rsa2048] {
            let der = PrivateKey::generate(kind).unwrap().request(&names, None).unwrap();
            let (_, request) = X509CertificationRequest::from_der(&der).unwrap();
            assert_eq!(request.certification_request_info.subject.iter().count(), 0);
            let sans: Vec<String> = request
                .requested_extensions()
                .unwrap()
                .filter_map(|e| match e {
                    ParsedExtension::SubjectAlternativeName(sans) => Some(sans),
                    _ => None,
                })
                .flat_map(|sans| sans.general_names.iter().map(ToString::to_string))
                .collect();
            assert_eq!(sans.len(), 4, "{kind}: {sans:?}");
            assert!(sans[1].contains("*.shop.example"), "{sans:?}");
        }
    }

    #[test]
    fn the_common_name_is_the_first_name_that_is_short_enough() {
        let long = format!("{}.{}.example", "a".repeat(40), "b".repeat(40));
        let fits = format!("*.{}.example", "c".repeat(54));
        let names: Vec<Name> = [long.as_str(), fits.as_str(), "shop.example"]
            .iter()
            .map(|n| n.parse().unwrap())
            .collect();
        assert_eq!(fits.len(), COMMON_NAME);
        let common = common_name(&names).unwrap();
        assert_eq!(common, fits);
        assert_eq!(common_name(&names[..1]), None);
        let key = PrivateKey::generate(KeyKind::EcdsaP256).unwrap();
        let der = key.request(&names, Some(&common)).unwrap();
        let (_, request) = X509CertificationRequest::from_der(&der).unwrap();
        let subject = &request.certification_request_info.subject;
        let found: Vec<&str> = subject.iter_common_name().filter_map(|cn| cn.as_str().ok()).collect();
        assert_eq!(found, [fits.as_str()]);
    }

    #[test]
    fn a_key_is_read_back_and_what_cannot_be_used_is_said_without_its_content() {
        let key = PrivateKey::generate(KeyKind::EcdsaP384).unwrap();
        let again = PrivateKey::from_pem(key.pem()).unwrap();
        assert_eq!(key.pair.public_key_raw(), again.pair.public_key_raw());
        assert_eq!(format!("{key:?}"), "PrivateKey");
        for (text, why) in [
            ("", "no PEM"),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "neither",
            ),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
                "encrypted",
            ),
        ] {
            let error = PrivateKey::from_pem(&text.to_owned().into()).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert!(!error.to_string().contains("AAAA"), "{error}");
        }
    }

    #[test]
    fn kinds_are_those_of_certificates() {
        for kind in KeyKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!(KeyKind::of(&KeyAlgorithm::Rsa(3072)), Some(KeyKind::Rsa3072));
        assert_eq!(
            KeyKind::of(&KeyAlgorithm::Ec("p384".into(), 384)),
            Some(KeyKind::EcdsaP384)
        );
        assert_eq!(KeyKind::of(&KeyAlgorithm::Ed25519), None);
        assert_eq!(KeyKind::of(&KeyAlgorithm::Rsa(1024)), None);
    }
}
