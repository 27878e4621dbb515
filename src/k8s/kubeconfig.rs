//! Selects the cluster, user and namespace by kubectl's rules.
//!
//! `--kubeconfig` is one file that must exist. `KUBECONFIG` is a list in which missing files are skipped; of two
//! entries with one name, the first one counts completely. Otherwise `~/.kube/config` is read. Inside a Pod its service
//! account is used, if none of these exists and no flag names a server, context, cluster or user.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, KubeconfigError};

use super::{connect::ConnectOptions, problem::ConnectError};
use crate::{
    file,
    text::{nearest_name, without_user},
};

/// The selected cluster, user and namespace.
pub(super) struct Chosen {
    pub(super) context: String,
    /// Whether it is the context that applies without `--context`.
    pub(super) is_current: bool,
    pub(super) cluster_name: String,
    pub(super) user: String,
    pub(super) namespace: String,
    pub(super) server: String,
    pub(super) cluster: Cluster,
    pub(super) auth: AuthInfo,
    /// Whether a token given by a flag takes precedence over the token file and plugin of the user.
    pub(super) token_first: bool,
    /// The file of the authority, which may change while a Pod runs.
    pub(super) root_file: Option<PathBuf>,
}

impl fmt::Debug for Chosen {
    /// Omits the credentials in the URL of the server and in the user's entry.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chosen")
            .field("context", &self.context)
            .field("cluster_name", &self.cluster_name)
            .field("user", &self.user)
            .field("namespace", &self.namespace)
            .field("server", &without_user(&self.server))
            .finish_non_exhaustive()
    }
}

/// Where files and variables are looked for; tests have their own.
pub(super) struct Surroundings {
    pub(super) kubeconfig: Option<std::ffi::OsString>,
    pub(super) home: Option<PathBuf>,
    pub(super) pod_address: Option<(String, String)>,
    pub(super) pod_files: PathBuf,
}

impl Surroundings {
    pub(super) fn real() -> Self {
        let set = |name| std::env::var(name).ok().filter(|v: &String| !v.is_empty());
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG").filter(|v| !v.is_empty()),
            home: std::env::home_dir(),
            pod_address: set("KUBERNETES_SERVICE_HOST").zip(set("KUBERNETES_SERVICE_PORT")),
            pod_files: PathBuf::from("/var/run/secrets/kubernetes.io/serviceaccount"),
        }
    }
}

/// Reads the kubeconfigs, and selects.
pub(super) fn choose(options: &ConnectOptions, around: &Surroundings) -> Result<Chosen, ConnectError> {
    if options.as_user.is_none() && (options.as_uid.is_some() || !options.as_groups.is_empty()) {
        return Err(ConnectError::GroupWithoutUser);
    }
    let paths = paths(options, around);
    let mut merged: Option<Kubeconfig> = None;
    for path in &paths {
        let Some(mut next) = read(path, options.kubeconfig.is_some())? else {
            continue;
        };
        next.current_context = next.current_context.filter(|name| !name.is_empty());
        merged = Some(match merged {
            None => next,
            Some(before) => before.merge(next).map_err(|e| ConnectError::Invalid {
                path: path.clone(),
                problem: e.to_string(),
            })?,
        });
    }
    let named =
        options.server.is_some() || options.context.is_some() || options.cluster.is_some() || options.user.is_some();
    let empty = merged
        .as_ref()
        .is_none_or(|c| c.clusters.is_empty() && c.contexts.is_empty() && c.auth_infos.is_empty());
    if empty && !named {
        return match pod(around)? {
            Some(chosen) => with_flags(chosen, options),
            None => Err(ConnectError::NoKubeconfig { tried: paths }),
        };
    }
    if merged.is_none() && options.server.is_none() {
        return Err(ConnectError::NoKubeconfig { tried: paths });
    }
    with_flags(from_file(&merged.unwrap_or_default(), options)?, options)
}

/// The names of all contexts, sorted; empty if no kubeconfig can be read.
pub fn contexts(options: &ConnectOptions) -> Vec<String> {
    let around = Surroundings::real();
    let merged = paths(options, &around)
        .iter()
        .fold(None, |merged: Option<Kubeconfig>, path| {
            match (merged, read(path, false).ok().flatten()) {
                (Some(before), Some(next)) => before.merge(next).ok(),
                (merged, next) => merged.or(next),
            }
        });
    let mut names: Vec<String> = merged
        .map(|config| config.contexts.into_iter().map(|context| context.name).collect())
        .unwrap_or_default();
    names.sort();
    names.dedup();
    names
}

