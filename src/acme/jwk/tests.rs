use aws_lc_rs::{
    encoding::{AsBigEndian as _, EcPrivateKeyBin},
    rsa::KeySize,
};
use serde_json::{Value, json};

use super::*;
use crate::acme::AccountKey;

fn base64url(bytes: &[u8]) -> Value {
    json!(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// The first element of DER: its content, and what follows it.
fn element(der: &[u8]) -> (&[u8], &[u8]) {
    let (length, header) = match der[1] {
        short if short < 0x80 => (usize::from(short), 2),
        0x81 => (usize::from(der[2]), 3),
        _ => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
    };
    (&der[header..header + length], &der[header + length..])
}

/// A key as certbot writes it.
fn rsa_jwk() -> (Value, AccountKey) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    // RFC 5208, section 5: the version, the algorithm, and RFC 8017's key in an OCTET STRING.
    let (mut rest, _) = element(der.as_ref());
    (_, rest) = element(rest);
    (_, rest) = element(rest);
    let (key, _) = element(rest);
    let (mut numbers, _) = element(key);
    (_, numbers) = element(numbers);
    let mut jwk = json!({"kty": "RSA"});
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let (number, after) = element(numbers);
        jwk[name] = base64url(number);
        numbers = after;
    }
    let pem = super::super::key::pem_of(der.as_ref());
    (jwk, AccountKey::from_pem(&pem).unwrap())
}

fn ec_jwk(curve: &str) -> (Value, AccountKey) {
    let (algorithm, _) = super::curve(curve).unwrap();
    let pair = EcdsaKeyPair::generate(algorithm).unwrap();
    let private: EcPrivateKeyBin<'_> = pair.private_key().as_be_bytes().unwrap();
    let pem = super::super::key::pem_of(pair.to_pkcs8v1().unwrap().as_ref());
    let key = AccountKey::from_pem(&pem).unwrap();
    let mut jwk = key.jwk();
    jwk["d"] = base64url(private.as_ref());
    (jwk, key)
}

fn read(jwk: &Value) -> Result<AccountKey, AcmeError> {
    AccountKey::of_other_client(jwk.to_string().as_bytes())
}

#[test]
fn keys_in_json_are_read_and_kept_as_pem() {
    for (jwk, key) in [rsa_jwk(), ec_jwk("P-256"), ec_jwk("P-384"), ec_jwk("P-521")] {
        let read = read(&jwk).unwrap();
        assert_eq!(read.thumbprint(), key.thumbprint(), "{}", jwk["kty"]);
        assert_eq!(AccountKey::from_pem(read.pem()).unwrap().thumbprint(), key.thumbprint());
    }
}

#[test]
fn what_is_no_private_key_is_told_without_repeating_it() {
    let without = |jwk: &Value, name: &str| {
        let mut jwk = jwk.clone();
        jwk.as_object_mut().unwrap().remove(name);
        jwk
    };
    let ((rsa, _), (ec, _)) = (rsa_jwk(), ec_jwk("P-256"));
    let (mut curve, mut point, mut long) = (ec.clone(), ec.clone(), ec.clone());
    curve["crv"] = json!("secp256k1");
    point["x"] = ec["y"].clone();
    long["d"] = rsa["d"].clone();
    for (jwk, words) in [
        (json!({"key": "sesame"}), "it is JSON, and not a JWK"),
        (json!({"kty": "RSA", "d": "ses ame"}), "it is JSON, and not a JWK"),
        (without(&rsa, "d"), "the private half is not in it"),
        (without(&rsa, "qi"), "do not make an RSA key"),
        (without(&ec, "d"), "the private half is not in it"),
        (curve, "do not make a key of P-256"),
        (point, "do not make a key of P-256"),
        (long, "do not make a key of P-256"),
        (json!({"kty": "OKP", "d": "c2VzYW1l"}), "it is neither ECDSA"),
    ] {
        let error = read(&jwk).unwrap_err();
        let shown = format!("{error} {error:?}");
        let secret = jwk["d"].as_str().unwrap_or("sesame");
        assert!(shown.contains(words) && !shown.contains(secret), "{shown}");
    }
}
