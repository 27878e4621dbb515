use super::{super::template::tests::ROUTE, *};
use crate::k8s::fake::{Fake, Step, json as answer, refusal};

const HOST: &str = "www.example.com";

/// A server with this template and at most one object, which takes everything that is written.
async fn server(template: &'static str, present: Option<Value>) -> Fake {
    Fake::start(move |asked, _| {
        let as_json = |value: &Value| -> Vec<Step> { answer(&value.to_string()) };
        match &present {
            _ if asked.contains("/configmaps/") && template.is_empty() => refusal(404, "NotFound", ""),
            _ if asked.contains("/configmaps/") => as_json(&json!({"data": {DATA: template}})),
            Some(object) if asked.contains("labelSelector") => as_json(&json!({"items": [object]})),
            None if asked.contains("labelSelector") => as_json(&json!({"items": []})),
            Some(object) if asked.starts_with('/') => as_json(object),
            None if asked.starts_with('/') => refusal(404, "NotFound", ""),
            _ => as_json(&json!({})),
        }
    })
    .await
}

async fn routes(fake: &Fake) -> Routes {
    let api = Api::new(fake.connection().await, Permits::none());
    let mut routes = Routes::new(api, "prod-1", Key::new("certs", "hosts"), Vec::new());
    routes.complete();
    routes
}

fn want(routes: &mut Routes, host: &str) {
    let secret = Key::new("shop", format!("domain-{host}").as_str());
    routes.want(&host.into(), &secret, &"shop".parse().unwrap());
}

/// The object of the host as the server has it, with what it adds.
fn present(claim: &str) -> Value {
    let template = Template::parse(ROUTE).unwrap();
    let mut object = template.filled(Filling {
        host: HOST,
        tenant: "shop",
        secret: "domain-www.example.com",
    });
    let name = format!("{}h{}", prefix("prod-1"), short_hash(HOST));
    for (field, value) in [
        ("namespace", "shop"),
        ("name", &name),
        ("resourceVersion", "7"),
        ("uid", "u"),
    ] {
        object["metadata"][field] = value.into();
    }
    object["metadata"]["labels"][MANAGED_BY] = MANAGER.into();
    object["metadata"]["labels"][PURPOSE] = "chunk".into();
    object["metadata"]["annotations"][CLAIM] = claim.into();
    object["spec"]["routes"][0]["syntax"] = "default".into();
    object
}

#[tokio::test]
async fn a_host_gets_its_own_object_once_and_what_is_as_it_should_be_is_left_alone() {
    let fake = server(ROUTE, None).await;
    let mut all = routes(&fake).await;
    want(&mut all, HOST);
    assert!(!all.is_dirty(), "nobody has read the template");
    all.read().await.expect("a template");
    assert_eq!(all.write(&|| false).await.expect("it does not lead"), 0);
    assert_eq!(all.write(&|| true).await.expect("written"), 1);
    let made = &fake.sent()[0];
    assert_eq!(made["kind"], "IngressRoute");
    assert_eq!(made["metadata"]["namespace"], "shop");
    assert_eq!(made["metadata"]["annotations"][CLAIM], "prod-1");
    assert_eq!(
        made["spec"]["routes"][0]["match"],
        format!("Host(`{HOST}`) && PathPrefix(`/`)")
    );
    assert!(!all.is_dirty());

    let fake = server(ROUTE, Some(present("prod-1"))).await;
    let mut all = routes(&fake).await;
    want(&mut all, HOST);
    all.read().await.expect("a template");
    assert_eq!(all.write(&|| true).await.expect("nothing"), 0);
    assert!(fake.sent().is_empty(), "what the server has added is no difference");
}

#[tokio::test]
async fn what_somebody_has_changed_is_put_right_and_what_others_have_added_stays() {
    let mut changed = present("prod-1");
    changed["spec"]["routes"][0]["services"][0]["name"] = "other".into();
    changed["metadata"]["labels"]["theirs"] = "x".into();
    let fake = server(ROUTE, Some(changed)).await;
    let mut all = routes(&fake).await;
    want(&mut all, HOST);
    all.read().await.expect("a template");
    assert_eq!(all.write(&|| true).await.expect("written"), 1);
    let sent = fake.sent();
    let patch = sent[0].as_array().expect("a JSON patch");
    assert_eq!(
        patch[0],
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"})
    );
    assert_eq!(patch[1]["value"]["routes"][0]["services"][0]["name"], "app");
    assert!(!sent[0].to_string().contains("theirs"), "{}", sent[0]);
}

#[tokio::test]
async fn who_has_left_takes_the_object_along_and_another_installations_is_not_touched() {
    let fake = server(ROUTE, Some(present("prod-1"))).await;
    let mut all = routes(&fake).await;
    all.read().await.expect("a template");
    assert_eq!(all.write(&|| true).await.expect("removed"), 1);
    assert!(fake.asked().iter().any(|asked| asked.starts_with("DELETE")));

    let fake = server(ROUTE, Some(present("staging-2"))).await;
    let mut all = routes(&fake).await;
    all.read().await.expect("a template");
    assert_eq!(all.write(&|| true).await.expect("nothing"), 0);
    want(&mut all, HOST);
    let refused = all.write(&|| true).await;
    assert!(
        matches!(refused, Err(RoutesError::Api(ApiError::NotPlanned { .. }))),
        "{refused:?}"
    );
    assert!(fake.sent().is_empty());
}

#[tokio::test]
async fn without_a_template_that_can_be_used_nothing_is_written_and_nothing_removed() {
    for (template, why) in [
        ("", "there is no ConfigMap certs/hosts"),
        ("kind: Pod", "has to be one of"),
    ] {
        let fake = server(template, Some(present("prod-1"))).await;
        let mut all = routes(&fake).await;
        want(&mut all, "other.example.com");
        let error = all.read().await.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(!all.is_dirty());
        assert_eq!(all.write(&|| true).await.expect("nothing"), 0);
        assert!(fake.sent().is_empty());
    }
}
