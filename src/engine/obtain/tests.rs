//! Orders at CAs as they are, and at ones that are not to be trusted.

use std::sync::Mutex;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use x509_parser::{certification_request::X509CertificationRequest, prelude::FromDer as _};

use super::*;
use crate::{
    acme::{
        CertId,
        fake::{Fake, Reply, Request},
    },
    apply::{KeyKind, RunId},
    engine::{
        authority::Authority as Lets,
        authorize::Choose,
        cancel::Cancel,
        hosts::Hosts,
        journal::{Entry, JournalStore},
        ledger::{Ledger, LedgerStore},
    },
    error::Diagnose as _,
    event::{Event, Listen, Method, Teller},
    object::Key,
    plan::limits::Seen,
    solve::SolveError,
    x509::testing::Authority,
};

mod full;
mod taken;

/// Answers every challenge, and remembers for which names, and which answers it has removed.
#[derive(Default)]
struct Solver {
    published: Mutex<Vec<String>>,
    cleaned: Mutex<Vec<String>>,
}

impl Solve for Solver {
    fn method(&self) -> Method {
        Method::Http01
    }

    fn present<'a>(&'a self, challenge: &'a Challenge, _: &'a Teller) -> BoxFuture<'a, Result<(), SolveError>> {
        self.published.lock().unwrap().push(challenge.name.to_string());
        Box::pin(std::future::ready(Ok(())))
    }

    fn clean<'a>(&'a self, challenge: &'a Challenge) -> BoxFuture<'a, Result<usize, SolveError>> {
        self.cleaned.lock().unwrap().push(challenge.name.to_string());
        Box::pin(std::future::ready(Ok(1)))
    }

    fn finish(&self) -> BoxFuture<'_, Result<usize, SolveError>> {
        Box::pin(std::future::ready(Ok(0)))
    }
}

struct Always(Arc<Solver>);

impl Choose for Always {
    fn solver(&self, _: &Name) -> Result<Arc<dyn Solve>, SolveError> {
        Ok(Arc::clone(&self.0) as Arc<dyn Solve>)
    }
}

#[derive(Default)]
struct Heard(Mutex<Vec<String>>);

impl Listen for Heard {
    fn hear(&self, event: &Event) {
        if let EventKind::Note { text } = &event.kind {
            self.0.lock().unwrap().push(text.clone());
        }
    }
}

/// What became of an order, for whom answers were published, and what was noted.
struct Came {
    result: Result<Obtained, ObtainError>,
    published: Vec<String>,
    cleaned: Vec<String>,
    notes: Vec<String>,
}

impl Came {
    fn error(&self) -> String {
        self.result.as_ref().map(|_| "obtained").unwrap_err().to_string()
    }
}

/// Orders these names, all of which must not be lost.
async fn order(fake: &Fake, all: &[&str], common_name: bool, resume: Option<String>) -> Came {
    order_within(fake, all, common_name, resume, None, None).await
}

/// Orders these names of an account that has no new order left in the next hours. `renewal` is what the CA may be told of.
async fn order_at_the_limit(fake: &Fake, all: &[&str], resume: Option<String>, renewal: Option<Renewal>) -> Came {
    order_within(fake, all, false, resume, Some(Limits::PRODUCTION), renewal).await
}

async fn order_within(
    fake: &Fake,
    all: &[&str],
    common_name: bool,
    resume: Option<String>,
    limits: Option<Limits>,
    renewal: Option<Renewal>,
) -> Came {
    let home = tempfile::tempdir().unwrap();
    order_in(
        JournalStore::Directory(home.path().to_owned()),
        Entry::default(),
        fake,
        all,
        common_name,
        resume,
        limits,
        renewal,
    )
    .await
}

/// The same with a journal in this place, which begins with an entry.
#[allow(clippy::too_many_arguments)]
async fn order_in(
    place: JournalStore,
    entry: Entry,
    fake: &Fake,
    all: &[&str],
    common_name: bool,
    resume: Option<String>,
    limits: Option<Limits>,
    renewal: Option<Renewal>,
) -> Came {
    let always = &Lets::Always;
    order_of(always, place, entry, fake, all, common_name, resume, limits, renewal).await
}

