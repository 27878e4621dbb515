use proptest::prelude::*;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::{
    object::{
        self, Key,
        consumer::How,
        gateway::{AllowedNamespaces, Operator},
    },
    text::parse_time,
};

fn from_json(kind: Kind, json: &[u8]) -> Result<Object, serde_json::Error> {
    super::from_json(kind, json, &DataKeys::default())
}

fn data_changed(json: &[u8]) -> Option<object::Seconds> {
    super::data_changed(json, &DataKeys::default())
}

fn object(kind: Kind, value: &Value) -> Object {
    let object = from_json(kind, value.to_string().as_bytes()).unwrap_or_else(|e| panic!("{e}: {value}"));
    let again = from_value(kind, value, &DataKeys::default()).expect("from a value as from JSON");
    assert_eq!(format!("{object:?}"), format!("{again:?}"));
    assert_eq!(object.kind(), kind);
    object
}

macro_rules! read {
    ($kind:ident as $variant:ident, $($json:tt)+) => {
        match object(Kind::$kind, &json!($($json)+)) {
            Object::$variant(view) => view,
            other => panic!("{other:?}"),
        }
    };
}

const ALL: [(&str, &str, Kind); 37] = [
    ("networking.k8s.io/v1", "Ingress", Kind::Ingress),
    ("networking.k8s.io/v1beta1", "Ingress", Kind::Ingress),
    ("extensions/v1beta1", "Ingress", Kind::Ingress),
    ("networking.k8s.io/v1", "IngressClass", Kind::IngressClass),
    ("gateway.networking.k8s.io/v1", "Gateway", Kind::Gateway),
    ("gateway.networking.k8s.io/v1beta1", "GatewayClass", Kind::GatewayClass),
    (
        "gateway.networking.x-k8s.io/v1alpha1",
        "XListenerSet",
        Kind::XListenerSet,
    ),
    ("gateway.networking.k8s.io/v1", "ListenerSet", Kind::ListenerSet),
    ("gateway.networking.k8s.io/v1", "HTTPRoute", Kind::HttpRoute),
    ("gateway.networking.k8s.io/v1", "GRPCRoute", Kind::GrpcRoute),
    ("gateway.networking.k8s.io/v1alpha2", "TLSRoute", Kind::TlsRoute),
    (
        "gateway.networking.k8s.io/v1beta1",
        "ReferenceGrant",
        Kind::ReferenceGrant,
    ),
    ("traefik.io/v1alpha1", "IngressRoute", Kind::IngressRoute),
    ("traefik.containo.us/v1alpha1", "IngressRoute", Kind::OldIngressRoute),
    ("traefik.io/v1alpha1", "IngressRouteTCP", Kind::IngressRouteTcp),
    (
        "traefik.containo.us/v1alpha1",
        "IngressRouteTCP",
        Kind::OldIngressRouteTcp,
    ),
    ("traefik.io/v1alpha1", "TLSStore", Kind::TlsStore),
    ("traefik.containo.us/v1alpha1", "TLSStore", Kind::OldTlsStore),
    ("v1", "Secret", Kind::Secret),
    ("cert-manager.io/v1", "Certificate", Kind::Certificate),
    ("cert-manager.io/v1", "CertificateRequest", Kind::CertificateRequest),
    ("cert-manager.io/v1", "Issuer", Kind::Issuer),
    ("cert-manager.io/v1", "ClusterIssuer", Kind::ClusterIssuer),
    ("acme.cert-manager.io/v1", "Order", Kind::Order),
    ("acme.cert-manager.io/v1", "Challenge", Kind::Challenge),
    ("v1", "Namespace", Kind::Namespace),
    ("v1", "Pod", Kind::Pod),
    ("apps/v1", "Deployment", Kind::Deployment),
    ("apps/v1", "StatefulSet", Kind::StatefulSet),
    ("apps/v1", "DaemonSet", Kind::DaemonSet),
    ("batch/v1", "Job", Kind::Job),
    ("batch/v1", "CronJob", Kind::CronJob),
    ("batch/v1beta1", "CronJob", Kind::CronJob),
    ("v1", "ServiceAccount", Kind::ServiceAccount),
    ("v1", "ReplicationController", Kind::ReplicationController),
    ("v1", "Service", Kind::Service),
    ("extensions/v1beta1", "Deployment", Kind::Deployment),
];

