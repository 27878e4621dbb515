//! A PKI for tests, generated anew each time.

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, SignatureAlgorithm,
};

/// A CA with its key.
pub(crate) struct Authority(pub(crate) CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key.
pub(crate) struct Issued {
    pub(crate) der: Vec<u8>,
    pub(crate) key: KeyPair,
}

impl Authority {
    /// A self-signed CA.
    pub(crate) fn root(name: &str) -> Self {
        Self::root_with(name, &PKCS_ECDSA_P256_SHA256)
    }

    pub(crate) fn root_with(name: &str, algorithm: &'static SignatureAlgorithm) -> Self {
        let key = KeyPair::generate_for(algorithm).expect("key");
        Self(CertifiedIssuer::self_signed(ca(name), key).expect("root"))
    }

    /// A self-signed CA with changed parameters.
    pub(crate) fn root_changed(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = ca(name);
        change(&mut params);
        let key = KeyPair::generate().expect("key");
        Self(CertifiedIssuer::self_signed(params, key).expect("root"))
    }

    /// Another certificate for the name and key of a CA, issued by this one (cross-signed).
    pub(crate) fn certify(&self, other: &Self, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = other.params();
        change(&mut params);
        params
            .signed_by(other.0.key(), &self.0)
            .expect("cross-signed")
            .der()
            .to_vec()
    }

    /// Another self-signed certificate for its name and key.
    pub(crate) fn again(&self, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        let mut params = self.params();
        change(&mut params);
        params.self_signed(self.0.key()).expect("root").der().to_vec()
    }

    fn params(&self) -> CertificateParams {
        let parsed = crate::x509::certificate::Certificate::from_der(&self.der(), &mut crate::x509::Interner::new());
        ca(parsed.expect("certificate").common_name().expect("name"))
    }

    /// An intermediate issued by this CA.
    pub(crate) fn sub(&self, name: &str) -> Self {
        self.sub_with(name, |_| {})
    }

    pub(crate) fn sub_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut params = ca(name);
        change(&mut params);
        let key = KeyPair::generate().expect("key");
        Self(CertifiedIssuer::signed_by(params, key, &self.0).expect("intermediate"))
    }

    /// A leaf issued by this CA.
    pub(crate) fn leaf(&self, name: &str) -> Issued {
        self.leaf_with(name, |_| {})
    }

    pub(crate) fn leaf_with(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        self.leaf_of(name, KeyPair::generate().expect("key"), change)
    }

    pub(crate) fn leaf_of(&self, name: &str, key: KeyPair, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut params = leaf_params(name);
        change(&mut params);
        let der = params.signed_by(&key, &self.0).expect("leaf").der().to_vec();
        Issued { der, key }
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.der())
    }
}

impl Issued {
    pub(crate) fn pem(&self) -> String {
        pem("CERTIFICATE", &self.der)
    }

    pub(crate) fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }
}

/// A self-signed leaf.
pub(crate) fn self_signed(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issued {
    let mut params = leaf_params(name);
    change(&mut params);
    let key = KeyPair::generate().expect("key");
    let der = params.self_signed(&key).expect("self-signed").der().to_vec();
    Issued { der, key }
}

fn ca(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.use_authority_key_identifier_extension = true;
    params
}

fn leaf_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).expect("name");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params
}

/// An authorityInfoAccess extension with one caIssuers URL.
pub(crate) fn issuer_url(url: &str) -> CustomExtension {
    let location = tlv(0x86, url.as_bytes());
    let description = tlv(0x30, &[tlv(0x06, &[0x2b, 6, 1, 5, 5, 7, 48, 2]), location].concat());
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], tlv(0x30, &description))
}

/// One DER element.
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len();
    let mut der = vec![tag];
    match length {
        0..0x80 => der.push(u8::try_from(length).expect("short")),
        0x80..0x100 => der.extend([0x81, u8::try_from(length).expect("one byte")]),
        _ => {
            der.push(0x82);
            der.extend(u16::try_from(length).expect("two bytes").to_be_bytes());
        }
    }
    der.extend_from_slice(value);
    der
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).expect("base64"));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

/// Replaces every occurrence of `from` by `to`, which has the same length.
pub(crate) fn patch(der: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut patched = der.to_vec();
    let mut at = 0;
    let mut found = false;
    while at + from.len() <= patched.len() {
        if patched[at..].starts_with(from) {
            patched[at..at + to.len()].copy_from_slice(to);
            found = true;
        }
        at += 1;
    }
    assert!(found, "nothing to patch");
    patched
}

/// The OID of sha256WithRSAEncryption, with `last` as its last arc.
pub(crate) fn rsa_signature_oid(last: u8) -> [u8; 11] {
    [0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, last]
}
