use serde_json::json;

use super::{
    super::fake::{Fake, json as answer, refusal},
    *,
};
use crate::object::doing::{DoingState, Installation, Orders};

fn stored(namespace: &str, install: &str, names: &[&str]) -> Vec<Value> {
    let by = Installation {
        id: install.into(),
        issuer: "own".into(),
        orders: Orders::Allowed,
        ..Installation::default()
    };
    let doings: Vec<Doing> = names
        .iter()
        .map(|name| Doing {
            state: DoingState::BackOff,
            message: "refused".into(),
            ..Doing::of(Key::new("shop", *name))
        })
        .collect();
    let of = |at: usize, doings: &[Doing]| {
        json!({
            "metadata": {"namespace": namespace, "name": shard::names()[at]},
            "data": shard::encode(&by, at, doings),
        })
    };
    vec![of(0, &[]), of(1, &doings)]
}

fn items(objects: &[Value]) -> String {
    json!({"kind": "ConfigMapList", "items": objects}).to_string()
}

#[tokio::test]
async fn it_takes_one_list_and_one_lease_of_each_controller_that_has_something_to_say() {
    let mut objects = stored("certs", "a", &["shop-tls"]);
    objects.extend(stored("quiet", "b", &[]));
    // What is spoilt, called otherwise or another installation's counts for nothing.
    objects
        .push(json!({"metadata": {"namespace": "certs", "name": "kubectl-certs-state-02"}, "data": {"version": "9"}}));
    objects.push(json!({"metadata": {"namespace": "certs", "name": "other"}, "data": {"version": "1"}}));
    let mut foreign = stored("x", "another", &["foreign-tls"]).remove(1);
    foreign["metadata"] = json!({"namespace": "certs", "name": "kubectl-certs-state-03"});
    objects.push(foreign);
    let body = items(&objects);
    let fake = Fake::start(move |path, _| match path.split('?').next().unwrap() {
        "/api/v1/configmaps" => answer(&body),
        "/apis/coordination.k8s.io/v1/namespaces/certs/leases/kubectl-certs-controller" => {
            answer(r#"{"spec":{"holderIdentity":"","renewTime":"2026-12-01T00:00:00.000000Z"}}"#)
        }
        _ => refusal(404, "NotFound", ""),
    })
    .await;
    let all = doings(&fake.connection().await, None).await;
    let told: Vec<(&str, usize)> = all
        .iter()
        .map(|one| (one.by.namespace.as_str(), one.doings.len()))
        .collect();
    assert_eq!(told, [("certs", 1), ("quiet", 0)]);
    assert_eq!(
        all[0].heard,
        Heard::Gone {
            last: Some(1_796_083_200)
        }
    );
    let asked = fake.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked[0].contains("labelSelector="), "{asked:?}");
}

#[tokio::test]
async fn without_the_right_it_looks_in_one_namespace_and_then_says_nothing() {
    let fake = Fake::start(|_, _| refusal(403, "Forbidden", "")).await;
    let connection = fake.connection().await;
    assert_eq!(doings(&connection, None).await, []);
    assert_eq!(doings(&connection, Some("shop")).await, []);
    let asked: Vec<String> = fake
        .asked()
        .iter()
        .map(|path| path.split('?').next().unwrap().to_owned())
        .collect();
    assert_eq!(
        asked,
        [
            "/api/v1/configmaps",
            "/api/v1/namespaces/kubectl-certs/configmaps",
            "/api/v1/configmaps",
            "/api/v1/namespaces/shop/configmaps"
        ]
    );
}

#[tokio::test]
async fn nonsense_is_nothing() {
    for body in [
        "<html>",
        "{}",
        r#"{"items":[{"metadata":null}]}"#,
        r#"{"items":[{"data":[1]}]}"#,
    ] {
        let fake = Fake::start(move |_, _| answer(body)).await;
        assert_eq!(doings(&fake.connection().await, None).await, [], "{body}");
    }
}

#[test]
fn a_controller_runs_while_its_lease_is_renewed() {
    let lease = |holder: &str, renewed: &str| json!({"spec": {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": 15}});
    // 2026-12-01T00:00:00Z.
    let at: Seconds = 1_796_083_200;
    let renewed = "2026-12-01T00:00:00.123456Z";
    assert_eq!(judge(&lease("a", renewed), at + 20), Heard::Running);
    // A clock that is behind.
    assert_eq!(judge(&lease("a", renewed), at - 20), Heard::Running);
    assert_eq!(judge(&lease("a", renewed), at + 31), Heard::Gone { last: Some(at) });
    assert_eq!(judge(&lease("", renewed), at), Heard::Gone { last: Some(at) });
    assert_eq!(judge(&json!({}), at), Heard::Gone { last: None });
}
