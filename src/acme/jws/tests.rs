use aws_lc_rs::{
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey},
};

use super::*;

fn decode(text: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// The key of RFC 7515, appendix A.3.
fn rfc7515() -> SigningKey {
    let (x, y, d) = (
        decode("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
        decode("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
        decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"),
    );
    let point = [&[4][..], &x, &y].concat();
    let pair = EcdsaKeyPair::from_private_key_and_public_key(&ECDSA_P256_SHA256_FIXED_SIGNING, &d, &point).unwrap();
    SigningKey::from_der(pair.to_pkcs8v1().unwrap().as_ref()).unwrap()
}

/// The public key and the algorithm by which others verify.
fn point(key: &SigningKey) -> Vec<u8> {
    let jwk = key.jwk();
    [
        &[4][..],
        &decode(jwk["x"].as_str().unwrap()),
        &decode(jwk["y"].as_str().unwrap()),
    ]
    .concat()
}

/// A signed request in its parts: protected header, payload, what was signed, signature.
fn open(jws: &str) -> (Value, Vec<u8>, Vec<u8>, Vec<u8>) {
    let jws: Value = serde_json::from_str(jws).unwrap();
    let part = |name: &str| jws[name].as_str().unwrap().to_owned();
    let (protected, payload) = (part("protected"), part("payload"));
    let signed = format!("{protected}.{payload}").into_bytes();
    let header = serde_json::from_slice(&decode(&protected)).unwrap();
    (header, decode(&payload), signed, decode(&part("signature")))
}

#[test]
fn the_public_half_is_rfc_7515s_and_verifies_its_signature() {
    let key = rfc7515();
    assert_eq!(
        key.jwk().to_string(),
        r#"{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
    );
    let signed = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let signature = decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point(&key));
    public.verify(signed.as_bytes(), &signature).unwrap();
}

#[test]
fn a_thumbprint_is_rfc_7638s() {
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3okn\
             jhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6\
             qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a\
             wapJzKnqDKgw";
    assert_eq!(
        thumbprint_of(&json!({"e": "AQAB", "kty": "RSA", "n": n})),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
}

#[test]
fn a_request_is_signed_with_its_url_its_nonce_and_the_account() {
    let key = rfc7515();
    let (header, payload, signed, signature) = open(
        &Signer::Kid(&key, "https://ca.example/a/1")
            .sign("https://ca.example/new-order", Some("n1"), r#"{"x":1}"#)
            .unwrap(),
    );
    assert_eq!(
        header,
        json!({"alg": "ES256", "kid": "https://ca.example/a/1", "nonce": "n1", "url": "https://ca.example/new-order"})
    );
    assert_eq!(payload, br#"{"x":1}"#);
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point(&key));
    public.verify(&signed, &signature).unwrap();

    let (header, payload, ..) = open(&Signer::Jwk(&key).sign("https://ca.example/x", None, "").unwrap());
    assert_eq!(
        header,
        json!({"alg": "ES256", "jwk": key.jwk(), "url": "https://ca.example/x"})
    );
    assert!(
        payload.is_empty(),
        "a POST-as-GET has an empty payload, not an empty object"
    );
}

#[test]
fn an_rsa_key_signs_with_rs256() {
    let pair = rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
    let key = SigningKey::from_der(der.as_ref()).unwrap();
    let (header, _, signed, signature) = open(&Signer::Jwk(&key).sign("https://ca.example/x", None, "{}").unwrap());
    assert_eq!((&header["alg"], &header["jwk"]["e"]), (&json!("RS256"), &json!("AQAB")));
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    public.verify(&signed, &signature).unwrap();
}

#[test]
fn keys_of_certificates_are_read_in_every_form() {
    for (algorithm, alg) in [
        (&rcgen::PKCS_ECDSA_P256_SHA256, "ES256"),
        (&rcgen::PKCS_ECDSA_P384_SHA384, "ES384"),
        (&rcgen::PKCS_ECDSA_P521_SHA512, "ES512"),
    ] {
        let pem = rcgen::KeyPair::generate_for(algorithm).unwrap().serialize_pem();
        let key = SigningKey::from_pem(pem.as_bytes()).unwrap();
        assert_eq!(key.algorithm(), alg);
        let (_, _, _, signature) = open(&Signer::Jwk(&key).sign("https://ca.example/x", None, "").unwrap());
        assert_eq!(
            signature.len(),
            [64, 96, 132][["ES256", "ES384", "ES512"].iter().position(|a| *a == alg).unwrap()]
        );
    }
}

#[test]
fn what_is_no_key_is_told_without_repeating_it() {
    for (text, words) in [
        ("", "there is none"),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAEAA==\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "it is encrypted",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "it is a certificate",
        ),
        ("sesame", ""),
    ] {
        let error = SigningKey::from_pem(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words) && !error.contains("sesame"), "{error}");
    }
    let ed25519 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let error = SigningKey::from_pem(ed25519.serialize_pem().as_bytes())
        .unwrap_err()
        .to_string();
    assert!(error.contains("neither ECDSA"), "{error}");
}

#[test]
fn a_binding_is_the_accounts_public_key_signed_with_the_mac_key() {
    let (key, mac) = (rfc7515(), b"0123456789abcdef0123456789abcdef");
    let (header, payload, signed, signature) =
        open(&binding(&key, "kid-1", mac, "https://ca.example/new-account").unwrap());
    assert_eq!(
        header,
        json!({"alg": "HS256", "kid": "kid-1", "url": "https://ca.example/new-account"})
    );
    assert_eq!(payload, key.jwk().to_string().as_bytes());
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, mac), &signed, &signature).unwrap();
}

#[test]
fn debug_shows_no_key() {
    assert_eq!(format!("{:?}", rfc7515()), "SigningKey(ES256)");
}
