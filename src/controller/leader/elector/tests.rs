use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use serde_json::json;

use super::*;
use crate::{
    controller::leader::{NotLeader, Permission, vacant},
    engine::cancel::{Canceller, pair},
    k8s::fake::{Fake, Step, json as answer, refusal},
};

const LEASE_KEY: (&str, &str) = ("certs", "kubectl-certs-controller");
/// The production values, ten times as fast.
const FAST: Timing = Timing {
    lasts: Duration::from_millis(1_500),
    deadline: Duration::from_secs(1),
    retry: Duration::from_millis(200),
};

/// The leader's Lease in an API server that can be told what to do.
#[derive(Clone, Default)]
struct Server {
    lease: Arc<Mutex<Option<Value>>>,
    version: Arc<AtomicU64>,
    /// Nothing is answered.
    silent: Arc<AtomicBool>,
    /// Writes are done, and their answers lost.
    deaf: Arc<AtomicBool>,
}

impl Server {
    fn lease(&self) -> Option<Value> {
        self.lease.lock().unwrap().clone()
    }

    fn holder(&self) -> Option<String> {
        self.lease()?["spec"]["holderIdentity"].as_str().map(str::to_owned)
    }

    /// Stores a Lease as a new version; without uid it becomes another.
    fn put(&self, mut lease: Value) -> Value {
        let version = self.version.fetch_add(1, Ordering::SeqCst) + 1;
        let uid = lease["metadata"]["uid"]
            .as_str()
            .map_or(format!("u{version}"), str::to_owned);
        lease["metadata"]["uid"] = uid.into();
        lease["metadata"]["resourceVersion"] = version.to_string().into();
        *self.lease.lock().unwrap() = Some(lease.clone());
        lease
    }

    fn answer(&self, asked: &str, fake: &Mutex<Option<Arc<Fake>>>) -> Vec<Step> {
        if self.silent.load(Ordering::SeqCst) {
            return vec![Step::Hang];
        }
        let body = || {
            let fake = fake.lock().unwrap().clone().unwrap();
            fake.sent().last().cloned().unwrap()
        };
        let written = match asked.split(' ').next() {
            Some("POST") if self.lease().is_some() => return refusal(409, "AlreadyExists", ""),
            Some("POST") => self.put(body()),
            Some("PUT") => {
                let body = body();
                let Some(present) = self.lease() else {
                    return refusal(404, "NotFound", "");
                };
                if present["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"] {
                    return refusal(409, "Conflict", "");
                }
                self.put(body)
            }
            _ => match self.lease() {
                Some(lease) => return answer(&lease.to_string()),
                None => return refusal(404, "NotFound", ""),
            },
        };
        if self.deaf.load(Ordering::SeqCst) {
            return vec![Step::Reset];
        }
        answer(&written.to_string())
    }
}

/// One process, with an API server for itself where it has to be.
struct One {
    leadership: Leadership,
    canceller: Canceller,
    task: tokio::task::JoinHandle<()>,
    slept: Arc<AtomicU64>,
    fake: Arc<Fake>,
}

impl One {
    async fn start(server: &Server) -> Self {
        let slot = Arc::new(Mutex::new(None));
        let (of, fake) = (server.clone(), Arc::clone(&slot));
        let fake = Arc::new(Fake::start(move |asked, _| of.answer(asked, &fake)).await);
        *slot.lock().unwrap() = Some(Arc::clone(&fake));
        let slept = Arc::new(AtomicU64::new(0));
        let (began, asleep) = (Instant::now(), Arc::clone(&slept));
        let clock: Clock = Arc::new(move || began.elapsed() + Duration::from_millis(asleep.load(Ordering::SeqCst)));
        let key = Key::new(LEASE_KEY.0, LEASE_KEY.1);
        let connection = fake.connection().await;
        let identity = Identity::random();
        let (elector, leadership) = with_clock(&connection, key, "prod".into(), identity, FAST, clock);
        let (canceller, cancel) = pair();
        Self {
            leadership,
            canceller,
            task: tokio::spawn(elector.run(cancel)),
            slept,
            fake,
        }
    }

    async fn until(&self, wanted: impl Fn(&State) -> bool) -> State {
        let mut states = self.leadership.watch();
        let found = tokio::time::timeout(Duration::from_secs(20), states.wait_for(wanted)).await;
        found.expect("it comes about").expect("the elector runs").clone()
    }

    async fn leads(&self) -> Permission {
        self.until(|state| matches!(state, State::Leader { .. })).await;
        self.leadership.permit().unwrap()
    }

    async fn follows(&self) {
        self.until(|state| matches!(state, State::Follower { .. })).await;
    }
}

fn nobodys() -> Server {
    let server = Server::default();
    server.put(vacant(&Key::new(LEASE_KEY.0, LEASE_KEY.1)));
    server
}

