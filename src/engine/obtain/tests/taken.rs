//! Orders that another run takes over, and such as may have their certificate already.

use std::path::{Path, PathBuf};

use super::*;
use crate::engine::{
    authority::{Leads, NotNow},
    journal,
    lease::Leading,
};

fn secret() -> Key {
    Key::new("shop", "shop-tls")
}

fn file(home: &Path) -> PathBuf {
    home.join(format!("{}.json", journal::name(&secret())))
}

/// Puts the entry of another run in the place of the one that is there.
fn take_over(home: &Path) {
    let mut object: Value = serde_json::from_slice(&std::fs::read(file(home)).unwrap()).unwrap();
    object["metadata"]["labels"]["kubectl-certs.io/run"] = "aaaaaaaaaa".into();
    std::fs::write(file(home), object.to_string()).unwrap();
}

async fn ordered_in(home: &Path, entry: Entry, fake: &Fake, resume: Option<String>) -> Came {
    let place = JournalStore::Directory(home.to_owned());
    order_in(place, entry, fake, &["shop.example"], false, resume, None, None).await
}

fn is_taken(home: &Path) -> bool {
    std::fs::read_to_string(file(home)).is_ok_and(|entry| entry.contains("aaaaaaaaaa"))
}

#[tokio::test]
async fn a_run_that_lost_its_journal_does_not_finalize() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().to_owned();
    let fake = ca(move |request, _, _| {
        if request.path == "/authz/0" {
            take_over(&directory);
        }
        None
    })
    .await;
    let came = ordered_in(home.path(), Entry::default(), &fake, None).await;
    assert!(
        came.result.as_ref().is_err_and(ObtainError::is_taken),
        "{}",
        came.error()
    );
    assert!(fake.seen("/finalize/1").is_empty());
    assert!(is_taken(home.path()), "the entry of the other run stays");
}

#[tokio::test]
async fn a_run_that_lost_its_journal_leaves_the_answers_and_makes_no_other_order() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().to_owned();
    let fake = ca(move |request, _, url| {
        let challenge = |status: &str| json!({"status": status});
        let authorization = |status| authorization(url, "shop.example", status, &challenge(status));
        match request.path.as_str() {
            "/challenge/shop.example" => {
                take_over(&directory);
                Some(Reply::json(200, &authorization("pending")["challenges"][0]))
            }
            // It fails once another run has the order.
            "/authz/0" if is_taken(&directory) => Some(Reply::json(200, &authorization("invalid"))),
            "/authz/0" => Some(Reply::json(200, &authorization("pending"))),
            _ => None,
        }
    })
    .await;
    let came = ordered_in(home.path(), Entry::default(), &fake, None).await;
    assert!(
        came.result.as_ref().is_err_and(ObtainError::is_taken),
        "{}",
        came.error()
    );
    assert_eq!((came.published.len(), came.cleaned.len()), (1, 0));
    assert_eq!(fake.seen("/new-order").len(), 1);
    assert!(is_taken(home.path()), "the entry of the other run stays");
}

/// A controller that leads until it is stopped.
#[derive(Debug, Default)]
struct Leader {
    is_stopped: AtomicBool,
}

impl Leads for Leader {
    fn now(&self) -> Result<Leading, NotNow> {
        if self.is_stopped.load(Ordering::Relaxed) {
            return Err(NotNow("this process leads no longer".to_owned()));
        }
        Ok(Leading {
            install: "prod-1".into(),
            identity: "one".into(),
            is_alone: true,
        })
    }
}

#[tokio::test]
async fn who_leads_no_longer_leaves_the_order_also_where_it_failed_meanwhile() {
    for stops in [true, false] {
        let home = tempfile::tempdir().unwrap();
        let leader = Arc::<Leader>::default();
        let of = Arc::clone(&leader);
        let asked = AtomicBool::new(false);
        let fake = ca(move |request, _, url| {
            let authorization = |status| authorization(url, "shop.example", status, &json!({"status": status}));
            match request.path.as_str() {
                "/challenge/shop.example" => {
                    asked.store(true, Ordering::Relaxed);
                    of.is_stopped.store(stops, Ordering::Relaxed);
                    Some(Reply::json(200, &authorization("pending")["challenges"][0]))
                }
                "/authz/0" if asked.load(Ordering::Relaxed) => Some(Reply::json(200, &authorization("invalid"))),
                "/authz/0" => Some(Reply::json(200, &authorization("pending"))),
                _ => None,
            }
        })
        .await;
        let place = JournalStore::Directory(home.path().to_owned());
        let lets = Lets::Leader(leader);
        let (entry, names) = (Entry::default(), ["shop.example"]);
        let came = order_of(&lets, place.clone(), entry, &fake, &names, false, None, None, None).await;
        let left = came.result.as_ref().is_err_and(ObtainError::is_taken);
        assert_eq!(left, stops, "{}", came.error());
        assert_eq!((came.published.len(), came.cleaned.len()), (1, usize::from(!stops)));
        let entry = journal::find(&place, &secret()).await.unwrap().unwrap().entry;
        assert_eq!(entry.order, Some(fake.url("/order/1")), "whoever leads goes on with it");
        assert_eq!(fake.seen("/new-order").len(), 1);
    }
}

#[tokio::test]
async fn the_journal_says_that_an_order_is_finalized_before_it_is() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().to_owned();
    let fake = ca(move |request, _, _| {
        if request.path == "/finalize/1" {
            let found: Value = serde_json::from_slice(&std::fs::read(file(&directory)).unwrap()).unwrap();
            assert!(journal::read(found).entry.finalizing);
        }
        None
    })
    .await;
    let came = ordered_in(home.path(), Entry::default(), &fake, None).await;
    assert!(came.result.is_ok(), "{}", came.error());
    assert_eq!(fake.seen("/finalize/1").len(), 1);
}

#[tokio::test]
async fn an_order_that_may_have_its_certificate_is_not_replaced_because_the_ca_fails() {
    for (finalizing, status, replaced) in [(true, 500, false), (true, 404, true), (false, 500, true)] {
        let fake = ca(move |request, _, _| {
            (request.path == "/order/old").then(|| Reply::problem(status, "serverInternal", "out of order"))
        })
        .await;
        let home = tempfile::tempdir().unwrap();
        let entry = Entry {
            finalizing,
            ..Entry::default()
        };
        let old = Some(fake.url("/order/old"));
        let came = ordered_in(home.path(), entry, &fake, old).await;
        let told = format!("{finalizing} {status}");
        assert_eq!(came.result.is_ok(), replaced, "{told}");
        assert_eq!(fake.seen("/new-order").len(), usize::from(replaced), "{told}");
    }
}
