//! The only way to change an object that others may change too: read, decide, write, and decide again if somebody else
//! was faster.

use serde_json::Value;

use super::{Api, ApiError, Patch, retry::Patience};
use crate::object::{Key, resource::Resource};

/// How many times the decision is repeated.
const TRIES: usize = 10;

/// The assumed state of the object, which saves reading it first. If the assumption is wrong, the object is read.
pub enum Believed {
    /// No assumption: the object is read first.
    Unknown,
    /// The object does not exist.
    Absent,
    /// The object has this state.
    There(Value),
}

/// The change that `decide` wants.
pub enum Edit {
    /// The object stays as it is.
    Nothing,
    /// This object replaces the present one, or is created. Only for objects that this program alone writes, and for
    /// JSON that was read.
    Whole(Value),
    /// This patch is applied, and everything else stays. If the object does not exist, nothing is created.
    Patch(Patch),
    /// This patch is applied to a part of the object, such as `status`.
    Part(&'static str, Patch),
}

/// The result of an update.
pub enum Updated {
    /// The object was written. Contains it as the server stored it.
    Written(Value),
    /// The object stays as it was read.
    Kept(Value),
    /// The object does not exist.
    Absent,
}

impl Api {
    /// Changes an object as `decide` says for its present state. A whole object only replaces the version for which the
    /// decision was made, and a patch has its own conditions. If the object has been changed meanwhile, or if the
    /// outcome of the write is unknown, the object is read and the decision is repeated.
    ///
    /// # Errors
    ///
    /// Errors of `decide`; refusals of the server; the last conflict, if others were faster ten times.
    pub async fn update<E: From<ApiError>>(
        &self,
        resource: Resource,
        key: &Key,
        believed: Believed,
        mut decide: impl FnMut(Option<&Value>) -> Result<Edit, E>,
    ) -> Result<Updated, E> {
        let mut believed = Some(believed);
        let mut patience = Patience::new(&self.connection);
        let mut last: Option<(ApiError, Value)> = None;
        for _ in 0..TRIES {
            let present = match believed.take() {
                None | Some(Believed::Unknown) => self.get(resource, key).await?,
                Some(Believed::Absent) => None,
                Some(Believed::There(object)) => Some(object),
            };
            let version = present.as_ref().map_or(Value::Null, version);
            // Nobody has changed the object since it was refused, so that its own content is the reason.
            match last.take() {
                Some((error @ ApiError::Invalid { .. }, refused)) if refused == version => return Err(error.into()),
                _ => {}
            }
            let (written, is_conditional) = match decide(present.as_ref())? {
                Edit::Nothing => return Ok(present.map_or(Updated::Absent, Updated::Kept)),
                Edit::Whole(object) => (self.put(resource, object, present.as_ref()).await, false),
                Edit::Patch(_) | Edit::Part(..) if present.is_none() => return Ok(Updated::Absent),
                Edit::Patch(patch) => (self.patch(resource, key, &patch).await, patch.is_conditional()),
                Edit::Part(part, patch) => (
                    self.patch_part(resource, key, Some(part), &patch).await,
                    patch.is_conditional(),
                ),
            };
            let error = match written {
                Ok(object) => return Ok(Updated::Written(object)),
                Err(error) => error,
            };
            let overtaken = match &error {
                // The answer is the only purpose of a dry run.
                ApiError::Conflict { .. } => !self.is_dry_run(),
                ApiError::AlreadyExists { .. } => true,
                ApiError::NotFound { .. } => present.is_some(),
                ApiError::Invalid { .. } => is_conditional,
                other => other.is_uncertain(),
            };
            if !overtaken {
                return Err(error.into());
            }
            // Nobody was faster: the server fails. One that is to create has had its pauses.
            if error.is_uncertain() && present.is_some() {
                match patience.pause(&error) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(error.into()),
                }
            }
            last = Some((error, version));
        }
        Err(last.map_or_else(|| none(resource, key), |(error, _)| error).into())
    }

    /// Replaces the present version of an object, or creates it.
    async fn put(&self, resource: Resource, mut object: Value, present: Option<&Value>) -> Result<Value, ApiError> {
        let Some(present) = present else {
            return self.create(resource, &object).await;
        };
        for field in ["uid", "resourceVersion"] {
            object["metadata"][field] = present["metadata"][field].clone();
        }
        self.replace(resource, &object).await
    }
}

fn version(object: &Value) -> Value {
    object["metadata"]["resourceVersion"].clone()
}

