//! Refusals of the API server, distinguished by how the caller reacts.

use http::StatusCode;
use serde::Deserialize;

use crate::{
    error::{Blame, Diagnose},
    k8s::{ClusterError, Reply},
    object::resource::Resource,
    object::{Key, Text},
    plan::permits::Verb,
};

/// The request, for the words of an error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The verb of the request.
    pub(super) verb: Verb,
    /// The kind of the object.
    pub(super) resource: Resource,
    /// The object; its name is empty for lists and generated names.
    pub(super) key: &'a Key,
}

impl Asked<'_> {
    /// Names the object: `Secret shop/shop-tls`.
    fn object(&self) -> String {
        match (self.key.namespace.is_empty(), self.key.name.is_empty()) {
            (true, true) => self.resource.plural.to_owned(),
            (false, true) => format!("{} of namespace {}", self.resource.plural, self.key.namespace),
            _ => format!("{} {}", self.resource.kind, self.key),
        }
    }
}

/// Why an object could not be written or read. The messages fit "cannot store the certificate: ...".
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No step of the plan has the write, which is a defect of this program. Nothing was sent.
    #[error("{verb} of {object} was not planned, and was not sent")]
    NotPlanned {
        /// The verb.
        verb: Verb,
        /// The object, as `Secret shop/shop-tls`.
        object: String,
    },
    /// 403: a right is missing.
    #[error("the right to {verb} {resource}{} is missing: {message}", within(namespace))]
    Forbidden {
        /// The missing verb.
        verb: Verb,
        /// The resource as in rights: `secrets`, `ingresses.networking.k8s.io`.
        resource: String,
        /// The namespace; empty for kinds without one.
        namespace: Text,
        /// The message of the server.
        message: String,
    },
    /// 403 by an admission rule, a quota, or a namespace that is being deleted.
    #[error("the cluster rejects {object}: {message}")]
    Denied {
        /// The object.
        object: String,
        /// The message of the server.
        message: String,
    },
    /// 409: the object has changed since it was read.
    #[error("{object} has been changed by someone else since it was read")]
    Conflict {
        /// The object.
        object: String,
        /// The message of the server.
        message: String,
    },
    /// 409: an object with this name exists.
    #[error("{object} already exists")]
    AlreadyExists {
        /// The object.
        object: String,
    },
    /// 404: the object, or its namespace, does not exist.
    #[error("{object} does not exist: {message}")]
    NotFound {
        /// The object.
        object: String,
        /// The message of the server.
        message: String,
    },
    /// 400 or 422: the object violates rules of the server.
    #[error("the server does not accept {object}: {message}")]
    Invalid {
        /// The object.
        object: String,
        /// The message of the server.
        message: String,
    },
    /// 410: the version that was read is too old to continue from.
    #[error("the list of {object} is no longer kept by the server")]
    Expired {
        /// The kind of the objects.
        object: String,
    },
    /// Any other refusal.
    #[error("the server answers {code} for {object}: {message}")]
    Refused {
        /// The HTTP status.
        code: u16,
        /// The object.
        object: String,
        /// The message of the server.
        message: String,
        /// How many seconds the server asks to wait.
        retry_after: Option<u32>,
    },
    /// The answer is not an object.
    #[error("the server's answer for {object} cannot be read")]
    Unreadable {
        /// The object.
        object: String,
    },
    /// The server cannot be reached, or the outcome of the request is unknown.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

fn within(namespace: &str) -> String {
    if namespace.is_empty() {
        String::new()
    } else {
        format!(" in namespace {namespace}")
    }
}

/// The fields of a Kubernetes Status that are read.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    kind: String,
    reason: String,
    message: String,
}

/// The error for a request to a part of an object: rights to it are rights of their own.
pub(super) fn of_part(error: ApiError, part: &str) -> ApiError {
    match error {
        ApiError::Forbidden {
            verb,
            resource,
            namespace,
            message,
        } => ApiError::Forbidden {
            verb,
            resource: format!("{resource}/{part}"),
            namespace,
            message,
        },
        other => other,
    }
}

