//! Paths that exist and are refused.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa,
    NameConstraints, PKCS_RSA_SHA256,
};

use super::{PathError, judge_of, path, refused, trust};
use crate::x509::testing::{Authority, patch, rsa_signature_oid, tlv};

#[test]
fn constraints_are_enforced() {
    let root = Authority::root("Root");
    let judge = judge_of(&root.pem());
    let constraint = |trust| match refused(trust) {
        PathError::Constraint(why) => why,
        other => panic!("{other:?}"),
    };
    let limited = root.sub_with("Limited", |p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let below = limited.sub("Below");
    assert!(
        constraint(trust(
            &judge,
            &[below.leaf("a.example").der, below.der(), limited.der()]
        ))
        .contains("path length")
    );
    assert_eq!(
        path(&trust(&judge, &[limited.leaf("a.example").der, limited.der()])),
        [0, 1]
    );

    let named = root.sub_with("Named", |p| {
        p.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("inside.example".into())],
            excluded_subtrees: vec![],
        });
    });
    assert!(constraint(trust(&judge, &[named.leaf("a.example").der, named.der()])).contains("name constraints"));
    assert_eq!(
        path(&trust(&judge, &[named.leaf("a.inside.example").der, named.der()])),
        [0, 1]
    );

    let no_ca = root.sub_with("No CA", |p| p.is_ca = IsCa::ExplicitNoCa);
    let leaf = no_ca.leaf("a.example");
    let why = constraint(trust(&judge, &[leaf.der, no_ca.der()]));
    assert_eq!(why, "\"CN=No CA\" is not a CA certificate");

    let mail = root.sub_with("Mail", |p| {
        p.extended_key_usages = vec![ExtendedKeyUsagePurpose::EmailProtection];
    });
    assert!(constraint(trust(&judge, &[mail.leaf("a.example").der, mail.der()])).contains("extended key usage"));
    // The usage of the leaf itself is judged elsewhere.
    let client = root.leaf_with("a.example", |p| {
        p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert_eq!(path(&trust(&judge, &[client.der])), [0]);
}

#[test]
fn signatures_are_verified_and_old_algorithms_named() {
    let root = Authority::root_with("Root", &PKCS_RSA_SHA256);
    let judge = judge_of(&root.pem());
    let leaf = root.leaf("zz.example").der;
    assert_eq!(path(&trust(&judge, std::slice::from_ref(&leaf))), [0]);
    let forged = patch(&leaf, b"zz.example", b"zy.example");
    assert_eq!(refused(trust(&judge, &[forged])), PathError::BadSignature);
    for (last, name) in [(5, "sha1WithRSAEncryption"), (4, "md5WithRSAEncryption")] {
        let old = patch(&leaf, &rsa_signature_oid(11), &rsa_signature_oid(last));
        assert_eq!(refused(trust(&judge, &[old])), PathError::WeakSignature(name.into()));
    }
    // An intermediate whose RSA key has 1024 bits.
    let short = tlv(
        0x30,
        &[tlv(0x02, &[&[0, 0x81][..], &[7; 127]].concat()), tlv(0x02, &[1, 0, 1])].concat(),
    );
    let algorithm = tlv(0x30, &[&rsa_signature_oid(1)[..], &[5, 0]].concat());
    let info = tlv(
        0x30,
        &[algorithm, tlv(0x03, &[&[0], short.as_slice()].concat())].concat(),
    );
    let info = rcgen_key(&info);
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "Short");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let sub = params.signed_by(&info, &root.0).expect("intermediate").der().to_vec();
    let leaf = Authority::root_with("Short", &PKCS_RSA_SHA256)
        .leaf_with("a.example", |p| p.use_authority_key_identifier_extension = false);
    let weak = refused(trust(&judge, &[leaf.der, sub]));
    assert_eq!(weak, PathError::WeakSignature("RSA key of 1024 bits".into()));
}

/// rcgen identifies RSA keys by the OIDs of its signature algorithms, which are those of the key here.
fn rcgen_key(info: &[u8]) -> impl rcgen::PublicKeyData {
    struct Raw(Vec<u8>);
    impl rcgen::PublicKeyData for Raw {
        fn der_bytes(&self) -> &[u8] {
            &self.0
        }
        fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
            &PKCS_RSA_SHA256
        }
    }
    let (.., key) = crate::x509::der::public_key_parts(info).expect("key");
    Raw(key.to_vec())
}

#[test]
fn what_clients_cannot_use_is_refused() {
    let root = Authority::root("Root");
    let judge = judge_of(&root.pem());
    let unusable = |der: Vec<u8>| match refused(trust(&judge, &[der])) {
        PathError::Unusable(why) | PathError::Constraint(why) => why,
        other => panic!("{other:?}"),
    };
    let critical = |yes| {
        root.leaf_with("a.example", |p| {
            let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            extension.set_criticality(yes);
            p.custom_extensions.push(extension);
        })
    };
    assert!(unusable(critical(true).der).contains("critical extension"));
    assert_eq!(path(&trust(&judge, &[critical(false).der])), [0]);
    let old = patch(&root.leaf("a.example").der, &[0xa0, 3, 2, 1, 2], &[0xa0, 3, 2, 1, 0]);
    assert!(unusable(old).contains("version 3"));
}