#[test]
fn kinds_are_known_by_their_group_and_name() {
    for (api_version, name, kind) in ALL {
        assert_eq!(Kind::of_manifest(api_version, name), Some(kind), "{api_version} {name}");
        // An object with only its name, one full of nulls, and an empty one are all accepted.
        object(kind, &json!({"metadata": {"name": "x"}}));
        object(
            kind,
            &json!({"metadata": null, "spec": null, "status": null, "data": null, "stringData": null, "type": null}),
        );
        object(kind, &json!({}));
        object(
            kind,
            &json!({"metadata": {"name": null, "namespace": null, "labels": null, "annotations": null,
            "creationTimestamp": null, "ownerReferences": null}}),
        );
        let wrong = from_json(kind, b"{\"metadata\": 5}")
            .expect_err("a number is no metadata")
            .to_string();
        assert!(
            wrong.starts_with("invalid type: integer `5`, expected a mapping at line 1"),
            "{wrong}"
        );
    }
    for (api_version, name) in [
        ("networking.istio.io/v1", "Gateway"),
        ("v1", "ConfigMap"),
        ("example.com/v1", "Secret"),
        ("networking.k8s.io/v1", "Secret"),
        ("", ""),
    ] {
        assert_eq!(Kind::of_manifest(api_version, name), None, "{api_version} {name}");
    }
}

#[test]
fn metadata_keeps_what_findings_need() {
    let metadata = json!({"name": "web", "namespace": "shop", "creationTimestamp": "2026-01-02T03:04:05Z",
        "labels": {"app": "web", "empty": null},
        "annotations": {"kubernetes.io/tls-acme": "true", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "r", "controller": true, "uid": "u"}, null, {"kind": "X", "name": "y"}],
        "managedFields": [{"fieldsV1": {"f:data": {}}}]});
    let Object::Ingress(ingress) = object(Kind::Ingress, &json!({"metadata": metadata})) else {
        panic!()
    };
    let meta = &ingress.meta;
    assert_eq!(
        (meta.key(), meta.created),
        (Key::new("shop", "web"), parse_time("2026-01-02T03:04:05Z"))
    );
    assert_eq!(*meta.annotations(), [("kubernetes.io/tls-acme".into(), "true".into())]);
    assert_eq!((meta.label("app"), meta.label("empty")), (Some("web"), Some("")));
    let owners: Vec<_> = meta.owners().iter().map(|o| (o.name.as_str(), o.controller)).collect();
    assert_eq!(owners, [("r", true), ("y", false)]);
    for (kind, kept) in [
        (Kind::Namespace, true),
        (Kind::Gateway, true),
        (Kind::TlsRoute, true),
        (Kind::Secret, false),
        (Kind::Pod, true),
        (Kind::ServiceAccount, false),
    ] {
        let object = object(kind, &json!({"metadata": metadata}));
        assert_eq!(!object.meta().labels().is_empty(), kept, "{kind:?}");
    }
}