impl ApiError {
    /// The error for an answer other than success.
    pub(super) fn of(asked: Asked<'_>, reply: &Reply) -> Self {
        let said: Said = serde_json::from_slice(&reply.body).unwrap_or_default();
        let code = reply.status.as_u16();
        let object = asked.object();
        let is_status = said.kind == "Status";
        let message = if is_status {
            said.message
        } else {
            let text = String::from_utf8_lossy(&reply.body);
            crate::text::shorten(text.trim(), 200).into_owned()
        };
        match reply.status {
            // A page of a proxy says nothing about an object.
            StatusCode::FORBIDDEN if !is_status => Self::other(code, object, message, reply),
            // Admission plugins, quotas and namespaces that are being deleted answer 403 too, even to users who have
            // the right.
            StatusCode::FORBIDDEN if is_of_rights(&message) => Self::Forbidden {
                verb: asked.verb,
                resource: asked.resource.to_string(),
                namespace: asked.key.namespace.clone(),
                message,
            },
            StatusCode::FORBIDDEN => Self::Denied { object, message },
            StatusCode::NOT_FOUND if is_status => Self::NotFound { object, message },
            StatusCode::CONFLICT if said.reason == "AlreadyExists" => Self::AlreadyExists { object },
            StatusCode::CONFLICT if is_status => Self::Conflict { object, message },
            StatusCode::GONE => Self::Expired { object },
            StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY if is_status => {
                Self::Invalid { object, message }
            }
            _ => Self::other(code, object, message, reply),
        }
    }

    fn other(code: u16, object: String, message: String, reply: &Reply) -> Self {
        let message = if message.is_empty() {
            reply.content_type.clone()
        } else {
            message
        };
        Self::Refused {
            code,
            object,
            message,
            retry_after: reply.retry_after,
        }
    }

    /// Whether it is unknown if the write was done. Reading the object will show it.
    pub fn is_uncertain(&self) -> bool {
        match self {
            Self::Cluster(error) => error.is_uncertain(),
            // These may come from a gateway; the server behind it may have done the write.
            Self::Refused { code, .. } => matches!(code, 500 | 502..=504),
            Self::Unreadable { .. } => true,
            _ => false,
        }
    }

    /// Whether there is no such object, or the server has no such kind.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::NotFound { .. } | Self::Refused { code: 404, .. })
    }

    /// Whether the cause is a missing right.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Forbidden { .. })
    }

    /// Whether a retry may soon succeed.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Cluster(error) => error.was_not_sent() || error.is_uncertain(),
            Self::Refused { code, .. } => matches!(code, 429 | 502..=504),
            _ => false,
        }
    }

    /// Whether the write was certainly not done and may be repeated at once: nothing was sent, or the server was too
    /// busy to look at it.
    pub(super) fn was_not_done(&self) -> bool {
        match self {
            Self::Cluster(error) => error.was_not_sent(),
            Self::Refused { code, .. } => *code == 429,
            _ => false,
        }
    }
}

