use proptest::prelude::*;
use rcgen::{KeyPair, PKCS_RSA_SHA256};

use super::*;
use crate::x509::testing::{Authority, pem, self_signed};

fn parsed(certificate: &str, key: &str) -> Bundle {
    let key = SecretSlice::from(key.as_bytes().to_vec());
    parse(Some(certificate.as_bytes()), Some(&key), &mut Interner::new()).bundle
}

#[test]
fn every_state_of_the_key() {
    let root = Authority::root("Root");
    let (leaf, other) = (root.leaf("a.example"), root.leaf("b.example"));
    let chain = leaf.pem() + &root.pem();
    let encrypted = pem("ENCRYPTED PRIVATE KEY", &[0x30, 0]);
    for (certificate, key, expected, at) in [
        (chain.clone(), leaf.key_pem(), KeyState::Matches, Some(0)),
        (chain.clone(), other.key_pem(), KeyState::Differs, Some(0)),
        (
            root.pem() + &leaf.pem(),
            leaf.key_pem(),
            KeyState::OfPosition(1),
            Some(1),
        ),
        (chain.clone(), String::new(), KeyState::Missing, Some(0)),
        (chain.clone(), " \n".to_owned(), KeyState::Missing, Some(0)),
        (chain.clone(), encrypted, KeyState::Encrypted, Some(0)),
        (
            chain.clone(),
            leaf.pem(),
            KeyState::Invalid("it is a certificate, not a private key".into()),
            Some(0),
        ),
        (
            chain.clone(),
            "junk".to_owned(),
            KeyState::Invalid("there is no PEM block in it".into()),
            Some(0),
        ),
        (String::new(), leaf.key_pem(), KeyState::NothingToCompare, None),
        ("junk".to_owned(), leaf.key_pem(), KeyState::NothingToCompare, None),
    ] {
        let bundle = parsed(&certificate, &key);
        assert_eq!(
            (bundle.key, bundle.leaf, bundle.trust),
            (expected, at, Trust::NotJudged)
        );
    }
    assert_eq!(
        parse(Some(chain.as_bytes()), None, &mut Interner::new()).bundle.key,
        KeyState::Missing
    );
}

