//! The installation that takes certificates over: where it is, what it follows, and from which CA it orders.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::OpError;
use crate::{
    acme::Stage,
    apply::{Api, ApiError},
    domain::Platform,
    error::Blame,
    install::{ACCOUNT, CONFIG, FOLLOWS, Scope, VOLUME, any_controller},
    k8s::Own as _,
    object::{
        Key,
        resource::{CONFIGMAP, DEPLOYMENT, SECRET},
    },
    ops::install_id,
    plan::ca::Ca,
    settings::{
        Settings,
        layer::{Choice, Layer, Origin},
        portable::read_back_with,
        value::Namespaced,
    },
    text::{first_few, quote},
};

/// An installation.
pub(in crate::ops) struct Installation {
    /// Its namespace.
    pub(in crate::ops) namespace: String,
    /// What it follows.
    pub(in crate::ops) follows: Scope,
    /// Its id; `None` until somebody has asked for it.
    pub(in crate::ops) install: Option<String>,
    /// The Secret of its account.
    pub(in crate::ops) account: Key,
    /// Its settings, with its CA.
    pub(in crate::ops) settings: Settings,
}

impl Installation {
    /// Its CA.
    pub(in crate::ops) fn ca(&self) -> Ca {
        let issuer = &self.settings.chosen.issuer;
        Ca {
            name: issuer.name.clone(),
            directory: issuer.directory_url.clone(),
        }
    }

    /// Whether clients do not trust what its CA issues.
    pub(in crate::ops) fn is_staging(&self) -> bool {
        self.settings.chosen.issuer.stage == Stage::Staging
    }

    /// Whether it follows a namespace.
    pub(in crate::ops) fn follows(&self, namespace: &str) -> bool {
        match &self.follows {
            Scope::Cluster => true,
            Scope::Namespaces(all) => all.iter().any(|one| one == namespace),
        }
    }

    /// Which names it keeps for itself.
    pub(in crate::ops) fn platform(&self) -> Platform {
        let domains = self.settings.domains.as_ref();
        domains.map(|domains| domains.platform.clone()).unwrap_or_default()
    }

    /// The installation in a namespace, or the only one of the cluster.
    /// Without `needs_account`, it need not have an account yet.
    pub(in crate::ops) async fn find(api: &Api, namespace: Option<&str>, needs_account: bool) -> Result<Self, OpError> {
        let deployment = deployment(api, namespace).await?;
        let namespace = deployment.key().namespace.to_string();
        let words = words(&deployment);
        let account = flag(&words, "--account-secret").map_or_else(
            || Ok(Key::new(namespace.as_str(), ACCOUNT)),
            |word| word.parse::<Namespaced>().map(|at| at.0).map_err(OpError::usage),
        )?;
        let config: Namespaced = flag(&words, "--config-map")
            .unwrap_or(&format!("{namespace}/{CONFIG}"))
            .parse()
            .map_err(OpError::usage)?;
        let failed = |error: ApiError| OpError::because(&error);
        let stored = api.get(CONFIGMAP, &config.0).await.map_err(failed)?;
        let text = stored
            .as_ref()
            .and_then(|object| object["data"]["config.yaml"].as_str())
            .unwrap_or_default();
        let mut bare = Layer::empty(Origin::Flags);
        bare.choice = choice(&words);
        let has_ca = bare.choice.is_some();
        let private = private_settings(api, &deployment, &namespace).await?;
        let private = private.as_ref().map(|(text, key)| (text.as_str(), key));
        let settings = read_back_with(text, &config, private, bare).map_err(|error| OpError::because(&error))?;
        if !has_ca {
            return Err(OpError::usage(format!(
                "the installation in namespace {namespace} only plans: no CA is chosen, so that it would keep nothing"
            ))
            .hint(format!(
                "`kubectl certs install -n {} --production` chooses one",
                quote(&namespace)
            )));
        }
        let secret = api.get(SECRET, &account).await.map_err(failed)?;
        if secret.is_none() && needs_account {
            return Err(OpError::usage(format!(
                "the installation in namespace {namespace} has no account: there is no Secret {account}"
            ))
            .hint(
                "`kubectl certs account register` makes one there; --import-account takes over the former keeper's",
            ));
        }
        let follows = deployment["metadata"]["annotations"][FOLLOWS].as_str();
        Ok(Self {
            follows: follows.map_or(Scope::Cluster, Scope::read),
            install: secret.as_ref().and_then(install_id::noted),
            namespace,
            account,
            settings,
        })
    }
}

