//! `domains release`: hosts are let go, as the API does it. What is served stays until it ends.

use serde_json::{Value, json};

use super::{
    Domain,
    objects::{failed, read, status},
};
use crate::{
    apply::{Api, ApiError, Patch, Permit, Permits, Verb, rights},
    clock::now,
    domain::{Host, Record},
    error::Blame,
    object::{Key, Seconds, resource::DOMAIN},
    ops::{Context, OpError},
    plan::Plan,
    settings::domains::NAMESPACE,
    text::{counted, lines},
};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The hosts, once each.
    pub hosts: Vec<Host>,
    /// The namespace; `None` is the context's.
    pub namespace: Option<String>,
    /// Whether it is only shown.
    pub is_dry: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// How many were released, or would be.
    pub released: usize,
    /// What is to blame for what failed, which was told.
    pub trouble: Option<Blame>,
}

/// Releases the hosts that are not released yet, after it was confirmed.
///
/// # Errors
///
/// The cluster cannot be read, a right is missing, or it is not wanted. What fails for one host is told, and the others go on.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    let connection = context.cluster.connection().await?.clone();
    let namespace = request
        .namespace
        .clone()
        .unwrap_or_else(|| connection.namespace.clone());
    let api = Api::new(connection, Permits::none());
    let mut report = Report::default();
    let mut left: Vec<Key> = Vec::new();
    let waiting = front.wait_for_server(api.connection());
    for host in &request.hosts {
        let key = Key::new(namespace.as_str(), host.as_str());
        let found = api.get(DOMAIN, &key).await.map_err(|error| failed(&error))?;
        let why = match found.and_then(|object| read(object, NAMESPACE)) {
            None => format!("there is no Domain {key}"),
            Some(Domain { record: Err(why), .. }) => format!("the record of Domain {key} cannot be read: {why}"),
            Some(Domain { record: Ok(record), .. }) if record.released.is_some() => {
                front.note(&format!("{host} is released already"));
                continue;
            }
            Some(_) => {
                left.push(key);
                continue;
            }
        };
        report.trouble = report.trouble.max(Some(Blame::Usage));
        front.error(&format!("{host} is not released: {why}"));
    }
    drop(waiting);
    let verb = if request.is_dry { "would release" } else { "release" };
    let lines = lines(left.iter().map(|key| format!("{verb} Domain {key}")));
    front.print(&lines)?;
    if request.is_dry || left.is_empty() {
        report.released = left.len();
        return Ok(report);
    }
    let permits = Permits::none()
        .with(Permit::any(&[Verb::Get], DOMAIN, namespace.as_str()))
        .with(Permit::any(&[Verb::Patch], DOMAIN, namespace.as_str()).part("status"));
    if let Ok(missing) = rights::missing(&api, &permits).await
        && !missing.is_none()
    {
        return Err(OpError::because(&missing)
            .after("nothing was released")
            .blame(Blame::Cluster));
    }
    let plan = Plan {
        place: context.place(),
        question: Some(format!(
            "Release {}? Nothing is ordered for them any more.",
            counted(left.len(), "host")
        )),
        ..Plan::default()
    };
    front.confirm(plan).await?;
    context.cancel.begin();
    let api = api.with_permits(permits);
    for key in &left {
        if context.cancel.is_cancelled() {
            return Err(OpError::new(
                Blame::Interrupted,
                format!(
                    "interrupted after {} of {}",
                    report.released,
                    counted(left.len(), "host")
                ),
            )
            .hint("running it again goes on"));
        }
        match release(&api, key, now()).await {
            Ok(()) => report.released += 1,
            Err(error) => {
                let error = failed(&error).after(&format!("{} is not released", key.name));
                report.trouble = report.trouble.max(Some(error.blame));
                front.failed(&error);
            }
        }
    }
    front.note(&format!(
        "{} released: their Secrets stay, and no other tenant gets them for 7 days",
        counted(report.released, "host")
    ));
    Ok(report)
}

/// One conditional write of the status.
async fn release(api: &Api, key: &Key, now: Seconds) -> Result<(), ApiError> {
    for _ in 0..4 {
        let Some(object) = api.get(DOMAIN, key).await? else {
            return Ok(());
        };
        let Some(patch) = patch(&object, now) else {
            return Ok(());
        };
        match api.patch_part(DOMAIN, key, Some("status"), &Patch::Json(patch)).await {
            Err(ApiError::Conflict { .. }) => {}
            other => return other.map(drop),
        }
    }
    Err(ApiError::Conflict {
        object: format!("Domain {key}"),
        message: "it changes again and again".to_owned(),
    })
}

/// The operations that release the host of an object; `None` if it is released.
fn patch(object: &Value, now: Seconds) -> Option<Value> {
    let mut record = Record::clone(&*read(object.clone(), NAMESPACE)?.record.ok()?);
    if record.released.is_some() {
        return None;
    }
    record.release(now);
    let version = &object["metadata"]["resourceVersion"];
    // Another version is a conflict (409); a test that fails would be told as an invalid patch.
    let mut all = vec![json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version})];
    let new = status(&record, now);
    match (object["status"].as_object(), new.as_object()) {
        // What others have in it stays, such as who works on it.
        (Some(present), Some(new)) => all.extend(new.iter().map(|(field, value)| {
            let op = if present.contains_key(field) { "replace" } else { "add" };
            json!({"op": op, "path": format!("/status/{field}"), "value": value})
        })),
        _ => all.push(json!({"op": "add", "path": "/status", "value": new})),
    }
    Some(Value::Array(all))
}