/// The namespace of the context; `None` if no kubeconfig has one.
pub fn context_namespace(options: &ConnectOptions) -> Option<String> {
    choose(options, &Surroundings::real())
        .ok()
        .map(|chosen| chosen.namespace)
}

/// A key for a cluster and a user of it, for what is kept between runs. `None` if no kubeconfig can be read.
pub fn cluster_key(options: &ConnectOptions) -> Option<String> {
    let chosen = choose(options, &Surroundings::real()).ok()?;
    let who = (&chosen.user, &options.as_user, &options.as_uid, &options.as_groups);
    Some(format!(
        "{}\n{}\n{}\n{who:?}",
        without_user(&chosen.server),
        chosen.context,
        chosen.namespace
    ))
}

/// The paths of the kubeconfigs.
fn paths(options: &ConnectOptions, around: &Surroundings) -> Vec<PathBuf> {
    match (&options.kubeconfig, &around.kubeconfig, &around.home) {
        (Some(path), ..) => vec![path.clone()],
        (None, Some(list), _) => std::env::split_paths(list)
            .filter(|p| !p.as_os_str().is_empty())
            .collect(),
        (None, None, Some(home)) => vec![home.join(".kube").join("config")],
        (None, None, None) => Vec::new(),
    }
}

/// Reads a kubeconfig. One that comes from a pipe has to name other files by absolute paths.
fn whole(path: &Path) -> Result<Kubeconfig, KubeconfigError> {
    let failed = |error: file::ReadError| KubeconfigError::ReadConfig(error.into(), path.to_owned());
    if std::fs::metadata(path).is_ok_and(|about| !about.is_file() && !about.is_dir()) {
        let text = file::read_text(path, file::SMALL).map_err(failed)?;
        return Kubeconfig::from_yaml(&text);
    }
    if path.is_file() {
        file::check(path, file::SMALL).map_err(failed)?;
    }
    Kubeconfig::read_from(path)
}

/// Reads one file; `None` if it does not exist and is not required.
fn read(path: &Path, required: bool) -> Result<Option<Kubeconfig>, ConnectError> {
    let invalid = |problem: String| ConnectError::Invalid {
        path: path.to_owned(),
        problem,
    };
    match whole(path) {
        Ok(config) => Ok(Some(config)),
        Err(KubeconfigError::ReadConfig(e, _)) if e.kind() == std::io::ErrorKind::NotFound && !required => Ok(None),
        Err(KubeconfigError::ReadConfig(source, path)) => Err(ConnectError::Unreadable { path, source }),
        // The messages of the parser quote the file, which has keys and tokens. Only the place is kept.
        Err(KubeconfigError::Parse(e)) => Err(invalid(match e.location() {
            Some(at) => format!("its YAML is wrong at line {}, column {}", at.line(), at.column()),
            None => "its YAML is wrong".to_owned(),
        })),
        Err(other) => Err(invalid(other.to_string())),
    }
}

fn from_file(config: &Kubeconfig, options: &ConnectOptions) -> Result<Chosen, ConnectError> {
    let contexts: Vec<String> = config.contexts.iter().map(|c| c.name.clone()).collect();
    let name = options
        .context
        .clone()
        .filter(|n| !n.is_empty())
        .or_else(|| config.current_context.clone());
    let context: Context = match &name {
        Some(name) => match config.contexts.iter().find(|c| c.name == *name) {
            Some(found) => found.context.clone().unwrap_or_default(),
            None => {
                return Err(ConnectError::NoContext {
                    name: name.clone(),
                    nearest: nearest_name(name, contexts.iter().map(String::as_str)).map(str::to_owned),
                    known: contexts,
                });
            }
        },
        None if options.server.is_some() || options.cluster.is_some() => Context::default(),
        None => return Err(ConnectError::NoCurrentContext { known: contexts }),
    };
    let cluster_name = options.cluster.clone().unwrap_or_else(|| context.cluster.clone());
    let cluster = config
        .clusters
        .iter()
        .find(|c| c.name == cluster_name)
        .and_then(|c| c.cluster.clone());
    let cluster = match cluster {
        Some(cluster) => cluster,
        None if options.server.is_some() && options.cluster.is_none() => Cluster::default(),
        None => {
            let known = config.clusters.iter().map(|c| c.name.clone()).collect();
            return Err(ConnectError::NoCluster {
                name: cluster_name,
                known,
            });
        }
    };
    let user = options
        .user
        .clone()
        .or_else(|| context.user.clone())
        .unwrap_or_default();
    let auth = match config.auth_infos.iter().find(|u| u.name == user) {
        Some(found) => found.auth_info.clone().unwrap_or_default(),
        // As in client-go: only a user that a flag names has to exist; otherwise requests are anonymous.
        None if options.user.is_some() => {
            let known = config.auth_infos.iter().map(|u| u.name.clone()).collect();
            return Err(ConnectError::NoUser { name: user, known });
        }
        None => AuthInfo::default(),
    };
    Ok(Chosen {
        is_current: name == config.current_context,
        context: name.unwrap_or_default(),
        cluster_name,
        user,
        namespace: context
            .namespace
            .filter(|n| !n.is_empty())
            .unwrap_or_else(|| "default".to_owned()),
        server: cluster.server.clone().unwrap_or_default(),
        cluster,
        auth,
        token_first: false,
        root_file: None,
    })
}

