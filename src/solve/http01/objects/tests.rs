use super::{super::check::Question, *};
use crate::{inventory::Controller, object::Kind, solve::http01::table::row};

fn job(namespace: &str, name: &str, thumbprint: &str, options: &PodOptions) -> Value {
    super::job(namespace, name, thumbprint, options).json()
}

fn check_pod(namespace: &str, name: &str, owner: Option<&Owner>, question: &Question, options: &PodOptions) -> Value {
    super::check_pod(namespace, name, owner, question, options).json()
}

fn service(namespace: &str, name: &str, owner: Option<&Owner>, to_pod: bool, row: &Row) -> Value {
    super::service(namespace, name, owner, to_pod, row).json()
}

fn endpoint_slice(namespace: &str, service: &str, address: SocketAddr) -> Value {
    super::endpoint_slice(namespace, service, address).json()
}

const TARGET: PathBackend<'_> = PathBackend {
    service: "kubectl-certs-solver-abcdefghij",
    port: SERVICE_PORT,
};

fn place(kind: Kind, controller: Controller, class: Class) -> ChallengeRoute {
    ChallengeRoute {
        route: None,
        kind,
        namespace: "shop".into(),
        controller,
        class,
        addresses: Vec::new(),
        mergeable: false,
        login: false,
        parents: vec![Parent {
            kind: Kind::Gateway,
            namespace: "edge".into(),
            name: "gw".into(),
            section: "http".into(),
            port: 80,
        }],
    }
}

fn made(place: &ChallengeRoute, host: Option<&str>) -> Value {
    let row = row(place.controller, place.kind, false, true).unwrap();
    let owner = Owner {
        name: TARGET.service.into(),
        uid: "u-1".into(),
    };
    route(
        place,
        &row,
        "kubectl-certs-solver-klmnopqrst",
        host,
        "tok_en-1",
        TARGET,
        Some(&owner),
    )
    .unwrap()
}

fn options() -> PodOptions {
    PodOptions {
        image: "registry.example/kubectl-certs:1".into(),
        nodes: vec!["n1".into()],
        said: SolverEntry {
            priority_class_name: Some("low".into()),
            image_pull_secrets: Some(vec!["pull".into()]),
            node_selector: Some([("disk".to_owned(), "ssd".to_owned())].into()),
            tolerations: Some(vec!["edge=yes:NoSchedule".parse().unwrap(), "spot".parse().unwrap()]),
            ..SolverEntry::default()
        },
        deadline: 3600,
    }
}

#[test]
fn an_ingress_is_for_the_exact_path_owned_by_the_job_and_of_the_routes_class() {
    let by_field = made(
        &place(Kind::Ingress, Controller::Traefik, Class::Field("traefik".into())),
        Some("shop.example"),
    );
    assert_eq!(
        by_field,
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {
                "namespace": "shop", "name": "kubectl-certs-solver-klmnopqrst",
                "annotations": {"traefik.ingress.kubernetes.io/router.priority": "1000000000"},
                "ownerReferences": [
                    {"apiVersion": "batch/v1", "kind": "Job", "name": TARGET.service, "uid": "u-1"},
                ],
            },
            "spec": {
                "ingressClassName": "traefik",
                "rules": [{"host": "shop.example", "http": {"paths": [{
                    "path": "/.well-known/acme-challenge/tok_en-1", "pathType": "Exact",
                    "backend": {"service": {"name": TARGET.service, "port": {"number": 80}}},
                }]}}],
            },
        })
    );
    let by_annotation = made(
        &place(Kind::Ingress, Controller::Istio, Class::Annotation("istio".into())),
        Some("shop.example"),
    );
    assert_eq!(
        by_annotation["metadata"]["annotations"],
        json!({"kubernetes.io/ingress.class": "istio"})
    );
    assert!(by_annotation["spec"]["ingressClassName"].is_null());
    let default = made(&place(Kind::Ingress, Controller::Istio, Class::Default), None);
    assert!(default["metadata"]["annotations"].is_null());
    assert!(
        default["spec"]["rules"][0]["host"].is_null(),
        "an IP address is no host of an Ingress"
    );
}

#[test]
fn a_route_of_the_gateway_api_attaches_to_the_named_listener() {
    let route = made(
        &place(Kind::Gateway, Controller::Unknown, Class::Default),
        Some("shop.example"),
    );
    assert_eq!(
        route["spec"],
        json!({
            "parentRefs": [{
                "group": "gateway.networking.k8s.io", "kind": "Gateway",
                "namespace": "edge", "name": "gw", "sectionName": "http",
            }],
            "hostnames": ["shop.example"],
            "rules": [{
                "matches": [{"path": {"type": "Exact", "value": "/.well-known/acme-challenge/tok_en-1"}}],
                "backendRefs": [{"name": TARGET.service, "port": 80}],
            }],
        })
    );
}

