use serde_json::json;

use super::*;

fn pem(algorithm: &'static rcgen::SignatureAlgorithm) -> String {
    rcgen::KeyPair::generate_for(algorithm).unwrap().serialize_pem()
}

fn secret(data: &[(&str, &str)]) -> Value {
    let data = data
        .iter()
        .map(|(name, text)| ((*name).to_owned(), json!(BASE64_STANDARD.encode(text))));
    json!({"data": data.collect::<serde_json::Map<_, _>>()})
}

#[test]
fn the_key_of_a_secret_is_where_other_clients_have_it() {
    let (rsa, ec) = (pem(&rcgen::PKCS_RSA_SHA256), pem(&rcgen::PKCS_ECDSA_P384_SHA384));
    for (data, place, kind) in [
        // kube-lego keeps the account's URL beside it.
        (
            vec![("tls.key", &*rsa), ("acme-registration-url", "https://ca.example/1")],
            "tls.key of Secret cm/key",
            "AccountKey(RS256)",
        ),
        (
            vec![("tls.key", &*ec), ("other.key", &*rsa)],
            "tls.key of Secret cm/key",
            "AccountKey(ES384)",
        ),
        (
            vec![("account.pem", &*ec), ("readme", "hello")],
            "account.pem of Secret cm/key",
            "AccountKey(ES384)",
        ),
    ] {
        let found = within(&secret(&data), "Secret cm/key").unwrap();
        assert_eq!((found.place.as_str(), &*format!("{:?}", found.key)), (place, kind));
    }
}

#[test]
fn a_secret_without_one_usable_key_is_refused_without_its_content() {
    let (one, other) = (pem(&rcgen::PKCS_ECDSA_P256_SHA256), pem(&rcgen::PKCS_ECDSA_P256_SHA256));
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAEAA==\n-----END ENCRYPTED PRIVATE KEY-----\n";
    for (data, words) in [
        (vec![], "there is no key of an account in Secret cm/key; its data: none"),
        (
            vec![("password", "hunter2")],
            "no key of an account in Secret cm/key; its data: password",
        ),
        (vec![("a", &*one), ("b", &*other)], "more than one key of an account"),
        (
            vec![("tls.key", encrypted)],
            "tls.key of Secret cm/key holds no key that can be used: it is encrypted",
        ),
        (vec![("tls.key", "hunter2")], "tls.key of Secret cm/key holds no key"),
    ] {
        let error = within(&secret(&data), "Secret cm/key").err().unwrap();
        let shown = format!("{error:?}");
        assert!(shown.contains(words) && !shown.contains("hunter2"), "{shown}");
    }
}
