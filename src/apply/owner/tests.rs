use serde_json::json;

use super::*;

const SLOTS: [&str; 2] = ["tls.crt", "tls.key"];

fn secret(meta: &Value) -> Value {
    json!({"kind": "Secret", "metadata": meta})
}

fn who(meta: &Value) -> String {
    of_secret(&secret(meta), SLOTS).map_or_else(|| "nobody".into(), |owner| owner.who)
}

fn writes(manager: &str, operation: &str, fields: &Value) -> Value {
    json!({"managedFields": [{"manager": manager, "operation": operation, "fieldsV1": fields}]})
}

#[test]
fn each_owner_is_known_by_what_it_leaves() {
    for (meta, expected) in [
        (json!({}), "nobody"),
        (
            json!({"annotations": {"cert-manager.io/certificate-name": "web"}}),
            "cert-manager (Certificate web)",
        ),
        (
            json!({"labels": {"controller.cert-manager.io/fao": "true"}}),
            "cert-manager",
        ),
        (
            json!({"ownerReferences": [{"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "name": "web", "controller": true}]}),
            "cert-manager (Certificate web)",
        ),
        (
            json!({"ownerReferences": [{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "tls", "controller": true}]}),
            "Sealed Secrets (SealedSecret tls)",
        ),
        (
            json!({"annotations": {"sealedsecrets.bitnami.com/managed": "true"}}),
            "Sealed Secrets",
        ),
        (
            json!({"ownerReferences": [{"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "tls", "controller": true}]}),
            "External Secrets (ExternalSecret tls)",
        ),
        (
            json!({"labels": {"reconcile.external-secrets.io/managed": "true"}}),
            "External Secrets",
        ),
        (
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:/Secret:shop/shop-tls"}}),
            "Argo CD (Application shop)",
        ),
        (
            json!({"labels": {"argocd.argoproj.io/instance": "shop"}}),
            "Argo CD (Application shop)",
        ),
        (
            json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}),
            "Flux (Kustomization apps)",
        ),
        (
            json!({"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}),
            "Flux (HelmRelease shop)",
        ),
        (
            json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "shop"}}),
            "Helm (release shop)",
        ),
        (json!({"labels": {"app.kubernetes.io/managed-by": "Helm"}}), "Helm"),
        (
            json!({"labels": {"app.kubernetes.io/managed-by": "terraform"}}),
            "Terraform",
        ),
        (writes("HashiCorp", "Update", &json!({"f:type": {}})), "Terraform"),
        (
            json!({"annotations": {"reflector.v1.k8s.emberstack.com/reflects": "certs/wildcard"}}),
            "Reflector, which copies certs/wildcard here",
        ),
        // The original of a copy has no owner.
        (
            json!({"annotations": {"reflector.v1.k8s.emberstack.com/reflection-allowed": "true"}}),
            "nobody",
        ),
        (
            json!({"annotations": {"replicator.v1.mittwald.de/replicate-from": "certs/wildcard"}}),
            "kubernetes-replicator, which copies certs/wildcard here",
        ),
        (
            json!({"annotations": {"service.beta.openshift.io/originating-service-name": "web"}}),
            "OpenShift's service CA (Service web)",
        ),
        (
            json!({"ownerReferences": [{"apiVersion": "x.example/v1", "kind": "Tenant", "name": "shop", "controller": true}]}),
            "Tenant shop",
        ),
        // An owner that only serves garbage collection does not write.
        (
            json!({"ownerReferences": [{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "name": "web"}]}),
            "nobody",
        ),
        (
            json!({"labels": {"app.kubernetes.io/managed-by": "shop-operator"}}),
            "\"shop-operator\", as the label app.kubernetes.io/managed-by says",
        ),
        (
            json!({"labels": {"app.kubernetes.io/managed-by": "kubectl-certs"}}),
            "nobody",
        ),
        // Charts that Helm no longer manages keep the label.
        (json!({"labels": {"app.kubernetes.io/instance": "shop"}}), "nobody"),
    ] {
        assert_eq!(who(&meta), expected, "{meta}");
    }
    let argo = json!({"labels": {"app.kubernetes.io/instance": "shop"}, "managedFields": [{"manager": "argocd-controller", "operation": "Apply"}]});
    assert_eq!(who(&argo), "Argo CD (Application shop)");
}

#[test]
fn whoever_manages_the_certificates_fields_owns_them_unless_it_is_a_persons_tool() {
    let pair = || json!({"f:data": {".": {}, "f:tls.crt": {}, "f:tls.key": {}}});
    for (meta, owned) in [
        (writes("shop-operator", "Update", &pair()), true),
        (writes("kubectl-certs", "Update", &pair()), false),
        (writes("kubectl-create", "Update", &pair()), false),
        (writes("kubectl-edit", "Update", &pair()), false),
        (writes("kubectl", "Update", &pair()), false),
        (writes("Mozilla", "Update", &pair()), false),
        // kubectl apply --server-side will be repeated.
        (writes("kubectl", "Apply", &pair()), true),
        (
            writes("shop-operator", "Apply", &json!({"f:stringData": {"f:tls.crt": {}}})),
            true,
        ),
        (
            writes("shop-operator", "Update", &json!({"f:data": {"f:ca.crt": {}}})),
            false,
        ),
        (
            writes("shop-operator", "Update", &json!({"f:metadata": {"f:labels": {}}})),
            false,
        ),
    ] {
        assert_eq!(who(&meta) != "nobody", owned, "{meta}");
    }
    let other = writes("shop-operator", "Update", &json!({"f:data": {"f:proxycert": {}}}));
    assert!(of_secret(&secret(&other), ["proxycert", "proxykey"]).is_some());
    assert!(of_secret(&secret(&other), SLOTS).is_none());
}

#[test]
fn a_manifest_that_holds_the_pair_owns_it_and_one_that_does_not_does_not() {
    for (applied, owned) in [
        (r#"{"data": {"tls.crt": "eA==", "tls.key": "eA=="}}"#, true),
        (r#"{"stringData": {"tls.key": "x"}}"#, true),
        (r#"{"data": {"tls.crt": "", "tls.key": ""}}"#, false),
        (r#"{"data": {"other": "eA=="}}"#, false),
        (r#"{"metadata": {}}"#, false),
        ("no JSON", false),
    ] {
        let meta = json!({"annotations": {LAST_APPLIED: applied}});
        assert_eq!(who(&meta) != "nobody", owned, "{applied}");
    }
}

#[test]
fn a_routes_owner_is_whoever_deploys_it_and_every_owner_says_where_to_change_it() {
    for (meta, expected) in [
        (
            json!({"labels": {"helm.toolkit.fluxcd.io/name": "shop"}}),
            Some("Flux (HelmRelease shop)"),
        ),
        (json!({"annotations": {"cert-manager.io/cluster-issuer": "le"}}), None),
        (json!({"annotations": {LAST_APPLIED: "{}"}}), None),
    ] {
        let route = json!({"kind": "Ingress", "metadata": meta});
        let owner = of_route(&route);
        assert_eq!(owner.as_ref().map(|o| o.who.as_str()), expected);
        assert!(owner.is_none_or(|o| o.change.contains("change it in the repository")));
    }
}
