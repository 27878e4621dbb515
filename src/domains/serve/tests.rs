use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::{BoxFuture, join_all};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use reqwest::{Client as Http, StatusCode};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use serde_json::{Value, json};

use super::*;
use crate::{
    clock::now,
    domain::{Material, Moved, Pair, Record, Said, dns::Instructions},
    domains::store::{Filter, memory::MemoryStore},
    net::https,
    object::Seconds,
};

/// The application: what it says of each host, and what it was asked.
#[derive(Debug, Default)]
struct App {
    says: HashMap<&'static str, Said>,
    asked: Mutex<Vec<String>>,
}

impl Asks for App {
    fn ask<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Option<Said>> {
        self.asked.lock().unwrap().push(host.to_string());
        let said = self.says.get(host.as_str()).cloned().unwrap_or(Said::No);
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(30)).await;
            Some(said)
        })
    }
}

/// The pairs that the store has.
#[derive(Debug)]
struct Own;

impl Pairs for Own {
    fn pair<'a>(&'a self, record: &'a Record) -> BoxFuture<'a, Result<Option<Arc<Material>>, String>> {
        let found = record.pair.as_ref().and_then(|pair| pair.material.clone());
        Box::pin(async { Ok(found) })
    }
}

/// Takes the signature of a token for the user.
#[derive(Debug)]
struct Cluster;

impl Reviews for Cluster {
    fn review<'a>(&'a self, token: &'a SecretString, _: &'a str) -> BoxFuture<'a, Result<Option<String>, String>> {
        let user = token
            .expose_secret()
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .replace('~', ":");
        Box::pin(async move { Ok((user != "stranger").then(|| format!("system:serviceaccount:{user}"))) })
    }
}

