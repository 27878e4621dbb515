use std::sync::Arc;

use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CustomExtension, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, KeyPair, PKCS_ECDSA_P384_SHA384,
    PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256, SanType, SerialNumber,
};

use super::*;
use crate::x509::testing::{Authority, issuer_url, patch, rsa_signature_oid, self_signed, tlv};

fn parsed(der: &[u8]) -> Certificate {
    Certificate::from_der(der, &mut Interner::new()).expect("a certificate")
}

#[test]
fn every_field_is_read() {
    let root = Authority::root("Root, \"X\"");
    let issued = root.leaf_with("Shop.Example", |p| {
        p.subject_alt_names
            .push(SanType::IpAddress("2001:db8::1".parse().expect("address")));
        p.subject_alt_names
            .push(SanType::Rfc822Name("a@shop.example".try_into().expect("mail")));
        p.serial_number = Some(SerialNumber::from_slice(&[0x0a, 0xbc, 0x00]));
        p.not_before = rcgen::date_time_ymd(2026, 1, 2);
        p.not_after = rcgen::date_time_ymd(2026, 4, 2);
        p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        p.custom_extensions.push(issuer_url("http://ca.example/root.der"));
        p.custom_extensions.push(CustomExtension::from_oid_content(
            &[1, 3, 6, 1, 5, 5, 7, 1, 24],
            tlv(0x30, &tlv(0x02, &[5])),
        ));
        p.distinguished_name.push(DnType::OrganizationName, "Shop");
    });
    let certificate = parsed(&issued.der);
    assert_eq!(&*certificate.subject(), "O=Shop,CN=Shop.Example");
    assert_eq!(&*certificate.issuer.full, "CN=Root\\, \\\"X\\\"");
    assert_eq!(&*certificate.issuer.short, "Root, \"X\"");
    assert_eq!(certificate.common_name(), Some("Shop.Example"));
    assert_eq!(certificate.serial.to_string(), "0abc00");
    assert_eq!(certificate.sha256, Fingerprint::of(&issued.der));
    assert_eq!(
        (certificate.not_before, certificate.not_after),
        (1_767_312_000, 1_775_088_000)
    );
    let names = [
        San::Dns("shop.example".into()),
        San::Ip("2001:db8::1".parse().expect("address")),
    ];
    assert_eq!(certificate.names[..], names);
    assert!(certificate.has_san && certificate.must_staple && !certificate.is_ca && !certificate.self_signed);
    assert_eq!(
        certificate.usage,
        ExtendedKeyUsage {
            present: true,
            server_auth: false,
            client_auth: true
        }
    );
    assert_eq!(
        (certificate.signature, certificate.weak_signature),
        ("ecdsa-with-SHA256", false)
    );
    assert_eq!(certificate.key.to_string(), "ecdsa-p256");
    let outline = Outline::of(&issued.der).expect("a certificate");
    assert_eq!(
        crate::x509::certificate::issuer_url(&outline).as_deref(),
        Some("http://ca.example/root.der")
    );
    let root_der = root.der();
    let root_id = subject_key_id(&Outline::of(&root_der).expect("a certificate"));
    assert!(root_id.is_some() && authority_key_id(&outline) == root_id);
    let root = parsed(&root_der);
    assert!(root.is_ca && root.self_signed && !root.has_san && !root.usage.present && !root.must_staple);
}

#[test]
fn keys_of_every_kind_have_names() {
    let root = Authority::root("Root");
    for (algorithm, name) in [
        (&PKCS_RSA_SHA256, "rsa-2048"),
        (&PKCS_ECDSA_P384_SHA384, "ecdsa-p384"),
        (&PKCS_ECDSA_P521_SHA512, "ecdsa-p521"),
        (&PKCS_ED25519, "ed25519"),
    ] {
        let key = KeyPair::generate_for(algorithm).expect("key");
        let issued = root.leaf_of("a.example", key, |_| {});
        assert_eq!(parsed(&issued.der).key.to_string(), name);
    }
    let p256 = root.leaf("a.example").der;
    let curve = [0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let p192 = patch(&p256, &curve, &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1]);
    assert_eq!(parsed(&p192).key, KeyAlgorithm::Ec("p192".into(), 192));
    let info = |algorithm: &[u8], parameters: &[u8], key: &[u8]| {
        let algorithm = tlv(0x30, &[tlv(0x06, algorithm), parameters.to_vec()].concat());
        tlv(0x30, &[algorithm, tlv(0x03, &[&[0], key].concat())].concat())
    };
    let short = tlv(
        0x30,
        &[tlv(0x02, &[&[0, 0x80][..], &[1; 127]].concat()), tlv(0x02, &[1, 0, 1])].concat(),
    );
    let rsa = info(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1], &[5, 0], &short);
    assert_eq!(key_algorithm(&rsa), KeyAlgorithm::Rsa(1024));
    let p224 = info(
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1],
        &tlv(0x06, &[0x2b, 0x81, 4, 0, 33]),
        &[4],
    );
    assert_eq!(key_algorithm(&p224).to_string(), "ecdsa-p224");
    let dsa = info(
        &[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1],
        &tlv(0x30, &tlv(0x02, &[0x40; 128])),
        &[],
    );
    assert_eq!(key_algorithm(&dsa), KeyAlgorithm::Dsa(1023));
    assert_eq!(key_algorithm(&info(&[0x2b, 0x65, 0x71], &[], &[])), KeyAlgorithm::Ed448);
    assert_eq!(
        key_algorithm(&info(&[0x2b, 0x65, 0x6e], &[], &[])).to_string(),
        "1.3.101.110"
    );
}

