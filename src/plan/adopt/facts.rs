//! What is known of certificates that others keep, and of who keeps them.

use std::collections::{BTreeMap, BTreeSet};

use super::Decision;
use crate::{
    inventory::RouteKey,
    object::{Key, Seconds},
};

/// Who has kept a certificate until now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Former {
    /// cert-manager.
    CertManager,
    /// kube-lego, or whoever else answered its annotation.
    KubeLego,
    /// certbot, or a container around it.
    Certbot,
    /// acme.sh.
    AcmeSh,
    /// lego.
    Lego,
    /// dehydrated.
    Dehydrated,
}

impl Former {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::CertManager,
        Self::KubeLego,
        Self::Certbot,
        Self::AcmeSh,
        Self::Lego,
        Self::Dehydrated,
    ];

    /// Its name, which is the word for it on the command line too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CertManager => "cert-manager",
            Self::KubeLego => "kube-lego",
            Self::Certbot => "certbot",
            Self::AcmeSh => "acme.sh",
            Self::Lego => "lego",
            Self::Dehydrated => "dehydrated",
        }
    }

    /// The one of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|former| former.as_str() == name)
    }
}

impl std::fmt::Display for Former {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of a Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretFacts {
    /// The names of its certificate, or those of its Certificate where it has none.
    pub names: Vec<String>,
    /// The routes of its namespace that name it.
    pub routes: BTreeSet<RouteKey>,
    /// When it is due, in seconds since 1970.
    pub due: Option<Seconds>,
    /// The marks of its keeper that are taken from it, in words.
    pub marks: Vec<String>,
    /// Whether it bears a mark of cert-manager's.
    pub is_cert_managers: bool,
    /// Whether this installation has claimed it.
    pub is_claimed: bool,
    /// What speaks against taking it over, besides its keeper and its routes.
    pub against: Vec<Decision>,
}

/// What is known of a route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteFacts {
    /// Its annotations that ask cert-manager, with their values.
    pub asks_cert_manager: BTreeMap<String, String>,
    /// Whether it asks this program.
    pub asks: bool,
    /// Who writes it again, in words.
    pub owner: Option<String>,
    /// Whether a manifest was applied that has the annotations: the next apply brings them back.
    pub is_applied: bool,
}

/// What is known of a Certificate of cert-manager's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The Secret that it writes.
    pub secret: Option<Key>,
    /// Its issuer in words: `ClusterIssuer letsencrypt`.
    pub issuer: String,
    /// Whether a certificate is being issued for it.
    pub is_issuing: bool,
    /// Who writes it again, in words.
    pub owner: Option<String>,
}

/// What is known of a `CronJob` that runs a known tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockFacts {
    /// The tool.
    pub former: Former,
    /// The Secrets that it writes, as far as its words tell.
    pub secrets: BTreeSet<Key>,
    /// Whether it proves names by DNS-01, as far as its words tell.
    pub proves_by_dns: bool,
    /// Whether a Job of it runs.
    pub is_running: bool,
    /// Whether it is suspended already.
    pub is_suspended: bool,
    /// Who writes it again, in words.
    pub owner: Option<String>,
}

/// kube-lego's Deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegoFacts {
    /// The Deployment.
    pub key: Key,
    /// How many Pods it has.
    pub replicas: u64,
    /// The namespace that it watches; `None` if it watches all.
    pub watches: Option<String>,
    /// Who writes it again, in words.
    pub owner: Option<String>,
}

/// What was found in a cluster.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// The Secrets, those that only share a route with one that is taken over among them.
    pub secrets: BTreeMap<Key, SecretFacts>,
    /// The routes that name them.
    pub routes: BTreeMap<RouteKey, RouteFacts>,
    /// cert-manager's Certificates.
    pub certificates: BTreeMap<Key, CertificateFacts>,
    /// `CronJob`s of known tools.
    pub clocks: BTreeMap<Key, ClockFacts>,
    /// kube-lego's Deployments that run.
    pub legos: Vec<LegoFacts>,
    /// The namespaces that are looked at; none is all.
    pub namespaces: Vec<String>,
}
