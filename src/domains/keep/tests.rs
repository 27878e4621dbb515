//! The leader's part over a store in memory, with an application that is a real server and a name server that does not answer.

use std::{net::SocketAddr, sync::Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{serving::is_in_service, *};
use crate::{
    domain::{
        Asked, Marks,
        testing::{led_here, pair, shop},
    },
    domains::{instructed::Instructed, store::memory::MemoryStore},
    net::{Lookup, dns::Resolver},
    text::time::DAY,
};

/// An application that answers everything alike.
async fn application(status: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = [0; 2048];
                let _ = tcp.read(&mut head).await;
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = tcp.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

/// A host whose certificate is two thirds through its life. Of one that turned, the application has said so for a week.
fn host(number: usize, has_turned: bool) -> Record {
    let now = now();
    let host: Host = format!("h{number}.example.com").parse().expect("a host");
    let (said, marks) = if has_turned {
        let first = now - 8 * DAY;
        (Said::No, Some(Marks { first, answers: 4 }))
    } else {
        (Said::Yes, None)
    };
    Record {
        asked: Some(Asked {
            at: now - 2 * DAY,
            said,
            renewal: true,
        }),
        marks,
        dns: Some(Looked { at: now, ..led_here() }),
        pair: Some(pair(now - 60 * DAY, 90 * DAY)),
        due: if has_turned { now } else { now + DAY },
        ..Record::new(host, shop(), now - 100 * DAY)
    }
}

/// What it works with, and what is told.
async fn parts(store: &Arc<MemoryStore>, status: &'static str) -> (Parts, Arc<Mutex<Vec<News>>>) {
    let address = application(status).await;
    let url = format!("http://{address}/allowed?domain={{host}}");
    let asker = Asker::new(url.parse().expect("a URL"), Duration::from_secs(2), None).expect("a client");
    // Nobody answers there.
    let silent = Resolver::of(vec!["127.0.0.1:9".parse().expect("an address")]);
    let looker = Looker::new(Lookup::Servers(silent), [], Instructed::default());
    let told: Arc<Mutex<Vec<News>>> = Arc::default();
    let tells = Arc::clone(&told);
    let parts = Parts {
        orders_as: None,
        store: Arc::clone(store) as Arc<dyn Store>,
        asker,
        looker: Arc::new(looker),
        platform: Platform::default(),
        chunks: None,
        may: Arc::new(|| true),
        tell: Arc::new(move |news| tells.lock().expect("a lock").push(news)),
    };
    (parts, told)
}

async fn all(store: &MemoryStore) -> Vec<Record> {
    store
        .page(&crate::domains::store::Filter::default(), None, 10_000)
        .await
        .expect("records")
}

/// Waits until this is so of all records.
async fn until(store: &MemoryStore, is_so: impl Fn(&[Record]) -> bool) -> Vec<Record> {
    let begin = Instant::now();
    loop {
        let records = all(store).await;
        if is_so(&records) {
            return records;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{records:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn filled(hosts: usize, turned: usize) -> Arc<MemoryStore> {
    let store = Arc::new(MemoryStore::default());
    for number in 0..hosts {
        store.put(&host(number, number < turned), None).await.expect("a record");
    }
    store
}

#[tokio::test]
async fn an_application_that_disowns_many_hosts_at_their_renewals_has_none_released_and_is_told_of_once() {
    let store = filled(400, 60).await;
    let (parts, told) = parts(&store, "404 Not Found").await;
    let (tells, heard) = mpsc::unbounded_channel();
    let task = tokio::spawn(run(parts, heard));
    let is_answered = |record: &Record| record.marks.is_none_or(|marks| marks.answers == 5);
    let records = until(&store, |all| all.iter().all(is_answered)).await;
    assert!(
        records
            .iter()
            .all(|record| record.released.is_none() && record.pair.is_some())
    );
    assert!(
        records.iter().all(crate::domain::is_permitted),
        "they go on being renewed"
    );
    drop(tells);
    task.await.expect("it ends with the channel");
    let told = told.lock().expect("a lock");
    let frozen: Vec<&News> = told.iter().filter(|news| matches!(news, News::Frozen(_))).collect();
    assert_eq!(frozen.len(), 1, "{frozen:?}");
    let News::Frozen(why) = frozen[0] else {
        panic!("{frozen:?}")
    };
    // It is told at the host with which they become too many, and not once all have been asked about.
    assert!(why.contains("5 of 400"), "{why}");
}

#[tokio::test]
async fn a_few_hosts_that_the_application_has_disowned_for_a_week_leave() {
    let store = filled(400, 3).await;
    let (parts, told) = parts(&store, "404 Not Found").await;
    let (_tells, heard) = mpsc::unbounded_channel();
    tokio::spawn(run(parts, heard));
    let is_left = |record: &&Record| record.released.is_some();
    let records = until(&store, |all| all.iter().filter(is_left).count() == 3).await;
    assert!(
        records.iter().all(|record| record.pair.is_some()),
        "what is served is served on"
    );
    let told = told.lock().expect("a lock");
    assert_eq!(told.iter().filter(|news| matches!(news, News::Released(_))).count(), 3);
    assert!(!told.iter().any(|news| matches!(news, News::Frozen(_))));
}

#[tokio::test]
async fn a_name_that_nobody_may_have_is_refused_without_a_question() {
    let store = Arc::new(MemoryStore::default());
    let (parts, told) = parts(&store, "200 OK").await;
    let inside: Host = "app.shop.svc.cluster.local".parse().expect("the form of a host");
    store
        .put(&Record::new(inside, shop(), now()), None)
        .await
        .expect("a record");
    let (_tells, heard) = mpsc::unbounded_channel();
    tokio::spawn(run(parts, heard));
    let records = until(&store, |all| all.iter().all(|record| record.order.is_some())).await;
    let Some(OrderState::Blocked { reason }) = &records[0].order else {
        panic!("{records:?}")
    };
    assert!(reason.contains("private network"), "{reason}");
    assert!(records[0].asked.is_none() && !crate::domain::is_permitted(&records[0]));
    assert!(told.lock().expect("a lock").is_empty(), "nobody was asked");
}

#[tokio::test]
async fn what_the_loop_tells_is_in_the_record_at_once_and_an_order_that_is_short_is_not() {
    let store = filled(1, 0).await;
    let (parts, _told) = parts(&store, "200 OK").await;
    let (tells, heard) = mpsc::unbounded_channel();
    tokio::spawn(run(parts, heard));
    let host: Host = "h0.example.com".parse().expect("a host");
    let renewed = crate::domain::Pair {
        serial: "ff".into(),
        ..pair(now(), 90 * DAY)
    };
    let _ = tells.send(Heard {
        host: host.clone(),
        what: Stands::Secret {
            pair: Some(renewed.clone()),
            order: None,
        },
    });
    let serial = |all: &[Record]| all[0].pair.as_ref().is_some_and(|pair| pair.serial == "ff");
    until(&store, serial).await;
    let failed = OrderState::Failed {
        at: now(),
        reason: "refused".to_owned(),
        next: String::new(),
        until: now() + 60,
    };
    let _ = tells.send(Heard {
        host,
        what: Stands::Secret {
            pair: Some(renewed),
            order: Some(failed.clone()),
        },
    });
    let records = until(&store, |all| all[0].order.is_some()).await;
    assert_eq!(records[0].order.as_ref(), Some(&failed));
    let quick = stands::Told::new();
    assert!(quick.is_ripe());
    let mut quick = quick;
    quick.hear(Stands::Secret {
        pair: None,
        order: Some(OrderState::Validating { since: 0 }),
    });
    assert!(!quick.is_ripe(), "it is likely to be over soon");
}

#[test]
fn who_has_left_is_served_until_the_certificate_ends_and_who_stays_beyond_that() {
    let now = now();
    let of = |released: bool, traffic: bool, not_after: Seconds| Record {
        released: released.then_some(now - 5),
        dns: Some(Looked { traffic, ..led_here() }),
        pair: Some(pair(now - DAY, not_after - now + DAY)),
        ..Record::new("a.example.com".parse().unwrap(), shop(), now - DAY)
    };
    for (released, traffic, not_after, served) in [
        (true, true, now + 1, true),
        (true, true, now, false),
        (false, true, now - 1, true),
        (false, false, now + 1, true),
        (false, false, now - 1, false),
    ] {
        let record = of(released, traffic, not_after);
        assert_eq!(
            is_in_service(&record, now),
            served,
            "{released} {traffic} {}",
            not_after - now
        );
    }
}

#[tokio::test]
async fn where_nobody_else_orders_it_is_told_whose_certificate_is_wanted_and_who_has_had_enough_is_not() {
    let store = Arc::new(MemoryStore::default());
    let of = |number: usize, issuances: Vec<Seconds>, pair: Option<crate::domain::Pair>| Record {
        asked: Some(Asked {
            at: now() - 60,
            said: Said::Yes,
            renewal: pair.is_some(),
        }),
        pair,
        issuances,
        due: now(),
        marks: None,
        ..host(number, false)
    };
    let kept = |from: Seconds| crate::domain::Pair {
        material: Some(Arc::new(crate::domain::Material {
            chain: String::new(),
            key: "key".into(),
        })),
        ..pair(from, 90 * DAY)
    };
    let all_of_them = [
        of(0, Vec::new(), None),
        of(1, Vec::new(), Some(kept(now() - 70 * DAY))),
        of(2, Vec::new(), Some(kept(now() - 10 * DAY))),
        of(3, vec![now() - 60, now() - 30], None),
    ];
    for record in &all_of_them {
        store.put(record, None).await.expect("a record");
    }
    let claimed: Host = "h1.example.com".parse().expect("a host");
    assert!(store.claim(&claimed, "another", now() + 600).await.expect("an answer"));
    let (parts, told) = parts(&store, "200 OK").await;
    let parts = Parts {
        orders_as: Some("prod-1".to_owned()),
        ..parts
    };
    let (_tells, heard) = mpsc::unbounded_channel();
    tokio::spawn(run(parts, heard));
    let records = until(&store, |all| all.iter().all(|record| record.due > now())).await;
    let begin = Instant::now();
    let is_told = |is: &dyn Fn(&News) -> bool| told.lock().expect("a lock").iter().any(is);
    let wanted =
        |name: &'static str| move |news: &News| matches!(news, News::Wanted(record) if record.host.as_str() == name);
    let settled = |name: &'static str| move |news: &News| matches!(news, News::Settled(host) if host.as_str() == name);
    while !(is_told(&wanted("h0.example.com"))
        && is_told(&settled("h2.example.com"))
        && is_told(&settled("h3.example.com")))
    {
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "{:?}",
            told.lock().expect("a lock")
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for name in ["h1.example.com", "h2.example.com", "h3.example.com"] {
        assert!(!is_told(&wanted(name)), "{name}");
    }
    assert!(records[0].due <= now() + 300, "whoever orders it may die");
    let Some(OrderState::Limited { until, .. }) = &records[3].order else {
        panic!("{records:?}")
    };
    assert!(*until > now() + DAY - 120 && records[3].due <= *until);
}
