use std::sync::Mutex;

use tokio::sync::mpsc;

use super::super::fake::{Fake, KIND, Step, answer, begin, event, json, list as body, refusal, then, word};
use super::*;

/// Watches from a list of `a` at version 5 until `count` changes have arrived. Also returns the reported states.
async fn follow(fake: &Fake, count: usize) -> (Vec<String>, Vec<WatchState>) {
    let (_keep, named) = mpsc::channel(1);
    follow_with(fake, count, named).await
}

async fn follow_with(fake: &Fake, count: usize, named: Receiver<Key>) -> (Vec<String>, Vec<WatchState>) {
    let connection = fake.connection().await;
    let mut starts = Listing::default();
    starts.apis.insert(KIND, KIND.resource());
    starts.resource_versions.insert((KIND, None), "5".into());
    starts.keys.insert((KIND, None), HashSet::from([Key::new("shop", "a")]));
    let states = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&states);
    let (sink, mut changes) = mpsc::channel(16);
    let watching = tokio::spawn(async move {
        watch(&connection, &Scope::everything(), starts, named, sink, move |state| {
            told.lock().unwrap().push(state);
        })
        .await;
    });
    let mut said = Vec::new();
    while said.len() < count {
        let change = tokio::time::timeout(Duration::from_secs(10), changes.recv())
            .await
            .expect("a change in time")
            .unwrap();
        said.push(word(&change));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(changes);
    tokio::time::timeout(Duration::from_secs(5), watching)
        .await
        .expect("ends with its listener")
        .unwrap();
    let states = states.lock().unwrap().clone();
    (said, states)
}

fn watches(fake: &Fake) -> Vec<String> {
    let version = |path: &String| Some(path.split_once("resourceVersion=")?.1.to_owned());
    fake.asked()
        .iter()
        .filter(|path| path.contains("watch=true"))
        .filter_map(version)
        .collect()
}

fn lists(fake: &Fake) -> usize {
    fake.asked().iter().filter(|path| !path.contains("watch=true")).count()
}

#[tokio::test]
async fn a_watch_that_breaks_goes_on_where_it_was_and_lists_nothing_again() {
    for how in ["reset", "silence", "end"] {
        let fake = Fake::start(move |_, before| match before {
            0 => {
                let (b, mark) = (event("ADDED", "b", "6"), event("BOOKMARK", "", "9"));
                match how {
                    "reset" => then(&[&b, &mark], Step::Reset),
                    "silence" => then(&[&b, &mark], Step::Hang),
                    _ => super::super::fake::chunked(&[&b, &mark]),
                }
            }
            _ => then(
                &[&event("DELETED", "a", "10"), &event("DELETED", "never", "11")],
                Step::Hang,
            ),
        })
        .await;
        let (said, states) = follow(&fake, 2).await;
        assert_eq!(said, ["+b", "-a"], "{how}");
        assert_eq!(watches(&fake)[..2], ["5", "9"], "{how}");
        assert_eq!((lists(&fake), states.len()), (0, 0), "{how}: {states:?}");
    }
}

#[tokio::test]
async fn an_event_may_arrive_in_pieces() {
    let whole = event("MODIFIED", "a", "6");
    let (one, two) = whole.split_at(40);
    let (one, two) = (one.to_owned(), two.to_owned());
    let fake = Fake::start(move |_, _| then(&[&one, &two], Step::Hang)).await;
    assert_eq!(follow(&fake, 1).await.0, ["+a"]);
}

