//! The names policy: which namespaces may have which names, and from whom. Pure.
//!
//! Without a policy every namespace may have every name. Once there is one, what no rule permits is denied. Which
//! namespace of several keeps a host that all of them may have is for the [inventory](crate::inventory) to say: that
//! depends on what is there.

mod pattern;

pub use pattern::{Pattern, PatternError};

use crate::object::Text;

/// The rules, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamesPolicy {
    /// The rules.
    pub rules: Vec<NamesRule>,
}

/// Which namespaces may have which names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamesRule {
    /// What it is called: its name, or `rule 2`.
    pub title: String,
    /// The namespaces; none is all of them.
    pub namespaces: Vec<Pattern>,
    /// The labels that a namespace must have.
    pub labels: Vec<(Text, Text)>,
    /// The names.
    pub names: Vec<Pattern>,
    /// Whether names may be wildcards.
    pub wildcards: bool,
    /// Whether several namespaces to which the rule applies may have the same host.
    pub shared: bool,
    /// The issuers, by their names in the settings; none is all of them.
    pub issuers: Vec<Pattern>,
    /// The profiles of the CA; none is all of them.
    pub profiles: Vec<Pattern>,
    /// The kinds of keys; none is all of them.
    pub key_types: Vec<Pattern>,
    /// How many certificates a namespace may order anew within a day. Renewals do not count.
    pub orders_a_day: Option<usize>,
}

/// A namespace, as far as rules ask about it.
#[derive(Debug, Clone, Copy)]
pub struct Tenant<'a> {
    /// Its name.
    pub namespace: &'a str,
    /// Its labels, if they are known.
    pub labels: &'a [(Text, Text)],
}

/// From whom a certificate would come, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The name of the issuer.
    pub issuer: String,
    /// The profile; empty for the CA's own choice.
    pub profile: String,
    /// The kind of key; empty if that is not known.
    pub key_type: String,
}

/// Why no rule permits a name: how far the best of them got.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Denial {
    /// No rule is for the namespace and the name.
    NoRule,
    /// The rule is not for wildcards.
    Wildcard {
        /// The title of the rule.
        rule: String,
    },
    /// The rule is not for the issuer.
    Issuer {
        /// The title of the rule.
        rule: String,
        /// The issuer.
        issuer: String,
    },
    /// The rule is not for the profile.
    Profile {
        /// The title of the rule.
        rule: String,
        /// The profile.
        profile: String,
    },
    /// The rule is not for the kind of key.
    KeyType {
        /// The title of the rule.
        rule: String,
        /// The kind of key.
        key_type: String,
    },
}

impl std::fmt::Display for Denial {
    /// Completes `the names policy does not permit it: ...`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoRule => f.write_str("no rule is for the namespace and the name"),
            Self::Wildcard { rule } => write!(f, "{rule} permits no wildcards"),
            Self::Issuer { rule, issuer } => write!(f, "{rule} does not permit the issuer {issuer}"),
            Self::Profile { rule, profile } if profile.is_empty() => {
                write!(f, "{rule} permits some profiles only, and none is chosen")
            }
            Self::Profile { rule, profile } => write!(f, "{rule} does not permit the profile {profile}"),
            Self::KeyType { rule, key_type } => write!(f, "{rule} does not permit keys of the kind {key_type}"),
        }
    }
}

impl NamesPolicy {
    /// Whether the labels of namespaces matter.
    pub fn asks_for_labels(&self) -> bool {
        self.rules.iter().any(|rule| !rule.labels.is_empty())
    }

    /// The rule by which a namespace may have a host (in its normal form; wildcards begin with `*.`), and, with `terms`,
    /// a certificate for it.
    ///
    /// # Errors
    ///
    /// Why no rule permits it.
    pub fn permits(&self, tenant: Tenant<'_>, host: &str, terms: Option<&Terms>) -> Result<&NamesRule, Denial> {
        let mut best = Denial::NoRule;
        for rule in self.rules.iter().filter(|rule| rule.is_for(tenant, host)) {
            match rule.denies(host, terms) {
                None => return Ok(rule),
                Some(denial) => best = best.max(denial),
            }
        }
        Err(best)
    }
}

impl NamesRule {
    /// Whether it is for the namespace and the name.
    fn is_for(&self, tenant: Tenant<'_>, host: &str) -> bool {
        let namespace = tenant.namespace;
        let any = |all: &[Pattern], text| all.iter().any(|pattern| pattern.is_for(text, namespace));
        (self.namespaces.is_empty() || any(&self.namespaces, namespace))
            && self.labels.iter().all(|label| tenant.labels.contains(label))
            && self.names.iter().any(|pattern| pattern.is_for_host(host, namespace))
    }

