use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::*;
use crate::k8s::fake::{Fake, json as answer, refusal};

const NAMESPACE: &str = "certs";

fn by() -> Installation {
    Installation {
        namespace: NAMESPACE.into(),
        id: "a".into(),
        issuer: "own".into(),
        ..Installation::default()
    }
}

fn failing(name: &str) -> Doing {
    Doing {
        state: DoingState::BackOff,
        message: "refused".into(),
        failures: 1,
        ..Doing::of(Key::new("shop", name))
    }
}

fn ready(name: &str) -> Doing {
    Doing {
        state: DoingState::Ready,
        ..Doing::of(Key::new("shop", name))
    }
}

/// A server that keeps objects by their paths, or refuses what is written.
async fn server(kept: &Arc<Mutex<std::collections::BTreeMap<String, String>>>, refuses: &Arc<AtomicUsize>) -> Fake {
    let (kept, refuses) = (Arc::clone(kept), Arc::clone(refuses));
    Fake::start(move |path, _| {
        let path = path.split('?').next().unwrap();
        if path.starts_with("POST") || path.starts_with("PUT") {
            return match refuses.load(Ordering::SeqCst) {
                0 => answer(r#"{"metadata":{"resourceVersion":"2"}}"#),
                409 => refusal(409, "Conflict", ""),
                _ => refusal(403, "Forbidden", ""),
            };
        }
        match kept.lock().unwrap().get(path) {
            Some(object) => answer(object),
            None => refusal(404, "NotFound", ""),
        }
    })
    .await
}

struct Scene {
    fake: Fake,
    api: Api,
    kept: Arc<Mutex<std::collections::BTreeMap<String, String>>>,
    refuses: Arc<AtomicUsize>,
    memory: Memory,
}

impl Scene {
    async fn new() -> Self {
        let (kept, refuses) = (Arc::default(), Arc::default());
        let fake = server(&kept, &refuses).await;
        let api = Api::new(fake.connection().await, Permits::none());
        Self {
            fake,
            api,
            kept,
            refuses,
            memory: Memory::default(),
        }
    }

    fn keeps(&self, at: usize, object: &Value) {
        let path = format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{}", shard::names()[at]);
        self.kept.lock().unwrap().insert(path, object.to_string());
    }

    async fn store(&mut self, doings: Vec<Doing>) -> Vec<String> {
        self.memory.store(&self.api, &|| true, &by(), doings.into_iter()).await
    }

    fn writes(&self) -> usize {
        let asked = self.fake.asked();
        asked.iter().filter(|path| path.starts_with('P')).count()
    }
}

fn object(at: usize, install: &str, doings: &[Doing]) -> Value {
    let by = Installation {
        id: install.into(),
        ..by()
    };
    made(
        &Key::new(NAMESPACE, shard::names()[at].as_str()),
        &json!(shard::encode(&by, at, doings)),
    )
}

#[tokio::test]
async fn only_what_has_changed_is_written_and_an_empty_one_is_not_made() {
    let mut scene = Scene::new().await;
    scene.memory.read(&scene.api, NAMESPACE, "a").await.unwrap();
    let name = failing("shop-tls");
    let at = shard::of_secret(&name.secret);
    assert_eq!(scene.store(vec![name.clone()]).await, [""; 0]);
    let first = scene.writes();
    assert_eq!(first, if at == 0 { 1 } else { 2 }, "the first says who it is of");
    let sent = scene.fake.sent();
    let labels = &sent[0]["metadata"]["labels"];
    assert_eq!(
        (&labels[MANAGED_BY], &labels[PURPOSE]),
        (&json!("kubectl-certs"), &json!("state"))
    );
    // The fake does not give back what was written: what is there is read again.
    scene.keeps(
        0,
        &object(0, "a", if at == 0 { std::slice::from_ref(&name) } else { &[] }),
    );
    scene.keeps(at, &object(at, "a", std::slice::from_ref(&name)));
    scene.memory.doubt();
    scene.store(vec![name.clone()]).await;
    assert_eq!(scene.writes(), first, "nothing has changed");
    // It is healthy again: the object stays, and says nothing.
    scene.store(Vec::new()).await;
    assert_eq!(scene.writes(), first + 1);
    let sent = scene.fake.sent();
    assert_eq!(sent.last().unwrap()["data"]["certificates"], Value::Null);
}

#[tokio::test]
async fn what_waits_for_its_turn_is_stored_once_it_has_done_so_for_two_looks() {
    let mut memory = Memory::default();
    let mut names = |doings: Vec<Doing>| -> Vec<String> {
        let settled = memory.settled(doings.into_iter());
        settled.iter().map(|doing| doing.secret.name.to_string()).collect()
    };
    assert_eq!(names(vec![ready("a"), failing("b")]), ["b"]);
    assert_eq!(names(vec![ready("a"), ready("c")]), ["a"]);
    assert_eq!(names(vec![ready("c")]), ["c"]);
    assert_eq!(names(vec![]), [""; 0]);
    assert_eq!(names(vec![ready("a")]), [""; 0]);
}

#[tokio::test]
async fn what_is_spoilt_or_of_others_is_told_once_and_is_nothing_and_somebodys_is_not_replaced() {
    let mut scene = Scene::new().await;
    scene.keeps(0, &object(0, "a", &[failing("good-tls")]));
    let mut spoilt = object(1, "a", &[failing("x")]);
    spoilt["data"]["certificates"] = "{nonsense".into();
    scene.keeps(1, &spoilt);
    scene.keeps(2, &object(2, "another", &[failing("y")]));
    let mut somebodys = object(3, "a", &[failing("z")]);
    somebodys["metadata"]["labels"] = json!({"team": "shop"});
    scene.keeps(3, &somebodys);
    let recalled = scene.memory.read(&scene.api, NAMESPACE, "a").await.unwrap();
    assert_eq!(recalled.issuer.as_deref(), Some("own"));
    let names: Vec<&str> = recalled.doings.iter().map(|doing| doing.secret.name.as_str()).collect();
    assert_eq!(names, ["good-tls"]);
    assert_eq!(recalled.news.len(), 3, "{:#?}", recalled.news);
    let again = scene.memory.read(&scene.api, NAMESPACE, "a").await.unwrap();
    assert_eq!(again.news, [""; 0]);
    // Some of each: all but somebody's are written.
    let all: Vec<Doing> = (0..64).map(|n| failing(&format!("n{n}"))).collect();
    scene.store(all).await;
    let written: BTreeSet<String> = scene
        .fake
        .sent()
        .iter()
        .map(|object| object["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    let mut expected: BTreeSet<String> = shard::names().into_iter().collect();
    expected.remove(&shard::names()[3]);
    assert_eq!(written, expected);
}

#[tokio::test]
async fn who_no_longer_leads_writes_nothing_and_a_conflict_is_decided_anew() {
    let mut scene = Scene::new().await;
    scene.memory.read(&scene.api, NAMESPACE, "a").await.unwrap();
    let leads = AtomicBool::new(false);
    let may = || leads.load(Ordering::SeqCst);
    let doings = || vec![failing("shop-tls")].into_iter();
    scene.memory.store(&scene.api, &may, &by(), doings()).await;
    assert_eq!(scene.writes(), 0);
    // Somebody was faster: that is nothing to tell, and it is read before it is written again.
    scene.refuses.store(409, Ordering::SeqCst);
    assert_eq!(scene.store(vec![failing("shop-tls")]).await, [""; 0]);
    assert!(scene.memory.next_look(Instant::now()).is_some());
    // A right that is missing is told once.
    scene.refuses.store(403, Ordering::SeqCst);
    let told = scene.store(vec![failing("shop-tls")]).await;
    assert!(told[0].contains("cannot be stored"), "{told:?}");
    assert_eq!(scene.store(vec![failing("shop-tls")]).await, [""; 0]);
}

#[test]
fn it_is_looked_every_ten_seconds_at_most_and_only_if_something_may_have_changed() {
    let (mut memory, mut now) = (Memory::default(), Instant::now());
    assert!(!memory.begins_look(now), "nothing has happened");
    memory.note();
    assert!(memory.begins_look(now));
    let mut looks = 0;
    for _ in 0..600 {
        memory.note();
        looks += usize::from(memory.begins_look(now));
        now += Duration::from_millis(100);
    }
    assert!((5..=6).contains(&looks), "{looks} in a minute");
    assert!(memory.begins_look(now + PAUSE));
    assert_eq!(memory.next_look(now), None);
}
