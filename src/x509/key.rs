//! Private keys, read only as far as the comparison with a certificate requires.
//!
//! A key file states its own public half, which is believed only if the private numbers match it. Those of RSA are
//! multiplied by hand, because loading such a key costs more than parsing fifty certificates. The point of an elliptic
//! key is computed, and a match is remembered. Only the public half ever leaves this module.

use aws_lc_rs::{
    agreement,
    signature::{Ed25519KeyPair, KeyPair},
};

use super::{
    bundle::KeyState,
    der::{BIT_STRING, DerReader, Element, INTEGER, OCTET_STRING, OID, SEQUENCE, context, public_key_parts, unsigned},
    pem,
    readers::{self, Objection, Part, Readers},
    trust::Memo,
};

mod rsa;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const ED448: &[u8] = &[0x2b, 0x65, 0x71];
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0, 34];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0, 35];

/// The contents of a key file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyContents {
    /// Nothing but white space.
    Nothing,
    /// An encrypted key.
    Encrypted,
    /// Something that is not a usable key, and why. The reason never repeats bytes of the file.
    Invalid(String),
    /// A key, by its public half.
    Key(PublicHalf),
}

/// The contents of a key file, and which programs cannot read it although this one can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyReading {
    pub(crate) read: KeyContents,
    pub(crate) objection: Option<Objection>,
}

impl Default for KeyReading {
    fn default() -> Self {
        KeyContents::Nothing.into()
    }
}

impl From<KeyContents> for KeyReading {
    fn from(read: KeyContents) -> Self {
        Self { read, objection: None }
    }
}

/// The public half of a private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PublicHalf {
    /// The modulus and exponent of RSA, without leading zeros.
    Rsa {
        /// The modulus.
        modulus: Vec<u8>,
        /// The public exponent.
        exponent: Vec<u8>,
    },
    /// The point of an elliptic curve, with the OID of the curve if the key names it.
    Ec {
        /// The curve's OID.
        curve: Option<Vec<u8>>,
        /// The point, compressed or uncompressed (SEC 1, section 2.3.3).
        point: Vec<u8>,
    },
    /// The point of Ed25519.
    Ed25519(Vec<u8>),
}

impl PublicHalf {
    /// Whether this is the key in `info`, the subjectPublicKeyInfo of a certificate.
    pub fn is_in(&self, info: &[u8]) -> bool {
        let Some((oid, parameters, key)) = public_key_parts(info) else {
            return false;
        };
        match self {
            Self::Rsa { modulus, exponent } => {
                let numbers = || {
                    let mut numbers = DerReader::new(key).expect(SEQUENCE)?.inside();
                    Some((numbers.expect(INTEGER)?.value, numbers.expect(INTEGER)?.value))
                };
                (oid == RSA || oid == RSA_PSS)
                    && numbers().is_some_and(|(m, e)| unsigned(m) == modulus && unsigned(e) == exponent)
            }
            Self::Ec { curve, point } => {
                let other = parameters.filter(|p| p.tag == OID).map(|p| p.value);
                // For a curve that is not computed here, the statement of the file counts, but only for the same curve.
                let same_curve = match (curve.as_deref(), other) {
                    (Some(a), Some(b)) => a == b,
                    (Some(curve), None) => is_computed(curve),
                    (None, _) => true,
                };
                oid == EC && same_curve && same_point(key, point)
            }
            Self::Ed25519(point) => oid == ED25519 && key == point,
        }
    }
}

/// Reads the first private key of a PEM text, and skips parameters and attributes before it. A key that `memo` knows to
/// be consistent is not computed again.
pub(crate) fn read(text: &[u8], memo: Option<&Memo>) -> KeyReading {
    if text.trim_ascii().is_empty() {
        return KeyReading::default();
    }
    if text.len() > pem::KEY_CAP {
        let (size, cap) = (text.len(), pem::KEY_CAP);
        return KeyContents::Invalid(pem::PemError::TooLarge { size, cap }.to_string()).into();
    }
    match read_blocks(text, memo) {
        Ok(read @ KeyContents::Key(_)) => KeyReading {
            read,
            objection: objection(text),
        },
        Ok(read) => read.into(),
        Err(other) => KeyContents::Invalid(other.unwrap_or_else(|| pem::why_no_block(text))).into(),
    }
}