/// The same where somebody lets the run order.
#[allow(clippy::too_many_arguments)]
async fn order_of(
    authority: &Lets,
    place: JournalStore,
    entry: Entry,
    fake: &Fake,
    all: &[&str],
    common_name: bool,
    resume: Option<String>,
    limits: Option<Limits>,
    renewal: Option<Renewal>,
) -> Came {
    let (client, key) = (fake.client().await, PrivateKey::generate(KeyKind::EcdsaP256).unwrap());
    let (solver, heard) = (Arc::<Solver>::default(), Arc::<Heard>::default());
    let secret = Key::new("shop", "shop-tls");
    let journal = Journal::begin(&place, &secret, &RunId::random(), entry, key.pem().clone(), None)
        .await
        .unwrap();
    let now = crate::clock::now();
    let ledger = Ledger::open(LedgerStore::Nowhere, client.account_url(), limits, now).await;
    for _ in 0..300 {
        ledger.ordered(&[], OrderKind::New, now);
    }
    let counter = Counter::new(ledger, Seen::default());
    let (hosts, cancel) = (Hosts::default(), Cancel::never());
    let tell = Teller::new(Arc::clone(&heard) as Arc<dyn Listen>);
    let request = OrderRequest {
        proving: AuthorizationRequest {
            client: &client,
            choose: &Always(solver.clone()),
            hosts: &hosts,
            cancel: &cancel,
            tell: &tell,
        },
        journal: &journal,
        profile: None,
        renewal,
        limits: limits.as_ref(),
        authority,
        preferred_chain: None,
        common_name,
        key: &key,
        counter: &counter,
        proved: AtomicBool::new(false),
    };
    let names = Names::join(all.iter().copied(), all.iter().map(|name| name.parse().unwrap()), false);
    let result = request.certificate(&names, resume).await;
    Came {
        result,
        published: solver.published.lock().unwrap().clone(),
        cleaned: solver.cleaned.lock().unwrap().clone(),
        notes: heard.0.lock().unwrap().clone(),
    }
}

fn dns(name: &str) -> Value {
    json!({"type": "dns", "value": name})
}

/// An order of as many authorizations.
fn ordered(url: &str, status: &str, authorizations: usize) -> Value {
    let all: Vec<String> = (0..authorizations).map(|n| format!("{url}/authz/{n}")).collect();
    json!({
        "status": status, "identifiers": null, "authorizations": all, "finalize": format!("{url}/finalize/1"),
        "certificate": (status == "valid").then(|| format!("{url}/cert/1")),
    })
}

fn authorization(url: &str, name: &str, status: &str, challenge: &Value) -> Value {
    let mut all =
        json!({"type": "http-01", "url": format!("{url}/challenge/{name}"), "token": "abc", "status": status});
    for (field, value) in challenge.as_object().into_iter().flatten() {
        all[field] = value.clone();
    }
    json!({"status": status, "identifier": dns(name), "challenges": [all]})
}

/// A CA that makes what `of` does not answer.
async fn ca(of: impl Fn(&Request, usize, &str) -> Option<Reply> + Send + Sync + 'static) -> Fake {
    let root = Authority::root("Root");
    let chain = root.leaf("shop.example").pem() + &root.pem();
    Fake::start(move |request, n, url| {
        of(request, n, url).unwrap_or_else(|| match request.path.as_str() {
            "/new-order" => Reply::json(201, &ordered(url, "pending", 1)).header("location", format!("{url}/order/1")),
            "/authz/0" => Reply::json(200, &authorization(url, "shop.example", "valid", &json!({}))),
            "/order/1" => Reply::json(200, &ordered(url, "ready", 1)),
            "/cert/1" => Reply::text(200, chain.clone()),
            _ => Reply::json(200, &ordered(url, "valid", 1)),
        })
    })
    .await
}

#[tokio::test]
async fn an_order_in_place_of_one_that_cannot_be_used_is_held_to_the_limits() {
    let fake =
        ca(|request, _, _| (request.path == "/order/old").then(|| Reply::problem(404, "malformed", "no such order")))
            .await;
    let old = Some(fake.url("/order/old"));
    let came = order_at_the_limit(&fake, &["shop.example"], old, None).await;
    assert!(matches!(came.result, Err(ObtainError::Limit(_))), "{}", came.error());
    assert!(fake.seen("/new-order").is_empty());
}

#[tokio::test]
async fn an_order_that_is_no_replacement_for_the_ca_is_held_to_the_limits() {
    let fake = ca(|request, _, _| {
        let replaces = request.path == "/new-order" && !request.payload["replaces"].is_null();
        replaces.then(|| Reply::problem(409, "alreadyReplaced", "it has been replaced"))
    })
    .await;
    let renewal = Renewal {
        id: CertId::new(&[1], &[2]),
        in_window: true,
    };
    let came = order_at_the_limit(&fake, &["shop.example"], None, Some(renewal)).await;
    assert!(matches!(came.result, Err(ObtainError::Limit(_))), "{}", came.error());
    assert_eq!(fake.seen("/new-order").len(), 1);
}