    fn denies(&self, host: &str, terms: Option<&Terms>) -> Option<Denial> {
        let rule = || self.title.clone();
        if host.starts_with("*.") && !self.wildcards {
            return Some(Denial::Wildcard { rule: rule() });
        }
        let terms = terms?;
        let lacks =
            |all: &[Pattern], text: &str| !all.is_empty() && !all.iter().any(|pattern| pattern.is_for(text, ""));
        if lacks(&self.issuers, &terms.issuer) {
            return Some(Denial::Issuer {
                rule: rule(),
                issuer: terms.issuer.clone(),
            });
        }
        if lacks(&self.profiles, &terms.profile) {
            return Some(Denial::Profile {
                rule: rule(),
                profile: terms.profile.clone(),
            });
        }
        lacks(&self.key_types, &terms.key_type).then(|| Denial::KeyType {
            rule: rule(),
            key_type: terms.key_type.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(all: &[&str]) -> Vec<Pattern> {
        all.iter().map(|text| text.parse().expect(text)).collect()
    }

    fn rule(title: &str, namespaces: &[&str], names: &[&str]) -> NamesRule {
        NamesRule {
            title: title.to_owned(),
            namespaces: patterns(namespaces),
            names: patterns(names),
            ..NamesRule::default()
        }
    }

    fn terms(issuer: &str, profile: &str, key_type: &str) -> Terms {
        Terms {
            issuer: issuer.to_owned(),
            profile: profile.to_owned(),
            key_type: key_type.to_owned(),
        }
    }

    #[test]
    fn what_no_rule_permits_is_denied_and_an_empty_policy_permits_nothing() {
        let shop = Tenant {
            namespace: "shop",
            labels: &[],
        };
        let blog = Tenant {
            namespace: "blog",
            ..shop
        };
        let policy = NamesPolicy {
            rules: vec![
                rule("shops", &["shop", "shop-*"], &["shop.example", "*.shop.example"]),
                rule("own", &[], &["**.{namespace}.apps.example"]),
            ],
        };
        for (tenant, host, by) in [
            (shop, "shop.example", Some("shops")),
            (shop, "www.shop.example", Some("shops")),
            (shop, "a.shop.apps.example", Some("own")),
            (blog, "a.b.blog.apps.example", Some("own")),
            (blog, "shop.example", None),
            (blog, "a.shop.apps.example", None),
            (shop, "evil.example", None),
            (shop, "*", None),
        ] {
            let permitted = policy.permits(tenant, host, None);
            assert_eq!(
                permitted.ok().map(|rule| rule.title.as_str()),
                by,
                "{} {host}",
                tenant.namespace
            );
        }
        let none = NamesPolicy::default();
        assert_eq!(none.permits(shop, "shop.example", None), Err(Denial::NoRule));
    }

    #[test]
    fn labels_wildcards_issuers_profiles_and_keys_are_each_asked_for_and_the_best_rule_says_what_it_lacks() {
        let mut strict = rule("strict", &[], &["*.shop.example"]);
        strict.labels = vec![("team".into(), "shop".into())];
        strict.issuers = patterns(&["letsencrypt*"]);
        strict.profiles = patterns(&["classic"]);
        strict.key_types = patterns(&["ecdsa-*"]);
        let mut policy = NamesPolicy { rules: vec![strict] };
        let labels = [("team".into(), "shop".into()), ("env".into(), "qa".into())];
        let shop = Tenant {
            namespace: "shop",
            labels: &labels,
        };
        let asked = |policy: &NamesPolicy, tenant, host: &str, with: (&str, &str, &str)| {
            let with = terms(with.0, with.1, with.2);
            policy
                .permits(tenant, host, Some(&with))
                .map_or_else(|denial| denial.to_string(), |rule| rule.title.clone())
        };
        let good = ("letsencrypt", "classic", "ecdsa-p256");
        assert_eq!(asked(&policy, shop, "a.shop.example", good), "strict");
        let unlabelled = Tenant { labels: &[], ..shop };
        for (tenant, host, with, why) in [
            (
                unlabelled,
                "a.shop.example",
                good,
                "no rule is for the namespace and the name",
            ),
            (shop, "*.shop.example", good, "strict permits no wildcards"),
            (
                shop,
                "a.shop.example",
                ("corp", "classic", "ecdsa-p256"),
                "strict does not permit the issuer corp",
            ),
            (
                shop,
                "a.shop.example",
                ("letsencrypt-staging", "shortlived", "rsa-2048"),
                "strict does not permit the profile shortlived",
            ),
            (
                shop,
                "a.shop.example",
                ("letsencrypt", "", "ecdsa-p256"),
                "strict permits some profiles only, and none is chosen",
            ),
            (
                shop,
                "a.shop.example",
                ("letsencrypt", "classic", "rsa-2048"),
                "strict does not permit keys of the kind rsa-2048",
            ),
        ] {
            assert_eq!(asked(&policy, tenant, host, with), why);
        }
        // Another rule may permit what the first does not.
        let mut wide = rule("wide", &["shop"], &["**"]);
        wide.wildcards = true;
        policy.rules.push(wide);
        assert_eq!(asked(&policy, shop, "*.shop.example", good), "wide");
    }
}