/// The programs that cannot read the key of a text which has one.
fn objection(text: &[u8]) -> Option<Objection> {
    let block = pem::blocks(text).find(pem::Block::is_private_key)?;
    let (der, tidy) = block.decode_secret_tidy(pem::KEY_CAP).ok()?;
    if let Some((who, why)) = oddity(block.label, &der) {
        return Some(Objection::new(Part::Key, who, why));
    }
    if tidy && block.position == 0 {
        return None;
    }
    readers::of_key_text(text, &block)
}

/// Detects keys that this program reads and others do not: Go's `parsePrivateKey` (`crypto/tls/tls.go`,
/// `crypto/x509/{pkcs8,sec1}.go`), which ignores labels, and OpenSSL 3.0's decoders, which require the label of the
/// key's kind and do not know PKCS #8 version 2 (RFC 5958).
fn oddity(label: &[u8], der: &[u8]) -> Option<(Readers, &'static str)> {
    let openssl = Readers::OPENSSL.with(Readers::BORINGSSL);
    let label_of = |labels: &[&[u8]]| {
        let why = "its label is not that of a key of its kind";
        (!labels.contains(&label)).then_some((openssl, why))
    };
    let mut fields = DerReader::new(der).expect(SEQUENCE)?.inside();
    fields.expect(INTEGER)?;
    match fields.clone().next()?.tag {
        SEQUENCE => {
            let mut algorithm = fields.expect(SEQUENCE)?.inside();
            let oid = algorithm.expect(OID)?.value;
            let key = fields.expect(OCTET_STRING)?.value;
            if oid == RSA_PSS {
                let who = Readers::GO.with(Readers::BORINGSSL);
                return Some((who, "it is marked as a key for RSASSA-PSS only"));
            }
            let other_label = match oid {
                RSA => label_of(&[b"PRIVATE KEY", b"RSA PRIVATE KEY"]),
                EC => label_of(&[b"PRIVATE KEY", b"EC PRIVATE KEY"]),
                _ => label_of(&[b"PRIVATE KEY"]),
            };
            // The attributes are [0]; [1] is the public key.
            let mut second = false;
            while let Some(field) = fields.next() {
                second |= field.tag & 0x1f == 1 && field.tag & 0x80 != 0;
            }
            let second = second.then_some((openssl, "it is PKCS #8 of version 2, which includes the public key"));
            let of_key = match oid {
                EC => curve_oddity(key, algorithm.next()),
                RSA => primes_oddity(key),
                _ => None,
            };
            of_key.or(other_label).or(second)
        }
        OCTET_STRING => curve_oddity(der, None).or_else(|| label_of(&[b"EC PRIVATE KEY"])),
        INTEGER => primes_oddity(der).or_else(|| label_of(&[b"RSA PRIVATE KEY"])),
        _ => None,
    }
}

/// Detects an `RSAPrivateKey` with more than two primes, which has another version (`BoringSSL`,
/// `crypto/rsa/rsa_asn1.cc`, `RSA_parse_private_key`).
fn primes_oddity(key: &[u8]) -> Option<(Readers, &'static str)> {
    let version = DerReader::new(key).expect(SEQUENCE)?.inside().expect(INTEGER)?.value;
    (version != [0]).then_some((Readers::BORINGSSL, "it is an RSA key of more than two primes"))
}

/// Detects an `ECPrivateKey` whose curve is named neither outside nor inside of it.
fn curve_oddity(key: &[u8], curve: Option<Element<'_>>) -> Option<(Readers, &'static str)> {
    let mut parts = DerReader::new(key).expect(SEQUENCE)?.inside();
    parts.expect(INTEGER)?;
    parts.expect(OCTET_STRING)?;
    let inner = parts.expect(context(0)).and_then(|p| p.inside().next());
    match curve.or(inner) {
        None => Some((Readers::LIBRARIES, "it does not say which curve it is on")),
        Some(parameters) if parameters.tag != OID => Some((
            Readers::GO.with(Readers::BORINGSSL),
            "it spells out the curve's parameters instead of the curve's name",
        )),
        Some(_) => None,
    }
}