fn token(user: &str) -> String {
    let claims = URL_SAFE_NO_PAD.encode(r#"{"aud":["kubectl-certs"]}"#);
    format!("e30.{claims}.{user}")
}

/// A CA of the test.
struct Ca(CertifiedIssuer<'static, KeyPair>);

impl Ca {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn made(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        leaf.distinguished_name.push(DnType::CommonName, name);
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = leaf.signed_by(&key, &self.0).unwrap();
        (leaf.pem(), key.serialize_pem())
    }
}

struct World {
    ca: Ca,
    store: Arc<MemoryStore>,
    app: Arc<App>,
    serving: Serving,
    http: Http,
    url: String,
}

impl World {
    async fn new(says: &[(&'static str, Said)]) -> Self {
        Self::with(says, |_| {}, false).await
    }

    async fn with(says: &[(&'static str, Said)], change: impl FnOnce(&mut Options), tls: bool) -> Self {
        let ca = Ca::new();
        let store = Arc::new(MemoryStore::default());
        let app = Arc::new(App {
            says: says.iter().cloned().collect(),
            asked: Mutex::default(),
        });
        let hands = Hands {
            store: Arc::clone(&store) as Arc<dyn Store>,
            asks: Arc::clone(&app) as Arc<dyn Asks>,
            pairs: Arc::new(Own),
            reviews: Some(Arc::new(Cluster)),
            note: Arc::new(|_, _, _| {}),
        };
        let mut options = Options {
            platform: Platform::default(),
            instructions: Instructed::new(Instructions {
                target: Some("customers.example.com".into()),
                ..Instructions::default()
            }),
            home: "home".parse().unwrap(),
            limits: RegistrationLimits::default(),
            hold: Duration::from_secs(5),
            cached: 100,
            access: Access {
                audience: "kubectl-certs".to_owned(),
                tenants: vec!["shop".parse().unwrap(), "blog".parse().unwrap()],
                readers: vec![Key::new("edge", "nginx")],
                clients: vec![
                    Client {
                        name: "edge.internal".to_owned(),
                        scope: Scope::Nothing,
                        certificates: true,
                    },
                    Client {
                        name: "portal.internal".to_owned(),
                        scope: Scope::All,
                        certificates: false,
                    },
                ],
            },
        };
        change(&mut options);
        let identity = tls.then(|| {
            let (chain, key) = ca.made("localhost");
            Arc::new(Identity {
                chain: chain.into_bytes(),
                key: SecretSlice::from(key.into_bytes()),
                client_ca: Some(ca.0.pem().into_bytes()),
            }) as Arc<dyn Identities>
        });
        let address = "127.0.0.1:0".parse().unwrap();
        let serving = serve(address, identity, hands, options).await.unwrap();
        let scheme = if tls { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}", serving.address().port());
        let http = https::client(Some(ca.0.pem().as_bytes())).unwrap();
        Self {
            ca,
            store,
            app,
            serving,
            http,
            url,
        }
    }

    /// Asks, and returns the status, the body, and how long to wait.
    async fn ask(&self, method: &str, path: &str, user: &str, body: &str) -> (u16, String, Option<u64>) {
        let method = method.parse().unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .body(body.to_owned());
        if !user.is_empty() {
            request = request.bearer_auth(token(user));
        }
        let answer = request.send().await.unwrap();
        let wait = answer.headers().get("retry-after");
        let wait = wait.map(|wait| wait.to_str().unwrap().parse().unwrap());
        (answer.status().as_u16(), answer.text().await.unwrap(), wait)
    }

    async fn json(&self, method: &str, path: &str, user: &str, body: &str) -> (u16, Value) {
        let (status, text, _) = self.ask(method, path, user, body).await;
        (status, serde_json::from_str(&text).unwrap())
    }

    async fn pair(&self, name: &str) -> (u16, String) {
        let path = format!("/v1/certificate?server_name={name}&signature_schemes=403,804&cipher_suites=1301");
        let (status, text, _) = self.ask("GET", &path, "edge~nginx", "").await;
        (status, text)
    }

    fn material(&self, host: &str) -> Arc<Material> {
        let (chain, key) = self.ca.made(host);
        Arc::new(Material { chain, key: key.into() })
    }

    /// Puts a record with a pair, as the leader does.
    async fn issued(&self, host: &str) -> Arc<Material> {
        let host: Host = host.parse().unwrap();
        let found = self.store.get(&host).await.unwrap();
        let (mut record, version) = match found {
            Some((record, version)) => (record, Some(version)),
            None => (Record::new(host.clone(), "shop".parse().unwrap(), now()), None),
        };
        let material = self.material(host.as_str());
        record.answered(Said::Yes, false, now());
        record.pair = Some(pair(Arc::clone(&material), now() + 1_000));
        self.store.put(&record, version.as_ref()).await.unwrap();
        material
    }

    fn asked(&self) -> usize {
        self.app.asked.lock().unwrap().len()
    }

    async fn registered(&self) -> Vec<Record> {
        self.store.page(&Filter::default(), None, 1_000).await.unwrap()
    }

    async fn until(&self, mut is_so: impl FnMut(&Self) -> bool) {
        for _ in 0..500 {
            if is_so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it does not come to that: {:?}", self.serving.counted());
    }
}

fn pair(material: Arc<Material>, not_after: Seconds) -> Pair {
    Pair {
        not_before: now() - 1_000,
        not_after,
        serial: "01".into(),
        secret: None,
        material: Some(material),
    }
}

#[tokio::test]
async fn a_host_is_registered_looked_at_listed_and_released_by_its_tenant_alone() {
    let world = World::new(&[]).await;
    let path = "/v1/domains/Shop.Customer.com";
    let (status, body) = world.json("PUT", path, "shop~web", "").await;
    assert_eq!((status, &body["host"]), (201, &json!("shop.customer.com")));
    assert_eq!((&body["tenant"], &body["state"]), (&json!("shop"), &json!("asked")));
    assert_eq!(body["records"][0]["type"], "CNAME");
    assert_eq!(body["records"][0]["value"], "customers.example.com");
    assert_eq!(body["certificate"]["valid"], false);
    assert!(body["served"]["present"].is_null() && !body["next"].as_str().unwrap().is_empty());
    // Again, and by whom else.
    assert_eq!(world.ask("PUT", path, "shop~web", "{}").await.0, 200);
    assert_eq!(world.ask("GET", path, "blog~web", "").await.0, 404);
    assert_eq!(world.ask("DELETE", path, "blog~web", "").await.0, 404);
    let (status, body) = world.json("PUT", path, "blog~web", "").await;
    assert_eq!((status, &body["error"]), (409, &json!("taken")));
    assert!(body["next"].as_str().unwrap().contains(" TXT "), "{body}");
    let (status, body) = world.json("GET", path, "blog~web", "").await;
    assert_eq!(
        (status, &body["tenant"], &body["state"]),
        (200, &json!("blog"), &json!("moved"))
    );
    assert_eq!(
        (&body["records"][0]["purpose"], &body["since"]),
        (&json!("ownership"), &Value::Null)
    );
    assert_eq!(world.ask("DELETE", path, "blog~web", "").await.0, 404);
    let (_, list) = world.json("GET", "/v1/domains", "blog~web", "").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 0);
    // Paused, and no longer.
    let (status, body) = world.json("PUT", path, "shop~web", r#"{"paused":"moving"}"#).await;
    assert_eq!((status, &body["state"]), (200, &json!("paused")));
    let (_, body) = world.json("PUT", path, "shop~web", r#"{"paused":null}"#).await;
    assert_eq!(body["state"], "asked");
    let (status, body) = world.json("DELETE", path, "shop~web", "").await;
    assert_eq!((status, &body["state"]), (200, &json!("released")));
    assert_eq!(
        world.ask("DELETE", path, "shop~web", "").await.0,
        200,
        "it is released already"
    );
    let (status, body) = world.json("PUT", path, "shop~web", "").await;
    assert_eq!(
        (status, &body["state"]),
        (200, &json!("asked")),
        "it is registered again"
    );
    world.serving.end().await;
}

#[tokio::test]
async fn a_list_goes_on_after_its_last_host_and_is_filtered() {
    let world = World::new(&[]).await;
    for n in 0..25 {
        let user = if n % 2 == 0 { "shop~web" } else { "blog~web" };
        let path = format!("/v1/domains/h{n:02}.customer.com");
        assert_eq!(world.ask("PUT", &path, user, "").await.0, 201);
    }
    let mut all = Vec::new();
    let mut after = String::new();
    for _ in 0..10 {
        let (_, page) = world
            .json("GET", &format!("/v1/domains?limit=5{after}"), "shop~web", "")
            .await;
        let items = page["items"].as_array().unwrap();
        assert!(items.iter().all(|item| item["tenant"] == "shop"));
        all.extend(items.iter().map(|item| item["host"].as_str().unwrap().to_owned()));
        match page["after"].as_str() {
            Some(last) => after = format!("&after={last}"),
            None => break,
        }
    }
    let wanted: Vec<String> = (0..25).step_by(2).map(|n| format!("h{n:02}.customer.com")).collect();
    assert_eq!(all, wanted);
    let count = async |query: &str| {
        let (status, page) = world.json("GET", &format!("/v1/domains?{query}"), "shop~web", "").await;
        (status, page["items"].as_array().map_or(0, Vec::len))
    };
    assert_eq!(count("state=asked&limit=1000").await, (200, 13));
    assert_eq!(count("state=active").await, (200, 0));
    assert_eq!(count("part=H02").await, (200, 1));
    assert_eq!(count("tenant=blog").await.0, 403);
    for wrong in ["state=x", "limit=0", "limit=5000", "after=a%40b", "x=1", "tenant=A"] {
        assert_eq!(count(wrong).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn hosts_that_deceive_are_refused_and_nothing_is_sent_anywhere() {
    let world = World::with(
        &[],
        |options| options.platform.own = vec!["**.platform.com".parse().unwrap()],
        false,
    )
    .await;
    let long = "a".repeat(300);
    for host in [
        "a@b",
        "a@b.example.com",
        "%2f",
        "a%2fb.example.com",
        "a%252fb.example.com",
        "127.0.0.1",
        "%5b::1%5d",
        "2130706433",
        "0x7f.1",
        "*.com",
        "%2a.example.com",
        "com",
        "co.uk",
        "localhost",
        &long,
        &format!("{long}.example.com"),
        "foo.svc.cluster.local",
        "foo.default.svc",
        "app.platform.com",
        "a..example.com",
        "a%00.example.com",
        "a%0d%0aHost:x.example.com",
        "%ff.example.com",
        "a_b.example.com",
        "-a.example.com",
        "a.example.com:443",
    ] {
        for method in ["PUT", "GET", "DELETE"] {
            let (status, body) = world.json(method, &format!("/v1/domains/{host}"), "shop~web", "").await;
            assert_eq!(status, 400, "{method} {host}");
            for field in ["error", "reason", "next"] {
                assert!(!body[field].as_str().unwrap().is_empty(), "{body}");
            }
        }
        assert_eq!(world.pair(host).await.0, 400, "{host}");
    }
    assert_eq!((world.asked(), world.registered().await.len()), (0, 0));
    assert_eq!(world.serving.counted().reads, 0);
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_what_is_missing() {
    let world = World::new(&[]).await;
    let path = "/v1/domains/shop.customer.com";
    for (user, status) in [("", 401), ("stranger", 401), ("edge~nginx", 403), ("other~web", 403)] {
        for (method, path) in [("PUT", path), ("GET", path), ("DELETE", path), ("GET", "/v1/domains")] {
            let (told, body) = world.json(method, path, user, "").await;
            assert_eq!(told, status, "{user} {method} {body}");
        }
    }
    for user in ["shop~web", "edge~other"] {
        let (status, body) = world
            .json("GET", "/v1/certificate?server_name=a.example.com", user, "")
            .await;
        assert_eq!((status, &body["error"]), (403, &json!("forbidden")));
    }
    let (status, body) = world.json("PUT", path, "shop~web", r#"{"tenant":"blog"}"#).await;
    assert_eq!((status, &body["error"]), (403, &json!("forbidden")));
    let large = " ".repeat(5_000);
    for (body, wanted) in [
        ("{", 400),
        (r#"{"key":1}"#, 400),
        (r#"{"paused":""}"#, 400),
        (large.as_str(), 413),
    ] {
        assert_eq!(world.ask("PUT", path, "shop~web", body).await.0, wanted);
    }
    assert_eq!(world.json("POST", path, "shop~web", "").await.0, 405);
    assert_eq!(world.json("GET", "/v1/secrets", "shop~web", "").await.0, 404);
    assert_eq!(world.registered().await.len(), 0);
}

#[tokio::test]
async fn more_than_the_limits_is_told_when_it_may_be_tried_again() {
    let limit = |burst| crate::plan::limits::Limit::new(burst, 3_600);
    let world = World::with(
        &[],
        |options| {
            options.limits = RegistrationLimits {
                per_token: limit(4),
                per_tenant: limit(5),
                per_domain: limit(2),
            }
        },
        false,
    )
    .await;
    let put = async |user: &str, host: &str| {
        let (status, _, wait) = world.ask("PUT", &format!("/v1/domains/{host}"), user, "").await;
        (status, wait.is_some_and(|wait| (1..=3_600).contains(&wait)))
    };
    for host in ["a.one.com", "b.one.com"] {
        assert_eq!(put("shop~web", host).await, (201, false));
    }
    assert_eq!(put("shop~web", "c.one.com").await, (429, true));
    assert_eq!(put("shop~web", "a.one.com").await, (200, false), "it is there already");
    for host in ["a.two.com", "a.three.com"] {
        assert_eq!(put("shop~web", host).await, (201, false));
    }
    assert_eq!(put("shop~web", "a.four.com").await, (429, true), "the token");
    assert_eq!(put("shop~job", "a.four.com").await, (201, false));
    assert_eq!(put("shop~job", "a.five.com").await, (429, true), "the tenant");
    assert_eq!(put("blog~web", "a.five.com").await, (201, false));
}

#[tokio::test]
async fn the_first_handshake_asks_registers_and_waits_for_one_order_however_many_there_are() {
    let world = World::new(&[("shop.customer.com", Said::Yes)]).await;
    let handshakes = join_all((0..40).map(|_| world.pair("shop.customer.com")));
    let order = async {
        world.until(|world| world.serving.counted().registered == 1).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        world.issued("shop.customer.com").await
    };
    let (answers, material) = tokio::join!(handshakes, order);
    let wanted = format!(
        "{}\n{}\n",
        material.chain.trim_end(),
        material.key.expose_secret().trim_end()
    );
    for answer in answers {
        assert_eq!(answer, (200, wanted.clone()));
    }
    assert_eq!(world.asked(), 1);
    let record = &world.registered().await[0];
    assert_eq!(
        (record.tenant.as_str(), record.asked.as_ref().unwrap().said == Said::Yes),
        ("home", true)
    );
    // Those that waited may have found it in memory too.
    let before = world.serving.counted().hits;
    assert_eq!(world.pair("SHOP.customer.com.").await, (200, wanted));
    assert_eq!(world.serving.counted().hits, before + 1);
}

#[tokio::test]
async fn a_host_that_is_nobodys_is_asked_about_once_a_minute_and_is_204() {
    let world = World::new(&[("later.customer.com", Said::NotNow("500".to_owned()))]).await;
    for _ in 0..5 {
        assert_eq!(world.pair("no.customer.com").await, (204, String::new()));
    }
    assert_eq!(world.asked(), 1);
    assert_eq!(
        world.pair("").await,
        (204, String::new()),
        "a client that names no server"
    );
    let path = "/v1/certificate?server_name=later.customer.com";
    let (status, body, wait) = world.ask("GET", path, "edge~nginx", "").await;
    assert_eq!((status, wait), (503, Some(10)), "{body}");
    assert_eq!(world.registered().await.len(), 0);
    // Whoever registers it does not wait for the minute to end.
    assert_eq!(
        world.ask("PUT", "/v1/domains/no.customer.com", "shop~web", "").await.0,
        201
    );
    world.issued("no.customer.com").await;
    world.until(|world| world.serving.sizes().1 == 1).await;
    assert_eq!(world.pair("no.customer.com").await.0, 200);
}

#[tokio::test]
async fn what_is_sent_is_what_the_store_has_now() {
    let world = World::new(&[]).await;
    let first = world.issued("shop.customer.com").await;
    let is = async |material: &Material| {
        world
            .pair("shop.customer.com")
            .await
            .1
            .starts_with(material.chain.trim_end())
    };
    assert!(is(&first).await && is(&first).await);
    let second = world.issued("shop.customer.com").await;
    let begun = Instant::now();
    while !is(&second).await {
        assert!(begun.elapsed() < Duration::from_secs(2), "the change is not heard of");
    }
    // A pair that is not the host's is not sent, and one that has ended is none.
    let host: Host = "shop.customer.com".parse().unwrap();
    let (mut record, mut version) = world.store.get(&host).await.unwrap().unwrap();
    for (material, not_after) in [
        (world.material("other.customer.com"), now() + 1_000),
        (world.material("shop.customer.com"), now() - 1),
    ] {
        record.pair = Some(pair(material, not_after));
        record.paused = Some("it is looked at".to_owned());
        version = world.store.put(&record, Some(&version)).await.unwrap();
        let begun = Instant::now();
        while world.pair("shop.customer.com").await.0 != 503 {
            assert!(begun.elapsed() < Duration::from_secs(2), "it is still sent");
        }
    }
    record.moved = Some(Moved {
        to: "blog".parse().unwrap(),
        at: now(),
    });
    record.paused = None;
    record.release(now());
    world.store.put(&record, Some(&version)).await.unwrap();
    let begun = Instant::now();
    while world.pair("shop.customer.com").await.0 != 204 {
        assert!(begun.elapsed() < Duration::from_secs(2), "it is still ours");
    }
    assert_eq!(world.asked(), 1, "it may have come back");
}

#[tokio::test]
async fn a_host_that_has_left_is_served_until_its_certificate_ends_and_comes_back_by_a_handshake() {
    let world = World::new(&[("shop.customer.com", Said::Yes)]).await;
    world.issued("shop.customer.com").await;
    assert_eq!(
        world
            .ask("DELETE", "/v1/domains/shop.customer.com", "shop~web", "")
            .await
            .0,
        200
    );
    assert_eq!((world.pair("shop.customer.com").await.0, world.asked()), (200, 0));
    let host: Host = "shop.customer.com".parse().unwrap();
    let (mut record, version) = world.store.get(&host).await.unwrap().unwrap();
    record.pair = None;
    world.store.put(&record, Some(&version)).await.unwrap();
    world.until(|world| world.serving.sizes().0 == 0).await;
    let (answer, material) = tokio::join!(world.pair("shop.customer.com"), async {
        world.until(|world| world.serving.counted().registered == 1).await;
        world.issued("shop.customer.com").await
    });
    assert!(
        answer.0 == 200 && answer.1.starts_with(material.chain.trim_end()),
        "{answer:?}"
    );
    let record = &world.registered().await[0];
    assert_eq!(
        (record.released, record.tenant.as_str(), world.asked()),
        (None, "shop", 1)
    );
}

#[tokio::test]
async fn a_flood_of_unknown_names_orders_nothing_and_harms_nobody_who_is_known() {
    let world = World::with(&[], |options| options.hold = Duration::from_millis(100), false).await;
    for n in 0..10 {
        world.issued(&format!("known{n}.customer.com")).await;
    }
    world
        .until(|world| world.serving.is_complete() && world.serving.sizes().1 == 10)
        .await;
    let begun = Instant::now();
    let flood = join_all((0..300).map(|lane| {
        let world = &world;
        async move {
            let mut told = HashMap::new();
            for n in 0..10 {
                let (status, _) = world.pair(&format!("x{n}.y{lane}.com")).await;
                *told.entry(status).or_insert(0) += 1;
            }
            told
        }
    }));
    let known = async {
        let mut all = Vec::new();
        for n in 0..100 {
            all.push(world.pair(&format!("known{}.customer.com", n % 10)).await.0);
        }
        all
    };
    let (told, known) = tokio::join!(flood, known);
    assert!(known.iter().all(|status| *status == 200), "{known:?}");
    let busy: i32 = told.iter().filter_map(|told| told.get(&503)).sum();
    assert!(busy > 1_000, "{told:?}");
    let most = begun.elapsed().as_secs_f64() * 50.0 + 1.0;
    #[expect(clippy::cast_precision_loss, reason = "there are some hundreds")]
    let asked = world.asked() as f64;
    assert!(asked <= most, "{asked} of {most}");
    assert_eq!(world.registered().await.len(), 10);
}

#[tokio::test]
async fn over_tls_a_client_certificate_says_who_asks() {
    let world = World::with(&[], |_| {}, true).await;
    let material = world.issued("shop.customer.com").await;
    let with = |name: &str| {
        let (chain, key) = world.ca.made(name);
        let identity = reqwest_client(&world.ca.0.pem(), &chain, &key);
        let url = world.url.clone();
        async move |path: &str| {
            let answer = identity.get(format!("{url}{path}")).send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        }
    };
    let certificate = "/v1/certificate?server_name=shop.customer.com";
    let (status, body) = with("edge.internal")(certificate).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.starts_with(material.chain.trim_end()));
    assert_eq!(with("edge.internal")("/v1/domains").await.0, StatusCode::FORBIDDEN);
    let (status, body) = with("portal.internal")("/v1/domains").await;
    assert!(status == StatusCode::OK && body.contains("shop.customer.com"), "{body}");
    assert_eq!(with("portal.internal")(certificate).await.0, StatusCode::FORBIDDEN);
    assert_eq!(with("stranger.internal")(certificate).await.0, StatusCode::UNAUTHORIZED);
    // Without a client certificate a token is as good.
    assert_eq!(world.pair("shop.customer.com").await.0, 200);
}

/// A client with a certificate.
fn reqwest_client(ca: &str, chain: &str, key: &str) -> Http {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap())
        .unwrap();
    let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .unwrap();
    Http::builder().tls_backend_preconfigured(config).build().unwrap()
}
