//! Bundles that a seed has spoiled: how they are written, the certificates, the keys, the chains.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{
    CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256,
};
use time::Duration;

use crate::support::pki::{Pair, Pki, now};

/// One bundle.
pub(super) struct Made {
    /// What was done to it.
    pub(super) how: String,
    pub(super) chain: Vec<u8>,
    pub(super) key: Vec<u8>,
}

/// The host of a bundle behind a class.
pub(super) fn host(at: usize, class: &str) -> String {
    format!("{class}.h{at}.example")
}

/// Numbers that are the same for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(sides.max(1)).unwrap()).unwrap()
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len())].clone()
    }
}

/// This many bundles: for each kind of spoiling in turn.
pub(super) fn bundles(pki: &Pki, count: usize, seed: u64) -> Vec<Made> {
    let mut dice = Dice(seed);
    let rsa = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    (0..count)
        .map(|at| {
            // One name for all: what spoils it, spoils it behind every class.
            let name = format!("*.h{at}.example");
            let names = [name.as_str()];
            match at % 5 {
                0 => written(pki.pair(&names), &mut dice),
                1 => odd(pki, &names, &rsa, &mut dice),
                2 => changed(pki, &names, &mut dice),
                3 => keyed(pki.pair(&names), pki, &mut dice),
                _ => chained(pki, &names, &mut dice),
            }
        })
        .collect()
}

/// How the chain is written.
fn written(pair: Pair, dice: &mut Dice) -> Made {
    let mut text = pair.chain.into_bytes();
    let mut how = Vec::new();
    for _ in 0..=dice.roll(2) {
        let (name, new) = rewritten(&text, &pair.key, dice);
        how.push(name);
        text = new;
    }
    Made {
        how: how.join(", then "),
        chain: text,
        key: pair.key.into_bytes(),
    }
}

fn rewritten(text: &[u8], key: &str, dice: &mut Dice) -> (String, Vec<u8>) {
    let lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    let at = dice.roll(lines.len());
    let joined = |lines: &[&[u8]]| lines.join(&b'\n');
    let with = |line: &[u8]| {
        let mut new = lines.clone();
        new.insert(at, line);
        joined(&new)
    };
    let replaced = |change: &dyn Fn(&[u8]) -> Vec<u8>| {
        let mut new: Vec<Vec<u8>> = lines.iter().map(|l| l.to_vec()).collect();
        new[at] = change(lines[at]);
        new.join(&b'\n')
    };
    let text_of = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    let (name, new) = match dice.roll(20) {
        0 => ("a blank line", with(b"")),
        1 => ("a line of text", with(b"subject: CN = x")),
        2 => ("a line of words", with(b"hello")),
        3 => ("a byte order mark", [b"\xef\xbb\xbf", text].concat()),
        4 => ("line ends of Windows", text_of(text).replace('\n', "\r\n").into_bytes()),
        5 => ("an indented line", replaced(&|line| [b"  ", line].concat())),
        6 => ("white space at the end", replaced(&|line| [line, b" \t"].concat())),
        7 => ("a NUL at the end", [text, b"\0"].concat()),
        8 => ("a line lost", replaced(&|_| Vec::new())),
        9 => (
            "a line without its end",
            replaced(&|line| line[..line.len() / 2].to_vec()),
        ),
        10 => (
            "a label of old",
            text_of(text).replace("CERTIFICATE", "X509 CERTIFICATE").into_bytes(),
        ),
        11 => (
            "OpenSSL's label",
            text_of(text)
                .replacen("CERTIFICATE", "TRUSTED CERTIFICATE", 2)
                .into_bytes(),
        ),
        12 => (
            "no line break between",
            text_of(text).replacen("-----\n-----", "----------", 1).into_bytes(),
        ),
        13 => (
            "six hyphens",
            replaced(&|line| text_of(line).replace("-----", "------").into_bytes()),
        ),
        14 => (
            "four hyphens",
            replaced(&|line| text_of(line).replacen("-----", "----", 1).into_bytes()),
        ),
        15 => ("the key behind", [text, b"\n", key.as_bytes()].concat()),
        16 => ("the key before", [key.as_bytes(), text].concat()),
        17 => (
            "another character",
            replaced(&|line| line.iter().map(|b| if *b == b'Q' { b'?' } else { *b }).collect()),
        ),
        18 => ("the file cut off", text[..text.len() * 9 / 10].to_vec()),
        _ => ("a line twice", with(lines[at])),
    };
    (format!("{name} at {at}"), new)
}

