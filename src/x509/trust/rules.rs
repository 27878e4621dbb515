//! Requirements of clients for the certificates of a path that webpki does not check, with the clients that have them.
//!
//! Go 1.26: `crypto/x509/parser.go` (processExtensions, parseNameConstraintsExtension, parseAuthorityKeyIdentifier),
//! `verify.go` (isValid, checkChainForKeyUsage) and `x509.go` (`CheckSignatureFrom`). Go ignores a certificate that it
//! cannot parse. OpenSSL 3.0: `crypto/x509/v3_purp.c` (`ossl_x509v3_cache_extensions`, `X509_supported_extension`,
//! `check_ca`, `check_purpose_ssl_server`, `X509_check_akid`) and `x509_vfy.c` (`check_extensions`). Both apply them to
//! roots too.

use super::Clients;
use crate::x509::{
    certificate::name_of,
    der::{BIT_STRING, BOOLEAN, DerReader, Extension, INTEGER, OCTET_STRING, OID, Outline, SEQUENCE, context},
};

const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 14];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 15];
const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 17];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 35];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 37];
const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];

/// The extensions that both accept as critical: key usage, names, basic constraints, name constraints, CRL distribution
/// points, policies, policy mappings, policy constraints, extended key usage, inhibitAnyPolicy. For name constraints,
/// see [`name_constraints`].
const KNOWN: [&[u8]; 10] = [
    KEY_USAGE,
    SUBJECT_ALT_NAME,
    BASIC_CONSTRAINTS,
    NAME_CONSTRAINTS,
    &[0x55, 0x1d, 31],
    &[0x55, 0x1d, 32],
    &[0x55, 0x1d, 33],
    &[0x55, 0x1d, 36],
    EXTENDED_KEY_USAGE,
    &[0x55, 0x1d, 54],
];

/// The extensions that only OpenSSL accepts as critical: Netscape's certificate type, RFC 3779's two, OCSP no check,
/// proxy certificates.
const KNOWN_TO_OPENSSL: [&[u8]; 5] = [
    &[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 1, 1],
    &[0x2b, 6, 1, 5, 5, 7, 1, 7],
    &[0x2b, 6, 1, 5, 5, 7, 1, 8],
    &[0x2b, 6, 1, 5, 5, 7, 48, 1, 5],
    &[0x2b, 6, 1, 5, 5, 7, 1, 14],
];

const ANY_USAGE: &[u8] = &[0x55, 0x1d, 37, 0];
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
/// Predecessors of serverAuth, by Netscape and Microsoft, which OpenSSL accepts instead of it.
const SERVER_GATED: [&[u8]; 2] = [
    &[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 4, 1],
    &[0x2b, 6, 1, 4, 1, 0x82, 0x37, 10, 3, 3],
];

/// The bit of keyCertSign in the first byte of a key usage.
const KEY_CERT_SIGN: u8 = 0x04;

/// The role of a certificate on a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Leaf,
    Issuer,
    Root,
}

/// Why Go and OpenSSL refuse something: the rest of a sentence after its subject.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Flaws {
    pub(super) go: Option<&'static str>,
    pub(super) openssl: Option<&'static str>,
}

impl Flaws {
    fn add(&mut self, by: Clients, why: &'static str) {
        if by != Clients::OpenSsl {
            self.go.get_or_insert(why);
        }
        if by != Clients::Go {
            self.openssl.get_or_insert(why);
        }
    }

    /// How many of the two refuse it.
    pub(super) fn count(&self) -> u8 {
        u8::from(self.go.is_some()) + u8::from(self.openssl.is_some())
    }
}

