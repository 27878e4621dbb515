use rcgen::{KeyPair, KeyUsagePurpose, PKCS_ECDSA_P521_SHA512, PKCS_ED25519};
use secrecy::SecretSlice;

use super::*;
use crate::x509::{
    Bundle, Interner, KeyState, bundle,
    testing::{Authority, Issued, patch, pem},
};

const ALL: Readers = Readers::LIBRARIES;
const NONE: Readers = Readers::NONE;

fn parsed(chain: &str, key: &str) -> Bundle {
    let key = SecretSlice::from(key.as_bytes().to_vec());
    bundle::parse(Some(chain.as_bytes()), Some(&key), &mut Interner::new()).bundle
}

/// The programs among those of servers that refuse a bundle, and those that skip one of its certificates.
fn verdict(bundle: &Bundle) -> (Readers, Readers) {
    let refuse = bundle
        .objections
        .iter()
        .fold(NONE, |all, o| all.with(o.refuse))
        .and(ALL);
    let of_certificates = |o: &&Objection| matches!(o.part, Part::Block(_, Some(_)));
    let skip = bundle
        .objections
        .iter()
        .filter(of_certificates)
        .fold(NONE, |all, o| all.with(o.skip));
    (refuse, skip.and(ALL).without(refuse))
}

fn pki() -> (Authority, Issued) {
    let sub = Authority::root("Root").sub("Sub");
    let leaf = sub.leaf("shop.example");
    (sub, leaf)
}

#[test]
fn each_program_reads_a_text_by_its_own_rules() {
    let (sub, leaf) = pki();
    let (first, second) = (leaf.pem(), sub.pem());
    let both = format!("{first}{second}");
    let (go, openssl, boringssl) = (Readers::GO, Readers::OPENSSL, Readers::BORINGSSL);
    let relabelled = |text: &str, label: &str| text.replace("CERTIFICATE-----", &format!("{label}-----"));
    let in_body = |text: &str, line: usize, new: &str| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.insert(line, new);
        lines.join("\n") + "\n"
    };
    let indented = |text: &str| format!("  {}\n", text.trim_end().replace('\n', "\n  "));
    for (name, text, refuse, skip) in [
        ("plain", both.clone(), NONE, NONE),
        ("no line break at the end", both.trim_end().to_owned(), NONE, NONE),
        ("Windows", both.replace('\n', "\r\n"), NONE, NONE),
        ("white space after lines", both.replace('\n', " \t\n"), NONE, NONE),
        (
            "text around",
            format!("subject=x\n{first}\nissuer: y\n{second}# end\n"),
            NONE,
            NONE,
        ),
        ("a NUL at the end", format!("{both}\0"), NONE, NONE),
        ("a blank line first", in_body(&first, 1, "") + &second, NONE, NONE),
        (
            "a blank line in the body",
            in_body(&first, 3, "") + &second,
            openssl.with(boringssl),
            NONE,
        ),
        (
            "the same behind",
            first.clone() + &in_body(&second, 3, ""),
            openssl.with(boringssl),
            NONE,
        ),
        ("indented bodies", both.replace("\nM", "\n  M"), NONE, NONE),
        ("all indented", indented(&both), ALL, NONE),
        ("a byte order mark", format!("\u{feff}{both}"), go.with(boringssl), NONE),
        ("six hyphens", both.replace("-----", "------"), ALL, NONE),
        (
            "typographic dashes",
            both.replacen("-----BEGIN", "\u{2014}\u{2014}-BEGIN", 1),
            ALL,
            NONE,
        ),
        ("old labels", relabelled(&both, "X509 CERTIFICATE"), go, NONE),
        (
            "an old label behind",
            first.clone() + &relabelled(&second, "X509 CERTIFICATE"),
            NONE,
            go,
        ),
        (
            "OpenSSL's own label behind",
            first.clone() + &relabelled(&second, "TRUSTED CERTIFICATE"),
            NONE,
            NONE,
        ),
        ("joined", first.trim_end().to_owned() + &second, ALL, NONE),
        (
            "joined behind",
            both.trim_end().to_owned() + &second,
            openssl.with(boringssl),
            NONE,
        ),
        (
            "the end is cut off",
            both.trim_end()[..both.len() - 30].to_owned(),
            openssl.with(boringssl),
            NONE,
        ),
        (
            "no base64 behind",
            first.clone() + &pem("CERTIFICATE", b"x").replace("eA==", "e?=="),
            openssl.with(boringssl),
            NONE,
        ),
        ("only carriage returns", both.replace('\n', "\r"), ALL, NONE),
        ("a key behind", both.clone() + &leaf.key_pem(), NONE, NONE),
        ("a key before", leaf.key_pem() + &both, NONE, NONE),
        ("no certificate", pem("PKCS7", &[0x30, 0]), ALL, NONE),
    ] {
        let bundle = parsed(&text, &leaf.key_pem());
        assert_eq!(verdict(&bundle), (refuse, skip), "{name}: {:?}", bundle.objections);
        // The certificates after a broken first one are not the server's.
        assert!(
            bundle.leaf().is_none_or(|leaf| !leaf.is_ca) && bundle.key != KeyState::Differs,
            "{name}: {:?} {:?}",
            bundle.leaf,
            bundle.key
        );
    }
    for nothing in [both.replace('\n', "\r"), both.replace('\n', "\\n"), both.to_lowercase()] {
        let bundle = parsed(&nothing, &leaf.key_pem());
        assert!(bundle.certificates.is_empty() && !bundle.unreadable.is_empty());
    }
}

