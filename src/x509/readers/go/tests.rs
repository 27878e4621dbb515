use rcgen::CustomExtension;

use super::*;
use crate::x509::testing::{Authority, patch, tlv};

fn with_extension(oid: &[u64], content: Vec<u8>, critical: bool) -> Vec<u8> {
    let mut extension = CustomExtension::from_oid_content(oid, content);
    extension.set_criticality(critical);
    Authority::root("Root")
        .leaf_with("shop.example", |p| {
            p.use_authority_key_identifier_extension = false;
            p.subject_alt_names.clear();
            p.custom_extensions = vec![extension];
        })
        .der
}

#[test]
fn usual_certificates_are_parsed() {
    let root = Authority::root("Root");
    for der in [root.der(), root.sub("Sub").der(), root.leaf("shop.example").der] {
        assert_eq!(reads(&der), GoReads::Yes);
    }
}

#[test]
fn each_extension_has_its_form() {
    let sequence = |content: &[u8]| tlv(0x30, content);
    for (oid, content, critical, expected) in [
        // subjectKeyIdentifier
        (&[2, 5, 29, 14][..], tlv(4, &[1]), true, GoReads::CriticalExtension),
        (&[2, 5, 29, 14], tlv(3, &[1]), false, GoReads::Extension),
        (&[2, 5, 29, 14], tlv(4, &[1]), false, GoReads::Yes),
        // authorityKeyIdentifier
        (
            &[2, 5, 29, 35],
            sequence(&tlv(0x80, &[1])),
            true,
            GoReads::CriticalExtension,
        ),
        (&[2, 5, 29, 35], tlv(4, &[1]), false, GoReads::Extension),
        // keyUsage: unused bits that are set
        (&[2, 5, 29, 15], tlv(3, &[7, 0x80]), false, GoReads::Yes),
        (&[2, 5, 29, 15], tlv(3, &[7, 0x81]), false, GoReads::Extension),
        // basicConstraints: a BOOLEAN of BER, a negative path length
        (&[2, 5, 29, 19], sequence(&tlv(1, &[1])), false, GoReads::Extension),
        (
            &[2, 5, 29, 19],
            sequence(&[tlv(1, &[255]), tlv(2, &[255])].concat()),
            false,
            GoReads::Extension,
        ),
        (&[2, 5, 29, 19], sequence(&[]), false, GoReads::Yes),
        // subjectAltName
        (
            &[2, 5, 29, 17],
            sequence(&tlv(0x82, "sh\u{f6}p.example".as_bytes())),
            false,
            GoReads::Alternative,
        ),
        (
            &[2, 5, 29, 17],
            sequence(&tlv(0x87, &[1, 2, 3])),
            false,
            GoReads::Alternative,
        ),
        (
            &[2, 5, 29, 17],
            sequence(&tlv(0x86, b"spiffe://a..b/x")),
            false,
            GoReads::Alternative,
        ),
        (
            &[2, 5, 29, 17],
            sequence(&tlv(0x86, b"spiffe://cluster.local/ns/x")),
            false,
            GoReads::Yes,
        ),
        (
            &[2, 5, 29, 17],
            sequence(&tlv(0x82, b"*.shop.example")),
            false,
            GoReads::Yes,
        ),
        // nameConstraints
        (&[2, 5, 29, 30], sequence(&[]), true, GoReads::Constraints),
        (
            &[2, 5, 29, 30],
            sequence(&tlv(0xa0, &sequence(&tlv(0x87, &[10, 0, 0, 0, 255, 0, 255, 0])))),
            true,
            GoReads::Constraints,
        ),
        (
            &[2, 5, 29, 30],
            sequence(&tlv(0xa0, &sequence(&tlv(0x82, b"shop.example")))),
            true,
            GoReads::Yes,
        ),
        // certificatePolicies: one of them twice
        (
            &[2, 5, 29, 32],
            sequence(&sequence(&tlv(6, &[0x2a, 3])).repeat(2)),
            false,
            GoReads::Extension,
        ),
        (&[2, 5, 29, 37], sequence(&tlv(4, &[1])), false, GoReads::Extension),
        // authorityInfoAccess
        (
            &[1, 3, 6, 1, 5, 5, 7, 1, 1],
            sequence(&sequence(&tlv(4, &[1]))),
            false,
            GoReads::Extension,
        ),
        (
            &[1, 3, 6, 1, 5, 5, 7, 1, 1],
            sequence(&[]),
            true,
            GoReads::CriticalExtension,
        ),
    ] {
        assert_eq!(
            reads(&with_extension(oid, content, critical)),
            expected,
            "{oid:?} {critical}"
        );
    }
}

