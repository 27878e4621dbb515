//! Rules of clients in addition to webpki's: each is violated once, and nearly violated once.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyIdMethod,
    KeyUsagePurpose, NameConstraints, date_time_ymd,
};

use super::{Clients, PathError, Trust, chain, judge_of, path, refused, trust};
use crate::{
    object::Seconds,
    x509::testing::{Authority, issuer_url, pem, tlv},
};

/// The clients that refuse a chain.
fn refuse(trust: &Trust) -> Option<Clients> {
    match trust {
        Trust::Trusted { bounds, .. } => {
            let bounds = bounds.as_ref().expect("a root");
            bounds.doubt.as_ref().map(|doubt| doubt.by)
        }
        Trust::Refused(PathError::Constraint(_) | PathError::Unusable(_)) => Some(Clients::All),
        other => panic!("{other:?}"),
    }
}

/// A root with changed parameters.
fn root_with(change: impl FnOnce(&mut CertificateParams)) -> Authority {
    Authority::root_changed("Root", change)
}

fn critical(oid: &[u64], content: Vec<u8>) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(oid, content);
    extension.set_criticality(true);
    extension
}

fn extension(oid: &[u64], content: Vec<u8>) -> CustomExtension {
    CustomExtension::from_oid_content(oid, content)
}

const SKI: &[u64] = &[2, 5, 29, 14];
const KEY_USAGE: &[u64] = &[2, 5, 29, 15];
const NAME_CONSTRAINTS: &[u64] = &[2, 5, 29, 30];
const POLICIES: &[u64] = &[2, 5, 29, 32];
const AKI: &[u64] = &[2, 5, 29, 35];
const AIA: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];

/// The clients that refuse an extension in the leaf, in an intermediate and in the root.
fn everywhere(make: impl Fn() -> CustomExtension, leaf: Option<Clients>, above: Option<Clients>) {
    let add = |p: &mut CertificateParams| p.custom_extensions.push(make());
    let root = Authority::root("Root");
    let judge = judge_of(&root.pem());
    let of_leaf = trust(&judge, &[root.leaf_with("a.example", add).der]);
    assert_eq!(refuse(&of_leaf), leaf, "leaf: {of_leaf:?}");
    let sub = root.sub_with("Sub", add);
    let of_sub = trust(&judge, &[sub.leaf("a.example").der, sub.der()]);
    assert_eq!(refuse(&of_sub), above, "intermediate: {of_sub:?}");
    let root = root_with(add);
    let of_root = trust(&judge_of(&root.pem()), &[root.leaf("a.example").der]);
    assert_eq!(refuse(&of_root), above, "root: {of_root:?}");
}

#[test]
fn critical_extensions_are_for_those_who_know_them() {
    let all = Some(Clients::All);
    everywhere(|| critical(&[1, 2, 3, 4], vec![5, 0]), all, all);
    everywhere(|| extension(&[1, 2, 3, 4], vec![5, 0]), None, None);
    // webpki does not know policies, clients do.
    let policies = || tlv(0x30, &tlv(0x30, &tlv(0x06, &[0x2a, 3, 4])));
    everywhere(|| critical(POLICIES, policies()), None, None);
    // OCSP no check, which Go does not know.
    let go = Some(Clients::Go);
    everywhere(|| critical(&[1, 3, 6, 1, 5, 5, 7, 48, 1, 5], vec![5, 0]), go, go);
    let url = || {
        tlv(
            0x30,
            &tlv(
                0x30,
                &[
                    tlv(0x06, &[0x2b, 6, 1, 5, 5, 7, 48, 2]),
                    tlv(0x86, b"http://ca.example/"),
                ]
                .concat(),
            ),
        )
    };
    everywhere(|| critical(AIA, url()), all, all);
    everywhere(|| extension(AIA, url()), None, None);
}

#[test]
fn key_identifiers_are_never_critical() {
    let own = vec![7; 20];
    for (is_critical, expected) in [(true, Some(Clients::All)), (false, None)] {
        let add = |oid: &[u64], content: Vec<u8>| {
            let mut extension = extension(oid, content);
            extension.set_criticality(is_critical);
            extension
        };
        let authority = || add(AKI, tlv(0x30, &tlv(0x80, &own)));
        let bare = |p: &mut CertificateParams| {
            p.use_authority_key_identifier_extension = false;
            p.key_identifier_method = KeyIdMethod::PreSpecified(own.clone());
        };
        let root = root_with(bare);
        let judge = judge_of(&root.pem());
        let leaf = root.leaf_with("a.example", |p| {
            bare(p);
            p.custom_extensions.push(authority());
        });
        assert_eq!(refuse(&trust(&judge, &[leaf.der])), expected, "authority");
        let leaf = root.leaf_with("a.example", |p| {
            p.custom_extensions.push(add(SKI, tlv(0x04, &[8; 20])));
        });
        assert_eq!(refuse(&trust(&judge, &[leaf.der])), expected, "subject");
        let root = root_with(|p| {
            bare(p);
            p.custom_extensions.push(authority());
        });
        let of_root = trust(&judge_of(&root.pem()), &[root.leaf("a.example").der]);
        assert_eq!(refuse(&of_root), expected, "root");
    }
}

