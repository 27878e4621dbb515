//! Kinds of objects that create Secrets in a cluster: a table of the fields with the names of the Secrets.
//!
//! The fields are those in the projects' documentation. `PushSecret` of External Secrets is not among them, because it
//! sends a Secret elsewhere and creates none.

use serde_json::Value;

use crate::object::{Key, Made, MadeSecret, Text};

/// Where an object of a kind has the name of its Secret. A `*` in a path stands for each element of a list.
struct Row {
    group: &'static str,
    kind: &'static str,
    /// The paths of names. The first that exists counts; a path with a `*` gives all of its names.
    names: &'static [&'static str],
    /// The path of the Secret's namespace. If it is empty, or nothing is there, the object's own namespace applies.
    namespace: &'static str,
    /// Whether the Secret is created in namespaces that the object selects by labels or lists.
    anywhere: bool,
}

const fn own(group: &'static str, kind: &'static str, names: &'static [&'static str]) -> Row {
    let (namespace, anywhere) = ("", false);
    Row {
        group,
        kind,
        names,
        namespace,
        anywhere,
    }
}

const fn placed(
    group: &'static str,
    kind: &'static str,
    names: &'static [&'static str],
    namespace: &'static str,
) -> Row {
    Row {
        namespace,
        ..own(group, kind, names)
    }
}

/// The name of the object itself.
const NAME: &str = "/metadata/name";
const VAULT: &[&str] = &["/spec/destination/name"];

const TABLE: &[Row] = &[
    own("bitnami.com", "SealedSecret", &["/spec/template/metadata/name", NAME]),
    own("external-secrets.io", "ExternalSecret", &["/spec/target/name", NAME]),
    Row {
        anywhere: true,
        ..own(
            "external-secrets.io",
            "ClusterExternalSecret",
            &["/spec/externalSecretSpec/target/name", "/spec/externalSecretName", NAME],
        )
    },
    own("kubernetes-client.io", "ExternalSecret", &[NAME]),
    own("secrets.hashicorp.com", "VaultStaticSecret", VAULT),
    own("secrets.hashicorp.com", "VaultDynamicSecret", VAULT),
    own("secrets.hashicorp.com", "VaultPKISecret", VAULT),
    own("secrets.hashicorp.com", "HCPVaultSecretsApp", VAULT),
    own("onepassword.com", "OnePasswordItem", &[NAME]),
    own(
        "secrets-store.csi.x-k8s.io",
        "SecretProviderClass",
        &["/spec/secretObjects/*/secretName"],
    ),
    own("isindir.github.com", "SopsSecret", &["/spec/secretTemplates/*/name"]),
    own("ricoberger.de", "VaultSecret", &[NAME]),
    own("koudingspawn.de", "Vault", &[NAME]),
    own("redhatcop.redhat.io", "VaultSecret", &["/spec/output/name"]),
    own("spv.no", "AzureKeyVaultSecret", &["/spec/output/secret/name"]),
    placed(
        "secrets.doppler.com",
        "DopplerSecret",
        &["/spec/managedSecret/name"],
        "/spec/managedSecret/namespace",
    ),
    placed(
        "secrets.infisical.com",
        "InfisicalSecret",
        &[
            "/spec/managedSecretReference/secretName",
            "/spec/managedKubeSecretReferences/*/secretName",
        ],
        "/spec/managedSecretReference/secretNamespace",
    ),
    own(
        "secrets.infisical.com",
        "InfisicalStaticSecret",
        &["/spec/targets/*/name"],
    ),
    own("k8s.bitwarden.com", "BitwardenSecret", &["/spec/secretName"]),
    placed(
        "cert.gardener.cloud",
        "Certificate",
        &["/spec/secretRef/name", "/spec/secretName"],
        "/spec/secretRef/namespace",
    ),
    own("secretgen.carvel.dev", "SecretImport", &[NAME]),
    own("secretgen.carvel.dev", "SecretTemplate", &[NAME]),
];

/// Whether objects of a kind may create Secrets, so that their content has to be examined.
pub fn may_make(api_version: &str, kind: &str) -> bool {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    is_kyvernos(group, kind) || TABLE.iter().any(|row| row.group == group && row.kind == kind)
}

fn is_kyvernos(group: &str, kind: &str) -> bool {
    group == "kyverno.io" && matches!(kind, "ClusterPolicy" | "Policy")
}

/// What an object creates; `None` for kinds that create no Secret, and if it has no name.
pub fn made(api_version: &str, kind: &str, object: &Value) -> Option<Made> {
    let group = api_version.split_once('/')?.0;
    let secrets = if is_kyvernos(group, kind) {
        by_kyverno(object)
    } else {
        let row = TABLE.iter().find(|row| row.group == group && row.kind == kind)?;
        by_row(row, object)
    };
    let text = |path| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let made = Made {
        kind: kind.into(),
        by: Key::new(text("/metadata/namespace"), text(NAME)),
        secrets,
    };
    (!made.secrets.is_empty()).then_some(made)
}

