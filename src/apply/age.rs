//! Encrypts files for recipients, and decrypts them, in the format age v1 (<https://age-encryption.org/v1>) with X25519
//! keys: as `age -r` does, and `age -d -i` reads.
//!
//! A file is a header with one stanza for each recipient, which wraps the key of the file, and a payload in chunks of
//! 64 KiB. Why it is written here: `docs/decisions/0026-age-of-our-own.md`.

mod bech32;
mod payload;

use std::{fmt, str::FromStr};

use aws_lc_rs::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    agreement::{PrivateKey, UnparsedPublicKey, X25519, agree},
    hkdf::{HKDF_SHA256, Salt},
    hmac,
    rand::fill,
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use zeroize::Zeroizing;

use crate::error::{Blame, Diagnose};

/// The first line of a file.
const VERSION: &[u8] = b"age-encryption.org/v1\n";
/// The type of a stanza for an X25519 key, and the label of its wrapping key.
const STANZA: &str = "X25519";
const LABEL: &[u8] = b"age-encryption.org/v1/X25519";
/// The longest header that is read, in bytes: a thousand recipients.
const LONGEST_HEADER: usize = 128 << 10;

/// 32 bytes of key, wiped when they are dropped.
type Key = Zeroizing<[u8; 32]>;
/// The key of a file.
type FileKey = Zeroizing<[u8; 16]>;

/// Why something is not encrypted or decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AgeError {
    /// It is no recipient. Its text is shown, because a recipient is public, unless it is an identity.
    #[error("{0:?} is not a recipient of age, which begins with age1 and is 62 characters long")]
    Recipient(String),
    /// It is an identity, which is secret, in the place of a recipient.
    #[error("that is an identity, which is secret, and not a recipient, which begins with age1")]
    Secret,
    /// A file of identities has a line that is none.
    #[error("line {0} is not an identity of age (AGE-SECRET-KEY-1...)")]
    Identity(usize),
    /// A file has none.
    #[error("it holds none")]
    Empty,
    /// The cryptography failed, which the platform has to explain.
    #[error("the encryption failed")]
    Crypto,
    /// The file is not in the format, or was changed or cut off.
    #[error("it is not a whole file of age: {0}")]
    Malformed(&'static str),
    /// The file was not encrypted for any of the identities.
    #[error("it is not encrypted for any of the identities")]
    NotForUs,
}

impl Diagnose for AgeError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Recipient(_) | Self::Secret => {
                "`age-keygen -y FILE` prints the recipient of an identity; recipients of SSH and of plugins are not taken"
                    .into()
            }
            Self::Identity(_) | Self::Empty => "`age-keygen` makes an identity; lines that begin with # are left out".into(),
            Self::NotForUs => "name the identity of one of its recipients".into(),
            Self::Malformed(_) => "look whether `age -d` reads it; what is armored (-a) or has a passphrase is not read".into(),
            Self::Crypto => return None,
        })
    }

    fn blame(&self) -> Blame {
        Blame::Usage
    }
}

/// Whom a file is encrypted for: the public half of an X25519 key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Recipient([u8; 32]);

impl FromStr for Recipient {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, AgeError> {
        let text = text.trim();
        if text.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
            return Err(AgeError::Secret);
        }
        let key = bech32::decode("age", text);
        let key = key.ok_or_else(|| AgeError::Recipient(crate::text::shorten(text, 80).into_owned()))?;
        Ok(Self(*key))
    }
}

