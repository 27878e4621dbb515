//! Traefik's `TLSStore`.

use serde::{Deserialize, de::IgnoredAny};

use super::super::{
    lenient::{List, some},
    meta::Meta,
};
use crate::object::{Kind, Text, traefik as view};

#[derive(Deserialize, Default)]
#[serde(default, expecting = "a mapping")]
pub(in super::super) struct TlsStore {
    metadata: Option<Meta>,
    spec: Option<Spec>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Spec {
    default_certificate: Option<Certificate>,
    default_generated_cert: Option<IgnoredAny>,
    certificates: List<Certificate>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase", expecting = "a mapping")]
struct Certificate {
    secret_name: Option<Text>,
}

impl TlsStore {
    /// The view of a `TLSStore` in the API group of `kind`. The fields are the same in both groups.
    pub(in super::super) fn into_view(self, kind: Kind) -> view::TlsStore {
        let spec = self.spec.unwrap_or_default();
        let secret = |certificate: Certificate| some(certificate.secret_name);
        view::TlsStore {
            meta: self.metadata.into(),
            old: kind.is_of_old_group(),
            default: spec.default_certificate.and_then(secret),
            generated: spec.default_generated_cert.is_some(),
            certificates: spec.certificates.0.into_iter().filter_map(secret).collect(),
        }
    }
}
