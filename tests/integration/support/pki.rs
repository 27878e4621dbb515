//! A certificate authority made by the test: a root, an intermediate, and leaves with their keys.

use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SerialNumber, SigningKey, SubjectPublicKeyInfo,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A root and its intermediate.
pub(crate) struct Pki {
    root: CertifiedIssuer<'static, KeyPair>,
    sub: CertifiedIssuer<'static, KeyPair>,
}

/// What a TLS Secret holds.
pub(crate) struct Pair {
    /// The leaf and the intermediate.
    pub(crate) chain: String,
    pub(crate) key: String,
    /// The leaf.
    pub(crate) der: Vec<u8>,
    /// The leaf and the intermediate.
    pub(crate) chain_der: Vec<Vec<u8>>,
    /// The key, as PKCS #8.
    pub(crate) key_der: Vec<u8>,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let root = CertifiedIssuer::self_signed(authority("E2E Root"), KeyPair::generate().unwrap()).unwrap();
        let sub = CertifiedIssuer::signed_by(authority("E2E Issuing CA"), KeyPair::generate().unwrap(), &root).unwrap();
        Self { root, sub }
    }

    /// Of an organisation, by the name of its issuing CA alone.
    pub(crate) fn of(organisation: &str) -> Self {
        let root = CertifiedIssuer::self_signed(authority("E2E Root"), KeyPair::generate().unwrap()).unwrap();
        let mut params = authority("E2E Issuing CA");
        params.distinguished_name.push(DnType::OrganizationName, organisation);
        let sub = CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &root).unwrap();
        Self { root, sub }
    }

    /// For `--ca-file`.
    pub(crate) fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// The certificate of the issuing CA and its key, as PEM.
    pub(crate) fn issuing(&self) -> (String, String) {
        (self.sub.pem(), self.sub.key().serialize_pem())
    }

    /// A pair that nothing is wrong with.
    pub(crate) fn pair(&self, names: &[&str]) -> Pair {
        self.pair_with(names, |_| {})
    }

    /// One that expired yesterday.
    pub(crate) fn expired(&self, names: &[&str]) -> Pair {
        self.pair_with(names, |params| {
            params.not_before = now() - Duration::days(90);
            params.not_after = now() - Duration::days(1);
        })
    }

    pub(crate) fn pair_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Pair {
        self.pair_of(names, KeyPair::generate().unwrap(), change)
    }

    /// One for a key of one's own, which goes into it.
    #[allow(clippy::needless_pass_by_value)]
    pub(crate) fn pair_of(&self, names: &[&str], key: KeyPair, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = of_server(names.iter().map(|n| (*n).to_owned()).collect());
        change(&mut params);
        let leaf = params.signed_by(&key, &self.sub).unwrap();
        Pair {
            chain: leaf.pem() + &self.sub.pem(),
            key: key.serialize_pem(),
            der: leaf.der().to_vec(),
            chain_der: vec![leaf.der().to_vec(), self.sub.der().to_vec()],
            key_der: key.serialize_der(),
        }
    }
}

impl Pki {
    /// A certificate for these names and the key of another certificate, and that of the issuing CA, each as PEM.
    pub(crate) fn certify(&self, names: &[String], other: &[u8], change: fn(&mut CertificateParams)) -> [String; 2] {
        let (_, other) = X509Certificate::from_der(other).unwrap();
        let key = SubjectPublicKeyInfo::from_der(other.public_key().raw).unwrap();
        let mut params = of_server(names.to_vec());
        change(&mut params);
        let leaf = params.signed_by(&key, &self.sub).unwrap();
        [leaf.pem(), self.sub.pem()]
    }

    /// The intermediate's signature over anything.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.sub.key().sign(message).unwrap()
    }
}

impl Pair {
    /// A Secret of the type `kubernetes.io/tls`.
    pub(crate) fn secret(&self, name: &str) -> Value {
        self.secret_of("kubernetes.io/tls", name)
    }

    pub(crate) fn secret_of(&self, kind: &str, name: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": {"name": name},
            "stringData": {"tls.crt": self.chain, "tls.key": self.key},
        })
    }
}

/// A pair whose certificate nobody else signed.
pub(crate) fn self_signed(name: &str) -> Pair {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now() - Duration::days(10);
    params.not_after = now() + Duration::days(80);
    let leaf = params.self_signed(&key).unwrap();
    Pair {
        chain: leaf.pem(),
        key: key.serialize_pem(),
        der: leaf.der().to_vec(),
        chain_der: vec![leaf.der().to_vec()],
        key_der: key.serialize_der(),
    }
}

pub(crate) fn now() -> OffsetDateTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    OffsetDateTime::from_unix_timestamp(i64::try_from(since).unwrap()).unwrap()
}

/// What a server's certificate says that nothing is wrong with.
fn of_server(names: Vec<String>) -> CertificateParams {
    let common_name = names.first().map_or("e2e", String::as_str).to_owned();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = now() - Duration::days(10);
    params.not_after = now() + Duration::days(80);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(serial());
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now() - Duration::days(400);
    params.not_after = now() + Duration::days(4000);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params.serial_number = Some(serial());
    params
}

/// 17 octets, the first of them positive (RFC 5280, section 4.1.2.2).
fn serial() -> SerialNumber {
    let mut octets = [0x05; 17];
    aws_lc_rs::rand::fill(&mut octets[1..]).unwrap();
    SerialNumber::from_slice(&octets)
}
