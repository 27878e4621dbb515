use std::{net::Ipv4Addr, os::unix::fs::PermissionsExt, path::PathBuf};

use super::*;
use crate::solve::dns01::{NoSecrets, Terminal};

/// A solver whose provider is a script that records its arguments, in a directory of its own. DNS is not asked.
struct Bench {
    dir: tempfile::TempDir,
    solver: Dns01,
}

/// Records its arguments in the same file as the script; refuses if there is a file `full`.
struct Journal(PathBuf);

impl Keep for Journal {
    fn before<'a>(&'a self, written: &'a Written) -> BoxFuture<'a, Result<(), SolveError>> {
        Box::pin(async move {
            if self.0.join("full").exists() {
                return Err(SolveError::new("the journal is full"));
            }
            self.note(&format!("journal {} {}", written.name, written.value));
            Ok(())
        })
    }

    fn removed<'a>(&'a self, written: &'a Written) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.note(&format!("removed {}", written.value)) })
    }
}

impl Journal {
    fn note(&self, line: &str) {
        use std::io::Write as _;
        let file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.0.join("calls"));
        writeln!(file.unwrap(), "{line}").unwrap();
    }
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hook = dir.path().join("hook");
        let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\"\necho \"$1 $2 $4\" >> calls\n[ ! -e broken ]\n";
        std::fs::write(&hook, script).unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
        let entry = format!("[{{provider: hook, command: {}}}]", hook.display());
        let closed = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap();
        let solver = Dns01::new(Parts {
            entries: serde_saphyr::from_str(&entry).unwrap(),
            chosen: None,
            resolver: Resolver::of(vec![closed]),
            follow_cname: false,
            wait: Wait::Off,
            secrets: Arc::new(NoSecrets),
            keep: Arc::new(Journal(dir.path().to_owned())),
            operator: Arc::new(Terminal),
        });
        Self {
            dir,
            solver: solver.unwrap(),
        }
    }

    fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.dir.path().join("calls")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    async fn present(&self, challenge: &Challenge) -> Result<(), SolveError> {
        self.solver.present(challenge, &Teller::silent()).await
    }
}

fn challenge(wildcard: bool, token: &str) -> Challenge {
    Challenge {
        name: "shop.example".parse().unwrap(),
        wildcard,
        token: token.to_owned(),
        key_authorization: format!("{token}.thumbprint"),
        issuers: Vec::new(),
    }
}

fn value(challenge: &Challenge) -> String {
    key(challenge).unwrap().1
}

#[test]
fn the_value_is_the_digest_of_the_key_authorization() {
    let mut challenge = challenge(false, "");
    challenge.key_authorization =
        "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs".to_owned();
    let (domain, value) = key(&challenge).unwrap();
    assert_eq!(domain, "shop.example");
    assert_eq!(value, "ZTRx1Ckl1-tM05o5zaizTTA0yUy5AGereMgSNWC6Ll8");
}

#[tokio::test]
async fn a_domain_and_its_wildcard_have_two_values_and_each_is_journalled_before_it_is_written() {
    let bench = Bench::new();
    let (apex, wildcard) = (challenge(false, "one"), challenge(true, "two"));
    let (a, w) = (value(&apex), value(&wildcard));
    assert_ne!(a, w);
    bench.present(&apex).await.unwrap();
    bench.present(&wildcard).await.unwrap();
    assert_eq!(bench.solver.left().len(), 2);
    assert_eq!(bench.solver.clean(&apex).await, Ok(1));
    assert_eq!(bench.solver.clean(&apex).await, Ok(0));
    assert_eq!(bench.solver.clean(&wildcard).await, Ok(1));
    assert_eq!(bench.solver.finish().await, Ok(0));
    assert_eq!(
        bench.calls(),
        [
            format!("journal _acme-challenge.shop.example {a}"),
            format!("deploy_challenge shop.example {a}"),
            format!("journal _acme-challenge.shop.example {w}"),
            format!("deploy_challenge shop.example {w}"),
            format!("clean_challenge shop.example {a}"),
            format!("removed {a}"),
            format!("clean_challenge shop.example {w}"),
            format!("removed {w}"),
        ]
    );
}

