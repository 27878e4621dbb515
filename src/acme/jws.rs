//! What instant-acme does not sign (RFC 7515, flattened): with keys that are not ECDSA P-256, with a certificate's key, and what
//! binds one key to another. Keys as JWK (RFC 7517) and their thumbprints (RFC 7638).

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
    pkcs8::Document,
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

/// A private key that signs requests: an account's, or a certificate's for its revocation.
pub struct SigningKey(Inner);

enum Inner {
    Ec(&'static Curve, EcdsaKeyPair),
    Rsa(rsa::KeyPair),
}

/// Its name in a JWK, and its algorithm's in JWS.
type Curve = (&'static str, &'static str, &'static EcdsaSigningAlgorithm);

static CURVES: [Curve; 3] = [
    ("P-256", "ES256", &ECDSA_P256_SHA256_FIXED_SIGNING),
    ("P-384", "ES384", &ECDSA_P384_SHA384_FIXED_SIGNING),
    ("P-521", "ES512", &ECDSA_P521_SHA512_FIXED_SIGNING),
];

impl SigningKey {
    /// Reads a private key in DER, in the forms and of the kinds that [`Self::from_pem`] reads.
    pub fn from_der(der: &[u8]) -> Result<Self, AcmeError> {
        for curve in &CURVES {
            if let Ok(pair) = EcdsaKeyPair::from_private_key_der(curve.2, der) {
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
            Inner::Ec(curve, _) => curve.1,
            Inner::Rsa(_) => "RS256",
        }
    }

    /// The public half, with its members in the order in which a thumbprint has them (RFC 7638, section 3.2).
    pub(super) fn jwk(&self) -> Value {
        match &self.0 {
            Inner::Ec(curve, pair) => {
                // An uncompressed point: 4, x, y.
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at(point.len() / 2);
                json!({"crv": curve.0, "kty": "EC", "x": base64url(x), "y": base64url(y)})
            }
            Inner::Rsa(pair) => {
                let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
                let [n, e] = [n, e].map(|number| base64url(number.big_endian_without_leading_zero()));
                json!({"e": e, "kty": "RSA", "n": n})
            }
        }
    }

    /// The thumbprint of the public half, in base64url (RFC 7638): what a key authorization ends with.
    pub fn thumbprint(&self) -> String {
        thumbprint_of(&self.jwk())
    }

    /// The key as instant-acme takes it (PKCS#8), if it is one with which instant-acme signs: ECDSA P-256.
    pub(super) fn for_crate(&self) -> Option<Document> {
        match &self.0 {
            Inner::Ec((_, "ES256", _), pair) => pair.to_pkcs8v1().ok(),
            _ => None,
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, AcmeError> {
        let random = SystemRandom::new();
        let signed = match &self.0 {
            Inner::Ec(_, pair) => pair.sign(&random, message).map(|signature| signature.as_ref().to_vec()),
            Inner::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
                signed.map(|()| signature)
            }
        };
        signed.map_err(|_| AcmeError::Key("signing failed".to_owned()))
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
            Self::Jwk(key) => (key, json!({"jwk": key.jwk()})),
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

fn thumbprint_of(jwk: &Value) -> String {
    base64url(digest(&SHA256, jwk.to_string().as_bytes()))
}

/// An external account binding (RFC 8555, section 7.3.4): the account's public key, signed with the MAC key of the CA.
pub(super) fn binding(account: &SigningKey, kid: &str, mac_key: &[u8], url: &str) -> Result<String, AcmeError> {
    let mac_key = hmac::Key::new(hmac::HMAC_SHA256, mac_key);
    let protected = json!({"alg": "HS256", "kid": kid, "url": url});
    flattened(&protected, &account.jwk().to_string(), |input| {
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
