//! Checks whether the rights that a plan needs are granted, before anything is ordered.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{Api, ApiError};
use crate::error::{Blame, Diagnose};
use crate::object::resource::Resource;
use crate::{
    object::Text,
    plan::permits::{Permits, Right, Verb},
    text::first_of,
};

const REVIEW: Resource = Resource::new(
    "authorization.k8s.io",
    "v1",
    "selfsubjectaccessreviews",
    "SelfSubjectAccessReview",
)
.cluster_wide();

/// How many rights are checked at once.
const AT_ONCE: usize = 12;

/// The missing rights, which may be none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The rights in the order of namespaces and kinds.
    pub rights: Vec<Right>,
    /// The user of the kubeconfig.
    pub user: String,
}

impl Missing {
    /// Whether nothing is missing.
    pub fn is_none(&self) -> bool {
        self.rights.is_empty()
    }
}

impl std::error::Error for Missing {}

impl fmt::Display for Missing {
    /// Writes `the right to patch secrets "shop-tls" in namespace shop is missing`; several rights are grouped by kind.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rights.as_slice() {
            [] => f.write_str("no right is missing"),
            [one] => write!(f, "the right to {one} is missing"),
            _ => write!(f, "these rights are missing {}", self.by_kind().join("; and ")),
        }
    }
}

impl Missing {
    /// `in namespace shop: create, get secrets; list pods`: the verbs of a kind, the objects with the same verbs, and
    /// the namespaces with the same missing rights are each grouped.
    fn by_kind(&self) -> Vec<String> {
        let mut verbs: BTreeMap<_, BTreeSet<Verb>> = BTreeMap::new();
        for right in &self.rights {
            let of = (&right.namespace, (right.resource, right.subresource), &right.name);
            verbs.entry(of).or_default().insert(right.verb);
        }
        let mut kinds: BTreeMap<&Text, BTreeMap<_, Vec<String>>> = BTreeMap::new();
        for ((namespace, kind, name), verbs) in verbs {
            let of_namespace = kinds.entry(namespace).or_default();
            let names = of_namespace.entry((kind, name.is_some(), verbs)).or_default();
            names.extend(name.as_ref().map(|name| format!("{name:?}")));
        }
        let mut places: Vec<(String, Vec<&Text>)> = Vec::new();
        for (namespace, kinds) in kinds {
            let told: Vec<String> = kinds
                .into_iter()
                .map(|(((resource, part), _, verbs), names)| told(resource, part, &verbs, &names))
                .collect();
            let told = told.join("; ");
            match places.iter_mut().find(|(other, _)| *other == told) {
                Some((_, namespaces)) => namespaces.push(namespace),
                None => places.push((told, vec![namespace])),
            }
        }
        let place = |namespaces: &[&Text]| match namespaces {
            [one] if one.is_empty() => "cluster-wide".to_owned(),
            [one] => format!("in namespace {one}"),
            several => format!("in namespaces {}", first_of(several, 3)),
        };
        places
            .into_iter()
            .map(|(told, namespaces)| format!("{}: {told}", place(&namespaces)))
            .collect()
    }
}

/// The verbs and the objects: `get, patch secrets "shop-tls"`.
fn told(resource: Resource, part: Option<&str>, verbs: &BTreeSet<Verb>, names: &[String]) -> String {
    let verbs: Vec<&str> = verbs.iter().map(|verb| verb.as_str()).collect();
    let mut told = format!("{} {resource}", verbs.join(", "));
    if let Some(part) = part {
        told = format!("{told}/{part}");
    }
    if !names.is_empty() {
        told = format!("{told} {}", first_of(names, 3));
    }
    told
}

impl Diagnose for Missing {
    // How to get the rights, and to check the first of them; `None` if nothing is missing. If several kinds are
    // concerned, a whole Role is missing rather than a line of one.
    fn hint(&self) -> Option<String> {
        let right = self.rights.first()?;
        let mut what = right.resource.to_string();
        if let Some(name) = &right.name {
            what = format!("{what}/{name}");
        }
        let part = right
            .subresource
            .map(|part| format!(" --subresource={part}"))
            .unwrap_or_default();
        let place = if right.namespace.is_empty() {
            " -A".to_owned()
        } else {
            format!(" -n {}", right.namespace)
        };
        let ask = if self.rights.iter().any(|other| other.resource != right.resource) {
            let of = if right.namespace.is_empty() {
                " -A".to_owned()
            } else {
                format!(" -n {}", right.namespace)
            };
            format!("ask for the Role that `kubectl certs rights{of}` prints")
        } else if self.rights.len() == 1 {
            "ask for the right".to_owned()
        } else {
            "ask for the rights".to_owned()
        };
        let it = if self.rights.len() == 1 { "it" } else { "the first" };
        Some(format!(
            "{ask}; `kubectl auth can-i {} {what}{part}{place}` shows when you have {it}",
            right.verb
        ))
    }

