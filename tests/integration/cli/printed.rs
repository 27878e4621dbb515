//! What `helm template`, `kustomize build` and `kubectl get` print.

use super::piped;

#[test]
fn helm_template_is_read() {
    let ran = piped(include_str!("printed/helm.yaml"), &["-o", "json"]).ends_with(0);
    // The Secret is in the cluster or made by cert-manager: its absence here is no alarm.
    assert_eq!(ran.verdict("shop.example"), "info SecretNotFound");
    assert_eq!(ran.items().len(), 1, "an Ingress without TLS is no binding");
    assert!(
        ran.err.contains("skipped 2 objects") && !ran.err.contains("error"),
        "{}",
        ran.err
    );
    let namespaces: Vec<_> = ran.items().iter().map(|i| i["namespace"].clone()).collect();
    assert_eq!(namespaces, ["default"], "a chart names no namespace");
    let there = piped(include_str!("printed/helm.yaml"), &["-o", "json", "-n", "prod"]).ends_with(0);
    assert_eq!(there.items()[0]["namespace"], "prod", "-n is where it will be");
}

#[test]
fn kustomize_build_is_read() {
    let ran = piped(include_str!("printed/kustomize.yaml"), &["-o", "json"]).ends_with(0);
    // A generated Secret has a hash in its name, and its values in data; this one holds no certificate.
    assert_eq!(ran.verdict("blog.example"), "critical InvalidCertificate,InvalidKey");
    assert_eq!(ran.verdict("docs.example"), "critical SecretNotFound");
    assert_eq!(ran.items().len(), 2);
}

#[test]
fn kubectl_get_is_read_as_yaml_and_as_json() {
    let yaml = piped(include_str!("printed/kubectl.yaml"), &["-o", "json"]).ends_with(0);
    assert_eq!(
        yaml.verdict("old.example"),
        "critical MissingData,MissingData",
        "of each key"
    );
    let value: serde_json::Value = serde_saphyr::from_str(include_str!("printed/kubectl.yaml")).expect("YAML");
    let json = piped(&value.to_string(), &["-o", "json"]).ends_with(0);
    assert_eq!(json.items(), yaml.items());
    let pretty = serde_json::to_string_pretty(&value).expect("JSON");
    assert_eq!(piped(&pretty, &["-o", "json"]).ends_with(0).items(), yaml.items());
    // As Windows and editors store it: with a byte order mark and carriage returns.
    let windows = format!("\u{feff}{}", include_str!("printed/kubectl.yaml").replace('\n', "\r\n"));
    assert_eq!(piped(&windows, &["-o", "json"]).ends_with(0).items(), yaml.items());
}