#[test]
fn of_very_many_identifiers_each_is_still_taken_once() {
    // 2.999.N, with two equal ones at the end of a long list.
    let identifier = |n: u32| {
        let digits = [16, 8, 0].map(|shift| u8::try_from((n >> shift) & 0x7f).expect("7 bits") | 0x80);
        tlv(0x06, &[&[0x88, 0x37][..], &digits, &[1]].concat())
    };
    for count in [3, 40, 5_000] {
        let mut policies: Vec<Vec<u8>> = (0..count)
            .map(|n| tlv(0x30, &identifier((n << 9) & 0x7f_0000 | (n & 0x7f))))
            .collect();
        policies.sort();
        policies.dedup();
        let value = |policies: &[Vec<u8>]| tlv(0x30, &policies.concat());
        assert_eq!(extensions_of(&value(&policies)), GoReads::Yes, "{count}");
        policies.push(policies[1].clone());
        assert_eq!(extensions_of(&value(&policies)), GoReads::Extension, "{count}");
    }
    let all: Vec<[u8; 2]> = (0..2_000u16).map(u16::to_be_bytes).collect();
    let mut seen = Identifiers::default();
    assert!(all.iter().all(|one| seen.insert(one)));
    assert!(!all.iter().any(|one| seen.insert(one)));
}

/// How Go reads the policies of a certificate.
fn extensions_of(policies: &[u8]) -> GoReads {
    let parts = [tlv(0x06, &[0x55, 0x1d, 32]), tlv(0x04, policies)].concat();
    match extensions(Strict(&tlv(0x30, &parts))) {
        Ok(()) => GoReads::Yes,
        Err(why) => why,
    }
}

#[test]
fn names_and_encodings_are_strict() {
    let root = Authority::root("Root");
    let leaf = root
        .leaf_with("shop.example", |p| {
            p.distinguished_name.push(
                rcgen::DnType::OrganizationName,
                rcgen::DnValue::PrintableString("Us and Them".try_into().expect("printable")),
            );
        })
        .der;
    assert_eq!(reads(&leaf), GoReads::Yes);
    assert_eq!(reads(&patch(&leaf, b"Us and Them", b"Us_and_Them")), GoReads::Name);

    // The same serial number in more bytes than it needs.
    let padded = root
        .leaf_with("shop.example", |p| {
            p.serial_number = Some(vec![0x01, 0x81, 3, 4].into());
        })
        .der;
    assert_eq!(reads(&padded), GoReads::Yes);
    assert_eq!(
        reads(&patch(&padded, &[2, 4, 1, 0x81, 3, 4], &[2, 4, 0, 0x01, 3, 4])),
        GoReads::NotDer
    );
    assert_eq!(reads(&[]), GoReads::NotDer);
}

#[test]
fn every_refusal_has_words() {
    assert_eq!(GoReads::Yes.refusal(), None);
    for why in [GoReads::NotDer, GoReads::Point, GoReads::Constraints] {
        assert!(why.refusal().is_some_and(|words| !words.ends_with('.')));
    }
}

proptest::proptest! {
    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>, at: usize, byte: u8) {
        let _ = reads(&bytes);
        let mut der = Authority::root("Root").der();
        let at = at % der.len();
        der[at] = byte;
        let _ = reads(&der);
    }
}
