//! What a cluster forbids, regardless of the settings of its users.

use serde::{Deserialize, Serialize};

use super::{layer::Layer, section::section, source::NAME, value::Namespaced};
use crate::{
    apply::{Api, ApiError},
    object::Key,
    object::resource::CONFIGMAP,
};

/// The `ConfigMap` that is read in every cluster. Only its policy applies, unless it is named as a source.
pub const OF_CLUSTER: (&str, &str) = ("kubectl-certs", "kubectl-certs");

section! {
    /// What is allowed.
    pub struct PolicyEntry {
        /// Orders by hand from outside the cluster, at a production CA or one of your own: allow or deny.
        /// The ConfigMap kubectl-certs/kubectl-certs of the cluster is always read for it too.
        interactive_production: Word => "allow";
    }
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