#[test]
fn an_issuer_may_sign_certificates() {
    let usage = |usages: &[KeyUsagePurpose]| {
        let usages = usages.to_vec();
        move |p: &mut CertificateParams| p.key_usages = usages
    };
    let nothing = |p: &mut CertificateParams| p.custom_extensions.push(extension(KEY_USAGE, vec![3, 2, 7, 0]));
    let of_sub = |change: &dyn Fn(&mut CertificateParams)| {
        let root = Authority::root("Root");
        let sub = root.sub_with("Sub", change);
        trust(&judge_of(&root.pem()), &[sub.leaf("a.example").der, sub.der()])
    };
    let of_root = |change: &dyn Fn(&mut CertificateParams)| {
        let root = root_with(change);
        trust(&judge_of(&root.pem()), &[root.leaf("a.example").der])
    };
    let both = |change: &dyn Fn(&mut CertificateParams), expected| {
        assert_eq!(refuse(&of_sub(change)), expected, "intermediate");
        assert_eq!(refuse(&of_root(change)), expected, "root");
    };
    let digital = [KeyUsagePurpose::DigitalSignature];
    both(&|p| usage(&digital)(p), Some(Clients::All));
    both(&|p| usage(&[KeyUsagePurpose::KeyCertSign])(p), None);
    both(&nothing, Some(Clients::OpenSsl));
    match of_sub(&|p| usage(&digital)(p)) {
        Trust::Refused(PathError::Constraint(why)) => assert_eq!(
            why,
            "\"CN=Sub\" may not sign certificates (key usage without keyCertSign)"
        ),
        other => panic!("{other:?}"),
    }

    let extended = |usages: &[ExtendedKeyUsagePurpose]| {
        let usages = usages.to_vec();
        move |p: &mut CertificateParams| p.extended_key_usages = usages
    };
    both(
        &|p| extended(&[ExtendedKeyUsagePurpose::EmailProtection])(p),
        Some(Clients::All),
    );
    both(
        &|p| extended(&[ExtendedKeyUsagePurpose::Any])(p),
        Some(Clients::OpenSsl),
    );
    both(&|p| extended(&[ExtendedKeyUsagePurpose::ServerAuth])(p), None);
}

#[test]
fn name_constraints_constrain_something_that_go_knows() {
    let of = |content: Vec<u8>, is_critical: bool| {
        let root = Authority::root("Root");
        let sub = root.sub_with("Sub", |p| {
            let mut extension = extension(NAME_CONSTRAINTS, content);
            extension.set_criticality(is_critical);
            p.custom_extensions.push(extension);
        });
        refuse(&trust(&judge_of(&root.pem()), &[sub.leaf("a.example").der, sub.der()]))
    };
    let go = Some(Clients::Go);
    assert_eq!(of(tlv(0x30, &[]), true), go, "neither");
    assert_eq!(
        of(tlv(0x30, &[tlv(0xa0, &[]), tlv(0xa1, &[])].concat()), false),
        go,
        "both empty"
    );
    let dns = tlv(0xa0, &tlv(0x30, &tlv(0x82, b"example")));
    assert_eq!(of(tlv(0x30, &dns), true), None);
    // otherName, which no name of the leaf is.
    let other = tlv(0xa0, &[tlv(0x06, &[0x2a, 3, 4]), tlv(0xa0, &tlv(0x0c, b"x"))].concat());
    let with_other = tlv(0x30, &[dns, tlv(0xa1, &tlv(0x30, &other))].concat());
    assert_eq!(of(with_other.clone(), true), go, "a kind that Go does not know");
    assert_eq!(of(with_other, false), None, "not critical");
}

#[test]
fn a_broken_authority_information_access_stops_go_alone() {
    let go = Some(Clients::Go);
    everywhere(|| extension(AIA, vec![0x04, 1, 0]), go, go);
    everywhere(|| extension(AIA, tlv(0x30, &tlv(0x04, b"x"))), go, go);
    everywhere(|| issuer_url("http://ca.example/"), None, None);
}

