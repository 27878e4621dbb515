use serde_json::Value;

use super::{
    made::{self, Backend, Form, MOST_OF_INGRESS, is_of, read, whole},
    plan::{Chunk, Hosts},
    *,
};
use crate::{
    k8s::fake::{Fake, Step, json as answer, refusal},
    solve::http01::Class,
};

fn backend() -> Backend {
    Backend {
        service: "app".to_owned(),
        port: 8080,
    }
}

fn ingress(most: usize) -> Form {
    Form::Ingress {
        class: Class::Field("edge".into()),
        backend: backend(),
        most,
    }
}

fn hosts(names: &[&str]) -> Hosts {
    let pair = |name: &&str| (Text::from(*name), Text::from(format!("domain-{name}")));
    names.iter().map(pair).collect()
}

#[test]
fn what_is_made_is_read_back_and_is_nobody_elses() {
    let sets = Form::ListenerSet {
        gateway: Key::new("edge", "gw"),
        backend: backend(),
        most: 64,
    };
    let chunk = Chunk {
        number: 3,
        hosts: hosts(&["a.example", "b.example"]),
    };
    for form in [ingress(200), sets] {
        let (resource, object) = whole(&form, "shop", "prod-1", &chunk).remove(0);
        assert_eq!(resource, form.resource());
        assert_eq!(read(&form, &object, "prod-1").as_ref(), Some(&chunk));
        assert!(is_of(&object, "prod-1") && !is_of(&object, "staging-2"));
        assert_eq!(read(&form, &object, "staging-2"), None);
    }
}

#[test]
fn the_largest_chunk_is_far_from_what_etcd_takes() {
    let label = "a".repeat(63);
    let long = |number: usize| Text::from(format!("{number:0>60}.{label}.{label}.{label}"));
    let hosts: Hosts = (0..MOST_OF_INGRESS)
        .map(|number| (long(number), Text::from("s".repeat(253))))
        .collect();
    let chunk = Chunk { number: 0, hosts };
    let (_, object) = whole(&ingress(200), "shop", "prod-1", &chunk).remove(0);
    // etcd refuses requests of 1.5 MiB (`--max-request-bytes`).
    assert!(object.to_string().len() < 300_000, "{}", object.to_string().len());
}

/// A server with one chunk, which takes everything that is written.
async fn server(present: Option<Value>) -> Fake {
    Fake::start(move |asked, _| {
        let (is_read, is_list) = (asked.starts_with('/'), asked.contains("labelSelector"));
        let as_json = |value: &Value| -> Vec<Step> { answer(&value.to_string()) };
        match &present {
            Some(object) if is_list => as_json(&json!({"items": [object]})),
            None if is_list => as_json(&json!({"items": []})),
            Some(object) if is_read => as_json(object),
            None if is_read => refusal(404, "NotFound", ""),
            _ => as_json(&json!({})),
        }
    })
    .await
}

async fn chunks(fake: &Fake) -> Chunks {
    let api = Api::new(fake.connection().await, Permits::none());
    let mut chunks = Chunks::new(api, "prod-1", ingress(200), Vec::new());
    chunks.read().await.expect("a list");
    chunks.complete();
    chunks
}

fn present(names: &[&str]) -> Value {
    let chunk = Chunk {
        number: 0,
        hosts: hosts(names),
    };
    let (_, mut object) = whole(&ingress(200), "shop", "prod-1", &chunk).remove(0);
    object["metadata"]["resourceVersion"] = "7".into();
    object["metadata"]["uid"] = "u".into();
    object
}

fn want(chunks: &mut Chunks, host: &str, is_wanted: bool) {
    if is_wanted {
        chunks.want(&host.into(), &Key::new("shop", format!("domain-{host}").as_str()));
    } else {
        chunks.forget(&host.into());
    }
}

#[tokio::test]
async fn many_new_hosts_are_one_conditional_write_and_none_is_written_again() {
    let fake = server(Some(present(&["a.example"]))).await;
    let mut chunks = chunks(&fake).await;
    want(&mut chunks, "a.example", true);
    for number in 0..100 {
        want(&mut chunks, &format!("h{number}.example"), true);
    }
    assert_eq!(chunks.write(&|| true).await.expect("written"), 1);
    let sent = fake.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        sent[0][0],
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": "7"})
    );
    assert_eq!(sent[0][1]["value"].as_array().map(Vec::len), Some(101));
    assert_eq!(chunks.write(&|| true).await.expect("nothing"), 0);
    assert!(!chunks.is_dirty());
    assert_eq!(fake.sent().len(), 1);
}

#[tokio::test]
async fn the_last_host_takes_its_chunk_with_it_and_another_installations_stays() {
    let fake = server(Some(present(&["a.example"]))).await;
    let mut all = chunks(&fake).await;
    want(&mut all, "a.example", true);
    all.write(&|| true).await.expect("nothing");
    want(&mut all, "a.example", false);
    all.write(&|| true).await.expect("removed");
    assert!(fake.asked().iter().any(|asked| asked.starts_with("DELETE")));

    let mut theirs = present(&["a.example"]);
    theirs["metadata"]["annotations"][crate::object::annotation::CLAIM] = "staging-2".into();
    let fake = server(Some(theirs)).await;
    let mut all = chunks(&fake).await;
    want(&mut all, "b.example", true);
    let refused = all.write(&|| true).await;
    assert!(matches!(refused, Err(ApiError::NotPlanned { .. })), "{refused:?}");
    assert!(fake.sent().is_empty());
}

#[tokio::test]
async fn who_does_not_lead_writes_nothing() {
    let fake = server(None).await;
    let mut all = chunks(&fake).await;
    want(&mut all, "a.example", true);
    assert_eq!(all.write(&|| false).await.expect("not asked"), 0);
    assert!(all.is_dirty() && fake.sent().is_empty());
    assert_eq!(all.write(&|| true).await.expect("written"), 1);
    assert_eq!(fake.sent()[0]["metadata"]["name"], made::name("prod-1", 0));
}

#[tokio::test]
async fn nobody_is_taken_out_of_a_chunk_before_all_records_were_read() {
    let fake = server(Some(present(&["a.example", "b.example"]))).await;
    let api = Api::new(fake.connection().await, Permits::none());
    let mut all = Chunks::new(api, "prod-1", ingress(200), Vec::new());
    all.read().await.expect("a list");
    want(&mut all, "a.example", true);
    assert_eq!(all.write(&|| true).await.expect("nothing"), 0);
    assert!(fake.sent().is_empty());
    want(&mut all, "b.example", true);
    all.complete();
    assert_eq!(all.write(&|| true).await.expect("nothing"), 0, "both are wanted");
}
