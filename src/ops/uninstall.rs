//! `uninstall`: what an installation made is removed. Certificates stay, and so does the account.

use serde_json::Value;

use super::{
    Context, Front, OpError, Source, install_id,
    session::{Open, Session},
};
use crate::{
    apply::{
        Api, ApiError, Permit, Permits, Purpose, Verb,
        mark::{self, MANAGED_BY, MANAGER},
        rights,
    },
    error::{Blame, chain},
    install::{ACCOUNT, CONTROLLER, ENSURE, FOLLOWS, KINDS, LEASE, Scope, cronjob, selector, shown},
    k8s::Own as _,
    object::{
        Key, annotation,
        resource::{
            CONFIGMAP, DEPLOYMENT, ENDPOINTSLICE, INGRESS, LISTENERSET, NAMESPACE, ROLE, ROLEBINDING, Resource, SECRET,
            SERVICE,
        },
    },
    plan::Plan,
    text::{Clear, counted, date, first_few, quote},
};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The installation's namespace.
    pub namespace: String,
    /// The Secret whose `CronJob` is removed, instead of the controller.
    pub secret: Option<String>,
    /// Whether the account's Secret is removed too.
    pub account: bool,
    /// Whether it is only shown.
    pub is_dry: bool,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// How many objects were removed.
    pub removed: usize,
    /// What is to blame for what could not be removed, which was told.
    pub trouble: Option<Blame>,
}

/// An object that is there.
struct Found {
    resource: Resource,
    key: Key,
    uid: String,
}

impl Found {
    fn of(resource: Resource, object: &Value) -> Self {
        Self {
            resource,
            key: object.key(),
            uid: object["metadata"]["uid"].as_str().unwrap_or_default().to_owned(),
        }
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        shown(f, self.resource, &self.key)
    }
}

/// Lists what an installation made, and removes it after it was confirmed. Then tells what is left, and who renews it.
///
/// # Errors
///
/// The cluster cannot be read, a right is missing, or it is not wanted.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    super::install::named(&request.namespace, "namespace")?;
    let connection = context.cluster.connection().await?.clone();
    let api = Api::new(connection.clone(), Permits::none());
    let waiting = front.wait_for_server(&connection);
    let (all, follows) = found(&api, request, front).await?;
    drop(waiting);
    if all.is_empty() {
        front.note(&format!("nothing is installed in namespace {}", request.namespace));
        return Ok(Report::default());
    }
    let would = if request.is_dry { "would " } else { "" };
    let lines: String = all
        .iter()
        .map(|one| Clear(&format!("{would}remove {one}")).to_string() + "\n")
        .collect();
    front.print(&lines)?;
    if request.is_dry {
        return Ok(Report::default());
    }
    let permits: Permits = all.iter().map(permit).collect();
    may_be_removed(&api, &permits, front).await?;
    let mut question = format!("Remove these {}?", all.len());
    if request.account {
        question = format!("Remove these {}, among them the key of the account?", all.len());
    }
    front
        .confirm(Plan {
            place: context.place(),
            question: Some(question),
            ..Plan::default()
        })
        .await?;
    let install = id_of(&api, &request.namespace).await;
    let mut report = remove(&api.with_permits(permits), &all, front).await;
    if request.secret.is_none() {
        // It had its rights until just now.
        let again = remove_later(&api, &request.namespace, &all, front).await;
        report.removed += again.removed;
        report.trouble = report.trouble.or(again.trouble);
    }
    front.note(&format!("removed {}", counted(report.removed, "object")));
    if request.secret.is_none() {
        left(request, context, install.as_deref(), follows, front).await;
    }
    Ok(report)
}

fn permit(found: &Found) -> Permit {
    Permit::one(
        &[Verb::Delete],
        found.resource,
        found.key.namespace.clone(),
        found.key.name.clone(),
    )
}

