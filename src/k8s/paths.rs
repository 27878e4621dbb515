//! The paths of each kind in the API, which are known in advance.
//!
//! Kinds that come with a cluster are requested at once. For those of add-ons, one `GET /apis` (aggregated discovery)
//! runs beside the first lists. Without it, a cluster without add-ons would answer 14 to 20 requests with 404, each of
//! which needs a connection of its own while the others are busy. Moreover, a user who lacks rights would get 403
//! instead of 404, which would look as if something could not be read. If discovery fails, every known version is
//! requested, newest first.

use std::collections::HashMap;

use serde::Deserialize;

use crate::{
    object::{Key, Kind, carrier::Carrier, resource::Resource},
    text::encoded,
};

/// The path of the objects of a kind, in one namespace or in all.
pub(super) fn of(resource: Resource, namespace: Option<&str>) -> String {
    let (root, plural) = (resource.root(), resource.plural);
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{}/{plural}", encoded(namespace)),
        None => format!("{root}/{plural}"),
    }
}

/// The path of one object.
pub(super) fn of_object(resource: Resource, key: &Key) -> String {
    let namespace = Some(key.namespace.as_str()).filter(|n| !n.is_empty());
    format!("{}/{}", of(resource, namespace), encoded(&key.name))
}

/// Adds a query to a path.
pub(crate) fn query(path: &mut String, name: &str, value: &str) {
    path.push(if path.contains('?') { '&' } else { '?' });
    path.push_str(name);
    path.push('=');
    path.push_str(&encoded(value));
}

/// The path of the objects of a kind that is not read.
pub(super) fn path_of(carrier: &Carrier, version: &str, namespace: Option<&str>) -> String {
    let root = format!("/apis/{}/{}", carrier.group, encoded(version));
    match namespace.filter(|_| carrier.namespaced) {
        Some(namespace) => format!("{root}/namespaces/{}/{}", encoded(namespace), carrier.plural),
        None => format!("{root}/{}", carrier.plural),
    }
}

/// Whether an object with this name can exist (RFC 1123 subdomain), so that a request for it makes sense. Names in
/// routes are arbitrary text, including `../../nodes`.
pub(crate) fn possible(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= 253
        && edge(name.chars().next())
        && edge(name.chars().next_back())
        && name
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'))
}

/// What a cluster serves, according to its discovery.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// The versions by API group.
    groups: HashMap<String, Vec<ServedVersion>>,
}

/// A version, and the plurals that it has, if the server lists them.
type ServedVersion = (String, Option<Vec<String>>);

/// Which versions of a kind to request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// These versions in this order, until the server has one.
    Ask(Vec<Resource>),
    /// No version: the kind is not served.
    None,
    /// The kind is only served in these versions, which are not known.
    Unknown(String),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(default)]
    items: Vec<ListedGroup>,
    #[serde(default)]
    groups: Vec<OldGroup>,
}

#[derive(Deserialize)]
struct ListedGroup {
    metadata: Named,
    #[serde(default)]
    versions: Vec<ListedVersion>,
}

#[derive(Deserialize)]
struct OldGroup {
    name: String,
    #[serde(default)]
    versions: Vec<ListedVersion>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct ListedVersion {
    version: String,
    resources: Option<Vec<ListedResource>>,
    /// `Stale` if the list of resources may be outdated or empty.
    freshness: Option<String>,
}

#[derive(Deserialize)]
struct ListedResource {
    resource: String,
}

impl Served {
    /// Reads an `APIGroupDiscoveryList`, or the older `APIGroupList`; `None` if it is neither.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let listed: Listed = serde_json::from_slice(body).ok()?;
        let new = listed.items.into_iter().map(|g| (g.metadata.name, g.versions, true));
        let old = listed.groups.into_iter().map(|g| (g.name, g.versions, false));
        let groups: HashMap<_, _> = new
            .chain(old)
            .map(|(name, versions, complete)| {
                let names = |v: ListedVersion| {
                    let sure = complete && v.freshness.as_deref() != Some("Stale");
                    let resources = v
                        .resources
                        .unwrap_or_default()
                        .into_iter()
                        .map(|r| r.resource)
                        .collect();
                    (v.version, sure.then_some(resources))
                };
                (name, versions.into_iter().map(names).collect())
            })
            .collect();
        (!groups.is_empty()).then_some(Self { groups })
    }

    /// The version in which to request a kind that is not read; `None` if it is not served. If the server only lists
    /// its groups, the kind may still be missing.
    pub(super) fn version_of(&self, carrier: &Carrier) -> Option<&str> {
        let versions = self.groups.get(carrier.group)?;
        let has = |names: &Vec<String>| names.iter().any(|name| name == carrier.plural);
        let served = versions.iter().find(|(_, names)| names.as_ref().is_none_or(has));
        served.map(|(version, _)| version.as_str())
    }

