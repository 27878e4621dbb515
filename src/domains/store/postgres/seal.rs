//! Private keys in a database, sealed with a key that the database never sees: whoever reads a dump or a replica has none.
//!
//! AES-256-GCM with a random nonce (NIST SP 800-38D, section 8.2.2), bound to the host, so that a row cannot be given another
//! host's key. Sealed is: a byte for this form, the first 8 bytes of the SHA-256 of the key, the nonce, the text and its tag.

use std::fmt;

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest::{SHA256, digest},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::domain::Host;

/// This form.
const FORM: u8 = 1;
/// How long a key is, in bytes.
const KEY: usize = 32;
/// How many bytes name a key.
const ID: usize = 8;

/// Seals and opens private keys.
pub struct Sealer {
    keys: Vec<([u8; ID], RandomizedNonceKey)>,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("keys", &self.keys.len()).finish()
    }
}

/// A text has no key to seal with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has to be 32 random bytes in base64, as `openssl rand -base64 32` makes them; further lines are former keys"
)]
pub struct NotASealingKey;

/// What was sealed cannot be opened. The messages fit "it cannot be opened: ...".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unopened {
    #[error("it was sealed with a key that is not among those of the settings")]
    OtherKey,
    #[error("it has been changed, or is another host's")]
    Changed,
    #[error("it has a form that this version does not know")]
    Form,
}

impl Sealer {
    /// Reads keys, one a line in base64: the first seals, and all open.
    ///
    /// # Errors
    ///
    /// [`NotASealingKey`] if a line is none, or if there is none.
    pub fn read(text: &SecretString) -> Result<Self, NotASealingKey> {
        let lines = text.expose_secret().lines().map(str::trim);
        let keys = lines.filter(|line| !line.is_empty()).map(|line| {
            let bytes = Zeroizing::new(BASE64_STANDARD.decode(line).map_err(|_| NotASealingKey)?);
            if bytes.len() != KEY {
                return Err(NotASealingKey);
            }
            let mut id = [0; ID];
            id.copy_from_slice(&digest(&SHA256, &bytes).as_ref()[..ID]);
            let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| NotASealingKey)?;
            Ok((id, key))
        });
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(NotASealingKey);
        }
        Ok(Self { keys })
    }

    /// Seals the private key of a host; `None` if the cipher fails, which it does not.
    pub(super) fn seal(&self, host: &Host, key: &SecretString) -> Option<Vec<u8>> {
        let (id, sealing) = self.keys.first()?;
        let plain = key.expose_secret().as_bytes();
        // Room for the tag, so that no copy of the key is left behind.
        let mut text = Vec::with_capacity(plain.len() + AES_256_GCM.tag_len());
        text.extend_from_slice(plain);
        let nonce = sealing
            .seal_in_place_append_tag(Aad::from(bound(host)), &mut text)
            .ok()?;
        let mut sealed = vec![FORM];
        sealed.extend_from_slice(id);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.extend_from_slice(&text);
        Some(sealed)
    }

    /// Opens what was sealed for a host.
    pub(super) fn open(&self, host: &Host, sealed: &[u8]) -> Result<SecretString, Unopened> {
        let (form, rest) = sealed.split_first().ok_or(Unopened::Form)?;
        if *form != FORM || rest.len() < ID + NONCE_LEN {
            return Err(Unopened::Form);
        }
        let (id, rest) = rest.split_at(ID);
        let (nonce, text) = rest.split_at(NONCE_LEN);
        let (_, key) = self
            .keys
            .iter()
            .find(|(known, _)| known == id)
            .ok_or(Unopened::OtherKey)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unopened::Form)?;
        let mut text = Zeroizing::new(text.to_vec());
        let plain = key.open_in_place(nonce, Aad::from(bound(host)), &mut text);
        let plain = plain.map_err(|_| Unopened::Changed)?;
        let plain = std::str::from_utf8(plain).map_err(|_| Unopened::Changed)?;
        Ok(SecretString::from(plain))
    }
}

/// What a sealed key belongs to.
fn bound(host: &Host) -> Vec<u8> {
    format!("kubectl-certs.io/domain-key {host}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(bytes: &[u8]) -> Sealer {
        let lines: Vec<String> = bytes.iter().map(|byte| BASE64_STANDARD.encode([*byte; KEY])).collect();
        Sealer::read(&lines.join("\n").into()).unwrap()
    }

    #[test]
    fn a_sealed_key_opens_for_its_host_alone_and_no_byte_of_it_can_be_changed() {
        let (host, other) = ("a.example.com".parse().unwrap(), "b.example.com".parse().unwrap());
        let (sealer, key) = (sealer(&[1]), SecretString::from("the key"));
        let made = sealer.seal(&host, &key).unwrap();
        assert!(!made.windows(3).any(|part| part == b"key"));
        assert_ne!(made, sealer.seal(&host, &key).unwrap());
        assert_eq!(sealer.open(&host, &made).unwrap().expose_secret(), "the key");
        assert_eq!(sealer.open(&other, &made).unwrap_err(), Unopened::Changed);
        for at in 0..made.len() {
            let mut changed = made.clone();
            changed[at] ^= 1;
            assert!(sealer.open(&host, &changed).is_err(), "{at}");
            assert!(sealer.open(&host, &made[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn a_former_key_still_opens_and_no_longer_seals() {
        let host = "a.example.com".parse().unwrap();
        let sealed = sealer(&[1]).seal(&host, &"old".into()).unwrap();
        assert_eq!(sealer(&[2]).open(&host, &sealed).unwrap_err(), Unopened::OtherKey);
        let both = sealer(&[2, 1]);
        assert_eq!(both.open(&host, &sealed).unwrap().expose_secret(), "old");
        let anew = both.seal(&host, &"new".into()).unwrap();
        assert_eq!(sealer(&[1]).open(&host, &anew).unwrap_err(), Unopened::OtherKey);
    }

    #[test]
    fn what_is_no_key_is_told_without_being_quoted() {
        for text in ["", "secret", "c2hvcnQ=", "\n \n"] {
            let error = Sealer::read(&text.into()).unwrap_err().to_string();
            assert!(text.trim().is_empty() || !error.contains(text), "{error}");
        }
        assert_eq!(format!("{:?}", sealer(&[1, 2])), "Sealer { keys: 2 }");
    }
}
