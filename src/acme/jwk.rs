//! Account keys as certbot keeps them: a JWK in JSON (RFC 7517; RFC 7518, section 6).

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::{KeyPair, KeyPairComponents, PublicKeyComponents},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, EcdsaSigningAlgorithm,
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::Error as _};
use zeroize::Zeroizing;

use super::error::AcmeError;

/// A number of a key, the most significant byte first.
#[derive(Default)]
struct Number(Zeroizing<Vec<u8>>);

impl Number {
    fn without_zeros(&self) -> &[u8] {
        let zeros = self.0.iter().take_while(|byte| **byte == 0).count();
        self.0.get(zeros..).unwrap_or_default()
    }

    /// With zeros before it, to a length.
    fn padded(&self, length: usize) -> Zeroizing<Vec<u8>> {
        let number = self.without_zeros();
        let mut padded = Zeroizing::new(vec![0; length.saturating_sub(number.len())]);
        padded.extend_from_slice(number);
        padded
    }
}

impl AsRef<[u8]> for Number {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // Borrowed, so that nothing is left of it in memory; base64url is never escaped.
        let text = <&str>::deserialize(from)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text.trim_end_matches('='));
        let bytes = bytes.map_err(|_| D::Error::custom("it is not base64url"))?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    #[serde(default)]
    x: Number,
    #[serde(default)]
    y: Number,
    #[serde(default)]
    n: Number,
    #[serde(default)]
    e: Number,
    #[serde(default)]
    d: Number,
    #[serde(default)]
    p: Number,
    #[serde(default)]
    q: Number,
    #[serde(default)]
    dp: Number,
    #[serde(default)]
    dq: Number,
    #[serde(default)]
    qi: Number,
}

/// The key as PKCS#8 in DER. Fails with [`AcmeError::Key`], which never repeats it.
pub(super) fn pkcs8_of(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, AcmeError> {
    let unusable = |why: &str| AcmeError::Key(why.to_owned());
    // An error of serde_json may quote what it has read.
    let jwk: Jwk = serde_json::from_slice(text).map_err(|_| unusable("it is JSON, and not a JWK"))?;
    if jwk.d.0.is_empty() {
        return Err(unusable("it is a public key: the private half is not in it"));
    }
    match jwk.kty.as_str() {
        "RSA" => rsa(&jwk).ok_or_else(|| unusable("its numbers do not make an RSA key of 2048 to 8192 bits")),
        "EC" => ec(&jwk).ok_or_else(|| unusable("its numbers do not make a key of P-256, P-384 or P-521")),
        _ => Err(unusable(
            "it is neither ECDSA (P-256, P-384, P-521) nor RSA of 2048 to 8192 bits",
        )),
    }
}

fn rsa(jwk: &Jwk) -> Option<Zeroizing<Vec<u8>>> {
    let pair = KeyPair::from_components(&KeyPairComponents {
        public_key: PublicKeyComponents {
            n: jwk.n.without_zeros(),
            e: jwk.e.without_zeros(),
        },
        d: &jwk.d,
        p: &jwk.p,
        q: &jwk.q,
        dP: &jwk.dp,
        dQ: &jwk.dq,
        qInv: &jwk.qi,
    });
    let der: Pkcs8V1Der<'_> = pair.ok()?.as_der().ok()?;
    Some(Zeroizing::new(der.as_ref().to_vec()))
}

fn ec(jwk: &Jwk) -> Option<Zeroizing<Vec<u8>>> {
    let (algorithm, length) = curve(jwk.crv.as_deref()?)?;
    let [x, y, d] = [&jwk.x, &jwk.y, &jwk.d].map(|number| number.padded(length));
    let point = [&[4][..], &x, &y].concat();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &d, &point).ok()?;
    Some(Zeroizing::new(pair.to_pkcs8v1().ok()?.as_ref().to_vec()))
}

/// How a curve's keys sign, and how many bytes its numbers have.
fn curve(name: &str) -> Option<(&'static EcdsaSigningAlgorithm, usize)> {
    Some(match name {
        "P-256" => (&ECDSA_P256_SHA256_FIXED_SIGNING, 32),
        "P-384" => (&ECDSA_P384_SHA384_FIXED_SIGNING, 48),
        "P-521" => (&ECDSA_P521_SHA512_FIXED_SIGNING, 66),
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