fn none(resource: Resource, key: &Key) -> ApiError {
    ApiError::NotFound {
        object: format!("{} {key}", resource.kind),
        message: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::{
        k8s::fake::{Fake, Step, json as answer, refusal},
        object::resource::INGRESS,
        plan::permits::{Permit, Permits, Verb},
    };

    /// An Ingress as the server stores it, with a field that this program does not know.
    fn web(version: &str, path: &str) -> Value {
        json!({
            "metadata": {"namespace": "shop", "name": "web", "uid": "u", "resourceVersion": version},
            "spec": {"later": {"than": "this"}, "path": path},
        })
    }

    fn as_json(object: &Value) -> Vec<Step> {
        answer(&object.to_string())
    }

    async fn update(
        fake: &Fake,
        decide: impl FnMut(Option<&Value>) -> Result<Edit, ApiError>,
    ) -> Result<Updated, ApiError> {
        let verbs = [Verb::Get, Verb::Create, Verb::Update, Verb::Patch];
        let permits = Permits::none().with(Permit::one(&verbs, INGRESS, "shop", "web"));
        let api = Api::new(fake.connection().await, permits);
        api.update(INGRESS, &Key::new("shop", "web"), Believed::Unknown, decide)
            .await
    }

    fn writes(fake: &Fake, method: &str) -> usize {
        fake.asked().iter().filter(|asked| asked.starts_with(method)).count()
    }

    #[tokio::test]
    async fn who_was_overtaken_decides_anew_and_keeps_what_it_does_not_know() {
        let fake = Fake::start(|asked, before| match (asked.split_whitespace().next(), before) {
            (Some("PUT"), 0) => refusal(409, "Conflict", ""),
            (Some("PUT"), _) => as_json(&web("3", "/mine")),
            (_, 0) => as_json(&web("1", "/")),
            _ => as_json(&web("2", "/theirs")),
        })
        .await;
        let updated = update(&fake, |present| {
            let mut object = present.unwrap().clone();
            let path = format!("{}+mine", object["spec"]["path"].as_str().unwrap());
            object["spec"]["path"] = path.into();
            Ok(Edit::Whole(object))
        });
        let Ok(Updated::Written(object)) = updated.await else {
            panic!("it is written");
        };
        assert_eq!(object["metadata"]["resourceVersion"], "3");
        assert_eq!(fake.sent(), [web("1", "/+mine"), web("2", "/theirs+mine")]);
    }

    #[tokio::test]
    async fn a_patch_that_is_refused_is_made_anew_only_where_somebody_has_changed_the_object() {
        let patch = |_: Option<&Value>| {
            Ok(Edit::Patch(Patch::Json(
                json!([{"op": "test", "path": "/x", "value": 1}]),
            )))
        };
        for (second, tries) in [("1", 1), ("2", 2)] {
            let fake = Fake::start(move |asked, before| match (asked.split_whitespace().next(), before) {
                (Some("PATCH"), 0) => refusal(422, "Invalid", ""),
                (Some("PATCH"), _) => as_json(&web("3", "/")),
                (_, 0) => as_json(&web("1", "/")),
                _ => as_json(&web(second, "/")),
            })
            .await;
            let updated = update(&fake, patch).await;
            assert_eq!(matches!(updated, Ok(Updated::Written(_))), tries == 2);
            assert_eq!(matches!(updated, Err(ApiError::Invalid { .. })), tries == 1);
            assert_eq!(writes(&fake, "PATCH"), tries);
        }
    }

    #[tokio::test]
    async fn a_server_that_takes_no_writes_is_not_asked_again_at_once() {
        let fake = Fake::start(|asked, _| match asked.split_whitespace().next() {
            Some("PUT") => refusal(500, "InternalError", ""),
            _ => as_json(&web("1", "/")),
        })
        .await;
        let connection = fake.connection().await.apart(Duration::from_secs(1));
        let permits = Permits::none().with(Permit::one(&[Verb::Get, Verb::Update], INGRESS, "shop", "web"));
        let key = Key::new("shop", "web");
        let api = Api::new(connection, permits);
        let updated = api.update(INGRESS, &key, Believed::Unknown, |present| {
            Ok::<_, ApiError>(Edit::Whole(present.unwrap().clone()))
        });
        assert!(matches!(updated.await, Err(ApiError::Refused { code: 500, .. })));
        // After a quarter and a half of a second.
        assert_eq!(writes(&fake, "PUT"), 3);
    }

    #[tokio::test]
    async fn where_the_answer_is_lost_what_is_there_tells() {
        let fake = Fake::start(|asked, before| match (asked.split_whitespace().next(), before) {
            (Some("PATCH"), _) => vec![Step::Reset],
            (_, 0) => as_json(&web("1", "/")),
            _ => as_json(&web("2", "/mine")),
        })
        .await;
        let updated = update(&fake, |present| {
            let is_done = present.unwrap()["spec"]["path"] == "/mine";
            let patch = Patch::Merge(json!({"spec": {"path": "/mine"}}));
            Ok(if is_done { Edit::Nothing } else { Edit::Patch(patch) })
        });
        assert!(matches!(updated.await, Ok(Updated::Kept(_))));
        assert_eq!(writes(&fake, "PATCH"), 1);
    }
}
