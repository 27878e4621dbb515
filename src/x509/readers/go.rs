//! Whether Go parses a certificate: the rules of `crypto/x509.ParseCertificate` (Go 1.26, `parser.go`), which is
//! stricter than the parsers of OpenSSL and of browsers. A server in Go does not load a certificate that it cannot
//! parse, and a client aborts the handshake.

use hashbrown::HashSet;
use strict::{Strict, is_ia5, minimal};

mod strict;

/// Why Go refuses a certificate. It is one byte, because every certificate has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum GoReads {
    /// Go does not refuse it.
    #[default]
    Yes,
    /// It has lengths, integers or identifiers that BER permits and DER does not, or fields in the wrong place.
    NotDer,
    /// The serial number is negative.
    NegativeSerial,
    /// The signature algorithm is stated twice, and the two differ.
    Algorithms,
    /// A name has characters that its string type does not permit.
    Name,
    /// The parts of a name do not nest correctly, which OpenSSL refuses too.
    BrokenName,
    /// A UTF-8 name is not valid UTF-8, which OpenSSL refuses too (`asn1_string_canon`).
    NotUtf8,
    /// An RSA key lacks the NULL parameters, or has invalid numbers.
    RsaKey,
    /// The exponent of an RSA key is too large.
    RsaExponent,
    /// The key has explicit curve parameters instead of the name of a curve.
    CurveParameters,
    /// The curve is not one of P-224, P-256, P-384 and P-521.
    Curve,
    /// The public point is compressed or has the wrong length.
    Point,
    /// An Ed25519 key has the wrong form.
    Ed25519Key,
    /// An extension occurs twice.
    TwiceExtension,
    /// An extension is critical that must not be.
    CriticalExtension,
    /// keyUsage, basicConstraints, extKeyUsage or another extension is malformed.
    Extension,
    /// A subjectAltName has text that is not IA5, an address of the wrong length, or an invalid URI.
    Alternative,
    /// Name constraints are empty or malformed.
    Constraints,
}

impl GoReads {
    /// The reason for refusing it; `None` if Go does not.
    pub fn refusal(self) -> Option<&'static str> {
        Some(match self {
            Self::Yes => return None,
            Self::NotDer => "its encoding is not strict DER",
            Self::NegativeSerial => "its serial number is negative",
            Self::Algorithms => "its two signature algorithms differ",
            Self::Name => "a name in it has characters that its string type does not allow",
            Self::BrokenName => "a name in it is malformed",
            Self::NotUtf8 => "a name in it is marked as UTF-8, but is not",
            Self::RsaKey => "its RSA key is not encoded as in RFC 3279",
            Self::RsaExponent => "its RSA key has a public exponent that is too large",
            Self::CurveParameters => "its key spells out the curve's parameters instead of the curve's name",
            Self::Curve => "its key is on a curve that TLS clients do not offer",
            Self::Point => "its key's point is not in uncompressed form",
            Self::Ed25519Key => "its Ed25519 key is not encoded as in RFC 8410",
            Self::TwiceExtension => "an extension occurs twice",
            Self::CriticalExtension => "an extension is marked critical, which it must not be",
            Self::Extension => "an extension in it is malformed",
            Self::Alternative => "its subjectAltName holds a name that is malformed",
            Self::Constraints => "its name constraints are malformed",
        })
    }
}

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const P224: &[u8] = &[0x2b, 0x81, 0x04, 0, 33];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0, 34];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0, 35];
const AUTHORITY_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];

const BOOLEAN: u8 = 0x01;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// Checks how Go reads a certificate.
pub(crate) fn reads(der: &[u8]) -> GoReads {
    match certificate(der) {
        Ok(()) => GoReads::Yes,
        Err(why) => why,
    }
}

type Checked<T = ()> = Result<T, GoReads>;

/// Fails with `NotDer` if a part of the outline is missing.
fn need<T>(found: Option<T>) -> Checked<T> {
    found.ok_or(GoReads::NotDer)
}

