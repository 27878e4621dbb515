use reqwest::header::HeaderValue;

use super::*;

#[test]
fn links_are_read_from_one_header_or_several() {
    let mut headers = HeaderMap::new();
    for value in [
        r#"<https://ca.example/a,b>;rel="alternate", <https://ca.example/dir>; rel=index"#,
        r#"<https://ca.example/c>; title="x"; REL="alternate""#,
        "not a link",
    ] {
        headers.append(LINK, HeaderValue::from_static(value));
    }
    let found: Vec<_> = links(&headers).collect();
    assert_eq!(
        found,
        [
            ("alternate", "https://ca.example/a,b"),
            ("index", "https://ca.example/dir"),
            ("alternate", "https://ca.example/c"),
        ]
    );
}

#[test]
fn a_bundle_is_refused_when_it_holds_no_certificate_or_something_else() {
    for (pem, words) in [
        (&b""[..], "there is no certificate in it"),
        (b"hello", "there is no certificate in it"),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "not a certificate",
        ),
        (
            b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            "not PEM",
        ),
    ] {
        let error = tls(Some(pem)).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let root = crate::x509::testing::Authority::root("Root");
    assert!(tls(Some(root.pem().as_bytes())).is_ok());
}

#[test]
fn a_proxy_that_is_none_is_told_without_its_password() {
    let mut issuer = Issuer::new("own", "https://ca.example/dir");
    issuer.proxy = Some("http://user:hunter2@[".to_owned());
    let error = Http::new(&issuer, Limits::default()).unwrap_err();
    assert_eq!(error, AcmeError::Settings("the issuer's proxy is not a URL".to_owned()));
}

#[test]
fn loopback_is_an_address_of_this_machine_and_no_name_that_looks_like_one() {
    for (url, loopback) in [
        ("http://127.0.0.1:14000/dir", true),
        ("http://[::1]/dir", true),
        ("http://localhost/dir", true),
        ("http://127.0.0.1.example/dir", false),
        ("http://localhost.example/dir", false),
        ("http://192.0.2.1/dir", false),
    ] {
        assert_eq!(is_here(&Url::parse(url).unwrap()), loopback, "{url}");
    }
}

#[test]
fn a_nonce_is_base64url() {
    assert!(is_nonce("oFvnlFP1wIhRlYS2jTaXbA"));
    for wrong in ["", "a b", "a\"", "ä"] {
        assert!(!is_nonce(wrong), "{wrong}");
    }
}
