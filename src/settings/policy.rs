//! What a cluster forbids, regardless of the settings of its users.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{layer::Layer, section::section, source::NAME, value::Namespaced};
use crate::{
    apply::{Api, ApiError, KeyKind},
    object::Key,
    object::resource::CONFIGMAP,
    policy::{NamesPolicy, NamesRule, Pattern, PatternError},
};

/// The `ConfigMap` that is read in every cluster. Only its policy applies, unless it is named as a source.
pub const OF_CLUSTER: (&str, &str) = ("kubectl-certs", "kubectl-certs");

section! {
    /// What is allowed.
    pub struct PolicyEntry {
        /// Orders by hand from outside the cluster, at a production CA or one of your own: allow or deny.
        /// The ConfigMap kubectl-certs/kubectl-certs of the cluster is always read for it too.
        interactive_production: Word => "allow";
        /// Which namespaces may have which names, for the controller and for status --policy. Without rules, every namespace may have every name;
        /// with them, what none of them permits is denied. Patterns: * is any characters but a dot, ** any, {namespace} the namespace itself.
        names: Vec<NamesEntry> => NAMES, off = true;
    }
}

/// Two rules.
#[cfg(test)]
const NAMES: &str = "
- {namespaces: [shop, \"shop-*\"], names: [shop.example, \"*.shop.example\"], wildcards: true, ordersADay: 20}
- {rule: previews, namespaceLabels: {kind: preview}, names: [\"**.{namespace}.preview.example\"], issuers: [letsencrypt]}";

/// A rule of the names policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamesEntry {
    /// What the rule is called in messages; `rule 2` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The namespaces, as patterns; all of them without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// The labels that a namespace must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub namespace_labels: BTreeMap<String, String>,
    /// The names, as patterns.
    pub names: Vec<String>,
    /// Whether wildcards are permitted; not by default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wildcards: bool,
    /// Whether several namespaces of the rule may have the same host; by default the first keeps it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// The issuers, as patterns of their names; all of them without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub issuers: Vec<String>,
    /// The profiles of the CA, as patterns; all of them without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
    /// The kinds of keys: `ecdsa-p256` and the like; all of them without it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key_types: Vec<String>,
    /// How many certificates a namespace may order anew within a day. Renewals do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders_a_day: Option<u32>,
}

/// Makes the rules of entries.
///
/// # Errors
///
/// What cannot be read, with its place.
pub fn names_policy(entries: &[NamesEntry]) -> Result<NamesPolicy, String> {
    let rules = entries.iter().enumerate().map(|(at, entry)| {
        let place = at.saturating_add(1);
        rule(place, entry).map_err(|why| format!("rule {place} of policy.names: {why}"))
    });
    let rules: Result<Vec<NamesRule>, String> = rules.collect();
    Ok(NamesPolicy { rules: rules? })
}

fn rule(place: usize, entry: &NamesEntry) -> Result<NamesRule, String> {
    let patterns = |all: &[String]| -> Result<Vec<Pattern>, String> {
        let read = all.iter().map(|text| text.parse());
        read.collect::<Result<_, PatternError>>()
            .map_err(|error| error.to_string())
    };
    if entry.names.is_empty() {
        return Err("it has no names".to_owned());
    }
    let kinds = KeyKind::ALL.map(KeyKind::as_str);
    if let Some(wrong) = entry.key_types.iter().find(|kind| !kinds.contains(&kind.as_str())) {
        return Err(format!("{wrong:?} is not a kind of key: {}", kinds.join(", ")));
    }
    // Hosts are compared in their normal form.
    let names: Vec<String> = entry.names.iter().map(|name| name.to_ascii_lowercase()).collect();
    let label = |(key, value): (&String, &String)| (key.as_str().into(), value.as_str().into());
    Ok(NamesRule {
        title: entry.rule.clone().unwrap_or_else(|| format!("rule {place}")),
        namespaces: patterns(&entry.namespaces)?,
        labels: entry.namespace_labels.iter().map(label).collect(),
        names: patterns(&names)?,
        wildcards: entry.wildcards,
        shared: entry.shared,
        issuers: patterns(&entry.issuers)?,
        profiles: patterns(&entry.profiles)?,
        key_types: patterns(&entry.key_types)?,
        orders_a_day: entry.orders_a_day.and_then(|most| usize::try_from(most).ok()),
    })
}

/// The policy of the settings, if they have one.
///
/// # Errors
///
/// A rule cannot be read.
pub fn names_of(policy: &PolicyEntry) -> Result<Option<Arc<NamesPolicy>>, String> {
    let entries = policy.names.as_deref();
    entries.map(|entries| names_policy(entries).map(Arc::new)).transpose()
}

/// Whether something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// It is.
    Allow,
    /// It is not, whatever else says otherwise.
    Deny,
}

impl PolicyEntry {
    fn denies(&self) -> bool {
        self.interactive_production == Some(Word::Deny)
    }
}

/// The layer that forbids manual production orders: one is enough, whatever its precedence.
pub(super) fn denied_by(layers: &[Layer]) -> Option<String> {
    let denies = layers.iter().find(|layer| layer.file.policy.denies());
    denies.map(|layer| layer.origin.to_string())
}

/// Whether the cluster's own `ConfigMap` forbids it. One that does not exist, or may not be read, forbids nothing.
pub async fn denied_by_cluster(api: &Api) -> Result<Option<String>, ApiError> {
    let (namespace, name) = OF_CLUSTER;
    let found = match api.get(CONFIGMAP, &Key::new(namespace, name)).await {
        Err(error) if error.is_forbidden() => return Ok(None),
        found => found?,
    };
    let text = found.as_ref().and_then(|object| object["data"][NAME].as_str());
    let key = Namespaced(Key::new(namespace, name));
    Ok(text.filter(|text| denies(text)).map(|_| format!("ConfigMap {key}")))
}

/// Whether a text forbids it. The rest of the text may be for another version, so only the policy is read, and an
/// unreadable policy forbids.
fn denies(text: &str) -> bool {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Only {
        policy: PolicyEntry,
    }
    match serde_saphyr::from_str::<Only>(text) {
        Ok(only) => only.policy.denies(),
        Err(_) => text.lines().any(|line| line.trim_start().starts_with("policy")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{file::File, layer::Origin};

    #[test]
    fn whoever_denies_is_obeyed_whatever_goes_before() {
        let layer = |text: &str| Layer::of(Origin::File("x".to_owned()), File::parse(text, "x", None).unwrap());
        let deny = "policy: {interactiveProduction: deny}";
        let allow = "policy: {interactiveProduction: allow}";
        assert_eq!(denied_by(&[layer(allow), layer("")]), None);
        assert_eq!(denied_by(&[layer(allow), layer(deny)]).as_deref(), Some("x"));
        assert!(File::parse("policy: {interactiveProduction: no}", "x", None).is_err());
    }

    #[test]
    fn the_rules_about_names_are_checked_where_they_are_read() {
        let read = |text: &str| File::parse(text, "x", None).map_err(|error| error.to_string());
        let good = "policy: {names: [{namespaces: [shop], names: [\"*.Shop.example\"], keyTypes: [rsa-2048], ordersADay: 3}, {rule: own, names: [\"**\"]}]}";
        let policy = names_of(&read(good).unwrap().policy).unwrap().unwrap();
        let titles: Vec<&str> = policy.rules.iter().map(|rule| rule.title.as_str()).collect();
        assert_eq!(titles, ["rule 1", "own"]);
        assert_eq!(policy.rules[0].names[0].as_str(), "*.shop.example");
        assert_eq!(
            names_of(&read("policy: {names: []}").unwrap().policy).unwrap(),
            Some(Arc::default())
        );
        assert_eq!(names_of(&PolicyEntry::default()), Ok(None));
        for (rules, why) in [
            ("[{names: []}]", "rule 1 of policy.names: it has no names"),
            (
                "[{names: [a.example]}, {names: [\"a{b}\"]}]",
                "rule 2 of policy.names: the pattern",
            ),
            (
                "[{names: [a.example], keyTypes: [rsa]}]",
                "\"rsa\" is not a kind of key",
            ),
            ("[{names: [a.example], wildcard: true}]", "wildcard"),
        ] {
            let error = read(&format!("policy: {{names: {rules}}}")).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn of_the_clusters_own_only_the_policy_is_read() {
        assert!(denies("policy: {interactiveProduction: deny}\nfuture: {field: 1}\n"));
        assert!(!denies("policy: {interactiveProduction: allow}"));
        assert!(!denies("issuers: {}\n"));
        assert!(
            denies("policy: {interactiveProduction: denied}"),
            "it means to deny something"
        );
        assert!(!denies(""));
    }
}
