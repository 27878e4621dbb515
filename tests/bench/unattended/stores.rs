//! The stores of customers' domains, with many of them.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};
use kubectl_certs::{
    domain::{Host, Material, Pair, Record, State},
    domains::store::{
        Filter, Store,
        cluster::ClusterStore,
        postgres::{PostgresStore, Sealer},
    },
    install::domains::definition,
    k8s::{ConnectOptions, connect},
};

use crate::{
    Plan,
    figure::{Figure, Of, percentile, thousands},
    say,
    support::{cluster::Namespace, kubeconfig, postgres::Postgres, run::Call},
};

/// How many questions are timed.
const ASKED: usize = 300;
/// How many are on their way at once.
const TOGETHER: usize = 8;
/// How many records a page has.
const PAGE: usize = 100;
/// The share of all certificates that is renewed a day, of those that last 90 days and are renewed after 60.
const A_DAY: usize = 60;
/// About as much as a leaf and an intermediate, and a key on P-256, in PEM.
const CHAIN: usize = 2_600;
const KEY: usize = 240;
/// What a question may take.
const QUESTION: Duration = Duration::from_millis(10);

const NOW: i64 = 1_800_000_000;

fn host(number: usize) -> Host {
    format!("shop-{number}.customer-{}.example.com", number % 5_000)
        .parse()
        .unwrap()
}

/// A record with a certificate; one of sixty is due within the next day.
fn record(number: usize, material: Option<Arc<Material>>) -> Record {
    let tenant = format!("tenant-{}", number % 500).parse().unwrap();
    let mut record = Record::new(host(number), tenant, NOW);
    record.pair = Some(Pair {
        not_before: NOW - 86_400,
        not_after: NOW + 89 * 86_400,
        serial: format!("{number:036x}").into(),
        secret: None,
        material,
    });
    let day = i64::try_from(number % A_DAY).unwrap();
    record.due = NOW + day * 86_400 + i64::try_from(number % 86_399).unwrap();
    record
}

/// Some numbers below `many`, spread over all.
fn some(many: usize) -> impl Iterator<Item = usize> {
    (0..ASKED).map(move |at| at * 7_919 % many)
}

/// The time that each of some questions took.
async fn timed<T>(many: usize, mut ask: impl AsyncFnMut(usize) -> T) -> Vec<Duration> {
    let mut all = Vec::with_capacity(ASKED);
    for number in some(many) {
        let begun = Instant::now();
        ask(number).await;
        all.push(begun.elapsed());
    }
    all
}

/// Domains in the cluster.
pub(crate) fn objects(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(200, 30_000);
    let mut of = Of::size(thousands(many));
    let defined = Call::kubectl(["apply", "--server-side", "--force-conflicts", "-f", "-"]);
    defined
        .run_with(definition().object.to_string().as_bytes())
        .ends_with(0);
    let ns = Namespace::alone("bench-domains");
    let file = kubeconfig::write(ns.dir.path(), "admin", &kubeconfig::admin());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = ConnectOptions {
            kubeconfig: Some(file),
            ..ConnectOptions::default()
        };
        let connection = connect(&options).await.unwrap();
        let open = || ClusterStore::new(&connection, &ns.name, Some(&[ns.name.as_str().into()]));
        let store = open();
        store.due(0, 1).await.unwrap();
        let begun = Instant::now();
        let put = stream::iter(0..many).for_each_concurrent(TOGETHER, |number| {
            let store = &store;
            async move {
                store.put(&record(number, None), None).await.unwrap();
            }
        });
        put.await;
        of.told("registered", format!("{:.0}/s", rate(many, begun.elapsed())));
        drop(store);

        say("every replica is killed");
        let begun = Instant::now();
        let store = open();
        let due = store.due(NOW + 86_399, many).await.unwrap();
        of.told("start to all in memory", crate::figure::seconds(begun.elapsed()));
        of.exactly("due within a day", due.len(), many.div_ceil(A_DAY));
        let mut left = 0;
        let mut after: Option<Host> = None;
        loop {
            let page = store.page(&Filter::default(), after.as_ref(), 500).await.unwrap();
            left += page.len();
            match page.last() {
                Some(last) => after = Some(last.host.clone()),
                None => break,
            }
        }
        of.exactly("whole afterwards", left, many);
        let rare = Filter {
            state: Some(State::Released),
            ..Filter::default()
        };
        let tenant = Filter {
            tenant: "tenant-7".parse().ok(),
            ..Filter::default()
        };
        let most = Duration::from_millis(50);
        for (what, filter) in [
            ("a page of all, p99", Filter::default()),
            ("a page of a tenant, p99", tenant),
            ("a page of a state that none is in, p99", rare),
        ] {
            let times = timed(many, async |number| {
                let after = Some(host(number)).filter(|_| filter.state.is_none());
                store.page(&filter, after.as_ref(), PAGE).await.unwrap();
            });
            of.time(what, percentile(times.await, 99), most);
        }
        let times = timed(many, async |number| store.get(&host(number)).await.unwrap().unwrap());
        of.time("get, p99", percentile(times.await, 99), QUESTION);
        let changed = (many / 100).max(1);
        let begun = Instant::now();
        for number in 0..changed {
            let (mut record, version) = store.get(&host(number)).await.unwrap().unwrap();
            record.due += 1;
            store.put(&record, Some(&version)).await.unwrap();
        }
        of.told(
            "1 % changed, one after the other",
            crate::figure::seconds(begun.elapsed()),
        );
    });
    of.figures
}