/// Certificates that are issued so.
fn odd(pki: &Pki, names: &[&str], rsa: &KeyPair, dice: &mut Dice) -> Made {
    let kind = dice.roll(8);
    let key = match kind {
        0 => KeyPair::generate_for(&PKCS_ED25519),
        1 => KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384),
        2 => KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512),
        3 => KeyPair::try_from(rsa.serialize_der()),
        _ => KeyPair::generate(),
    }
    .unwrap();
    let mut how = vec![format!("key {kind}")];
    let pair = pki.pair_of(names, key, |params| {
        for _ in 0..=dice.roll(2) {
            how.push(oddity(params, dice));
        }
    });
    Made {
        how: how.join(", "),
        chain: pair.chain.into_bytes(),
        key: pair.key.into_bytes(),
    }
}

fn oddity(params: &mut CertificateParams, dice: &mut Dice) -> String {
    let usages = [
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
        KeyUsagePurpose::KeyAgreement,
        KeyUsagePurpose::KeyCertSign,
    ];
    let mut extension = |oid: &[u64], content: &[u8], critical: bool| {
        let mut extension = CustomExtension::from_oid_content(oid, content.to_vec());
        extension.set_criticality(critical);
        params.custom_extensions.push(extension);
    };
    match dice.roll(14) {
        0 => {
            params.key_usages = vec![dice.one(&usages)];
            format!("key usage {:?}", params.key_usages)
        }
        1 => {
            params.key_usages.clear();
            "no key usage".to_owned()
        }
        2 => {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            "for clients".to_owned()
        }
        3 => {
            params.extended_key_usages.clear();
            "no extended key usage".to_owned()
        }
        4 => {
            params.subject_alt_names.clear();
            "no names".to_owned()
        }
        5 => {
            params.not_after = now() - Duration::days(1);
            "expired".to_owned()
        }
        6 => {
            params.not_before = now() + Duration::days(1);
            "not yet valid".to_owned()
        }
        7 => {
            params.is_ca = IsCa::NoCa;
            "no basic constraints".to_owned()
        }
        8 => {
            extension(&[1, 3, 6, 1, 4, 1, 99_999, 1], &[5, 0], dice.roll(2) == 0);
            "an unknown extension".to_owned()
        }
        9 => {
            // authorityInfoAccess that is malformed
            extension(&[1, 3, 6, 1, 5, 5, 7, 1, 1], &[0x30, 3, 2, 1, 5], false);
            "broken authority information".to_owned()
        }
        10 => {
            // certificatePolicies, one of them twice
            extension(
                &[2, 5, 29, 32],
                &[0x30, 12, 0x30, 4, 6, 2, 0x2a, 3, 0x30, 4, 6, 2, 0x2a, 3],
                false,
            );
            "a policy twice".to_owned()
        }
        11 => {
            extension(&[2, 5, 29, 14], &[4, 2, 1, 2], true);
            "a critical key identifier".to_owned()
        }
        12 => {
            params.distinguished_name = rcgen::DistinguishedName::new();
            "no subject".to_owned()
        }
        _ => "nothing".to_owned(),
    }
}

/// One byte of what is signed is another, and it is signed again; or the serial number is negative.
fn changed(pki: &Pki, names: &[&str], dice: &mut Dice) -> Made {
    let pair = pki.pair(names);
    let serial = dice.roll(8) == 0;
    let (tbs, rest) = signed_part(&pair.der);
    let mut new = tbs.to_vec();
    let how = if serial {
        // The version is five bytes, after the outer header; the serial number's value begins two bytes later.
        let at = header(tbs) + 5 + 2;
        new[at] |= 0x80;
        "a negative serial number".to_owned()
    } else {
        let at = header(tbs) + dice.roll(tbs.len() - header(tbs));
        let byte = u8::try_from(dice.roll(256)).unwrap();
        new[at] = byte;
        format!("byte {at} is {byte:#04x}")
    };
    let algorithm = &rest[..header(rest) + usize::from(rest[1])];
    let signature = element(0x03, &[&[0][..], &pki.sign(&new)].concat());
    let der = element(0x30, &[&new[..], algorithm, &signature[..]].concat());
    let sub = pair.chain.find("-----\n-----").unwrap() + 6;
    Made {
        how,
        chain: (pem("CERTIFICATE", &der) + &pair.chain[sub..]).into_bytes(),
        key: pair.key.into_bytes(),
    }
}

