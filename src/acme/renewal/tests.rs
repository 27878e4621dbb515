use super::*;
use crate::x509::pem;

/// RFC 9773, appendix A.
const EXAMPLE: &str = "-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
";

#[test]
fn the_id_of_a_certificate_is_rfc_9773s() {
    let block = pem::blocks(EXAMPLE.as_bytes()).next().unwrap();
    let der = block.decode(pem::CERTIFICATE_CAP).unwrap();
    assert_eq!(
        CertId::of(&der).unwrap().as_str(),
        "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
    );
    assert_eq!(CertId::of(b"junk"), None);
}

#[test]
fn a_serial_number_is_written_as_der_does() {
    for (serial, id) in [
        (&[0x87, 0x65, 0x43, 0x21][..], "AQI.AIdlQyE"),
        (&[0, 0, 0x87, 0x65, 0x43, 0x21], "AQI.AIdlQyE"),
        (&[0x01], "AQI.AQ"),
        (&[], "AQI.AA"),
    ] {
        assert_eq!(CertId::new(&[1, 2], serial).as_str(), id);
    }
}

#[test]
fn a_moment_is_in_the_window_spread_over_it_and_always_the_same() {
    let (start, end) = (1_800_000_000, 1_800_086_400);
    let moments: Vec<_> = (0..1000).map(|seed| moment(start, end, seed)).collect();
    assert!(moments.iter().all(|at| (start..=end).contains(at)));
    let early = moments.iter().filter(|at| **at < start + 43_200).count();
    assert!((400..600).contains(&early), "{early} of 1000 in the first half");
    assert_eq!(moment(start, end, 7), moment(start, end, 7));
    assert_eq!(moment(start, start, 7), start);
    assert_eq!(moment(start, start - 10, 7), start);
    assert!(moment(0, i64::MAX, u64::MAX) >= 0);
}

fn read(body: &str, retry_after: Option<u64>) -> Result<RenewalInfo, AcmeError> {
    RenewalInfo::of(&HttpAnswer {
        url: "https://ca.example/ari".to_owned(),
        status: 200,
        retry_after: retry_after.map(std::time::Duration::from_secs),
        location: None,
        nonce: None,
        links: Vec::new(),
        body: body.into(),
    })
}

#[test]
fn a_window_is_read_with_its_explanation_and_when_to_ask_again() {
    let window = r#""suggestedWindow": {"start": "2026-01-02T04:00:00Z", "end": "2026-01-03T04:00:00Z"}"#;
    let info = read(
        &format!(r#"{{{window}, "explanationURL": "https://ca.example/why"}}"#),
        Some(21_600),
    )
    .unwrap();
    assert_eq!(info.end - info.start, time::DAY);
    assert_eq!(info.explanation_url.as_deref(), Some("https://ca.example/why"));
    let asks = |retry_after| read(&format!("{{{window}}}"), retry_after).unwrap().retry_after;
    assert_eq!(
        [asks(None), asks(Some(1)), asks(Some(10_000_000))],
        [6 * time::HOUR, time::MINUTE, time::DAY]
    );
}

#[test]
fn a_window_that_is_none_is_no_information() {
    for window in [
        r#"{"start": "2026-01-03T00:00:00Z", "end": "2026-01-02T00:00:00Z"}"#,
        r#"{"start": "2026-01-02T00:00:00Z", "end": "2026-01-02T00:00:00Z"}"#,
        r#"{"start": "soon", "end": "2026-01-02T00:00:00Z"}"#,
    ] {
        assert!(
            read(&format!(r#"{{"suggestedWindow": {window}}}"#), None).is_err(),
            "{window}"
        );
    }
}
