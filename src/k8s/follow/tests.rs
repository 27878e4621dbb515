use serde_json::Value;
use tokio::sync::mpsc;

use super::*;
use crate::{
    k8s::fake::{Fake, Step, chunked, event, json, list, refusal, then},
    object::resource::INGRESS,
};

/// What is told, in words, until `until` of them are there.
async fn told(fake: &Fake, until: usize) -> Vec<String> {
    let connection = fake.connection().await;
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let following = tokio::spawn(async move {
        follow::<Value>(&connection, INGRESS, None, move |told| {
            let name = |object: &Value| object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let _ = sender.send(match told {
                Followed::Listing => "listing".to_owned(),
                Followed::Listed => "listed".to_owned(),
                Followed::Set(object) => format!("+{}", name(&object)),
                Followed::Gone(object) => format!("-{}", name(&object)),
                Followed::Lost(why) => format!("lost: {why}"),
                Followed::Found => "found".to_owned(),
            });
        })
        .await
    });
    let mut all = Vec::new();
    while all.len() < until {
        let next = tokio::time::timeout(Duration::from_secs(10), receiver.recv()).await;
        all.push(next.unwrap_or_else(|_| panic!("no more after {all:?}")).unwrap());
    }
    following.abort();
    all
}

/// Answers lists with `lists`, and watches with `watches`, each the last for all that follow.
async fn serve(lists: Vec<Vec<Step>>, watches: Vec<Vec<Step>>) -> Fake {
    let left = std::sync::Mutex::new((lists.into_iter(), watches.into_iter()));
    Fake::start(move |asked, _| {
        let mut left = left.lock().unwrap();
        let step = if asked.contains("watch=true") {
            left.1.next()
        } else {
            left.0.next()
        };
        step.unwrap_or_else(|| vec![Step::Hang])
    })
    .await
}

#[tokio::test]
async fn a_list_goes_on_page_by_page_and_then_as_a_watch_from_its_version() {
    let events = format!("{}{}", event("ADDED", "c", "8"), event("DELETED", "a", "9"));
    let (begin, end) = events.split_at(40);
    let fake = serve(
        vec![json(&list(&["a"], "7", "more")), json(&list(&["b"], "7", ""))],
        vec![chunked(&[begin, end])],
    )
    .await;
    assert_eq!(told(&fake, 6).await, ["listing", "+a", "+b", "listed", "+c", "-a"]);
    let asked = fake.asked();
    assert!(asked[1].contains("continue=more"), "{asked:?}");
    assert!(asked[2].contains("resourceVersion=7"), "{asked:?}");
}

#[tokio::test]
async fn a_watch_that_breaks_off_goes_on_from_the_last_version_and_one_that_is_too_old_lists_again() {
    let gone = r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#;
    let fake = serve(
        vec![json(&list(&["a"], "7", "")), json(&list(&["b"], "20", ""))],
        vec![
            then(&[&event("MODIFIED", "a", "8")], Step::Reset),
            chunked(&[&format!("{gone}\n")]),
        ],
    )
    .await;
    let all = told(&fake, 7).await;
    assert_eq!(all, ["listing", "+a", "listed", "+a", "listing", "+b", "listed"]);
    let watches: Vec<String> = fake
        .asked()
        .into_iter()
        .filter(|it| it.contains("watch=true"))
        .collect();
    assert!(watches[1].contains("resourceVersion=8"), "{watches:?}");
}

#[tokio::test]
async fn a_refusal_is_told_once_and_so_is_its_end() {
    let fake = serve(
        vec![
            refusal(403, "Forbidden", ""),
            refusal(404, "NotFound", ""),
            json(&list(&[], "7", "")),
        ],
        Vec::new(),
    )
    .await;
    let all = told(&fake, 6).await;
    assert_eq!(
        all,
        [
            "listing",
            "lost: words of Forbidden",
            "listing",
            "listing",
            "listed",
            "found"
        ]
    );
}
