//! Signed requests (RFC 7515, flattened), keys as JWK (RFC 7517) and their thumbprints (RFC 7638).

use std::fmt;

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
    rand::SystemRandom,
    rsa,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair, RSA_PKCS1_SHA256,
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::error::AcmeError;
use crate::x509::{key, pem};

/// A private key that signs requests: an account's, or a certificate's for its revocation.
pub struct SigningKey(Inner);

enum Inner {
    Ec(&'static Curve, EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

struct Curve {
    name: &'static str,
    alg: &'static str,
    signing: &'static EcdsaSigningAlgorithm,
}

static CURVES: [Curve; 3] = [
    Curve {
        name: "P-256",
        alg: "ES256",
        signing: &ECDSA_P256_SHA256_FIXED_SIGNING,
    },
    Curve {
        name: "P-384",
        alg: "ES384",
        signing: &ECDSA_P384_SHA384_FIXED_SIGNING,
    },
    Curve {
        name: "P-521",
        alg: "ES512",
        signing: &ECDSA_P521_SHA512_FIXED_SIGNING,
    },
];

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

    /// Reads a private key in DER; what [`Self::from_pem`] says holds here too.
    pub fn from_der(der: &[u8]) -> Result<Self, AcmeError> {
        for curve in &CURVES {
            if let Ok(pair) = EcdsaKeyPair::from_private_key_der(curve.signing, der) {
                return Ok(Self(Inner::Ec(curve, pair)));
            }
        }
        rsa::KeyPair::from_pkcs8(der)
            .or_else(|_| rsa::KeyPair::from_der(der))
            .map(|pair| Self(Inner::Rsa(pair)))
            .map_err(|_| {
                AcmeError::Key("it is neither ECDSA (P-256, P-384, P-521) nor RSA of 2048 to 8192 bits".to_owned())
            })
    }

    /// The algorithm's name in JWS: `ES256`, `ES384`, `ES512` or `RS256` (RFC 7518, section 3.1).
    pub fn algorithm(&self) -> &'static str {
        match &self.0 {
            Inner::Ec(curve, _) => curve.alg,
            Inner::Rsa(_) => "RS256",
        }
    }

    /// The public half, with its members in the order in which a thumbprint has them (RFC 7638, section 3.2).
    pub(super) fn jwk(&self) -> String {
        match &self.0 {
            Inner::Ec(curve, pair) => {
                // An uncompressed point: 4, x, y.
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                ec_jwk(curve.name, &base64url(x), &base64url(y))
            }
            Inner::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                rsa_jwk(
                    &base64url(n.big_endian_without_leading_zero()),
                    &base64url(e.big_endian_without_leading_zero()),
                )
            }
        }
    }

    /// The thumbprint of the public half, in base64url (RFC 7638): what a key authorization ends with.
    pub fn thumbprint(&self) -> String {
        thumbprint_of(&self.jwk())
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, AcmeError> {
        let failed = |_| AcmeError::Key("signing failed".to_owned());
        let random = SystemRandom::new();
        match &self.0 {
            Inner::Ec(_, pair) => Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Inner::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    /// The algorithm alone.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.algorithm())
    }
}

/// Who signs a request, and by what the server knows the key (RFC 8555, section 6.2).
#[derive(Debug, Clone, Copy)]
pub(super) enum Signer<'a> {
    /// By the public key itself: for a new account, and for a certificate's key.
    Jwk(&'a SigningKey),
    /// By the account's URL.
    Kid(&'a SigningKey, &'a str),
}

impl Signer<'_> {
    /// A request's body: `payload` (JSON, or nothing for POST-as-GET) signed for `url`. The nonce is left out where
    /// there is none (RFC 8555, section 7.3.5).
    pub(super) fn sign(self, url: &str, nonce: Option<&str>, payload: &str) -> Result<String, AcmeError> {
        let (key, mut protected) = match self {
            Self::Jwk(key) => (key, json!({"jwk": jwk_value(key)?})),
            Self::Kid(key, kid) => (key, json!({"kid": kid})),
        };
        protected["alg"] = json!(key.algorithm());
        protected["url"] = json!(url);
        if let Some(nonce) = nonce {
            protected["nonce"] = json!(nonce);
        }
        flattened(&protected, payload, |input| key.sign(input))
    }
}

fn ec_jwk(curve: &str, x: &str, y: &str) -> String {
    format!(r#"{{"crv":"{curve}","kty":"EC","x":"{x}","y":"{y}"}}"#)
}

fn rsa_jwk(n: &str, e: &str) -> String {
    format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)
}

fn thumbprint_of(jwk: &str) -> String {
    base64url(digest(&SHA256, jwk.as_bytes()))
}

/// The JWK as a value, to be put into another document.
pub(super) fn jwk_value(key: &SigningKey) -> Result<Value, AcmeError> {
    serde_json::from_str(&key.jwk()).map_err(|_| AcmeError::Key("its public half cannot be written".to_owned()))
}

/// An external account binding (RFC 8555, section 7.3.4): the account's public key, signed with the MAC key of the CA.
pub(super) fn binding(account: &SigningKey, kid: &str, mac_key: &[u8], url: &str) -> Result<String, AcmeError> {
    let mac_key = hmac::Key::new(hmac::HMAC_SHA256, mac_key);
    let protected = json!({"alg": "HS256", "kid": kid, "url": url});
    flattened(&protected, &account.jwk(), |input| {
        Ok(hmac::sign(&mac_key, input).as_ref().to_vec())
    })
}

fn flattened(
    protected: &Value,
    payload: &str,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, AcmeError>,
) -> Result<String, AcmeError> {
    let (protected, payload) = (base64url(protected.to_string()), base64url(payload));
    let signature = base64url(sign(format!("{protected}.{payload}").as_bytes())?);
    // base64url needs no escaping.
    Ok(format!(
        r#"{{"protected":"{protected}","payload":"{payload}","signature":"{signature}"}}"#
    ))
}

/// base64url without padding, as everything in JOSE is.
pub(super) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests;
