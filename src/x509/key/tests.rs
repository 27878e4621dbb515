use proptest::prelude::*;
use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256,
    PublicKeyData, SignatureAlgorithm,
};

use super::*;
use crate::x509::testing::{pem, tlv};

fn read(text: &[u8]) -> KeyContents {
    super::read(text, None).read
}

fn read_der(der: &[u8]) -> KeyContents {
    super::read_der(der, None)
}

fn half(text: &str) -> PublicHalf {
    match read(text.as_bytes()) {
        KeyContents::Key(half) => half,
        other => panic!("{other:?}"),
    }
}

fn why(text: &str) -> String {
    match read(text.as_bytes()) {
        KeyContents::Invalid(why) => why,
        other => panic!("{other:?}"),
    }
}

/// The key within PKCS#8.
fn inner(pkcs8: &[u8]) -> Vec<u8> {
    let mut fields = DerReader::new(pkcs8).next().expect("PKCS#8").inside();
    fields.next();
    fields.next();
    fields.expect(OCTET_STRING).expect("key").value.to_vec()
}

fn all() -> [&'static SignatureAlgorithm; 5] {
    [
        &PKCS_RSA_SHA256,
        &PKCS_ECDSA_P256_SHA256,
        &PKCS_ECDSA_P384_SHA384,
        &PKCS_ECDSA_P521_SHA512,
        &PKCS_ED25519,
    ]
}

#[test]
fn a_key_fits_its_own_public_key_and_no_other() {
    for algorithm in all() {
        let key = KeyPair::generate_for(algorithm).expect("key");
        let other = KeyPair::generate_for(algorithm).expect("key");
        let half = half(&pem("PRIVATE KEY", key.serialized_der()));
        assert!(half.is_in(&key.subject_public_key_info()), "{algorithm:?}");
        assert!(!half.is_in(&other.subject_public_key_info()), "{algorithm:?}");
    }
}

#[test]
fn old_formats_are_read_whatever_their_label() {
    let rsa = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("key");
    let pkcs1 = match inner_or_self(rsa.serialized_der()) {
        Some(der) => der,
        None => rsa.serialized_der().to_vec(),
    };
    for label in ["RSA PRIVATE KEY", "PRIVATE KEY"] {
        assert!(
            half(&pem(label, &pkcs1)).is_in(&rsa.subject_public_key_info()),
            "{label}"
        );
    }
    let ec = KeyPair::generate().expect("key");
    let curve = tlv(0x06, P256);
    let scalar = scalar_of(&ec);
    let sec1 = |tail: &[u8]| tlv(0x30, &[&tlv(0x02, &[1])[..], &tlv(0x04, &scalar), tail].concat());
    let named = sec1(&tlv(0xa0, &curve));
    let public = sec1(&tlv(0xa1, &tlv(0x03, &[&[0], ec.der_bytes()].concat())));
    for der in [&named, &public, &sec1(&[])] {
        let text = pem("EC PARAMETERS", &curve) + &pem("EC PRIVATE KEY", der);
        assert!(half(&text).is_in(&ec.subject_public_key_info()));
    }
    // PKCS#8 version 1 without the public point, as some tools write it.
    let algorithm = tlv(0x30, &[tlv(0x06, EC), curve].concat());
    let bare = tlv(0x30, &[tlv(0x02, &[0]), algorithm, tlv(0x04, &sec1(&[]))].concat());
    assert!(half(&pem("PRIVATE KEY", &bare)).is_in(&ec.subject_public_key_info()));
    assert!(!half(&pem("PRIVATE KEY", &bare)).is_in(&KeyPair::generate().expect("key").subject_public_key_info()));
}

/// aws-lc-rs writes RSA keys as PKCS#8.
fn inner_or_self(der: &[u8]) -> Option<Vec<u8>> {
    let mut fields = DerReader::new(der).next()?.inside();
    fields.next()?;
    (fields.next()?.tag == SEQUENCE).then(|| inner(der))
}

fn scalar_of(key: &KeyPair) -> Vec<u8> {
    let sec1 = inner(key.serialized_der());
    let mut fields = DerReader::new(&sec1).next().expect("SEC1").inside();
    fields.next();
    fields.next().expect("scalar").value.to_vec()
}

#[test]
fn ed25519_without_its_public_part_is_computed() {
    let key = KeyPair::generate_for(&PKCS_ED25519).expect("key");
    let algorithm = tlv(0x30, &tlv(0x06, ED25519));
    let v1 = tlv(
        0x30,
        &[tlv(0x02, &[0]), algorithm, tlv(0x04, &inner(key.serialized_der()))].concat(),
    );
    assert!(half(&pem("PRIVATE KEY", &v1)).is_in(&key.subject_public_key_info()));
}

