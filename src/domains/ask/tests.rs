//! The client against a real server.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{RawQuery, State},
    http::{Response, StatusCode, header::LOCATION},
    routing::get,
};
use futures_util::{FutureExt as _, StreamExt as _, future::join_all, stream};
use tokio::{net::TcpListener, time::sleep};

use super::*;

/// What an application was asked.
#[derive(Default)]
struct Asked {
    /// The queries.
    queries: Mutex<Vec<String>>,
    /// How many bytes of huge answers were made.
    made: AtomicUsize,
}

impl Asked {
    fn of(&self, part: &str) -> usize {
        self.queries
            .lock()
            .unwrap()
            .iter()
            .filter(|query| query.contains(part))
            .count()
    }

    fn queries(&self) -> Vec<String> {
        self.queries.lock().unwrap().clone()
    }
}

/// An application that answers by the first label of the host. Returns the URL at which it is asked.
async fn application() -> (AskUrl, Arc<Asked>) {
    let asked = Arc::new(Asked::default());
    let app = Router::new()
        .route("/allowed", get(answer))
        .route("/elsewhere", get(answer))
        .with_state(Arc::clone(&asked));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/allowed?domain={{host}}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url.parse().unwrap(), asked)
}

async fn answer(State(asked): State<Arc<Asked>>, RawQuery(query): RawQuery) -> Response<Body> {
    let query = query.unwrap_or_default();
    asked.queries.lock().unwrap().push(query.clone());
    let host = query.strip_prefix("domain=").unwrap_or_default().to_owned();
    let status = |code: u16| {
        let mut response = Response::new(Body::from("a word"));
        *response.status_mut() = StatusCode::from_u16(code).unwrap();
        response
    };
    match host.split('.').next().unwrap_or_default() {
        "yes" => status(200),
        "late" => {
            sleep(Duration::from_millis(300)).await;
            status(200)
        }
        "teapot" => status(418),
        "created" => status(201),
        "broken" => status(500),
        "slow" => {
            sleep(Duration::from_secs(20)).await;
            status(200)
        }
        "huge" => {
            let made = Arc::clone(&asked);
            let parts = stream::repeat_with(move || {
                made.made.fetch_add(4_096, Ordering::SeqCst);
                Ok::<_, std::convert::Infallible>(Bytes::from_static(&[b'x'; 4_096]))
            });
            Response::new(Body::from_stream(parts.take(1 << 20)))
        }
        "dripping" => {
            let parts = stream::once(async { Ok::<_, std::convert::Infallible>(Bytes::from_static(b"x")) });
            Response::new(Body::from_stream(parts.chain(stream::pending())))
        }
        "redirecting" => {
            let mut response = status(302);
            response
                .headers_mut()
                .insert(LOCATION, "/elsewhere?domain=yes.example.com".parse().unwrap());
            response
        }
        _ => status(404),
    }
}

fn asker(url: &AskUrl, timeout: u64) -> Asker {
    Asker::new(url.clone(), Duration::from_millis(timeout), None).unwrap()
}

fn host(text: &str) -> Host {
    text.parse().unwrap()
}