#[tokio::test]
async fn a_version_that_is_too_old_lists_that_kind_again_and_sends_what_vanished() {
    for how in ["event", "status"] {
        let fake = Fake::start(move |path, before| match (path.contains("watch=true"), before) {
            (true, 0) if how == "status" => refusal(410, "Expired", ""),
            (true, 0) => {
                let status = r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","code":410,"reason":"Expired","message":"too old"}}"#;
                begin(&[&format!("{status}\n")])
            }
            (true, _) => then(&[&event("ADDED", "d", "21")], Step::Hang),
            (false, _) => json(&body(&["b", "c"], "20", "")),
        })
        .await;
        let (said, states) = follow(&fake, 4).await;
        assert_eq!(said, ["+b", "+c", "-a", "+d"], "{how}");
        assert_eq!(watches(&fake)[..2], ["5", "20"], "{how}");
        assert_eq!(lists(&fake), 1, "{how}");
        assert_eq!(states, [WatchState::Relisted(KIND)], "{how}");
    }
}

#[tokio::test]
async fn a_watch_on_which_nothing_is_ever_heard_lists_again() {
    let fake = Fake::start(|path, _| {
        if path.contains("watch=true") {
            then(&[], Step::Hang)
        } else {
            json(&body(&["b"], "9", ""))
        }
    })
    .await;
    let (said, _) = follow(&fake, 2).await;
    assert_eq!(said, ["+b", "-a"]);
    assert_eq!(watches(&fake)[..2], ["5", "5"]);
}

#[tokio::test]
async fn a_server_that_is_away_is_told_once_and_so_is_its_return() {
    let fake = Fake::start(|_, before| match before {
        0..=2 => answer("502 Bad Gateway", "text/html", "", "<html>"),
        _ => then(&[&event("ADDED", "b", "6")], Step::Hang),
    })
    .await;
    let (said, states) = follow(&fake, 1).await;
    assert_eq!(said, ["+b"]);
    assert!(
        matches!(states.as_slice(), [WatchState::Lost { .. }, WatchState::Connected]),
        "{states:?}"
    );
    assert_eq!(watches(&fake)[..4], ["5", "5", "5", "5"]);
}

