//! Traefik's `IngressRoute`, `IngressRouteTCP` and `TLSStore`.

mod rule;
pub(super) mod store;

use serde::Deserialize;

use super::{
    lenient::{List, name, some},
    meta::{Labels, Meta},
};
use crate::object::{Kind, Text, traefik as view};

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(super) struct IngressRoute {
    metadata: Option<Meta<Labels>>,
    spec: Option<Spec>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Spec {
    entry_points: List<Text>,
    routes: List<Route>,
    tls: Option<Tls>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Route {
    #[serde(rename = "match")]
    rule: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Tls {
    secret_name: Option<Text>,
    cert_resolver: Option<Text>,
    domains: List<Domain>,
    passthrough: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
struct Domain {
    main: Option<Text>,
    sans: List<Text>,
}

impl IngressRoute {
    /// The view of an `IngressRoute` or `IngressRouteTCP` in the API group of `kind`. The fields are the same in both
    /// groups.
    pub(super) fn into_view(self, kind: Kind) -> view::IngressRoute {
        let spec = self.spec.unwrap_or_default();
        let mut hosts = rule::Hosts::default();
        for rule in spec.routes.0.into_iter().filter_map(|r| r.rule) {
            hosts.read(&rule);
        }
        view::IngressRoute {
            meta: self.metadata.into(),
            old: kind.is_of_old_group(),
            tcp: kind.is_ingress_route_tcp(),
            hosts: hosts.names,
            other_hosts: hosts.others,
            tls: spec.tls.map(|tls| view::IngressRouteTls {
                secret: name(tls.secret_name),
                resolver: some(tls.cert_resolver),
                domains: tls.domains.0.into_iter().flat_map(Domain::names).collect(),
                passthrough: kind.is_ingress_route_tcp() && tls.passthrough == Some(true),
            }),
            entry_points: spec.entry_points.0,
        }
    }
}

impl Domain {
    fn names(self) -> impl Iterator<Item = Text> {
        some(self.main).into_iter().chain(self.sans.0)
    }
}