#[test]
fn ingresses_of_both_shapes() {
    let v1 = read!(Ingress as Ingress, {"spec": {"ingressClassName": "nginx", "defaultBackend": {"service": {"name": "a"}},
        "tls": [{"hosts": ["a", null], "secretName": "s"}, {"hosts": null, "secretName": ""}, null],
        "rules": [{"host": "a", "http": {"paths": []}}, {"http": null}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}, {"hostname": "lb.example"}, {"ip": ""}]}}});
    assert_eq!(v1.class.as_deref(), Some("nginx"));
    assert!(v1.default_backend);
    assert_eq!(
        (v1.tls.len(), &v1.tls[0].hosts[..], v1.tls[0].secret.as_deref()),
        (2, &["a".into()][..], Some("s"))
    );
    assert_eq!(v1.tls[1].secret, None);
    assert_eq!(v1.rules, ["a", ""]);
    assert_eq!(v1.addresses, ["192.0.2.1", "lb.example"]);
    let old = read!(Ingress as Ingress, {"spec": {"backend": {"serviceName": "a", "servicePort": 80}}});
    assert!(old.default_backend);
    assert!(!read!(Ingress as Ingress, {"spec": {"defaultBackend": null}}).default_backend);
    let class = read!(IngressClass as IngressClass, {"metadata": {"name": "n",
        "annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}}, "spec": {"controller": "k8s.io/ingress-nginx"}});
    assert_eq!(
        (class.controller.as_str(), class.default),
        ("k8s.io/ingress-nginx", true)
    );
}

#[test]
fn gateways_get_the_defaults_of_the_api() {
    let gateway = read!(Gateway as Gateway, {"spec": {"gatewayClassName": "c", "listeners": [
        {"name": "a", "port": 443, "protocol": "HTTPS", "tls": {"certificateRefs": [{"name": "s"}, {"kind": "X", "group": "g", "namespace": "n", "name": "t"}]}},
        {"name": "b", "hostname": "*.example", "port": 443, "protocol": "TLS", "tls": {"mode": "Passthrough", "options": {"k": "v"}},
         "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"a": "b"},
            "matchExpressions": [{"key": "c", "operator": "NotIn", "values": ["d"]}, {"key": "e", "operator": "What"}]}},
            "kinds": [{"kind": "TLSRoute"}]}},
        {"name": "c", "hostname": "", "allowedRoutes": {"namespaces": {"from": "All"}}}],
        "addresses": [{"value": "192.0.2.1"}]}});
    let [a, b, c] = &gateway.listeners[..] else { panic!() };
    assert_eq!(
        (a.port, a.passthrough, !a.options.is_empty(), &a.allowed_routes),
        (443, false, false, &AllowedNamespaces::Same)
    );
    let refs: Vec<_> = a
        .certificate_refs
        .iter()
        .map(|r| {
            (
                r.kind.as_str(),
                r.group.as_str(),
                r.namespace.as_deref(),
                r.name.as_str(),
            )
        })
        .collect();
    assert_eq!(refs, [("Secret", "", None, "s"), ("X", "g", Some("n"), "t")]);
    assert!(b.passthrough && !b.options.is_empty());
    assert_eq!(b.allowed_kinds, ["TLSRoute"]);
    let AllowedNamespaces::Selector(selector) = &b.allowed_routes else {
        panic!()
    };
    let operators: Vec<_> = selector.requirements.iter().map(|r| r.operator).collect();
    assert_eq!(operators, [Operator::In, Operator::NotIn, Operator::In]);
    assert!(
        !selector.matches(&[("a".into(), "b".into())]),
        "an unknown operator lets nothing in"
    );
    assert_eq!((&c.hostname, &c.allowed_routes), (&None, &AllowedNamespaces::All));
    assert_eq!(gateway.addresses, ["192.0.2.1"]);
    assert_eq!(gateway.allowed_listeners, AllowedNamespaces::None);

    let set = read!(ListenerSet as ListenerSet, {"metadata": {"name": "s", "namespace": "n"}, "spec": {"parentRef": {"name": "g"}}});
    assert_eq!(set.parent, Some(Key::new("n", "g")));
    let set = read!(ListenerSet as ListenerSet, {"spec": {"parentRef": {"name": "g", "namespace": "m", "kind": "Gateway"}, "listeners": [{"name": "x"}]}});
    assert_eq!((set.parent, set.listeners.len()), (Some(Key::new("m", "g")), 1));
    let set = read!(ListenerSet as ListenerSet, {"spec": {"parentRef": {"name": "g", "kind": "Mesh"}}});
    assert_eq!(set.parent, None);

    let route = read!(HttpRoute as Route, {"spec": {"hostnames": ["a"], "parentRefs": [{"name": "g", "sectionName": "x", "port": 443}]}});
    let parent = &route.parents[0];
    assert_eq!(
        (parent.kind.as_str(), parent.section.as_deref(), parent.port),
        ("Gateway", Some("x"), Some(443))
    );
    let grant = read!(ReferenceGrant as ReferenceGrant, {"spec": {"from": [{"group": "g", "kind": "Gateway", "namespace": "n"}], "to": [{"group": "", "kind": "Secret"}]}});
    assert_eq!((grant.from[0].namespace.as_str(), &grant.to[0].name), ("n", &None));
}