    /// Which versions of `kind` to request.
    pub(super) fn wanted(&self, kind: Kind) -> Wanted {
        let has = |api: &Resource| {
            let versions = self.groups.get(api.group).map(Vec::as_slice).unwrap_or_default();
            versions.iter().any(|(v, names)| {
                v == api.version && names.as_ref().is_none_or(|names| names.iter().any(|n| n == api.plural))
            })
        };
        let known: Vec<Resource> = kind.row().resources().filter(has).collect();
        if !known.is_empty() {
            return Wanted::Ask(known);
        }
        let newest = kind.resource();
        let others: Vec<&str> = self
            .groups
            .get(newest.group)
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .filter(|(_, names)| {
                names
                    .as_ref()
                    .is_some_and(|names| names.iter().any(|n| n == newest.plural))
            })
            .map(|(version, _)| version.as_str())
            .collect();
        if others.is_empty() {
            Wanted::None
        } else {
            Wanted::Unknown(others.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_the_servers_and_text_from_outside_cannot_leave_its_segment() {
        assert_eq!(of(Kind::Secret.resource(), None), "/api/v1/secrets");
        assert_eq!(
            of(Kind::Ingress.resource(), Some("shop")),
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses"
        );
        let key = Key::new("../kube-system", "a/b?x=y");
        assert_eq!(
            of_object(Kind::Secret.resource(), &key),
            "/api/v1/namespaces/..%2Fkube-system/secrets/a%2Fb%3Fx%3Dy"
        );
        let mut path = of(Kind::Secret.resource(), None);
        query(&mut path, "fieldSelector", "type=kubernetes.io/tls");
        query(&mut path, "limit", "5");
        assert_eq!(path, "/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2Ftls&limit=5");
    }

    #[test]
    fn names_that_no_object_can_have_are_told_apart() {
        for good in ["a", "shop-tls", "a.b-c.d", "0"] {
            assert!(possible(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "A", "-a", "a-", "a b", "ä", &"a".repeat(254)] {
            assert!(!possible(bad), "{bad}");
        }
    }

    #[test]
    fn discovery_chooses_the_newest_known_version_and_tells_absent_from_unknown() {
        let new = br#"{"kind":"APIGroupDiscoveryList","items":[
            {"metadata":{"name":"gateway.networking.k8s.io"},"versions":[
              {"version":"v2","resources":[{"resource":"grpcroutes"},{"resource":"tlsroutes"}],"freshness":"Current"},
              {"version":"v1","resources":[{"resource":"gateways"},{"resource":"httproutes"}],"freshness":"Current"},
              {"version":"v1beta1","resources":[{"resource":"gateways"},{"resource":"referencegrants"}],"freshness":"Current"},
              {"version":"v1alpha2","resources":[{"resource":"tlsroutes"}],"freshness":"Current"}]},
            {"metadata":{"name":"cert-manager.io"},"versions":[{"version":"v1","resources":[],"freshness":"Stale"}]}]}"#;
        let served = Served::read(new).unwrap();
        let asked = |kind| match served.wanted(kind) {
            Wanted::Ask(apis) => apis.iter().map(|a| a.version).collect::<Vec<_>>().join(","),
            Wanted::None => "none".into(),
            Wanted::Unknown(versions) => format!("unknown {versions}"),
        };
        assert_eq!(asked(Kind::Gateway), "v1,v1beta1");
        assert_eq!(asked(Kind::ReferenceGrant), "v1beta1");
        assert_eq!(asked(Kind::TlsRoute), "v1alpha2");
        assert_eq!(asked(Kind::GrpcRoute), "unknown v2");
        assert_eq!(asked(Kind::ListenerSet), "none");
        assert_eq!(asked(Kind::Certificate), "v1");
        assert_eq!(asked(Kind::Order), "none");
        let at = |group: &str, kind: &str| {
            let carrier = crate::object::carrier::carrier(&format!("{group}/v1"), kind).unwrap();
            served.version_of(carrier)
        };
        assert_eq!(at("gateway.networking.k8s.io", "BackendTLSPolicy"), None);
        assert_eq!(at("route.openshift.io", "Route"), None);
        let old =
            br#"{"kind":"APIGroupList","groups":[{"name":"gateway.networking.k8s.io","versions":[{"version":"v1"}]}]}"#;
        let served = Served::read(old).unwrap();
        assert_eq!(
            served.wanted(Kind::ListenerSet),
            Wanted::Ask(vec![Kind::ListenerSet.resource()])
        );
        assert_eq!(served.wanted(Kind::Certificate), Wanted::None);
        assert!(Served::read(b"<html>").is_none());
        assert!(Served::read(b"{}").is_none());
    }
}