/// The flaws of one certificate of a path.
pub(super) fn flaws(outline: &Outline<'_>, role: Role) -> Flaws {
    let mut flaws = Flaws::default();
    for extension in outline.extensions() {
        criticality(&extension, &mut flaws);
        let value = extension.value.value;
        match extension.oid {
            SUBJECT_KEY_ID if DerReader::new(value).expect(OCTET_STRING).is_none() => {
                flaws.add(Clients::All, "has a broken subject key identifier");
            }
            AUTHORITY_KEY_ID if DerReader::new(value).expect(SEQUENCE).is_none() => {
                flaws.add(Clients::All, "has a broken authority key identifier");
            }
            AUTHORITY_INFO_ACCESS if !is_access(value) => {
                flaws.add(Clients::Go, "has a broken authority information access");
            }
            NAME_CONSTRAINTS => name_constraints(&extension, &mut flaws),
            KEY_USAGE if role != Role::Leaf => key_usage(value, &mut flaws),
            EXTENDED_KEY_USAGE if role != Role::Leaf => extended_key_usage(value, &mut flaws),
            _ => {}
        }
    }
    // OpenSSL does not regard it as a root then.
    if role == Role::Root && names_another(outline, outline) {
        flaws.add(
            Clients::OpenSsl,
            "names an issuer other than itself (authority key identifier)",
        );
    }
    flaws
}

fn criticality(extension: &Extension<'_>, flaws: &mut Flaws) {
    if !extension.is_critical() || KNOWN.contains(&extension.oid) {
        return;
    }
    let why = match extension.oid {
        SUBJECT_KEY_ID => "marks its subject key identifier as critical, which clients do not accept",
        AUTHORITY_KEY_ID => "marks its authority key identifier as critical, which clients do not accept",
        AUTHORITY_INFO_ACCESS => "marks its authority information access as critical, which clients do not accept",
        _ => "has a critical extension that clients do not know",
    };
    let by = if KNOWN_TO_OPENSSL.contains(&extension.oid) {
        Clients::Go
    } else {
        Clients::All
    };
    flaws.add(by, why);
}

/// Whether it is an `AuthorityInfoAccessSyntax` (RFC 5280, section 4.2.2.1), as far as Go reads it.
fn is_access(value: &[u8]) -> bool {
    let Some(list) = DerReader::new(value).expect(SEQUENCE) else {
        return false;
    };
    let mut list = list.inside();
    while !list.is_empty() {
        let Some(mut description) = list.expect(SEQUENCE).map(|d| d.inside()) else {
            return false;
        };
        if description.expect(OID).is_none_or(|method| method.value.is_empty()) {
            return false;
        }
    }
    true
}

/// Checks name constraints (RFC 5280, section 4.2.1.10). Go requires at least one subtree, and only knows dNSName,
/// rfc822Name, uniformResourceIdentifier and iPAddress: if the extension is critical, it refuses other kinds of names.
fn name_constraints(extension: &Extension<'_>, flaws: &mut Flaws) {
    let Some(both) = DerReader::new(extension.value.value).expect(SEQUENCE) else {
        return flaws.add(Clients::All, "has broken name constraints");
    };
    let mut both = both.inside();
    let (mut any, mut foreign) = (false, false);
    for kind in [0, 1] {
        let Some(subtrees) = both.expect(context(kind)) else {
            continue;
        };
        let mut subtrees = subtrees.inside();
        while let Some(subtree) = subtrees.next() {
            any = true;
            let tag = subtree.inside().next().map(|base| base.tag);
            foreign |= !matches!(tag, Some(0x81 | 0x82 | 0x86 | 0x87));
        }
    }
    if !any {
        flaws.add(Clients::Go, "has name constraints that name nothing");
    } else if foreign && extension.is_critical() {
        flaws.add(Clients::Go, "constrains kinds of names that Go does not know");
    }
}

/// Checks the key usage (RFC 5280, section 4.2.1.3). Go treats an empty one as absent.
fn key_usage(value: &[u8], flaws: &mut Flaws) {
    let bits = DerReader::new(value).expect(BIT_STRING).map(|bits| bits.value);
    match bits.and_then(<[u8]>::split_first) {
        None => flaws.add(Clients::All, "has a broken key usage"),
        Some((_, used)) if used.iter().all(|byte| *byte == 0) => {
            flaws.add(Clients::OpenSsl, "has a key usage that allows nothing");
        }
        Some((_, used)) if used[0] & KEY_CERT_SIGN == 0 => {
            flaws.add(
                Clients::All,
                "may not sign certificates (key usage without keyCertSign)",
            );
        }
        Some(_) => {}
    }
}

