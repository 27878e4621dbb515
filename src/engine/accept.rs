//! Whether a new pair may replace the present one: it must not be what `status` would call critical, whatever `--force`
//! says.

use crate::{
    apply::{
        Pair,
        pair::{PairError, SKEW},
    },
    check::{self, Fact, Finding, Reason, Rules, Severity, row::Row, words},
    name::Name,
    object::{Reach, Seconds},
    x509::{Bundle, Parsed, Trust},
};

/// Judges a new pair for the names that were ordered. What is just as wrong with the certificate that the Secret holds
/// now is no reason to refuse the new one: nothing would get worse.
///
/// # Errors
///
/// Clients would refuse it, or should; or it lacks the chain that the present one has.
pub fn judge(pair: &Pair, names: &[Name], held: Option<&Parsed>, now: Seconds) -> Result<(), PairError> {
    let host = names.first().map(ToString::to_string);
    let found = unfit(pair.bundle(), host.as_deref(), now);
    let known: Vec<Reason> = held.map_or_else(Vec::new, |held| {
        let found = unfit(&held.bundle, host.as_deref(), now);
        found.iter().map(Finding::reason).collect()
    });
    if let Some(worst) = found.iter().find(|finding| !known.contains(&finding.reason())) {
        let row = Row::of_certificate(pair.leaf(), host.as_deref(), Reach::HERE);
        let said = words::message(worst, &row, now);
        return Err(PairError::Judged(fragment(&said)));
    }
    if forgets_chain(pair, held) {
        return Err(PairError::NoChain(pair.leaf().issuer.full.to_string()));
    }
    Ok(())
}

/// Whether the same issuer sent its chain with the certificate that is held, and sends none now. A CA may also issue from
/// its root, and send nothing or the root.
fn forgets_chain(pair: &Pair, held: Option<&Parsed>) -> bool {
    let alone = pair.ders().len() == 1 && !pair.leaf().self_signed;
    if !alone || matches!(pair.bundle().trust, Trust::Trusted { .. }) {
        return false;
    }
    let Some(held) = held.map(|held| &held.bundle) else {
        return false;
    };
    let same = held
        .leaf()
        .is_some_and(|leaf| leaf.issuer.full == pair.leaf().issuer.full);
    same && held.chain().any(|(_, issuer)| !issuer.self_signed)
}

/// The findings because of which clients refuse a certificate, or should. A start in the near future is a clock's
/// difference, which [`Pair::check`] limits.
fn unfit(bundle: &Bundle, host: Option<&str>, now: Seconds) -> Vec<Finding> {
    let rules = Rules {
        now,
        expiring_within: None,
    };
    let mut found = check::bundle(bundle, host, rules);
    found.retain(|finding| {
        let is_bad = finding.severity == Severity::Critical || finding.reason() == Reason::LeafIsCa;
        let begins_soon = match &finding.fact {
            Fact::NotYetValid(_) => true,
            Fact::ChainExpired(it) => it.not_before > now && it.not_before <= now.saturating_add(SKEW),
            _ => false,
        };
        is_bad && !begins_soon
    });
    found
}

