//! `proof`: that certificates were renewed in time, from what the controller has kept of each, from what the Secrets hold now, and
//! from its lines.

use std::{collections::BTreeSet, io::Read as _, path::PathBuf};

use super::{
    Checks, Context, OpError, Source,
    session::{Open, Session},
    unread,
};
use crate::{
    apply::{Api, Permits, kept::Kept},
    error::Blame,
    file::{self, PATIENCE},
    inventory::Inventory,
    object::{Key, Seconds},
    plan::{
        audit::{Audit, Reader},
        proof::{Holds, Known, Proof, prove},
    },
    x509::Fingerprint,
};

/// Of more namespaces than this, all are read: one list is cheaper than many.
const SINGLE: usize = 5;
/// The largest file of lines, in bytes: some four million lines.
const LARGEST: u64 = 1 << 30;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The controller's namespace.
    pub namespace: String,
    /// From when on, in seconds since 1970.
    pub since: Seconds,
    /// Until when: now.
    pub now: Seconds,
    /// Files with lines of the controller, in the order in which they were written; `-` is standard input.
    pub audit: Vec<PathBuf>,
    /// Whether only these are read, and no cluster.
    pub audit_only: bool,
}

/// What is proved.
#[derive(Debug)]
pub struct Report {
    /// The installations that keep the pairs, sorted; none if no cluster was read.
    pub installs: Vec<String>,
    /// What is proved; `None` if no cluster was read.
    pub proof: Option<Proof>,
    /// How many kept pairs could not be read.
    pub unreadable: usize,
    /// What the lines say; `None` if none were read.
    pub audit: Option<Audit>,
    /// What is to blame for what could not be read, which was told.
    pub trouble: Option<Blame>,
}

/// A kept pair, without its keys.
struct OfKept {
    claim: String,
    present: Fingerprint,
    known: Known,
}

/// Reads what is kept and what is there, and judges it.
///
/// # Errors
///
/// A file cannot be read; nothing is kept in the namespace; or the cluster cannot be read.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let audit = read(&request.audit)?;
    if request.audit_only {
        return Ok(Report {
            installs: Vec::new(),
            proof: None,
            unreadable: 0,
            audit,
            trouble: None,
        });
    }
    let front = &**context.front();
    let api = Api::new(context.cluster.connection().await?.clone(), Permits::none());
    let waiting = front.wait_for_server(api.connection());
    let kept = Kept::list(&api, &request.namespace, |of, kept| Some(of_kept(of, kept))).await;
    drop(waiting);
    let (kept, unreadable) = kept.map_err(|error| OpError::because(&error))?;
    if kept.is_empty() {
        return Err(
            OpError::usage(format!("no certificate is kept in namespace {}", request.namespace))
                .hint("-n names the controller's namespace; --audit-only verifies lines without a cluster"),
        );
    }
    let session = picture(&kept, context).await?;
    let is_whole = session.trouble.is_none() && unread::lines(&session.inventory).is_empty();
    let mut installs: BTreeSet<String> = BTreeSet::new();
    let known = kept.into_iter().map(|of| {
        installs.insert(of.claim);
        let holds = holds(&session.inventory, &of.known, of.present, is_whole);
        Known { holds, ..of.known }
    });
    let known: Vec<Known> = known.collect();
    Ok(Report {
        proof: Some(prove(known, audit.as_ref(), request.since, request.now)),
        installs: installs.into_iter().collect(),
        unreadable,
        audit,
        trouble: session.trouble,
    })
}

/// What is told of a kept pair.
fn of_kept(of: Key, kept: Kept) -> OfKept {
    let names = kept.issuances.last().map(|last| last.names.clone());
    OfKept {
        claim: kept.claim,
        present: kept.present.sha256,
        known: Known {
            secret: of,
            names: names.unwrap_or_default(),
            history: kept.history,
            holds: Holds::Unread,
        },
    }
}

/// Reads the namespaces of the kept pairs.
async fn picture(kept: &[OfKept], context: &Context) -> Result<Session, OpError> {
    let namespaces: BTreeSet<&str> = kept.iter().map(|of| of.known.secret.namespace.as_str()).collect();
    let source = if namespaces.len() > SINGLE {
        Source {
            all_namespaces: true,
            ..Source::default()
        }
    } else {
        Source {
            namespace: namespaces.into_iter().map(str::to_owned).collect(),
            ..Source::default()
        }
    };
    let open = Open {
        quiet: true,
        ..Open::default()
    };
    Session::open(&context.cluster, &source, &Checks::default(), &[], open).await
}

/// What the Secret of a kept pair holds now.
fn holds(inventory: &Inventory, known: &Known, present: Fingerprint, is_whole: bool) -> Holds {
    let secret = &known.secret;
    match inventory.secrets().get(secret).and_then(|stored| stored.leaf()) {
        Some(leaf) if leaf.sha256 != present => Holds::Another { until: leaf.not_after },
        Some(_) => {
            // A wildcard is declared for its namespace: no route has to use it.
            let is_wildcard = known.names.iter().any(|name| name.starts_with("*."));
            if is_wildcard || !inventory.bindings_of_secret(secret).is_empty() {
                Holds::Kept
            } else {
                Holds::Unused
            }
        }
        None if is_whole => Holds::Nothing,
        None => Holds::Unread,
    }
}

/// Reads the lines; `None` without a file.
fn read(files: &[PathBuf]) -> Result<Option<Audit>, OpError> {
    if files.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader::default();
    for path in files {
        let name = path.display().to_string();
        let failed = |error: &dyn std::fmt::Display| OpError::usage(format!("cannot read {name}: {error}"));
        if name == "-" {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().take(LARGEST).read_to_end(&mut bytes);
            read.map_err(|error| failed(&error))?;
            reader.file("standard input", &String::from_utf8_lossy(&bytes));
        } else {
            let bytes = file::read(path, LARGEST, PATIENCE).map_err(|error| failed(&error))?;
            reader.file(&name, &String::from_utf8_lossy(&bytes));
        }
    }
    Ok(Some(reader.end()))
}
