//! One object of each kind, with other fields around those that are read.

use super::{
    encode::{Message, envelope, meta, new, secret, time},
    *,
};
use crate::object::{Consumer, consumer::How};

fn read(kind: Kind, message: &Message) -> Object {
    object(Format::Protobuf, kind, &envelope(kind.as_str(), message)).expect("an object")
}

#[test]
fn metadata_keeps_what_findings_are_made_of() {
    let Object::Secret(found) = read(Kind::Secret, &secret("shop", "tls", "kubernetes.io/tls", b"PEM")) else {
        panic!("a Secret")
    };
    let meta = found.meta;
    assert_eq!(meta.key(), Key::new("shop", "tls"));
    assert_eq!(meta.created, Some(1_700_000_000));
    assert_eq!(*meta.annotations(), [("cert-manager.io/issuer".into(), "le".into())]);
    assert!(meta.labels().is_empty(), "labels of a Secret are not read");
    let owners: Vec<_> = meta.owners().iter().map(|o| (o.kind.as_str(), o.controller)).collect();
    assert_eq!(owners, [("Certificate", true), ("Other", false)]);
}

#[test]
fn a_secret_keeps_the_pair_and_the_names_of_the_rest() {
    let Object::Secret(found) = read(Kind::Secret, &secret("shop", "tls", "kubernetes.io/tls", b"PEM")) else {
        panic!("a Secret")
    };
    assert_eq!(found.secret_type, "kubernetes.io/tls");
    assert_eq!(found.certificate.as_deref(), Some(&b"PEM"[..]));
    assert_eq!(
        found.key.as_ref().map(|k| k.expose_secret().to_vec()),
        Some(b"the key".to_vec())
    );
    assert_eq!(found.other_keys, ["ca.crt"]);
    assert_eq!(
        found.data_changed,
        Some(1_700_000_100),
        "not that of the labels' manager"
    );
    assert!(!format!("{found:?}").contains("the key"));
}

#[test]
fn a_helm_release_keeps_nothing_of_its_data() {
    let Object::Secret(found) = read(Kind::Secret, &secret("shop", "r", "helm.sh/release.v1", b"PEM")) else {
        panic!("a Secret")
    };
    assert!(found.certificate.is_none() && found.key.is_none() && found.other_keys.is_empty());
}

#[test]
fn an_empty_value_is_there_and_an_absent_one_is_not() {
    let message = new().message(1, &meta("a", "b")).entry(2, "tls.crt", "").bytes(3, "");
    let Object::Secret(found) = read(Kind::Secret, &message) else {
        panic!("a Secret")
    };
    assert_eq!(found.certificate.as_deref(), Some(&b""[..]));
    assert!(found.key.is_none());
}

/// An Ingress with every field that is read.
pub(super) fn ingress(namespace: &str, name: &str) -> Message {
    let backend = new().nested(
        &[4],
        &new().bytes(1, "web").message(2, &new().bytes(1, "").number(2, 80)),
    );
    let path = new().bytes(1, "/").message(2, &backend).bytes(3, "Prefix");
    let rule = |host: &str| new().bytes(1, host).nested(&[2, 1, 1], &path);
    let tls = new().bytes(1, "a.example").bytes(1, "b.example").bytes(2, "pair");
    let spec = new()
        .message(1, &backend)
        .message(2, &tls)
        .message(2, &new().bytes(1, "c.example").bytes(2, ""))
        .message(3, &rule("a.example"))
        .message(3, &rule(""))
        .bytes(4, "nginx");
    let point = |ip: &str, host: &str| new().bytes(1, ip).bytes(2, host).message(4, &new().number(1, 443));
    let balancer = new()
        .message(1, &point("192.0.2.1", ""))
        .message(1, &point("", "lb.example"))
        .message(1, &point("2001:db8::1", "other.example"));
    new()
        .message(1, &meta(namespace, name))
        .message(2, &spec)
        .nested(&[3, 1], &balancer)
}