#[test]
fn controllers_check_more_than_their_libraries() {
    let (sub, leaf) = pki();
    let both = leaf.pem() + &sub.pem();
    let refuses = |text: &str, who: Readers| refusal(&parsed(text, &leaf.key_pem()).objections, who).is_some();
    let (before, behind) = (leaf.key_pem() + &both, both.clone() + &leaf.key_pem());
    assert!(refuses(&before, Readers::INGRESS_NGINX) && !refuses(&behind, Readers::INGRESS_NGINX));
    assert!(refuses(&before, Readers::CONTOUR) && refuses(&behind, Readers::CONTOUR));
    assert!(!refuses(&both, Readers::SERVERS));
    // If both are put into one file, the first key is taken.
    let other = both.clone() + &sub.leaf("other.example").key_pem();
    assert!(refuses(&other, Readers::ONE_FILE) && !refuses(&behind, Readers::ONE_FILE));
}

#[test]
fn a_broken_first_certificate_leaves_no_leaf_and_nothing_to_compare_the_key_with() {
    let (sub, leaf) = pki();
    let cut = leaf.pem().replacen("MII", "M?I", 1) + &sub.pem();
    let bundle = parsed(&cut, &leaf.key_pem());
    assert_eq!((bundle.leaf, bundle.key), (None, KeyState::NothingToCompare));
    // A second copy of it is the leaf, and Go accepts it.
    let twice = leaf.pem().replacen("MII", "M?I", 1) + &leaf.pem() + &sub.pem();
    let bundle = parsed(&twice, &leaf.key_pem());
    assert_eq!((bundle.leaf, &bundle.key), (Some(0), &KeyState::Matches));
    assert_eq!(verdict(&bundle).0, Readers::OPENSSL.with(Readers::BORINGSSL));
}

#[test]
fn keys_are_read_by_each_programs_rules_too() {
    let (sub, leaf) = pki();
    let chain = leaf.pem() + &sub.pem();
    for (name, key, refuse) in [
        ("plain", leaf.key_pem(), NONE),
        ("a certificate before it", leaf.pem() + &leaf.key_pem(), NONE),
        (
            "parameters before it",
            pem("EC PARAMETERS", &[0x06, 1, 1]) + &leaf.key_pem(),
            NONE,
        ),
        (
            "a byte order mark",
            format!("\u{feff}{}", leaf.key_pem()),
            Readers::GO.with(Readers::BORINGSSL),
        ),
        ("indented", leaf.key_pem().replace("-----BEGIN", " -----BEGIN"), ALL),
    ] {
        let bundle = parsed(&chain, &key);
        assert_eq!(
            (verdict(&bundle).0, &bundle.key),
            (refuse, &KeyState::Matches),
            "{name}"
        );
    }
}

