use rcgen::{CertificateParams, date_time_ymd};

use super::*;
use crate::x509::{
    bundle::{Parsed, parse_chain},
    interner::Interner,
    testing::{Authority, issuer_url, patch, pem, self_signed},
};

mod clients;
mod refused;
mod tenants;

fn judge_of(roots: &str) -> Judge {
    let mut anchors = Anchors::default();
    anchors.add_pem(roots.as_bytes()).expect("roots");
    Judge::new(anchors, Memo::default())
}

fn chain(ders: &[Vec<u8>]) -> Parsed {
    parse_chain(ders, &mut Interner::new())
}

fn trust(judge: &Judge, ders: &[Vec<u8>]) -> Trust {
    judge.judge(&chain(ders))
}

fn path(trust: &Trust) -> &[u8] {
    match trust {
        Trust::Trusted { path, .. } => path,
        other => panic!("{other:?}"),
    }
}

fn refused(trust: Trust) -> PathError {
    match trust {
        Trust::Refused(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_path_names_the_positions_that_it_uses() {
    let root = Authority::root("Root");
    let (a, unrelated) = (root.sub("A"), root.sub("Unrelated"));
    let b = a.sub("B");
    let leaf = b.leaf("a.example");
    let judge = judge_of(&root.pem());
    for (ders, expected) in [
        (vec![leaf.der.clone(), b.der(), a.der()], &[0, 1, 2][..]),
        (vec![leaf.der.clone(), a.der(), b.der()], &[0, 2, 1]),
        (vec![leaf.der.clone(), b.der(), a.der(), root.der()], &[0, 1, 2]),
        (
            vec![leaf.der.clone(), unrelated.der(), b.der(), b.der(), a.der()],
            &[0, 2, 4],
        ),
        (vec![b.der(), leaf.der.clone(), a.der()], &[1, 0, 2]),
        (vec![root.leaf("b.example").der], &[0]),
    ] {
        let trust = trust(&judge, &ders);
        assert_eq!(path(&trust), expected);
        assert!(matches!(&trust, Trust::Trusted { root, public: false, by_equality: false, .. } if &**root == "Root"));
    }
    assert_eq!(judge.judge(&chain(&[])), Trust::NotJudged);
    assert_eq!(
        Judge::new(Anchors::default(), Memo::default()).judge(&chain(&[])),
        Trust::NotJudged
    );
}

#[test]
fn dates_do_not_matter_and_hide_nothing() {
    let root = Authority::root("Root");
    let window = |p: &mut CertificateParams, from: i32, to: i32| {
        (p.not_before, p.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
    };
    let sub = root.sub_with("Sub", |p| window(p, 2001, 2002));
    let leaf = sub.leaf_with("a.example", |p| window(p, 2010, 9999));
    let ders = [leaf.der.clone(), sub.der()];
    assert_eq!(path(&trust(&judge_of(&root.pem()), &ders)), [0, 1]);
    assert!(matches!(
        trust(&judge_of(&Authority::root("Other").pem()), &ders),
        Trust::Untrusted { .. }
    ));
    // The validity is still the one that was signed.
    let changed = patch(&leaf.der, b"100101000000Z", b"110101000000Z");
    assert_eq!(
        refused(trust(&judge_of(&root.pem()), &[changed, sub.der()])),
        PathError::BadSignature
    );
}

#[test]
fn a_missing_intermediate_is_found_where_it_is() {
    let root = Authority::root("Root");
    let sub = root.sub("Sub");
    let leaf = sub.leaf("a.example");
    let missing = |found| Trust::MissingIntermediate {
        issuer: "CN=Sub".into(),
        found,
    };
    let judge = judge_of(&root.pem());
    let lacking = chain(std::slice::from_ref(&leaf.der));
    assert!(matches!(
        judge.judge(&lacking),
        Trust::Untrusted {
            root_presented: false,
            ..
        }
    ));

    let (first, second) = (Key::new("a", "tls"), Key::new("b", "tls"));
    judge.learn(&second, &chain(&[sub.leaf("b.example").der, sub.der()]));
    judge.learn(&first, &chain(&[sub.leaf("c.example").der, sub.der()]));
    let again = || judge.judge_again(&lacking.bundle, &lacking.der);
    assert_eq!(again(), missing(IntermediateSource::Secret(first.clone())));
    // Another Secret still holds it.
    judge.forget(&first);
    assert_eq!(again(), missing(IntermediateSource::Secret(second.clone())));
    judge.forget(&second);
    assert!(matches!(again(), Trust::Untrusted { .. }));

    assert_eq!(
        judge_of(&(root.pem() + &sub.pem())).judge(&lacking),
        missing(IntermediateSource::CaFile)
    );
    // If it is presented, it is not missing, whatever else is known.
    let given = judge_of(&(root.pem() + &sub.pem()));
    assert_eq!(path(&trust(&given, &[leaf.der, sub.der()])), [0, 1]);
}

#[test]
fn an_intermediate_that_is_nowhere_is_missing_or_untrusted() {
    let root = Authority::root("Root");
    let url = |p: &mut CertificateParams| p.custom_extensions.push(issuer_url("http://ca.example/sub.der"));
    let sub = root.sub_with("Sub", url);
    let judge = judge_of(&Authority::root("Other").pem());
    let with_url = sub.leaf_with("a.example", url);
    let found = IntermediateSource::Url("http://ca.example/sub.der".into());
    assert_eq!(
        trust(&judge, std::slice::from_ref(&with_url.der)),
        Trust::MissingIntermediate {
            issuer: "CN=Sub".into(),
            found
        }
    );
    let untrusted = |issuer: &str, root_presented| Trust::Untrusted {
        issuer: issuer.into(),
        root_presented,
        namesake: false,
    };
    assert_eq!(
        trust(&judge, &[with_url.der.clone(), sub.der()]),
        untrusted("CN=Root", false)
    );
    assert_eq!(
        trust(&judge, &[with_url.der.clone(), sub.der(), root.der()]),
        untrusted("CN=Root", true)
    );
    assert_eq!(
        trust(&judge, &[with_url.der.clone(), root.der(), sub.der()]),
        untrusted("CN=Root", true)
    );
    assert_eq!(trust(&judge, &[sub.leaf("a.example").der]), untrusted("CN=Sub", false));
    // What another Secret holds does not count if no trusted root vouches for it.
    let before = trust(&judge, std::slice::from_ref(&with_url.der));
    judge.learn(&Key::new("a", "tls"), &chain(&[sub.der(), root.der()]));
    assert_eq!(trust(&judge, &[with_url.der]), before);
}

#[test]
fn staging_is_untrusted_and_public_cas_are_known_by_name() {
    let named = |organisation: &str, name: &str| {
        let root = Authority::root("Root");
        let sub = root.sub_with(name, |p| {
            p.distinguished_name.push(rcgen::DnType::OrganizationName, organisation);
        });
        sub.leaf_with("a.example", |_| {}).der
    };
    let judge = judge_of(&Authority::root("Other").pem());
    let missing = trust(&judge, &[named("Let's Encrypt", "R12")]);
    assert!(matches!(
        missing,
        Trust::MissingIntermediate {
            found: IntermediateSource::Nowhere,
            ..
        }
    ));
    let other = trust(&judge, &[named("Other", "R12")]);
    assert!(matches!(other, Trust::Untrusted { .. }));
    let root = Authority::root("Root");
    let staging = root.sub_with("(STAGING) Counterfeit Cashew R10", |_| {});
    let leaf = staging.leaf_with("a.example", |p| {
        p.custom_extensions.push(issuer_url("http://stg.example/"));
    });
    assert!(matches!(
        trust(&judge, std::slice::from_ref(&leaf.der)),
        Trust::Untrusted { .. }
    ));
    let certificates = chain(&[leaf.der]).bundle.certificates;
    assert!(crate::x509::is_staging_issuer(&certificates[0]));
}

#[test]
fn self_signed_leaves_are_trusted_by_equality_alone() {
    let leaf = self_signed("a.example", |_| {});
    let other = self_signed("a.example", |_| {});
    assert_eq!(
        trust(
            &judge_of(&Authority::root("Root").pem()),
            std::slice::from_ref(&leaf.der)
        ),
        Trust::SelfSigned
    );
    assert_eq!(
        trust(&judge_of(&other.pem()), std::slice::from_ref(&leaf.der)),
        Trust::SelfSigned
    );
    let equal = trust(&judge_of(&leaf.pem()), &[leaf.der]);
    assert!(matches!(equal, Trust::Trusted { by_equality: true, public: false, path, .. } if *path == [0]));
    // A leaf that is a CA is not refused here.
    let root = Authority::root("Root");
    assert_eq!(
        trust(&judge_of(&Authority::root("Other").pem()), &[root.der()]),
        Trust::SelfSigned
    );
    let sub = root.sub("Sub");
    assert_eq!(path(&trust(&judge_of(&root.pem()), &[sub.der()])), [0]);
}

#[test]
fn an_issuer_of_the_same_name_with_another_key_is_another_issuer() {
    let (old, new) = (Authority::root("Root"), Authority::root("Root"));
    let leaf = new.leaf("a.example");
    let trust_of = |ders: &[Vec<u8>]| trust(&judge_of(&old.pem()), ders);
    assert!(matches!(
        trust_of(std::slice::from_ref(&leaf.der)),
        Trust::Untrusted { .. }
    ));
    // Without key identifiers only the signature distinguishes them.
    let bare = new.leaf_with("a.example", |p| p.use_authority_key_identifier_extension = false);
    assert!(matches!(trust_of(&[bare.der]), Trust::Untrusted { namesake: true, .. }));
    assert_eq!(path(&trust(&judge_of(&(old.pem() + &new.pem())), &[leaf.der])), [0]);

    let root = Authority::root("Top");
    let (stale, current) = (root.sub("Sub"), root.sub("Sub"));
    let leaf = current.leaf("a.example");
    let judge = judge_of(&root.pem());
    assert_eq!(
        path(&trust(&judge, &[leaf.der.clone(), stale.der(), current.der()])),
        [0, 2]
    );
    judge.learn(&Key::new("a", "tls"), &chain(&[current.der()]));
    let missing = trust(&judge, &[leaf.der, stale.der()]);
    assert!(matches!(
        missing,
        Trust::MissingIntermediate {
            found: IntermediateSource::Secret(_),
            ..
        }
    ));
}

#[test]
fn signatures_are_remembered_by_content() {
    let root = Authority::root("Root");
    let (a, b) = (root.leaf("a.example"), root.leaf("b.example"));
    let judge = judge_of(&root.pem());
    for _ in 0..3 {
        assert_eq!(path(&trust(&judge, std::slice::from_ref(&a.der))), [0]);
    }
    assert_eq!(judge.memo().new_entries(), 1);
    trust(&judge, &[b.der]);
    assert_eq!(judge.memo().len(), 2);
    // With one bit changed, it is another signature.
    let mut forged = a.der.clone();
    *forged.last_mut().expect("signature") ^= 1;
    assert_eq!(refused(trust(&judge, &[forged])), PathError::BadSignature);
    let mut anchors = Anchors::default();
    anchors.add_pem(root.pem().as_bytes()).expect("root");
    let later = Judge::new(anchors, Memo::from_bytes(judge.memo().to_bytes()));
    assert_eq!(path(&trust(&later, &[a.der])), [0]);
    assert_eq!(later.memo().new_entries(), 0);
}

#[test]
fn files_of_roots_are_read_whole_or_not_at_all() {
    let root = Authority::root("Root");
    let mut anchors = Anchors::default();
    let two = format!(
        "# mine\n{}{}{}",
        root.pem(),
        root.sub("Sub").pem(),
        root.leaf("a.example").key_pem()
    );
    assert_eq!(anchors.add_pem(two.as_bytes()), Ok(2));
    for (text, why) in [
        (String::new(), "there is no PEM block in it"),
        (root.leaf("a.example").key_pem(), "there is no certificate in it"),
        (pem("CERTIFICATE", &[1]), "certificate 1 cannot be read"),
        (
            root.pem() + "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----",
            "PEM block 2 cannot be read",
        ),
    ] {
        let mut anchors = Anchors::default();
        assert_eq!(anchors.add_pem(text.as_bytes()).expect_err(why).to_string(), why);
        assert!(matches!(
            trust(&Judge::new(anchors, Memo::default()), &[root.leaf("a.example").der]),
            Trust::Untrusted { .. }
        ));
    }
}

#[test]
fn mozillas_roots_are_there() {
    let judge = Judge::new(Anchors::public(), Memo::default());
    let mut reached = 0;
    for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        match trust(&judge, &[root.to_vec()]) {
            Trust::Trusted {
                public: true,
                by_equality: false,
                path,
                ..
            } if *path == [0] => reached += 1,
            // A root may have a signature that is not accepted on a path: it is trusted without its signature.
            Trust::SelfSigned => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(reached > 50, "{reached}");
    assert_eq!(
        trust(&judge, &[self_signed("a.example", |_| {}).der]),
        Trust::SelfSigned
    );
}

#[test]
fn a_hostile_maze_of_cross_signed_cas_is_left_quickly() {
    let blank = |p: &mut CertificateParams| p.use_authority_key_identifier_extension = false;
    let (a, b) = (Authority::root("A"), Authority::root("B"));
    let mut ders = vec![a.leaf_with("a.example", blank).der];
    for _ in 0..49 {
        ders.push(a.sub_with("B", blank).der());
        ders.push(b.sub_with("A", blank).der());
    }
    let start = std::time::Instant::now();
    assert_eq!(
        refused(trust(&judge_of(&Authority::root("A").pem()), &ders)),
        PathError::BadSignature
    );
    assert!(matches!(
        trust(&judge_of(&Authority::root("C").pem()), &ders),
        Trust::Untrusted { .. }
    ));
    // Milliseconds; a search of all orders would take many seconds.
    assert!(start.elapsed().as_secs() < 2, "{:?}", start.elapsed());
}

proptest::proptest! {
    #[test]
    fn a_changed_certificate_is_never_trusted(at: proptest::sample::Index, bit in 0u8..8) {
        let root = Authority::root("Root");
        let mut der = root.leaf("a.example").der;
        let at = at.index(der.len());
        der[at] ^= 1 << bit;
        let changed = trust(&judge_of(&root.pem()), &[der]);
        let trusted = matches!(changed, Trust::Trusted { .. });
        proptest::prop_assert!(!trusted, "byte {at}");
    }
}