#[test]
fn broken_hashes_are_seen() {
    let root = Authority::root_with("Root", &PKCS_RSA_SHA256);
    let issued = root.leaf("a.example").der;
    assert!(!parsed(&issued).weak_signature);
    for (last, name) in [
        (5, "sha1WithRSAEncryption"),
        (4, "md5WithRSAEncryption"),
        (2, "md2WithRSAEncryption"),
    ] {
        let weak = parsed(&patch(&issued, &rsa_signature_oid(11), &rsa_signature_oid(last)));
        assert_eq!((weak.signature, weak.weak_signature), (name, true));
    }
}

#[test]
fn self_signed_means_by_its_own_key() {
    assert!(parsed(&self_signed("a.example", |_| {}).der).self_signed);
    // One name, two keys.
    let root = Authority::root("a.example");
    let other = root.leaf_with("a.example", |p| p.use_authority_key_identifier_extension = false);
    let other = parsed(&other.der);
    assert_eq!(*other.subject(), *other.issuer.full);
    assert!(!other.self_signed);
    // For a signature whose algorithm is no longer verified, the name counts.
    let old = Authority::root_with("Old", &PKCS_RSA_SHA256).der();
    assert!(parsed(&patch(&old, &rsa_signature_oid(11), &rsa_signature_oid(4))).self_signed);
}

#[test]
fn odd_names_are_kept_and_odd_times_are_errors() {
    let root = Authority::root("Root");
    let issued = root.leaf_with("zz.example", |p| {
        p.distinguished_name.push(
            DnType::OrganizationName,
            DnValue::Utf8String("\x1b[31mevil\u{202e}".into()),
        );
        p.not_after = rcgen::date_time_ymd(9999, 12, 31);
    });
    let whole = parsed(&issued.der);
    assert_eq!(whole.not_after, 253_402_214_400);
    assert!(whole.subject().contains("\x1b[31mevil\u{202e}"));
    let broken = parsed(&patch(&issued.der, b"zz.example", b"\xff\xfe.example"));
    assert_eq!(broken.names[..], [San::Dns("\u{fffd}\u{fffd}.example".into())]);
    for wrong in [b"99991331000000Z", b"9999123100000ZZ", b"9999-2310000:0Z"] {
        let der = patch(&issued.der, b"99991231000000Z", wrong);
        assert_eq!(
            Certificate::from_der(&der, &mut Interner::new()),
            Err(CertificateError::Validity)
        );
    }
}

#[test]
fn what_is_no_certificate_says_so() {
    let mut der = Authority::root("Root").der();
    let mut interner = Interner::new();
    for at in 0..der.len() {
        assert!(Certificate::from_der(&der[..at], &mut interner).is_err(), "cut at {at}");
    }
    der.extend([0, 0, 0]);
    assert_eq!(
        Certificate::from_der(&der, &mut interner),
        Err(CertificateError::Trailing(3))
    );
    der[1..6].copy_from_slice(&[0x84, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(
        Certificate::from_der(&der, &mut interner),
        Err(CertificateError::NotDer)
    );
    assert_eq!(Certificate::from_der(b"", &mut interner), Err(CertificateError::NotDer));
}

#[test]
fn intermediates_and_issuers_are_shared() {
    let root = Authority::root("Root");
    let mut interner = Interner::new();
    let (first, first_der) = interner.certificate(&root.der()).expect("root");
    let (second, second_der) = interner.certificate(&root.der()).expect("root");
    assert!(Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&first_der, &second_der));
    let (a, _) = interner.certificate(&root.leaf("a.example").der).expect("leaf");
    let (b, _) = interner.certificate(&root.leaf("b.example").der).expect("leaf");
    assert!(Arc::ptr_eq(&a.issuer, &b.issuer) && Subject::Name(a.issuer.clone()) == first.subject);
    assert_eq!(
        (a.subject.clone(), &*a.subject(), a.common_name()),
        (Subject::FirstName, "CN=a.example", Some("a.example"))
    );
}

#[test]
fn a_ca_with_a_path_length_is_a_ca() {
    let root = Authority::root("Root");
    let sub = root.sub_with("Sub", |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    assert!(parsed(&sub.der()).is_ca);
    assert!(!parsed(&root.sub_with("Sub", |p| p.is_ca = IsCa::ExplicitNoCa).der()).is_ca);
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Certificate::from_der(&bytes, &mut Interner::new());
    }

    #[test]
    fn a_changed_certificate_never_panics(at: prop::sample::Index, to: u8, more: prop::sample::Index, and: u8) {
        let mut der = Authority::root("Root").leaf("a.example").der;
        let (at, more) = (at.index(der.len()), more.index(der.len()));
        der[at] = to;
        der[more] = and;
        let _ = Certificate::from_der(&der, &mut Interner::new());
    }
}