/// Reads the first private key among any blocks. If there is none, the error says what there is instead, if there is
/// any block.
pub(crate) fn read_blocks(text: &[u8], memo: Option<&Memo>) -> Result<KeyContents, Option<String>> {
    let mut other = None;
    for block in pem::blocks(text) {
        if block.is_private_key() {
            return Ok(read_block(&block, memo));
        }
        other = other.or(match block.label {
            // OpenSSL writes the curve before the key.
            b"EC PARAMETERS" | b"DSA PARAMETERS" | b"DH PARAMETERS" => {
                Some("it holds parameters, but no private key".to_owned())
            }
            b"PUBLIC KEY" | b"RSA PUBLIC KEY" => Some("it is a public key, not a private one".to_owned()),
            b"CERTIFICATE REQUEST" | b"NEW CERTIFICATE REQUEST" => {
                Some("it is a certificate request, not a private key".to_owned())
            }
            _ if block.is_certificate() => Some("it is a certificate, not a private key".to_owned()),
            _ => Some("it is not a private key".to_owned()),
        });
    }
    Err(other)
}

fn read_block(block: &pem::Block<'_>, memo: Option<&Memo>) -> KeyContents {
    if block.encrypted {
        return KeyContents::Encrypted;
    }
    if block.label == b"OPENSSH PRIVATE KEY" {
        return KeyContents::Invalid("it is in OpenSSH's format: convert it with ssh-keygen -p -m PEM".to_owned());
    }
    match block.decode_secret(pem::KEY_CAP) {
        Ok(der) if block.label == b"ENCRYPTED PRIVATE KEY" && der.first() == Some(&SEQUENCE) => KeyContents::Encrypted,
        Ok(der) => read_der(&der, memo),
        Err(error) => KeyContents::Invalid(error.to_string()),
    }
}

/// Reads a DER private key: PKCS#8 (RFC 5208, RFC 5958), PKCS#1 (RFC 8017) or SEC1 (RFC 5915). The structure tells them
/// apart, as in Go, because labels are often wrong.
pub(crate) fn read_der(der: &[u8], memo: Option<&Memo>) -> KeyContents {
    let mut reader = DerReader::new(der);
    let Some(outer) = reader.expect(SEQUENCE) else {
        return KeyContents::Invalid("it is not a DER key".to_owned());
    };
    // Go and OpenSSL ignore what follows the key, except Go for PKCS#1.
    let followed = !reader.is_empty();
    let mut fields = outer.inside();
    let Some(first) = fields.next() else {
        return KeyContents::Invalid("it is empty".to_owned());
    };
    let second = fields.clone().next().map(|e| e.tag);
    let read = match (first.tag, second) {
        // EncryptedPrivateKeyInfo of PKCS#8: an algorithm, then the encrypted data.
        (SEQUENCE, Some(OCTET_STRING)) => return KeyContents::Encrypted,
        (INTEGER, Some(SEQUENCE)) => pkcs8(fields, memo),
        (INTEGER, Some(INTEGER)) if followed => Err("bytes follow the key".to_owned()),
        (INTEGER, Some(INTEGER)) => rsa(outer.whole),
        (INTEGER, Some(OCTET_STRING)) => ec(outer.whole, None, memo),
        _ => Err("it is not a private key".to_owned()),
    };
    read.map_or_else(KeyContents::Invalid, KeyContents::Key)
}

/// `PrivateKeyInfo`, beginning with its algorithm.
fn pkcs8(mut fields: DerReader<'_>, memo: Option<&Memo>) -> Result<PublicHalf, String> {
    let broken = || "its PKCS#8 structure is broken".to_owned();
    let mut algorithm = fields.expect(SEQUENCE).ok_or_else(broken)?.inside();
    let oid = algorithm.expect(OID).ok_or_else(broken)?.value;
    let key = fields.expect(OCTET_STRING).ok_or_else(broken)?.value;
    match oid {
        RSA | RSA_PSS => rsa(key),
        EC => ec(key, algorithm.expect(OID).map(|curve| curve.value), memo),
        ED25519 => {
            let seed = DerReader::new(key).expect(OCTET_STRING).ok_or_else(broken)?.value;
            let pair = Some(seed)
                .filter(|s| s.len() == 32)
                .map(Ed25519KeyPair::from_seed_unchecked);
            let pair = pair.and_then(Result::ok).ok_or("it is not an Ed25519 key")?;
            Ok(PublicHalf::Ed25519(pair.public_key().as_ref().to_vec()))
        }
        ED448 => Err("it is an Ed448 key, which TLS servers do not accept".to_owned()),
        DSA => Err("it is a DSA key, which no client accepts".to_owned()),
        _ => Err("its algorithm is not known".to_owned()),
    }
}

