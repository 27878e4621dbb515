//! Accounts in a Secret, with a data key for each directory.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Change, Kept, SUFFIX, StoreError, file_name, parse, text};
use crate::{
    apply::{Api, ApiError},
    k8s::{Believed, Edit},
    object::resource::SECRET,
    plan::permits::{Permit, Verb},
    settings::value::Namespaced,
};

/// The permit for storing accounts in a Secret.
pub fn permit(key: &Namespaced) -> Permit {
    let verbs = [Verb::Get, Verb::Create, Verb::Update];
    Permit::one(&verbs, SECRET, key.0.namespace.clone(), key.0.name.clone())
}

async fn get(api: &Api, key: &Namespaced) -> Result<Option<Value>, StoreError> {
    let found = api.get(SECRET, &key.0).await?;
    of_type(found.as_ref(), key)?;
    Ok(found)
}

/// Fails if the type of a Secret is for other contents.
fn of_type(secret: Option<&Value>, key: &Namespaced) -> Result<(), StoreError> {
    match secret.and_then(|secret| secret["type"].as_str()) {
        None | Some("Opaque") => Ok(()),
        Some(kind) => Err(StoreError::WrongType {
            secret: key.clone(),
            kind: kind.to_owned(),
        }),
    }
}

fn read(secret: &Value, key: &Namespaced, name: &str, directory: Option<&str>) -> Result<Option<Kept>, StoreError> {
    let Some(data) = secret["data"][name].as_str() else {
        return Ok(None);
    };
    let place = format!("{name} of Secret {key}");
    let bytes = BASE64_STANDARD.decode(data).map(Zeroizing::new);
    let bytes = bytes.map_err(|_| StoreError::Damaged {
        place: place.clone(),
        reason: "it is not base64".to_owned(),
    })?;
    parse(&bytes, directory, &place).map(Some)
}

pub(super) async fn load(api: &Api, key: &Namespaced, directory: &str) -> Result<Option<Kept>, StoreError> {
    match get(api, key).await? {
        Some(secret) => read(&secret, key, &file_name(directory), Some(directory)),
        None => Ok(None),
    }
}

pub(super) async fn list(api: &Api, key: &Namespaced) -> Result<Vec<Result<Kept, StoreError>>, StoreError> {
    let Some(secret) = get(api, key).await? else {
        return Ok(Vec::new());
    };
    let names = secret["data"].as_object().into_iter().flat_map(serde_json::Map::keys);
    let accounts = names.filter(|name| name.ends_with(SUFFIX));
    Ok(accounts
        .filter_map(|name| read(&secret, key, name, None).transpose())
        .collect())
}

pub(super) async fn change(
    api: &Api,
    key: &Namespaced,
    directory: &str,
    change: &(dyn Fn(Option<Kept>) -> Change + Send + Sync),
) -> Result<Option<Kept>, StoreError> {
    let name = file_name(directory);
    let mut left = None;
    let decide = |secret: Option<&Value>| {
        of_type(secret, key)?;
        let present = match secret {
            Some(secret) => read(secret, key, &name, Some(directory))?,
            None => None,
        };
        let kept = match change(present.clone()) {
            Change::Leave => {
                left = present;
                return Ok(Edit::Nothing);
            }
            Change::Remove if present.is_none() => {
                left = None;
                return Ok(Edit::Nothing);
            }
            Change::Remove => None,
            Change::Keep(kept) => Some(*kept),
        };
        let mut object = secret.cloned().unwrap_or_else(|| new(key));
        match &kept {
            Some(kept) => object["data"][&name] = BASE64_STANDARD.encode(&*text(kept)?).into(),
            None => drop(object["data"].as_object_mut().map(|all| all.remove(&name))),
        }
        left = kept;
        Ok(Edit::Whole(object))
    };
    match api.update(SECRET, &key.0, Believed::Unknown, decide).await {
        Ok(_) => Ok(left),
        Err(StoreError::Cluster(ApiError::Conflict { .. } | ApiError::AlreadyExists { .. })) => {
            Err(StoreError::Contended(key.clone()))
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn keep_aside(api: &Api, key: &Namespaced, name: &str, pem: &[u8]) -> Result<String, StoreError> {
    let add = |secret: Option<&Value>| {
        of_type(secret, key)?;
        let mut object = secret.cloned().unwrap_or_else(|| new(key));
        object["data"][name] = BASE64_STANDARD.encode(pem).into();
        Ok(Edit::Whole(object))
    };
    match api.update(SECRET, &key.0, Believed::Unknown, add).await {
        Ok(_) => Ok(format!("{name} of Secret {key}")),
        Err(StoreError::Cluster(ApiError::Conflict { .. } | ApiError::AlreadyExists { .. })) => {
            Err(StoreError::Contended(key.clone()))
        }
        Err(error) => Err(error),
    }
}

fn new(key: &Namespaced) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "namespace": key.0.namespace.as_str(), "name": key.0.name.as_str(),
            "labels": {"app.kubernetes.io/managed-by": "kubectl-certs"},
        },
        "data": {},
    })
}