#[test]
fn secrets_hold_certificate_and_key_and_the_names_of_the_rest() {
    let secret = read!(Secret as Secret, {"type": "kubernetes.io/tls", "data": {"tls.crt": "Y2VydA==", "tls.key": "a2V5", "ca.crt": "!", "x": 5}});
    assert_eq!(secret.certificate.as_deref(), Some(&b"cert"[..]));
    assert_eq!(
        secret.key.as_ref().map(|k| k.expose_secret().to_vec()).as_deref(),
        Some(&b"key"[..])
    );
    assert_eq!(
        (secret.secret_type.as_str(), &secret.other_keys[..]),
        ("kubernetes.io/tls", &["ca.crt".into(), "x".into()][..])
    );
    let shown = format!("{secret:?}");
    assert!(!shown.contains("107, 101, 121"), "{shown}");

    for (data, certificate) in [
        (json!({"tls.crt": "Y2V\r\ny\ndA==\n"}), Some(&b"cert"[..])),
        (json!({"tls.crt": "Y2VydA"}), Some(b"Y2VydA")),
        (json!({"tls.crt": "-----BEGIN"}), Some(b"-----BEGIN")),
        (json!({"tls.crt": ""}), Some(b"")),
        (json!({"tls.crt": null}), Some(b"")),
        (json!({}), None),
        (Value::Null, None),
    ] {
        let secret = read!(Secret as Secret, {"data": data});
        assert_eq!(secret.certificate.as_deref(), certificate, "{data}");
        assert!(secret.key.is_none());
    }
    let proxy = read!(Secret as Secret, {"data": {"proxycert": "Y2VydA==", "dhparam": "", "x": ""}, "stringData": {"proxykey": "key"}});
    assert_eq!(proxy.certificate.as_deref(), Some(&b"cert"[..]));
    assert!(proxy.key.is_some() && proxy.other_keys == ["dhparam", "x"]);
    assert_eq!(
        proxy.data_keys.as_deref(),
        Some(&["proxycert".into(), "proxykey".into()])
    );
    let tls = read!(Secret as Secret, {"data": {"tls.crt": "", "proxycert": "Y2VydA=="}});
    assert_eq!((tls.certificate.as_deref(), tls.data_keys), (Some(&b""[..]), None));
    let both = read!(Secret as Secret, {"data": {"tls.crt": "Y2VydA==", "a": ""}, "stringData": {"tls.crt": "plain", "a": "", "b": ""}});
    assert_eq!(both.certificate.as_deref(), Some(&b"plain"[..]));
    assert_eq!(both.other_keys, ["a", "b"]);
    let release = read!(Secret as Secret, {"type": "helm.sh/release.v1", "data": {"release": "SDRzSUFBQUFBQUFD"}});
    assert!(release.certificate.is_none() && release.other_keys == ["release"]);
}