/// `RSAPrivateKey`: all nine numbers must be present and consistent. The first two after the version are the public
/// half.
///
/// Version 0 stands for two primes, and version 1 for more, which follow (RFC 8017, appendix A.1.2). Go accepts no
/// other version (Go 1.26, `crypto/x509/pkcs1.go`), and OpenSSL rejects version 1 without further primes (3.0,
/// `crypto/rsa/rsa_asn1.c`, `rsa_cb`).
fn rsa(der: &[u8]) -> Result<PublicHalf, String> {
    let broken = || "its RSA numbers are broken".to_owned();
    let mut fields = DerReader::new(der).expect(SEQUENCE).ok_or_else(broken)?.inside();
    let version = fields.expect(INTEGER).ok_or_else(broken)?.value;
    let mut next = || natural(&mut fields).ok_or_else(broken);
    let mut numbers = rsa::Numbers {
        modulus: next()?,
        exponent: next()?,
        private: next()?,
        primes: [next()?, next()?],
        exponents: [next()?, next()?],
        coefficient: next()?,
        others: Vec::new(),
    };
    let mut others = fields.expect(SEQUENCE).map(|others| others.inside());
    while let Some(other) = others.as_mut().and_then(DerReader::next) {
        let mut parts = other.inside();
        let mut next = || natural(&mut parts).ok_or_else(broken);
        numbers.others.push(rsa::Other {
            prime: next()?,
            exponent: next()?,
            coefficient: next()?,
        });
    }
    if others.is_some_and(|others| !others.is_empty()) {
        return Err(broken());
    }
    match (version, numbers.others.as_slice()) {
        ([0], []) | ([1], [_, ..]) => {}
        ([0 | 1], _) => return Err("its version is not that of a key with so many primes".to_owned()),
        _ => return Err("its version is not known".to_owned()),
    }
    if numbers.modulus.is_empty() || numbers.exponent.is_empty() {
        return Err(broken());
    }
    if !rsa::belong_together(&numbers) {
        return Err("its RSA numbers do not belong together: the key does not work".to_owned());
    }
    Ok(PublicHalf::Rsa {
        modulus: numbers.modulus.to_vec(),
        exponent: numbers.exponent.to_vec(),
    })
}

/// The next number of an RSA key, without leading zeros; `None` if it is negative or not a number.
fn natural<'a>(fields: &mut DerReader<'a>) -> Option<&'a [u8]> {
    let value = fields.expect(INTEGER)?.value;
    value.first().is_some_and(|b| b & 0x80 == 0).then(|| unsigned(value))
}

