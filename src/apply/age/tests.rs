//! Beside the tests against age itself, which are end-to-end tests.

use aws_lc_rs::encoding::{AsBigEndian as _, Curve25519SeedBin};

use super::*;

/// An identity and its recipient, in the form of `age-keygen`.
pub(in crate::apply) fn keygen() -> (String, String) {
    let private = PrivateKey::generate(&X25519).unwrap();
    let mut bytes = Key::default();
    let seed: Curve25519SeedBin<'_> = private.as_be_bytes().unwrap();
    bytes.copy_from_slice(seed.as_ref());
    let recipient = Recipient(public(&private).unwrap()).to_string();
    let secret = bech32::encode("age-secret-key-", &bytes).to_uppercase();
    (format!("# public key: {recipient}\n{secret}\n"), recipient)
}

#[test]
fn a_text_of_any_length_comes_back() {
    let (identity, recipient) = keygen();
    let chunk = 64 << 10;
    for length in [0, 1, 100, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 5] {
        let text: Vec<u8> = (0..=250).cycle().take(length).collect();
        let sealed = encrypt(&text, &[recipient.parse().unwrap()]).unwrap();
        assert!(
            *decrypt(&sealed, &identities(&identity).unwrap()).unwrap() == text,
            "{length} bytes"
        );
    }
}

#[test]
fn each_recipient_can_read_it_and_nobody_else() {
    let keys = [keygen(), keygen(), keygen()];
    let recipients: Vec<Recipient> = keys[..2]
        .iter()
        .map(|(_, recipient)| recipient.parse().unwrap())
        .collect();
    let sealed = encrypt(b"text", &recipients).unwrap();
    for (identity, _) in &keys[..2] {
        assert_eq!(*decrypt(&sealed, &identities(identity).unwrap()).unwrap(), b"text");
    }
    assert_eq!(
        decrypt(&sealed, &identities(&keys[2].0).unwrap()),
        Err(AgeError::NotForUs)
    );
    assert_eq!(encrypt(b"text", &[]), Err(AgeError::Empty));
}

#[test]
fn a_file_that_was_changed_or_cut_off_anywhere_is_not_read() {
    let (identity, recipient) = keygen();
    let mine = identities(&identity).unwrap();
    let sealed = encrypt(b"a private key", &[recipient.parse().unwrap()]).unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(decrypt(&changed, &mine).is_err(), "byte {at} was changed");
        assert!(decrypt(&sealed[..at], &mine).is_err(), "cut off at {at}");
    }
    assert!(decrypt(&[&sealed[..], b"x"].concat(), &mine).is_err());
    // Of several chunks, the last may not be missing either.
    let long = encrypt(&vec![7; 2 * (64 << 10)], &[recipient.parse().unwrap()]).unwrap();
    assert!(decrypt(&long[..long.len() - (64 << 10) - 16], &mine).is_err());
    // No two files are alike.
    assert_ne!(
        sealed,
        encrypt(b"a private key", &[recipient.parse().unwrap()]).unwrap()
    );
}

#[test]
fn a_share_of_low_order_is_refused() {
    let (identity, _) = keygen();
    let share = STANDARD_NO_PAD.encode([0; 32]);
    let file =
        format!("age-encryption.org/v1\n-> X25519 {share}\n{share}\n--- {share}\n0123456789abcdef0123456789abcdef");
    let refused = decrypt(file.as_bytes(), &identities(&identity).unwrap()).unwrap_err();
    assert!(refused.to_string().contains("low order"), "{refused}");
}

#[test]
fn what_is_no_key_is_told_and_a_secret_one_is_not_shown() {
    let (identity, recipient) = keygen();
    let secret = identity
        .lines()
        .find(|line| line.starts_with("AGE-SECRET-KEY-1"))
        .unwrap();
    let refused = secret.parse::<Recipient>().unwrap_err();
    assert_eq!(refused, AgeError::Secret);
    assert!(!refused.to_string().contains(secret));
    let mut wrong = recipient.clone();
    let last = if wrong.pop() == Some('q') { 'p' } else { 'q' };
    wrong.push(last);
    for text in [wrong.as_str(), "age1", "ssh-ed25519 AAAA", ""] {
        assert!(
            matches!(text.parse::<Recipient>(), Err(AgeError::Recipient(_))),
            "{text}"
        );
    }
    let shown = format!("{:?}", identities(&identity).unwrap());
    assert_eq!(shown, "[Identity(..)]");
    assert_eq!(identities("# nothing\n\n").unwrap_err(), AgeError::Empty);
    assert_eq!(
        identities(&format!("# one\n{recipient}\n")).unwrap_err(),
        AgeError::Identity(2)
    );
    let listed = recipients(&format!("# ops\n{recipient}\n\n{recipient}\n")).unwrap();
    assert_eq!(listed.len(), 2);
}

#[test]
fn a_file_for_a_passphrase_is_not_ours() {
    let (identity, _) = keygen();
    let file = "age-encryption.org/v1\n-> scrypt bBjlhJVYZeE4aqUdmtRHfw 15\nV1D6FaXjNqwGnB0kYCqHtPrYzMHrMwWYS0bC4vIrTBw\n--- \
                WRjnJ7sRG2EvjJs2cDGeyqFyhhpV7rOCq0tVkE9sQ0g\n0123456789abcdef0123456789abcdef";
    assert_eq!(
        decrypt(file.as_bytes(), &identities(&identity).unwrap()),
        Err(AgeError::NotForUs)
    );
}
