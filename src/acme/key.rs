//! Private keys of accounts and certificates, as they are kept.

use std::{fmt, sync::Arc};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{error::AcmeError, jwk, jws::SigningKey};
use crate::x509::{key, pem};

impl SigningKey {
    /// Reads the first private key of a PEM text: PKCS#8, PKCS#1 or SEC 1; ECDSA P-256, P-384, P-521, or RSA from 2048
    /// bits. Fails with [`AcmeError::Key`], which never repeats the key.
    pub fn from_pem(text: &[u8]) -> Result<Self, AcmeError> {
        match key::read(text, None).read {
            key::KeyContents::Key(_) => {}
            key::KeyContents::Nothing => return Err(AcmeError::Key("there is none".to_owned())),
            key::KeyContents::Encrypted => return Err(AcmeError::Key("it is encrypted".to_owned())),
            key::KeyContents::Invalid(reason) => return Err(AcmeError::Key(reason)),
        }
        let block = pem::blocks(text).find(pem::Block::is_private_key);
        let der = block.and_then(|block| block.decode_secret(pem::KEY_CAP).ok());
        Self::from_der(&der.ok_or_else(|| AcmeError::Key("it is not PEM".to_owned()))?)
    }
}

impl fmt::Debug for SigningKey {
    /// The algorithm alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.algorithm())
    }
}

/// An account's private key. Cheap to clone; `Debug` shows the algorithm alone.
#[derive(Clone)]
pub struct AccountKey {
    signing: Arc<SigningKey>,
    pem: SecretString,
}

impl AccountKey {
    /// A new key: ECDSA P-256.
    pub fn generate() -> Result<Self, AcmeError> {
        let failed = |_| AcmeError::Key("none can be generated".to_owned());
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
        Self::from_pem(&pem_of(pair.to_pkcs8v1().map_err(failed)?.as_ref()))
    }

    /// Reads a key from PEM: what [`SigningKey::from_pem`] reads, so an RSA account of another client is taken over.
    pub fn from_pem(pem: &SecretString) -> Result<Self, AcmeError> {
        Ok(Self {
            signing: Arc::new(SigningKey::from_pem(pem.expose_secret().as_bytes())?),
            pem: pem.clone(),
        })
    }

    /// Reads a key as other clients keep it: PEM, or a JWK in JSON as certbot has it. Fails with [`AcmeError::Key`], which never
    /// repeats the key.
    pub fn of_other_client(text: &[u8]) -> Result<Self, AcmeError> {
        if text.trim_ascii_start().starts_with(b"{") {
            return Self::from_pem(&pem_of(&jwk::pkcs8_of(text)?));
        }
        let text = std::str::from_utf8(text).map_err(|_| AcmeError::Key("it is not PEM".to_owned()))?;
        Self::from_pem(&SecretString::from(text))
    }

    /// The key in PEM: PKCS#8 when it was made here, otherwise as it was read.
    pub fn pem(&self) -> &SecretString {
        &self.pem
    }

    /// The thumbprint of its public half (RFC 7638), in base64url: what every key authorization ends with.
    pub fn thumbprint(&self) -> String {
        self.signing.thumbprint()
    }

    /// The algorithm's name in JWS: `ES256` of a key that was made here.
    pub fn algorithm(&self) -> &'static str {
        self.signing.algorithm()
    }

    /// The public half, for a test that knows a key by it.
    #[cfg(test)]
    pub(crate) fn jwk(&self) -> serde_json::Value {
        self.signing.jwk()
    }

    pub(super) fn signing(&self) -> &SigningKey {
        &self.signing
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountKey({})", self.signing.algorithm())
    }
}

/// PKCS#8 in PEM.
pub(super) fn pem_of(pkcs8: &[u8]) -> SecretString {
    let body = Zeroizing::new(BASE64_STANDARD.encode(pkcs8));
    let mut pem = Zeroizing::new(String::with_capacity(body.len() + body.len() / 64 + 64));
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = after;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    SecretString::from(pem.as_str())
}