#[test]
fn an_authority_key_identifier_names_its_issuer() {
    let name = |common: &str| {
        let common = tlv(0x30, &[tlv(0x06, &[0x55, 4, 3]), tlv(0x0c, common.as_bytes())].concat());
        tlv(0xa1, &tlv(0xa4, &tlv(0x30, &tlv(0x31, &common))))
    };
    let root_of = |fields: Vec<u8>| {
        root_with(|p| {
            p.use_authority_key_identifier_extension = false;
            p.serial_number = Some(vec![0x42].into());
            p.custom_extensions.push(extension(AKI, tlv(0x30, &fields)));
        })
    };
    let openssl = Some(Clients::OpenSsl);
    for (fields, expected) in [
        (tlv(0x82, &[0x42]), None),
        (tlv(0x82, &[0x43]), openssl),
        (name("Root"), None),
        (name("ROOT "), None),
        (name("Another"), openssl),
    ] {
        let root = root_of(fields.clone());
        let of_root = trust(&judge_of(&root.pem()), &[root.leaf("a.example").der]);
        assert_eq!(refuse(&of_root), expected, "{fields:x?}");
        // The same for what it issued.
        let root = root_with(|p| p.serial_number = Some(vec![0x42].into()));
        let leaf = root.leaf_with("a.example", |p| {
            p.use_authority_key_identifier_extension = false;
            p.custom_extensions.push(extension(AKI, tlv(0x30, &fields)));
        });
        assert_eq!(
            refuse(&trust(&judge_of(&root.pem()), &[leaf.der])),
            expected,
            "{fields:x?}"
        );
    }
}

#[test]
fn a_root_limits_the_length_of_its_paths() {
    let root = root_with(|p| p.is_ca = IsCa::Ca(BasicConstraints::Constrained(0)));
    let judge = judge_of(&root.pem());
    assert_eq!(refuse(&trust(&judge, &[root.leaf("a.example").der])), None);
    let sub = root.sub("Sub");
    let below = trust(&judge, &[sub.leaf("a.example").der, sub.der()]);
    assert_eq!(refuse(&below), Some(Clients::All));
}

/// A validity between the beginnings of two years.
fn window(from: i32, to: i32) -> impl Fn(&mut CertificateParams) {
    move |p| (p.not_before, p.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1))
}

/// The beginning of a year.
fn year(year: i32) -> Seconds {
    date_time_ymd(year, 1, 1).unix_timestamp()
}

fn root_validity(trust: &Trust) -> (Seconds, Seconds) {
    match trust {
        Trust::Trusted {
            bounds: Some(bounds), ..
        } => (bounds.not_before, bounds.not_after),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_old_root_counts_only_where_no_other_path_is_there() {
    // As with AddTrust and USERTrust, DST Root CA X3 and ISRG Root X1: the old root has also certified the new root's
    // key.
    let old = Authority::root_changed("Old", window(2000, 2021));
    let new = Authority::root_changed("New", window(2015, 2035));
    let cross = old.certify(&new, window(2015, 2021));
    let sub = new.sub_with("Sub", window(2020, 2027));
    let leaf = sub.leaf_with("a.example", window(2025, 2026)).der;
    let sent = [leaf.clone(), sub.der(), cross.clone()];
    let both = judge_of(&(old.pem() + &new.pem()));
    for (judge, path_used, validity) in [
        (&both, &[0, 1][..], (2015, 2035)),
        (&judge_of(&new.pem()), &[0, 1], (2015, 2035)),
        (&judge_of(&old.pem()), &[0, 1, 2], (2000, 2021)),
    ] {
        let judged = trust(judge, &sent);
        assert_eq!(path(&judged), path_used);
        assert_eq!(root_validity(&judged), (year(validity.0), year(validity.1)));
    }
    // A root that was made again with the same key and name.
    let ending = Authority::root_changed("Ending", window(2015, 2024));
    let again = pem("CERTIFICATE", &ending.again(window(2021, 2050)));
    let leaf = ending.leaf_with("a.example", window(2023, 2026)).der;
    for pems in [ending.pem() + &again, again.clone() + &ending.pem()] {
        let judged = trust(&judge_of(&pems), std::slice::from_ref(&leaf));
        assert_eq!(root_validity(&judged), (year(2021), year(2050)));
    }
}

#[test]
fn a_path_without_a_broken_rule_is_taken_where_one_is_there() {
    let (bad, good) = (
        root_with(|p| p.key_usages = vec![KeyUsagePurpose::DigitalSignature]),
        Authority::root("Good"),
    );
    let sub = bad.sub("Sub");
    let by_good = good.certify(&sub, |_| {});
    let ders = [sub.leaf("a.example").der, by_good, sub.der()];
    assert_eq!(refuse(&trust(&judge_of(&bad.pem()), &ders)), Some(Clients::All));
    let both = judge_of(&(bad.pem() + &good.pem()));
    let judged = trust(&both, &ders);
    assert_eq!((refuse(&judged), path(&judged)), (None, &[0, 1][..]));
    // In the other order OpenSSL takes the other one, and does not come back.
    let [leaf, by_good, by_bad] = ders.clone();
    let judged = trust(&both, &[leaf, by_bad, by_good]);
    assert_eq!((refuse(&judged), path(&judged)), (Some(Clients::OpenSsl), &[0, 2][..]));
    // An unknown critical extension beside the path does no harm.
    let odd = root_with(|p| p.custom_extensions.push(critical(&[1, 2, 3, 4], vec![5, 0])));
    let judged = trust(&judge_of(&(odd.pem() + &good.pem())), &ders);
    assert_eq!(refuse(&judged), None);
}

#[test]
fn openssl_takes_the_first_issuer_that_is_sent() {
    let (root, other) = (Authority::root("Root"), Authority::root("Other"));
    let sub = root.sub("Sub");
    // The same CA, which is forbidden here to certify the host.
    let narrow = root.certify(&sub, |p| {
        p.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("inside.example".into())],
            excluded_subtrees: vec![],
        });
    });
    let leaf = sub.leaf("a.example").der;
    let judge = judge_of(&root.pem());
    let first = trust(&judge, &[leaf.clone(), narrow.clone(), sub.der()]);
    assert_eq!((refuse(&first), path(&first)), (Some(Clients::OpenSsl), &[0, 2][..]));
    assert_eq!(refuse(&trust(&judge, &[leaf.clone(), sub.der(), narrow])), None);
    // Certified by another root, which is not trusted here: whether it is first or not, OpenSSL continues to the
    // trusted root.
    let by_other = other.certify(&sub, |_| {});
    assert_eq!(refuse(&trust(&judge, &[leaf, sub.der(), by_other])), None);
}