#[tokio::test]
async fn an_order_that_wants_more_than_was_ordered_ends_before_anything_is_published() {
    for (count, second, words) in [
        (
            2,
            "evil.example",
            "it has an authorization for evil.example, which was not ordered",
        ),
        (2, "shop.example", "it has a second authorization for shop.example"),
        (4000, "shop.example", "it has 4000 authorizations for 2 names"),
    ] {
        let fake = ca(move |request, _, url| match request.path.as_str() {
            "/new-order" => {
                Some(Reply::json(201, &ordered(url, "pending", count)).header("location", format!("{url}/order/1")))
            }
            "/authz/0" => Some(Reply::json(
                200,
                &authorization(url, "shop.example", "pending", &json!({})),
            )),
            path if path.starts_with("/authz/") => {
                Some(Reply::json(200, &authorization(url, second, "pending", &json!({}))))
            }
            _ => None,
        })
        .await;
        let came = order(&fake, &["shop.example", "www.shop.example"], false, None).await;
        let error = came.error();
        assert_eq!(
            error,
            format!("the order {} is not gone on with: {words}", fake.url("/order/1"))
        );
        assert!(
            came.result
                .is_err_and(|error| error.hint().unwrap().starts_with("nothing was published"))
        );
        assert!(came.published.is_empty());
        assert!(fake.seen("/challenge/shop.example").is_empty() && fake.seen("/finalize/1").is_empty());
        if count > 2 {
            assert!(fake.seen("/authz/0").is_empty());
        }
    }
}

#[tokio::test]
async fn an_authorization_of_a_wildcard_that_does_not_say_so_is_taken_for_it() {
    let fake = ca(|request, _, url| {
        let path = request.path.as_str();
        if path == "/new-order" {
            let reply = Reply::json(201, &ordered(url, "pending", 1));
            return Some(reply.header("location", format!("{url}/order/1")));
        }
        None
    })
    .await;
    let came = order(&fake, &["*.shop.example"], false, None).await;
    assert_eq!(came.result.unwrap().names, ["*.shop.example".parse().unwrap()]);
}

#[tokio::test]
async fn an_order_that_asks_for_more_is_not_continued_but_made_anew() {
    let fake = ca(|request, _, url| match request.path.as_str() {
        "/order/old" => {
            let mut order = ordered(url, "pending", 2);
            order["identifiers"] = json!([dns("shop.example")]);
            Some(Reply::json(200, &order))
        }
        _ => None,
    })
    .await;
    let came = order(&fake, &["shop.example"], false, Some(fake.url("/order/old"))).await;
    assert_eq!(came.result.unwrap().order, fake.url("/order/1"));
}

#[tokio::test]
async fn a_dead_order_is_not_gone_on_with() {
    // Its challenge is invalid, and its authorization is said to be pending.
    let dead = json!({"status": "invalid", "error": {"type": "urn:ietf:params:acme:error:dns", "detail": "no answer"}});
    let fake = ca(move |request, n, url| match request.path.as_str() {
        "/authz/0" if n == 0 => Some(Reply::json(
            200,
            &authorization(url, "shop.example", "pending", &json!({})),
        )),
        "/authz/0" => Some(Reply::json(200, &authorization(url, "shop.example", "pending", &dead))),
        _ => None,
    })
    .await;
    let came = order(&fake, &["shop.example"], false, None).await;
    assert_eq!(came.error(), "shop.example: the CA says: dns: no answer");
    assert_eq!(came.published, ["shop.example"]);
    // The next run finds it as it is, publishes nothing for it, and says the same.
    let came = order(&fake, &["shop.example"], false, None).await;
    assert_eq!(came.error(), "shop.example: the CA says: dns: no answer");
    assert!(came.published.is_empty() && fake.seen("/finalize/1").is_empty());
}

#[tokio::test]
async fn a_challenge_that_is_offered_again_is_told_at_once() {
    let failed = json!({"error": {"type": "urn:ietf:params:acme:error:connection", "detail": "refused"}});
    let fake = ca(move |request, n, url| match (request.path.as_str(), n) {
        ("/authz/0", 0) => Some(Reply::json(
            200,
            &authorization(url, "shop.example", "pending", &json!({})),
        )),
        ("/authz/0", 1) => Some(Reply::json(
            200,
            &authorization(url, "shop.example", "pending", &failed),
        )),
        _ => None,
    })
    .await;
    let came = order(&fake, &["shop.example"], false, None).await;
    came.result.unwrap();
    assert_eq!(
        came.notes,
        ["the CA says of shop.example: connection: refused; the answer is offered again in 1 s"]
    );
    assert_eq!(fake.seen("/challenge/shop.example").len(), 2);
}