/// The clients that refuse the leaf.
fn clients(leaf: &Issued) -> Readers {
    let bundle = parsed(&leaf.pem(), &leaf.key_pem());
    bundle
        .objections
        .iter()
        .fold(NONE, |all, o| all.with(o.refuse))
        .and(Readers::CLIENTS)
}

#[test]
fn clients_take_the_usual_keys_and_usages_and_each_leaves_out_some() {
    let root = Authority::root("Root");
    let of_key = |algorithm| {
        let key = KeyPair::generate_for(algorithm).expect("key");
        clients(&root.leaf_of("shop.example", key, |_| {}))
    };
    assert_eq!(of_key(&PKCS_ED25519), Readers::BROWSERS);
    assert_eq!(of_key(&PKCS_ECDSA_P521_SHA512), Readers::CHROME);
    assert_eq!(of_key(&rcgen::PKCS_ECDSA_P384_SHA384), NONE);

    let of_usage =
        |usages: &[KeyUsagePurpose]| clients(&root.leaf_with("shop.example", |p| p.key_usages = usages.to_vec()));
    let all_but_go = Readers::CLIENTS.without(Readers::GO_CLIENT);
    for (usages, refuse) in [
        (&[][..], NONE),
        (&[KeyUsagePurpose::DigitalSignature][..], NONE),
        (&[KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign], all_but_go),
        (
            &[KeyUsagePurpose::KeyAgreement],
            Readers::CHROME.with(Readers::JAVA).with(Readers::OPENSSL_CLIENT),
        ),
    ] {
        assert_eq!(of_usage(usages), refuse, "{usages:?}");
    }
}

#[test]
fn go_alone_minds_a_negative_serial_number() {
    let root = Authority::root("Root");
    let leaf = root.leaf_with("shop.example", |p| p.serial_number = Some(vec![0x55; 16].into()));
    let negative = patch(&leaf.der, &[0x55; 16], &[0xd5; 16]);
    let bundle = parsed(&pem("CERTIFICATE", &negative), &leaf.key_pem());
    assert_eq!(verdict(&bundle).0, Readers::GO);
    assert!(refusal(&bundle.objections, Readers::GO_CLIENT).is_some());
    assert!(refusal(&bundle.objections, Readers::BROWSERS).is_none());
    assert!(clients(&leaf).is_empty());
}

#[test]
fn what_is_large_is_refused_by_one_client_after_the_other() {
    let root = Authority::root("Root");
    let of_names = |count: usize| {
        let leaf = root.leaf_with("shop.example", |p| {
            p.subject_alt_names = (0..count)
                .map(|i| rcgen::SanType::DnsName(format!("h{i}.shop.example").try_into().expect("name")))
                .collect();
        });
        clients(&leaf)
    };
    assert_eq!(of_names(100), NONE);
    assert_eq!(of_names(3_000), Readers::JAVA);
    assert_eq!(
        of_names(7_000),
        Readers::JAVA.with(Readers::OPENSSL_CLIENT).with(Readers::BROWSERS)
    );
}

#[test]
fn names_are_a_sentences() {
    for (set, text) in [
        (NONE, ""),
        (Readers::GO.with(Readers::GO_CLIENT), "Go"),
        (Readers::BROWSERS, "browsers"),
        (Readers::CHROME.with(Readers::JAVA), "Chrome and Java"),
        (Readers::LIBRARIES, "Go, OpenSSL and BoringSSL"),
    ] {
        assert_eq!(set.names(), text);
    }
    assert_eq!(Readers::CLIENTS.kinds_of_clients(), 4);
    assert_eq!(Readers::CHROME.with(Readers::JAVA).kinds_of_clients(), 1);
}

proptest::proptest! {
    #[test]
    fn random_texts_never_panic(text in "[-A-Za-z0-9+/=:\u{feff}\n\r\t ]{0,300}", key in "\\PC{0,80}") {
        let broken = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n{text}");
        let _ = (parsed(&text, &key), parsed(&broken, &text));
    }
}