#[test]
fn a_compressed_point_is_the_same_key() {
    let key = KeyPair::generate().expect("key");
    let point = compressed(key.der_bytes()).expect("point");
    let algorithm = tlv(0x30, &[tlv(0x06, EC), tlv(0x06, P256)].concat());
    let info = tlv(0x30, &[algorithm, tlv(0x03, &[&[0][..], &point].concat())].concat());
    let half = half(&key.serialize_pem());
    assert!(half.is_in(&info));
    let other_curve = tlv(0x30, &[tlv(0x06, EC), tlv(0x06, P384)].concat());
    assert!(!half.is_in(&tlv(
        0x30,
        &[other_curve, tlv(0x03, &[&[0][..], &point].concat())].concat()
    )));
}

#[test]
fn encrypted_keys_are_told_apart() {
    let pkcs8 = tlv(0x30, &[tlv(0x30, &tlv(0x06, &[0x2a])), tlv(0x04, &[1, 2, 3])].concat());
    assert_eq!(
        read(pem("ENCRYPTED PRIVATE KEY", &pkcs8).as_bytes()),
        KeyContents::Encrypted
    );
    assert_eq!(read(pem("PRIVATE KEY", &pkcs8).as_bytes()), KeyContents::Encrypted);
    let legacy = pem("RSA PRIVATE KEY", &[1, 2, 3]).replace(
        "KEY-----\nAQ",
        "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAQ",
    );
    assert_eq!(read(legacy.as_bytes()), KeyContents::Encrypted);
    assert!(matches!(
        read(pem("RSA PRIVATE KEY", &[1, 2, 3]).as_bytes()),
        KeyContents::Invalid(_)
    ));
}

#[test]
fn what_is_no_key_says_what_it_is_and_never_repeats_it() {
    let key = KeyPair::generate().expect("key");
    let mut long = key.serialized_der().to_vec();
    long.push(0);
    for (text, expected) in [
        (pem("CERTIFICATE", &[0x30, 0]), "it is a certificate, not a private key"),
        (
            pem("CERTIFICATE REQUEST", &[0x30, 0]),
            "it is a certificate request, not a private key",
        ),
        (pem("PUBLIC KEY", &[0x30, 0]), "it is a public key, not a private one"),
        (
            pem("OPENSSH PRIVATE KEY", &[0]),
            "it is in OpenSSH's format: convert it with ssh-keygen -p -m PEM",
        ),
        (pem("EC PARAMETERS", &[6, 0]), "it holds parameters, but no private key"),
        (pem("PRIVATE KEY", &[1, 2, 3]), "it is not a DER key"),
        (
            pem("PRIVATE KEY", &tlv(0x30, &tlv(0x02, &[1]))),
            "it is not a private key",
        ),
        ("secret garbage".to_owned(), "there is no PEM block in it"),
        ("x".repeat(13_001), "it has 13001 bytes, but at most 13000 are read"),
    ] {
        assert_eq!(why(&text), expected);
    }
    // All readers skip what follows PKCS#8.
    assert!(matches!(
        read(pem("PRIVATE KEY", &long).as_bytes()),
        KeyContents::Key(_)
    ));
    let dsa = tlv(
        0x30,
        &[tlv(0x02, &[0]), tlv(0x30, &tlv(0x06, DSA)), tlv(0x04, &[0])].concat(),
    );
    assert_eq!(
        why(&pem("PRIVATE KEY", &dsa)),
        "it is a DSA key, which no client accepts"
    );
    for nothing in ["", " \n\t\r\n"] {
        assert_eq!(read(nothing.as_bytes()), KeyContents::Nothing);
    }
}

#[test]
fn of_several_keys_the_first_counts() {
    let (a, b) = (KeyPair::generate().expect("key"), KeyPair::generate().expect("key"));
    let both = half(&(a.serialize_pem() + &b.serialize_pem()));
    assert!(both.is_in(&a.subject_public_key_info()) && !both.is_in(&b.subject_public_key_info()));
}

#[test]
fn a_scalar_that_does_not_fit_its_curve_is_refused() {
    for scalar in [vec![0; 32], vec![0xff; 32], vec![1; 33]] {
        let sec1 = tlv(
            0x30,
            &[tlv(0x02, &[1]), tlv(0x04, &scalar), tlv(0xa0, &tlv(0x06, P256))].concat(),
        );
        assert_eq!(why(&pem("EC PRIVATE KEY", &sec1)), "its number does not fit its curve");
    }
    let koblitz = tlv(0xa0, &tlv(0x06, &[0x2b, 0x81, 4, 0, 10]));
    let sec1 = tlv(0x30, &[tlv(0x02, &[1]), tlv(0x04, &[1; 32]), koblitz].concat());
    assert_eq!(
        why(&pem("EC PRIVATE KEY", &sec1)),
        "its curve is not one that TLS servers accept"
    );
}