#[tokio::test]
async fn an_order_that_is_invalid_and_does_not_say_why_is_explained_by_its_authorizations() {
    let caa = json!({"status": "invalid", "error": {"type": "urn:ietf:params:acme:error:caa", "detail": "forbidden"}});
    let fake = ca(move |request, n, url| match (request.path.as_str(), n) {
        ("/order/1", _) => Some(Reply::json(200, &ordered(url, "invalid", 1))),
        ("/authz/0", 1) => Some(Reply::json(200, &authorization(url, "shop.example", "invalid", &caa))),
        _ => None,
    })
    .await;
    let came = order(&fake, &["shop.example"], false, None).await;
    assert_eq!(came.error(), "shop.example: the CA says: caa: forbidden");
    // Where they say nothing either.
    let fake = ca(move |request, _, url| match request.path.as_str() {
        "/order/1" => Some(Reply::json(200, &ordered(url, "invalid", 1))),
        _ => None,
    })
    .await;
    let came = order(&fake, &["shop.example"], false, None).await;
    assert_eq!(
        came.error(),
        "the CA failed the order: it is invalid, and neither it nor its authorizations say why"
    );
}

#[test]
fn a_new_name_that_the_ca_never_decides_does_not_stop_those_that_are_in_use() {
    let names = Names::join(
        ["shop.example", "new.example"],
        ["shop.example".parse().unwrap()],
        false,
    );
    let waiting = |name: &str| {
        let error = AcmeError::StillWaiting {
            what: "authorization",
            status: "pending".to_owned(),
            url: "https://ca.example/authz/1".to_owned(),
            after: std::time::Duration::from_mins(3),
            back: None,
        };
        BTreeMap::from([(name.parse().unwrap(), Refused::Acme(error))])
    };
    let new = waiting("new.example");
    assert!(may_be_left_out(&names, &new));
    assert!(matches!(failure(new, &names), Some(ObtainError::Names(_))));
    // The order of a name in use may still come to its end.
    assert!(matches!(
        failure(waiting("shop.example"), &names),
        Some(ObtainError::Acme(_))
    ));
}

/// The common names of the request that the CA got.
fn common_names(fake: &Fake) -> Vec<String> {
    use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
    let sent = fake.seen("/finalize/1")[0].payload["csr"].as_str().unwrap().to_owned();
    let der = BASE64_URL_SAFE_NO_PAD.decode(sent).unwrap();
    let (_, request) = X509CertificationRequest::from_der(&der).unwrap();
    let subject = &request.certification_request_info.subject;
    subject
        .iter_common_name()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_common_name_is_in_the_request_where_the_issuer_wants_one() {
    let long = format!("{}.{}.example", "a".repeat(40), "b".repeat(40));
    for (name, wanted, found) in [
        ("shop.example", false, vec![]),
        ("shop.example", true, vec!["shop.example".to_owned()]),
        ("*.shop.example", true, vec!["*.shop.example".to_owned()]),
        (long.as_str(), true, vec![]),
    ] {
        let bare = name.trim_start_matches("*.").to_owned();
        let fake = ca(move |request, _, url| {
            (request.path == "/authz/0").then(|| Reply::json(200, &authorization(url, &bare, "valid", &json!({}))))
        })
        .await;
        let came = order(&fake, &[name], wanted, None).await;
        came.result.unwrap();
        assert_eq!(common_names(&fake), found, "{name}");
        let notes = if wanted && found.is_empty() {
            vec!["no name has 64 octets or fewer: the request has no common name".to_owned()]
        } else {
            Vec::new()
        };
        assert_eq!(came.notes, notes);
    }
}

#[tokio::test]
async fn an_account_that_the_ca_has_elsewhere_is_told_and_orders() {
    let fake = ca(|request, _, url| {
        let new = format!("{url}/account/new");
        match request.path.as_str() {
            "/new-account" => Some(Reply::json(200, &json!({"status": "valid"})).header("location", new)),
            _ if request.protected["kid"] != json!(new) => {
                Some(Reply::problem(401, "unauthorized", "kid does not match"))
            }
            _ => None,
        }
    })
    .await;
    let came = order(&fake, &["shop.example"], false, None).await;
    came.result.unwrap();
    let new = fake.url("/account/new");
    assert_eq!(
        came.notes,
        [format!("the CA has the account at {new} now, which is kept")]
    );
}