/// What is signed, and what follows it, in a certificate.
fn signed_part(der: &[u8]) -> (&[u8], &[u8]) {
    let inside = &der[header(der)..];
    let length = header(inside) + length(inside);
    inside.split_at(length)
}

/// How long the header of an element is.
fn header(der: &[u8]) -> usize {
    if der[1] < 0x80 {
        2
    } else {
        2 + usize::from(der[1] & 0x7f)
    }
}

fn length(der: &[u8]) -> usize {
    if der[1] < 0x80 {
        usize::from(der[1])
    } else {
        der[2..header(der)]
            .iter()
            .fold(0, |sum, b| (sum << 8) | usize::from(*b))
    }
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ ..0x80) => der.push(short),
        Ok(long) => der.extend([0x81, long]),
        Err(_) => {
            der.push(0x82);
            der.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        }
    }
    der.extend_from_slice(content);
    der
}

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let lines: Vec<&str> = encoded
        .as_bytes()
        .chunks(64)
        .map(|l| std::str::from_utf8(l).unwrap())
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

/// Keys that are another's, forged, or written in another way.
fn keyed(pair: Pair, pki: &Pki, dice: &mut Dice) -> Made {
    let other = pki.pair(&["other.example"]);
    // PKCS #8 of P-256: the private number is after version, algorithm and the headers of ECPrivateKey.
    let number = pair.key_der.windows(2).position(|w| w == [4, 32]).unwrap() + 2;
    let (how, key) = match dice.roll(10) {
        0 => ("another's", other.key),
        1 => {
            let mut der = pair.key_der.clone();
            der[number + 7] ^= 0x55;
            ("forged", pem("PRIVATE KEY", &der))
        }
        2 => {
            let mut der = pair.key_der.clone();
            der[number..number + 32].fill(0);
            ("zero", pem("PRIVATE KEY", &der))
        }
        3 => ("another label", pair.key.replace("PRIVATE KEY", "RSA PRIVATE KEY")),
        4 => ("the label of SEC 1", pair.key.replace("PRIVATE KEY", "EC PRIVATE KEY")),
        5 => ("a certificate before it", pair.chain.clone() + &pair.key),
        6 => ("a byte order mark", format!("\u{feff}{}", pair.key)),
        7 => ("cut off", pair.key[..pair.key.len() / 2].to_owned()),
        8 => (
            "bytes behind",
            pem("PRIVATE KEY", &[&pair.key_der[..], &[0, 0]].concat()),
        ),
        _ => ("and another behind it", pair.key.clone() + &other.key),
    };
    Made {
        how: format!("a key: {how}"),
        chain: pair.chain.into_bytes(),
        key: key.into_bytes(),
    }
}

/// Chains that lack something, have too much, or stand in another order.
fn chained(pki: &Pki, names: &[&str], dice: &mut Dice) -> Made {
    let pair = pki.pair(names);
    let [leaf, sub] = &pair.chain_der[..] else {
        panic!("a leaf and an intermediate");
    };
    let stranger = Pki::new().pair(names);
    let (leaf, sub, foreign) = (
        pem("CERTIFICATE", leaf),
        pem("CERTIFICATE", sub),
        pem("CERTIFICATE", &stranger.chain_der[1]),
    );
    let root = pki.root_pem();
    let (how, chain) = match dice.roll(10) {
        0 => ("alone", leaf.clone()),
        1 => ("with the root", [leaf.as_str(), &sub, &root].concat()),
        2 => ("the root between", [leaf.as_str(), &root, &sub].concat()),
        3 => ("the intermediate first", [sub.as_str(), &leaf].concat()),
        4 => ("another's intermediate", [leaf.as_str(), &foreign].concat()),
        5 => ("both intermediates", [leaf.as_str(), &foreign, &sub].concat()),
        6 => ("the leaf twice", [leaf.as_str(), &leaf, &sub].concat()),
        7 => ("the intermediate twice", [leaf.as_str(), &sub, &sub].concat()),
        8 => ("nothing", String::new()),
        _ => ("as it should be", pair.chain.clone()),
    };
    Made {
        how: format!("a chain: {how}"),
        chain: chain.into_bytes(),
        key: pair.key.into_bytes(),
    }
}
