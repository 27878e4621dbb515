//! What people use otherwise: curl as the yardstick, kubectl, and a loop of jq and openssl.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::Result;

/// Of how many Secrets the loop is measured.
const LOOPED: usize = 200;

/// curl with the kubeconfig's credentials.
pub(crate) struct Curl(Vec<String>);

impl Curl {
    /// Writes the credentials below `scratch`, which the user alone can read.
    pub(crate) fn new(scratch: &Path) -> Result<Self> {
        let view = output("kubectl", &["config", "view", "--raw", "--minify", "-o", "json"])?;
        let config: Value = serde_json::from_str(&view)?;
        let (cluster, user) = (&config["clusters"][0]["cluster"], &config["users"][0]["user"]);
        let file = |of: &Value, field: &str| -> Result<PathBuf> {
            if let Some(path) = of[field].as_str() {
                return Ok(path.into());
            }
            let data = of[format!("{field}-data")]
                .as_str()
                .ok_or_else(|| format!("the kubeconfig has no {field}"))?;
            let path = scratch.join(field);
            fs::write(&path, STANDARD.decode(data)?)?;
            Ok(path)
        };
        let server = cluster["server"].as_str().ok_or("the kubeconfig has no server")?;
        let mut command: Vec<String> = ["curl", "-sSf", "-A", "bench/1"].map(str::to_owned).into();
        for (flag, path) in [
            ("--cacert", file(cluster, "certificate-authority")?),
            ("--cert", file(user, "client-certificate")?),
            ("--key", file(user, "client-key")?),
        ] {
            command.extend([flag.to_owned(), path.display().to_string()]);
        }
        // One connection, one list after the other.
        for list in [
            "/api/v1/secrets?fieldSelector=type%3Dkubernetes.io%2Ftls",
            "/apis/networking.k8s.io/v1/ingresses",
        ] {
            command.extend(["-o".to_owned(), "/dev/null".to_owned(), format!("{server}{list}")]);
        }
        Ok(Self(command))
    }

    pub(crate) fn command(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

/// How long the loop takes for so many Secrets, scaled from 200 of them; reading them is not counted.
pub(crate) fn shell_loop(scratch: &Path, secrets: usize) -> Result<f64> {
    let file = scratch.join("secrets.json");
    let namespace = super::load::namespaces().swap_remove(1);
    let selector = ["--field-selector", "type=kubernetes.io/tls", "-o", "json"];
    let list = output(
        "kubectl",
        &[&["get", "secret", "-n", namespace.as_str()][..], &selector].concat(),
    )?;
    let mut list: Value = serde_json::from_str(&list)?;
    let items = list["items"].as_array_mut().ok_or("kubectl printed no list")?;
    items.truncate(LOOPED);
    let count = items.len().max(1);
    fs::write(&file, serde_json::to_vec(&list)?)?;
    let script = r#"
        jq -r '.items[] | [.metadata.namespace, .metadata.name, .data["tls.crt"], .data["tls.key"]] | @tsv' "$1" |
        while IFS=$'\t' read -r namespace name crt key; do
          end=$(base64 -d <<<"$crt" | openssl x509 -noout -enddate | cut -d= -f2)
          names=$(base64 -d <<<"$crt" | openssl x509 -noout -ext subjectAltName | tail -1)
          one=$(base64 -d <<<"$crt" | openssl x509 -noout -pubkey | sha256sum)
          two=$(base64 -d <<<"$key" | openssl pkey -pubout | sha256sum)
          [ "$one" = "$two" ] || echo "$namespace/$name: wrong key"
          base64 -d <<<"$crt" | openssl x509 -noout -checkend 0 >/dev/null || echo "$namespace/$name: expired"
          echo "$namespace/$name $end $names"
        done"#;
    let begin = Instant::now();
    let path = file.display().to_string();
    output("bash", &["-c", script, "loop", &path])?;
    let taken = begin.elapsed().as_secs_f64();
    #[allow(clippy::cast_precision_loss)]
    Ok(taken / count as f64 * secrets as f64)
}

/// What a command prints.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let out = Command::new(program).args(arguments).output()?;
    if !out.status.success() {
        let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
        return Err(format!("{program} ended with {}: {stderr}", out.status).into());
    }
    Ok(String::from_utf8(out.stdout)?)
}