#[test]
fn an_elliptic_key_whose_point_is_anothers_is_no_key_and_what_was_computed_is_remembered() {
    for algorithm in [
        &PKCS_ECDSA_P256_SHA256,
        &PKCS_ECDSA_P384_SHA384,
        &PKCS_ECDSA_P521_SHA512,
    ] {
        let (key, other) = (
            KeyPair::generate_for(algorithm).expect("key"),
            KeyPair::generate_for(algorithm).expect("key"),
        );
        let (own, others) = (scalar_of(&key), scalar_of(&other));
        let good = key.serialized_der();
        let at = good.windows(own.len()).position(|w| w == own).expect("the number");
        let forged = [&good[..at], &others, &good[at + own.len()..]].concat();
        let memo = Memo::default();
        let states = |der: &[u8]| super::read_der(der, Some(&memo));
        for _ in 0..2 {
            assert!(matches!(states(good), KeyContents::Key(_)));
            assert_eq!(
                states(&forged),
                KeyContents::Invalid(
                    "its private number does not match its public point: the key does not work".to_owned()
                )
            );
        }
        assert_eq!(memo.new_entries(), 1, "the good one alone is kept");
        // The stored bytes contain no key and no digest that could be searched for; another file has another salt.
        let kept = memo.to_bytes();
        assert!(!kept.windows(own.len()).any(|w| w == own));
        let elsewhere = Memo::default();
        super::read_der(good, Some(&elsewhere));
        assert_ne!(kept, elsewhere.to_bytes());
        let again = Memo::from_bytes(kept);
        assert!(matches!(super::read_der(good, Some(&again)), KeyContents::Key(_)));
        assert_eq!(again.new_entries(), 0, "it was remembered");
    }
}

#[test]
fn rsa_numbers_that_do_not_belong_together_are_no_key() {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("key");
    let pkcs1 = inner_or_self(key.serialized_der()).unwrap_or_else(|| key.serialized_der().to_vec());
    let mut fields = DerReader::new(&pkcs1).next().expect("PKCS#1").inside();
    let mut numbers: Vec<Vec<u8>> = Vec::new();
    while let Some(number) = fields.next() {
        numbers.push(number.value.to_vec());
    }
    let of = |numbers: &[Vec<u8>]| {
        let all: Vec<u8> = numbers.iter().flat_map(|n| tlv(INTEGER, n)).collect();
        read_der(&tlv(SEQUENCE, &all))
    };
    assert!(matches!(of(&numbers), KeyContents::Key(_)));
    // From the private exponent on: each number is another one, or zero.
    for at in 3..numbers.len() {
        for change in [
            |number: &mut Vec<u8>| number.fill(0),
            |number: &mut Vec<u8>| {
                let middle = number.len() / 2;
                number[middle] ^= 1;
            },
        ] {
            let mut wrong = numbers.clone();
            change(&mut wrong[at]);
            assert_eq!(
                of(&wrong),
                KeyContents::Invalid("its RSA numbers do not belong together: the key does not work".to_owned()),
                "number {at}"
            );
        }
    }
    // Primes that belong to another modulus.
    let mut wrong = numbers.clone();
    wrong[1][40] ^= 1;
    assert!(matches!(of(&wrong), KeyContents::Invalid(_)));
}

/// An `RSAPrivateKey` with a version and with what follows its eight numbers.
fn rsa_key(version: &[u8], numbers: &[Vec<u8>], behind: &[u8]) -> KeyContents {
    let all: Vec<u8> = numbers.iter().flat_map(|n| tlv(INTEGER, n)).collect();
    read_der(&tlv(SEQUENCE, &[&tlv(INTEGER, version)[..], &all, behind].concat()))
}

#[test]
fn a_modulus_of_other_primes_is_refused_whatever_the_version_says() {
    let numbers = |key: &KeyPair| {
        let pkcs1 = inner_or_self(key.serialized_der()).unwrap_or_else(|| key.serialized_der().to_vec());
        let mut fields = DerReader::new(&pkcs1).next().expect("PKCS#1").inside();
        fields.next();
        let mut numbers: Vec<Vec<u8>> = Vec::new();
        while let Some(number) = fields.next() {
            numbers.push(number.value.to_vec());
        }
        numbers
    };
    let [own, others] = [(); 2].map(|()| numbers(&KeyPair::generate_for(&PKCS_RSA_SHA256).expect("key")));
    let mut forged = own.clone();
    forged[0].clone_from(&others[0]);
    let infos = tlv(
        SEQUENCE,
        &tlv(
            SEQUENCE,
            &[tlv(INTEGER, &[3]), tlv(INTEGER, &[1]), tlv(INTEGER, &[1])].concat(),
        ),
    );
    assert!(matches!(rsa_key(&[0], &own, &[]), KeyContents::Key(_)));
    for numbers in [&own, &forged] {
        for version in [&[1][..], &[2], &[5], &[0, 1], &[0xff], &[]] {
            for behind in [&[][..], &tlv(SEQUENCE, &[]), &infos] {
                assert!(
                    matches!(rsa_key(version, numbers, behind), KeyContents::Invalid(_)),
                    "{version:?}, then {behind:?}"
                );
            }
        }
        assert!(matches!(rsa_key(&[0], numbers, &infos), KeyContents::Invalid(_)));
    }
    assert!(matches!(rsa_key(&[0], &forged, &[]), KeyContents::Invalid(_)));
}

