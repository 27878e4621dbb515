//! The same object in both formats gives the same view.

use super::{
    encode::{Message, envelope, meta, new, secret, time},
    views::{ingress, pod_spec},
    *,
};

const META: &str = r#""metadata":{"name":"web","generateName":"generated-","namespace":"shop","uid":"uid-1","resourceVersion":"4711",
  "generation":3,"creationTimestamp":"2023-11-14T22:13:20Z","deletionTimestamp":"2023-11-14T22:13:21Z",
  "deletionGracePeriodSeconds":30,"labels":{"app":"web"},
  "annotations":{"cert-manager.io/issuer":"le","kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{}}"},
  "ownerReferences":[
    {"apiVersion":"v1","kind":"Certificate","name":"owner","uid":"uid-o","controller":true,"blockOwnerDeletion":true},
    {"apiVersion":"v1","kind":"Other","name":"owner","uid":"uid-o","controller":false,"blockOwnerDeletion":true}],
  "finalizers":["finalizer"],
  "managedFields":[
    {"manager":"kubectl","operation":"Update","apiVersion":"v1","time":"2023-11-14T22:15:00Z","fieldsType":"FieldsV1",
     "fieldsV1":{"f:data":{".":{},"f:tls.crt":{},"f:tls.key":{}},"f:type":{}}},
    {"manager":"kubectl","operation":"Update","apiVersion":"v1","time":"2023-11-14T22:16:40Z","fieldsType":"FieldsV1",
     "fieldsV1":{"f:metadata":{"f:labels":{}}}}]}"#;

const POD_SPEC: &str = r#"{"restartPolicy":"Always","nodeSelector":{"disk":"ssd"},
  "volumes":[{"name":"whole","secret":{"secretName":"s-whole","defaultMode":420,"optional":false}},
    {"name":"part","secret":{"secretName":"s-part"}},{"name":"both","secret":{"secretName":"s-both"}},
    {"name":"expr","secret":{"secretName":"s-expr"}},{"name":"unused","secret":{"secretName":"s-unused"}},
    {"name":"mixed","projected":{"defaultMode":420,"sources":[{"secret":{"name":"projected"}},{"configMap":{"name":"config-map"}}]}},
    {"name":"driver","csi":{"driver":"x","nodePublishSecretRef":{"name":"s-csi"}}},{"name":"empty","emptyDir":{}}],
  "containers":[{"name":"main","image":"image","command":["command"],
    "env":[{"name":"PLAIN","value":"value"},{"name":"X","valueFrom":{"configMapKeyRef":{"name":"config-map"}}},
      {"name":"PASSWORD","valueFrom":{"secretKeyRef":{"name":"env","key":"key"}}}],
    "envFrom":[{"secretRef":{"name":"env-from"}}],
    "volumeMounts":[{"name":"whole","mountPath":"/a"},{"name":"both","mountPath":"/b"},{"name":"both","mountPath":"/c","subPath":"tls.crt"}]}],
  "initContainers":[{"name":"init","volumeMounts":[{"name":"part","mountPath":"/p","subPath":"tls.crt"}],
    "env":[{"name":"PASSWORD","valueFrom":{"secretKeyRef":{"name":"init-env","key":"key"}}}]}],
  "ephemeralContainers":[{"name":"debug","targetContainerName":"main",
    "volumeMounts":[{"name":"expr","mountPath":"/e","subPathExpr":"$(POD)"}],
    "env":[{"name":"PASSWORD","valueFrom":{"secretKeyRef":{"name":"debug-env","key":"key"}}}]}],
  "imagePullSecrets":[{"name":"pull"},{"name":""}]}"#;

/// Everything in a view, with the uses of Secrets sorted.
fn view_of(format: Format, kind: Kind, body: &[u8]) -> String {
    let mut object = object(format, kind, body).expect("an object");
    if let Object::Consumer(consumer) = &mut object {
        consumer.uses.sort_by_key(|used| (used.name.clone(), used.how as u8));
    }
    picture(&object)
}

fn assert_same(kind: Kind, message: &Message, rest: &str) {
    let json = format!("{{{META},{rest}}}");
    assert_eq!(
        view_of(Format::Protobuf, kind, &envelope(kind.as_str(), message)),
        view_of(Format::Json, kind, json.as_bytes()),
        "{kind:?}"
    );
}

