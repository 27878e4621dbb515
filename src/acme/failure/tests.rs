use rcgen::date_time_ymd;

use crate::{
    acme::{Acme, AcmeError, Issuer, fake::LIMITS},
    error::Diagnose as _,
    net::https::testing::server_with,
};

/// What opening a directory fails of whose certificate is valid in these years.
async fn opened(from: i32, until: i32) -> AcmeError {
    let (url, ca) = server_with("", |leaf| {
        leaf.not_before = date_time_ymd(from, 1, 1);
        leaf.not_after = date_time_ymd(until, 1, 1);
    })
    .await;
    let mut issuer = Issuer::new("own", format!("{url}dir"));
    issuer.ca_pem = Some(ca.into_bytes());
    Acme::open_with(&issuer, LIMITS).await.unwrap_err()
}

#[tokio::test]
async fn a_certificate_outside_of_its_time_is_told_with_dates_and_this_machines_clock() {
    for (from, until, words) in [
        (
            2001,
            2002,
            "its certificate has expired: it was valid until 2002-01-01T00:00:00Z",
        ),
        (
            2090,
            2091,
            "its certificate is not valid yet: it is valid from 2090-01-01T00:00:00Z",
        ),
    ] {
        let error = opened(from, until).await;
        let (text, hint) = (error.to_string(), error.hint().unwrap());
        let today = crate::text::date(crate::clock::now());
        assert!(text.contains(words), "{text}");
        assert!(text.contains(&format!("this machine's clock says {today}")), "{text}");
        assert!(hint.starts_with("check this machine's clock"), "{hint}");
        assert!(!error.is_transient());
    }
}
