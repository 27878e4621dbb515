//! Distinguished names as text (RFC 4514) for people to read. Control characters are left for the code that writes them
//! to clear.

use std::{borrow::Cow, fmt::Write, sync::Arc};

use super::{Name, San};
use crate::x509::der::{DerReader, Element, OID, SEQUENCE, SET};

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
/// The string types in which ASCII is encoded as itself: `UTF8String`, `PrintableString`, `IA5String`.
const PLAIN_STRINGS: &[u8] = &[0x0c, 0x13, 0x16];

/// The short names of attribute types, by the content bytes of their OIDs (RFC 4514, section 3, and the names that
/// OpenSSL shows).
const TYPES: &[(&[u8], &str)] = &[
    (COMMON_NAME, "CN"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 9], "STREET"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 17], "postalCode"),
    (&[0x55, 4, 12], "title"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 42], "GN"),
    (&[0x55, 4, 15], "businessCategory"),
    (&[0x55, 4, 97], "organizationIdentifier"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "emailAddress"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1], "UID"),
];

/// Formats the name with the DER content `content` (without the outer SEQUENCE) as `CN=...,O=...`, beginning with the
/// last RDN. Its short form is its last common name, otherwise its organisation, otherwise the whole name.
pub(crate) fn name_of(content: &[u8]) -> Name {
    let mut rdns = Vec::new();
    let (mut common, mut organisation) = (None, None);
    let mut reader = DerReader::new(content);
    while let Some(rdn) = reader.expect(SET) {
        let mut text = String::new();
        let mut attributes = rdn.inside();
        while let Some((kind, value)) = attributes.expect(SEQUENCE).and_then(|a| attribute(a.inside())) {
            if !text.is_empty() {
                text.push('+');
            }
            match kind.as_ref() {
                "CN" => common = Some(value.clone()),
                "O" => organisation = Some(value.clone()),
                _ => {}
            }
            text.push_str(&kind);
            text.push('=');
            escape_into(&value, &mut text);
        }
        rdns.push(text);
    }
    rdns.reverse();
    let full: Arc<str> = rdns.join(",").into();
    let common: Option<Arc<str>> = common.map(Into::into);
    let short = match common.clone().or(organisation.map(Into::into)) {
        Some(short) if !short.is_empty() => short,
        _ => full.clone(),
    };
    Name { full, short, common }
}

/// Whether the DER content of a name is only a common name that equals the first of `names`, in letters that need no
/// escape.
pub(super) fn is_first_name(content: &[u8], names: &[San]) -> bool {
    let Some(San::Dns(first)) = names.first() else {
        return false;
    };
    let alone = only(DerReader::new(content), SET).and_then(|rdn| only(rdn.inside(), SEQUENCE));
    let Some(mut attribute) = alone.map(|attribute| attribute.inside()) else {
        return false;
    };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._*".contains(byte);
    attribute.expect(OID).is_some_and(|oid| oid.value == COMMON_NAME)
        && attribute.next().is_some_and(|value| {
            let same = value.value == first.as_bytes() && value.value.iter().all(plain);
            same && PLAIN_STRINGS.contains(&value.tag)
        })
}

