//! Where the records of customers' domains are kept: the same tests for each store. Memory needs nothing, the cluster is the
//! testbed's, and the database is Debian's `PostgreSQL`.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{StreamExt as _, stream::BoxStream};
use kubectl_certs::{
    domain::{Asked, Host, Material, Pair, Record, Said, State},
    domains::store::{
        Change, Cursor, Filter, Store, StoreError, Version,
        cluster::ClusterStore,
        memory::MemoryStore,
        postgres::{PostgresStore, Sealer},
    },
    install::domains::definition,
    k8s::{ConnectOptions, Connection, connect},
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::support::{
    PATIENCE,
    cluster::{Namespace, kubectl},
    kubeconfig,
    postgres::Postgres,
    proxy::{API_SERVER, Proxy},
    run::Call,
};

/// A moment that has long been.
const LONG_AGO: i64 = 1_000;

type Shared = Arc<dyn Store>;

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn host(label: &str, of: &str) -> Host {
    format!("{label}.{of}.example.com").parse().unwrap()
}

/// A record that is due at a moment.
fn record(host: &Host, tenant: &str, due: i64) -> Record {
    let mut record = Record::new(host.clone(), tenant.parse().unwrap(), now());
    record.due = due;
    record
}

fn is_conflict<T: std::fmt::Debug>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Conflict(_)))
}

async fn read(store: &Shared, host: &Host) -> (Record, Version) {
    store.get(host).await.unwrap().expect("it is there")
}

/// Asks until it is so: what another client has written is there soon, and not at once.
async fn soon<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let until = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(tokio::time::Instant::now() < until, "{what} did not come about");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// All hosts of a watch until everything was told, and its cursor.
async fn listed(watch: &mut BoxStream<'_, Result<Change, StoreError>>) -> (BTreeSet<Host>, Cursor) {
    let mut all = BTreeSet::new();
    loop {
        let next = tokio::time::timeout(PATIENCE, watch.next()).await.expect("in time");
        match next.expect("it goes on").unwrap() {
            Change::Host { host, .. } => drop(all.insert(host)),
            Change::Listed { cursor } => return (all, cursor),
        }
    }
}

/// Waits until a watch tells of a host.
async fn told(watch: &mut BoxStream<'_, Result<Change, StoreError>>, wanted: &Host) -> Cursor {
    loop {
        let next = tokio::time::timeout(PATIENCE, watch.next()).await;
        let next = next.unwrap_or_else(|_| panic!("{wanted} is not told"));
        if let Change::Host { host, cursor } = next.expect("it goes on").unwrap()
            && host == *wanted
        {
            return cursor;
        }
    }
}

/// What every store does. `one` and `other` are two clients of the same records.
async fn keeps_its_word(one: &Shared, other: &Shared, of: &str) {
    conflicts_are_told(one, other, of).await;
    the_longest_due_come_first(one, of).await;
    a_page_goes_on_after_a_host(one, of).await;
    a_claim_is_one_s_own_and_ends_by_itself(one, other, of).await;
    two_who_claim_get_each_row_once(one, other, of).await;
    a_watch_sees_what_another_client_does(one, other, of).await;
}

async fn conflicts_are_told(one: &Shared, other: &Shared, of: &str) {
    let (host, nobody) = (host("conflict", of), host("nobody", of));
    assert!(one.get(&nobody).await.unwrap().is_none());
    let mut first = record(&host, "alice", i64::MAX);
    let made = one.put(&first, None).await.unwrap();
    assert_eq!(read(one, &host).await, (first.clone(), made.clone()));
    // Who makes it again is told, and then has what is there.
    assert!(is_conflict(&other.put(&record(&host, "bob", 0), None).await));
    assert_eq!(read(other, &host).await, (first.clone(), made.clone()));

    let mut second = first.clone();
    second.asked = Some(Asked {
        at: now(),
        said: Said::NotNow("it answers 500".into()),
        renewal: false,
    });
    let newer = other.put(&second, Some(&made)).await.unwrap();
    // Who read before is told, and nothing is lost.
    first.paused = Some("a lost update".into());
    assert!(is_conflict(&one.put(&first, Some(&made)).await));
    assert_eq!(read(one, &host).await, (second.clone(), newer.clone()));
    // What is no longer so is not kept.
    second.asked = None;
    let last = one.put(&second, Some(&newer)).await.unwrap();
    assert_eq!(read(one, &host).await, (second.clone(), last));
    assert!(is_conflict(&one.put(&record(&nobody, "bob", 0), Some(&newer)).await));
}

