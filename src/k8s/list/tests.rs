use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::super::{
    TlsProblem, Unreachable, consumers, data_changed, events,
    fake::{Fake, KIND, Step, answer, begin, chunked, json, list as body, refusal, then, words},
    get_secrets,
};
use super::*;
use crate::{error::Diagnose as _, source::pairs::DataKeys};

async fn read(connection: &Connection, options: ListOptions) -> (Result<Listing, ClusterError>, Vec<String>) {
    let (sink, changes) = mpsc::channel(4);
    let scope = Scope::everything();
    tokio::join!(list(connection, &scope, &[KIND], &options, sink), words(changes))
}

const PAGES: ListOptions = ListOptions {
    chunk_size: Some(2),
    for_watch: true,
};
const WHOLE: ListOptions = ListOptions {
    chunk_size: None,
    for_watch: true,
};

#[tokio::test]
async fn an_expired_continue_token_starts_over_in_one_answer_and_tells_what_vanished() {
    let fake = Fake::start(|path, _| match () {
        () if path.contains("continue=") => refusal(410, "Expired", ""),
        () if path.contains("limit=") => json(&body(&["a", "old"], "5", "token")),
        () => json(&body(&["a", "b", "c"], "7", "")),
    })
    .await;
    let (listing, said) = read(&fake.connection().await, PAGES).await;
    let listing = listing.unwrap();
    assert_eq!(said, ["+a", "+old", "+a", "+b", "+c", "-old", "listed Ingress"]);
    assert_eq!(listing.resource_versions[&(KIND, None)], "7");
    assert_eq!(listing.keys[&(KIND, None)].len(), 3);
    assert_eq!((listing.requests, fake.asked().len()), (3, 3));
    assert!(fake.asked()[1].ends_with("ingresses?limit=2&continue=token"));
}

#[tokio::test]
async fn a_token_that_leads_to_itself_does_not_keep_us() {
    let fake = Fake::start(|_, _| json(&body(&["a"], "5", "token"))).await;
    let (listing, _) = read(&fake.connection().await, PAGES).await;
    assert_eq!(listing.unwrap().requests, 2);
}

#[tokio::test]
async fn a_list_that_never_ends_is_an_error_after_a_few_requests() {
    let count = |most| move |requests: usize| assert!((2..=most).contains(&requests), "{requests} requests");
    let expired = Fake::start(|path, _| {
        if path.contains("continue=") {
            refusal(410, "Expired", "")
        } else {
            json(&body(&["a"], "5", "token"))
        }
    })
    .await;
    let empty = Fake::start(|_, before| json(&body(&[], "5", &format!("token{before}")))).await;
    for (fake, words, most) in [
        (expired, "expire again and again", 8),
        (empty, "one empty page after another", 24),
    ] {
        let (listing, said) = read(&fake.connection().await, PAGES).await;
        let listing = listing.unwrap();
        let error = listing.incomplete[0].1.to_string();
        assert!(
            error.contains("does not finish the list of ingresses") && error.contains(words),
            "{error}"
        );
        assert!(!said.iter().any(|s| s == "listed Ingress"), "{said:?}");
        count(most)(fake.asked().len());
    }
}

#[tokio::test]
async fn empty_pages_before_the_last_are_followed() {
    let fake = Fake::start(|_, before| match before {
        10 => json(&body(&["a"], "5", "")),
        _ => json(&body(&[], "5", &format!("token{before}"))),
    })
    .await;
    let (listing, said) = read(&fake.connection().await, PAGES).await;
    assert_eq!(
        (listing.unwrap().requests, said),
        (11, vec!["+a".into(), "listed Ingress".into()])
    );
}

