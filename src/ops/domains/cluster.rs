//! Temporary.
use serde_json::{Value, json};

use crate::{
    domain::{Host, Record, is_permitted, state},
    k8s::{MANAGER, Own as _},
    object::{Key, Seconds, resource::DOMAIN},
    text::{date_time, parse_time},
};

pub struct Found {
    pub secret: Key,
    pub record: Result<Record, String>,
}

pub fn secret_name(host: &Host) -> String {
    format!("domain-{host}")
}

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

pub fn read(object: Value, own: &str) -> Option<Found> {
    let key = object.key();
    let host: Host = key.name.parse().ok()?;
    let said = object["spec"]["tenant"].as_str().filter(|_| key.namespace == own);
    let tenant = said.unwrap_or(&key.namespace).parse().ok()?;
    let created = object["metadata"]["creationTimestamp"].as_str().and_then(parse_time);
    let name = object["spec"]["secretName"]
        .as_str()
        .map_or_else(|| secret_name(&host), str::to_owned);
    let record = match &object["status"]["record"] {
        Value::Null => Ok(Record::new(host, tenant, created.unwrap_or_default())),
        record => serde_json::from_value::<Record>(record.clone())
            .map(|record| Record { host, tenant, ..record })
            .map_err(|error| error.to_string()),
    };
    Some(Found {
        secret: Key::new(key.namespace, name),
        record,
    })
}

pub fn status(record: &Record, now: Seconds) -> Value {
    let told = state(record, now);
    json!({
        "state": told.state.as_str(), "permitted": is_permitted(record), "reason": told.reason, "next": told.next,
        "until": told.until.map(date_time), "record": record,
    })
}