/// A sentence as the end of another one.
fn fragment(sentence: &str) -> String {
    let mut rest = sentence.trim_end_matches('.').chars();
    let first = rest.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{CustomExtension, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};

    use super::*;
    use crate::{
        apply::pair::Roots,
        x509::{
            Interner, bundle,
            testing::{Authority, Issued, issuer_url},
        },
    };

    const NOW: Seconds = 1_800_000_000;

    fn names() -> Vec<Name> {
        vec!["shop.example".parse().unwrap()]
    }

    fn accepted(leaf: &Issued, issuers: &[&Authority], held: Option<&str>) -> Result<(), PairError> {
        let chain: String = std::iter::once(leaf.pem())
            .chain(issuers.iter().map(|issuer| issuer.pem()))
            .collect();
        let held = held.map(|held| bundle::parse(Some(held.as_bytes()), None, &mut Interner::new()));
        let pair = Pair::check(leaf.key_pem().into(), chain.as_bytes(), &names(), NOW, &Roots::Any)?;
        judge(&pair, &names(), held.as_ref(), NOW)
    }

    #[test]
    fn what_clients_would_refuse_replaces_nothing() {
        let root = Authority::root("Root");
        let sub = root.sub("Sub");
        let bounded = root.sub_with("Bounded", |params| {
            params.name_constraints = Some(rcgen::NameConstraints {
                permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("other.example".into())],
                excluded_subtrees: Vec::new(),
            });
        });
        let good = sub.leaf("shop.example");
        assert_eq!(accepted(&good, &[&sub], None), Ok(()));
        assert_eq!(accepted(&good, &[&sub, &root], None), Ok(()));
        let critical = |oid: &[u64]| {
            let mut unknown = CustomExtension::from_oid_content(oid, vec![5, 0]);
            unknown.set_criticality(true);
            unknown
        };
        let poison = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 3];
        for (leaf, issuers, why) in [
            (
                sub.leaf_with("shop.example", |params| {
                    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
                }),
                vec![&sub],
                "marked as a CA",
            ),
            (
                sub.leaf_with("shop.example", |params| {
                    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
                }),
                vec![&sub],
                "lacks serverAuth",
            ),
            (
                sub.leaf_with("shop.example", |params| {
                    params.key_usages = vec![KeyUsagePurpose::CrlSign];
                }),
                vec![&sub],
                "key usage",
            ),
            (
                sub.leaf_with("shop.example", |params| {
                    params.custom_extensions.push(critical(&[1, 3, 6, 1, 4, 1, 55555, 1]));
                }),
                vec![&sub],
                "critical extension",
            ),
            (
                sub.leaf_with("shop.example", |params| {
                    params.custom_extensions.push(critical(&poison));
                }),
                vec![&sub],
                "critical extension",
            ),
            (
                sub.leaf_with("shop.example", |params| {
                    params.custom_extensions.push(critical(&poison));
                }),
                vec![],
                "critical extension",
            ),
            (
                sub.leaf_with("shop.example", |params| {
                    let more = rcgen::SanType::DnsName("evil.example".try_into().unwrap());
                    params.subject_alt_names.push(more);
                }),
                vec![&sub],
                "also names evil.example",
            ),
            (bounded.leaf("shop.example"), vec![&bounded], "name constraints"),
        ] {
            match accepted(&leaf, &issuers, None) {
                Ok(()) => panic!("accepted with {} issuers, in spite of {why}", issuers.len()),
                Err(error) => assert!(error.to_string().contains(why), "{error} instead of {why}"),
            }
        }
    }

    #[test]
    fn what_is_no_worse_than_before_is_taken() {
        let root = Authority::root("Root");
        let sub = root.sub("Sub");
        let client = |authority: &Authority| {
            authority.leaf_with("shop.example", |params| {
                params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            })
        };
        let before = client(&root).pem();
        assert_eq!(accepted(&client(&root), &[], Some(&before)), Ok(()));
        // A CA that issues from its root sends nothing more, or the root. One that sent a chain before has forgotten it.
        let url = "http://ca.example/sub.cer";
        let leaf = sub.leaf_with("shop.example", |params| params.custom_extensions.push(issuer_url(url)));
        assert_eq!(accepted(&leaf, &[], None), Ok(()));
        assert_eq!(accepted(&leaf, &[], Some(&before)), Ok(()));
        let with_chain = leaf.pem() + &sub.pem();
        let refused = accepted(&leaf, &[], Some(&with_chain));
        assert!(matches!(refused, Err(PairError::NoChain(_))), "{refused:?}");
        let of_root = root.leaf("shop.example");
        for held in [with_chain, root.leaf("shop.example").pem() + &root.pem()] {
            assert_eq!(accepted(&of_root, &[], Some(&held)), Ok(()));
        }
    }
}