#[test]
fn a_root_of_the_same_name_with_another_key_is_told_as_that() {
    let (trusted, other) = (Authority::root("Root"), Authority::root("Root"));
    let judge = judge_of(&trusted.pem());
    let namesake = |trust: &Trust| match trust {
        Trust::Untrusted { issuer, namesake, .. } => (issuer.to_string(), *namesake),
        other => panic!("{other:?}"),
    };
    let by_id = trust(&judge, &[other.leaf("a.example").der]);
    assert_eq!(namesake(&by_id), ("CN=Root".into(), true));
    let bare = other.leaf_with("a.example", |p| p.use_authority_key_identifier_extension = false);
    assert_eq!(namesake(&trust(&judge, &[bare.der])), ("CN=Root".into(), true));
    let sent = trust(&judge, &[other.leaf("a.example").der, other.der()]);
    assert_eq!(namesake(&sent), ("CN=Root".into(), true));
    let elsewhere = trust(&judge, &[Authority::root("Elsewhere").leaf("a.example").der]);
    assert_eq!(namesake(&elsewhere), ("CN=Elsewhere".into(), false));
    // The same key, and a signature that does not match: broken, not made by another.
    let mut broken = trusted.leaf("a.example").der;
    *broken.last_mut().expect("signature") ^= 1;
    assert_eq!(refused(trust(&judge, &[broken])), PathError::BadSignature);
}

#[test]
fn a_large_root_is_read() {
    let names: Vec<GeneralSubtree> = (0..1700)
        .map(|n| GeneralSubtree::DnsName(format!("excluded-{n:05}.example")))
        .collect();
    let root = root_with(|p| {
        p.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![],
            excluded_subtrees: names,
        });
    });
    assert!(root.der().len() > 36_500, "{}", root.der().len());
    assert_eq!(
        refuse(&trust(&judge_of(&root.pem()), &[root.leaf("a.example").der])),
        None
    );
}

#[test]
fn a_certificate_without_a_subject_has_a_name_in_messages() {
    let root = Authority::root("Root");
    let blank = |names: &[&str]| {
        root.leaf_with("a.example", |p| {
            p.distinguished_name = rcgen::DistinguishedName::new();
            p.subject_alt_names = names
                .iter()
                .map(|n| {
                    n.parse::<std::net::IpAddr>().map_or_else(
                        |_| rcgen::SanType::DnsName((*n).try_into().expect("name")),
                        rcgen::SanType::IpAddress,
                    )
                })
                .collect();
            p.serial_number = Some(vec![0x0a, 0x1b].into());
        })
    };
    let called = |names: &[&str]| chain(&[blank(names).der]).bundle.certificates[0].called().into_owned();
    assert_eq!(called(&["b.example", "c.example"]), "DNS:b.example");
    assert_eq!(called(&["192.0.2.1"]), "IP:192.0.2.1");
    assert_eq!(called(&[]), "serial number 0a1b");
    let named = chain(&[root.leaf("a.example").der]).bundle.certificates[0]
        .called()
        .into_owned();
    assert_eq!(named, "CN=a.example");
}