/// What is there of an installation, in the order in which it is removed, and what it follows.
async fn found(api: &Api, request: &Request, front: &dyn Front) -> Result<(Vec<Found>, Scope), OpError> {
    let namespace = request.namespace.as_str();
    let labels = match &request.secret {
        Some(secret) => selector(&cronjob::name(&Key::new(namespace, secret.as_str())), ENSURE),
        None => selector(namespace, CONTROLLER),
    };
    let failed = |error: ApiError| OpError::because(&error);
    let deployments = api
        .list(DEPLOYMENT, Some(namespace), Some(&labels))
        .await
        .map_err(failed)?;
    let follows = deployments
        .first()
        .and_then(|one| one["metadata"]["annotations"][FOLLOWS].as_str());
    let follows = follows.map_or(Scope::Cluster, Scope::read);
    let mut all = Vec::new();
    // Who follows its own namespace alone has nothing cluster-wide, and need not be able to look for it.
    let is_one = follows == Scope::Namespaces(vec![namespace.to_owned()]);
    let is_wide = request.secret.is_none() && !is_one;
    let looked_for = |resource: &Resource| *resource != NAMESPACE && (resource.namespaced || is_wide);
    for resource in KINDS.into_iter().filter(looked_for) {
        let is_elsewhere = matches!(resource, ROLE | ROLEBINDING);
        let at = (resource.namespaced && !is_elsewhere).then_some(namespace);
        let listed = match api.list(resource, at, Some(&labels)).await {
            // Whoever has a namespace alone sees what is in it.
            Err(ApiError::Forbidden { .. }) if is_elsewhere => {
                in_each(api, resource, namespace, &follows, &labels).await
            }
            other => other,
        };
        match listed {
            Ok(objects) => all.extend(objects.iter().map(|object| Found::of(resource, object))),
            // A cluster without the Prometheus operator has no ServiceMonitors.
            Err(error) if error.is_absent() => {}
            Err(error @ ApiError::Forbidden { .. }) if !resource.namespaced => {
                front.warn(&format!("{} is not looked for: {}", resource.kind, chain(&error)));
            }
            Err(error) => return Err(failed(error)),
        }
    }
    if request.secret.is_none() {
        all.extend(made_by_itself(api, namespace, request.account).await.map_err(failed)?);
    }
    Ok((all, follows))
}

async fn in_each(
    api: &Api,
    resource: Resource,
    own: &str,
    follows: &Scope,
    labels: &str,
) -> Result<Vec<Value>, ApiError> {
    let mut namespaces = vec![own.to_owned()];
    if let Scope::Namespaces(all) = follows {
        namespaces.extend(all.iter().filter(|name| *name != own).cloned());
    }
    let mut all = Vec::new();
    for namespace in &namespaces {
        all.extend(api.list(resource, Some(namespace), Some(labels)).await?);
    }
    Ok(all)
}

/// What the controller has made in its own namespace, and what it was told; and the account, if it is to go.
async fn made_by_itself(api: &Api, namespace: &str, account: bool) -> Result<Vec<Found>, ApiError> {
    let standing = mark::selector(Some(Purpose::Standing));
    let mut all = Vec::new();
    for resource in [INGRESS, ENDPOINTSLICE, SERVICE] {
        let objects = api.list(resource, Some(namespace), Some(&standing)).await?;
        all.extend(objects.iter().map(|object| Found::of(resource, object)));
    }
    let state = mark::selector(Some(Purpose::State));
    let stored = api.list(CONFIGMAP, Some(namespace), Some(&state)).await?;
    all.extend(stored.iter().map(|object| Found::of(CONFIGMAP, object)));
    let own = |object: &Value| object["metadata"]["labels"][MANAGED_BY] == MANAGER;
    // What `pause` and `resume` write is called like the Lease.
    let told = api.get(CONFIGMAP, &Key::new(namespace, LEASE)).await?;
    all.extend(told.filter(own).map(|object| Found::of(CONFIGMAP, &object)));
    if account {
        let found = api.get(SECRET, &Key::new(namespace, ACCOUNT)).await?;
        all.extend(found.filter(own).map(|object| Found::of(SECRET, &object)));
    }
    Ok(all)
}

async fn may_be_removed(api: &Api, permits: &Permits, front: &dyn Front) -> Result<(), OpError> {
    let _waiting = front.wait_for_server(api.connection());
    // A server that does not say what is allowed says it when something is removed.
    let Ok(missing) = rights::missing(api, permits).await else {
        return Ok(());
    };
    if missing.is_none() {
        return Ok(());
    }
    Err(OpError::because(&missing).after("nothing was removed"))
}

async fn remove(api: &Api, all: &[Found], front: &dyn Front) -> Report {
    let mut report = Report::default();
    for one in all {
        match api.delete(one.resource, &one.key, Some(&one.uid)).await {
            Ok(was_there) => report.removed += usize::from(was_there),
            Err(error) => {
                report.trouble = Some(Blame::Write);
                front.error(&format!("{one} stays: {}", chain(&error)));
            }
        }
    }
    report
}

/// Removes what the controller has made since it was listed. What was listed is told already, whatever became of it.
async fn remove_later(api: &Api, namespace: &str, listed: &[Found], front: &dyn Front) -> Report {
    let mut later = match made_by_itself(api, namespace, false).await {
        Ok(later) => later,
        Err(error) => {
            front.error(&format!(
                "nobody knows whether the controller has made anything since: {}",
                chain(&error)
            ));
            return Report {
                trouble: Some(Blame::Write),
                ..Report::default()
            };
        }
    };
    later.retain(|one| !listed.iter().any(|before| before.uid == one.uid));
    let permits = later.iter().map(permit).collect();
    remove(&api.with_permits(permits), &later, front).await
}

