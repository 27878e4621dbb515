//! What Traefik's stores and resolvers skip, keep or issue.

use super::{
    traefik::{broken, expired, other_store, route, store},
    *,
};
use crate::{check::finding, object::Forbidden};

#[test]
fn what_a_store_lacks_is_left_out_since_3_7_and_ends_the_store_before() {
    let told = |findings: &[Finding]| -> Vec<(String, Instead)> {
        let of = |f: &Finding| match &f.fact {
            Fact::SecretNotFound(finding::SecretNotFound { secret, instead, .. }) => {
                Some((secret.name.to_string(), *instead))
            }
            _ => None,
        };
        findings.iter().filter_map(of).collect()
    };
    let with = |default: Option<&'static str>, listed: &'static [&'static str], secret: Option<&'static str>| {
        found(|i| {
            route(i, "a", "x.example", secret);
            store(i, "edge", default, listed);
            i.store(good("edge", "wild", &["*.example"]));
            i.store(own("edge", "more", &["x.example"]));
            let mut keyless = own("edge", "keyless", &["y.example"]);
            (keyless.key, keyless.bundle.key) = (Presence::Absent, KeyState::Missing);
            i.store(keyless);
            i.store(own("a", "tls", &["x.example"]));
        })
    };
    let by_version = vec![("gone".to_owned(), Instead::OwnUpTo36)];
    // The default certificate, and what follows the missing one.
    let findings = with(Some("wild"), &["gone"], None);
    is(&findings, Reason::SecretNotFound, Severity::Warning);
    assert_eq!(told(&findings), by_version);
    let findings = with(None, &["gone", "more"], None);
    is(&findings, Reason::SecretNotFound, Severity::Warning);
    assert_eq!(told(&findings), by_version);
    is(
        &with(Some("wild"), &["keyless"], None),
        Reason::MissingData,
        Severity::Warning,
    );
    // What precedes it is read, and so is what a route brings.
    assert_eq!(told(&with(None, &["more", "gone"], None)), []);
    assert_eq!(told(&with(Some("wild"), &["gone"], Some("tls"))), []);
    // Without its default certificate the store is of no use in any version.
    is(
        &with(Some("nowhere"), &["more"], None),
        Reason::SecretNotFound,
        Severity::Critical,
    );
}

#[test]
fn a_secret_that_another_store_keeps_is_not_served() {
    let with = |store_name: &'static str, listed: &'static str| {
        found(|i| {
            route(i, "a", "x.example", Some("tls"));
            i.store(good("a", "tls", &["x.example"]));
            other_store(i, store_name, "a", &[listed]);
        })
    };
    is(&with("mine", "tls"), Reason::DefaultStoreConflict, Severity::Critical);
    is_not(&with("default", "tls"), Reason::DefaultStoreConflict);
    healthy(&with("mine", "other"));
    // An Ingress brings it all the same, through another provider.
    let both = found(|i| {
        add(i, ingress("a", "web", &[(&["x.example"], "tls")]), "traefik");
        route(i, "a", "x.example", Some("tls"));
        i.store(good("a", "tls", &["x.example"]));
        other_store(i, "mine", "a", &["tls"]);
    });
    is_not(&both, Reason::DefaultStoreConflict);
}

#[test]
fn a_default_certificate_of_a_store_that_could_not_be_read_is_not_known() {
    let findings = found(|i| {
        route(i, "a", "x.example", Some("gone"));
        store(i, "edge", Some("wild"), &[]);
        i.apply(Change::Forbidden(Forbidden {
            kind: Kind::Secret,
            namespace: Some("edge".into()),
            name: Some("wild".into()),
            verb: "get",
        }));
        i.apply(Change::Gone(Kind::Secret, key("a", "gone")));
    });
    is(&findings, Reason::SecretNotFound, Severity::Warning);
}

#[test]
fn a_resolver_issues_what_no_secret_serves_and_no_more() {
    let with = |secret: &'static str, stored: Option<Stored>| {
        found(|i| {
            let mut web = ingress("a", "web", &[(&["x.example"], secret)]);
            web.meta = with_annotation(web.meta, annotation::TRAEFIK_RESOLVER, "le");
            add(i, web, "traefik");
            if let Some(stored) = stored {
                i.store(stored);
            }
        })
    };
    elsewhere(&with("", None));
    healthy(&with("tls", Some(own("a", "tls", &["x.example"]))));
    is(
        &with("tls", Some(expired("a", "tls", &["x.example"]))),
        Reason::Expired,
        Severity::Critical,
    );
    // The resolver issues a certificate for these.
    is(&with("tls", None), Reason::SecretNotFound, Severity::Warning);
    let other = with("tls", Some(own("a", "tls", &["y.example"])));
    is(&other, Reason::HostMismatch, Severity::Warning);
    let findings = with("tls", Some(broken("a", "tls", &["x.example"])));
    is(&findings, Reason::InvalidKeyPair, Severity::Warning);
}

#[test]
fn another_certificate_that_has_expired_is_critical_where_the_latest_versions_show_it() {
    let at = |now: i64, other: Stored| {
        let rules = Rules { now, ..RULES };
        let mut inventory = cluster();
        route(&mut inventory, "a", "www.shop.example", Some("exact"));
        route(&mut inventory, "b", "x.shop.example", Some("wild"));
        inventory.store(other);
        let mut wild = own("b", "wild", &["*.shop.example"]);
        let mut leaf = wild.leaf().expect("a leaf").clone();
        leaf.not_after = NOW + 70 * DAY;
        wild.bundle = bundle(leaf);
        inventory.store(wild);
        judge_all(&mut inventory, rules);
        let id = inventory.bindings_of_host("www.shop.example")[0];
        binding(&inventory, id, rules).expect("a verdict")
    };
    let ambiguity = |verdict: &Verdict| {
        let ambiguous = |f: &&Finding| f.reason() == Reason::AmbiguousCertificate;
        verdict.findings.iter().find(ambiguous).map(|f| {
            (
                f.severity,
                matches!(
                    f.fact,
                    Fact::AmbiguousCertificate(finding::AmbiguousCertificate { expired: true, .. })
                ),
            )
        })
    };
    // Since 3.6.22 the wildcard is served, and never the expired one.
    let names = ["*.other.example", "www.shop.example"];
    let over = at(NOW, expired("a", "exact", &names));
    assert_eq!(ambiguity(&over), Some((Severity::Warning, true)));
    let ending = || own("a", "exact", &names);
    let before = at(NOW, ending());
    assert_eq!(ambiguity(&before), Some((Severity::Warning, false)));
    let ends = ending().leaf().expect("a leaf").not_after;
    let last = at(ends - 1, ending());
    assert_eq!(last.changes_at, Some(ends), "at that moment the finding says more");
    assert_eq!(ambiguity(&at(ends, ending())), Some((Severity::Warning, true)));
}
