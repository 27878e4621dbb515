//! `export`: certificates with their keys, encrypted, as files that `ensure` and a pipeline read.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use futures_util::{StreamExt as _, stream};

use super::{
    Checks, Context, OpError, Source,
    named::one_secret,
    session::{Open, Session},
};
use crate::{
    apply::{
        Api, Folder, Permits, Slots, Target,
        age::Recipient,
        folder::Put,
        kept::Kept,
        secret::{Exported, NotExported},
    },
    clock::now,
    error::{Blame, Diagnose as _, chain},
    object::{Key, annotation::CLAIM},
    text::time::date,
};

/// How many Secrets are read at once.
const AT_ONCE: usize = 16;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The Secrets, as words; none is every Secret that an installation claims.
    pub secrets: Vec<String>,
    /// The namespaces; none is the context's.
    pub namespace: Vec<String>,
    /// Whether all namespaces are read.
    pub all_namespaces: bool,
    /// Where the controller keeps pairs: those whose Secret is gone are taken from there.
    pub controller_namespace: String,
    /// The directory. It has to exist.
    pub directory: PathBuf,
    /// For whom it is encrypted: one at least.
    pub recipients: Vec<Recipient>,
    /// Whether files are written anew that have their certificate already.
    pub again: bool,
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// The files that were written.
    pub written: Vec<PathBuf>,
    /// How many files had their certificate already.
    pub as_they_were: usize,
    /// What is to blame for what was not exported, which was told.
    pub trouble: Option<Blame>,
}

/// Writes the files. Nothing in the cluster is changed.
///
/// # Errors
///
/// There is no recipient, or nothing to export; or the cluster cannot be read. What is wrong with a single Secret is told.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    if request.recipients.is_empty() {
        return Err(OpError::usage("there is nobody to encrypt for")
            .hint("name a recipient with --age-recipient: `age-keygen` makes one"));
    }
    if !request.directory.is_dir() {
        return Err(
            OpError::usage(format!("{} is not a directory", request.directory.display())).hint("create it first"),
        );
    }
    let api = Api::new(context.cluster.connection().await?.clone(), Permits::none());
    let mut report = Report::default();
    let mut kept = kept(request, context, &api, &mut report).await;
    let secrets = secrets(request, context, &api, &kept, &mut report).await?;
    if secrets.is_empty() {
        return Err(
            OpError::usage("no Secret there is claimed by an installation of the controller")
                .hint("-A exports those of all namespaces; name a Secret to export one that nobody claims"),
        );
    }
    let waiting = front.wait_for_server(api.connection());
    let reads = secrets.into_iter().map(|key| {
        let api = api.clone();
        async move {
            let read = Target::read(&api, &key).await;
            (key, read)
        }
    });
    let read: Vec<_> = stream::iter(reads).buffered(AT_ONCE).collect().await;
    drop(waiting);
    let folder = Arc::new(Folder {
        directory: request.directory.clone(),
        recipients: request.recipients.clone(),
        identities: Vec::new(),
    });
    for (key, read) in read {
        let target = match read {
            Ok(target) => target,
            Err(error) => {
                front.failed(&OpError::because(&error).after(&format!("Secret {key} is not exported")));
                report.trouble = report.trouble.max(Some(error.blame()));
                continue;
            }
        };
        let exported = of_either(&target, kept.remove(&key));
        let exported = match exported {
            Ok(exported) => exported,
            Err(error) => {
                front.failed(&OpError::usage(format!("Secret {key} is not exported: {error}")));
                report.trouble = report.trouble.max(Some(Blame::Usage));
                continue;
            }
        };
        if exported.not_after <= now() {
            front.warn(&format!(
                "the certificate of Secret {key} has expired on {}, and is exported all the same",
                date(exported.not_after)
            ));
        }
        let (folder, again) = (Arc::clone(&folder), request.again);
        let put = tokio::task::spawn_blocking(move || folder.put(&exported, again)).await;
        match put {
            Ok(Ok(Put::Written(path))) => report.written.push(path),
            Ok(Ok(Put::AsItWas(_))) => report.as_they_were += 1,
            Ok(Err(error)) => {
                front.failed(&OpError::because(&error).after(&format!("Secret {key} is not exported")));
                report.trouble = report.trouble.max(Some(error.blame()));
            }
            Err(error) => return Err(OpError::new(Blame::Write, format!("writing was cut off: {error}"))),
        }
    }
    Ok(report)
}

