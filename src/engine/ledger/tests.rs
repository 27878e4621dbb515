use super::*;
use crate::plan::limits::exceeded;

const ACCOUNT: &str = "https://ca.example/acct/1";

fn names(all: &[&str]) -> Vec<Name> {
    all.iter().map(|name| name.parse().unwrap()).collect()
}

async fn open(place: &LedgerStore, account: &str) -> Ledger {
    let limits = Some(Limits::PRODUCTION);
    Ledger::open(place.clone(), account, limits, crate::clock::now()).await
}

fn orders_left(ledger: &Ledger) -> i64 {
    let limit = Limits::PRODUCTION.orders.unwrap();
    ledger.look(|known| known.orders.left(&limit, crate::clock::now()))
}

#[tokio::test]
async fn what_was_ordered_is_known_to_the_next_run_before_this_one_ends() {
    let scratch = tempfile::tempdir().unwrap();
    let place = LedgerStore::Directory(scratch.path().join("accounts"));
    let ledger = open(&place, ACCOUNT).await;
    let now = crate::clock::now();
    let shop = names(&["a.example.com"]);
    ledger.ordered(&[], OrderKind::New, now);
    ledger.issued(&shop, OrderKind::New, now);
    for _ in 0..5 {
        ledger.failed(&shop[0], now);
    }
    // Nobody calls `keep`: the run is killed before it ends.
    let mut next = open(&place, ACCOUNT).await;
    for _ in 0..200 {
        let failed = next.look(|known| known.failures.len());
        if failed == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        next = open(&place, ACCOUNT).await;
    }
    assert_eq!(orders_left(&next), 299);
    let refused = next.look(|known| exceeded(&Limits::PRODUCTION, &[known], &shop, OrderKind::SameNames, now));
    assert!(
        refused
            .unwrap()
            .limit
            .starts_with("failed validations of a.example.com")
    );
    let other = open(&place, "https://ca.example/acct/2").await;
    assert_eq!(orders_left(&other), 300);
}

#[tokio::test]
async fn runs_at_once_count_together() {
    let scratch = tempfile::tempdir().unwrap();
    let place = LedgerStore::Directory(scratch.path().join("accounts"));
    let (one, two) = (open(&place, ACCOUNT).await, open(&place, ACCOUNT).await);
    let now = crate::clock::now();
    for _ in 0..40 {
        one.ordered(&[], OrderKind::New, now);
        two.ordered(&[], OrderKind::New, now);
        tokio::task::yield_now().await;
    }
    let (one, two) = tokio::join!(one.keep(), two.keep());
    one.unwrap();
    two.unwrap();
    let left = orders_left(&open(&place, ACCOUNT).await);
    assert!((220..=221).contains(&left), "{left}");
}

#[tokio::test]
async fn a_ledger_of_lines_is_replaced_by_the_next_write() {
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("accounts");
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join(format!("{}.ledger", short_hash(ACCOUNT)));
    let now = crate::clock::now();
    let line = format!("{{\"at\":{now},\"what\":\"ordered\",\"names\":[\"a.example\"]}}\n");
    std::fs::write(&path, line.repeat(3)).unwrap();
    let place = LedgerStore::Directory(directory);
    let ledger = open(&place, ACCOUNT).await;
    assert_eq!(orders_left(&ledger), 297);
    ledger.ordered(&[], OrderKind::New, now);
    ledger.keep().await.unwrap();
    let kept = std::fs::read_to_string(&path).unwrap();
    assert_eq!(kept.lines().count(), 1, "{kept}");
    assert!(!kept.contains("what"), "{kept}");
    assert_eq!(orders_left(&open(&place, ACCOUNT).await), 296);
}

#[tokio::test]
async fn many_events_are_few_writes() {
    let scratch = tempfile::tempdir().unwrap();
    let place = LedgerStore::Directory(scratch.path().join("accounts"));
    let ledger = open(&place, ACCOUNT).await;
    let began = std::time::Instant::now();
    for n in 0..5_000 {
        let set = names(&[&format!("h{n}.example.com")]);
        ledger.issued(&set, OrderKind::SameNames, crate::clock::now());
        if n % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    ledger.keep().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test]
async fn without_known_limits_nothing_is_written() {
    let scratch = tempfile::tempdir().unwrap();
    let place = LedgerStore::Directory(scratch.path().join("accounts"));
    let ledger = Ledger::open(place, ACCOUNT, None, 0).await;
    ledger.ordered(&[], OrderKind::New, 0);
    ledger.keep().await.unwrap();
    assert!(!scratch.path().join("accounts").exists());
}
