//! Who else would give certificates to the same routes: cert-manager with a default issuer, or another installation.

use serde::Deserialize;
use serde_json::Value;

use super::{FOLLOWS, LABEL_INSTANCE, Scope};
use crate::object::{Key, annotation::TLS_ACME};

/// The part of cert-manager's configuration file that says so (controller.config.cert-manager.io/v1alpha1,
/// `pkg/apis/config/controller/v1alpha1/types.go`).
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Configuration {
    ingress_shim_config: Shim,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Shim {
    default_issuer_name: String,
    default_auto_certificate_annotations: Option<Vec<String>>,
}

/// What a Deployment of cert-manager's controller says of its default issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shimmed {
    /// It has one, with this name.
    By(String),
    /// A file says, which is in this `ConfigMap`, or in nothing that is known.
    File(Option<Key>),
    /// It has none, or it is not cert-manager's.
    No,
}

/// The name of the image of cert-manager's controller, whatever its registry.
const CONTROLLER_IMAGE: &str = "cert-manager-controller";

/// Reads the flags of cert-manager's controller (`--default-issuer-name`, `--auto-certificate-annotations`, `--config`;
/// its chart gives either of them, `deploy/charts/cert-manager/templates/deployment.yaml`). Without a default issuer the
/// annotation alone gets no certificate (`pkg/controller/certificate-shim/sync.go`).
pub fn shimmed(deployment: &Value) -> Shimmed {
    let pod = &deployment["spec"]["template"]["spec"];
    let namespace = deployment["metadata"]["namespace"].as_str().unwrap_or_default();
    let containers = pod["containers"].as_array().into_iter().flatten();
    for container in containers {
        let image = container["image"].as_str().unwrap_or_default();
        let words = words(container);
        let name = flag(&words, "--default-issuer-name").filter(|name| !name.is_empty());
        if name.is_none() && !image.contains(CONTROLLER_IMAGE) {
            continue;
        }
        if flag(&words, "--auto-certificate-annotations").is_some_and(|all| !all.split(',').any(|one| one == TLS_ACME))
        {
            continue;
        }
        // The loop that reads the annotation may be switched off.
        if flag(&words, "--controllers").is_some_and(|all| all.split(',').any(|one| one == "-ingress-shim")) {
            continue;
        }
        // A flag is stronger than the file.
        if let Some(name) = name {
            return Shimmed::By(name.to_owned());
        }
        if let Some(path) = flag(&words, "--config").filter(|path| !path.is_empty()) {
            return Shimmed::File(config_map(pod, container, path).map(|name| Key::new(namespace, name)));
        }
    }
    Shimmed::No
}

/// The default issuer of a configuration file; `None` if it has none, or leaves the annotation alone.
pub fn default_issuer(file: &str) -> Option<String> {
    let Configuration { ingress_shim_config } = serde_saphyr::from_str(file).ok()?;
    let annotations = ingress_shim_config.default_auto_certificate_annotations;
    if annotations.is_some_and(|all| !all.iter().any(|one| one == TLS_ACME)) {
        return None;
    }
    Some(ingress_shim_config.default_issuer_name).filter(|name| !name.is_empty())
}

fn words(container: &Value) -> Vec<&str> {
    ["command", "args"]
        .iter()
        .flat_map(|field| container[*field].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect()
}

/// The value of a flag, with one dash or two, joined or as the next word. The last one counts.
fn flag<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    let bare = name.trim_start_matches('-');
    let mut found = None;
    for (at, word) in words.iter().enumerate() {
        let Some(rest) = word.strip_prefix('-').map(|rest| rest.trim_start_matches('-')) else {
            continue;
        };
        if rest == bare {
            found = words.get(at + 1).copied();
        } else if let Some(value) = rest.strip_prefix(bare).and_then(|rest| rest.strip_prefix('=')) {
            found = Some(value);
        }
    }
    found
}

/// The `ConfigMap` that a container has mounted where a path is.
fn config_map<'a>(pod: &'a Value, container: &'a Value, path: &str) -> Option<&'a str> {
    let mounts = container["volumeMounts"].as_array().into_iter().flatten();
    let mount = mounts
        .filter(|mount| mount["mountPath"].as_str().is_some_and(|at| path.starts_with(at)))
        .max_by_key(|mount| mount["mountPath"].as_str().map(str::len))?;
    let mut volumes = pod["volumes"].as_array().into_iter().flatten();
    volumes.find(|volume| volume["name"] == mount["name"])?["configMap"]["name"].as_str()
}