async fn the_longest_due_come_first(store: &Shared, of: &str) {
    let hosts: Vec<Host> = ["due-a", "due-b", "due-c"]
        .iter()
        .map(|label| host(label, of))
        .collect();
    for (host, due) in hosts.iter().zip([30, 10, 20]) {
        store.put(&record(host, "alice", due), None).await.unwrap();
    }
    let due = async |until, limit| store.due(until, limit).await.unwrap();
    let (a, b, c) = (hosts[0].clone(), hosts[1].clone(), hosts[2].clone());
    assert_eq!(due(30, 9).await, [b.clone(), c.clone(), a.clone()]);
    assert_eq!(due(20, 9).await, [b.clone(), c.clone()]);
    assert_eq!(due(30, 1).await, std::slice::from_ref(&b));
    for host in &hosts {
        let (mut record, version) = read(store, host).await;
        record.due = i64::MAX;
        store.put(&record, Some(&version)).await.unwrap();
    }
    assert!(due(30, 9).await.is_empty());
}

async fn a_page_goes_on_after_a_host(store: &Shared, of: &str) {
    let page = async |filter: &Filter, after: Option<&Host>, limit| {
        let page = store.page(filter, after, limit).await.unwrap();
        page.into_iter().map(|record| record.host).collect::<Vec<_>>()
    };
    let filter = |change: fn(&mut Filter)| {
        let mut filter = Filter {
            part: Some("due-".into()),
            ..Filter::default()
        };
        change(&mut filter);
        filter
    };
    let all = filter(|_| {});
    let (a, b, c) = (host("due-a", of), host("due-b", of), host("due-c", of));
    assert_eq!(page(&all, None, 2).await, [a.clone(), b.clone()]);
    assert_eq!(page(&all, Some(&b), 2).await, std::slice::from_ref(&c));
    assert!(page(&all, Some(&c), 2).await.is_empty());
    let of_bob = filter(|filter| filter.tenant = "bob".parse().ok());
    assert!(page(&of_bob, None, 9).await.is_empty());
    let asked = filter(|filter| filter.state = Some(State::Asked));
    assert_eq!(page(&asked, None, 9).await, [a, b, c]);
    let active = filter(|filter| filter.state = Some(State::Active));
    assert!(page(&active, None, 9).await.is_empty());
}

async fn a_claim_is_one_s_own_and_ends_by_itself(one: &Shared, other: &Shared, of: &str) {
    let host = host("claim", of);
    assert!(!one.claim(&host, "one", now() + 60).await.unwrap());
    one.put(&record(&host, "alice", i64::MAX), None).await.unwrap();
    soon("the other sees it", async || other.get(&host).await.unwrap()).await;
    assert!(one.claim(&host, "one", now() + 60).await.unwrap());
    assert!(!other.claim(&host, "other", now() + 60).await.unwrap());
    // A put of the record leaves the claim.
    let (record, version) = read(one, &host).await;
    one.put(&record, Some(&version)).await.unwrap();
    assert!(!other.claim(&host, "other", now() + 60).await.unwrap());
    // It is given back.
    assert!(one.claim(&host, "one", LONG_AGO).await.unwrap());
    soon("the other has it", async || {
        other.claim(&host, "other", now() + 2).await.unwrap().then_some(())
    })
    .await;
    assert!(!one.claim(&host, "one", now() + 60).await.unwrap());
    // Who has it dies, and it ends.
    soon("the claim ends", async || {
        one.claim(&host, "one", now() + 60).await.unwrap().then_some(())
    })
    .await;
}

async fn two_who_claim_get_each_row_once(one: &Shared, other: &Shared, of: &str) {
    const MANY: usize = 24;
    let hosts: BTreeSet<Host> = (0..MANY).map(|at| host(&format!("work-{at}"), of)).collect();
    for host in &hosts {
        one.put(&record(host, "alice", LONG_AGO), None).await.unwrap();
    }
    soon("the other sees them all", async || {
        let due = other.due(LONG_AGO, 2 * MANY).await.unwrap();
        (due.len() == MANY).then_some(())
    })
    .await;
    let work = async |store: &Shared, by: &str| {
        let mut done = Vec::new();
        loop {
            let due = store.due(LONG_AGO, 8).await.unwrap();
            if due.is_empty() {
                return done;
            }
            for host in due {
                if !store.claim(&host, by, now() + 60).await.unwrap() {
                    continue;
                }
                let (mut record, version) = read(store, &host).await;
                // It was done before it was claimed.
                if record.due == LONG_AGO {
                    record.due = i64::MAX;
                    store.put(&record, Some(&version)).await.unwrap();
                    done.push(host);
                }
            }
        }
    };
    let (mut first, second) = tokio::join!(work(one, "one"), work(other, "other"));
    assert_eq!(first.len() + second.len(), MANY);
    first.extend(second);
    assert_eq!(first.into_iter().collect::<BTreeSet<_>>(), hosts);
}

