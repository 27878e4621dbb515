//! The source of a credential. The settings name the source, never the credential itself.

use std::{fmt, path::PathBuf};

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Visitor},
    ser::SerializeMap,
};

use crate::{
    file::{self, ReadError},
    k8s::Connection,
    solve::SolveError,
};

/// The largest file with a credential, in bytes: service account keys have some 2 KB.
const MOST_BYTES: u64 = 64 * 1024;

/// Where a credential is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Credential {
    /// In an environment variable.
    Env(String),
    /// In a file, without the white space at its end.
    File(PathBuf),
    /// In a Secret's key.
    SecretRef(SecretRef),
}

/// One key of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SecretRef {
    /// The Secret's namespace.
    pub namespace: String,
    /// The Secret's name.
    pub name: String,
    /// The key in its data.
    pub key: String,
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of Secret {}/{}", self.key, self.namespace, self.name)
    }
}

impl fmt::Display for Credential {
    /// `variable PDNS_KEY`, `file /etc/key`, `apikey of Secret dns/powerdns`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::SecretRef(reference) => reference.fmt(f),
        }
    }
}

/// What a provider needs of the cluster: Secrets for [`Credential::SecretRef`], and the way to a Service.
pub trait Secrets: Send + Sync {
    /// The value of one data key, decoded. The error says whether the cluster, its rights or the Secret is the cause.
    fn get<'a>(&'a self, of: &'a SecretRef) -> BoxFuture<'a, Result<SecretString, SolveError>>;

    /// The cluster, through which a provider that is one of its Services is reached; `None` without one.
    fn connection(&self) -> Option<&Connection> {
        None
    }
}

/// For commands without a cluster: every reference is refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn get<'a>(&'a self, of: &'a SecretRef) -> BoxFuture<'a, Result<SecretString, SolveError>> {
        Box::pin(async move {
            Err(SolveError::new(format!("{of} cannot be read: there is no cluster"))
                .hint("name the credential with `env` or `file`"))
        })
    }
}

impl Credential {
    /// Reads the credential itself, and trims white space. It is an error if it does not exist or is empty.
    pub async fn resolve(&self, secrets: &dyn Secrets) -> Result<SecretString, SolveError> {
        let found = match self {
            Self::Env(name) => std::env::var(name).map(SecretString::from).map_err(|_| {
                SolveError::new(format!("variable {name} is not set, or is not text"))
                    .hint(format!("set {name} in the environment"))
            })?,
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read(&path)).await;
                read.map_err(|e| SolveError::new(format!("{self}: {e}")))
                    .flatten()
                    .map_err(|e| SolveError {
                        message: format!("cannot read {self}: {}", e.message),
                        ..e
                    })?
            }
            Self::SecretRef(reference) => secrets.get(reference).await?,
        };
        let trimmed = found.expose_secret().trim();
        if trimmed.is_empty() {
            return Err(SolveError::new(format!("{self} is empty")));
        }
        Ok(SecretString::from(trimmed))
    }
}

fn read(path: &std::path::Path) -> Result<SecretString, SolveError> {
    crate::own::check(path).map_err(|error| SolveError::because(&error))?;
    let text = file::read_text(path, MOST_BYTES).map_err(|error| match error {
        ReadError::TooLarge(most) => SolveError::new(format!("it is larger than {} KiB", most / 1024)),
        other => SolveError::new(other.to_string()),
    })?;
    Ok(SecretString::from(text.as_str()))
}

impl Serialize for Credential {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self {
            Self::Env(name) => map.serialize_entry("env", name)?,
            Self::File(path) => map.serialize_entry("file", path)?,
            Self::SecretRef(reference) => map.serialize_entry("secretRef", reference)?,
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Credential {
    /// Errors never quote the value, because the user may have written the credential itself.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reference)
    }
}

const FORMS: &[&str] = &["env", "file", "secretRef"];
const EXPECTED: &str = "expected {env: NAME}, {file: PATH} or {secretRef: {namespace, name, key}}: a credential itself is \
                        never written here";

struct Reference;

impl<'de> Visitor<'de> for Reference {
    type Value = Credential;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping with one of env, file and secretRef")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Credential, A::Error> {
        let one = || de::Error::custom(EXPECTED);
        let key: String = map.next_key()?.ok_or_else(one)?;
        let found = match key.as_str() {
            "env" => Credential::Env(map.next_value()?),
            "file" => Credential::File(map.next_value::<String>()?.into()),
            "secretRef" => Credential::SecretRef(map.next_value()?),
            other => return Err(de::Error::unknown_field(other, FORMS)),
        };
        match map.next_key::<String>()? {
            None => Ok(found),
            Some(_) => Err(one()),
        }
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Credential, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Credential, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Credential, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Credential, E> {
        Err(E::custom(EXPECTED))
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Credential, E> {
        Err(E::custom(EXPECTED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Credential, String> {
        serde_json::from_str(text).map_err(|e| e.to_string())
    }

    #[test]
    fn a_credential_is_a_place_and_a_literal_is_refused_without_being_quoted() {
        assert_eq!(parse(r#"{"env": "KEY"}"#), Ok(Credential::Env("KEY".to_owned())));
        assert_eq!(
            parse(r#"{"file": "/run/key"}"#),
            Ok(Credential::File("/run/key".into()))
        );
        let reference = r#"{"secretRef":{"namespace":"dns","name":"powerdns","key":"apikey"}}"#;
        let credential = parse(reference).unwrap();
        assert_eq!(credential.to_string(), "apikey of Secret dns/powerdns");
        assert_eq!(serde_json::to_string(&credential).unwrap(), reference);
        for literal in [r#""s3cret""#, "12345", "true"] {
            let error = parse(literal).unwrap_err();
            assert!(
                error.contains("{env: NAME}") && !error.contains("s3cret") && !error.contains("12345"),
                "{error}"
            );
        }
        assert!(
            parse(r#"{"secret": "s3cret"}"#)
                .unwrap_err()
                .contains("unknown field `secret`, expected one of `env`")
        );
        assert!(parse(r#"{"env": "A", "file": "b"}"#).is_err());
        assert!(parse("{}").is_err());
    }

    #[tokio::test]
    async fn a_file_is_read_without_its_last_newline_and_what_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, "s3cret\n").unwrap();
        let found = Credential::File(path.clone()).resolve(&NoSecrets).await.unwrap();
        assert_eq!(found.expose_secret(), "s3cret");
        assert!(!format!("{found:?}").contains("s3cret"));
        std::fs::write(&path, "\n").unwrap();
        let empty = Credential::File(path).resolve(&NoSecrets).await.unwrap_err();
        assert!(empty.message.ends_with("is empty"), "{empty}");
        let absent = Credential::File("/absent/key".into())
            .resolve(&NoSecrets)
            .await
            .unwrap_err();
        assert!(
            absent.message.starts_with("cannot read file /absent/key: No such file"),
            "{absent}"
        );
        let unset = Credential::Env("KUBECTL_CERTS_TEST_UNSET".to_owned())
            .resolve(&NoSecrets)
            .await
            .unwrap_err();
        assert!(unset.message.contains("KUBECTL_CERTS_TEST_UNSET"));
    }
}