    fn blame(&self) -> Blame {
        Blame::Cluster
    }
}

/// Asks the server for every right that `permits` needs, several at once. Fails if the server does not answer.
pub async fn missing(api: &Api, permits: &Permits) -> Result<Missing, ApiError> {
    let rights = permits.rights();
    let mut answers = stream::iter(rights.into_iter().map(|right| async move {
        let answer = api.review(REVIEW, &question(&right)).await?;
        // Anything but a clear yes counts as no.
        let allowed = answer["status"]["allowed"].as_bool().unwrap_or(false);
        Ok::<_, ApiError>((!allowed).then_some(right))
    }))
    .buffered(AT_ONCE);
    let mut missing = Vec::new();
    while let Some(answer) = answers.next().await {
        missing.extend(answer?);
    }
    Ok(Missing {
        rights: missing,
        user: api.connection().user.clone(),
    })
}

fn question(right: &Right) -> Value {
    let mut attributes = json!({
        "verb": right.verb.as_str(),
        "group": right.resource.group,
        "version": right.resource.version,
        "resource": right.resource.plural,
    });
    if !right.namespace.is_empty() {
        attributes["namespace"] = right.namespace.as_str().into();
    }
    if let Some(name) = &right.name {
        attributes["name"] = name.as_str().into();
    }
    if let Some(part) = right.subresource {
        attributes["subresource"] = part.into();
    }
    json!({
        "apiVersion": REVIEW.api_version(), "kind": REVIEW.kind,
        "spec": {"resourceAttributes": attributes},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::resource::{CERTIFICATE, SECRET};
    use crate::plan::permits::Permit;

    #[test]
    fn what_is_missing_is_said_with_the_way_to_see_when_it_is_there() {
        let permits = Permits::none()
            .with(Permit::one(&[Verb::Patch], SECRET, "shop", "shop-tls"))
            .with(Permit::one(&[Verb::Patch], CERTIFICATE, "shop", "web").part("status"));
        let mut missing = Missing {
            rights: permits.rights(),
            user: "bob".into(),
        };
        assert_eq!(
            missing.to_string(),
            "these rights are missing in namespace shop: patch secrets \"shop-tls\"; \
             patch certificates.cert-manager.io/status \"web\""
        );
        assert!(
            missing
                .hint()
                .unwrap()
                .starts_with("ask for the Role that `kubectl certs rights -n shop` prints; "),
            "{:?}",
            missing.hint()
        );
        missing.rights.remove(0);
        assert_eq!(
            missing.to_string(),
            "the right to patch certificates.cert-manager.io/status \"web\" in namespace shop is missing"
        );
        assert_eq!(
            missing.hint().unwrap(),
            "ask for the right; `kubectl auth can-i patch certificates.cert-manager.io/web --subresource=status -n shop` \
             shows when you have it"
        );
        assert_eq!(
            question(&missing.rights[0])["spec"]["resourceAttributes"],
            json!({"verb": "patch", "group": "cert-manager.io", "version": "v1", "resource": "certificates",
                "namespace": "shop", "name": "web", "subresource": "status"})
        );
    }

    #[test]
    fn many_rights_are_told_by_kind_and_namespace() {
        use crate::object::resource::{LEASE, POD};
        let all = [Verb::Create, Verb::Get, Verb::List, Verb::Update, Verb::Delete];
        let mut permits = Permits::none();
        for namespace in ["blog", "shop"] {
            permits.add(Permit::prefix(&all, LEASE, namespace, "kubectl-certs-lease-"));
            permits.add(Permit::any(&[Verb::List], POD, namespace));
        }
        for name in ["a", "b", "c", "d"] {
            permits.add(Permit::one(&[Verb::Get, Verb::Patch], SECRET, "store", name));
        }
        let missing = Missing {
            rights: permits.rights(),
            user: "bob".into(),
        };
        assert_eq!(missing.rights.len(), 20);
        assert_eq!(
            missing.to_string(),
            "these rights are missing in namespaces blog, shop: list pods; get, list, create, update, delete leases.coordination.k8s.io; \
             and in namespace store: get, patch secrets \"a\", \"b\", \"c\" and 1 more"
        );
    }
}
