//! What is missing or different in the cluster, and writing it: by server-side apply, for the version that was read.

use serde_json::Value;

use super::{OpError, Report};
use crate::{
    apply::{
        Api, ApiError, Patch, Permit, Permits, Verb,
        mark::{MANAGED_BY, MANAGER},
    },
    install::{LABEL_INSTANCE, Made},
    object::resource::{CLUSTERROLEBINDING, NAMESPACE, ROLEBINDING},
};

/// What becomes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is not there.
    Create,
    /// It is different.
    Update,
    /// It is as it should be.
    Keep,
}

/// An object, and what becomes of it.
pub(super) struct Planned {
    /// The object.
    pub made: Made,
    /// What becomes of it.
    pub change: Change,
    /// As it was read.
    present: Option<Value>,
}

const VERBS: [Verb; 3] = [Verb::Get, Verb::Create, Verb::Patch];

/// What writing the objects takes.
pub(super) fn permits(planned: &[Planned]) -> Permits {
    let written = planned.iter().filter(|one| one.change != Change::Keep);
    written.map(|one| permit(&one.made)).collect()
}

fn permit(made: &Made) -> Permit {
    let key = made.key();
    Permit::one(&VERBS, made.resource, key.namespace, key.name)
}

/// Looks at what is there. The server itself says whether an object would change: it knows what it completes.
pub(super) async fn plan(api: &Api, objects: &[Made]) -> Result<Vec<Planned>, OpError> {
    let mut planned = Vec::new();
    let trial = api.with_permits(objects.iter().map(permit).collect()).dry_run();
    let mut missing = Vec::new();
    for made in objects {
        let key = made.key();
        let present = api.get(made.resource, &key).await.map_err(|error| failed(&error))?;
        let change = match &present {
            None => {
                if made.resource == NAMESPACE {
                    missing.push(key.name.clone());
                } else if !missing.contains(&key.namespace) && !is_binding(made) {
                    // What an admission rule or a missing right forbids is told before the first write.
                    apply(&trial, made, None).await.map_err(|error| failed(&error))?;
                }
                Change::Create
            }
            Some(_) if made.is_made_once() => Change::Keep,
            Some(object) => {
                ours(made, object)?;
                let applied = apply(&trial, made, Some(object))
                    .await
                    .map_err(|error| failed(&error))?;
                if without_marks(&applied) == without_marks(object) {
                    Change::Keep
                } else {
                    Change::Update
                }
            }
        };
        planned.push(Planned {
            made: made.clone(),
            change,
            present,
        });
    }
    Ok(planned)
}

fn failed(error: &ApiError) -> OpError {
    let hint = crate::error::Diagnose::hint(error);
    OpError::of(crate::error::Diagnose::blame(error), error).hint_if(hint)
}

/// Whether it binds a role: the server looks for the role, which a trial has not made.
fn is_binding(made: &Made) -> bool {
    matches!(made.resource, ROLEBINDING | CLUSTERROLEBINDING)
}

/// Whether an object that is there is this installation's.
fn ours(made: &Made, present: &Value) -> Result<(), OpError> {
    let labels = |object: &Value, label: &str| object["metadata"]["labels"][label].clone();
    if [MANAGED_BY, LABEL_INSTANCE]
        .iter()
        .all(|label| labels(present, label) == labels(&made.object, label))
    {
        return Ok(());
    }
    let release = present["metadata"]["annotations"]["meta.helm.sh/release-name"].as_str();
    let error = match release {
        Some(release) => OpError::usage(format!("{made} is there, and the Helm release {release} manages it"))
            .hint("`helm upgrade` changes what a chart has installed"),
        None => OpError::usage(format!(
            "{made} is there, and {MANAGER} did not install it: it lacks the labels {MANAGED_BY} and {LABEL_INSTANCE}"
        ))
        .hint("-n chooses another namespace for this installation"),
    };
    Err(error.after("nothing was written"))
}

/// An object without what every write changes.
fn without_marks(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        for field in ["managedFields", "resourceVersion", "generation"] {
            metadata.remove(field);
        }
    }
    object
}

/// Applies an object to the version that was read; where none was, it takes over nothing of anybody's.
async fn apply(api: &Api, made: &Made, present: Option<&Value>) -> Result<Value, ApiError> {
    let mut object = made.object.clone();
    if let Some(present) = present {
        for field in ["uid", "resourceVersion"] {
            object["metadata"][field] = present["metadata"][field].clone();
        }
    }
    let patch = Patch::Apply {
        object,
        force: present.is_some(),
    };
    api.patch(made.resource, &made.key(), &patch).await
}

/// Writes the namespaces, in which everything else is.
pub(super) async fn namespaces(api: &Api, planned: &[Planned], report: &mut Report) -> Result<(), OpError> {
    write(api, planned, report, |made| made.resource == NAMESPACE).await
}

/// Writes everything else.
pub(super) async fn rest(api: &Api, planned: &[Planned], report: &mut Report) -> Result<(), OpError> {
    write(api, planned, report, |made| made.resource != NAMESPACE).await
}

async fn write(
    api: &Api,
    planned: &[Planned],
    report: &mut Report,
    which: impl Fn(&Made) -> bool,
) -> Result<(), OpError> {
    let api = api.with_permits(permits(planned));
    for one in planned
        .iter()
        .filter(|one| one.change != Change::Keep && which(&one.made))
    {
        apply(&api, &one.made, one.present.as_ref())
            .await
            .map_err(|error| failed(&error).after(&format!("{} was not written", one.made)))?;
        match one.change {
            Change::Create => report.created += 1,
            Change::Update => report.changed += 1,
            Change::Keep => {}
        }
    }
    Ok(())
}