/// The Secret as it is; where that has no whole pair, what is kept for it.
fn of_either(target: &Target, kept: Option<Kept>) -> Result<Exported, NotExported> {
    let slots = kept.as_ref().map_or_else(Slots::default, |kept| kept.slots.clone());
    let exported = Exported::of(target, &slots);
    match (exported, kept) {
        (Err(_), Some(kept)) => Exported::of_kept(target.key(), &kept.present, &kept.slots, &kept.claim, now()),
        (exported, _) => exported,
    }
}

/// What the controller keeps. Who may not read that exports what the Secrets hold.
async fn kept(request: &Request, context: &Context, api: &Api, report: &mut Report) -> BTreeMap<Key, Kept> {
    let front = &**context.front();
    match Kept::list(api, &request.controller_namespace, |of, kept| Some((of, kept))).await {
        Ok((found, 0)) => found.into_iter().collect(),
        Ok((found, unreadable)) => {
            front.warn(&format!("{unreadable} kept pairs cannot be read, and are left out"));
            report.trouble = report.trouble.max(Some(Blame::Cluster));
            found.into_iter().collect()
        }
        Err(error) => {
            front.note(&format!(
                "what the controller keeps in namespace {} is not read, so that only Secrets are exported that are there: {}",
                request.controller_namespace,
                chain(&error)
            ));
            BTreeMap::new()
        }
    }
}

/// The Secrets to export, sorted.
async fn secrets(
    request: &Request,
    context: &Context,
    api: &Api,
    kept: &BTreeMap<Key, Kept>,
    report: &mut Report,
) -> Result<BTreeSet<Key>, OpError> {
    let own = api.connection().namespace.clone();
    if !request.secrets.is_empty() {
        let given = match request.namespace.as_slice() {
            _ if request.all_namespaces => {
                return Err(OpError::usage(
                    "Secrets by name are of one namespace, and not of all (-A)",
                ));
            }
            [] => None,
            [one] => Some(one.as_str()),
            _ => {
                return Err(OpError::usage(
                    "Secrets by name are of one namespace, and several are given",
                ));
            }
        };
        let instead = "name a Secret; `kubectl certs status` lists them";
        let keys = request.secrets.iter().map(|word| {
            let (namespace, name) = one_secret(word, given, instead)?;
            Ok(Key::new(namespace.as_deref().unwrap_or(&own), name))
        });
        return keys.collect();
    }
    let source = Source {
        namespace: request.namespace.clone(),
        all_namespaces: request.all_namespaces,
        ..Source::default()
    };
    let open = Open {
        quiet: true,
        ..Open::default()
    };
    let session = Session::open(&context.cluster, &source, &Checks::default(), &[], open).await?;
    report.trouble = report.trouble.max(session.trouble);
    let claimed = session.inventory.secrets().iter();
    let claimed = claimed.filter(|stored| stored.meta.annotation(CLAIM).is_some());
    let mut all: BTreeSet<Key> = claimed.map(|stored| stored.meta.key()).collect();
    let is_chosen = |key: &&Key| {
        let mut namespaces = request.namespace.iter().map(String::as_str);
        request.all_namespaces
            || namespaces.any(|name| key.namespace == name)
            || (request.namespace.is_empty() && key.namespace == own.as_str())
    };
    // Those whose Secret somebody has deleted.
    all.extend(kept.keys().filter(is_chosen).cloned());
    Ok(all)
}