/// The settings that may name credentials, and the Secret that the Pods have them from.
async fn private_settings(api: &Api, deployment: &Value, namespace: &str) -> Result<Option<(String, Key)>, OpError> {
    let volumes = deployment["spec"]["template"]["spec"]["volumes"].as_array();
    let mut volumes = volumes.into_iter().flatten().filter(|volume| volume["name"] == VOLUME);
    let Some(name) = volumes.find_map(|volume| volume["secret"]["secretName"].as_str()) else {
        return Ok(None);
    };
    let key = Key::new(namespace, name);
    let failed = |error: ApiError| {
        OpError::because(&error).after("whether the installation could renew what it takes over is not known")
    };
    let stored = api.get(SECRET, &key).await.map_err(failed)?;
    let text = stored.and_then(|secret| BASE64_STANDARD.decode(secret["data"]["config.yaml"].as_str()?).ok());
    Ok(text
        .and_then(|text| String::from_utf8(text).ok())
        .map(|text| (text, key)))
}

/// The Deployment of the controller.
async fn deployment(api: &Api, namespace: Option<&str>) -> Result<Value, OpError> {
    let selector = any_controller();
    let found = api.list(DEPLOYMENT, namespace, Some(&selector)).await;
    let mut found = found.map_err(|error| match (&error, namespace) {
        (ApiError::Forbidden { .. }, None) => {
            OpError::because(&error).hint("--controller-namespace names the namespace of the installation")
        }
        _ => OpError::because(&error),
    })?;
    found.retain(|one| one["metadata"]["deletionTimestamp"].is_null());
    let all: Vec<String> = found.iter().map(|one| one.key().namespace.to_string()).collect();
    if found.len() > 1 {
        return Err(
            OpError::usage(format!("there are several installations, in {}", first_few(&all)))
                .hint("--controller-namespace names the one that takes over"),
        );
    }
    let place = namespace.map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
    found.pop().ok_or_else(|| {
        OpError::new(
            Blame::Usage,
            format!("there is no installation{place} that would keep certificates"),
        )
        .hint("`kubectl certs install --production` makes one; it orders nothing until `resume`")
    })
}

fn words(deployment: &Value) -> Vec<&str> {
    let containers = deployment["spec"]["template"]["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten();
    let args = containers.flat_map(|container| container["args"].as_array().into_iter().flatten());
    args.filter_map(Value::as_str).collect()
}

/// The value of a flag, joined or as the next word.
fn flag<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(at, word)| {
        let rest = word.strip_prefix(name)?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value),
            None if rest.is_empty() => words.get(at + 1).copied(),
            None => None,
        }
    })
}

/// The choice of the CA.
fn choice(words: &[&str]) -> Option<Choice> {
    if words.contains(&"--production") {
        return Some(Choice::Production);
    }
    if words.contains(&"--staging") {
        return Some(Choice::Staging);
    }
    let issuer = flag(words, "--issuer").map(|name| Choice::Issuer(name.to_owned()));
    issuer.or_else(|| flag(words, "--directory-url").map(|url| Choice::Directory(url.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ca_is_read_from_the_words_of_the_controller() {
        for (words, expected) in [
            (&["controller", "--production"][..], Some(Choice::Production)),
            (&["--staging"], Some(Choice::Staging)),
            (&["--issuer=corp"], Some(Choice::Issuer("corp".into()))),
            (&["--issuer", "corp"], Some(Choice::Issuer("corp".into()))),
            (
                &["--directory-url=https://ca.example/dir"],
                Some(Choice::Directory("https://ca.example/dir".into())),
            ),
            (&["controller", "--all-namespaces", "--issuers=x"], None),
        ] {
            assert_eq!(choice(words), expected, "{words:?}");
        }
        assert_eq!(
            flag(&["--config-map=certs/config"], "--config-map"),
            Some("certs/config")
        );
        assert_eq!(flag(&["--config-map"], "--config-map"), None);
    }
}
