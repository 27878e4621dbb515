//! What comes back from a CA replaces a working pair only where `status` would not call it critical, and the lifetime decides
//! where the CA's renewal window cannot be right.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose, SanType,
};

use crate::support::{
    cluster::ingress,
    front::{Fault, Front, Reissue},
    issuing::Issuing,
    pebble::DEFAULT,
};

/// What is changed, whether the chain is sent, and what is said then.
type Kind = (fn(&mut CertificateParams), bool, &'static str);

fn unchanged(_: &mut CertificateParams) {}

fn is_ca(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

fn for_clients(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
}

fn for_no_handshake(params: &mut CertificateParams) {
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
}

/// The critical extension of a precertificate (RFC 6962, section 3.1).
fn poisoned(params: &mut CertificateParams) {
    let mut poison = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 3], vec![5, 0]);
    poison.set_criticality(true);
    params.custom_extensions.push(poison);
}

fn with_another_name(params: &mut CertificateParams) {
    let name = SanType::DnsName("somebody-elses.example".try_into().unwrap());
    params.subject_alt_names.push(name);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_working_pair_is_not_replaced_by_one_that_clients_refuse_and_force_changes_nothing_of_it() {
    let it = Issuing::new("accepted");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &[(&[&host], "shop-tls")])]);
    let front = Front::of(&it.pebble.directory_url());
    let root = front.ca_file();
    let renew = |more: &[&str]| {
        let args = [&["renew", "shop", "--ca-file", root.to_str().unwrap()], more].concat();
        it.call_to(&front.url, &front.ca_file(), &args).run()
    };
    let reissue = |change: fn(&mut CertificateParams), chain: bool| {
        front.fault("/certZ/", 0, 1, Fault::Reissue(Reissue { change, chain }));
    };
    reissue(unchanged, true);
    renew(&[]).ends_with(0);
    let before = it.version("shop-tls");
    let kinds: [Kind; 6] = [
        (is_ca, true, "marked as a CA"),
        (for_clients, true, "lacks serverAuth"),
        (for_no_handshake, true, "key usage"),
        (poisoned, true, "critical extension"),
        (
            with_another_name,
            true,
            "also names somebody-elses.example, which nobody ordered",
        ),
        (unchanged, false, "no chain"),
    ];
    for (change, chain, why) in kinds {
        for more in [&[][..], &["--force"]] {
            reissue(change, chain);
            let ran = renew(more).ends_with(5);
            assert!(ran.err.contains("the new certificate is not stored: "), "{}", ran.err);
            assert!(ran.err.contains(why), "{why}: {}", ran.err);
            assert_eq!(it.version("shop-tls"), before, "{why}: {}", ran.err);
            // The order is finished, and what it came to is refused again: only another order helps.
            front.fix();
        }
    }
    renew(&[]).ends_with(0);
    assert_ne!(it.version("shop-tls"), before);
    assert_eq!(it.left(), [] as [&str; 0]);
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_renewal_window_that_comes_too_late_does_not_let_a_certificate_expire() {
    const LIFETIME: u64 = 40;
    let it = Issuing::with("late-window", |options| options.profiles = vec![(DEFAULT.0, LIFETIME)]);
    let host = it.host("never");
    it.certs(&["issue", "--secret", "never-tls", "-d", &host]).ends_with(0);
    let first = it.leaf("never-tls");
    it.pebble
        .set_renewal_window(&first.first_pem(), "2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z");
    let due = |cache: &str| {
        let call = it.call(&["renew", "--due"]).env("XDG_CACHE_HOME", it.kept(cache));
        call.run().ends_with(0)
    };
    let early = due("early");
    assert!(early.err.contains("not due yet"), "{}", early.err);
    assert_eq!(it.leaf("never-tls").sha256(), first.sha256());
    std::thread::sleep(Duration::from_secs(LIFETIME / 2));
    // The first run has kept what the CA said; the lifetime decides all the same.
    let late = due("early");
    let told = "never-tls: due, most of its lifetime is over";
    assert!(late.err.contains(told), "{}", late.err);
    assert_ne!(it.leaf("never-tls").sha256(), first.sha256(), "{}", late.err);
}
