//! The sources of settings.

use std::path::{Path, PathBuf};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures_util::future::BoxFuture;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{
    SettingsError,
    env::{self, Lookup, one},
    file::File,
    issuer::read_whole,
    layer::{Layer, Origin},
    problem::FileError,
    value::Namespaced,
};
use crate::{
    apply::Api,
    error::Diagnose,
    home::{self, Keeps},
    k8s::Connection,
    object::Key,
    object::resource::{CONFIGMAP, SECRET},
    solve::{
        SolveError,
        dns01::config::{SecretRef, Secrets},
    },
};

/// The data key of a `ConfigMap` with settings, and the name of the file.
pub const NAME: &str = "config.yaml";

/// The directory of settings and accounts: `kubectl-certs` below `XDG_CONFIG_HOME`, or below `~/.config`.
pub fn directory(get: Lookup<'_>) -> Result<PathBuf, SettingsError> {
    home::directory(Keeps::Config, &|name| get(name).map(Into::into)).ok_or(SettingsError::NoHome)
}

/// The settings file: the named one, or the default one, which may be absent. Also returns whether it was named.
pub fn path(named: Option<&Path>, get: Lookup<'_>) -> Result<(PathBuf, bool), SettingsError> {
    let named = named
        .map(Path::to_owned)
        .or_else(|| one(get, "CONFIG").map(PathBuf::from));
    match named {
        Some(path) => Ok((path, true)),
        None => Ok((directory(get)?.join(NAME), false)),
    }
}

/// The layers of this machine, the strongest first: flags, environment, file.
pub fn layers(flags: Layer, config: Option<&Path>, get: Lookup<'_>) -> Result<Vec<Layer>, SettingsError> {
    let mut layers = vec![flags, env::layer(get)?];
    match path(config, get) {
        Ok((path, named)) => layers.extend(file(&path, named)?),
        // In a container without a home there are flags and variables.
        Err(SettingsError::NoHome) => {}
        Err(error) => return Err(error),
    }
    Ok(layers)
}

