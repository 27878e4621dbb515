//! Errors before the first request to a server: kubeconfig, context, credentials.

use crate::error::{Blame, Diagnose};
use std::{fmt::Write as _, path::PathBuf};

/// Why there is no connection. The messages fit "failed to connect: ...".
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// There is no kubeconfig, and the program does not run in a Pod.
    #[error("no kubeconfig found (looked for {}), and this is not a Pod", list(tried))]
    NoKubeconfig {
        /// The files that were looked for.
        tried: Vec<PathBuf>,
    },
    /// A kubeconfig cannot be read.
    #[error("cannot read the kubeconfig {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error.
        source: std::io::Error,
    },
    /// A kubeconfig is invalid. Its text is not shown, because it contains credentials.
    #[error("{} is not a kubeconfig: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// There is no context with that name.
    #[error("no context {name:?}{}", nearest.as_ref().map(|n| format!("; did you mean {n:?}?")).unwrap_or_default())]
    NoContext {
        /// The requested name.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
        /// The names of all contexts.
        known: Vec<String>,
    },
    /// No context was named, and the kubeconfig has no current one.
    #[error("no context chosen, and the kubeconfig has no current-context")]
    NoCurrentContext {
        /// The names of all contexts.
        known: Vec<String>,
    },
    /// The context or a flag names a cluster that is not in the kubeconfig.
    #[error("no cluster {name:?} in the kubeconfig")]
    NoCluster {
        /// The name.
        name: String,
        /// The names of all clusters.
        known: Vec<String>,
    },
    /// A flag names a user who is not in the kubeconfig.
    #[error("no user {name:?} in the kubeconfig")]
    NoUser {
        /// The name.
        name: String,
        /// The names of all users.
        known: Vec<String>,
    },
    /// The cluster has no server.
    #[error("the cluster {name:?} has no server in the kubeconfig")]
    NoServer {
        /// The cluster's name.
        name: String,
    },
    /// The URL of the server is invalid.
    #[error("{server:?} is not the URL of a server")]
    BadServer {
        /// The text in place of the URL.
        server: String,
    },
    /// The certificates of the authority cannot be read.
    #[error("cannot read the cluster's authority from {from}: {cause}")]
    BadAuthority {
        /// The file or field.
        from: String,
        /// The error.
        cause: String,
    },
    /// The URL of a proxy cannot be used. It is not shown, because it may contain a password.
    #[error("cannot use the proxy of {from}: {cause}")]
    BadProxy {
        /// The variable or field.
        from: &'static str,
        /// What is wrong.
        cause: &'static str,
    },
    /// Credentials in the kubeconfig cannot be used.
    #[error("cannot use the credentials of {user:?}: {cause}")]
    BadCredentials {
        /// The user.
        user: String,
        /// What is wrong.
        cause: String,
    },
    /// `--as-group` or `--as-uid` without `--as`.
    #[error("a group or uid to act as needs a user to act as")]
    GroupWithoutUser,
    /// The login plugin is not installed.
    #[error("the login plugin {command:?} of {user:?} is not installed")]
    PluginMissing {
        /// The command.
        command: String,
        /// The user.
        user: String,
        /// The kubeconfig's installHint.
        install_hint: Option<String>,
    },
    /// The login plugin requires a terminal.
    #[error("the login plugin {command:?} of {user:?} needs a terminal")]
    PluginNeedsTerminal {
        /// The command.
        command: String,
        /// The user.
        user: String,
    },
    /// The login plugin failed.
    #[error("the login plugin {command:?} of {user:?} failed: {cause}")]
    PluginFailed {
        /// The command.
        command: String,
        /// The user.
        user: String,
        /// How it failed.
        cause: String,
    },
}

impl Diagnose for ConnectError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoKubeconfig { .. } => "name one with --kubeconfig or KUBECONFIG, or read manifests with -f".into(),
            Self::Unreadable { .. } | Self::Invalid { .. } => {
                "`kubectl config view --kubeconfig FILE` reads the same file".into()
            }
            Self::NoContext { known, .. } | Self::NoCurrentContext { known } => match known.as_slice() {
                [] => "the kubeconfig has no contexts at all; is it the right file (--kubeconfig)?".into(),
                known => format!("choose one with --context: {}", some(known)),
            },
            Self::NoCluster { known, .. } => format!("the kubeconfig has these clusters: {}", some(known)),
            Self::NoUser { known, .. } => format!("the kubeconfig has these users: {}", some(known)),
            Self::NoServer { .. } | Self::BadServer { .. } => {
                "set it in the kubeconfig (`kubectl config set-cluster`), or name it with --server".into()
            }
            Self::BadAuthority { .. } => "fetch a new kubeconfig, or name a file with --certificate-authority".into(),
            Self::BadProxy { .. } => "write it as http://HOST:PORT, https://HOST:PORT or socks5://HOST:PORT".into(),
            Self::BadCredentials { .. } => "log in again, or fetch a new kubeconfig".into(),
            Self::GroupWithoutUser => "add --as USER".into(),
            Self::PluginMissing {
                install_hint, command, ..
            } => match install_hint {
                // The installHint of the kubeconfig may have several lines.
                Some(words) => words.split_whitespace().collect::<Vec<_>>().join(" "),
                None => format!("install {command:?}, or put it on the PATH"),
            },
            Self::PluginNeedsTerminal { .. } => "log in once on a terminal, then run this again".into(),
            Self::PluginFailed { command, .. } => {
                let program = command.rsplit(['/', '\\']).next().unwrap_or(command);
                match program.trim_end_matches(".exe") {
                    "aws" | "aws-iam-authenticator" => {
                        "log in again: `aws sso login`, or renew the AWS credentials".into()
                    }
                    "gke-gcloud-auth-plugin" | "gcloud" => "log in again: `gcloud auth login`".into(),
                    "kubelogin" | "az" => "log in again: `az login`".into(),
                    "tsh" => "log in again: `tsh login`".into(),
                    _ => "log in again; the plugin's own message is above".into(),
                }
            }
        })
    }

    fn blame(&self) -> Blame {
        Blame::Cluster
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths
        .iter()
        .map(|p| p.display().to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The first ten names, and how many more there are.
fn some(names: &[String]) -> String {
    let mut out = names.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > 10 {
        let _ = write!(out, " and {} more", names.len() - 10);
    }
    out
}
