//! What one namespace stores changes no verdict on another namespace's Secret.

use rcgen::{CertificateParams, DnType, KeyUsagePurpose, date_time_ymd};

use super::{IntermediateSource, Judge, Key, PathError, Text, Trust, chain, judge_of, trust};
use crate::x509::testing::{Authority, issuer_url};

/// A CA that has the name of a Let's Encrypt CA, and a long lifetime.
fn as_r12(p: &mut CertificateParams) {
    p.distinguished_name.push(DnType::OrganizationName, "Let's Encrypt");
    p.not_after = date_time_ymd(4000, 1, 1);
}

/// Certificates with the name of `of`: issued by CAs of their own, and with its very key.
fn forged(of: &Authority, change: impl Fn(&mut CertificateParams)) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for n in 0..40 {
        let evil = Authority::root(&format!("Evil {n}"));
        all.push(evil.certify(of, &change));
        all.push(evil.sub_with("R12", &change).der());
        // Issued by a root with the trusted one's name, and by itself.
        all.push(Authority::root("Root").certify(of, &change));
        all.push(Authority::root_changed("R12", &change).der());
    }
    all
}

fn poison(judge: &Judge, ders: &[Vec<u8>]) {
    for (n, der) in ders.iter().enumerate() {
        judge.learn(
            &Key::new("aaa-tenant", format!("s{n:03}")),
            &chain(std::slice::from_ref(der)),
        );
    }
}

#[test]
fn forged_cas_explain_nothing_and_crowd_nobody_out() {
    let root = Authority::root("Root");
    let sub = root.sub_with("R12", as_r12);
    let leaf = sub.leaf_with("a.example", |p| {
        p.custom_extensions.push(issuer_url("http://r12.example/"));
    });
    let lacking = chain(std::slice::from_ref(&leaf.der));
    let ders = forged(&sub, as_r12);

    // Nobody holds the real one.
    let judge = judge_of(&root.pem());
    let before = judge.judge(&lacking);
    assert!(
        matches!(
            &before,
            Trust::MissingIntermediate {
                found: IntermediateSource::Url(_),
                ..
            }
        ),
        "{before:?}"
    );
    poison(&judge, &ders);
    assert_eq!(judge.judge(&lacking), before);

    // Another namespace does, before or after.
    for real_first in [true, false] {
        let judge = judge_of(&root.pem());
        let holder = Key::new("shop", "tls");
        let real = chain(&[sub.leaf("b.example").der, sub.der()]);
        if real_first {
            judge.learn(&holder, &real);
        }
        poison(&judge, &ders);
        if !real_first {
            judge.learn(&holder, &real);
        }
        let found = IntermediateSource::Secret(holder.clone());
        let judged = judge.judge(&lacking);
        assert!(
            matches!(&judged, Trust::MissingIntermediate { found: f, .. } if *f == found),
            "{judged:?}"
        );
    }
}

#[test]
fn what_is_sent_and_refused_is_told_though_another_holds_a_better_one() {
    let root = Authority::root("Root");
    let sub = root.sub("Sub");
    let mute = root.certify(&sub, |p| p.key_usages = vec![KeyUsagePurpose::DigitalSignature]);
    let judge = judge_of(&root.pem());
    judge.learn(&Key::new("b", "tls"), &chain(&[sub.der()]));
    let sent = trust(&judge, &[sub.leaf("a.example").der, mute]);
    assert!(
        matches!(&sent, Trust::Refused(PathError::Constraint(why)) if why.contains("keyCertSign")),
        "{sent:?}"
    );
}

#[test]
fn one_namespace_does_not_fill_what_is_learned() {
    let root = Authority::root("Root");
    let judge = judge_of(&root.pem());
    let evil = Authority::root("Evil");
    let many: Vec<Vec<u8>> = (0..600).map(|n| evil.sub(&format!("Sub {n}")).der()).collect();
    poison(&judge, &many);
    let learned = format!("{judge:?}").matches("Entry {").count();
    assert_eq!(learned, 500);
    // What a trusted CA certified below another one that is learned later counts, too.
    let sub = root.sub("Sub");
    let below = sub.sub("Below");
    judge.learn(&Key::new("b", "tls"), &chain(&[below.der()]));
    let lacking = [below.leaf("a.example").der];
    assert!(matches!(trust(&judge, &lacking), Trust::Untrusted { .. }));
    judge.learn(&Key::new("c", "tls"), &chain(&[sub.der()]));
    assert!(matches!(
        trust(&judge, &lacking),
        Trust::MissingIntermediate {
            found: IntermediateSource::Secret(_),
            ..
        }
    ));
}

#[test]
fn what_was_fetched_counts_for_those_who_name_its_url() {
    let root = Authority::root("Root");
    let url = |p: &mut CertificateParams| p.custom_extensions.push(issuer_url("http://ca.example/sub.der"));
    let sub = root.sub_with("Sub", url);
    let judge = judge_of(&Authority::root("Other").pem());
    let leaf = [sub.leaf_with("a.example", url).der];
    let before = trust(&judge, &leaf);
    let evil = Authority::root("Evil").certify(&sub, url);
    assert!(judge.learn_fetched(&evil, &Text::from("http://evil.example/")));
    assert_eq!(trust(&judge, &leaf), before);
    assert!(judge.learn_fetched(&sub.der(), &Text::from("http://ca.example/sub.der")));
    let after = trust(&judge, &leaf);
    assert!(
        matches!(&after, Trust::Untrusted { issuer, .. } if &**issuer == "CN=Root"),
        "{after:?}"
    );
    let trusting = judge_of(&root.pem());
    assert!(trusting.learn_fetched(&sub.der(), &Text::from("http://ca.example/sub.der")));
    let found = trust(&trusting, &leaf);
    assert!(
        matches!(
            &found,
            Trust::MissingIntermediate {
                found: IntermediateSource::Fetched(_),
                ..
            }
        ),
        "{found:?}"
    );
}
