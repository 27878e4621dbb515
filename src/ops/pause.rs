//! `pause` and `resume`: whether the controller of a namespace orders, for everybody to see. What they say is in a
//! `ConfigMap` of that namespace. A controller that nobody has told to order plans, and orders nothing.

use serde_json::{Value, json};

use super::{Context, OpError};
use crate::{
    apply::{Api, ApiError, Permit, Permits, Verb},
    clock::now,
    k8s::{Believed, Edit},
    object::{Key, Seconds, Text, resource::CONFIGMAP},
    text::{date_time, parse_time},
};

/// The name of the `ConfigMap`.
pub const NAME: &str = "kubectl-certs-controller";

/// The namespace of a controller, where none is named.
pub const NAMESPACE: &str = "kubectl-certs";

const ORDERS: &str = "orders";
const REASON: &str = "reason";
const UNTIL: &str = "until";
const BY: &str = "by";
const AT: &str = "at";

/// What a controller has been told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Told {
    /// Nothing yet: it plans.
    #[default]
    Nothing,
    /// To order.
    Order,
    /// Not to order.
    Pause(Pause),
}

/// A pause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pause {
    /// Why.
    pub reason: String,
    /// Until when, in seconds since 1970; `None` until it is told to go on.
    pub until: Option<Seconds>,
    /// Who said so: the name of the context from which it was said.
    pub by: String,
    /// When it was said, in seconds since 1970.
    pub at: Seconds,
}

impl Told {
    /// Reads what is in the data of the `ConfigMap`. A pause that has ended is none.
    pub fn read(data: &Value, now: Seconds) -> Self {
        let text = |key: &str| data[key].as_str().unwrap_or_default();
        match text(ORDERS) {
            "allowed" => Self::Order,
            "paused" => {
                // An end that cannot be read is none: a pause must not end by a slip of the pen.
                let until = parse_time(text(UNTIL));
                if until.is_some_and(|until| until <= now) {
                    return Self::Order;
                }
                Self::Pause(Pause {
                    reason: text(REASON).to_owned(),
                    until,
                    by: text(BY).to_owned(),
                    at: parse_time(text(AT)).unwrap_or_default(),
                })
            }
            _ => Self::Nothing,
        }
    }

    /// Whether it may order.
    pub fn orders(&self) -> bool {
        *self == Self::Order
    }

    fn data(&self, by: &str) -> Value {
        let (orders, pause) = match self {
            Self::Nothing => ("", None),
            Self::Order => ("allowed", None),
            Self::Pause(pause) => ("paused", Some(pause)),
        };
        let mut data = json!({ORDERS: orders, BY: by, AT: date_time(now())});
        if let Some(pause) = pause {
            data[REASON] = pause.reason.as_str().into();
            if let Some(until) = pause.until {
                data[UNTIL] = date_time(until).into();
            }
        }
        data
    }
}

/// The `ConfigMap` of a namespace.
pub fn key_of(namespace: impl Into<Text>) -> Key {
    Key::new(namespace, NAME)
}

/// What the controller of a namespace has been told.
///
/// # Errors
///
/// The `ConfigMap` cannot be read.
pub async fn told(api: &Api, namespace: &str) -> Result<Told, ApiError> {
    let object = api.get(CONFIGMAP, &key_of(namespace)).await?;
    Ok(object.map_or(Told::Nothing, |object| Told::read(&object["data"], now())))
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The controller's namespace.
    pub namespace: String,
    /// What it is told.
    pub told: Told,
}

/// Tells the controller of a namespace. Returns what it had been told before.
///
/// # Errors
///
/// The `ConfigMap` cannot be written.
pub async fn run(request: &Request, context: &Context) -> Result<Told, OpError> {
    let key = key_of(request.namespace.as_str());
    let verbs = [Verb::Get, Verb::Create, Verb::Update];
    let permit = Permit::one(&verbs, CONFIGMAP, key.namespace.clone(), key.name.clone());
    let connection = context.cluster.connection().await?;
    let api = Api::new(connection.clone(), Permits::none().with(permit));
    let by = context.place().unwrap_or_default();
    let mut before = Told::Nothing;
    let write = |present: Option<&Value>| {
        before = present.map_or(Told::Nothing, |object| Told::read(&object["data"], now()));
        let mut object = present.cloned().unwrap_or_else(|| {
            json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {
                    "namespace": key.namespace, "name": key.name,
                    "labels": {"app.kubernetes.io/managed-by": "kubectl-certs"},
                },
            })
        });
        object["data"] = request.told.data(&by);
        Ok::<_, ApiError>(Edit::Whole(object))
    };
    api.update(CONFIGMAP, &key, Believed::Unknown, write)
        .await
        .map_err(|error| OpError::because(&error))?;
    Ok(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_read_back_and_a_pause_ends_in_its_time() {
        let pause = Told::Pause(Pause {
            reason: "the CA is being moved".to_owned(),
            until: Some(2_000_000_000),
            by: "context prod".to_owned(),
            at: 0,
        });
        let data = pause.data("context prod");
        let Told::Pause(read) = Told::read(&data, 1_999_999_999) else {
            panic!("{data}");
        };
        assert_eq!(
            (read.reason.as_str(), read.until),
            ("the CA is being moved", Some(2_000_000_000))
        );
        assert_eq!(read.by, "context prod");
        assert!(Told::read(&data, 2_000_000_000).orders());
        assert!(Told::read(&Told::Order.data("x"), 0).orders());
        // Nobody has said anything, or nothing that can be read.
        for data in [json!({}), Value::Null, json!({"orders": "yes"})] {
            assert_eq!(Told::read(&data, 0), Told::Nothing);
        }
        let unending = json!({"orders": "paused", "until": "tomorrow"});
        assert!(!Told::read(&unending, Seconds::MAX).orders());
    }
}
