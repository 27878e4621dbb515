//! The id of an installation. It is noted on the Secret of its account, and lives with the account and not with the cluster: who is
//! restored elsewhere keeps what it has claimed.

use serde_json::{Value, json};

use super::OpError;
use crate::{
    apply::{Api, ApiError, Patch},
    k8s::{Believed, Edit},
    object::{Key, annotation::INSTALL, resource::SECRET},
};

/// The id that is noted on the account's Secret.
pub(super) fn noted(account: &Value) -> Option<String> {
    account["metadata"]["annotations"][INSTALL].as_str().map(str::to_owned)
}

/// Notes `fresh` on the account's Secret, unless it has an id. Returns the id that it has then; `None` if there is no such Secret. It
/// takes the permit to get and patch it.
///
/// # Errors
///
/// The account's Secret cannot be read or written.
pub(super) async fn note(api: &Api, account: &Key, fresh: &str) -> Result<Option<String>, OpError> {
    let mut found = None;
    let write = |present: Option<&Value>| {
        let Some(secret) = present else {
            return Ok::<_, ApiError>(Edit::Nothing);
        };
        found = noted(secret);
        if found.is_some() {
            return Ok(Edit::Nothing);
        }
        found = Some(fresh.to_owned());
        let version = &secret["metadata"]["resourceVersion"];
        let annotations = json!({INSTALL: fresh});
        Ok(Edit::Patch(Patch::Merge(
            json!({"metadata": {"resourceVersion": version, "annotations": annotations}}),
        )))
    };
    api.update(SECRET, account, Believed::Unknown, write)
        .await
        .map_err(|error| OpError::because(&error))?;
    Ok(found)
}