/// The only element that a reader has left, with this tag.
fn only(mut reader: DerReader<'_>, tag: u8) -> Option<Element<'_>> {
    reader.expect(tag).filter(|_| reader.is_empty())
}

/// The type and value of one attribute.
fn attribute(mut parts: DerReader<'_>) -> Option<(Cow<'static, str>, String)> {
    let oid = parts.expect(OID)?.value;
    let value = parts.next()?;
    let kind = TYPES
        .iter()
        .find(|(known, _)| *known == oid)
        .map_or_else(|| Cow::Owned(dotted(oid)), |(_, name)| Cow::Borrowed(*name));
    Some((kind, decoded(value.tag, value.value)))
}

/// Decodes a string of any ASN.1 string type. What cannot be decoded becomes U+FFFD.
fn decoded(tag: u8, bytes: &[u8]) -> String {
    match tag {
        // BMPString: UTF-16, big-endian.
        0x1e => {
            let units = bytes.chunks(2).map(|c| match c {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0xfffd,
            });
            char::decode_utf16(units)
                .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        // UniversalString: UTF-32, big-endian.
        0x1c => bytes
            .chunks(4)
            .map(|c| {
                <[u8; 4]>::try_from(c)
                    .ok()
                    .and_then(|four| char::from_u32(u32::from_be_bytes(four)))
                    .unwrap_or(char::REPLACEMENT_CHARACTER)
            })
            .collect(),
        // TeletexString: in practice Latin-1 if it is not UTF-8.
        0x14 => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
        },
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Escapes a value according to RFC 4514, section 2.4, except for NUL and other control characters.
fn escape_into(value: &str, out: &mut String) {
    let last = value.len().saturating_sub(1);
    for (i, c) in value.char_indices() {
        let special = matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';');
        if special || (i == 0 && matches!(c, ' ' | '#')) || (i == last && c == ' ') {
            out.push('\\');
        }
        out.push(c);
    }
}

/// The dotted form of an OID from its content bytes.
pub(super) fn dotted(oid: &[u8]) -> String {
    let mut text = String::new();
    let mut arc = 0u128;
    let mut first = true;
    for byte in oid {
        arc = (arc.wrapping_shl(7)) | u128::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if first {
                let top = (arc / 40).min(2);
                let _ = write!(text, "{top}.{}", arc - top * 40);
                first = false;
            } else {
                let _ = write!(text, ".{arc}");
            }
            arc = 0;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
        let mut der = vec![tag, u8::try_from(value.len()).expect("short")];
        der.extend_from_slice(value);
        der
    }

    fn rdn(oid: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
        tlv(SET, &tlv(SEQUENCE, &[tlv(OID, oid), tlv(tag, value)].concat()))
    }

    #[test]
    fn names_read_from_the_most_specific_part_and_are_escaped() {
        let content = [
            rdn(&[0x55, 4, 6], 0x13, b"DE"),
            rdn(&[0x55, 4, 10], 0x0c, b"A, B+C"),
            rdn(&[0x55, 4, 3], 0x0c, b"#x\x1b[31m "),
        ]
        .concat();
        let name = name_of(&content);
        assert_eq!(&*name.full, "CN=\\#x\x1b[31m\\ ,O=A\\, B\\+C,C=DE");
        assert_eq!(&*name.short, "#x\x1b[31m ");
        assert_eq!(&*name_of(&rdn(&[0x55, 4, 10], 0x0c, b"Org")).short, "Org");
        assert_eq!(&*name_of(&rdn(&[0x55, 4, 6], 0x0c, b"DE")).short, "C=DE");
        assert_eq!(&*name_of(&[]).full, "");
    }

    #[test]
    fn old_string_types_and_unknown_attributes_are_shown() {
        assert_eq!(
            &*name_of(&rdn(&[0x55, 4, 3], 0x1e, &[0, b'M', 0, 0xfc])).full,
            "CN=M\u{fc}"
        );
        assert_eq!(&*name_of(&rdn(&[0x55, 4, 3], 0x14, &[b'M', 0xfc])).full, "CN=M\u{fc}");
        assert_eq!(
            &*name_of(&rdn(&[0x55, 4, 3], 0x1c, &[0, 0, 0, b'x', 1])).full,
            "CN=x\u{fffd}"
        );
        assert_eq!(
            &*name_of(&rdn(&[0x2b, 6, 1, 4, 1, 0x82, 0x37], 0x0c, b"v")).full,
            "1.3.6.1.4.1.311=v"
        );
    }

    #[test]
    fn a_first_name_is_what_the_whole_name_says() {
        let names = [San::Dns("a.example".into()), San::Dns("b.example".into())];
        let cn = |tag, value: &[u8]| rdn(&[0x55, 4, 3], tag, value);
        for (content, expected) in [
            (cn(0x0c, b"a.example"), true),
            (cn(0x13, b"a.example"), true),
            (cn(0x1e, b"a.example"), false),
            (cn(0x0c, b"A.example"), false),
            (cn(0x0c, b"b.example"), false),
            (rdn(&[0x55, 4, 10], 0x0c, b"a.example"), false),
            ([cn(0x0c, b"a.example"), cn(0x0c, b"a.example")].concat(), false),
            (Vec::new(), false),
        ] {
            assert_eq!(is_first_name(&content, &names), expected, "{content:02x?}");
            if expected {
                assert_eq!(
                    name_of(&content),
                    Name::new("CN=a.example", "a.example", Some("a.example"))
                );
            }
        }
        let odd = [San::Dns("a,b".into())];
        assert!(!is_first_name(&cn(0x0c, b"a,b"), &odd), "it would be escaped");
    }

    proptest::proptest! {
        #[test]
        fn random_bytes_never_panic(bytes: Vec<u8>) {
            let _ = (name_of(&bytes), is_first_name(&bytes, &[San::Dns("a".into())]), dotted(&bytes));
        }
    }
}
