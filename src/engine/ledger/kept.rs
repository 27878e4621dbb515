//! A ledger as it is kept: a line of JSON with the buckets. Lines of earlier versions, one for each event, are counted
//! when they are read, and are gone with the next write.

use std::path::Path;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::LedgerStore;
use crate::{
    apply::{Api, ApiError, mark::RunId},
    file::{Lasting, create_private_directory, replace},
    k8s::{Believed, Edit},
    name::Name,
    object::{Key, Seconds, resource::SECRET},
    plan::limits::{Buckets, Limits, OrderKind, Seen},
    settings::store::{StoreError, lock},
};

/// A file with more bytes than this has been tampered with.
const LARGEST: u64 = 16 << 20;
/// How many buckets of each kind are kept: a Secret may have 1 MiB, and is written often.
const MOST: usize = 500;

/// Something that counts towards limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Event {
    /// An order was made that counts towards every limit.
    Ordered { at: Seconds },
    /// A certificate was issued.
    Issued {
        names: Vec<Name>,
        kind: OrderKind,
        at: Seconds,
    },
    /// The validation of a name failed.
    Failed { name: Name, at: Seconds },
}

impl Event {
    pub(super) fn count(&self, buckets: &mut Buckets, limits: &Limits) {
        match self {
            Self::Ordered { at } => buckets.ordered(limits, OrderKind::New, *at),
            Self::Issued { names, kind, at } => buckets.issued(limits, names, *kind, *at),
            Self::Failed { name, at } => buckets.failed(limits, name, *at),
        }
    }
}

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Buckets {
        version: u32,
        /// Which write this is. Runs that count the same at the same moment have the same buckets.
        #[serde(default)]
        write: String,
        buckets: Buckets,
    },
    Earlier(EarlierLine),
}

/// A line of earlier versions.
#[derive(Serialize, Deserialize)]
struct EarlierLine {
    at: Seconds,
    what: Word,
    names: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Ordered,
    Issued,
    Failed,
}

const VERSION: u32 = 2;

/// Reads a ledger; `None` if there is none, or if it cannot be read.
pub(super) async fn read(place: &LedgerStore, name: &str, limits: &Limits, now: Seconds) -> Option<Buckets> {
    let text = match place {
        LedgerStore::Directory(directory) => of_file(&directory.join(name)),
        LedgerStore::Secret(api, key) => decoded(&api.get(SECRET, key).await.ok()??, name),
        LedgerStore::Nowhere => None,
    };
    Some(parse(&text?, limits, now))
}

/// Adds events to the ledger that is kept, and returns it.
pub(super) async fn add(
    place: &LedgerStore,
    name: &str,
    limits: &Limits,
    events: &[Event],
) -> Result<Buckets, StoreError> {
    let added = |text: Option<&str>| {
        let now = crate::clock::now();
        let mut buckets = text.map_or_else(Buckets::default, |text| parse(text, limits, now));
        for event in events {
            event.count(&mut buckets, limits);
        }
        buckets.drop_full(limits, now);
        buckets.keep_at_most(MOST);
        buckets
    };
    match place {
        LedgerStore::Nowhere => Ok(added(None)),
        LedgerStore::Directory(directory) => into_file(directory, name, added).await,
        LedgerStore::Secret(api, key) => into_secret(api, key, name, added).await,
    }
}

async fn into_file(
    directory: &Path,
    name: &str,
    added: impl Fn(Option<&str>) -> Buckets,
) -> Result<Buckets, StoreError> {
    let path = directory.join(name);
    let failed = |reason: std::io::Error| StoreError::Io {
        what: "write",
        path: path.display().to_string(),
        reason,
    };
    create_private_directory(directory).map_err(failed)?;
    let _lock = lock(&path).await?;
    let buckets = added(of_file(&path).as_deref());
    replace(&path, text(&buckets, &RunId::random()).as_bytes(), Lasting::No).map_err(failed)?;
    Ok(buckets)
}