async fn a_watch_sees_what_another_client_does(one: &Shared, other: &Shared, of: &str) {
    let mut watch = one.watch(None);
    let (all, begun) = listed(&mut watch).await;
    assert!(all.contains(&host("claim", of)) && !all.contains(&host("late", of)));
    let (late, later) = (host("late", of), host("later", of));
    other.put(&record(&late, "bob", i64::MAX), None).await.unwrap();
    let cursor = told(&mut watch, &late).await;
    assert_eq!(read(one, &late).await.0.tenant.as_str(), "bob");
    other.put(&record(&later, "bob", i64::MAX), None).await.unwrap();
    told(&mut watch, &later).await;
    drop(watch);
    // Who goes on from a cursor misses nothing, and does not get everything again.
    for from in [begun, cursor] {
        told(&mut one.watch(Some(from)), &later).await;
    }
    let mut unknown = one.watch(Some(Cursor("nonsense".into())));
    assert!(matches!(unknown.next().await, Some(Err(StoreError::Expired))));
    assert!(unknown.next().await.is_none());
}

#[tokio::test]
async fn memory_keeps_its_word_as_a_store() {
    let store: Shared = Arc::new(MemoryStore::default());
    keeps_its_word(&store, &Arc::clone(&store), "memory").await;
}

/// A connection of a store of its own.
fn connection(runtime: &tokio::runtime::Handle, file: std::path::PathBuf) -> Connection {
    let options = ConnectOptions {
        kubeconfig: Some(file),
        ..ConnectOptions::default()
    };
    runtime.block_on(connect(&options)).unwrap()
}

/// The definition of the kind, once for all tests of the cluster.
fn define() {
    let object = definition().object.to_string();
    let args = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
    let ran = Call::kubectl(args).run_with(object.as_bytes());
    assert_eq!(ran.status, Some(0), "kubectl apply: {}", ran.err);
    kubectl(&[
        "wait",
        "--for=condition=Established",
        "--timeout=30s",
        "crd/domains.kubectl-certs.io",
    ]);
}

#[test]
#[ignore = "needs the testbed's cluster: tests/run e2e"]
fn domains_in_the_cluster_survive_conflicts_a_lost_connection_and_every_replica() {
    define();
    let ns = Namespace::new("domain-store");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let of = ns.name.clone();
    let proxy = Proxy::to(API_SERVER);
    let config = kubeconfig::with_server(&format!("https://{}", proxy.address));
    let direct = connection(
        runtime.handle(),
        kubeconfig::write(ns.dir.path(), "direct", &kubeconfig::admin()),
    );
    let through = connection(runtime.handle(), kubeconfig::write(ns.dir.path(), "through", &config));
    let open = |connection: &Connection| -> Shared {
        Arc::new(ClusterStore::new(
            connection,
            &ns.name,
            Some(&[ns.name.as_str().into()]),
        ))
    };
    runtime.block_on(async {
        let (one, other) = (open(&direct), open(&through));
        keeps_its_word(&one, &other, &of).await;

        // The connection is lost: what others write meanwhile is seen all the same.
        proxy.break_all();
        let host = host("cut", &of);
        one.put(&record(&host, "alice", 5), None).await.unwrap();
        proxy.fix();
        soon("the other sees it again", async || {
            other.get(&host).await.ok().flatten()
        })
        .await;

        // Every replica is killed, and the state is whole.
        let all = one.page(&Filter::default(), None, 1_000).await.unwrap();
        drop((one, other));
        let anew = open(&direct);
        assert_eq!(anew.page(&Filter::default(), None, 1_000).await.unwrap(), all);
        assert_eq!(anew.due(5, 9).await.unwrap(), [host]);
    });
}