#[tokio::test]
async fn a_lease_that_was_given_back_is_taken_by_the_next_and_nothing_is_deleted() {
    let server = nobodys();
    let first = One::start(&server).await;
    let permission = first.leads().await;
    let second = One::start(&server).await;
    let who = permission.epoch().identity.to_string();
    second
        .until(|state| matches!(state, State::Follower { holder: Some(holder) } if *holder == who))
        .await;
    assert!(matches!(
        second.leadership.permit(),
        Err(NotLeader::Follower { holder: Some(_) })
    ));
    let begin = Instant::now();
    first.canceller.cancel();
    first.task.await.unwrap();
    assert_eq!(permission.check(), Err(NotLeader::Ended));
    let next = second.leads().await;
    assert!(
        begin.elapsed() < FAST.retry + Duration::from_millis(150),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(next.epoch().transitions, permission.epoch().transitions + 1);
    assert_eq!(next.epoch().lease, permission.epoch().lease);
    assert!(!next.leading().is_alone, "the first has not been seen to be silent");
    let asked = [first.fake.asked(), second.fake.asked()].concat();
    assert!(asked.iter().all(|path| !path.starts_with("DELETE")), "{asked:?}");
}

#[tokio::test]
async fn a_process_that_was_killed_is_followed_once_its_lease_was_seen_unchanged() {
    let server = nobodys();
    let first = One::start(&server).await;
    let permission = first.leads().await;
    let second = One::start(&server).await;
    second.follows().await;
    // It gives nothing back.
    first.task.abort();
    let begin = Instant::now();
    let next = second.leads().await;
    let passed = begin.elapsed();
    assert!(
        passed + FAST.retry >= FAST.lasts && passed < FAST.lasts + FAST.retry * 2,
        "{passed:?}"
    );
    assert!(permission.check().is_err());
    assert!(next.leading().is_alone, "whatever the first held is free");
}

#[tokio::test]
async fn a_leader_without_api_server_ends_by_itself_and_before_others_begin() {
    let server = nobodys();
    let first = One::start(&server).await;
    let permission = first.leads().await;
    server.silent.store(true, Ordering::SeqCst);
    let begin = Instant::now();
    first.follows().await;
    assert!(begin.elapsed() < FAST.deadline + FAST.retry, "{:?}", begin.elapsed());
    assert!(permission.check().is_err() && first.leadership.permit().is_err());
    server.silent.store(false, Ordering::SeqCst);
    let next = first.leads().await;
    assert_ne!(
        next.epoch(),
        permission.epoch(),
        "a term that has ended does not begin again"
    );
}

#[tokio::test]
async fn a_leader_that_slept_has_no_permission_before_it_has_the_lease_again() {
    let server = nobodys();
    let first = One::start(&server).await;
    let permission = first.leads().await;
    first.slept.store(60_000, Ordering::SeqCst);
    assert_eq!(permission.check(), Err(NotLeader::Late));
    assert!(first.leadership.permit().is_err());
    first.follows().await;
    assert_ne!(first.leads().await.epoch(), permission.epoch());
}

#[tokio::test]
async fn a_lease_that_is_deleted_or_put_back_ends_the_term() {
    let server = nobodys();
    let first = One::start(&server).await;
    let permission = first.leads().await;
    let saved = server.lease().unwrap();
    tokio::time::sleep(FAST.retry * 2).await;
    let put_back = |lease: Option<Value>| match lease {
        Some(lease) => drop(server.put(lease)),
        None => *server.lease.lock().unwrap() = None,
    };
    let mut epochs = vec![permission.epoch().clone()];
    for lease in [None, Some(saved)] {
        let begin = Instant::now();
        put_back(lease);
        first.follows().await;
        assert!(begin.elapsed() < FAST.retry * 2, "{:?}", begin.elapsed());
        let epoch = first.leads().await.epoch().clone();
        assert!(!epochs.contains(&epoch), "{epoch}");
        epochs.push(epoch);
    }
    assert!(permission.check().is_err());
}

#[tokio::test]
async fn answers_that_are_lost_and_notes_of_others_end_no_term() {
    let server = nobodys();
    let first = One::start(&server).await;
    let permission = first.leads().await;
    server.deaf.store(true, Ordering::SeqCst);
    tokio::time::sleep(FAST.retry * 2).await;
    server.deaf.store(false, Ordering::SeqCst);
    let mut noted = server.lease().unwrap();
    noted["metadata"]["annotations"] = json!({"note": "by somebody"});
    server.put(noted);
    tokio::time::sleep(FAST.deadline).await;
    let now = first.leadership.permit().unwrap();
    assert_eq!(now.epoch(), permission.epoch());
    assert_eq!(
        server.lease().unwrap()["metadata"]["annotations"]["note"],
        "by somebody"
    );
}

#[tokio::test]
async fn who_stops_while_its_acquisition_is_unanswered_leaves_no_holder() {
    let server = nobodys();
    server.deaf.store(true, Ordering::SeqCst);
    let first = One::start(&server).await;
    while server.holder().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.deaf.store(false, Ordering::SeqCst);
    first.canceller.cancel();
    first.task.await.unwrap();
    assert_eq!(server.holder(), None);
    assert!(first.leadership.permit().is_err());
}
