//! Key identifiers, and where the certificate of the issuer can be fetched. The search for a path needs them; most are
//! not kept.

use x509_parser::{
    extensions::{AuthorityInfoAccess, GeneralName},
    prelude::FromDer,
};

use crate::{
    object::Text,
    x509::der::{OCTET_STRING, Outline, SEQUENCE},
};

pub(super) const SUBJECT_KEY_ID: &[u8] = &[0x55, 0x1d, 14];
pub(super) const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 35];
const AUTHORITY_INFO_ACCESS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 1];
const CA_ISSUERS: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 48, 2];
/// `keyIdentifier [0]` of an authorityKeyIdentifier.
const KEY_IDENTIFIER: u8 = 0x80;

/// The subjectKeyIdentifier.
pub(crate) fn subject_key_id<'a>(outline: &Outline<'a>) -> Option<&'a [u8]> {
    let id = outline.extension(SUBJECT_KEY_ID)?.inside().expect(OCTET_STRING)?;
    Some(id.value)
}

/// The keyIdentifier of authorityKeyIdentifier.
pub(crate) fn authority_key_id<'a>(outline: &Outline<'a>) -> Option<&'a [u8]> {
    let parts = outline.extension(AUTHORITY_KEY_ID)?.inside().expect(SEQUENCE)?;
    Some(parts.inside().expect(KEY_IDENTIFIER)?.value)
}

/// The first http URL from which the certificate of its issuer can be fetched (authorityInfoAccess, caIssuers).
pub(crate) fn issuer_url(outline: &Outline<'_>) -> Option<Text> {
    let value = outline.extension(AUTHORITY_INFO_ACCESS)?.value;
    let (_, access) = AuthorityInfoAccess::from_der(value).ok()?;
    access
        .iter()
        .find_map(|description| match &description.access_location {
            GeneralName::URI(url) if description.access_method.as_bytes() == CA_ISSUERS && is_http(url) => {
                Some(Text::from(*url))
            }
            _ => None,
        })
}

fn is_http(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|s| s.eq_ignore_ascii_case("http") || s.eq_ignore_ascii_case("https"))
}
