//! HTTP, GRPC and TLS routes of the Gateway API, and `ReferenceGrant`.

use serde::Deserialize;

use super::{
    lenient::{List, some},
    meta::{Labels, Meta},
};
use crate::object::{Kind, Text, gateway as view};

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct Route {
    metadata: Option<Meta<Labels>>,
    spec: Option<Spec>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Spec {
    parent_refs: List<Parent>,
    hostnames: List<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Parent {
    kind: Option<Text>,
    namespace: Option<Text>,
    name: Option<Text>,
    section_name: Option<Text>,
    port: Option<u16>,
}

/// The API server accepts no more (`maxItems` of `parentRefs` in the Gateway API's definitions), and each is compared
/// with the others.
const MOST_PARENTS: usize = 32;

impl Route {
    /// The view of a route of `kind`.
    pub(super) fn into_view(self, kind: Kind) -> view::Route {
        let mut spec = self.spec.unwrap_or_default();
        spec.parent_refs.0.truncate(MOST_PARENTS);
        view::Route {
            kind,
            meta: self.metadata.into(),
            parents: spec.parent_refs.map(|parent| view::ParentRef {
                kind: some(parent.kind).unwrap_or_else(|| Text::const_new("Gateway")),
                namespace: some(parent.namespace),
                name: parent.name.unwrap_or_default(),
                section: some(parent.section_name),
                port: parent.port,
            }),
            hostnames: spec.hostnames.0,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct ReferenceGrant {
    metadata: Option<Meta>,
    spec: Option<GrantSpec>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct GrantSpec {
    from: List<Party>,
    to: List<Party>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Party {
    group: Option<Text>,
    kind: Option<Text>,
    namespace: Option<Text>,
    name: Option<Text>,
}

impl From<ReferenceGrant> for view::ReferenceGrant {
    fn from(grant: ReferenceGrant) -> Self {
        let spec = grant.spec.unwrap_or_default();
        Self {
            meta: grant.metadata.into(),
            from: spec.from.map(|from| view::GrantFrom {
                group: from.group.unwrap_or_default(),
                kind: from.kind.unwrap_or_default(),
                namespace: from.namespace.unwrap_or_default(),
            }),
            to: spec.to.map(|to| view::GrantTo {
                group: to.group.unwrap_or_default(),
                kind: to.kind.unwrap_or_default(),
                name: some(to.name),
            }),
        }
    }
}