/// The layer of the settings file that is named by a flag or by `KUBECTL_CERTS_CONFIG`, or of the default one. Commands
/// that issue nothing need no other source. `None` if there is no file.
pub fn local_file(named: Option<&Path>, get: Lookup<'_>) -> Result<Option<Layer>, SettingsError> {
    match path(named, get) {
        Ok((path, named)) => file(&path, named),
        Err(SettingsError::NoHome) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn file(path: &Path, named: bool) -> Result<Option<Layer>, SettingsError> {
    let shown = path.display().to_string();
    let unreadable = |reason: String| SettingsError::Unreadable {
        path: shown.clone(),
        reason,
    };
    if !named && !path.exists() {
        return Ok(None);
    }
    // Settings name programs that are run, and the location of credentials.
    if !named && !crate::own::is_usable(path, "the settings") {
        return Ok(None);
    }
    if let Err(error) = crate::own::check(path) {
        return Err(SettingsError::NotOurs(error));
    }
    let bytes = read_whole(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))?;
    let beside = std::path::absolute(path).map_err(|error| unreadable(error.to_string()))?;
    let file = File::parse(&text, &shown, beside.parent())?;
    Ok(Some(Layer::of(Origin::File(shown), file)))
}

/// The `ConfigMap` that the flag or `KUBECTL_CERTS_CONFIG_MAP` names.
pub fn config_map_wanted(flag: Option<&Namespaced>, get: Lookup<'_>) -> Result<Option<Namespaced>, SettingsError> {
    if let Some(key) = flag {
        return Ok(Some(key.clone()));
    }
    let named = one(get, "CONFIG_MAP").map(|text| text.trim().parse());
    named
        .transpose()
        .map_err(|error: super::value::NotAValue| SettingsError::Variable {
            name: "KUBECTL_CERTS_CONFIG_MAP".to_owned(),
            reason: error.to_string(),
        })
}

/// The layer of a `ConfigMap`, which is the weakest source. It must not have settings that concern credentials.
pub async fn config_map(api: &Api, key: &Namespaced) -> Result<Layer, SettingsError> {
    let name = format!("ConfigMap {key}");
    let found = api.get(CONFIGMAP, &key.0).await;
    let found = found.map_err(|error| SettingsError::ConfigMap(crate::error::chain(&error)))?;
    let found = found.ok_or_else(|| SettingsError::ConfigMap(format!("there is no {name}")))?;
    let text = found["data"][NAME].as_str();
    let text = text.ok_or_else(|| SettingsError::ConfigMap(format!("{name} has no key {NAME}")))?;
    of_config_map(text, key).map_err(Into::into)
}

pub(in crate::settings) fn of_config_map(text: &str, key: &Namespaced) -> Result<Layer, FileError> {
    let name = format!("ConfigMap {key}");
    let file = File::parse(text, &name, None)?;
    match file.forbidden_in_config_map() {
        None => Ok(Layer::of(Origin::ConfigMap(key.clone()), file)),
        Some(field) => Err(FileError::new(
            name,
            format!("{field} is about credentials or files of this machine: it belongs in the local file"),
        )),
    }
}

/// Reads credentials from Secrets of a cluster, and reaches its Services.
#[derive(Debug, Clone)]
pub struct ClusterSecrets(pub Api);

impl Secrets for ClusterSecrets {
    fn get<'a>(&'a self, of: &'a SecretRef) -> BoxFuture<'a, Result<SecretString, SolveError>> {
        Box::pin(async move {
            let key = Key::new(of.namespace.as_str(), of.name.as_str());
            let found = self.0.get(SECRET, &key).await.map_err(|error| {
                let failed = SolveError::new(format!("cannot read {of}: {}", crate::error::chain(&error))).of_cluster();
                match error.hint() {
                    Some(hint) => failed.hint(hint),
                    None => failed,
                }
            })?;
            let found = found.ok_or_else(|| SolveError::new(format!("there is no Secret {key}")).of_cluster())?;
            let data = found["data"][&of.key].as_str();
            let data = data.ok_or_else(|| SolveError::new(format!("Secret {key} has no key {}", of.key)))?;
            let bytes = BASE64_STANDARD.decode(data).map(Zeroizing::new);
            let text = bytes
                .ok()
                .and_then(|bytes| std::str::from_utf8(&bytes).ok().map(SecretString::from));
            text.ok_or_else(|| SolveError::new(format!("{of} is not text")))
        })
    }

    fn connection(&self) -> Option<&Connection> {
        Some(self.0.connection())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_where_xdg_says() {
        let place = |pairs: &[(&str, &str)]| {
            let get = |name: &str| pairs.iter().find(|(k, _)| *k == name).map(|(_, v)| (*v).to_owned());
            path(None, &get).map(|(path, _)| path.display().to_string())
        };
        let both = [("XDG_CONFIG_HOME", "/x"), ("HOME", "/home/ann")];
        assert_eq!(place(&both).unwrap(), "/x/kubectl-certs/config.yaml");
        let relative = [("XDG_CONFIG_HOME", "x"), ("HOME", "/home/ann")];
        assert_eq!(place(&relative).unwrap(), "/home/ann/.config/kubectl-certs/config.yaml");
        assert_eq!(place(&[("KUBECTL_CERTS_CONFIG", "my.yaml")]).unwrap(), "my.yaml");
        assert_eq!(place(&[]), Err(SettingsError::NoHome));
    }

    #[test]
    fn a_config_map_says_nothing_of_credentials_and_files() {
        let key: Namespaced = "certs/settings".parse().unwrap();
        for (text, field) in [
            ("issuers: {a: {eab: {kid: b, key: {env: C}}}}", "issuers.a.eab"),
            ("issuers: {a: {caFile: /etc/passwd}}", "issuers.a.caFile"),
            (
                "dns01: {providers: [{provider: hook, command: /bin/sh}]}",
                "dns01.providers",
            ),
            ("notify: {slack: {env: SLACK_URL}}", "notify.slack"),
            ("domains: {databaseUrl: {env: DATABASE_URL}}", "domains.databaseUrl"),
            ("domains: {databaseKey: {env: DATABASE_KEY}}", "domains.databaseKey"),
            ("agreeTos: true", "agreeTos"),
            ("storing: {caFiles: [/etc/ca.pem]}", "storing.caFiles"),
            ("trust: [{ca: PEM}]", "trust"),
            ("http01: {allowAddresses: [127.0.0.1]}", "http01.allowAddresses"),
        ] {
            let error = of_config_map(text, &key).unwrap_err().to_string();
            assert!(
                error.starts_with("ConfigMap certs/settings: ") && error.contains(field),
                "{error}"
            );
        }
        let layer = of_config_map("issuers: {corp: {directory: https://ca.corp.example/dir}}", &key).unwrap();
        assert_eq!(layer.origin, Origin::ConfigMap(key.clone()));
        // An installation tells an Alertmanager, whose URL is no credential.
        assert!(of_config_map("notify: {alertmanager: \"http://alertmanager:9093\"}", &key).is_ok());
    }
}
