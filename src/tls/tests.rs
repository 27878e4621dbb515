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
