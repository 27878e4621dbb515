//! `Domain` objects as the command line reads and makes them.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::super::{Front, OpError};
use crate::{
    apply::{Api, ApiError, RunId},
    domain::{Host, Record},
    domains::store::cluster::plain,
    error::Blame,
    k8s::{RUN, set},
    object::{Key, Seconds, resource::DOMAIN},
};

/// What the names of the Secrets of Domains begin with.
pub(super) const SECRETS: &str = "domain-";

/// One Domain.
#[derive(Debug, Clone)]
pub struct Domain {
    /// Namespace and name of the object.
    pub key: Key,
    /// Its Secret.
    pub secret: Key,
    /// What is known of it, or why that cannot be read.
    pub record: Result<Arc<Record>, Arc<str>>,
}

/// What is known of a host before something is written for it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    key: Key,
    secret: Key,
    is_released: bool,
}

impl Known {
    /// Whether its object is in a namespace.
    pub(super) fn is_of(&self, namespace: &str) -> bool {
        self.key.namespace == namespace
    }

    /// Whether nothing is imported for it, because it is somebody else's, or was released.
    pub(super) fn stands_against(&self, namespace: &str, secret: &Key) -> Result<(), OpError> {
        let refused = |why: String, hint: &str| Err(OpError::new(Blame::Write, why).hint(hint));
        if self.key.namespace != namespace {
            return refused(
                format!("namespace {} has registered it", self.key.namespace),
                "who has a host keeps it: `kubectl certs domains release` there lets it go",
            );
        }
        if self.secret != *secret {
            return refused(
                format!("its Domain names Secret {}", self.secret.name),
                "put the pair into that Secret by hand, or take the name of the Secret from the Domain",
            );
        }
        if self.is_released {
            return refused(
                "it was released".to_owned(),
                "delete its Domain first, if it is to be served again",
            );
        }
        Ok(())
    }
}

/// The name of the Secret of a host.
pub(super) fn secret_name(host: &Host) -> String {
    plain::secret_name(host)
}

/// A new object.
pub(super) fn made(host: &Host, namespace: &str, tenant: Option<&str>, run: &RunId) -> Value {
    let mut object = plain::made(host, namespace, tenant);
    // By this a creation whose answer was lost is known again.
    set(&mut object, "labels", RUN, run.as_str());
    object
}

/// The status that says what is known of a host at a moment.
pub(super) fn status(record: &Record, now: Seconds) -> Value {
    plain::status(record, now)
}

/// Reads an object; `None` if it is none that the definition admits.
pub(super) fn read(object: Value, own: &str) -> Option<Domain> {
    let found = plain::read(object, own)?;
    Some(Domain {
        key: found.key,
        secret: found.secret,
        record: found.record,
    })
}

/// What there is of every host. Where not all namespaces may be read, that of one namespace.
pub(super) async fn known(api: &Api, namespace: &str, front: &dyn Front) -> Result<HashMap<Host, Known>, OpError> {
    let take = |object: Value| {
        let domain = read(object, "")?;
        let host = domain.key.name.parse().ok()?;
        let known = Known {
            is_released: domain.record.is_ok_and(|record| record.released.is_some()),
            key: domain.key,
            secret: domain.secret,
        };
        Some((host, known))
    };
    let found = match api.list_as(DOMAIN, None, None, take).await {
        Err(ApiError::Forbidden { .. }) => {
            front.note(&format!(
                "the Domains of other namespaces than {namespace} may not be read: a host that one of them has is refused by the controller"
            ));
            api.list_as(DOMAIN, Some(namespace), None, take).await
        }
        other => other,
    };
    found.map(HashMap::from_iter).map_err(|error| failed(&error))
}

/// That Domains cannot be read or written.
pub(super) fn failed(error: &ApiError) -> OpError {
    match error {
        ApiError::NotFound { .. } => OpError::new(Blame::Cluster, "the cluster does not know the kind Domain")
            .hint("`kubectl certs install` defines it, where the settings have a section domains"),
        other => OpError::because(other),
    }
}
