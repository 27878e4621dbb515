//! The answers for the user's own Service: a `ConfigMap` with a key for each token, which its Pods mount as a directory
//! and serve.

use serde_json::{Value, json};

use super::api_error;
use crate::{
    apply::{Api, ApiError, Patch},
    object::Key,
    object::resource::{CONFIGMAP, SERVICE},
    settings::value::ServicePort,
    solve::SolveError,
};

/// Its name, in the namespace of the Service. Pods mount it as `optional`, so that they start without it.
pub const NAME: &str = "kubectl-certs-challenges";

/// Fails if the Service does not exist, or has no such port.
pub async fn check_service(api: &Api, namespace: &str, service: &ServicePort) -> Result<(), SolveError> {
    let key = Key::new(namespace, service.name.as_str());
    let found = api.get(SERVICE, &key).await.map_err(api_error)?;
    let Some(found) = found else {
        return Err(SolveError::new(format!("Service {key} does not exist"))
            .hint("--solver-service names a Service in the route's namespace"));
    };
    let ports = ports(&found);
    if ports.contains(&u64::from(service.port)) {
        return Ok(());
    }
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    Err(SolveError::new(format!("Service {key} has no port {}", service.port))
        .hint(format!("it has {}", ports.join(", "))))
}

fn ports(service: &Value) -> Vec<u64> {
    let none = Vec::new();
    let list = service["spec"]["ports"].as_array().unwrap_or(&none);
    list.iter().filter_map(|port| port["port"].as_u64()).collect()
}

/// The `ConfigMap` with a first answer, without marks.
pub fn object(namespace: &str, token: &str, key_authorization: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"namespace": namespace, "name": NAME},
        "data": {token: key_authorization},
    })
}

/// Writes an answer. Returns whether the `ConfigMap` was created for it.
pub async fn write(api: &Api, object: &Value, token: &str, key_authorization: &str) -> Result<bool, SolveError> {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    let key = Key::new(namespace, NAME);
    let patch = Patch::Merge(json!({"data": {token: key_authorization}}));
    // Two attempts, because another challenge of this run may create it between the patch and the creation.
    for _ in 0..2 {
        match api.patch(CONFIGMAP, &key, &patch).await {
            Ok(_) => return Ok(false),
            Err(ApiError::NotFound { .. }) => {}
            Err(error) => return Err(api_error(error)),
        }
        match api.create(CONFIGMAP, object).await {
            // If two challenges create it at once, the second one gets the object of the first, without its own answer.
            Ok(made) if made["data"][token] == key_authorization => return Ok(true),
            Ok(_) | Err(ApiError::AlreadyExists { .. }) => {}
            Err(error) => return Err(api_error(error)),
        }
    }
    api.patch(CONFIGMAP, &key, &patch).await.map_err(api_error)?;
    Ok(false)
}

/// Removes an answer. Returns `false` if there is no such `ConfigMap`.
pub async fn remove(api: &Api, namespace: &str, token: &str) -> Result<bool, SolveError> {
    let patch = Patch::Merge(json!({"data": {token: Value::Null}}));
    match api.patch(CONFIGMAP, &Key::new(namespace, NAME), &patch).await {
        Ok(_) => Ok(true),
        Err(ApiError::NotFound { .. }) => Ok(false),
        Err(error) => Err(api_error(error)),
    }
}