#[tokio::test]
async fn the_request_timeout_bounds_all_pages_together() {
    let fake = Fake::start(|_, before| {
        std::thread::sleep(Duration::from_millis(60));
        json(&body(&["a"], "5", &format!("token{before}")))
    })
    .await;
    let mut connection = fake.connection().await;
    connection.request_timeout = Some(Duration::from_millis(500));
    let began = Instant::now();
    let (listing, _) = read(&connection, PAGES).await;
    assert!(matches!(listing, Err(ClusterError::Timeout { .. })), "{listing:?}");
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_server_that_never_says_a_word_is_given_up_before_a_busy_one() {
    let fake = Fake::start(|_, _| vec![Step::Hang]).await;
    let began = Instant::now();
    let (listing, _) = read(&fake.connection().await, WHOLE).await;
    assert!(
        matches!(
            listing,
            Err(ClusterError::Unreachable {
                problem: Unreachable::Timeout,
                ..
            })
        ),
        "{listing:?}"
    );
    assert!(began.elapsed() < Duration::from_millis(950), "{:?}", began.elapsed());
}

#[tokio::test]
async fn what_a_server_says_is_cut() {
    let long = format!(
        r#"{{"kind":"Status","code":400,"reason":"Bad","message":"{}"}}"#,
        "x".repeat(20_000)
    );
    let fake = Fake::start(move |_, _| answer("400 Bad Request", "application/json", "", &long)).await;
    let (listing, _) = read(&fake.connection().await, WHOLE).await;
    let error = listing.unwrap().incomplete.remove(0).1.to_string();
    assert!(error.len() < 500 && error.contains("xxx…"), "{error}");
}

#[tokio::test]
async fn a_list_that_breaks_off_is_read_again_once() {
    let whole = body(&["a", "b"], "7", "");
    let (half, _) = whole.split_at(whole.len() - 20);
    let half = half.to_owned();
    let again = whole.clone();
    let fake = Fake::start(move |_, before| {
        if before == 0 {
            then(&[&half], Step::Reset)
        } else {
            chunked(&[&again])
        }
    })
    .await;
    let (listing, said) = read(&fake.connection().await, WHOLE).await;
    let listing = listing.unwrap();
    assert!(listing.incomplete.is_empty() && listing.requests == 2);
    assert_eq!(said[said.len() - 3..], ["+a", "+b", "listed Ingress"]);
}

#[tokio::test]
async fn a_list_that_breaks_off_twice_is_named_and_nothing_is_called_complete() {
    for end in ["reset", "early end", "silence"] {
        let whole = body(&["a", "b"], "7", "");
        let half = whole[..whole.len() - 20].to_owned();
        let fake = Fake::start(move |_, _| match end {
            "reset" => then(&[&half], Step::Reset),
            "silence" => then(&[&half], Step::Hang),
            _ => chunked(&[&half]),
        })
        .await;
        let (listing, said) = read(&fake.connection().await, WHOLE).await;
        let listing = listing.unwrap();
        let (kind, error) = &listing.incomplete[0];
        assert!(
            matches!(error, ClusterError::Interrupted { kind: KIND, .. }),
            "{end}: {error}"
        );
        assert!(
            error.to_string().starts_with("the list of ingresses broke off after "),
            "{error}"
        );
        assert_eq!((*kind, listing.requests), (KIND, 2), "{end}");
        assert!(!said.iter().any(|s| s == "listed Ingress"), "{end}: {said:?}");
    }
}

#[tokio::test]
async fn a_busy_server_is_asked_again_after_the_time_it_names_and_not_for_ever() {
    let ready = body(&["a"], "7", "");
    let fake = Fake::start(move |_, before| match before {
        0 => refusal(429, "TooManyRequests", "Retry-After: 1\r\n"),
        1 => answer(
            "503 Service Unavailable",
            "text/plain; charset=utf-8",
            "",
            "no endpoints",
        ),
        _ => json(&ready),
    })
    .await;
    let connection = fake.connection().await;
    let began = Instant::now();
    let (listing, said) = read(&connection, WHOLE).await;
    assert_eq!((listing.unwrap().requests, said.len()), (3, 2));
    assert!(began.elapsed() >= Duration::from_secs(1));

    let fake = Fake::start(|_, _| refusal(429, "TooManyRequests", "")).await;
    let (listing, _) = read(&fake.connection().await, WHOLE).await;
    assert_eq!(listing.unwrap().requests, 3);

    let fake = Fake::start(|_, _| refusal(429, "TooManyRequests", "Retry-After: 3600\r\n")).await;
    let (listing, _) = read(&fake.connection().await, WHOLE).await;
    let listing = listing.unwrap();
    assert_eq!(listing.requests, 1);
    assert!(matches!(
        listing.incomplete[0].1,
        ClusterError::Refused {
            code: 429,
            retry_after: Some(3600),
            ..
        }
    ));
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_answer_is_tried_again() {
    let ready = body(&["a"], "7", "");
    let fake = Fake::start(move |_, before| if before < 2 { vec![Step::Reset] } else { json(&ready) }).await;
    let (listing, said) = read(&fake.connection().await, WHOLE).await;
    assert!(listing.unwrap().incomplete.is_empty());
    assert_eq!(said, ["+a", "listed Ingress"]);
}

#[tokio::test]
async fn pages_redirects_and_silence_are_told_apart_and_nothing_is_followed() {
    let html = || answer("200 OK", "text/html", "", "<html><script>alert(1)</script>");
    let fake = Fake::start(move |_, _| html()).await;
    let (listing, _) = read(&fake.connection().await, WHOLE).await;
    let error = listing.unwrap_err();
    assert!(
        matches!(error, ClusterError::NotKubernetes { code: 200, .. }),
        "{error}"
    );
    assert!(!error.to_string().contains("script") && error.hint().is_some());

    let fake = Fake::start(|path, _| answer("302 Found", "text/html", &format!("Location: {path}\r\n"), "")).await;
    let (listing, _) = read(&fake.connection().await, WHOLE).await;
    assert!(matches!(
        listing.unwrap_err(),
        ClusterError::NotKubernetes { code: 302, .. }
    ));
    assert_eq!(fake.asked().len(), 1);

    let fake = Fake::start(|_, _| vec![Step::Hang]).await;
    let mut connection = fake.connection().await;
    let (listing, _) = read(&connection, WHOLE).await;
    assert!(matches!(
        listing.unwrap_err(),
        ClusterError::Unreachable {
            problem: Unreachable::Timeout,
            ..
        }
    ));
    connection.request_timeout = Some(Duration::from_millis(50));
    let (listing, _) = read(&connection, WHOLE).await;
    assert!(
        listing
            .unwrap_err()
            .to_string()
            .contains("within 50ms (--request-timeout)")
    );
}

#[tokio::test]
async fn a_request_timeout_counts_the_body_too() {
    let fake = Fake::start(|_, _| {
        let mut steps = begin(&["{"]);
        steps.push(Step::Hang);
        steps
    })
    .await;
    let mut connection = fake.connection().await;
    connection.request_timeout = Some(Duration::from_millis(100));
    let (listing, _) = read(&connection, WHOLE).await;
    assert!(matches!(listing.unwrap_err(), ClusterError::Timeout { .. }));
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn unreachable_servers_say_how() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut tls = None;
    for (server, expected) in [
        ("http://127.0.0.1:1".to_owned(), Unreachable::Refused),
        ("https://no-such-host.invalid:6443".to_owned(), Unreachable::Dns),
    ] {
        let options = super::super::ConnectOptions {
            server: Some(server.clone()),
            kubeconfig: Some("/dev/null".into()),
            insecure_skip_tls_verify: true,
            ..Default::default()
        };
        let connection = super::super::connect(&options).await.unwrap();
        let (listing, _) = read(&connection, WHOLE).await;
        let error = listing.unwrap_err();
        assert!(
            matches!(
                &error,
                // If this machine has no DNS, that is reported.
                ClusterError::Unreachable { problem, .. }
                    if *problem == expected || (expected == Unreachable::Dns && matches!(problem, Unreachable::DnsSilent(_)))
            ),
            "{error:?}"
        );
        assert!(error.to_string().contains(&server));
        tls = Some(connection);
    }
    drop((listener, tls));
}

#[tokio::test]
async fn a_server_certificate_that_is_not_trusted_or_expired_is_named_as_such() {
    for (days, trusted, expected) in [
        (-1, true, TlsProblem::Expired),
        (1, false, TlsProblem::UnknownIssuer),
        (1, true, TlsProblem::WrongName),
    ] {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![if expected == TlsProblem::WrongName {
            "other.example".into()
        } else {
            "127.0.0.1".to_owned()
        }])
        .unwrap();
        params.not_before = time::OffsetDateTime::now_utc() - time::Duration::days(9);
        params.not_after = time::OffsetDateTime::now_utc() + time::Duration::days(days);
        let own = params.self_signed(&key).unwrap();
        let other = rcgen::CertificateParams::new(vec![])
            .unwrap()
            .self_signed(&rcgen::KeyPair::generate().unwrap())
            .unwrap();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![own.der().clone()],
                rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into()),
            )
            .unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
            while let Ok((stream, _)) = listener.accept().await {
                let _ = acceptor.accept(stream).await;
            }
        });
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ca.crt");
        std::fs::write(&file, if trusted { own.pem() } else { other.pem() }).unwrap();
        let options = super::super::ConnectOptions {
            server: Some(server),
            kubeconfig: Some("/dev/null".into()),
            certificate_authority: Some(file),
            ..Default::default()
        };
        let connection = super::super::connect(&options).await.unwrap();
        let (listing, _) = read(&connection, WHOLE).await;
        let error = listing.unwrap_err();
        assert!(
            matches!(&error, ClusterError::Tls { problem, .. } if *problem == expected),
            "{expected:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_listener_that_goes_away_stops_the_list() {
    let names: Vec<String> = (0..100).map(|n| format!("n{n}")).collect();
    let whole = body(&names.iter().map(String::as_str).collect::<Vec<_>>(), "7", "");
    let fake = Fake::start(move |_, _| json(&whole)).await;
    let (sink, changes) = mpsc::channel(1);
    drop(changes);
    let result = list(&fake.connection().await, &Scope::everything(), &[KIND], &WHOLE, sink).await;
    assert!(matches!(result, Err(ClusterError::Stopped)));
}