fn certificate(der: &[u8]) -> Checked {
    let mut whole = need(Strict(der).read(SEQUENCE))?;
    let mut fields = need(whole.read(SEQUENCE))?;
    let version = match need(fields.optional(0xa0))? {
        None => 1,
        Some(mut explicit) => match need(explicit.read(INTEGER))?.0 {
            [version @ 0..=2] => version + 1,
            _ => return Err(GoReads::NotDer),
        },
    };
    let serial = need(fields.read(INTEGER))?.0;
    if !minimal(serial) {
        return Err(GoReads::NotDer);
    }
    if serial.first().is_some_and(|first| first & 0x80 != 0) {
        return Err(GoReads::NegativeSerial);
    }
    let inner = need(fields.read(SEQUENCE))?;
    let outer = need(whole.read(SEQUENCE))?;
    if inner.0 != outer.0 {
        return Err(GoReads::Algorithms);
    }
    need(algorithm(inner))?;
    name(need(fields.read(SEQUENCE))?)?;
    need(fields.read(SEQUENCE))?;
    name(need(fields.read(SEQUENCE))?)?;
    public_key(need(fields.read(SEQUENCE))?)?;
    if version > 1 {
        need(fields.optional(0x81))?;
        need(fields.optional(0x82))?;
    }
    if version == 3
        && let Some(mut explicit) = need(fields.optional(0xa3))?
    {
        extensions(need(explicit.read(SEQUENCE))?)?;
    }
    need(whole.bits()).map(|_| ())
}

/// The identifier of an algorithm, and its parameters with their tag.
fn algorithm(mut fields: Strict<'_>) -> Option<(&[u8], &[u8])> {
    let identifier = fields.identifier()?;
    if fields.0.is_empty() {
        return Some((identifier, &[]));
    }
    let all = fields.0;
    fields.any()?;
    Some((identifier, &all[..all.len() - fields.0.len()]))
}

/// `parseName` and `parseASN1String`.
fn name(mut sets: Strict<'_>) -> Checked {
    while !sets.0.is_empty() {
        let mut set = sets.read(SET).ok_or(GoReads::BrokenName)?;
        while !set.0.is_empty() {
            let mut attribute = set.read(SEQUENCE).ok_or(GoReads::BrokenName)?;
            attribute.identifier().ok_or(GoReads::Name)?;
            let (tag, value) = attribute.any().ok_or(GoReads::BrokenName)?;
            if !is_text(tag, value.0) {
                return Err(if tag == 0x0c { GoReads::NotUtf8 } else { GoReads::Name });
            }
        }
    }
    Ok(())
}

fn is_text(tag: u8, value: &[u8]) -> bool {
    match tag {
        // UTF8String
        0x0c => std::str::from_utf8(value).is_ok(),
        // NumericString
        0x12 => value.iter().all(|b| b.is_ascii_digit() || *b == b' '),
        // PrintableString, including the asterisk and the ampersand, which Go permits.
        0x13 => value
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(b)),
        // T61String, which is read as Latin-1
        0x14 => true,
        // IA5String
        0x16 => is_ia5(value),
        // BMPString
        0x1e => {
            let text = value.strip_suffix(&[0, 0]).unwrap_or(value);
            let (points, rest) = text.as_chunks::<2>();
            rest.is_empty()
                && !points
                    .iter()
                    .any(|p| matches!(u16::from_be_bytes(*p), 0xfffe | 0xffff | 0xfdd0..=0xfdef | 0xd800..=0xdfff))
        }
        _ => false,
    }
}

/// `parsePublicKey`. Kinds that Go does not know are judged by the code for key usages.
fn public_key(mut info: Strict<'_>) -> Checked {
    let (identifier, parameters) = need(algorithm(need(info.read(SEQUENCE))?))?;
    let key = need(info.bits())?;
    match identifier {
        RSA => rsa_key(parameters, key),
        EC => {
            let Some(curve) = Strict(parameters).identifier() else {
                return Err(GoReads::CurveParameters);
            };
            let length = match curve {
                P224 => 28,
                P256 => 32,
                P384 => 48,
                P521 => 66,
                _ => return Err(GoReads::Curve),
            };
            let uncompressed = key.first() == Some(&4) && key.len() == 1 + 2 * length;
            if uncompressed { Ok(()) } else { Err(GoReads::Point) }
        }
        ED25519 if !parameters.is_empty() || key.len() != 32 => Err(GoReads::Ed25519Key),
        _ => Ok(()),
    }
}

fn rsa_key(parameters: &[u8], key: &[u8]) -> Checked {
    if parameters != [5, 0] {
        return Err(GoReads::RsaKey);
    }
    let mut numbers = Strict(key).read(SEQUENCE).ok_or(GoReads::RsaKey)?;
    let mut positive = || {
        let number = numbers.read(INTEGER)?.0;
        let positive = minimal(number) && number.first().is_some_and(|b| b & 0x80 == 0) && number != [0];
        positive.then_some(number)
    };
    let (Some(_), Some(exponent)) = (positive(), positive()) else {
        return Err(GoReads::RsaKey);
    };
    // It has to fit into 64 bits here, and into 31 bits where a signature is verified (`crypto/rsa`, `checkPublicKey`).
    let value = exponent.iter().try_fold(0u64, |value, byte| {
        (value >> 56 == 0).then_some((value << 8) | u64::from(*byte))
    });
    if value.is_none_or(|value| value > (1 << 31) - 1) {
        return Err(GoReads::RsaExponent);
    }
    Ok(())
}