#[test]
#[ignore = "needs the testbed's cluster: tests/run e2e"]
fn a_domain_that_a_user_applies_is_taken_and_shown_and_what_is_none_is_refused() {
    define();
    let ns = Namespace::new("domain-object");
    let second = Namespace::new("domain-second");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let file = kubeconfig::write(ns.dir.path(), "admin", &kubeconfig::admin());
    let direct = connection(runtime.handle(), file);
    let host = host("shop", &ns.name);
    let object = |name: &str, spec: Value| {
        json!({
            "apiVersion": "kubectl-certs.io/v1", "kind": "Domain", "metadata": {"name": name}, "spec": spec,
        })
    };
    // What the definition does not admit.
    for (name, spec, says) in [
        (
            "other.example.com",
            json!({"host": "shop.example.com"}),
            "the name of a Domain has to be its host",
        ),
        ("127.0.0.1", json!({"host": "127.0.0.1"}), "spec.host"),
        // kubectl itself refuses it, once it has read the definition, in words of its own.
        ("shop.example.com", json!({}), "host"),
        (
            "shop.example.com",
            json!({"host": "shop.example.com", "secretName": "../x"}),
            "spec.secretName",
        ),
        (
            "shop.example.com",
            json!({"host": "shop.example.com", "tenant": "Not A Label"}),
            "spec.tenant",
        ),
    ] {
        let refused = ns.try_apply(vec![object(name, spec)]);
        assert!(
            refused.status != Some(0) && refused.err.contains(says),
            "{}",
            refused.err
        );
    }
    ns.apply(vec![object(host.as_str(), json!({"host": host, "tenant": "mallory"}))]);
    // Who may not read them is told so.
    let poor = connection(runtime.handle(), ns.account("nobody", &json!([])));
    let said = runtime.block_on(async { ClusterStore::new(&poor, &ns.name, None).due(0, 1).await });
    let said = said.unwrap_err().to_string();
    assert!(said.contains("cannot list resource \"domains\""), "{said}");

    let store: Shared = {
        let _within = runtime.enter();
        Arc::new(ClusterStore::new(&direct, "elsewhere", None))
    };
    runtime.block_on(async {
        let (mut record, version) = soon("it is read", async || store.get(&host).await.unwrap()).await;
        // In a namespace of one's own the spec says nothing of others.
        assert_eq!(record.tenant.as_str(), ns.name);
        assert!(record.due <= now() && record.asked.is_none());
        // Another namespace comes second.
        second.apply(vec![object(host.as_str(), json!({"host": host}))]);
        record.asked = Some(Asked {
            at: now(),
            said: Said::No,
            renewal: false,
        });
        record.due = now() + 3_600;
        store.put(&record, Some(&version)).await.unwrap();
        assert_eq!(read(&store, &host).await.0, record);
        // Where nothing changes the second is told at the next put at the latest.
        soon("the second is told", async || {
            let (record, version) = store.get(&host).await.unwrap()?;
            store.put(&record, Some(&version)).await.ok()?;
            let state = second.kubectl(&["get", "domain", host.as_str(), "-o", "jsonpath={.status.state}"]);
            (state == "blocked").then_some(())
        })
        .await;
    });
    let shown = ns.kubectl(&["get", "domains"]);
    let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split("   ").collect()).collect();
    assert!(
        ["NAME", "STATE", "REASON", "NEXT", "UNTIL", "AGE"]
            .iter()
            .all(|column| shown.lines().next().unwrap_or_default().contains(column)),
        "{shown}"
    );
    assert!(lines[1][0] == host.as_str(), "{shown}");
    let secret = ns.kubectl(&["get", "domain", host.as_str(), "-o", "jsonpath={.spec.secretName}"]);
    assert_eq!(secret, format!("domain-{host}"));
    // The first gives it up, and the second has it.
    ns.kubectl(&["delete", "domain", host.as_str()]);
    runtime.block_on(soon("the second has it", async || {
        let (record, _) = store.get(&host).await.unwrap()?;
        (record.tenant.as_str() == second.name).then_some(())
    }));
}

/// A pair as an order brings it.
fn with_pair(record: &mut Record, serial: &str, key: &str) {
    record.pair = Some(Pair {
        not_before: now(),
        not_after: now() + 86_400,
        serial: serial.into(),
        secret: None,
        material: Some(Arc::new(Material {
            chain: "-----BEGIN CERTIFICATE-----".into(),
            key: key.into(),
        })),
    });
}

fn sealer(byte: u8) -> Sealer {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    Sealer::read(&BASE64_STANDARD.encode([byte; 32]).into()).unwrap()
}

