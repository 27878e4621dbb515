use std::fmt::Write;

use super::*;
use proptest::prelude::*;

fn only(text: &str) -> Block<'_> {
    let all: Vec<_> = blocks(text.as_bytes()).collect();
    assert_eq!(all.len(), 1, "{text:?}");
    all.into_iter().next().expect("one")
}

#[test]
fn what_people_paste_is_read() {
    for text in [
        "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\r\naGVs\r\nbG8=\r\n-----END CERTIFICATE-----\r\n",
        "  -----BEGIN CERTIFICATE-----\n  aGVsbG8=\n  -----END CERTIFICATE-----\n",
        "Bag Attributes\n    localKeyID: 01\nsubject=CN = x\n\
         -----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n",
        "\u{feff}\n-----BEGIN CERTIFICATE-----\n\naG Vs\tbG8=\n\n-----END CERTIFICATE-----  \nrest",
    ] {
        let block = only(text);
        assert!(block.is_certificate() && !block.is_private_key());
        assert_eq!(block.decode(100).as_deref(), Ok(&b"hello"[..]), "{text:?}");
        assert_eq!(block.decode_secret(100).map(|d| d.to_vec()), Ok(b"hello".to_vec()));
    }
}

#[test]
fn what_is_broken_says_how() {
    let begin = "-----BEGIN CERTIFICATE-----\n";
    for (rest, error) in [
        ("aGVsbG8=\n", PemError::Unterminated),
        ("aGVsbG8=\n-----END KEY-----\n", PemError::OtherLabel),
        (
            "aGVsbG8=\n-----END CERTIFICATE----------BEGIN CERTIFICATE-----\n",
            PemError::Joined,
        ),
        ("a?VsbG8=\n-----END CERTIFICATE-----\n", PemError::NotBase64),
        ("aGVsbG\n-----END CERTIFICATE-----\n", PemError::NotBase64),
        ("-----END CERTIFICATE-----\n", PemError::Empty),
        (
            "aGVsbG8gaGVsbG8=\n-----END CERTIFICATE-----\n",
            PemError::TooLarge { size: 17, cap: 16 },
        ),
    ] {
        assert_eq!(only(&format!("{begin}{rest}")).decode(16), Err(error), "{rest}");
    }
    // A block that never ends does not swallow the next one.
    let two = format!("{begin}aGVs\n{begin}aGVs\n-----END CERTIFICATE-----\n");
    let results: Vec<_> = blocks(two.as_bytes()).map(|b| (b.position, b.decode(16))).collect();
    assert_eq!(results, [(0, Err(PemError::Unterminated)), (1, Ok(b"hel".to_vec()))]);
}

#[test]
fn legacy_encryption_is_seen_in_the_headers() {
    let text = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n\
                aGVsbG8=\n-----END RSA PRIVATE KEY-----\n";
    let block = only(text);
    assert!(block.encrypted && block.is_private_key());
    assert_eq!(block.decode(100).as_deref(), Ok(&b"hello"[..]));
    assert_eq!(format!("{block:?}"), "Block(\"RSA PRIVATE KEY\")");
    assert!(
        !only("-----BEGIN RSA PRIVATE KEY-----\nComment: ENCRYPTED\n\naGVsbG8=\n-----END RSA PRIVATE KEY-----\n")
            .encrypted
    );
}

#[test]
fn a_text_without_blocks_says_what_it_is() {
    for (text, why) in [
        (&b"\x30\x82\x01\x00"[..], "it is DER, not PEM"),
        (
            b"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==",
            "it is base64 of PEM: it was encoded twice",
        ),
        (
            b"MIIBhTCCASugAwIBAgIQIRi6zePL6mKjOipn+dNuaTAKBggq",
            "it is base64 without its BEGIN and END lines",
        ),
        (b"x -----BEGIN CERTIFICATE-----", "its BEGIN line is broken"),
        (b"hello", "there is no PEM block in it"),
    ] {
        assert_eq!(blocks(text).count(), 0);
        assert_eq!(why_no_block(text), why);
    }
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        for block in blocks(&bytes) {
            let _ = (block.decode(CERTIFICATE_CAP), block.decode_secret(KEY_CAP));
        }
        let _ = why_no_block(&bytes);
    }

    #[test]
    fn blocks_among_any_text_are_found_whole(
        bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 0..6),
        between in "[a-z :\r\n\t]{0,40}",
        width in 1usize..100,
    ) {
        let mut text = String::new();
        for body in &bodies {
            let encoded = BASE64.encode(body);
            let _ = write!(text, "{between}\n-----BEGIN X-----\n");
            for line in encoded.as_bytes().chunks(width) {
                let _ = write!(text, "{}\r\n", String::from_utf8_lossy(line));
            }
            text.push_str("-----END X-----\n");
        }
        let read: Vec<_> = blocks(text.as_bytes()).map(|b| b.decode(10_000)).collect();
        prop_assert_eq!(read, bodies.into_iter().map(Ok).collect::<Vec<_>>());
    }
}