#[test]
fn an_ingress_is_its_class_hosts_secrets_and_addresses() {
    let message = ingress("shop", "web");
    let Object::Ingress(found) = read(Kind::Ingress, &message) else {
        panic!("an Ingress")
    };
    assert_eq!(found.class.as_deref(), Some("nginx"));
    assert!(found.default_backend);
    let tls: Vec<_> = found.tls.iter().map(|t| (t.hosts.len(), t.secret.as_deref())).collect();
    assert_eq!(tls, [(2, Some("pair")), (1, None)]);
    assert_eq!(found.rules, ["a.example", ""]);
    assert_eq!(found.addresses, ["192.0.2.1", "lb.example", "2001:db8::1"]);
    assert_eq!(found.meta.label("app"), Some("web"), "-l chooses among routes");

    let plain = new()
        .message(1, &meta("shop", "web"))
        .message(2, &new().message(3, &new().bytes(1, "a")));
    let Object::Ingress(found) = read(Kind::Ingress, &plain) else {
        panic!("an Ingress")
    };
    assert!(!found.default_backend && found.class.is_none() && found.tls.is_empty());
}

#[test]
fn the_default_class_is_the_one_annotated_true() {
    for (value, expected) in [("true", true), ("false", false)] {
        let meta = new()
            .bytes(1, "nginx")
            .entry(12, "ingressclass.kubernetes.io/is-default-class", value);
        let spec = new()
            .bytes(1, "k8s.io/ingress-nginx")
            .message(2, &new().bytes(2, "Parameters"));
        let message = new().message(1, &meta).message(2, &spec);
        let Object::IngressClass(found) = read(Kind::IngressClass, &message) else {
            panic!("a class")
        };
        assert_eq!(
            (found.controller.as_str(), found.default),
            ("k8s.io/ingress-nginx", expected)
        );
    }
}

#[test]
fn a_namespace_is_its_labels() {
    let message = new()
        .message(1, &meta("", "shop"))
        .message(2, &new().bytes(1, "kubernetes"))
        .nested(&[3], &new().bytes(1, "Active"));
    let Object::Namespace(found) = read(Kind::Namespace, &message) else {
        panic!("a Namespace")
    };
    assert_eq!((found.key(), found.label("app")), (Key::new("", "shop"), Some("web")));
}

/// The spec of a Pod that uses a Secret in every possible way.
pub(super) fn pod_spec() -> Message {
    let volume = |name: &str, source: &Message| new().bytes(1, name).message(2, source);
    let secret = |name: &str| new().message(6, &new().bytes(1, name).number(3, 420).number(4, 0));
    let projection = |name: &str| new().message(1, &new().nested(&[1], &new().bytes(1, name)).number(4, 0));
    let projected = new().nested(
        &[26],
        &new()
            .message(1, &projection("projected"))
            .message(1, &new().nested(&[3, 1], &new().bytes(1, "config-map")))
            .number(2, 420),
    );
    let mount = |volume: &str, sub: &str, expr: &str| {
        new()
            .bytes(1, volume)
            .number(2, 1)
            .bytes(3, "/etc/tls")
            .bytes(4, sub)
            .bytes(6, expr)
    };
    let variable = |secret: &str| {
        let selector = new().nested(&[1], &new().bytes(1, secret)).bytes(2, "key").number(3, 0);
        new().bytes(1, "PASSWORD").bytes(2, "").nested(&[3, 4], &selector)
    };
    let plain = new().bytes(1, "PLAIN").bytes(2, "value");
    let from_config = new().bytes(1, "X").nested(&[3, 3, 1], &new().bytes(1, "config-map"));
    let all_of = |secret: &str| new().bytes(1, "").nested(&[3, 1], &new().bytes(1, secret));
    let container = new()
        .bytes(1, "main")
        .bytes(2, "image")
        .bytes(3, "command")
        .message(7, &plain)
        .message(7, &from_config)
        .message(7, &variable("env"))
        .message(9, &mount("whole", "", ""))
        .message(9, &mount("both", "", ""))
        .message(9, &mount("both", "tls.crt", ""))
        .bytes(14, "Always")
        .message(19, &all_of("env-from"));
    let init = new()
        .bytes(1, "init")
        .message(9, &mount("part", "tls.crt", ""))
        .message(7, &variable("init-env"));
    let ephemeral = new()
        .bytes(1, "debug")
        .message(9, &mount("expr", "", "$(POD)"))
        .message(7, &variable("debug-env"));
    new()
        .message(1, &volume("whole", &secret("s-whole")))
        .message(1, &volume("part", &secret("s-part")))
        .message(1, &volume("both", &secret("s-both")))
        .message(1, &volume("expr", &secret("s-expr")))
        .message(1, &volume("unused", &secret("s-unused")))
        .message(1, &volume("mixed", &projected))
        .message(1, &volume("driver", &new().nested(&[28, 5], &new().bytes(1, "s-csi"))))
        .message(1, &volume("empty", &new().message(2, &new().bytes(1, ""))))
        .message(2, &container)
        .bytes(3, "Always")
        .entry(7, "disk", "ssd")
        .message(15, &new().bytes(1, "pull"))
        .message(15, &new().bytes(1, ""))
        .message(20, &init)
        .message(34, &new().message(1, &ephemeral).bytes(2, "main"))
}