#[test]
#[ignore = "needs Debian's PostgreSQL, which tests/testbed/build gets: tests/run e2e"]
fn domains_in_postgresql_survive_conflicts_a_killed_server_and_every_replica_and_no_key_is_readable_there() {
    const KEY: &str = "the-private-key-of-a-customer";
    let mut postgres = Postgres::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = secrecy::SecretString::from(postgres.url());
    let open = async |seals: Option<Sealer>| {
        let store: Shared = Arc::new(PostgresStore::open(&url, seals).await.unwrap());
        store
    };
    let of = "postgres";
    let (one, other, host) = runtime.block_on(async {
        // Both make the tables at once.
        let (one, other) = tokio::join!(open(Some(sealer(1))), open(Some(sealer(1))));
        keeps_its_word(&one, &other, of).await;

        // The pair comes back with its record, and stays where a put does not bring it.
        let host = host("pair", of);
        let mut whole = record(&host, "alice", i64::MAX);
        with_pair(&mut whole, "01", KEY);
        let version = one.put(&whole, None).await.unwrap();
        let (mut read_again, _) = read(&other, &host).await;
        assert_eq!(read_again, whole);
        read_again.pair.as_mut().unwrap().material = None;
        read_again.paused = Some("for a while".into());
        other.put(&read_again, Some(&version)).await.unwrap();
        let (now_there, version) = read(&one, &host).await;
        assert_eq!(now_there.pair, whole.pair);
        let page = one
            .page(
                &Filter {
                    part: Some("pair.".into()),
                    ..Filter::default()
                },
                None,
                9,
            )
            .await
            .unwrap();
        assert!(page.len() == 1 && page[0].pair.as_ref().unwrap().material.is_none());
        // Of a pair that is another one nothing is taken for its key.
        let mut other_pair = now_there.clone();
        with_pair(&mut other_pair, "02", KEY);
        other_pair.pair.as_mut().unwrap().material = None;
        let version = one.put(&other_pair, Some(&version)).await.unwrap();
        assert!(read(&one, &host).await.0.pair.unwrap().material.is_none());
        one.put(&now_there, Some(&version)).await.unwrap();
        let unsealed = open(None).await;
        let refused = unsealed.put(&whole, None).await.unwrap_err().to_string();
        assert!(refused.contains("databaseKey") && !refused.contains(KEY), "{refused}");
        (one, other, host)
    });
    let dump = postgres.psql("SELECT host, record, chain, key, encode(key, 'escape') FROM kubectl_certs_domains");
    assert!(
        dump.contains("pair.postgres.example.com") && !dump.contains(KEY),
        "{dump}"
    );

    // The server is killed and comes back: nothing that was put is lost, and nobody has to be started again.
    let watching = Arc::clone(&one);
    runtime.block_on(async {
        let mut watch = watching.watch(None);
        let (_, cursor) = listed(&mut watch).await;
        drop(watch);
        let all = one.page(&Filter::default(), None, 1_000).await.unwrap();
        postgres.kill();
        let refused = one.get(&host).await.unwrap_err().to_string();
        assert!(refused.contains("cannot be reached"), "{refused}");
        postgres.start_again();
        let (mut record, version) = soon("it is reached again", async || one.get(&host).await.ok().flatten()).await;
        assert_eq!(
            record
                .pair
                .as_ref()
                .unwrap()
                .material
                .as_ref()
                .unwrap()
                .key
                .expose_secret(),
            KEY
        );
        let mut changed = other.watch(Some(cursor));
        record.due = 7;
        soon("it is written", async || one.put(&record, Some(&version)).await.ok()).await;
        told(&mut changed, &host).await;
        drop(changed);

        // Every replica is killed, and the state is whole.
        drop((watching, one, other));
        let anew = open(Some(sealer(1))).await;
        let mut now_there = anew.page(&Filter::default(), None, 1_000).await.unwrap();
        for record in now_there.iter_mut().filter(|record| record.host == host) {
            record.due = i64::MAX;
        }
        assert_eq!(now_there, all);
        assert_eq!(anew.due(7, 9).await.unwrap(), std::slice::from_ref(&host));

        // With another key the record is there, and its private key is not.
        let keyless = open(Some(sealer(2))).await;
        assert!(read(&keyless, &host).await.0.pair.unwrap().material.is_none());
    });
    postgres.psql("UPDATE kubectl_certs_schema SET version = 99");
    let refused = runtime
        .block_on(PostgresStore::open(&url, None))
        .unwrap_err()
        .to_string();
    assert!(refused.contains("version 99"), "{refused}");
}