async fn into_secret(
    api: &Api,
    key: &Key,
    name: &str,
    added: impl Fn(Option<&str>) -> Buckets,
) -> Result<Buckets, StoreError> {
    let mut written: Option<(String, Buckets)> = None;
    let add = |secret: Option<&Value>| {
        let there = secret.and_then(|secret| decoded(secret, name));
        // A write whose answer was lost may have been done: no other write has its id.
        if written.is_some() && there.as_ref() == written.as_ref().map(|(text, _)| text) {
            return Ok::<_, ApiError>(Edit::Nothing);
        }
        let buckets = added(there.as_deref());
        let text = text(&buckets, &RunId::random());
        let encoded = BASE64_STANDARD.encode(&text);
        written = Some((text, buckets));
        // Without the account's Secret there is no account that could have ordered anything.
        let Some(secret) = secret else {
            return Ok(Edit::Nothing);
        };
        let mut secret = secret.clone();
        secret["data"][name] = encoded.into();
        Ok(Edit::Whole(secret))
    };
    api.update(SECRET, key, Believed::Unknown, add).await?;
    Ok(written.map(|(_, buckets)| buckets).unwrap_or_default())
}

fn of_file(path: &Path) -> Option<String> {
    String::from_utf8(crate::cache::read(path, "the counted orders", LARGEST)?).ok()
}

fn decoded(secret: &Value, name: &str) -> Option<String> {
    let bytes = BASE64_STANDARD.decode(secret["data"][name].as_str()?).ok()?;
    String::from_utf8(bytes).ok()
}

fn text(buckets: &Buckets, write: &RunId) -> String {
    let line = Line::Buckets {
        version: VERSION,
        write: write.to_string(),
        buckets: buckets.clone(),
    };
    let mut text = serde_json::to_string(&line).unwrap_or_default();
    text.push('\n');
    text
}

