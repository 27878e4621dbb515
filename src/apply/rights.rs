//! Whether the rights that a plan needs are there, asked before anything is ordered.

use std::fmt;

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};

use super::{Api, ApiError};
use crate::error::{Blame, Diagnose};
use crate::object::resource::Resource;
use crate::plan::permits::{Permits, Right};

const REVIEW: Resource = Resource::new(
    "authorization.k8s.io",
    "v1",
    "selfsubjectaccessreviews",
    "SelfSubjectAccessReview",
)
.cluster_wide();

/// How many are asked for at once.
const AT_ONCE: usize = 12;

/// The rights that are missing, perhaps none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Which, in the order of namespaces and kinds.
    pub rights: Vec<Right>,
    /// As whom the kubeconfig connects.
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
    /// `the right to patch secrets "shop-tls" in namespace shop is missing`; several are joined by semicolons.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rights.as_slice() {
            [] => f.write_str("no right is missing"),
            [one] => write!(f, "the right to {one} is missing"),
            many => {
                f.write_str("these rights are missing: ")?;
                for (at, right) in many.iter().enumerate() {
                    write!(f, "{}{right}", if at == 0 { "" } else { "; " })?;
                }
                Ok(())
            }
        }
    }
}

impl Diagnose for Missing {
    // How to get them, and to see when the first of them is there; `None` when nothing is missing. Where they are of several kinds, a
    // Role is missing rather than a line of one.
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
            "ask for the Role under \"Renewing and issuing\" in docs/guide/rights.md"
        } else if self.rights.len() == 1 {
            "ask for the right"
        } else {
            "ask for the rights"
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

/// Asks the server for every right that `permits` needs, several at once. Fails when the server does not say.
pub async fn missing(api: &Api, permits: &Permits) -> Result<Missing, ApiError> {
    let rights = permits.rights();
    let mut answers = stream::iter(rights.into_iter().map(|right| async move {
        let answer = api.review(REVIEW, &question(&right)).await?;
        // Anything but a clear yes is a no.
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
    use crate::plan::permits::{Permit, Verb};

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
            "these rights are missing: patch secrets \"shop-tls\" in namespace shop; \
             patch certificates.cert-manager.io/status \"web\" in namespace shop"
        );
        assert!(
            missing.hint().unwrap().starts_with("ask for the Role"),
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
}