/// The id of an installation, which is with its account.
async fn id_of(api: &Api, namespace: &str) -> Option<String> {
    let secret = api.get(SECRET, &Key::new(namespace, ACCOUNT)).await.ok()??;
    install_id::noted(&secret)
}

/// How many objects of an installation serve customers' hosts, as far as can be seen.
async fn chunks(context: &Context, source: &Source, install: &str) -> usize {
    let Ok(connection) = context.cluster.login().await.cloned() else {
        return 0;
    };
    let api = Api::new(connection, Permits::none());
    let labels = mark::selector(Some(Purpose::Chunk));
    let namespaces: Vec<Option<&str>> = if source.all_namespaces {
        vec![None]
    } else {
        source.namespace.iter().map(|name| Some(name.as_str())).collect()
    };
    let mut count = 0;
    for namespace in namespaces {
        for resource in [INGRESS, LISTENERSET] {
            let found = api.list(resource, namespace, Some(&labels)).await.unwrap_or_default();
            let ours = found
                .iter()
                .filter(|object| object["metadata"]["annotations"][annotation::CLAIM] == install);
            count += ours.count();
        }
    }
    count
}

/// Tells what stays, and that nobody renews it.
async fn left(request: &Request, context: &Context, install: Option<&str>, follows: Scope, front: &dyn Front) {
    let namespace = request.namespace.as_str();
    if !request.account {
        front.note(&format!(
            "Secret {namespace}/{ACCOUNT} stays, with the account: whoever installs again in this namespace goes on with it"
        ));
    }
    let adopted = mark::selector(Some(Purpose::Adopted));
    let connection = context.cluster.login().await.ok().cloned();
    if let Some(connection) = connection {
        let api = Api::new(connection, Permits::none());
        let found = api
            .list(SECRET, Some(namespace), Some(&adopted))
            .await
            .unwrap_or_default();
        if !found.is_empty() {
            front.note(&format!(
                "`kubectl certs adopt --undo -A --controller-namespace {}` gives what was adopted back to its former keepers",
                quote(namespace)
            ));
        }
    }
    front.note(&format!(
        "namespace {namespace} stays: `kubectl delete namespace {}` removes it with everything in it",
        quote(namespace)
    ));
    let Some(install) = install else {
        front.note("the installation has no id yet, so that it has claimed no Secret");
        return;
    };
    let source = match follows {
        Scope::Cluster => Source {
            all_namespaces: true,
            ..Source::default()
        },
        Scope::Namespaces(namespace) => Source {
            namespace,
            ..Source::default()
        },
    };
    let chunks = chunks(context, &source, install).await;
    if chunks > 0 {
        front.note(&format!(
            "{} with customers' hosts stay, because they serve them: `kubectl get ingresses,listenersets -A -l {}` lists them",
            counted(chunks, "object"),
            mark::selector(Some(Purpose::Chunk)),
        ));
    }
    let open = Open {
        quiet: true,
        ..Open::default()
    };
    let session = match Session::open(&context.cluster, &source, &context.checks(), &[], open).await {
        Ok(session) => session,
        Err(error) => {
            front.warn(&format!("nobody knows which Secrets it has claimed: {}", error.message));
            return;
        }
    };
    let mut claimed: Vec<(Option<i64>, String)> = session
        .inventory
        .secrets()
        .iter()
        .filter(|stored| stored.meta.annotation(annotation::CLAIM) == Some(install))
        .map(|stored| {
            let until = stored.leaf().map(|leaf| leaf.not_after);
            let said = until.map_or_else(String::new, |until| format!(" (until {})", date(until)));
            (until, format!("{}{said}", stored.meta.key()))
        })
        .collect();
    claimed.sort();
    if claimed.is_empty() {
        front.note("it has claimed no Secret: no certificate loses who renews it");
        return;
    }
    let names: Vec<&String> = claimed.iter().map(|(_, said)| said).collect();
    let stay = if claimed.len() == 1 {
        "stays, and nobody renews it any more"
    } else {
        "stay, and nobody renews them any more; first to expire"
    };
    front.warn(&format!(
        "{} that it has claimed {stay}: {}",
        counted(claimed.len(), "Secret"),
        first_few(&names)
    ));
    front.hint(&format!(
        "`kubectl certs install -n {namespace}` goes on with them; `kubectl annotate secret -n NAMESPACE NAME {}-` gives one to another \
         installation; `kubectl certs renew --due -A --production` renews by hand",
        annotation::CLAIM
    ));
}
