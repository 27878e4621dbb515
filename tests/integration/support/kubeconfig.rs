//! Kubeconfigs for the testbed's server that differ from the admin's in what a test needs.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::cluster::kubectl;

/// The admin's kubeconfig, whole.
pub(crate) fn admin() -> Value {
    serde_json::from_str(&kubectl(&["config", "view", "--raw", "--flatten", "-o", "json"])).unwrap()
}

/// The admin's, with another server and, where that server is no longer the one the certificate names, the name.
pub(crate) fn with_server(server: &str) -> Value {
    let mut config = admin();
    config["clusters"][0]["cluster"]["server"] = json!(server);
    if server.starts_with("https:") {
        config["clusters"][0]["cluster"]["tls-server-name"] = json!("kubernetes.default");
    }
    config
}

/// The admin's, with another user.
pub(crate) fn with_user(user: &Value) -> Value {
    let mut config = admin();
    config["users"][0]["user"] = user.clone();
    config
}

/// Writes a kubeconfig. Returns its path.
pub(crate) fn write(dir: &Path, name: &str, config: &Value) -> PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, config.to_string()).unwrap();
    path
}
