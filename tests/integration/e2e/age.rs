//! The encryption of manifests, against age itself: what is encrypted here is read by it, and what it encrypts is read
//! here.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use kubectl_certs::apply::age::{AgeError, Recipient, decrypt, encrypt, identities};

/// An identity and its recipient, as `age-keygen` writes them.
pub(super) fn keygen() -> (String, String) {
    let made = Command::new("age-keygen").output().expect("age of Debian is installed");
    assert!(made.status.success(), "{made:?}");
    let text = String::from_utf8(made.stdout).unwrap();
    let recipient = text.lines().find_map(|line| line.strip_prefix("# public key: "));
    let recipient = recipient.unwrap().to_owned();
    (text, recipient)
}

/// Runs age with a text, and returns what it writes.
pub(super) fn age(args: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
    let mut child = Command::new("age")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("age of Debian is installed");
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let ended = child.wait_with_output().unwrap();
    // age stops reading where it fails.
    drop(writer.join());
    if ended.status.success() {
        Ok(ended.stdout)
    } else {
        Err(String::from_utf8_lossy(&ended.stderr).into_owned())
    }
}

/// Texts of the lengths at which chunks begin and end.
fn texts() -> impl Iterator<Item = Vec<u8>> {
    let chunk = 64 << 10;
    let lengths = [0, 1, 100, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk + 5];
    lengths
        .into_iter()
        .map(|length| (0..=250).cycle().take(length).collect())
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn age_reads_what_is_encrypted_here_with_the_identity_of_each_recipient() {
    let (keys, dir) = ([keygen(), keygen()], tempfile::tempdir().unwrap());
    let recipients: Vec<Recipient> = keys.iter().map(|(_, recipient)| recipient.parse().unwrap()).collect();
    for (number, (identity, recipient)) in keys.iter().enumerate() {
        assert_eq!(recipients[number].to_string(), *recipient);
        let file = dir.path().join(number.to_string());
        std::fs::write(&file, identity).unwrap();
        for text in texts() {
            let sealed = encrypt(&text, &recipients).unwrap();
            let plain = age(&["-d", "-i", file.to_str().unwrap()], &sealed).unwrap();
            assert!(plain == text, "{} bytes", text.len());
        }
    }
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_age_encrypts_is_read_here() {
    let ((identity, recipient), (other, others)) = (keygen(), keygen());
    let mine = identities(&identity).unwrap();
    for text in texts() {
        let sealed = age(&["-r", &others, "-r", &recipient], &text).unwrap();
        assert!(*decrypt(&sealed, &mine).unwrap() == text, "{} bytes", text.len());
    }
    let (sealed, other) = (age(&["-r", &recipient], b"text").unwrap(), identities(&other).unwrap());
    assert_eq!(decrypt(&sealed, &other), Err(AgeError::NotForUs));
    let both = [other, mine].concat();
    assert_eq!(*decrypt(&sealed, &both).unwrap(), b"text");
}
