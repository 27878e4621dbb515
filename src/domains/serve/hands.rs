//! What the server needs of others: the question to the application, the pair of a record, and the review of a token.

use std::{fmt::Debug, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    domain::{Host, Material, Record, Said},
    domains::ask::Asker,
    k8s::Api,
    object::{
        Key,
        resource::{Resource, SECRET},
    },
};

/// authentication.k8s.io/v1 `TokenReview`.
pub const TOKENREVIEW: Resource =
    Resource::new("authentication.k8s.io", "v1", "tokenreviews", "TokenReview").cluster_wide();
/// The data keys of a pair in a Secret of type `kubernetes.io/tls`.
const SLOTS: [&str; 2] = ["tls.crt", "tls.key"];

/// Asks the application whether a host is a customer's.
pub trait Asks: Send + Sync + Debug {
    /// Its answer about a host that nobody has registered; `None` if it is asked about too many of these. Whoever asks has
    /// judged the host first.
    fn ask<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Option<Said>>;
}

/// Reads pairs.
pub trait Pairs: Send + Sync + Debug {
    /// The pair of a record; `None` if there is none where the record says. The error is a fragment that fits "the pair cannot
    /// be read: ...".
    fn pair<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<Option<Arc<Material>>, String>>;
}

/// Has tokens judged by the cluster that made them.
pub trait Reviews: Send + Sync + Debug {
    /// The user whose token it is, if it is valid for the audience; `None` if it is not. The error says why the cluster has not
    /// judged.
    fn review<'a>(
        &'a self,
        token: &'a SecretString,
        audience: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, String>>;
}

impl Asks for Asker {
    fn ask<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Option<Said>> {
        Box::pin(self.ask_about_unknown(host))
    }
}

impl Pairs for Api {
    /// The pair that the store has, or the one of the record's Secret.
    fn pair<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<Option<Arc<Material>>, String>> {
        Box::pin(async move {
            let Some(pair) = &record.pair else {
                return Ok(None);
            };
            match (&pair.material, &pair.secret) {
                (Some(material), _) => Ok(Some(Arc::clone(material))),
                (None, Some(secret)) => read(self, secret).await,
                (None, None) => Ok(None),
            }
        })
    }
}

async fn read(api: &Api, secret: &Key) -> Result<Option<Arc<Material>>, String> {
    let Some([Some(chain), Some(key)]) = read_secret(api, secret, SLOTS).await? else {
        return Ok(None);
    };
    let text = |bytes: &SecretSlice<u8>| std::str::from_utf8(bytes.expose_secret()).ok().map(str::to_owned);
    let (Some(chain), Some(key)) = (text(&chain), text(&key)) else {
        return Err("the Secret does not hold PEM".to_owned());
    };
    Ok(Some(Arc::new(Material { chain, key: key.into() })))
}

/// Reads some data keys of a Secret; `None` if there is no such Secret. What is left behind of the object's text is wiped.
pub(super) async fn read_secret<const N: usize>(
    api: &Api,
    secret: &Key,
    slots: [&str; N],
) -> Result<Option<[Option<SecretSlice<u8>>; N]>, String> {
    let object = api.get(SECRET, secret).await.map_err(|error| error.to_string())?;
    let Some(mut object) = object else {
        return Ok(None);
    };
    Ok(Some(slots.map(|slot| decoded(object["data"][slot].take()))))
}

fn decoded(value: Value) -> Option<SecretSlice<u8>> {
    let Value::String(text) = value else {
        return None;
    };
    let text = Zeroizing::new(text);
    STANDARD.decode(text.as_bytes()).ok().map(SecretSlice::from)
}

impl Reviews for Api {
    /// What the API server says of a token (authentication.k8s.io/v1 `TokenReview`). Whoever asks for an audience has to see
    /// that the answer names it, because an authenticator that knows no audiences ignores it.
    fn review<'a>(
        &'a self,
        token: &'a SecretString,
        audience: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, String>> {
        Box::pin(async move {
            let review = json!({
                "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview",
                "spec": {"token": token.expose_secret(), "audiences": [audience]},
            });
            let mut answer = Api::review(self, TOKENREVIEW, &review)
                .await
                .map_err(|error| error.to_string())?;
            let mut status = answer["status"].take();
            let audiences = status["audiences"].as_array();
            let is_ours = audiences.is_some_and(|all| all.iter().any(|one| one == audience));
            if status["authenticated"] != true || !is_ours {
                return Ok(None);
            }
            Ok(match status["user"]["username"].take() {
                Value::String(name) => Some(name),
                _ => None,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_base64_is_taken_from_a_secret() {
        let some = |value: Value| decoded(value).map(|bytes| bytes.expose_secret().to_vec());
        assert_eq!(some(STANDARD.encode("-----BEGIN").into()), Some(b"-----BEGIN".to_vec()));
        assert_eq!(some(Value::Null), None);
        assert_eq!(some("%".into()), None);
    }
}