impl fmt::Display for Recipient {
    /// Writes `age1...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bech32::encode("age", &self.0))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads the recipients of a file, one a line.
pub fn recipients(text: &str) -> Result<Vec<Recipient>, AgeError> {
    let found: Vec<Recipient> = lines(text).map(|(_, line)| line.parse()).collect::<Result<_, _>>()?;
    if found.is_empty() {
        Err(AgeError::Empty)
    } else {
        Ok(found)
    }
}

/// The lines of a file of age that say something, each with its number.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = (1..).zip(text.lines().map(str::trim));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// Who decrypts a file: an X25519 key. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Identity(Key);

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

/// Reads the identities of a file, as `age-keygen` writes it.
pub fn identities(text: &str) -> Result<Vec<Identity>, AgeError> {
    let read = |(number, line): (usize, &str)| {
        let upper = line.starts_with("AGE-SECRET-KEY-1");
        let lower = Zeroizing::new(line.to_ascii_lowercase());
        let key = bech32::decode("age-secret-key-", &lower).filter(|_| upper);
        key.map(Identity).ok_or(AgeError::Identity(number))
    };
    let found: Vec<Identity> = lines(text).map(read).collect::<Result<_, _>>()?;
    if found.is_empty() {
        Err(AgeError::Empty)
    } else {
        Ok(found)
    }
}

/// Encrypts a text for every recipient.
pub fn encrypt(plain: &[u8], recipients: &[Recipient]) -> Result<Vec<u8>, AgeError> {
    if recipients.is_empty() {
        return Err(AgeError::Empty);
    }
    let mut key = FileKey::default();
    fill(&mut *key).map_err(|_| AgeError::Crypto)?;
    let mut file = VERSION.to_vec();
    for recipient in recipients {
        file.extend_from_slice(wrapped(&key, recipient)?.as_bytes());
    }
    file.extend_from_slice(b"---");
    let mac = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, &*derived(&[], b"header", &*key)?),
        &file,
    );
    file.extend_from_slice(format!(" {}\n", STANDARD_NO_PAD.encode(mac.as_ref())).as_bytes());
    payload::seal(&key, plain, &mut file)?;
    Ok(file)
}

/// Decrypts a file with the first identity that can.
pub fn decrypt(file: &[u8], identities: &[Identity]) -> Result<Zeroizing<Vec<u8>>, AgeError> {
    let header = Header::of(file)?;
    let mut key = None;
    for (share, body) in &header.stanzas {
        for identity in identities {
            key = key.or(unwrapped(identity, share, body)?);
        }
    }
    let key = key.ok_or(AgeError::NotForUs)?;
    let of_header = hmac::Key::new(hmac::HMAC_SHA256, &*derived(&[], b"header", &*key)?);
    hmac::verify(&of_header, header.signed, &header.mac).map_err(|_| AgeError::Malformed("its header was changed"))?;
    payload::open(&key, header.payload)
}

/// The stanza that wraps the key of the file for a recipient.
fn wrapped(key: &FileKey, recipient: &Recipient) -> Result<String, AgeError> {
    let ephemeral = PrivateKey::generate(&X25519).map_err(|_| AgeError::Crypto)?;
    let share = public(&ephemeral)?;
    let wrapping = wrapping(&ephemeral, &recipient.0, &share, &recipient.0)?.ok_or(AgeError::Crypto)?;
    let mut body = Zeroizing::new(key.to_vec());
    cipher(&wrapping)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key([0; 12]), Aad::empty(), &mut *body)
        .map_err(|_| AgeError::Crypto)?;
    // 32 bytes are one line of 43 characters.
    let (share, body) = (STANDARD_NO_PAD.encode(share), STANDARD_NO_PAD.encode(&*body));
    Ok(format!("-> {STANZA} {share}\n{body}\n"))
}

/// The key of the file, if the stanza was made for the identity.
fn unwrapped(identity: &Identity, share: &[u8; 32], body: &[u8; 32]) -> Result<Option<FileKey>, AgeError> {
    let private = PrivateKey::from_private_key(&X25519, &*identity.0).map_err(|_| AgeError::Crypto)?;
    let recipient = public(&private)?;
    let Some(wrapping) = wrapping(&private, share, share, &recipient)? else {
        return Err(AgeError::Malformed("a share of it is of low order"));
    };
    let mut body = Zeroizing::new(*body);
    let opened = cipher(&wrapping)?.open_in_place(Nonce::assume_unique_for_key([0; 12]), Aad::empty(), &mut *body);
    Ok(opened
        .ok()
        .and_then(|key| <[u8; 16]>::try_from(&*key).ok())
        .map(Zeroizing::new))
}