#[test]
fn traefiks_own_route_goes_before_all_others() {
    let route = made(
        &place(
            Kind::IngressRoute,
            Controller::Traefik,
            Class::Annotation("inner".into()),
        ),
        Some("shop.example"),
    );
    assert_eq!(
        route["metadata"]["annotations"],
        json!({"kubernetes.io/ingress.class": "inner"})
    );
    assert_eq!(
        route["spec"]["routes"][0],
        json!({
            "kind": "Rule", "priority": TRAEFIK_PRIORITY,
            "match": "Host(`shop.example`) && Path(`/.well-known/acme-challenge/tok_en-1`)",
            "services": [{"name": TARGET.service, "port": 80}],
        })
    );
}

#[test]
fn the_pod_keeps_to_the_restricted_standard_and_out_of_every_mesh() {
    let job = job("shop", "kubectl-certs-solver-abcdefghij", "THUMB_print-1", &options());
    let spec = &job["spec"]["template"]["spec"];
    assert_eq!(spec["automountServiceAccountToken"], false);
    assert_eq!(
        spec["securityContext"],
        json!({
            "runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"},
        })
    );
    let container = &spec["containers"][0];
    assert_eq!(
        container["securityContext"],
        json!({
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
        })
    );
    assert_eq!(
        container["args"],
        json!([
            "respond",
            "--thumbprint=THUMB_print-1",
            "--port=8089",
            "--deadline=3600s"
        ])
    );
    assert!(container["resources"]["limits"]["memory"].is_string());
    assert_eq!(
        spec["nodeSelector"],
        json!({"kubernetes.io/os": "linux", "disk": "ssd"})
    );
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "pull"}]));
    assert_eq!(
        spec["tolerations"],
        json!([
            {"key": "edge", "operator": "Equal", "value": "yes", "effect": "NoSchedule"},
            {"key": "spot", "operator": "Exists"},
        ])
    );
    assert_eq!(job["spec"]["activeDeadlineSeconds"], 3630);
    assert!(job["spec"]["ttlSecondsAfterFinished"].is_u64());
    let meta = &job["spec"]["template"]["metadata"];
    assert_eq!(meta["labels"]["sidecar.istio.io/inject"], "false");
    assert_eq!(meta["annotations"]["linkerd.io/inject"], "disabled");
}

#[test]
fn the_service_finds_the_solvers_pod_and_not_the_one_that_looks() {
    let row_of = |controller| row(controller, Kind::Ingress, false, false).unwrap();
    let name = "kubectl-certs-solver-abcdefghij";
    let service = service("shop", name, None, true, &row_of(Controller::Traefik));
    let job = job("shop", name, "t", &options());
    let selector = service["spec"]["selector"].as_object().unwrap();
    for (key, value) in selector {
        assert_eq!(&job["spec"]["template"]["metadata"]["labels"][key], value);
    }
    let question = Question {
        host: "shop.example".to_owned(),
        token: "tok".to_owned(),
        thumbprint: "t".to_owned(),
        addresses: vec!["192.0.2.7".into(), "2001:db8::7".into(), "$(id)".into()],
        limit: std::time::Duration::from_secs(5),
    };
    let check = check_pod("shop", "kubectl-certs-solver-check", None, &question, &options());
    assert!(selector.keys().all(|key| check["metadata"]["labels"][key].is_null()));
    assert_eq!(check["spec"]["containers"][0]["args"], json!(question.arguments()));
    // Another image gets a script, and only valid addresses.
    let shell = PodOptions {
        image: "busybox:1".into(),
        ..options()
    };
    let check = check_pod("shop", "kubectl-certs-solver-check", None, &question, &shell);
    let container = &check["spec"]["containers"][0];
    assert_eq!(container["command"][0], "sh");
    let addresses = json!({"name": "ADDRESSES", "value": "192.0.2.7 [2001:db8::7]"});
    assert!(container["env"].as_array().unwrap().contains(&addresses), "{container}");
    assert_eq!(
        check["spec"]["containers"][0]["terminationMessagePath"],
        TERMINATION_LOG
    );

    let cloud = super::service("shop", name, None, true, &row_of(Controller::Gce)).json();
    assert_eq!(cloud["spec"]["type"], "NodePort");
    assert_eq!(
        cloud["metadata"]["annotations"]["cloud.google.com/neg"],
        r#"{"ingress": true}"#
    );
}

#[test]
fn an_endpoint_shares_the_services_name_and_port_name() {
    let row = row(Controller::Traefik, Kind::Ingress, false, false).unwrap();
    let service = service("shop", "kubectl-certs-solver-x", None, false, &row);
    assert!(service["spec"]["selector"].is_null());
    let slice = endpoint_slice("shop", "kubectl-certs-solver-x", "[2001:db8::7]:8089".parse().unwrap());
    assert_eq!(slice["addressType"], "IPv6");
    assert_eq!(slice["endpoints"][0]["addresses"], json!(["2001:db8::7"]));
    assert_eq!(
        slice["metadata"]["labels"]["kubernetes.io/service-name"],
        service["metadata"]["name"]
    );
    assert_eq!(slice["ports"][0]["name"], service["spec"]["ports"][0]["name"]);
}