/// A Secret that is encrypted with SOPS: the tool that decrypts it creates it in the cluster. `None` if the names are
/// encrypted, too.
pub fn encrypted(namespace: &str, name: &str) -> Option<Made> {
    let plain = |text: &str| !text.starts_with("ENC[");
    (!name.is_empty() && plain(name) && plain(namespace)).then(|| Made {
        kind: Text::const_new("SOPS"),
        by: Key::new(namespace, ""),
        secrets: vec![MadeSecret {
            namespace: Some(namespace.into()),
            name: name.into(),
        }],
    })
}

fn by_row(row: &Row, object: &Value) -> Vec<MadeSecret> {
    let text = |path: &str| {
        object
            .pointer(path)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    let namespace = text(row.namespace).or_else(|| text("/metadata/namespace"));
    let mut names: Vec<&str> = Vec::new();
    for path in row.names {
        match path.split_once("/*") {
            Some((list, rest)) => {
                let elements = object.pointer(list).and_then(Value::as_array).into_iter().flatten();
                names.extend(elements.filter_map(|element| element.pointer(rest)?.as_str()));
            }
            None if names.is_empty() => names.extend(text(path)),
            None => {}
        }
    }
    let made = |name: &str| MadeSecret {
        namespace: (!row.anywhere).then(|| namespace.unwrap_or_default().into()),
        name: name.into(),
    };
    names.into_iter().filter(|name| !name.is_empty()).map(made).collect()
}

/// The Secrets that a Kyverno policy generates, usually in each namespace that matches.
fn by_kyverno(object: &Value) -> Vec<MadeSecret> {
    let rules = object
        .pointer("/spec/rules")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let generated = rules.filter_map(|rule| rule.get("generate"));
    let secrets = generated.filter(|generate| generate.get("kind").and_then(Value::as_str) == Some("Secret"));
    secrets
        .filter_map(|generate| {
            let text = |key| generate.get(key).and_then(Value::as_str);
            let name = text("name").filter(|name| !name.contains("{{"))?;
            let namespace = text("namespace").filter(|namespace| !namespace.contains("{{"));
            Some(MadeSecret {
                namespace: namespace.map(Into::into),
                name: name.into(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(api_version: &str, kind: &str, object: &Value) -> Vec<String> {
        let made = made(api_version, kind, object);
        let secrets = made.into_iter().flat_map(|made| made.secrets);
        secrets
            .map(|s| format!("{}/{}", s.namespace.as_deref().unwrap_or("*"), s.name))
            .collect()
    }

    #[test]
    fn each_kind_says_the_name_in_its_own_place() {
        let meta = json!({"name": "own", "namespace": "shop"});
        for (api_version, kind, spec, expected) in [
            (
                "bitnami.com/v1alpha1",
                "SealedSecret",
                json!({"template": {"metadata": {"name": "tls"}}}),
                "shop/tls",
            ),
            ("bitnami.com/v1alpha1", "SealedSecret", json!({}), "shop/own"),
            (
                "external-secrets.io/v1",
                "ExternalSecret",
                json!({"target": {"name": "tls"}}),
                "shop/tls",
            ),
            (
                "external-secrets.io/v1beta1",
                "ExternalSecret",
                json!({"target": {}}),
                "shop/own",
            ),
            (
                "external-secrets.io/v1",
                "ClusterExternalSecret",
                json!({"externalSecretName": "tls"}),
                "*/tls",
            ),
            (
                "secrets.hashicorp.com/v1beta1",
                "VaultPKISecret",
                json!({"destination": {"name": "tls"}}),
                "shop/tls",
            ),
            (
                "secrets-store.csi.x-k8s.io/v1",
                "SecretProviderClass",
                json!({"secretObjects": [{"secretName": "tls"}, {"type": "Opaque"}]}),
                "shop/tls",
            ),
            (
                "secrets.doppler.com/v1alpha1",
                "DopplerSecret",
                json!({"managedSecret": {"name": "tls", "namespace": "edge"}}),
                "edge/tls",
            ),
            (
                "kyverno.io/v1",
                "ClusterPolicy",
                json!({"rules": [{"generate": {"kind": "Secret", "name": "tls", "namespace": "{{request.object.metadata.name}}"}}]}),
                "*/tls",
            ),
        ] {
            let object = json!({"metadata": meta, "spec": spec});
            assert_eq!(names(api_version, kind, &object), [expected], "{kind}: {spec}");
        }
    }

    #[test]
    fn what_makes_no_secret_makes_none() {
        let object =
            json!({"metadata": {"name": "a"}, "spec": {"rules": [{"generate": {"kind": "ConfigMap", "name": "a"}}]}});
        for (api_version, kind) in [
            ("external-secrets.io/v1", "PushSecret"),
            ("example.com/v1", "SealedSecret"),
            ("kyverno.io/v1", "ClusterPolicy"),
            ("secrets-store.csi.x-k8s.io/v1", "SecretProviderClass"),
            ("v1", "Secret"),
        ] {
            assert!(names(api_version, kind, &object).is_empty(), "{kind}");
        }
        assert!(encrypted("shop", "ENC[AES256_GCM,data:x]").is_none());
        assert!(encrypted("shop", "tls").is_some());
    }
}