const USES: [(&str, How); 13] = [
    ("debug-env", How::Environment),
    ("env", How::Environment),
    ("env-from", How::Environment),
    ("init-env", How::Environment),
    ("projected", How::Volume),
    ("pull", How::Other),
    ("s-both", How::Volume),
    ("s-both", How::SubPath),
    ("s-csi", How::Other),
    ("s-expr", How::SubPath),
    ("s-part", How::SubPath),
    ("s-unused", How::Volume),
    ("s-whole", How::Volume),
];

fn uses(consumer: &Consumer) -> Vec<(&str, How)> {
    consumer.uses.iter().map(|u| (u.name.as_str(), u.how)).collect()
}

#[test]
fn a_pod_is_its_secrets_and_since_when_it_runs() {
    let running = |at| new().nested(&[2, 1], &time(at));
    let container = |state: &Message, last: &Message| {
        new()
            .bytes(1, "main")
            .message(2, state)
            .message(3, last)
            .number(4, 1)
            .bytes(6, "image")
    };
    let terminated = new().nested(&[3], &new().number(1, 0).message(5, &time(5)).message(6, &time(6)));
    let status = new()
        .bytes(1, "Running")
        .message(7, &time(10))
        .message(8, &container(&running(300), &running(20)))
        .message(8, &container(&running(200), &new()))
        .message(8, &container(&terminated, &new()))
        .message(13, &container(&running(400), &new()));
    let message = new()
        .message(1, &meta("shop", "web-1"))
        .message(2, &pod_spec())
        .message(3, &status);
    let Object::Consumer(found) = read(Kind::Pod, &message) else {
        panic!("a Pod")
    };
    assert_eq!(uses(&found), USES);
    assert_eq!(found.started, Some(200), "the earliest that runs, not an earlier life");
    assert!(!found.ended);
}

#[test]
fn a_pod_that_has_ended_says_so() {
    for (phase, expected) in [
        ("Succeeded", true),
        ("Failed", true),
        ("Pending", false),
        ("Unknown", false),
    ] {
        let message = new().message(1, &meta("a", "b")).nested(&[3], &new().bytes(1, phase));
        let Object::Consumer(found) = read(Kind::Pod, &message) else {
            panic!("a Pod")
        };
        assert_eq!((found.ended, found.started), (expected, None), "{phase}");
    }
}

#[test]
fn a_workload_uses_what_its_template_uses() {
    for (kind, path) in [
        (Kind::Deployment, &[2, 3, 2][..]),
        (Kind::StatefulSet, &[2, 3, 2]),
        (Kind::DaemonSet, &[2, 2, 2]),
        (Kind::Job, &[2, 6, 2]),
        (Kind::CronJob, &[2, 5, 2, 6, 2]),
    ] {
        let message = new()
            .message(1, &meta("shop", "web"))
            .nested(path, &pod_spec())
            .nested(&[3], &new().number(1, 2));
        let Object::Consumer(found) = read(kind, &message) else {
            panic!("a workload")
        };
        assert_eq!(uses(&found), USES, "{kind:?}");
        assert_eq!(found.kind, kind);
        assert!(!found.ended && found.started.is_none());
    }
}

#[test]
fn a_service_account_names_tokens_and_pull_secrets() {
    let message = new()
        .message(1, &meta("shop", "robot"))
        .message(2, &new().bytes(1, "").bytes(2, "").bytes(3, "token"))
        .message(3, &new().bytes(1, "pull"))
        .number(4, 1);
    let Object::Consumer(found) = read(Kind::ServiceAccount, &message) else {
        panic!("an account")
    };
    assert_eq!(uses(&found), [("pull", How::Other), ("token", How::Other)]);
}

#[test]
fn what_is_not_utf8_is_replaced() {
    let meta = new().bytes(1, b"a\xff").bytes(3, "ns");
    let Object::Namespace(found) = read(Kind::Namespace, &new().message(1, &meta)) else {
        panic!("a Namespace")
    };
    assert_eq!(found.name, "a\u{fffd}");
}