/// What another installation's Deployment and this one both follow: `namespace shop`. `None` if it is this one, or they
/// have nothing in common.
pub fn follows_too(deployment: &Value, instance: &str, scope: &Scope) -> Option<String> {
    let metadata = &deployment["metadata"];
    let other = metadata["labels"][LABEL_INSTANCE].as_str().unwrap_or_default();
    // A chart's release may be called otherwise than its namespace.
    if other == instance || metadata["namespace"] == instance {
        return None;
    }
    let follows = metadata["annotations"][FOLLOWS].as_str()?;
    scope.common(&Scope::read(follows))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(image: &str, args: &[&str]) -> Value {
        json!({
            "metadata": {"namespace": "cert-manager", "name": "cert-manager"},
            "spec": {"template": {"spec": {
                "containers": [{
                    "image": image, "args": args,
                    "volumeMounts": [{"name": "config", "mountPath": "/var/cert-manager/config"}],
                }],
                "volumes": [{"name": "config", "configMap": {"name": "cert-manager"}}],
            }}},
        })
    }

    #[test]
    fn a_default_issuer_is_found_in_flags_and_in_the_file() {
        let image = "quay.io/jetstack/cert-manager-controller:v1.21.2";
        let by = |name: &str| Shimmed::By(name.to_owned());
        let file = Shimmed::File(Some(Key::new("cert-manager", "cert-manager")));
        for (args, expected) in [
            (&["--v=2", "--default-issuer-name=letsencrypt"][..], by("letsencrypt")),
            (&["--default-issuer-name", "letsencrypt"], by("letsencrypt")),
            (&["-default-issuer-name=le"], by("le")),
            (&["--config=/var/cert-manager/config/config.yaml"], file.clone()),
            (
                &[
                    "--default-issuer-name=",
                    "--config=/var/cert-manager/config/config.yaml",
                ],
                file,
            ),
            (&["--config=/elsewhere.yaml"], Shimmed::File(None)),
            (&["--v=2", "--default-issuer-kind=ClusterIssuer"], Shimmed::No),
            (
                &[
                    "--default-issuer-name=le",
                    "--auto-certificate-annotations=example.com/tls",
                ],
                Shimmed::No,
            ),
            (
                &["--default-issuer-name=le", "--controllers=*,-ingress-shim"],
                Shimmed::No,
            ),
        ] {
            assert_eq!(shimmed(&deployment(image, args)), expected, "{args:?}");
        }
        // Other programs have a flag of the same name too.
        let other = deployment(
            "registry.example/other:1",
            &["--config=/var/cert-manager/config/config.yaml"],
        );
        assert_eq!(shimmed(&other), Shimmed::No);
    }

    #[test]
    fn the_file_names_its_default_issuer() {
        let file = "apiVersion: controller.config.cert-manager.io/v1alpha1\nkind: ControllerConfiguration\nlogging: {verbosity: 2}\n\
                    ingressShimConfig: {defaultIssuerName: le, defaultIssuerKind: ClusterIssuer}\n";
        assert_eq!(default_issuer(file).as_deref(), Some("le"));
        for file in [
            "",
            "ingressShimConfig: {}",
            "a: [",
            "ingressShimConfig: {defaultIssuerName: le, defaultAutoCertificateAnnotations: [x]}",
        ] {
            assert_eq!(default_issuer(file), None, "{file}");
        }
    }

    #[test]
    fn installations_that_have_no_namespace_in_common_do_not_see_each_other() {
        let other = |follows: &str| {
            json!({"metadata": {
                "namespace": "certs-dev", "labels": {LABEL_INSTANCE: "certs-dev"}, "annotations": {FOLLOWS: follows},
            }})
        };
        let ours = Scope::of(&["blog".to_owned(), "shop".to_owned()]);
        assert_eq!(follows_too(&other("dev,test"), "certs", &ours), None);
        assert_eq!(
            follows_too(&other("dev,shop"), "certs", &ours).as_deref(),
            Some("namespace shop")
        );
        assert_eq!(
            follows_too(&other("*"), "certs", &ours).as_deref(),
            Some("namespace blog")
        );
        assert_eq!(
            follows_too(&other("*"), "certs", &Scope::Cluster).as_deref(),
            Some("all namespaces")
        );
        assert_eq!(follows_too(&other("*"), "certs-dev", &Scope::Cluster), None);
        let unknown = json!({"metadata": {"namespace": "x"}});
        assert_eq!(follows_too(&unknown, "certs", &Scope::Cluster), None);
    }
}
