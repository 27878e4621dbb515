//! What is read although this step may not need it. CAs leave such fields out, write null, or write something else: all of these are nothing, and
//! only whoever needs the field says that it is missing.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// A value; the default where it is null or of another form.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// The elements of a list that can be read; none where it is null or no list.
pub(super) fn elements<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let Value::Array(all) = Value::deserialize(deserializer)? else {
        return Ok(Vec::new());
    };
    let read = all.into_iter().filter_map(|one| serde_json::from_value(one).ok());
    Ok(read.collect())
}