#[test]
fn the_last_change_of_the_data_is_read_from_managed_fields() {
    let entry =
        |time: &str, fields: &Value| json!({"manager": "m", "operation": "Update", "time": time, "fieldsV1": fields});
    let (one, two, three) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z");
    let crt = json!({"f:data": {".": {}, "f:tls.crt": {}}});
    let other = json!({"f:data": {".": {}, "f:ca.crt": {}}, "f:type": {}});
    let labels = json!({"f:metadata": {"f:labels": {}}});
    for (entries, expected) in [
        (
            vec![entry(one, &crt), entry(two, &crt), entry(three, &labels)],
            Some(two),
        ),
        (vec![entry(one, &crt), entry(two, &other)], Some(one)),
        (vec![entry(one, &json!({"f:data": {}}))], Some(one)),
        (vec![entry(one, &other)], None),
        (
            vec![
                entry(two, &json!({"f:data": {"f:proxycert": {}}})),
                entry(three, &json!({"f:data": {"f:dhparam": {}}})),
            ],
            Some(two),
        ),
        (
            vec![entry(one, &crt), entry(two, &json!({"f:data": {"f:proxycert": {}}}))],
            Some(one),
        ),
        (vec![json!({"fieldsV1": null, "time": null}), Value::Null], None),
    ] {
        let json = json!({"metadata": {"managedFields": entries}}).to_string();
        assert_eq!(data_changed(json.as_bytes()), expected.and_then(parse_time), "{json}");
    }
    assert_eq!(data_changed(b"{}"), None);
    assert_eq!(data_changed(b"no"), None);
}