/// The service account of a Pod; `None` outside of a Pod.
fn pod(around: &Surroundings) -> Result<Option<Chosen>, ConnectError> {
    let Some((host, port)) = &around.pod_address else {
        return Ok(None);
    };
    let [token, authority, namespace] = ["token", "ca.crt", "namespace"].map(|name| around.pod_files.join(name));
    if !token.is_file() {
        return Ok(None);
    }
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let namespace = match file::read_text(&namespace, file::SMALL) {
        Ok(text) => text.trim().to_owned(),
        Err(error) => {
            return Err(ConnectError::Unreadable {
                path: namespace,
                source: error.into(),
            });
        }
    };
    Ok(Some(Chosen {
        is_current: true,
        context: "in-cluster".to_owned(),
        cluster_name: "in-cluster".to_owned(),
        user: "service account".to_owned(),
        namespace,
        server: format!("https://{host}:{port}"),
        cluster: Cluster {
            certificate_authority: Some(path(&authority)),
            ..Cluster::default()
        },
        auth: AuthInfo {
            token_file: Some(path(&token)),
            ..AuthInfo::default()
        },
        token_first: false,
        root_file: Some(authority),
    }))
}

/// Applies the flags, which take precedence over the kubeconfig.
fn with_flags(mut chosen: Chosen, options: &ConnectOptions) -> Result<Chosen, ConnectError> {
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    let (cluster, auth) = (&mut chosen.cluster, &mut chosen.auth);
    if let Some(server) = &options.server {
        // As in client-go: the name to verify belongs to the server for which it was written.
        cluster.tls_server_name = None;
        chosen.server.clone_from(server);
    }
    if let Some(path) = &options.certificate_authority {
        cluster.certificate_authority_data = None;
        cluster.certificate_authority = Some(text(path));
        chosen.root_file = None;
    }
    if options.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
    }
    if let Some(name) = &options.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
    if let Some(path) = &options.client_certificate {
        auth.client_certificate_data = None;
        auth.client_certificate = Some(text(path));
    }
    if let Some(path) = &options.client_key {
        auth.client_key_data = None;
        auth.client_key = Some(text(path));
    }
    if let Some(token) = &options.token {
        auth.token = Some(token.clone());
        chosen.token_first = true;
    }
    if let Some(user) = &options.as_user {
        auth.impersonate = Some(user.clone());
        auth.impersonate_uid.clone_from(&options.as_uid);
        auth.impersonate_groups = Some(options.as_groups.clone()).filter(|groups| !groups.is_empty());
    }
    if let Some(acting) = auth.impersonate.as_ref().filter(|name| !name.is_empty()) {
        chosen.user = format!("{} as {acting}", chosen.user);
    }
    if chosen.server.is_empty() {
        return Err(ConnectError::NoServer {
            name: chosen.cluster_name,
        });
    }
    // As in client-go: without a scheme the server is plain HTTP, unless there are settings for TLS.
    if !chosen.server.contains("://") {
        let tls = cluster.certificate_authority.is_some()
            || cluster.certificate_authority_data.is_some()
            || cluster.insecure_skip_tls_verify == Some(true)
            || auth.client_certificate.is_some()
            || auth.client_certificate_data.is_some();
        chosen.server = format!("{}://{}", if tls { "https" } else { "http" }, chosen.server);
    }
    cluster.server = Some(chosen.server.clone());
    Ok(chosen)
}

#[cfg(test)]
mod tests;