fn extensions(mut list: Strict<'_>) -> Checked {
    let mut seen = Identifiers::default();
    while !list.0.is_empty() {
        let mut parts = need(list.read(SEQUENCE))?;
        let identifier = need(parts.identifier())?;
        let critical = match parts.0.first() {
            Some(&BOOLEAN) => need(parts.boolean())?,
            _ => false,
        };
        let value = need(parts.read(OCTETS))?;
        if !seen.insert(identifier) {
            return Err(GoReads::TwiceExtension);
        }
        extension(identifier, critical, value)?;
    }
    Ok(())
}

/// The identifiers that have been seen. Nearly every certificate has a dozen extensions, which are compared one by one.
/// A hostile one has tens of thousands, which are looked up in a set.
#[derive(Default)]
struct Identifiers<'a> {
    few: Vec<&'a [u8]>,
    many: HashSet<&'a [u8]>,
}

impl<'a> Identifiers<'a> {
    /// The largest number that is compared one by one.
    const FEW: usize = 32;

    /// Adds an identifier. Returns whether it is new.
    fn insert(&mut self, identifier: &'a [u8]) -> bool {
        if self.few.contains(&identifier) {
            return false;
        }
        if self.few.len() < Self::FEW {
            self.few.push(identifier);
            return true;
        }
        self.many.insert(identifier)
    }
}

/// `processExtensions`.
fn extension(identifier: &[u8], critical: bool, mut value: Strict<'_>) -> Checked {
    let formed = |found: Option<()>| found.ok_or(GoReads::Extension);
    match identifier {
        // subjectKeyIdentifier, authorityKeyIdentifier, authorityInfoAccess
        [0x55, 0x1d, 14 | 35] | AUTHORITY_ACCESS if critical => Err(GoReads::CriticalExtension),
        [0x55, 0x1d, 14] => formed(value.read(OCTETS).map(|_| ())),
        [0x55, 0x1d, 35] => formed(value.read(SEQUENCE).and_then(|mut id| match id.0.first() {
            Some(0x80) => id.read(0x80).map(|_| ()),
            _ => Some(()),
        })),
        AUTHORITY_ACCESS => formed(each(value, |access| {
            access.identifier()?;
            match access.0.first() {
                Some(0x86) => access.read(0x86).map(|_| ()),
                _ => Some(()),
            }
        })),
        // keyUsage
        [0x55, 0x1d, 15] => formed(value.bits().map(|_| ())),
        // basicConstraints
        [0x55, 0x1d, 19] => formed(basic_constraints(value)),
        // subjectAltName
        [0x55, 0x1d, 17] => alternatives(value),
        // nameConstraints
        [0x55, 0x1d, 30] => constraints(value).ok_or(GoReads::Constraints),
        // cRLDistributionPoints
        [0x55, 0x1d, 31] => formed(each(value, |point| {
            let Some(mut place) = point.optional(0xa0)? else {
                return Some(());
            };
            let mut full = place.read(0xa0)?;
            while full.0.first() == Some(&0x86) {
                full.read(0x86)?;
            }
            Some(())
        })),
        // certificatePolicies
        [0x55, 0x1d, 32] => {
            let mut seen = Identifiers::default();
            formed(each_of(value, |mut policy| {
                let identifier = policy.read(0x06).filter(|id| !id.0.is_empty())?.0;
                seen.insert(identifier).then_some(())
            }))
        }
        // policyMappings
        [0x55, 0x1d, 33] => formed(each(value, |pair| pair.read(0x06).and(pair.read(0x06)).map(|_| ()))),
        // policyConstraints
        [0x55, 0x1d, 36] => formed(value.read(SEQUENCE).map(|_| ())),
        // extKeyUsage
        [0x55, 0x1d, 37] => formed(value.read(SEQUENCE).and_then(|mut purposes| {
            while !purposes.0.is_empty() {
                purposes.identifier()?;
            }
            Some(())
        })),
        // inhibitAnyPolicy
        [0x55, 0x1d, 54] => formed(value.read(INTEGER).filter(|n| minimal(n.0)).map(|_| ())),
        _ => Ok(()),
    }
}