#[test]
fn consumers_name_the_secrets_that_they_use_and_how() {
    let spec = json!({"containers": [{"env": [{"name": "A", "value": "x"}, {"valueFrom": {"secretKeyRef": {"name": "env", "key": "k"}}}, {"valueFrom": {"fieldRef": {}}}],
            "envFrom": [{"secretRef": {"name": "from"}}, {"configMapRef": {"name": "no"}}],
            "volumeMounts": [{"name": "whole"}, {"name": "part", "subPath": "tls.crt"}, {"name": "both", "subPathExpr": "$(X)"}]}],
        "initContainers": [{"envFrom": [{"secretRef": {"name": "init"}}], "volumeMounts": [{"name": "both"}]}],
        "volumes": [{"name": "whole", "secret": {"secretName": "s1"}}, {"name": "part", "secret": {"secretName": "s2"}},
            {"name": "both", "projected": {"sources": [{"secret": {"name": "s3"}}, {"configMap": {"name": "no"}}]}},
            {"name": "unused", "secret": {"secretName": "s4"}}, {"name": "e", "emptyDir": {}},
            {"name": "csi", "csi": {"nodePublishSecretRef": {"name": "s5"}}}],
        "imagePullSecrets": [{"name": "pull"}]});
    let expected = [
        ("env", How::Environment),
        ("from", How::Environment),
        ("init", How::Environment),
        ("s1", How::Volume),
        ("s2", How::SubPath),
        ("s3", How::Volume),
        ("s3", How::SubPath),
        ("s4", How::Volume),
        ("s5", How::Other),
        ("pull", How::Other),
    ];
    let uses =
        |c: &object::Consumer| -> Vec<(String, How)> { c.uses.iter().map(|u| (u.name.to_string(), u.how)).collect() };
    let expected: Vec<_> = expected.map(|(name, how)| (name.to_owned(), how)).into();

    let pod = read!(Pod as Consumer, {"metadata": {"name": "p"}, "spec": spec, "status": {"phase": "Running", "containerStatuses": [
        {"state": {"running": {"startedAt": "2026-01-02T00:00:00Z"}}}, {"state": {"waiting": {}}}, {"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}]}});
    assert_eq!(uses(&pod), expected);
    assert_eq!((pod.started, pod.ended), (parse_time("2026-01-01"), false));
    assert!(read!(Pod as Consumer, {"status": {"phase": "Succeeded"}}).ended);
    let template = json!({"template": {"spec": spec}});
    for kind in [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::Job] {
        let Object::Consumer(workload) = object(kind, &json!({"spec": template})) else {
            panic!()
        };
        assert_eq!(uses(&workload), expected);
    }
    assert_eq!(
        uses(&read!(CronJob as Consumer, {"spec": {"jobTemplate": {"spec": template}}})),
        expected
    );
    let account = read!(ServiceAccount as Consumer, {"secrets": [{"name": "a"}], "imagePullSecrets": [{"name": "b"}, {"name": "a"}]});
    assert_eq!(
        uses(&account),
        [("a".to_owned(), How::Other), ("b".to_owned(), How::Other)]
    );
}

#[test]
fn cert_managers_objects_and_ingress_routes() {
    let certificate = read!(Certificate as Certificate, {"spec": {"secretName": "s", "dnsNames": ["a"], "issuerRef": {"name": "i"}},
        "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "R", "message": "m", "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            "renewalTime": "2026-02-01T00:00:00Z", "failedIssuanceAttempts": 3}});
    assert_eq!(
        (
            certificate.secret.as_str(),
            certificate.issuer.kind.as_str(),
            certificate.failed_attempts
        ),
        ("s", "Issuer", 3)
    );
    assert_eq!(
        (certificate.conditions[0].kind.as_str(), certificate.conditions[0].since),
        ("Ready", parse_time("2026-01-01"))
    );
    assert_eq!(certificate.renewal_time, parse_time("2026-02-01"));
    let issuer = read!(ClusterIssuer as Issuer, {"spec": {"acme": {"server": "https://x"}}, "status": {"conditions": [{"type": "Ready"}]}});
    assert_eq!(
        (issuer.cluster, issuer.acme_server.as_deref(), issuer.conditions.len()),
        (true, Some("https://x"), 1)
    );
    assert_eq!(read!(Issuer as Issuer, {"spec": {"selfSigned": {}}}).acme_server, None);
    let request = read!(CertificateRequest as CertificateRequest, {"spec": {"issuerRef": {"name": "i", "kind": "ClusterIssuer", "group": "cert-manager.io"}, "request": "x"}});
    assert_eq!(
        (request.issuer.kind.as_str(), request.issuer.name.as_str()),
        ("ClusterIssuer", "i")
    );
    let order = read!(Order as Order, {"spec": {"dnsNames": ["a"]}, "status": {"state": "invalid", "reason": "r", "failureTime": "2026-01-01T00:00:00Z"}});
    assert_eq!(
        (order.state.as_str(), order.failed_at),
        ("invalid", parse_time("2026-01-01"))
    );
    let challenge = read!(Challenge as Challenge, {"spec": {"dnsName": "a", "type": "HTTP-01"}, "status": {"state": "pending", "presented": true, "reason": "r"}});
    assert_eq!(
        (
            challenge.dns_name.as_str(),
            challenge.challenge_type.as_str(),
            challenge.presented
        ),
        ("a", "HTTP-01", true)
    );

    let route = read!(IngressRoute as IngressRoute, {"spec": {"entryPoints": ["websecure"], "routes": [{"match": "Host(`a`) && PathPrefix(`/x`)", "kind": "Rule"}, {"match": "Host(`b`) || HostRegexp(`c`)"}, {"match": "Host(`a`)"}],
        "tls": {"secretName": "s", "certResolver": "le", "domains": [{"main": "m", "sans": ["n"]}]}}});
    assert_eq!(
        (&route.hosts[..], route.other_hosts),
        (&["a".into(), "b".into()][..], true)
    );
    let tls = route.tls.expect("tls");
    assert_eq!(
        (tls.secret.as_deref(), tls.resolver.as_deref(), &tls.domains[..]),
        (Some("s"), Some("le"), &["m".into(), "n".into()][..])
    );
    assert!(read!(IngressRoute as IngressRoute, {"spec": {"tls": {}}}).tls.is_some());
    assert!(
        read!(IngressRoute as IngressRoute, {"spec": {"tls": null}})
            .tls
            .is_none()
    );
}

#[test]
fn traefiks_tcp_routes_and_stores_are_read() {
    let route = read!(IngressRouteTcp as IngressRoute, {"spec": {"routes": [{"match": "HostSNI(`db.example`)"}, {"match": "HostSNI(`*`)"}],
        "tls": {"secretName": "s", "passthrough": true}}});
    assert_eq!(
        (&route.hosts[..], route.other_hosts, route.kind()),
        (&["db.example".into()][..], true, Kind::IngressRouteTcp)
    );
    assert!(route.tls.expect("tls").passthrough);
    // An `IngressRoute` cannot pass TLS through: the field has no meaning there.
    let web = read!(IngressRoute as IngressRoute, {"spec": {"tls": {"passthrough": true}}});
    assert!(!web.tls.expect("tls").passthrough);

    let store = read!(OldTlsStore as TlsStore, {"metadata": {"name": "default", "namespace": "edge"}, "spec": {
        "defaultCertificate": {"secretName": "wild"}, "defaultGeneratedCert": {"resolver": "le"},
        "certificates": [{"secretName": "a"}, {"secretName": ""}, {"secretName": "b"}]}});
    assert_eq!(store.kind(), Kind::OldTlsStore);
    assert_eq!(
        (store.default.as_deref(), store.generated, &store.certificates[..]),
        (Some("wild"), true, &["a".into(), "b".into()][..])
    );
}

#[test]
fn messages_show_no_text_values() {
    for (message, expected) in [
        (
            "invalid type: string \"a \\\" b\", expected a list at line 1 column 2",
            "invalid type: string, expected a list at line 1 column 2",
        ),
        ("string \"a\" and string \"b\"", "string and string"),
        ("string \"open", "string"),
        ("expected a list", "expected a list"),
    ] {
        assert_eq!(without_values(message), expected);
    }
    let error = from_json(Kind::Secret, b"{\n\"data\": \"hush\"}").expect_err("no mapping");
    assert_eq!(
        (error.line(), error.to_string().contains("hush")),
        (2, false),
        "{error}"
    );
    assert!(from_json(Kind::Secret, b"{} {}").is_err());
}

proptest! {
    #[test]
    fn an_ingress_comes_back_as_it_was_written(
        name in "[a-z]{1,40}", class in proptest::option::of("\\PC{1,30}"),
        tls in proptest::collection::vec((proptest::collection::vec("\\PC{0,30}", 0..4), "\\PC{0,30}"), 0..4),
        rules in proptest::collection::vec("\\PC{0,30}", 0..4),
    ) {
        let entries: Vec<Value> = tls.iter().map(|(hosts, secret)| json!({"hosts": hosts, "secretName": secret})).collect();
        let hosts: Vec<Value> = rules.iter().map(|host| json!({"host": host})).collect();
        let Object::Ingress(ingress) = object(Kind::Ingress, &json!({"metadata": {"name": name},
            "spec": {"ingressClassName": class, "tls": entries, "rules": hosts}})) else { panic!() };
        prop_assert_eq!(ingress.class.map(String::from), class);
        prop_assert_eq!(ingress.rules.into_iter().map(String::from).collect::<Vec<_>>(), rules);
        let read: Vec<(Vec<String>, String)> = ingress.tls.into_iter()
            .map(|t| (t.hosts.into_iter().map(String::from).collect(), t.secret.map(String::from).unwrap_or_default())).collect();
        prop_assert_eq!(read, tls);
    }

    #[test]
    fn any_json_can_be_read_as_any_kind(text in "[\\[\\]{}:,\"a-z0-9 ]{0,60}", at in 0..ALL.len()) {
        let kind = ALL[at].2;
        let _ = from_json(kind, text.as_bytes());
        let _ = from_json(kind, format!("{{\"metadata\":{{\"name\":{text}}},\"spec\":{text}}}").as_bytes());
        data_changed(text.as_bytes());
    }

    #[test]
    fn no_value_is_left_in_a_message(value in "\\PC{0,40}") {
        let message = format!("invalid type: string {value:?}, expected a list");
        prop_assert_eq!(without_values(&message), "invalid type: string, expected a list");
    }
}

#[test]
fn every_kind_of_the_register_has_a_form() {
    for row in &crate::object::register::KINDS {
        object(row.kind, &json!({"metadata": {"name": "x"}, "spec": {}}));
    }
}
