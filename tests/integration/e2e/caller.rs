//! The library as another caller has it than the command line and the screen: a program that goes on, keeps its account in the cluster
//! and agrees to its plans itself.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use kubectl_certs::{
    engine::cancel::Cancel,
    event::{Event, EventKind, Level, Listen},
    k8s::ConnectOptions,
    ops::{
        Checks, Cluster, Config, Context, Front, OpError, Source,
        front::{Nobody, Waiting, Words},
        issuance::Order,
        renew, rollback,
    },
    plan::Plan,
    settings::{
        layer::{Choice, Layer, Origin},
        value::DryRun,
    },
    solve::dns01::Operator,
};
use serde_json::json;

use crate::support::issuing::{Issuing, NODE};

/// Agrees to what it is shown, and remembers what it hears.
#[derive(Default)]
struct Unattended {
    plans: Mutex<Vec<Plan>>,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard(Mutex<Vec<Event>>);

impl Heard {
    fn count(&self, of: fn(&EventKind) -> bool) -> usize {
        self.0.lock().unwrap().iter().filter(|event| of(&event.kind)).count()
    }
}

impl Listen for Heard {
    fn hear(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

impl Front for Unattended {
    fn say(&self, _: Level, _: &str) {}

    fn print(&self, _: &str) -> Result<(), OpError> {
        Ok(())
    }

    fn wonder(&self, _: Words) -> Waiting {
        Waiting::default()
    }

    fn listener(&self) -> Arc<dyn Listen> {
        Arc::clone(&self.heard) as Arc<dyn Listen>
    }

    fn can_ask(&self) -> bool {
        false
    }

    fn has_agreed(&self) -> bool {
        true
    }

    fn operator(&self) -> Arc<dyn Operator> {
        Nobody.operator()
    }

    fn confirm(&self, plan: Plan) -> BoxFuture<'_, Result<(), OpError>> {
        self.plans.lock().unwrap().push(plan);
        Box::pin(async { Ok(()) })
    }

    fn ask(&self, _: String) -> BoxFuture<'_, bool> {
        Box::pin(async { false })
    }
}

/// A cluster of this test's, and a context over it that lives as long as the caller.
fn context(it: &Issuing, front: Arc<dyn Front>) -> Context {
    it.settings(&format!(
        "{}http01: {{solver: endpoint, advertise: \"{}\", selfCheck: direct}}\nstoring: {{wait: 0s}}\n",
        it.issuers(),
        it.advertise()
    ));
    let config = Config {
        file: Some(it.kept("config/kubectl-certs/config.yaml")),
        config_map: None,
    };
    Context::new(Cluster::new(ConnectOptions::default(), front), config, Cancel::never())
}

fn request(it: &Issuing, target: &str, due: bool) -> renew::Request {
    let mut flags = Layer::empty(Origin::Flags);
    flags.choice = Some(Choice::Production);
    flags.issuer.account_secret = Some(format!("{}/account", it.ns.name).parse().unwrap());
    renew::Request {
        targets: vec![target.parse().unwrap()],
        due,
        max: None,
        adopt: false,
        only_route_hosts: false,
        order: Order {
            source: Source {
                namespace: vec![it.ns.name.clone()],
                ..Source::default()
            },
            checks: Checks {
                ca_file: vec![it.pebble.root_file().into()],
                ..Checks::default()
            },
            flags,
            connect: Some(format!("{NODE}:80").parse().unwrap()),
            output_dir: None,
            dry_run: DryRun::None,
        },
    }
}

fn ingress(name: &str, host: &str) -> serde_json::Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
        "spec": {
            "ingressClassName": "traefik",
            "tls": [{"hosts": [host], "secretName": format!("{name}-tls")}],
            "rules": [{"host": host, "http": {"paths": [{
                "path": "/", "pathType": "Prefix", "backend": {"service": {"name": "none", "port": {"number": 80}}}
            }]}}],
        },
    })
}

fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn a_program_that_goes_on_renews_again_and_again_with_one_context() {
    let it = Issuing::new("caller");
    let (shop, blog) = (it.host("shop"), it.host("blog"));
    it.ns.apply(vec![ingress("shop", &shop), ingress("blog", &blog)]);
    let front = Arc::new(Unattended::default());
    let context = context(&it, Arc::clone(&front) as Arc<dyn Front>);
    on_runtime(async {
        let report = renew::run(&request(&it, "shop", true), &context).await.unwrap();
        assert_eq!((report.outcomes.len(), report.blame()), (1, None));
        // It has one now, and nothing is asked of the CA.
        let report = renew::run(&request(&it, "shop", true), &context).await.unwrap();
        assert_eq!((report.outcomes.len(), report.blame()), (0, None));
        let report = renew::run(&request(&it, "blog", true), &context).await.unwrap();
        assert_eq!((report.outcomes.len(), report.blame()), (1, None));
    });
    assert_eq!(it.leaf("shop-tls").names(), [shop.as_str()]);
    assert_eq!(it.leaf("blog-tls").names(), [blog.as_str()]);
    let plans = front.plans.lock().unwrap();
    let asked: Vec<_> = plans.iter().filter_map(|plan| plan.question.as_deref()).collect();
    let ns = &it.ns.name;
    assert_eq!(
        asked,
        [
            format!("Order a certificate for Secret {ns}/shop-tls from letsencrypt?"),
            format!("Order a certificate for Secret {ns}/blog-tls from letsencrypt?")
        ]
    );
    assert_eq!(front.heard.count(|kind| matches!(kind, EventKind::Ordered { .. })), 2);
    let left: Vec<String> = it
        .left()
        .into_iter()
        .filter(|name| !name.ends_with("/account"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
#[ignore = "needs the testbed: tests/run"]
fn where_nobody_agrees_nothing_is_written() {
    let it = Issuing::new("caller-no");
    let host = it.host("shop");
    it.ns.apply(vec![ingress("shop", &host)]);
    for _ in 0..2 {
        it.certs(&["renew", "shop"]).ends_with(0);
    }
    let before = it.version("shop-tls");
    let context = context(&it, Arc::new(Nobody));
    on_runtime(async {
        let error = renew::run(&request(&it, "shop", false), &context).await.unwrap_err();
        assert_eq!(error.message, "nothing was done");
        let back = rollback::Request {
            secret: "shop-tls".to_owned(),
            namespace: Some(it.ns.name.clone()),
            force: false,
            wait: None,
            connect: None,
            dry_run: DryRun::None,
        };
        let error = rollback::run(&back, &context).await.unwrap_err();
        assert_eq!(error.message, "nothing was done");
    });
    assert_eq!(it.version("shop-tls"), before);
}
