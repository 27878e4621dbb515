//! Who leads, by the leader's Lease in a real API server.

use std::time::{Duration, Instant};

use kubectl_certs::{
    controller::leader::{Epoch, Identity, Leadership, State, Timing, elector, vacant},
    engine::cancel::{self, Canceller},
    k8s::{ConnectOptions, Connection, connect},
    object::Key,
};
use serde_json::Value;
use tokio::task::JoinHandle;

use crate::support::{
    PATIENCE,
    cluster::Namespace,
    kubeconfig,
    proxy::{API_SERVER, Proxy},
};

const NAME: &str = "kubectl-certs-controller";
/// As in production, in a fifth of the time.
const FAST: Timing = Timing {
    lasts: Duration::from_secs(3),
    deadline: Duration::from_secs(2),
    retry: Duration::from_millis(400),
};

/// A process that competes, in this one.
struct One {
    leadership: Leadership,
    canceller: Canceller,
    task: JoinHandle<()>,
    identity: Identity,
}

impl One {
    fn start(connection: &Connection, ns: &Namespace, timing: Timing) -> Self {
        let (lease, identity) = (Key::new(ns.name.as_str(), NAME), Identity::random());
        let (elector, leadership) = elector(connection, lease, "prod".into(), identity.clone(), timing);
        let (canceller, cancel) = cancel::pair();
        Self {
            leadership,
            canceller,
            task: tokio::spawn(elector.run(cancel)),
            identity,
        }
    }

    async fn until(&self, wanted: impl Fn(&State) -> bool) -> State {
        let mut states = self.leadership.watch();
        let found = tokio::time::timeout(PATIENCE, states.wait_for(wanted)).await;
        found.expect("it comes about").expect("it runs").clone()
    }

    async fn leads(&self) -> Epoch {
        match self.until(|state| matches!(state, State::Leader { .. })).await {
            State::Leader { epoch } => epoch,
            State::Follower { .. } => unreachable!(),
        }
    }

    /// Waits until it leads in a term that is none of these.
    async fn leads_anew(&self, epochs: &[Epoch]) -> Epoch {
        let is_new = |state: &State| matches!(state, State::Leader { epoch } if !epochs.contains(epoch));
        match self.until(is_new).await {
            State::Leader { epoch } => epoch,
            State::Follower { .. } => unreachable!(),
        }
    }

    async fn steps_down(&self) {
        self.until(|state| matches!(state, State::Follower { .. })).await;
    }

    /// Waits until it knows that another leads.
    async fn follows(&self, leader: &One) {
        let who = leader.identity.as_str();
        self.until(|state| matches!(state, State::Follower { holder: Some(holder) } if holder == who))
            .await;
    }

    async fn stop(self) {
        self.canceller.cancel();
        self.task.await.unwrap();
    }
}

async fn connection() -> Connection {
    connect(&ConnectOptions::default()).await.unwrap()
}

/// A namespace with the Lease that the installation makes.
fn installed(label: &str) -> Namespace {
    let ns = Namespace::new(label);
    ns.create(vec![vacant(&Key::new(ns.name.as_str(), NAME))]);
    ns
}