/// `ECPrivateKey`. The public point is computed; if the file states it, the two must be the same.
fn ec(der: &[u8], curve: Option<&[u8]>, memo: Option<&Memo>) -> Result<PublicHalf, String> {
    let broken = || "its EC structure is broken".to_owned();
    let anothers = || "its private number does not match its public point: the key does not work".to_owned();
    let mut fields = DerReader::new(der).expect(SEQUENCE).ok_or_else(broken)?.inside();
    fields.expect(INTEGER).ok_or_else(broken)?;
    let scalar = fields.expect(OCTET_STRING).ok_or_else(broken)?.value;
    let named = fields
        .expect(context(0))
        .and_then(|p| p.inside().expect(OID))
        .map(|o| o.value);
    let curve = curve.or(named);
    let stated = fields
        .expect(context(1))
        .and_then(|p| p.inside().expect(BIT_STRING))
        .and_then(|bits| bits.value.get(1..))
        .filter(|point| compressed(point).is_some())
        .map(<[u8]>::to_vec);
    let point = match stated {
        None => computed(scalar, curve)?,
        // Only half of a compressed point is compared; the computed whole one is returned, so that a certificate with a
        // different other half is recognized.
        Some(stated) if stated.first() != Some(&4) && curve.is_none_or(is_computed) => {
            let point = computed(scalar, curve)?;
            if !same_point(&point, &stated) {
                return Err(anothers());
            }
            point
        }
        // For curves that are not computed here, the comparison with the certificate decides.
        Some(stated) if !curve.is_none_or(is_computed) => stated,
        Some(stated) => {
            let is_its = || computed(scalar, curve).is_ok_and(|point| same_point(&point, &stated));
            let whole = match memo {
                Some(memo) => memo.remember_key([curve.unwrap_or_default(), scalar, &stated], is_its),
                None => is_its(),
            };
            if !whole {
                return Err(anothers());
            }
            stated
        }
    };
    Ok(PublicHalf::Ec {
        curve: curve.map(<[u8]>::to_vec),
        point,
    })
}

/// The public point of a private scalar, uncompressed. A key that names no curve is assumed to use the curve of its
/// length.
fn computed(scalar: &[u8], curve: Option<&[u8]>) -> Result<Vec<u8>, String> {
    let (algorithm, length): (_, usize) = match (curve, scalar.len()) {
        (Some(P256), _) | (None, 32) => (&agreement::ECDH_P256, 32),
        (Some(P384), _) | (None, 48) => (&agreement::ECDH_P384, 48),
        (Some(P521), _) | (None, 66) => (&agreement::ECDH_P521, 66),
        _ => return Err("its curve is not one that TLS servers accept".to_owned()),
    };
    let wrong = || "its number does not fit its curve".to_owned();
    let scalar = unsigned(scalar);
    let zeros = length.checked_sub(scalar.len()).ok_or_else(wrong)?;
    let mut padded = zeroize::Zeroizing::new(vec![0; length]);
    padded[zeros..].copy_from_slice(scalar);
    let key = agreement::PrivateKey::from_private_key(algorithm, &padded).map_err(|_| wrong())?;
    let public = key.compute_public_key().map_err(|_| wrong())?;
    Ok(public.as_ref().to_vec())
}

/// Whether points of a curve are computed here.
fn is_computed(curve: &[u8]) -> bool {
    [P256, P384, P521].contains(&curve)
}

/// Whether two points are equal. If both have both coordinates, both count, because a point that is not on its curve
/// belongs to no key.
fn same_point(a: &[u8], b: &[u8]) -> bool {
    if a.first() == Some(&4) && b.first() == Some(&4) {
        return a == b;
    }
    compressed(a).is_some_and(|a| compressed(b).is_some_and(|b| a == b))
}

/// A point in compressed form; `None` if it is neither compressed nor uncompressed.
fn compressed(point: &[u8]) -> Option<Vec<u8>> {
    match point {
        [2 | 3, _, ..] => Some(point.to_vec()),
        [4, coordinates @ ..] if coordinates.len() % 2 == 0 => {
            let (x, y) = coordinates.split_at(coordinates.len() / 2);
            let mut point = Vec::with_capacity(1 + x.len());
            point.push(2 | (y.last()? & 1));
            point.extend_from_slice(x);
            Some(point)
        }
        _ => None,
    }
}

/// The state of a key beside certificates, given their subjectPublicKeyInfos in order.
pub(crate) fn state(read: &KeyContents, keys: &[&[u8]]) -> KeyState {
    match read {
        KeyContents::Nothing => KeyState::Missing,
        KeyContents::Encrypted => KeyState::Encrypted,
        KeyContents::Invalid(why) => KeyState::Invalid(why.clone()),
        KeyContents::Key(_) if keys.is_empty() => KeyState::NothingToCompare,
        KeyContents::Key(half) => match keys.iter().position(|info| half.is_in(info)) {
            Some(0) => KeyState::Matches,
            Some(position) => KeyState::OfPosition(position),
            None => KeyState::Differs,
        },
    }
}

#[cfg(test)]
mod tests;