#[test]
fn the_leaf_is_the_one_with_the_key_or_the_first_that_is_no_ca() {
    let root = Authority::root("Root");
    let sub = root.sub("Sub");
    let (a, b) = (sub.leaf("a.example"), sub.leaf("b.example"));
    for (order, key, leaf) in [
        ([a.pem(), sub.pem(), root.pem()], String::new(), 0),
        ([sub.pem(), a.pem(), root.pem()], String::new(), 1),
        ([root.pem(), sub.pem(), a.pem()], a.key_pem(), 2),
        ([a.pem(), b.pem(), sub.pem()], b.key_pem(), 1),
        // The CA's key beside a leaf is a wrong key, not another leaf.
        ([a.pem(), sub.pem(), root.pem()], sub.0.key().serialize_pem(), 0),
        // Nothing but CAs: the first one, or the one with the key.
        ([sub.pem(), root.pem(), String::new()], String::new(), 0),
        ([sub.pem(), root.pem(), String::new()], root.0.key().serialize_pem(), 1),
        ([root.pem(), String::new(), String::new()], String::new(), 0),
    ] {
        let bundle = parsed(&order.concat(), &key);
        assert_eq!(bundle.leaf, Some(leaf));
        assert_eq!(bundle.chain().count(), bundle.certificates.len() - 1);
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_position() {
    let root = Authority::root("Root");
    let leaf = root.leaf("a.example");
    let bundle = parsed(&(leaf.pem() + &leaf.key_pem() + &root.pem()), &leaf.key_pem());
    assert_eq!(
        bundle.unreadable,
        [(1, "a private key among the certificates".to_owned())]
    );
    assert_eq!((bundle.certificates.len(), bundle.key), (2, KeyState::Matches));

    let mut long = leaf.der.clone();
    long.extend([0, 0]);
    for (text, why) in [
        (pem("CERTIFICATE", &long), "2 bytes follow the certificate"),
        (pem("CERTIFICATE", &[1, 2, 3]), "it is not a DER certificate"),
        (
            pem("CERTIFICATE REQUEST", &[1]),
            "a certificate request, not a certificate",
        ),
        (leaf.pem().replace("-----END", "----END"), "its END line is missing"),
        (
            "LS0tLS1CRUdJTiBDRVJU".to_owned(),
            "it is base64 of PEM: it was encoded twice",
        ),
        (
            leaf.pem().trim_end().to_owned() + &root.pem(),
            "a line break is missing after its END line",
        ),
    ] {
        let bundle = parsed(&text, "");
        assert_eq!(bundle.unreadable, [(0, why.to_owned())]);
        assert_eq!(bundle.leaf, None);
    }
    let parameters = pem("DH PARAMETERS", &[0x30, 0]);
    assert_eq!(parsed(&(parameters + &leaf.pem()), "").unreadable, []);
    for nothing in ["", "\n"] {
        assert_eq!(parsed(nothing, "").unreadable, []);
    }
}

#[test]
fn what_is_too_large_is_told_once() {
    let root = Authority::root("Root");
    let rubbish = "x".repeat(1 << 20);
    assert_eq!(
        parsed(&rubbish, "").unreadable,
        [(0, "it has 1048576 bytes, but at most 330000 are read".to_owned())]
    );
    let many = parsed(&root.pem().repeat(200), "");
    assert_eq!(many.certificates.len(), pem::COUNT_CAP);
    assert_eq!(
        many.unreadable,
        [(100, "more than 100 blocks: the rest was not read".to_owned())]
    );
    let broken = parsed(&"-----BEGIN CERTIFICATE-----\n".repeat(5000), "");
    assert_eq!(broken.unreadable.len(), pem::COUNT_CAP + 1);
    assert_eq!(
        broken.unreadable.last().map(|(_, why)| why.as_str()),
        Some("more than 100 blocks: the rest was not read")
    );
    let ders = vec![root.der(); 10_000];
    assert_eq!(
        parse_chain(&ders, &mut Interner::new()).bundle.certificates.len(),
        pem::COUNT_CAP
    );
}

#[test]
fn files_and_served_chains() {
    let root = Authority::root("Root");
    let leaf = root.leaf("a.example");
    let mut interner = Interner::new();
    let chain = parse_chain(&[leaf.der.clone(), root.der()], &mut interner);
    assert_eq!((chain.bundle.leaf, &chain.bundle.key), (Some(0), &KeyState::NotAsked));
    assert_eq!(
        chain.der.iter().map(|d| d.to_vec()).collect::<Vec<_>>(),
        [leaf.der.clone(), root.der()]
    );

    for (contents, key, certificates) in [
        (leaf.pem().into_bytes(), KeyState::NotAsked, 1),
        (leaf.der.clone(), KeyState::NotAsked, 1),
        (
            (leaf.pem() + &root.pem() + &leaf.key_pem()).into_bytes(),
            KeyState::Matches,
            2,
        ),
        ((leaf.key_pem() + &leaf.pem()).into_bytes(), KeyState::Matches, 1),
        (leaf.key_pem().into_bytes(), KeyState::NothingToCompare, 0),
        (leaf.key.serialized_der().to_vec(), KeyState::NothingToCompare, 0),
    ] {
        let file = parse_file(&contents, &mut interner).bundle;
        assert_eq!(
            (file.key, file.certificates.len(), file.unreadable.len()),
            (key, certificates, 0)
        );
    }
    assert_eq!(
        parse_file(&[0x30, 0x03, 1, 2, 3], &mut interner)
            .bundle
            .unreadable
            .len(),
        1
    );
    assert_eq!(parse_file(b"hello", &mut interner).bundle.unreadable.len(), 1);
}

#[test]
fn rsa_pairs_match_too() {
    let root = Authority::root("Root");
    let leaf = root.leaf_of(
        "a.example",
        KeyPair::generate_for(&PKCS_RSA_SHA256).expect("key"),
        |_| {},
    );
    assert_eq!(parsed(&leaf.pem(), &leaf.key_pem()).key, KeyState::Matches);
    let other = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("key");
    assert_eq!(parsed(&leaf.pem(), &other.serialize_pem()).key, KeyState::Differs);
    assert_eq!(
        parsed(&self_signed("a.example", |_| {}).pem(), &other.serialize_pem()).key,
        KeyState::Differs
    );
}

#[test]
fn no_debug_format_shows_a_key() {
    let leaf = Authority::root("Root").leaf("a.example");
    let text = leaf.pem() + &leaf.key_pem();
    let key = leaf.key_pem();
    let secret = key.lines().nth(1).expect("base64");
    let parsed = parse_file(text.as_bytes(), &mut Interner::new());
    let blocks: Vec<_> = pem::blocks(text.as_bytes()).collect();
    assert!(!format!("{parsed:?} {blocks:?}").contains(secret));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(certificate: Vec<u8>, key: Vec<u8>) {
        let secret = SecretSlice::from(key.clone());
        let mut interner = Interner::new();
        let _ = parse(Some(&certificate), Some(&secret), &mut interner);
        let _ = parse_file(&certificate, &mut interner);
        let _ = parse_chain(&[certificate, key], &mut interner);
    }
}