#[tokio::test]
async fn garbage_about_single_objects_is_survived() {
    let fake = Fake::start(|path, _| match () {
        () if path.contains("/secrets/gone") => answer("404 Not Found", "text/html", "", "<html>"),
        () if path.contains("/secrets/") => json("{\"metadata\":"),
        () if path.contains("/events") => json("[]"),
        () => json("null"),
    })
    .await;
    let connection = fake.connection().await;
    let (sink, changes) = mpsc::channel(8);
    let keys = ["gone", "broken", "../../nodes"].map(|name| Key::new("shop", name));
    let data_keys = DataKeys::default();
    let (failed, said) = tokio::join!(
        get_secrets(&connection, &data_keys, keys.to_vec(), sink),
        words(changes)
    );
    // A page of a proxy does not prove that a Secret does not exist.
    assert_eq!((failed.len(), said), (2, vec!["-../../nodes".to_owned()]));
    assert!(data_changed(&connection, &DataKeys::default(), &keys).await.is_empty());
    assert!(events(&connection, "shop", KIND, "web").await.unwrap().is_empty());
    let (sink, changes) = mpsc::channel(8);
    let (listing, said) = tokio::join!(consumers(&connection, None, sink), words(changes));
    assert!(said.iter().all(|s| !s.starts_with("listed")), "{said:?}");
    assert_eq!(listing.unwrap().incomplete.len(), 8);
}

