use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::*;

#[test]
fn what_a_variable_names_was_meant_and_a_system_without_a_store_is_nobodys_concern() {
    let error = ["no such file".to_owned()];
    let all = "; Mozilla's roots are trusted all the same";
    for (named, is_empty, errors, said) in [
        (None, true, &[][..], None),
        (None, false, &[], None),
        // One file of many, such as one that only root may read.
        (None, false, &error, None),
        (
            None,
            true,
            &error,
            Some("the system's CA certificates cannot be read (no such file)"),
        ),
        (Some("SSL_CERT_FILE"), false, &[], None),
        (
            Some("SSL_CERT_FILE"),
            false,
            &error,
            Some("not all that SSL_CERT_FILE names can be read (no such file)"),
        ),
        (
            Some("SSL_CERT_DIR"),
            true,
            &[],
            Some("SSL_CERT_DIR names no certificate"),
        ),
    ] {
        let wanted = said.map(|said| format!("{said}{all}"));
        assert_eq!(
            problem(named, is_empty, errors),
            wanted,
            "{named:?}, {is_empty}, {errors:?}"
        );
    }
}

/// The clients of dns-update trust the system's roots alone, and an image `FROM scratch` has no other system than this file.
#[test]
fn renewed_roots_of_the_image() {
    let mut file = "# Mozilla's roots for TLS servers, as the program has them compiled in: the image's /etc/ssl/certs/ca-certificates.crt.\n".to_owned();
    for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        file.push_str("-----BEGIN CERTIFICATE-----\n");
        let base64 = BASE64_STANDARD.encode(root);
        for line in base64.as_bytes().chunks(64) {
            file.push_str(str::from_utf8(line).unwrap());
            file.push('\n');
        }
        file.push_str("-----END CERTIFICATE-----\n");
    }
    crate::renewed::same("plugin/ca-certificates.crt", &file);
    // As those clients read it.
    let read: Vec<_> = CertificateDer::pem_slice_iter(file.as_bytes())
        .map(Result::unwrap)
        .collect();
    assert_eq!(read, webpki_root_certs::TLS_SERVER_ROOT_CERTS);
}