#[tokio::test]
async fn two_hundred_is_yes_404_is_no_and_anything_else_is_not_now() {
    let (url, heard) = application().await;
    let asker = asker(&url, 2_000);
    for (name, said) in [
        ("yes.example.com", Said::Yes),
        ("no.example.com", Said::No),
        (
            "broken.example.com",
            Said::NotNow("it answered 500 Internal Server Error".into()),
        ),
        (
            "teapot.example.com",
            Said::NotNow("it answered 418 I'm a teapot".into()),
        ),
        ("created.example.com", Said::NotNow("it answered 201 Created".into())),
    ] {
        assert_eq!(asker.ask(&host(name), false).await, said, "{name}");
    }
    assert_eq!(asker.ask(&host("yes.example.net"), true).await, Said::Yes);
    let queries = heard.queries();
    assert_eq!(queries[0], "domain=yes.example.com");
    assert_eq!(queries[5], "domain=yes.example.net&renewal=true");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_server_that_is_not_there_is_no_answer() {
    let (url, heard) = application().await;
    let said = asker(&url, 2_000).ask(&host("redirecting.example.com"), false).await;
    assert_eq!(
        said,
        Said::NotNow("it answered 302 Found, and redirects are not followed".into())
    );
    assert_eq!(heard.queries().len(), 1);
    let gone: AskUrl = "http://127.0.0.1:1/secret-path?domain={host}".parse().unwrap();
    let Said::NotNow(why) = asker(&gone, 2_000).ask(&host("yes.example.com"), false).await else {
        panic!("there is nobody");
    };
    assert!(!why.contains("secret-path") && !why.contains("127.0.0.1:1/"), "{why}");
}

#[tokio::test]
async fn a_slow_application_is_waited_for_until_the_limit_and_not_longer() {
    let (url, _) = application().await;
    let began = Instant::now();
    let said = asker(&url, 200).ask(&host("slow.example.com"), false).await;
    assert_eq!(said, Said::NotNow("it did not answer within 200ms".into()));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    // What follows the status cannot hold anybody up either.
    assert_eq!(
        asker(&url, 200).ask(&host("dripping.example.com"), false).await,
        Said::Yes
    );
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[tokio::test]
async fn of_a_huge_answer_little_is_read() {
    let (url, heard) = application().await;
    let began = Instant::now();
    assert_eq!(
        asker(&url, 2_000).ask(&host("huge.example.com"), false).await,
        Said::Yes
    );
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    // What the server has sent meanwhile lies in buffers; it would have sent 4 GiB.
    assert!(heard.made.load(Ordering::SeqCst) < 32 << 20, "{:?}", heard.made);
}

#[tokio::test]
async fn who_asks_about_a_host_that_is_being_asked_about_gets_the_same_answer() {
    let (url, heard) = application().await;
    let asker = asker(&url, 2_000);
    let name = host("late.example.com");
    let all = join_all((0..100).map(|n| {
        let (asker, name) = (asker.clone(), name.clone());
        async move {
            if n % 2 == 0 {
                Some(asker.ask(&name, false).await)
            } else {
                asker.ask_about_unknown(&name).await
            }
        }
    }));
    assert!(all.await.into_iter().all(|said| said == Some(Said::Yes)));
    assert_eq!(heard.of("late"), 1);
    // Whoever gives up does not take the answer from the others.
    let first = tokio::time::timeout(Duration::from_millis(50), asker.ask(&name, false));
    let (gave_up, second) = tokio::join!(first, asker.ask(&name, false));
    assert!(gave_up.is_err());
    assert_eq!(second, Said::Yes);
    assert_eq!(heard.of("late"), 2);
}

#[tokio::test]
async fn a_negative_answer_is_remembered_and_a_renewal_is_asked_about_all_the_same() {
    let (url, heard) = application().await;
    let asker = asker(&url, 2_000);
    let name = host("no.example.com");
    for _ in 0..5 {
        assert_eq!(asker.ask(&name, false).await, Said::No);
        assert_eq!(asker.ask_about_unknown(&name).await, Some(Said::No));
    }
    assert_eq!(heard.of("no."), 1);
    assert_eq!(asker.ask(&name, true).await, Said::No);
    assert_eq!(heard.of("no."), 2);
    // No answer is not remembered.
    let broken = host("broken.example.com");
    for _ in 0..3 {
        assert!(matches!(asker.ask(&broken, false).await, Said::NotNow(_)));
    }
    assert_eq!(heard.of("broken"), 3);
}

#[tokio::test]
async fn a_flood_of_unknown_names_asks_little_takes_no_memory_and_does_not_hold_up_known_ones() {
    let (url, heard) = application().await;
    let asker = asker(&url, 2_000);
    let flooding = asker.clone();
    let flood = tokio::spawn(async move {
        let (mut n, mut refused) = (0_usize, 0_usize);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(3) {
            // 10,000 a second.
            for _ in 0..100 {
                n += 1;
                let name = host(&format!("unknown{n}.example.com"));
                let one = flooding.clone();
                if one
                    .ask_about_unknown(&name)
                    .now_or_never()
                    .is_some_and(|said| said.is_none())
                {
                    refused += 1;
                }
            }
            sleep(Duration::from_millis(10)).await;
        }
        (n, refused)
    });
    let (began_at, mut longest) = (Instant::now(), Duration::ZERO);
    for n in 0..30 {
        let began = Instant::now();
        assert_eq!(asker.ask(&host(&format!("yes.known{n}.com")), false).await, Said::Yes);
        longest = longest.max(began.elapsed());
        sleep(Duration::from_millis(50)).await;
    }
    let (names, refused) = flood.await.unwrap();
    assert!(names > 5_000 && refused > names * 9 / 10, "{refused} of {names}");
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    assert_eq!(heard.of("known0.com"), 1);
    let (questions, seconds) = (heard.queries().len(), began_at.elapsed().as_secs() + 1);
    assert!(questions as u64 <= 50 * seconds, "{questions} in {seconds} s");
    let memory = asker.memory();
    assert!(memory.no.len() <= 150 && memory.pending.len() <= 100, "{memory:?}");
}

#[tokio::test]
async fn what_is_remembered_ends_after_a_minute_and_has_a_largest_number() {
    let mut memory = Memory::default();
    let now = Instant::now();
    let minute = Duration::from_mins(1);
    for n in 0..2 * MOST_REMEMBERED {
        memory.remember(host(&format!("h{n}.example.com")), now + minute);
    }
    assert_eq!((memory.no.len(), memory.ends.len()), (MOST_REMEMBERED, MOST_REMEMBERED));
    let last = host(&format!("h{}.example.com", 2 * MOST_REMEMBERED - 1));
    assert!(memory.is_nobodys(&last, now) && memory.is_nobodys(&last, now + minute - Duration::from_millis(1)));
    assert!(!memory.is_nobodys(&host("h0.example.com"), now), "the oldest made room");
    // One that is said again lasts longer.
    memory.remember(last.clone(), now + minute * 2);
    assert!(memory.is_nobodys(&last, now + minute));
    assert_eq!(memory.no.len(), 1);
    assert!(!memory.is_nobodys(&last, now + minute * 2));
    assert_eq!((memory.no.len(), memory.ends.len()), (0, 0));
}
