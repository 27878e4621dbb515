use super::*;
use crate::error::Diagnose as _;

#[test]
fn a_url_is_found_in_a_sentence_and_cleared() {
    for (text, url) in [
        ("see https://ca.example/limits.", Some("https://ca.example/limits")),
        ("(https://ca.example/a?b=c)", Some("https://ca.example/a?b=c")),
        ("https://ca.example/\x1b[1m x", Some("https://ca.example/\\x1b[1m")),
        ("see http://ca.example", None),
    ] {
        assert_eq!(url_in(text).as_deref(), url, "{text}");
    }
}

#[test]
fn a_date_is_found_in_a_sentence() {
    let date = |text: &str| retry_after_in(text).map(date_time);
    assert_eq!(
        date("too many (5), retry after 2026-12-01 10:20:30 UTC: see x").as_deref(),
        Some("2026-12-01T10:20:30Z")
    );
    for other in [
        "retry after",
        "retry after tomorrow and not before",
        "retry after 2026-12-01",
        "",
    ] {
        assert_eq!(date(other), None, "{other}");
    }
}

#[test]
fn an_untrusted_directory_is_not_asked_again_and_the_hint_names_the_flag() {
    let error = AcmeError::Unreachable {
        url: "https://ca.example/dir".to_owned(),
        reason: "invalid peer certificate: UnknownIssuer".to_owned(),
    };
    assert!(!error.is_transient());
    assert!(error.hint().unwrap().contains("--directory-ca-file"));
}

#[test]
fn a_refusal_is_the_servers_words_cleared() {
    let error = AcmeError::Refused {
        url: "https://ca.example/new-order".to_owned(),
        problem: Box::new(Problem {
            kind: "urn:ietf:params:acme:error:caa".to_owned(),
            detail: "CAA record for shop.example\x07 prevents issuance".to_owned(),
            ..Problem::default()
        }),
    };
    assert_eq!(
        error.to_string(),
        "caa: CAA record for shop.example\\x07 prevents issuance"
    );
    assert!(error.hint().unwrap().contains("CAA"));
}