#[tokio::test]
async fn a_watch_that_ends_at_once_again_and_again_is_no_storm() {
    let fake = Fake::start(|_, _| super::super::fake::chunked(&[&event("MODIFIED", "a", "6")])).await;
    let began = Instant::now();
    follow(&fake, 6).await;
    let asked = fake.asked().len();
    assert!(
        asked < 12 && began.elapsed() > Duration::from_millis(100),
        "{asked} in {:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_missing_right_to_watch_is_told_and_ends_that_watch_alone() {
    let fake = Fake::start(|_, _| refusal(403, "Forbidden", "")).await;
    let (said, states) = follow(&fake, 1).await;
    assert_eq!(said, ["forbidden watch ingresses"]);
    assert_eq!((fake.asked().len(), states.len()), (1, 0));
}

#[tokio::test]
async fn a_secret_that_was_named_is_listed_and_followed_by_its_name() {
    let fake = Fake::start(|path, before| match () {
        () if path.contains("ingresses") => then(&[], Step::Hang),
        () if !path.contains("watch=true") => {
            json(r#"{"kind":"SecretList","apiVersion":"v1","metadata":{"resourceVersion":"30"},"items":[]}"#)
        }
        () if before == 1 => {
            let meta = r#"{"name":"web-tls","namespace":"shop","resourceVersion":"31"}"#;
            let object = format!(r#"{{"kind":"Secret","apiVersion":"v1","metadata":{meta},"type":"Opaque"}}"#);
            then(&[&format!("{{\"type\":\"ADDED\",\"object\":{object}}}\n")], Step::Hang)
        }
        () => then(&[], Step::Hang),
    })
    .await;
    let (adding, named) = mpsc::channel(4);
    for name in ["web-tls", "web-tls", "../x"] {
        adding.send(Key::new("shop", name)).await.unwrap();
    }
    let (said, _) = follow_with(&fake, 2, named).await;
    assert_eq!(said, ["-web-tls", "+web-tls"]);
    let secrets: Vec<String> = fake
        .asked()
        .into_iter()
        .filter(|path| path.contains("secrets"))
        .collect();
    assert!(
        secrets
            .iter()
            .all(|path| path.starts_with("/api/v1/namespaces/shop/secrets?fieldSelector=metadata.name%3Dweb-tls"))
    );
    assert!(secrets[1].ends_with("resourceVersion=30"), "{secrets:?}");
}

#[tokio::test]
async fn both_groups_of_a_kind_are_followed_and_so_are_the_labels_of_namespaces() {
    let kinds = [Kind::ListenerSet, Kind::XListenerSet, Kind::Namespace];
    let fake = Fake::start(|path, _| {
        let object = r#""metadata":{"name":"new","namespace":"shop","resourceVersion":"6"}"#;
        if path.contains("watch=true") {
            let added = format!("{{\"type\":\"ADDED\",\"object\":{{{object}}}}}\n");
            then(&[&added], Step::Hang)
        } else {
            refusal(404, "NotFound", "")
        }
    })
    .await;
    let connection = fake.connection().await;
    let mut starts = Listing::default();
    for kind in kinds {
        starts.apis.insert(kind, kind.resource());
        starts.resource_versions.insert((kind, None), "5".into());
    }
    let (_keep, named) = mpsc::channel(1);
    let (sink, mut changes) = mpsc::channel(16);
    // In one namespace: cluster-wide objects are watched all the same.
    let scope = Scope {
        namespaces: Namespaces::Only(vec!["shop".into()]),
        ..Scope::everything()
    };
    let watching = tokio::spawn(async move { watch(&connection, &scope, starts, named, sink, |_| ()).await });
    let mut seen = Vec::new();
    while seen.len() < kinds.len() {
        let change = tokio::time::timeout(Duration::from_secs(10), changes.recv())
            .await
            .expect("a change in time");
        if let Some(Change::Set(object)) = change {
            seen.push(object.kind());
        }
    }
    seen.sort();
    assert_eq!(seen, kinds);
    drop(changes);
    watching.await.unwrap();
}

#[tokio::test]
async fn a_route_of_another_namespace_that_was_read_is_not_lost_when_it_changes() {
    let fake = Fake::start(|path, _| {
        if path.contains("/gateways") {
            // A Gateway of another namespace is not in the scope.
            let meta = r#"{"name":"other","namespace":"team","resourceVersion":"6"}"#;
            return then(
                &[&format!(
                    "{{\"type\":\"MODIFIED\",\"object\":{{\"metadata\":{meta}}}}}\n"
                )],
                Step::Hang,
            );
        }
        let meta = r#"{"name":"web","namespace":"team","resourceVersion":"6"}"#;
        then(
            &[&format!(
                "{{\"type\":\"MODIFIED\",\"object\":{{\"metadata\":{meta}}}}}\n"
            )],
            Step::Hang,
        )
    })
    .await;
    let connection = fake.connection().await;
    let mut starts = Listing::default();
    for (kind, namespace) in [(Kind::HttpRoute, None), (Kind::Gateway, Some(Text::from("shop")))] {
        starts.apis.insert(kind, kind.resource());
        starts.resource_versions.insert((kind, namespace.clone()), "5".into());
        starts
            .keys
            .insert((kind, namespace), HashSet::from([Key::new("team", "web")]));
    }
    let (_keep, named) = mpsc::channel(1);
    let (sink, mut changes) = mpsc::channel(16);
    let scope = Scope {
        namespaces: Namespaces::Only(vec!["shop".into()]),
        ..Scope::everything()
    };
    let watching = tokio::spawn(async move { watch(&connection, &scope, starts, named, sink, |_| ()).await });
    let change = tokio::time::timeout(Duration::from_secs(10), changes.recv()).await;
    assert_eq!(word(&change.expect("a change in time").unwrap()), "+web");
    let more = tokio::time::timeout(Duration::from_millis(200), changes.recv()).await;
    assert!(more.is_err(), "{more:?}");
    drop(changes);
    watching.await.unwrap();
}