#[tokio::test]
async fn nothing_is_written_that_the_journal_does_not_know() {
    let bench = Bench::new();
    let one = challenge(false, "one");
    std::fs::write(bench.file("full"), "").unwrap();
    assert_eq!(bench.present(&one).await.unwrap_err().message, "the journal is full");
    assert_eq!(bench.solver.clean(&one).await, Ok(0));
    assert_eq!(bench.solver.left(), []);
    assert_eq!(bench.calls(), [""; 0]);
}

#[tokio::test]
async fn a_write_that_failed_is_taken_away_and_a_removal_that_failed_is_tried_again_at_the_end() {
    let bench = Bench::new();
    let one = challenge(false, "one");
    std::fs::write(bench.file("broken"), "").unwrap();
    let error = bench.present(&one).await.unwrap_err();
    assert!(error.message.contains("exited with status 1"), "{error}");
    let error = bench.solver.clean(&one).await.unwrap_err();
    let left = format!(
        "TXT record _acme-challenge.shop.example with value {} stays: hook ",
        value(&one)
    );
    assert!(error.message.starts_with(&left), "{error}");
    assert_eq!(bench.solver.left().len(), 1);
    std::fs::remove_file(bench.file("broken")).unwrap();
    assert_eq!(bench.solver.finish().await, Ok(1));
    assert_eq!(bench.solver.finish().await, Ok(0));
    assert_eq!(bench.solver.left(), []);
}

#[tokio::test]
async fn a_value_that_two_orders_share_is_written_once_and_stays_until_both_are_done() {
    let bench = Bench::new();
    let one = challenge(false, "one");
    let (first, second) = tokio::join!(bench.present(&one), bench.present(&one));
    first.and(second).unwrap();
    assert_eq!(bench.solver.clean(&one).await, Ok(0));
    assert_eq!(bench.solver.clean(&one).await, Ok(1));
    let deployed = bench.calls().iter().filter(|call| call.starts_with("deploy")).count();
    assert_eq!(deployed, 1);
}

#[tokio::test]
async fn the_next_run_removes_what_a_killed_one_has_written() {
    let bench = Bench::new();
    let one = challenge(false, "one");
    bench.present(&one).await.unwrap();
    let told = serde_json::to_string(&bench.solver.left()[0]).unwrap();
    let next = Bench::new();
    assert_eq!(
        next.solver.remove_written(&serde_json::from_str(&told).unwrap()).await,
        Ok(true)
    );
    assert_eq!(
        next.calls(),
        [
            format!("clean_challenge shop.example {}", value(&one)),
            format!("removed {}", value(&one))
        ]
    );
}

#[tokio::test]
async fn a_test_write_removes_what_it_wrote_also_after_a_failure() {
    let bench = Bench::new();
    let tested = bench.solver.write_test("shop.example").await.unwrap();
    assert_eq!(
        (tested.name.as_str(), tested.removed),
        ("_acme-challenge.shop.example", true)
    );
    std::fs::write(bench.file("broken"), "").unwrap();
    bench.solver.write_test("shop.example").await.unwrap_err();
    let cleaned = bench
        .calls()
        .iter()
        .filter(|call| call.starts_with("clean_challenge"))
        .count();
    assert_eq!(cleaned, 2);
}

#[tokio::test]
async fn an_address_is_no_domain() {
    let bench = Bench::new();
    let mut one = challenge(false, "one");
    one.name = "192.0.2.1".parse().unwrap();
    assert!(
        bench
            .present(&one)
            .await
            .unwrap_err()
            .message
            .contains("192.0.2.1 is not a domain")
    );
}