fn lease(ns: &Namespace) -> Value {
    serde_json::from_str(&ns.kubectl(&["get", "lease", NAME, "-o", "json"])).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn a_lease_that_is_given_back_is_taken_within_the_time_of_a_look_and_each_term_counts_one() {
    let (ns, connection) = (installed("leader"), connection().await);
    let mut present = One::start(&connection, &ns, FAST);
    let mut epoch = present.leads().await;
    let uid = lease(&ns)["metadata"]["uid"].clone();
    for turn in 1..=5 {
        let next = One::start(&connection, &ns, FAST);
        next.follows(&present).await;
        let begin = Instant::now();
        present.stop().await;
        let after = next.leads().await;
        let passed = begin.elapsed();
        assert!(
            passed <= FAST.retry + Duration::from_millis(200),
            "turn {turn}: {passed:?}"
        );
        assert_eq!(after.transitions, epoch.transitions + 1);
        (present, epoch) = (next, after);
    }
    present.stop().await;
    let lease = lease(&ns);
    assert_eq!(
        (&lease["metadata"]["uid"], &lease["spec"]["leaseTransitions"]),
        (&uid, &6.into())
    );
    assert_eq!(lease["spec"].get("holderIdentity"), None, "{lease}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn a_leader_that_is_killed_is_followed_once_its_lease_was_seen_unchanged() {
    let (ns, connection) = (installed("leader-kill"), connection().await);
    let first = One::start(&connection, &ns, FAST);
    first.leads().await;
    let permission = first.leadership.permit().unwrap();
    let second = One::start(&connection, &ns, FAST);
    second.follows(&first).await;
    first.task.abort();
    let begin = Instant::now();
    second.leads().await;
    let passed = begin.elapsed();
    assert!(
        passed >= FAST.deadline,
        "before the permission of the first has ended: {passed:?}"
    );
    assert!(passed <= FAST.lasts + FAST.retry * 2, "{passed:?}");
    assert!(permission.check().is_err());
    let permission = second.leadership.permit().unwrap();
    assert!(
        permission.leading().is_alone,
        "what the first held may be taken at once"
    );
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn by_the_usual_times_a_leader_is_followed_within_2_s_of_its_end_and_20_s_of_a_kill() {
    let (ns, connection) = (installed("leader-times"), connection().await);
    let timing = Timing::default();
    let first = One::start(&connection, &ns, timing);
    first.leads().await;
    let second = One::start(&connection, &ns, timing);
    second.follows(&first).await;
    let begin = Instant::now();
    first.stop().await;
    second.leads().await;
    assert!(begin.elapsed() <= Duration::from_secs(2), "{:?}", begin.elapsed());
    let third = One::start(&connection, &ns, timing);
    third.follows(&second).await;
    second.task.abort();
    let begin = Instant::now();
    third.leads().await;
    let passed = begin.elapsed();
    assert!((10..=20).contains(&passed.as_secs()), "{passed:?}");
    third.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn a_lease_that_is_deleted_or_restored_ends_the_term_and_makes_another_epoch() {
    let (ns, connection) = (installed("leader-gone"), connection().await);
    let first = One::start(&connection, &ns, FAST);
    let mut epochs = vec![first.leads().await];
    let mut saved = lease(&ns);
    ns.kubectl(&["delete", "lease", NAME]);
    let begin = Instant::now();
    first.steps_down().await;
    assert!(
        begin.elapsed() <= FAST.retry + Duration::from_millis(200),
        "{:?}",
        begin.elapsed()
    );
    assert!(first.leadership.permit().is_err());
    epochs.push(first.leads_anew(&epochs).await);
    let passed = begin.elapsed();
    assert!(
        passed >= FAST.lasts,
        "another may lead by the one that was deleted: {passed:?}"
    );
    // As a backup is brought back: over what is there, and in the place of what is not.
    for field in ["resourceVersion", "uid", "managedFields", "creationTimestamp"] {
        saved["metadata"].as_object_mut().unwrap().remove(field);
    }
    ns.apply(vec![saved.clone()]);
    epochs.push(first.leads_anew(&epochs).await);
    ns.kubectl(&["delete", "lease", NAME]);
    // It may have been made anew before.
    ns.apply(vec![saved]);
    epochs.push(first.leads_anew(&epochs).await);
    assert_eq!(first.leadership.permit().unwrap().epoch(), &epochs[3]);
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the testbed: tests/run"]
async fn a_leader_that_reaches_nothing_has_no_permission_before_another_leads() {
    let (ns, direct) = (installed("leader-cut"), connection().await);
    let proxy = Proxy::to(API_SERVER);
    let config = kubeconfig::with_server(&format!("https://{}", proxy.address));
    let file = kubeconfig::write(ns.dir.path(), "cut", &config);
    let options = ConnectOptions {
        kubeconfig: Some(file),
        ..ConnectOptions::default()
    };
    let first = One::start(&connect(&options).await.unwrap(), &ns, FAST);
    let epoch = first.leads().await;
    let second = One::start(&direct, &ns, FAST);
    second.follows(&first).await;
    proxy.break_all();
    let next = second.leads().await;
    assert!(first.leadership.permit().is_err(), "both have a permission");
    assert_ne!(next, epoch);
    proxy.fix();
    first.follows(&second).await;
    second.stop().await;
    assert!(first.leads().await.transitions > next.transitions);
    first.stop().await;
}
