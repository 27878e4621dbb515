//! One object at a time, for whoever keeps no index and follows nothing: the command line.

use std::sync::Arc;

use serde_json::{Value, json};

use super::object::{self, Object};
use crate::{
    domain::{Host, Record},
    k8s::MANAGER,
    object::{Key, Seconds, resource::DOMAIN},
};

pub use super::object::{SECRET, secret_name};

/// One object.
#[derive(Debug, Clone)]
pub struct Plain {
    /// Its host.
    pub host: Host,
    /// Its namespace and name.
    pub key: Key,
    /// Its Secret.
    pub secret: Key,
    /// What is known of it, or why that cannot be read.
    pub record: Result<Arc<Record>, Arc<str>>,
}

/// Reads an object; `None` if it is none that the definition admits. `own` is the namespace in which the spec says whose a domain is.
pub fn read(object: Value, own: &str) -> Option<Plain> {
    let named = object["spec"]["secretName"].as_str().map(str::to_owned);
    let (host, entry) = serde_json::from_value::<Object>(object).ok()?.read(own)?;
    let name = named
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| secret_name(&host));
    Some(Plain {
        key: entry.key(&host),
        secret: Key::new(entry.namespace.clone(), name),
        record: entry.record,
        host,
    })
}

/// A new object in a namespace, without its status.
pub fn made(host: &Host, namespace: &str, tenant: Option<&str>) -> Value {
    let mut spec = json!({"host": host, "secretName": secret_name(host)});
    if let Some(tenant) = tenant {
        spec["tenant"] = tenant.into();
    }
    json!({
        "apiVersion": DOMAIN.api_version(), "kind": DOMAIN.kind,
        "metadata": {"namespace": namespace, "name": host, "labels": {"app.kubernetes.io/managed-by": MANAGER}},
        "spec": spec,
    })
}

/// The status that says what is known at a moment, without who works on it.
pub fn status(record: &Record, now: Seconds) -> Value {
    object::status(record, None, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_read_as_a_host_of_its_namespace_and_with_its_secret() {
        let host: Host = "shop.example.com".parse().unwrap();
        let mut object = made(&host, "customers", Some("acme"));
        object["metadata"]["resourceVersion"] = "1".into();
        let plain = read(object.clone(), "other").unwrap();
        assert_eq!(plain.key, Key::new("customers", "shop.example.com"));
        assert_eq!(plain.secret, Key::new("customers", "domain-shop.example.com"));
        assert_eq!(plain.record.unwrap().tenant.as_str(), "customers");
        let own = read(object.clone(), "customers").unwrap();
        assert_eq!(own.record.unwrap().tenant.as_str(), "acme");
        object["spec"]["secretName"] = "mine".into();
        assert_eq!(read(object, "other").unwrap().secret.name, "mine");
    }
}