/// The groups of the Gateway API and of Traefik, including the old ones.
const BOTH: &str = r#"{"kind":"APIGroupDiscoveryList","items":[
    {"metadata":{"name":"gateway.networking.k8s.io"},"versions":[{"version":"v1","resources":[{"resource":"listenersets"}],"freshness":"Current"}]},
    {"metadata":{"name":"gateway.networking.x-k8s.io"},"versions":[{"version":"v1alpha1","resources":[{"resource":"xlistenersets"}],"freshness":"Current"}]},
    {"metadata":{"name":"traefik.io"},"versions":[{"version":"v1alpha1","resources":[{"resource":"ingressroutes"}],"freshness":"Current"}]},
    {"metadata":{"name":"traefik.containo.us"},"versions":[{"version":"v1alpha1","resources":[{"resource":"ingressroutes"}],"freshness":"Current"}]}]}"#;
const OF_BOTH: [Kind; 4] = [
    Kind::ListenerSet,
    Kind::XListenerSet,
    Kind::IngressRoute,
    Kind::OldIngressRoute,
];

/// A list with one object, which is called `web` whatever its kind.
fn one(version: &str) -> Vec<Step> {
    json(&format!(
        r#"{{"kind":"List","apiVersion":"v1","metadata":{{"resourceVersion":"{version}"}},"items":[{{"metadata":{{"name":"web","namespace":"shop"}},"spec":{{}}}}]}}"#
    ))
}