fn basic_constraints(mut value: Strict<'_>) -> Option<()> {
    let mut fields = value.read(SEQUENCE)?;
    if fields.0.first() == Some(&BOOLEAN) {
        fields.boolean()?;
    }
    if fields.0.first() == Some(&INTEGER) {
        let length = fields.read(INTEGER)?.0;
        if !minimal(length) || length.first()? & 0x80 != 0 || length.len() > 8 {
            return None;
        }
    }
    Some(())
}

/// Whether `passes` is successful for each SEQUENCE of a SEQUENCE.
fn each<'a>(value: Strict<'a>, mut passes: impl FnMut(&mut Strict<'a>) -> Option<()>) -> Option<()> {
    each_of(value, |mut one| passes(&mut one))
}

fn each_of<'a>(mut value: Strict<'a>, mut passes: impl FnMut(Strict<'a>) -> Option<()>) -> Option<()> {
    let mut list = value.read(SEQUENCE)?;
    while !list.0.is_empty() {
        passes(list.read(SEQUENCE)?)?;
    }
    Some(())
}

/// `parseSANExtension`.
fn alternatives(mut value: Strict<'_>) -> Checked {
    let mut names = value.read(SEQUENCE).ok_or(GoReads::Alternative)?;
    while !names.0.is_empty() {
        let (tag, value) = names.any().ok_or(GoReads::Alternative)?;
        let good = match tag ^ 0x80 {
            1 | 2 => is_ia5(value.0),
            6 => is_ia5(value.0) && is_uri(value.0),
            7 => matches!(value.0.len(), 4 | 16),
            _ => true,
        };
        if !good {
            return Err(GoReads::Alternative);
        }
    }
    Ok(())
}

/// An approximation of `url.Parse`, which rejects control characters, percent signs without two digits, and hosts with
/// an empty label or invalid characters.
fn is_uri(text: &[u8]) -> bool {
    let control = text.iter().any(|b| *b < 0x20 || *b == 0x7f);
    let mut escapes = text.split(|b| *b == b'%').skip(1);
    let whole = escapes.all(|rest| rest.iter().take(2).filter(|b| b.is_ascii_hexdigit()).count() == 2);
    let after_scheme = text.windows(3).position(|w| w == b"://").map(|at| &text[at + 3..]);
    let host = after_scheme.map(|rest| {
        let end = rest.iter().position(|b| b"/?#".contains(b)).unwrap_or(rest.len());
        let from = rest[..end].iter().rposition(|b| *b == b'@').map_or(0, |at| at + 1);
        &rest[from..end]
    });
    !control && whole && host.is_none_or(|host| host.is_empty() || is_domain(host, false))
}

/// `domainNameValid`.
fn is_domain(name: &[u8], constraint: bool) -> bool {
    if name.is_empty() {
        return true;
    }
    let name = if constraint {
        name.strip_prefix(b".").unwrap_or(name)
    } else {
        name
    };
    name.split(|b| *b == b'.')
        .all(|label| !label.is_empty() && label.iter().all(|b| (33..=126).contains(b)))
}

/// `parseNameConstraintsExtension`.
fn constraints(mut value: Strict<'_>) -> Option<()> {
    let mut both = value.read(SEQUENCE)?;
    let permitted = both.optional(0xa0)?;
    let excluded = both.optional(0xa1)?;
    let all = [permitted, excluded];
    let empty = all.iter().flatten().all(|subtrees| subtrees.0.is_empty());
    if empty || !both.0.is_empty() || !value.0.is_empty() {
        return None;
    }
    for mut subtrees in all.into_iter().flatten() {
        while !subtrees.0.is_empty() {
            let (tag, base) = subtrees.read(SEQUENCE)?.any()?;
            let base = base.0;
            let good = match tag {
                0x81 | 0x86 => is_ia5(base) && is_domain(base.rsplit(|b| *b == b'@').next()?, true),
                0x82 => is_ia5(base) && is_domain(base, true),
                0x87 if matches!(base.len(), 8 | 32) => is_mask(&base[base.len() / 2..]),
                0x87 => false,
                _ => true,
            };
            good.then_some(())?;
        }
    }
    Some(())
}

/// Whether a mask consists of ones followed by zeros.
fn is_mask(mask: &[u8]) -> bool {
    let ones: u32 = mask.iter().map(|b| b.leading_ones()).sum();
    let first = mask.iter().position(|b| *b != 0xff).unwrap_or(mask.len());
    let total: u32 = mask.iter().map(|b| b.count_ones()).sum();
    ones == total && mask[first..].iter().skip(1).all(|b| *b == 0)
}

#[cfg(test)]
mod tests;