impl Diagnose for ApiError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotPlanned { .. } => "this is a defect of kubectl-certs: please report it".into(),
            Self::Forbidden {
                verb,
                resource,
                namespace,
                ..
            } => {
                let place = if namespace.is_empty() {
                    String::new()
                } else {
                    format!(" -n {namespace}")
                };
                let what = match resource.split_once('/') {
                    Some((resource, part)) => format!("{resource} --subresource={part}"),
                    None => resource.clone(),
                };
                format!("ask for the right; `kubectl auth can-i {verb} {what}{place}` shows when you have it")
            }
            Self::Denied { message, .. } if message.contains("quota") => {
                "raise the namespace's quota, or free some of it".into()
            }
            Self::Denied { message, .. } if message.contains("being terminated") => {
                "the namespace is being deleted: nothing can be created in it any more".into()
            }
            Self::Denied { .. } => "an admission rule of the cluster refuses it: its owner can allow it".into(),
            Self::Conflict { .. } => "someone else writes it too: find out who, then run it again".into(),
            Self::AlreadyExists { .. } | Self::Expired { .. } => "run it again".into(),
            Self::NotFound { message, .. } if message.starts_with("namespaces") => "create the namespace first".into(),
            Self::Refused { code: 429, .. } => "the server is busy: wait and run it again".into(),
            Self::Refused { code: 500.., .. } => {
                "the server has a problem: `kubectl get --raw /readyz?verbose` shows it".into()
            }
            Self::Unreadable { .. } => "a proxy may have changed the answer; `kubectl get --raw` shows it".into(),
            Self::Cluster(error) => return error.hint(),
            Self::NotFound { .. } | Self::Invalid { .. } | Self::Refused { .. } => return None,
        })
    }

    fn blame(&self) -> Blame {
        Blame::Cluster
    }
}

/// Whether a refusal is because of a missing right, according to the words of the API server: `User "jane" cannot
/// create resource "pods" in API group ""`. Admission rules have messages of their own.
fn is_of_rights(message: &str) -> bool {
    message.split_once("\" cannot ").is_some_and(|(user, what)| {
        let what = what.split_once(' ').map_or("", |(_, what)| what);
        user.contains("User \"") && what.starts_with("resource \"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::resource::SECRET;

    fn error(code: u16, body: &str) -> ApiError {
        let key = Key::new("shop", "shop-tls");
        let asked = Asked {
            verb: Verb::Update,
            resource: SECRET,
            key: &key,
        };
        let reply = Reply {
            status: StatusCode::from_u16(code).unwrap(),
            retry_after: None,
            content_type: "text/html".into(),
            body: body.into(),
        };
        ApiError::of(asked, &reply)
    }

    fn status(reason: &str, message: &str) -> String {
        serde_json::json!({"kind": "Status", "reason": reason, "message": message}).to_string()
    }

    #[test]
    fn refusals_are_told_apart() {
        let rbac = r#"secrets "shop-tls" is forbidden: User "bob" cannot update resource "secrets" in API group "" in the namespace "shop""#;
        for (code, body, words, hint) in [
            (
                403,
                status("Forbidden", rbac),
                "the right to update secrets in namespace shop is missing",
                "kubectl auth can-i update secrets -n shop",
            ),
            (
                403,
                status(
                    "Forbidden",
                    "pods \"x\" is forbidden: violates PodSecurity \"restricted:latest\"",
                ),
                "rejects Secret shop/shop-tls",
                "admission rule",
            ),
            (403, status("Forbidden", "exceeded quota: few"), "rejects", "quota"),
            (
                403,
                status(
                    "Forbidden",
                    "denied request: a stranger cannot have the resource Pod here",
                ),
                "rejects",
                "admission rule",
            ),
            (403, "<html>no</html>".into(), "answers 403", ""),
            (
                409,
                status("Conflict", "the object has been modified"),
                "changed by someone else",
                "run it again",
            ),
            (409, status("AlreadyExists", "exists"), "already exists", "run it again"),
            (
                404,
                status("NotFound", "namespaces \"shop\" not found"),
                "does not exist",
                "create the namespace",
            ),
            (404, "404 page not found".into(), "answers 404", ""),
            (
                422,
                status("Invalid", "field is immutable when `immutable` is set"),
                "does not accept",
                "",
            ),
            (
                503,
                String::new(),
                "answers 503 for Secret shop/shop-tls: text/html",
                "readyz",
            ),
        ] {
            let error = error(code, &body);
            assert!(error.to_string().contains(words), "{error}");
            assert!(error.hint().unwrap_or_default().contains(hint), "{:?}", error.hint());
        }
    }
}
