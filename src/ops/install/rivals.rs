//! Whoever would order for the same routes: it is found before anything is written.

use serde_json::Value;

use super::OpError;
use crate::{
    apply::{Api, ApiError},
    error::chain,
    install::{
        Install, any_controller,
        rival::{Shimmed, default_issuer, follows_too, shimmed},
    },
    object::{
        Key,
        resource::{ADMISSIONPOLICY, CONFIGMAP, DEPLOYMENT, Resource},
    },
    ops::Front,
};

/// Refuses where cert-manager takes the annotation for its own, or another installation follows the same namespaces.
pub(super) async fn none(api: &Api, install: &Install, front: &dyn Front) -> Result<(), OpError> {
    let deployments = match api.list(DEPLOYMENT, None, None).await {
        Ok(all) => all,
        Err(error @ ApiError::Forbidden { .. }) => {
            front.warn(&format!(
                "nobody knows whether cert-manager or another installation orders for the same routes: {}",
                chain(&error)
            ));
            return Ok(());
        }
        Err(error) => return Err(OpError::because(&error)),
    };
    shimmed_by_default(api, &deployments, front).await?;
    let selector = any_controller();
    let controllers = deployments
        .iter()
        .filter(|deployment| stays(deployment))
        .filter(|deployment| is_selected(deployment, &selector));
    for deployment in controllers {
        if let Some(common) = follows_too(deployment, &install.namespace, &install.scope) {
            let error = OpError::usage(format!(
                "nothing was written: the installation of Deployment {} follows {common} too",
                key_of(deployment)
            ));
            return Err(error.hint(
                "--namespaced NAMESPACE,... names what this one follows; `kubectl certs uninstall -n NAMESPACE` removes the other",
            ));
        }
    }
    Ok(())
}

/// Refuses where cert-manager takes the annotation for its own.
///
/// # Errors
///
/// It has a default issuer.
pub(in crate::ops) async fn shimmed_by_default(
    api: &Api,
    deployments: &[Value],
    front: &dyn Front,
) -> Result<(), OpError> {
    for deployment in deployments.iter().filter(|deployment| stays(deployment)) {
        if let Some(issuer) = issuer_of(api, deployment, front).await {
            return Err(claimed(deployment, &issuer));
        }
    }
    Ok(())
}

/// Whether a Deployment is not being deleted: what is going orders for nobody any more.
fn stays(deployment: &Value) -> bool {
    deployment["metadata"]["deletionTimestamp"].is_null()
}

/// Whether a Deployment has the labels of a selector of equalities.
fn is_selected(deployment: &Value, selector: &str) -> bool {
    let labels = &deployment["metadata"]["labels"];
    selector
        .split(',')
        .filter_map(|part| part.split_once('='))
        .all(|(label, value)| labels[label] == value)
}

fn key_of(object: &Value) -> Key {
    use crate::k8s::Own as _;
    object.key()
}

/// The default issuer of a Deployment of cert-manager's controller, which may be in a file.
async fn issuer_of(api: &Api, deployment: &Value, front: &dyn Front) -> Option<String> {
    let config_map = match shimmed(deployment) {
        Shimmed::By(name) => return Some(name),
        Shimmed::No => return None,
        Shimmed::File(config_map) => config_map,
    };
    let unknown = |why: &str| {
        let cert_manager = key_of(deployment);
        front.warn(&format!(
            "nobody knows whether cert-manager ({cert_manager}) has a default issuer, which takes the annotation kubernetes.io/tls-acme: {why}"
        ));
    };
    let Some(key) = config_map else {
        unknown("its configuration file is in no ConfigMap");
        return None;
    };
    match api.get(CONFIGMAP, &key).await {
        Ok(found) => {
            let data = found.as_ref().map(|object| &object["data"]);
            let mut files = data.and_then(Value::as_object).into_iter().flatten();
            files.find_map(|(_, file)| default_issuer(file.as_str()?))
        }
        Err(error) => {
            unknown(&chain(&error));
            None
        }
    }
}

fn claimed(deployment: &Value, issuer: &str) -> OpError {
    OpError::usage(format!(
        "nothing was written: cert-manager (Deployment {}) has the default issuer {issuer}, so that it orders for every route with \
         the annotation kubernetes.io/tls-acme too",
        key_of(deployment)
    ))
    .hint(
        "remove cert-manager's default issuer (--default-issuer-name, or defaultIssuerName in its configuration), and give its routes \
         cert-manager.io/cluster-issuer instead",
    )
}

/// Whether a cluster has a kind.
pub(super) async fn is_served(api: &Api, resource: Resource) -> bool {
    api.first(resource, 1).await.is_ok()
}

/// Refuses where a cluster has no admission policies.
pub(super) async fn has_policies(api: &Api) -> Result<(), OpError> {
    match api.first(ADMISSIONPOLICY, 1).await {
        Err(error) if error.is_absent() => Err(OpError::usage(
            "nothing was written: this cluster has no ValidatingAdmissionPolicy (Kubernetes 1.30), which limits what the controller may write",
        )
        .hint("--no-admission-policy installs it without: its roles alone limit it then")),
        _ => Ok(()),
    }
}