#[test]
fn secrets() {
    let message = secret("shop", "web", "kubernetes.io/tls", b"PEM");
    let rest = r#""type":"kubernetes.io/tls","immutable":false,
        "data":{"ca.crt":"dGhlIGNh","tls.crt":"UEVN","tls.key":"dGhlIGtleQ=="}"#;
    assert_same(Kind::Secret, &message, rest);
    let helm = secret("shop", "web", "helm.sh/release.v1", b"PEM");
    assert_same(
        Kind::Secret,
        &helm,
        &rest.replace("kubernetes.io/tls", "helm.sh/release.v1"),
    );
    let empty = new()
        .message(1, &meta("shop", "web"))
        .entry(2, "tls.crt", "")
        .bytes(3, "Opaque");
    assert_same(Kind::Secret, &empty, r#""type":"Opaque","data":{"tls.crt":""}"#);
}

#[test]
fn ingresses_and_their_classes() {
    let rest = r#""spec":{"ingressClassName":"nginx","defaultBackend":{"service":{"name":"web","port":{"number":80}}},
        "tls":[{"hosts":["a.example","b.example"],"secretName":"pair"},{"hosts":["c.example"]}],
        "rules":[{"host":"a.example","http":{"paths":[{"path":"/","pathType":"Prefix"}]}},{"http":{"paths":[]}}]},
        "status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.1"},{"hostname":"lb.example"},{"ip":"2001:db8::1","hostname":"other.example"}]}}"#;
    assert_same(Kind::Ingress, &ingress("shop", "web"), rest);
    let class = new()
        .message(
            1,
            &meta("shop", "web").entry(12, "ingressclass.kubernetes.io/is-default-class", "false"),
        )
        .message(2, &new().bytes(1, "traefik.io/ingress-controller"));
    let json = META.replace(
        "\"annotations\":{\"cert-manager.io/issuer\":\"le\"",
        "\"annotations\":{\"cert-manager.io/issuer\":\"le\",\"ingressclass.kubernetes.io/is-default-class\":\"false\"",
    );
    let json = format!(r#"{{{json},"spec":{{"controller":"traefik.io/ingress-controller"}}}}"#);
    assert_eq!(
        view_of(Format::Protobuf, Kind::IngressClass, &envelope("IngressClass", &class)),
        view_of(Format::Json, Kind::IngressClass, json.as_bytes())
    );
}

#[test]
fn pods_and_workloads() {
    let container = |state: &Message| new().bytes(1, "main").message(2, state);
    let status = new()
        .bytes(1, "Running")
        .message(8, &container(&new().nested(&[2, 1], &time(1_700_000_300))))
        .message(8, &container(&new().nested(&[2, 1], &time(1_700_000_200))))
        .message(8, &container(&new().nested(&[3, 5], &time(5))))
        .message(10, &container(&new().nested(&[2, 1], &time(7))));
    let pod = new()
        .message(1, &meta("shop", "web"))
        .message(2, &pod_spec())
        .message(3, &status);
    let rest = format!(
        r#""spec":{POD_SPEC},"status":{{"phase":"Running","containerStatuses":[
        {{"name":"main","state":{{"running":{{"startedAt":"2023-11-14T22:18:20Z"}}}}}},
        {{"name":"main","state":{{"running":{{"startedAt":"2023-11-14T22:16:40Z"}}}}}},
        {{"name":"main","state":{{"terminated":{{"exitCode":0,"startedAt":"1970-01-01T00:00:05Z"}}}}}}],
        "initContainerStatuses":[{{"name":"main","state":{{"running":{{"startedAt":"1970-01-01T00:00:07Z"}}}}}}]}}"#
    );
    assert_same(Kind::Pod, &pod, &rest);
    for (kind, path) in [
        (Kind::Deployment, &[2, 3, 2][..]),
        (Kind::StatefulSet, &[2, 3, 2]),
        (Kind::DaemonSet, &[2, 2, 2]),
        (Kind::Job, &[2, 6, 2]),
    ] {
        let message = new().message(1, &meta("shop", "web")).nested(path, &pod_spec());
        assert_same(
            kind,
            &message,
            &format!(r#""spec":{{"template":{{"spec":{POD_SPEC}}}}}"#),
        );
    }
    let job = new()
        .message(1, &meta("shop", "web"))
        .nested(&[2, 5, 2, 6, 2], &pod_spec());
    let rest = format!(r#""spec":{{"jobTemplate":{{"spec":{{"template":{{"spec":{POD_SPEC}}}}}}}}}"#);
    assert_same(Kind::CronJob, &job, &rest);
}

#[test]
fn accounts_and_namespaces() {
    let account = new()
        .message(1, &meta("shop", "web"))
        .message(2, &new().bytes(3, "token"))
        .message(3, &new().bytes(1, "pull"));
    let rest = r#""secrets":[{"name":"token"}],"imagePullSecrets":[{"name":"pull"}]"#;
    assert_same(Kind::ServiceAccount, &account, rest);
    let namespace = new().message(1, &meta("shop", "web"));
    assert_same(Kind::Namespace, &namespace, r#""status":{"phase":"Active"}"#);
}

#[test]
fn services_and_the_labels_of_pods_to_be() {
    let pair = |key: &str, value: &str| new().bytes(1, key).bytes(2, value);
    let spec = new()
        .message(1, &new().number(3, 443))
        .message(2, &pair("app", "web"))
        .bytes(3, "10.0.0.1");
    let service = new().message(1, &meta("shop", "web")).message(2, &spec);
    let rest = r#""spec":{"ports":[{"port":443}],"selector":{"app":"web"},"clusterIP":"10.0.0.1"}"#;
    assert_same(Kind::Service, &service, rest);
    let template = new()
        .message(1, &new().message(11, &pair("app", "web")))
        .message(2, &pod_spec());
    let controller = new()
        .message(1, &meta("shop", "web"))
        .message(2, &new().message(3, &template));
    let rest = format!(r#""spec":{{"template":{{"metadata":{{"labels":{{"app":"web"}}}},"spec":{POD_SPEC}}}}}"#);
    assert_same(Kind::ReplicationController, &controller, &rest);
    assert_same(Kind::Deployment, &controller, &rest);
}