/// The key that wraps the key of the file, from the secret that two halves share; `None` if they share none.
fn wrapping(mine: &PrivateKey, other: &[u8], share: &[u8; 32], recipient: &[u8; 32]) -> Result<Option<Key>, AgeError> {
    let salt = [share.as_slice(), recipient.as_slice()].concat();
    let other = UnparsedPublicKey::new(&X25519, other);
    let shared = agree(mine, other, AgeError::Crypto, |secret| {
        Ok((secret.iter().any(|byte| *byte != 0)).then(|| derived(&salt, LABEL, secret)))
    });
    // The library refuses points of low order itself.
    shared.ok().flatten().transpose()
}

fn public(private: &PrivateKey) -> Result<[u8; 32], AgeError> {
    let public = private.compute_public_key().map_err(|_| AgeError::Crypto)?;
    public.as_ref().try_into().map_err(|_| AgeError::Crypto)
}

/// HKDF with SHA-256 (RFC 5869).
fn derived(salt: &[u8], label: &[u8], secret: &[u8]) -> Result<Key, AgeError> {
    let mut key = Key::default();
    Salt::new(HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[label], HKDF_SHA256)
        .and_then(|made| made.fill(&mut *key))
        .map_err(|_| AgeError::Crypto)?;
    Ok(key)
}

fn cipher(key: &Key) -> Result<LessSafeKey, AgeError> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, &**key).map_err(|_| AgeError::Crypto)?;
    Ok(LessSafeKey::new(key))
}

/// The parts of a file.
struct Header<'f> {
    /// The shares and wrapped keys of X25519 stanzas.
    stanzas: Vec<([u8; 32], [u8; 32])>,
    /// What the MAC is of.
    signed: &'f [u8],
    mac: Vec<u8>,
    payload: &'f [u8],
}

impl<'f> Header<'f> {
    fn of(file: &'f [u8]) -> Result<Self, AgeError> {
        let malformed = |why| AgeError::Malformed(why);
        let rest = file
            .strip_prefix(VERSION)
            .ok_or(malformed("its first line is another"))?;
        let mut at = file.len() - rest.len();
        let mut stanzas = Vec::new();
        let mut line = || {
            let left = file.get(at..).filter(|_| at < LONGEST_HEADER)?;
            let end = left.iter().position(|byte| *byte == b'\n')?;
            let begin = at;
            at += end + 1;
            Some((begin, std::str::from_utf8(&left[..end]).ok()?))
        };
        let cut = || malformed("its header has no end");
        loop {
            let (begin, text) = line().ok_or_else(cut)?;
            if let Some(mac) = text.strip_prefix("--- ") {
                let mac = STANDARD_NO_PAD.decode(mac).map_err(|_| malformed("its MAC is none"))?;
                let signed = &file[..begin + 3];
                return Ok(Self {
                    stanzas,
                    signed,
                    mac,
                    payload: &file[at..],
                });
            }
            let words = text
                .strip_prefix("-> ")
                .ok_or(malformed("a line of its header is none"))?;
            let mut body = String::new();
            loop {
                let (_, text) = line().ok_or_else(cut)?;
                body.push_str(text);
                // The last line of a body is shorter than the others.
                if text.len() < 64 {
                    break;
                }
            }
            if let Some(share) = words.strip_prefix("X25519 ") {
                let bytes = |text: &str| STANDARD_NO_PAD.decode(text).ok()?.try_into().ok();
                let both: Option<([u8; 32], [u8; 32])> = bytes(share).zip(bytes(&body));
                stanzas.push(both.ok_or(malformed("a stanza of it has another length"))?);
            }
        }
    }
}

#[cfg(test)]
pub(in crate::apply) mod tests;