#[test]
fn a_key_of_three_primes_is_one_when_all_belong_together_and_is_not_for_boringssl() {
    // 11, 17 and 23, with 3 as the public exponent.
    let numbers: Vec<Vec<u8>> = [4301u16, 3, 587, 11, 17, 7, 11, 2]
        .iter()
        .map(|n| n.to_be_bytes().to_vec())
        .collect();
    let third = |prime, exponent, coefficient| {
        let parts = [prime, exponent, coefficient].map(|n| tlv(INTEGER, &[n]));
        tlv(SEQUENCE, &tlv(SEQUENCE, &parts.concat()))
    };
    assert!(matches!(
        rsa_key(&[1], &numbers, &third(23, 15, 8)),
        KeyContents::Key(_)
    ));
    for wrong in [(22, 15, 8), (23, 14, 8), (23, 15, 9), (1, 15, 8), (0, 15, 8)] {
        let behind = third(wrong.0, wrong.1, wrong.2);
        assert!(
            matches!(rsa_key(&[1], &numbers, &behind), KeyContents::Invalid(_)),
            "{wrong:?}"
        );
    }
    let mut broken = third(23, 15, 8);
    broken.pop();
    assert!(matches!(rsa_key(&[1], &numbers, &broken), KeyContents::Invalid(_)));
    let all: Vec<u8> = numbers.iter().flat_map(|n| tlv(INTEGER, n)).collect();
    let der = tlv(SEQUENCE, &[&tlv(INTEGER, &[1])[..], &all, &third(23, 15, 8)].concat());
    let found = super::read(pem("RSA PRIVATE KEY", &der).as_bytes(), None);
    assert!(
        found
            .objection
            .is_some_and(|objection| objection.refuse == Readers::BORINGSSL)
    );
}

#[test]
fn half_a_point_in_the_file_does_not_vouch_for_the_other_half_of_a_certificates() {
    let key = KeyPair::generate().expect("key");
    let point = compressed(key.der_bytes()).expect("a point");
    let sec1 = |curve: &[u8], point: &[u8]| {
        let public = tlv(0xa1, &tlv(0x03, &[&[0], point].concat()));
        let curve = tlv(0xa0, &tlv(0x06, curve));
        tlv(
            0x30,
            &[tlv(0x02, &[1]), tlv(0x04, &scalar_of(&key)), curve, public].concat(),
        )
    };
    let info = |parameters: &[u8], point: &[u8]| {
        let algorithm = tlv(0x30, &[&tlv(0x06, EC)[..], parameters].concat());
        tlv(0x30, &[algorithm, tlv(0x03, &[&[0], point].concat())].concat())
    };
    let own = half(&pem("EC PRIVATE KEY", &sec1(P256, &point)));
    assert!(own.is_in(&key.subject_public_key_info()));
    let mut off = key.der_bytes().to_vec();
    let middle = off.len() - 8;
    off[middle] ^= 1;
    assert!(
        !own.is_in(&info(&tlv(0x06, P256), &off)),
        "the other coordinate is another"
    );
    // A curve that is not computed: anybody can state its point in the file.
    let other = KeyPair::generate().expect("key");
    let koblitz = [0x2b, 0x81, 4, 0, 10];
    let forged = half(&pem("EC PRIVATE KEY", &sec1(&koblitz, other.der_bytes())));
    assert!(!forged.is_in(&other.subject_public_key_info()));
    let spelled_out = tlv(0x30, &[]);
    assert!(!forged.is_in(&info(&spelled_out, other.der_bytes())));
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        let _ = (read(&bytes), read_der(&bytes), read(pem("PRIVATE KEY", &bytes).as_bytes()));
    }

    #[test]
    fn a_changed_key_never_panics(at: prop::sample::Index, to: u8) {
        let key = KeyPair::generate().expect("key");
        let mut der = key.serialized_der().to_vec();
        let at = at.index(der.len());
        der[at] = to;
        let _ = read_der(&der);
    }
}
