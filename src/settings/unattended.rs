//! `unattended:`: what the controller keeps renewed besides what annotated routes ask for.

use serde::{Deserialize, Serialize};

use super::{section::section, value::Domain};

section! {
    /// What the controller keeps renewed, besides what annotated routes ask for.
    pub struct UnattendedEntry {
        /// A wildcard for each namespace with these labels, as -l has them; for all without them. {namespace} stands for its name.
        /// The annotation kubectl-certs.io/wildcard on a Namespace does the same for one.
        wildcards: Vec<WildcardEntry> => "\n- {namespaceSelector: \"environment=qa\", name: \"*.{namespace}.svc.cluster-01.intranet.example\", secret: wildcard-tls}";
        /// At which CAs certificates are ordered, by the names of issuers: the first that applies to a certificate counts. The first of an order is the
        /// one that the controller was given. The next is taken only for certificates that would end before the first one answers, or permits, an
        /// order; never because a validation failed.
        issuers: Vec<OrderEntry> => "\n- {domains: [pinned.example], order: [letsencrypt]}\n- {order: [letsencrypt, corp]}", off = true;
    }
}

/// An order of preference between CAs, for all certificates or for some.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderEntry {
    /// Only certificates all of whose names are these domains, or below them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domains: Option<Vec<Domain>>,
    /// Only certificates in these namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    /// The names of issuers, the preferred one first.
    pub order: Vec<String>,
}

/// A wildcard for many namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WildcardEntry {
    /// The labels of the namespaces, as `-l` has them; all namespaces without them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<String>,
    /// The name of the certificate, with `{namespace}` for the namespace.
    pub name: String,
    /// The Secret in each namespace; `wildcard-tls` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}