/// Checks the extended key usage (RFC 5280, section 4.2.1.12): without the extension, every usage is permitted. OpenSSL
/// does not accept anyExtendedKeyUsage instead of serverAuth.
fn extended_key_usage(value: &[u8], flaws: &mut Flaws) {
    let Some(list) = DerReader::new(value).expect(SEQUENCE) else {
        return flaws.add(Clients::All, "has a broken extended key usage");
    };
    let (mut any, mut server, mut gated) = (false, false, false);
    let mut purposes = list.inside();
    while let Some(purpose) = purposes.expect(OID) {
        any |= purpose.value == ANY_USAGE;
        server |= purpose.value == SERVER_AUTH;
        gated |= SERVER_GATED.contains(&purpose.value);
    }
    let why = "is not for TLS servers (extended key usage)";
    if !any && !server {
        flaws.add(Clients::Go, why);
    }
    if !server && !gated {
        flaws.add(Clients::OpenSsl, why);
    }
}

/// How many intermediates a CA permits below it (pathLenConstraint); `None` if it sets no limit.
pub(super) fn path_length(outline: &Outline<'_>) -> Option<usize> {
    let mut fields = outline
        .extension(BASIC_CONSTRAINTS)?
        .inside()
        .expect(SEQUENCE)?
        .inside();
    let _ca = fields.expect(BOOLEAN);
    let length = fields.expect(INTEGER)?.value;
    // A number of more than a few bytes, or a negative one, limits nothing that could be reached.
    (length.len() <= 4 && length.first().is_some_and(|first| *first < 0x80))
        .then(|| length.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)))
}

/// Whether the authority key identifier of `child` identifies its issuer by more than a key identifier.
pub(super) fn names_issuer(child: &Outline<'_>) -> bool {
    let fields = child
        .extension(AUTHORITY_KEY_ID)
        .and_then(|e| e.inside().expect(SEQUENCE));
    fields.is_some_and(|fields| {
        let mut fields = fields.inside();
        std::iter::from_fn(|| fields.next()).any(|field| matches!(field.tag, 0x82 | 0xa1))
    })
}

/// Whether the authority key identifier of `child` names a certificate other than `issuer`, by serial number or by the
/// name of its issuer. OpenSSL searches for another issuer then. Key identifiers are compared elsewhere.
pub(super) fn names_another(child: &Outline<'_>, issuer: &Outline<'_>) -> bool {
    let Some(fields) = child
        .extension(AUTHORITY_KEY_ID)
        .and_then(|e| e.inside().expect(SEQUENCE))
    else {
        return false;
    };
    let mut fields = fields.inside();
    while let Some(field) = fields.next() {
        let another = match field.tag {
            // authorityCertSerialNumber [2]
            0x82 => field.value != issuer.serial,
            // authorityCertIssuer [1]: the first directoryName [4] among its names.
            0xa1 => directory_name(field.inside()).is_some_and(|name| !same_name(name, issuer.issuer)),
            _ => false,
        };
        if another {
            return true;
        }
    }
    false
}

fn directory_name(mut names: DerReader<'_>) -> Option<&[u8]> {
    while let Some(name) = names.next() {
        if name.tag == context(4) {
            return Some(name.inside().expect(SEQUENCE)?.value);
        }
    }
    None
}

/// Compares names as OpenSSL does, regardless of case, spaces and the type of string.
fn same_name(a: &[u8], b: &[u8]) -> bool {
    let plain = |name: &[u8]| -> String {
        // Without the backslashes that escape a space at either end.
        let text = name_of(name).full.to_lowercase().replace('\\', "");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    a == b || plain(a) == plain(b)
}
