//! `renew --due`: what is due is renewed, whether a route uses it or not; what another CA issued stays, and this one is not asked
//! about it.

use std::time::Duration;

use super::many::{changed, handed_over, held};
use crate::support::{front::Front, issuing::Issuing, pebble::DEFAULT};

/// Long enough to be stored, and soon over.
const SECONDS: u64 = 8;

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_this_program_wrote_is_renewed_once_it_has_expired_though_no_route_uses_it() {
    let it = Issuing::with("due-unused", |options| options.profiles = vec![(DEFAULT.0, SECONDS)]);
    let host = it.host("mail");
    it.certs(&["issue", "--secret", "mail-tls", "-d", &host]).ends_with(0);
    it.ns.apply(vec![it.ns.pki.expired(&["old.example"]).secret("old-tls")]);
    let (mail, old) = (it.leaf("mail-tls").sha256(), it.version("old-tls"));
    std::thread::sleep(Duration::from_secs(SECONDS + 1));
    let ns = &it.ns.name;
    let due = format!("{ns}/mail-tls: due, it has expired");
    let plan = it.certs(&["renew", "--due", "--dry-run"]).ends_with(0);
    assert!(plan.err.contains(&due), "{}", plan.err);
    assert_eq!(it.leaf("mail-tls").sha256(), mail);
    let ran = it.certs(&["renew", "--due"]).ends_with(0);
    assert!(ran.err.contains(&due), "{}", ran.err);
    assert_ne!(it.leaf("mail-tls").sha256(), mail, "{}", ran.err);
    assert_eq!(it.leaf("mail-tls").names(), [host.as_str()]);
    // Nobody asked for the other one, which has expired as well.
    assert!(
        ran.err.contains(&format!("did not write it: {ns}/old-tls")),
        "{}",
        ran.err
    );
    assert_eq!(it.version("old-tls"), old);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn what_is_due_keeps_its_ca_and_this_ca_is_asked_of_nothing_that_another_issued() {
    let it = Issuing::new("due-ca");
    let front = Front::of(&it.pebble.directory_url());
    handed_over(&it, |args| it.call_to(&front.url, &front.ca_file(), args).run());
    // A new place for what the CA said, so that every run asks.
    let due = |more: &[&str], cache: &str| {
        let args = [&["renew", "--due"], more].concat();
        it.call_to(&front.url, &front.ca_file(), &args)
            .env("XDG_CACHE_HOME", it.kept(cache))
            .run()
            .ends_with(0)
    };
    let infos = || front.asked("/draft-ietf-acme-ari-03/renewalInfo/").len();
    let had = infos();
    // Of all four, as a change of their CA is asked for: of the two others their lifetimes decide.
    let plan = due(&["--adopt", "--dry-run"], "cache-adopt");
    assert_eq!(infos() - had, 2, "{:?}\n{}", front.asked("/"), plan.err);
    assert!(plan.err.contains("4 certificates not due yet"), "{}", plan.err);

    let before = held(&it);
    for name in ["ours-tls", "theirs-tls"] {
        let window = ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"];
        it.pebble
            .set_renewal_window(&it.leaf(name).first_pem(), window[0], window[1]);
    }
    let ran = due(&[], "cache-due");
    assert_eq!(changed(&before, &held(&it)), [true, true, false, false], "{}", ran.err);
    let ns = &it.ns.name;
    for told in [
        format!("{ns}/ours-tls: due, the CA's renewal window has opened"),
        format!("{ns}/theirs-tls: due, the CA's renewal window has opened"),
        format!("1 certificate left as it is, because DigiCert issued it: {ns}/paid-tls"),
        format!("1 certificate left as it is, because it is self-signed: {ns}/wiki-tls"),
        "--adopt".to_owned(),
    ] {
        assert!(ran.err.contains(&told), "{told}: {}", ran.err);
    }
    assert!(!ran.err.contains("CA changed"), "{}", ran.err);
}