/// The kinds of the objects that were set, and those that were reported as not served.
async fn kinds(mut changes: mpsc::Receiver<Change>) -> (Vec<Kind>, Vec<Kind>) {
    let (mut set, mut absent) = (Vec::new(), Vec::new());
    while let Some(change) = changes.recv().await {
        match change {
            Change::Set(object) => set.push(object.kind()),
            Change::NotServed(kind) => absent.push(kind),
            _ => {}
        }
    }
    set.sort();
    absent.sort();
    (set, absent)
}

#[tokio::test]
async fn every_group_that_is_served_is_read_though_another_has_the_same_kind() {
    for discovery in [true, false] {
        let fake = Fake::start(move |path, _| match path {
            "/apis" if discovery => json(BOTH),
            "/apis" => refusal(403, "Forbidden", ""),
            _ => one("7"),
        })
        .await;
        let connection = fake.connection().await;
        let (sink, changes) = mpsc::channel(4);
        let scope = Scope::everything();
        let (listing, (set, _)) = tokio::join!(list(&connection, &scope, &OF_BOTH, &WHOLE, sink), kinds(changes));
        assert_eq!(set, OF_BOTH, "discovery: {discovery}");
        let listing = listing.unwrap();
        for kind in OF_BOTH {
            assert_eq!(listing.apis[&kind].group, kind.group());
            assert_eq!(listing.resource_versions[&(kind, None)], "7");
        }
    }
}

#[tokio::test]
async fn a_group_that_is_not_served_is_absent_and_the_other_is_read() {
    let fake = Fake::start(|path, _| match path {
        "/apis" => refusal(403, "Forbidden", ""),
        _ if path.contains("/gateway.networking.k8s.io/") || path.contains("/traefik.io/") => {
            refusal(404, "NotFound", "")
        }
        _ => one("7"),
    })
    .await;
    let connection = fake.connection().await;
    let (sink, changes) = mpsc::channel(4);
    let scope = Scope::everything();
    let (_, found) = tokio::join!(list(&connection, &scope, &OF_BOTH, &WHOLE, sink), kinds(changes));
    let (there, absent) = (
        vec![Kind::XListenerSet, Kind::OldIngressRoute],
        vec![Kind::ListenerSet, Kind::IngressRoute],
    );
    assert_eq!(found, (there, absent));
}

#[tokio::test]
async fn of_more_than_64_secrets_that_are_named_only_those_that_are_there_are_fetched() {
    let names: Vec<String> = (0..70).map(|n| format!("s{n}")).collect();
    let keys: Vec<Key> = names.iter().map(|name| Key::new("shop", name.as_str())).collect();
    for may_list in [true, false] {
        let fake = Fake::start(move |path, _| match path.strip_prefix("/api/v1/namespaces/shop/secrets/") {
            Some(name) => json(&format!(
                r#"{{"kind":"Secret","apiVersion":"v1","metadata":{{"name":"{name}","namespace":"shop"}},"type":"Opaque"}}"#
            )),
            None if may_list => {
                let item = |n: u32| format!(r#"{{"metadata":{{"name":"s{n}","namespace":"shop"}}}}"#);
                let items = [3, 5, 99].map(item).join(",");
                json(&format!(
                    r#"{{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{{"resourceVersion":"7"}},"items":[{items}]}}"#
                ))
            }
            None => refusal(403, "Forbidden", ""),
        })
        .await;
        let (sink, changes) = mpsc::channel(8);
        let connection = fake.connection().await;
        let data_keys = DataKeys::default();
        let (failed, said) = tokio::join!(get_secrets(&connection, &data_keys, keys.clone(), sink), words(changes));
        assert!(failed.is_empty(), "{failed:?}");
        assert_eq!(said.len(), 70, "each is set or gone");
        let mut set: Vec<&String> = said.iter().filter(|word| word.starts_with('+')).collect();
        set.sort();
        if may_list {
            assert_eq!(set, ["+s3", "+s5"]);
            assert_eq!(fake.asked().len(), 3, "one list, and the two that are there");
            assert!(
                fake.asked()[0].contains("type%21%3Dhelm.sh%2Frelease.v1"),
                "{:?}",
                fake.asked()
            );
        } else {
            assert_eq!(
                (set.len(), fake.asked().len()),
                (70, 71),
                "who may not list asks for each"
            );
        }
    }
}
