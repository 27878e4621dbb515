//! What could not be read, which program is behind a controller's name, and what another route decides: nothing that is
//! unknown is critical, and no failure is less.

use super::{
    nginx::{nginx, program},
    *,
};
use crate::{
    inventory::BindingId,
    object::program::{DefaultSecret, Program, Software},
};

/// The findings in a cluster, and whether some row could not be read.
fn found_or_unread(set_up: impl FnOnce(&mut Inventory)) -> (Vec<Finding>, bool) {
    let mut inventory = cluster();
    set_up(&mut inventory);
    let findings = judge_all(&mut inventory, RULES);
    let ids: Vec<_> = inventory.bindings().iter().map(|(id, _)| id).collect();
    let unread = ids
        .iter()
        .any(|id| binding(&inventory, *id, RULES).is_some_and(|v| v.unreadable));
    (findings, unread)
}

#[track_caller]
fn not_critical(findings: &[Finding]) {
    let worst = findings.iter().map(|f| f.severity).max();
    assert!(worst < Some(Severity::Critical), "{findings:#?}");
}

#[test]
fn of_a_default_certificate_that_could_not_be_read_nothing_is_known() {
    let of = |tls: &[(&[&str], &str)], rules: &[&str], default: DefaultSecret| {
        found_or_unread(|i| {
            i.set_programs(vec![Program {
                default_certificate: default,
                ..program(Software::IngressNginx, None)
            }]);
            i.mark_unreadable(key("edge", "wild"));
            nginx(i, tls, rules, &[]);
            i.store(expired_of("a", "tls", &["y.example"]));
        })
    };
    let unread = || DefaultSecret::Named(key("edge", "wild"));
    for default in [unread(), DefaultSecret::Unknown] {
        let (missing, unreadable) = of(&[(&["x.example"], "nowhere")], &["x.example"], default);
        is(&missing, Reason::SecretNotFound, Severity::Warning);
        not_critical(&missing);
        assert!(unreadable);
    }
    let (without_host, _) = of(&[(&[], "tls")], &[""], unread());
    is(&without_host, Reason::RuleWithoutHost, Severity::Warning);
    not_critical(&without_host);
    let (taken, _) = of(&[(&["x.example"], "tls")], &["*.example"], unread());
    is(&taken, Reason::TlsHostWithoutRule, Severity::Warning);
    not_critical(&taken);
    let (other, _) = of(&[(&["x.example"], "tls")], &["x.example"], unread());
    is(&other, Reason::HostMismatch, Severity::Warning);
    not_critical(&other);
    // A Secret that is known not to exist is replaced by the self-signed certificate.
    let (gone, unreadable) = of(
        &[(&["x.example"], "nowhere")],
        &["x.example"],
        DefaultSecret::Named(key("edge", "gone")),
    );
    is(&gone, Reason::SecretNotFound, Severity::Critical);
    assert!(!unreadable);
}

fn expired_of(namespace: &str, name: &str, names: &[&str]) -> Stored {
    let mut stored = own(namespace, name, names);
    let mut leaf = stored.leaf().expect("a leaf").clone();
    leaf.not_after = NOW - DAY;
    stored.bundle = bundle(leaf);
    stored
}

#[test]
fn tls_is_passed_through_by_the_program_that_does() {
    let of = |class: &str, programs: Vec<Program>| {
        found(|i| {
            i.set_programs(programs);
            let mut web = ingress("a", "web", &[(&["x.example"], "gone")]);
            web.meta = with_annotation(web.meta, annotation::NGINX_PASSTHROUGH, "true");
            add(i, web, class);
        })
    };
    let passing = Program {
        may_pass_through: true,
        ..program(Software::IngressNginx, None)
    };
    let off = || program(Software::IngressNginx, None);
    elsewhere(&of("nginx", Vec::new()));
    elsewhere(&of("nginx", vec![off(), passing]));
    is(&of("nginx", vec![off()]), Reason::SecretNotFound, Severity::Critical);
    // Traefik's provider for ingress-nginx always does it, and its own provider never does. Up to 3.6 it requires the
    // Secret all the same.
    let by_traefik = of("nginx", vec![program(Software::Traefik, None)]);
    is(&by_traefik, Reason::CertificateElsewhere, Severity::Info);
    is(&by_traefik, Reason::SecretNotFound, Severity::Warning);
    is(
        &of("traefik", vec![program(Software::Traefik, None)]),
        Reason::SecretNotFound,
        Severity::Critical,
    );
}

#[test]
fn of_several_routes_of_f5_the_one_that_decides_is_judged_as_what_is_served() {
    let of = |set_up: &dyn Fn(&mut Inventory)| {
        let mut inventory = cluster();
        let i = &mut inventory;
        for (namespace, created) in [("a", NOW - DAY), ("b", NOW)] {
            let mut web = ingress(namespace, "web", &[(&["x.example"], "tls")]);
            web.meta.created = Some(created);
            add(i, web, "f5");
        }
        i.store(own("b", "tls", &["x.example"]));
        set_up(i);
        judge_all(i, RULES);
        let ids = inventory.bindings_of_host("x.example").to_vec();
        let loser = |id: &BindingId| {
            inventory
                .bindings()
                .get(*id)
                .is_some_and(|b| b.route.key.namespace == "b")
        };
        let id = ids.into_iter().find(loser).expect("the younger one");
        binding(&inventory, id, RULES).expect("a verdict")
    };
    let fine = of(&|i| i.store(own("a", "tls", &["x.example"])));
    not_critical(&fine.findings);
    let other = of(&|i| i.store(own("a", "tls", &["y.example"])));
    is(&other.findings, Reason::HostMismatch, Severity::Critical);
    let broken = of(&|i| {
        let mut tls = own("a", "tls", &["x.example"]);
        tls.bundle.key = KeyState::Differs;
        i.store(tls);
    });
    is(&broken.findings, Reason::InvalidKeyPair, Severity::Critical);
    let gone = of(&|_| {});
    is(&gone.findings, Reason::DuplicateHost, Severity::Critical);
    let unread = of(&|i| i.mark_unreadable(key("a", "tls")));
    is(&unread.findings, Reason::DuplicateHost, Severity::Warning);
    not_critical(&unread.findings);
    assert!(unread.unreadable);
}