/// Reads the lines of a ledger. What cannot be read is left out.
fn parse(text: &str, limits: &Limits, now: Seconds) -> Buckets {
    let mut buckets = Buckets::default();
    let mut earlier: Vec<EarlierLine> = Vec::new();
    for line in text.lines() {
        match serde_json::from_str(line) {
            Ok(Line::Buckets { buckets: kept, .. }) => buckets.join(&kept),
            Ok(Line::Earlier(line)) => earlier.push(line),
            Err(_) => {}
        }
    }
    earlier.sort_by_key(|line| line.at);
    // Earlier versions did not note which orders were exempt: those for names of which there was a certificate.
    let mut seen = Seen::default();
    for line in earlier.into_iter().filter(|line| line.at <= now) {
        let names: Vec<Name> = line.names.iter().filter_map(|name| name.parse().ok()).collect();
        let kind = OrderKind::of(limits, seen.knows(&names), false);
        match line.what {
            Word::Ordered => buckets.ordered(limits, kind, line.at),
            Word::Issued => {
                buckets.issued(limits, &names, kind, line.at);
                seen.issued(limits, &names, kind, line.at);
            }
            Word::Failed => names.iter().for_each(|name| buckets.failed(limits, name, line.at)),
        }
    }
    buckets.drop_full(limits, now);
    buckets
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;
    use crate::{
        k8s::fake::{Fake, json as answer, refusal},
        plan::permits::{Permit, Permits, Verb},
    };

    const NOW: Seconds = 1_800_000_000;

    fn text(buckets: &Buckets) -> String {
        super::text(buckets, &RunId::random())
    }

    #[test]
    fn lines_of_earlier_versions_are_counted_beside_what_is_kept() {
        let lines = [
            format!(
                r#"{{"at":{},"what":"issued","names":["a.example.com"],"sha256":"ab12"}}"#,
                NOW - 9_000_000
            ),
            format!(r#"{{"at":{},"what":"ordered","names":["a.example.com"]}}"#, NOW - 30),
            format!(
                r#"{{"at":{},"what":"issued","names":["a.example.com"],"sha256":"ab13"}}"#,
                NOW - 20
            ),
            format!(r#"{{"at":{},"what":"ordered","names":["b.example.com"]}}"#, NOW - 10),
            format!(
                r#"{{"at":{},"what":"issued","names":["b.example.com"],"sha256":"ab14"}}"#,
                NOW - 5
            ),
            format!(r#"{{"at":{},"what":"failed","names":["c.example.com"]}}"#, NOW - 5),
            "no line".to_owned(),
            String::new(),
        ];
        let limits = Limits::PRODUCTION;
        let buckets = parse(&lines.join("\n"), &limits, NOW);
        let left = |bucket: crate::plan::limits::Bucket, limit: Option<crate::plan::limits::Limit>| {
            bucket.left(&limit.unwrap(), NOW)
        };
        assert_eq!(left(buckets.orders, limits.orders), 299, "the renewal was exempt");
        assert_eq!(left(buckets.domain("example.com"), limits.domain), 49);
        assert_eq!(left(buckets.set("a.example.com"), limits.same_names), 4);
        assert_eq!(left(buckets.failures_of("c.example.com"), limits.failures), 4);
        // An earlier version that runs beside this one appends its lines.
        let both = text(&buckets) + &lines[3];
        let again = parse(&both, &limits, NOW);
        assert_eq!(left(again.orders, limits.orders), 298);
        assert_eq!(parse(&text(&buckets), &limits, NOW), buckets);
    }

    #[tokio::test]
    async fn what_another_run_counted_alike_at_the_same_moment_is_not_taken_for_this_runs_write() {
        let kept = Arc::new(Mutex::new(
            json!({"metadata": {"namespace": "acme", "name": "acme", "uid": "u", "resourceVersion": "1"},
            "data": {}}),
        ));
        let event = || Event::Ordered {
            at: crate::clock::now(),
        };
        let store = Arc::clone(&kept);
        // Another run writes the same between this run's read and its first write.
        let fake = Fake::start(move |asked, before| {
            let (method, body) = (asked.split_whitespace().next().unwrap_or_default(), &store);
            let mut kept = body.lock().unwrap();
            match (method, before) {
                ("PUT", 0) => {
                    let mut buckets = Buckets::default();
                    event().count(&mut buckets, &Limits::PRODUCTION);
                    kept["data"]["a.ledger"] = BASE64_STANDARD.encode(text(&buckets)).into();
                    kept["metadata"]["resourceVersion"] = "2".into();
                    refusal(409, "Conflict", "")
                }
                _ => answer(&kept.to_string()),
            }
        })
        .await;
        let permit = Permit::one(&[Verb::Get, Verb::Update], SECRET, "acme", "acme");
        let api = Api::new(fake.connection().await, Permits::none().with(permit));
        let place = LedgerStore::Secret(Box::new(api), Key::new("acme", "acme"));
        add(
            &place,
            "a.ledger",
            &Limits::PRODUCTION,
            &[Event::Ordered {
                at: crate::clock::now(),
            }],
        )
        .await
        .unwrap();
        let sent = fake.sent();
        let last = decoded(sent.last().unwrap(), "a.ledger").unwrap();
        let buckets = parse(&last, &Limits::PRODUCTION, crate::clock::now());
        let left = buckets
            .orders
            .left(&Limits::PRODUCTION.orders.unwrap(), crate::clock::now());
        assert_eq!((sent.len(), left), (2, 298), "both are counted");
    }

    #[test]
    fn what_is_full_again_is_left_out() {
        let limits = Limits::PRODUCTION;
        let mut buckets = Buckets::default();
        let names: Vec<Name> = vec!["a.example.com".parse().unwrap()];
        Event::Ordered { at: NOW }.count(&mut buckets, &limits);
        let kind = OrderKind::New;
        Event::Issued {
            names: names.clone(),
            kind,
            at: NOW,
        }
        .count(&mut buckets, &limits);
        Event::Failed {
            name: names[0].clone(),
            at: NOW,
        }
        .count(&mut buckets, &limits);
        let kept = text(&buckets);
        assert!(kept.contains("a.example.com") && kept.contains("failures"), "{kept}");
        let later = parse(&kept, &limits, NOW + 3 * 86_400);
        assert_eq!(later, Buckets::default());
        assert!(text(&later).ends_with(",\"buckets\":{\"orders\":0}}\n"));
    }

    #[test]
    fn a_run_of_many_certificates_leaves_a_ledger_of_bounded_size() {
        let limits = Limits::PRODUCTION;
        let mut buckets = Buckets::default();
        let often: Vec<Name> = vec!["often.example.com".parse().unwrap()];
        buckets.issued(&limits, &often, OrderKind::SameNames, NOW);
        for n in 0..20_000 {
            let names: Vec<Name> = vec![format!("h{n}.example{n}.com").parse().unwrap()];
            buckets.issued(&limits, &names, OrderKind::New, NOW + n);
        }
        buckets.issued(&limits, &often, OrderKind::SameNames, NOW);
        buckets.keep_at_most(MOST);
        assert!(text(&buckets).len() < 64 << 10, "{}", text(&buckets).len());
        let left = buckets.set("often.example.com").left(&limits.same_names.unwrap(), NOW);
        assert_eq!(left, 3, "what is nearest to its limit stays");
    }
}