/// Rows in a database.
pub(crate) fn rows(plan: &Plan) -> Vec<Figure> {
    let many = plan.size(2_000, 1_000_000);
    let mut of = Of::size(thousands(many));
    let postgres = Postgres::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = PostgresStore::open(&postgres.url().into(), Some(sealer()))
            .await
            .unwrap();
        // One is put as the program does it; the database makes the others of it.
        let material = Material {
            chain: "c".repeat(CHAIN),
            key: "k".repeat(KEY).into(),
        };
        store.put(&record(0, Some(Arc::new(material))), None).await.unwrap();
        say("the database makes the rows");
        let begun = Instant::now();
        tokio::task::block_in_place(|| postgres.psql(&fill(many)));
        tokio::task::block_in_place(|| postgres.psql("VACUUM ANALYZE kubectl_certs_domains"));
        of.told("made by the database in", crate::figure::seconds(begun.elapsed()));
        let size = postgres.psql("SELECT pg_total_relation_size('kubectl_certs_domains') / 1000000");
        of.told("size, with its indexes", format!("{} MB", size.trim()));

        let times = timed(many, async |number| store.get(&host(number)).await.unwrap().unwrap());
        of.time("get, p99", percentile(times.await, 99), QUESTION);
        let times = timed(many, async |_| store.due(NOW + 86_399, PAGE).await.unwrap());
        of.time("due, 100 of them, p99", percentile(times.await, 99), QUESTION);
        let until = i64::MAX;
        let times = timed(many, async |number| {
            store.claim(&host(number), "bench", until).await.unwrap()
        });
        of.time("claim, p99", percentile(times.await, 99), QUESTION);
        let times = timed(many, async |number| {
            let (mut record, version) = store.get(&host(number)).await.unwrap().unwrap();
            record.since += 1;
            store.put(&record, Some(&version)).await.unwrap()
        });
        of.told("get and put, p99", crate::figure::seconds(percentile(times.await, 99)));
        let times = timed(many, async |number| {
            store.page(&Filter::default(), Some(&host(number)), PAGE).await.unwrap()
        });
        of.time(
            "a page of all, p99",
            percentile(times.await, 99),
            Duration::from_millis(50),
        );

        let begun = Instant::now();
        let due = store.due(NOW + 86_399, many).await.unwrap();
        let read = stream::iter(&due)
            .map(|host| store.get(host))
            .buffer_unordered(TOGETHER);
        let planned = read
            .filter(|read| std::future::ready(matches!(read, Ok(Some(_)))))
            .count()
            .await;
        of.time("renewals of a day planned", begun.elapsed(), Duration::from_secs(5));
        of.exactly("renewals of a day", planned, many.div_ceil(A_DAY));
    });
    of.figures
}

fn rate(many: usize, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate is a rough number")]
    let many = many as f64;
    many / time.as_secs_f64()
}

fn sealer() -> Sealer {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    Sealer::read(&BASE64_STANDARD.encode([7; 32]).into()).unwrap()
}

/// Makes the rows from the first one on, as [`record`] has them. Chains and keys are of their length and not of their kind: the
/// database neither reads nor compresses real ones.
fn fill(many: usize) -> String {
    let text = |bytes: usize| {
        format!(
            "(SELECT string_agg(md5(it::text || i), '') FROM generate_series(1, {}) it)",
            bytes / 32
        )
    };
    format!(
        "INSERT INTO kubectl_certs_domains (host, tenant, record, due, serial, chain, key)
        SELECT made.host, made.tenant, jsonb_set(first.record || jsonb_build_object(
            'host', made.host, 'tenant', made.tenant, 'due', made.due), '{{pair,serial}}', to_jsonb(made.serial)),
            made.due, made.serial, made.chain, first.key
        FROM (SELECT 'shop-' || i || '.customer-' || (i % 5000) || '.example.com' AS host,
            'tenant-' || (i % 500) AS tenant, {NOW} + (i % {A_DAY}) * 86400::bigint + i % 86399 AS due,
            lpad(to_hex(i), 36, '0') AS serial, {} AS chain FROM generate_series(1, {}) i) made,
            kubectl_certs_domains first",
        text(CHAIN),
        many - 1
    )
}
