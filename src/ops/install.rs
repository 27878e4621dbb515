//! `install`: the controller, or a `CronJob` for one certificate, and what it may do; written to a cluster, or handed to
//! whoever prints it.

mod account;
mod rivals;
mod write;

use super::{Context, OpError};
use crate::{
    apply::{Api, Permits, rights},
    error::{Blame, with_hint},
    install::{
        ACCOUNT, CONFIG, Install, Made, Scope,
        cronjob::{self, Ensure},
        rights::Needs,
        schedule,
    },
    object::{Key, Seconds},
    plan::Plan,
    policy::NamesPolicy,
    settings::{
        Chosen, IMAGE, Settings,
        layer::Layer,
        portable::{Portable, of_secret, portable, read_back, with_file},
        preference::Preference,
        value::{Namespaced, Restart, SelfCheck, ServeWord, SolverKind, WorkloadKind},
    },
    text::{Clear, quote},
};
use account::{AccountPlan, InstallId};
pub(super) use rivals::shimmed_by_default;
use write::{Change, Planned};

/// What is asked.
#[derive(Debug, Clone)]
pub struct Request {
    /// The namespace in which everything is.
    pub namespace: String,
    /// What the flags say of settings, and the choice of the CA.
    pub flags: Layer,
    /// A file with more settings for the `ConfigMap`; flags take precedence.
    pub settings: Option<std::path::PathBuf>,
    /// The image of the Pods; `None` is the one of the build.
    pub image: Option<String>,
    /// Secrets of the namespace to pull it with.
    pub pull_secrets: Vec<String>,
    /// A Secret of the namespace with settings that hold credentials.
    pub settings_secret: Option<String>,
    /// What is installed.
    pub part: Part,
    /// Whether it is only shown.
    pub is_dry: bool,
}

/// What is installed.
#[derive(Debug, Clone)]
pub enum Part {
    /// A program that goes on.
    Controller {
        /// The namespaces that it follows; none is all of the cluster.
        namespaces: Vec<String>,
        /// How many Pods.
        replicas: u16,
        /// The ports that it connects to besides the usual ones.
        egress: Vec<u16>,
        /// Whether the Prometheus operator is told; `None` where it is there.
        service_monitor: Option<bool>,
        /// Whether the API server is told what the `ServiceAccount` may write.
        policy: bool,
        /// Whether it is told which names namespaces may have.
        tenants: bool,
        /// The id of the installation, where no cluster is asked for it.
        id: Option<String>,
    },
    /// A `CronJob` for one certificate.
    Clock {
        /// The name of its Secret.
        secret: String,
        /// Its hosts.
        hosts: Vec<String>,
        /// How long it lives, in seconds; `None` is what its profile says.
        lifetime: Option<Seconds>,
    },
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// How many objects were created.
    pub created: usize,
    /// How many were changed.
    pub changed: usize,
    /// How many were as they should be.
    pub kept: usize,
}

/// The objects, and the settings with which they were made.
pub struct Manifests {
    /// The objects, in the order in which they are written.
    pub objects: Vec<Made>,
    /// The command that registers the account, for whoever applies them himself.
    pub register: String,
    /// The settings from here.
    settings: Settings,
    /// The issuers besides the chosen one, and those at which changes to them are rehearsed.
    others: Vec<Chosen>,
    part: Whole,
}

enum Whole {
    Controller(Box<Install>),
    Clock,
}

/// Makes the objects without asking a cluster.
///
/// # Errors
///
/// The settings are wrong, or not for a `ConfigMap`; no image is named; or a name is none.
// One course from flags to objects.
#[allow(clippy::too_many_lines)]
pub async fn manifests(request: &Request, context: &Context) -> Result<Manifests, OpError> {
    let failed = |error| OpError::because(&error);
    let namespace = request.namespace.as_str();
    named(namespace, "namespace")?;
    let mut flags = request.flags.clone();
    if flags.issuer.account_secret.is_some() {
        return Err(OpError::usage(format!(
            "the account is in Secret {namespace}/{ACCOUNT}: --account-secret is not for an installation"
        )));
    }
    let account: Namespaced = format!("{namespace}/{ACCOUNT}").parse().map_err(OpError::usage)?;
    if let Some(path) = &request.settings {
        flags = with_file(flags, path).map_err(failed)?;
    }
    let own = flags.clone();
    flags.issuer.account_secret = Some(account);
    let mut layers = context.layers(flags).await?;
    layers.extend(request.settings_secret.as_deref().map(of_secret));
    let settings = Settings::of(&layers).map_err(failed)?;
    let others = others(request, &layers, &settings.chosen)?;
    let Portable { settings: said, choice } = portable(&layers, &own, &settings.chosen).map_err(failed)?;
    let mut text = Vec::new();
    crate::document::yaml::write(&said, &mut text).map_err(OpError::usage)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let read = as_read(request, &layers, &settings.chosen, &text)?;
    let image = image(request)?;
    let register = register_command(request, &choice);
    let (objects, part) = match &request.part {
        Part::Controller {
            namespaces,
            replicas,
            egress,
            service_monitor,
            policy,
            tenants,
            id,
        } => {
            namespaces.iter().try_for_each(|name| named(name, "namespace"))?;
            let mut install = Install {
                namespace: namespace.to_owned(),
                scope: Scope::of(namespaces),
                image,
                pull_secrets: request.pull_secrets.clone(),
                replicas: *replicas,
                choice,
                settings: text,
                settings_secret: request.settings_secret.clone(),
                needs: needs(&read),
                pair_keys: pair_keys(&read),
                egress: egress
                    .iter()
                    .copied()
                    .chain(ports_of(&settings, &others, &read))
                    .collect(),
                service_monitor: *service_monitor == Some(true),
                policy: *policy,
                id: id.clone(),
                tenants: tenants.then(|| names_of(&read)).transpose()?,
                domains: read.domains.as_ref().map(|domains| domains.listen.port),
                template: read.domains.as_ref().and_then(|domains| domains.template.clone()),
            };
            // What is cluster-wide is not for somebody who has a namespace.
            install.policy &= !install.is_one();
            if install.tenants.is_some() && install.is_one() {
                return Err(OpError::usage(
                    "--fence-tenants makes something cluster-wide, and this installation follows its own namespace alone",
                ));
            }
            (install.objects(), Whole::Controller(Box::new(install)))
        }
        Part::Clock {
            secret,
            hosts,
            lifetime,
        } => {
            named(secret, "Secret")?;
            let profile = settings.chosen.issuer.profile.as_deref();
            let ensure = Ensure {
                secret: Key::new(namespace, secret.as_str()),
                hosts: hosts.clone(),
                image,
                pull_secrets: request.pull_secrets.clone(),
                choice,
                settings: text,
                settings_secret: request.settings_secret.clone(),
                needs: needs(&read),
                restarts: restarts(&read),
                lifetime: lifetime.unwrap_or_else(|| schedule::lifetime(profile)),
            };
            if ensure.lifetime < schedule::SHORTEST {
                return Err(OpError::usage(
                    "a certificate that lives shorter than 12 hours is not for a CronJob, which looks once an hour",
                )
                .hint("the controller looks all the time: `kubectl certs install` without --cronjob"));
            }
            if settings.chosen.rehearsal {
                return Err(OpError::usage("no CA is chosen")
                    .hint("choose with --staging, --production, --issuer NAME or --directory-url URL"));
            }
            (ensure.objects(), Whole::Clock)
        }
    };
    Ok(Manifests {
        objects,
        register,
        settings,
        others,
        part,
    })
}

/// The names policy of the settings.
fn names_of(read: &Settings) -> Result<NamesPolicy, OpError> {
    let names = read.names.as_deref().cloned();
    names.ok_or_else(|| {
        OpError::usage("--fence-tenants takes a policy, and the settings have no policy.names")
            .hint("name a file with one: --settings FILE; the guide \"Many teams\" has an example")
    })
}

/// The settings of a `ConfigMap` as whoever reads them in the cluster reads them.
fn as_read(request: &Request, layers: &[Layer], chosen: &Chosen, text: &str) -> Result<Settings, OpError> {
    let at: Namespaced = format!("{}/{CONFIG}", request.namespace)
        .parse()
        .map_err(OpError::usage)?;
    let mut bare = Layer::empty(request.flags.origin.clone());
    bare.choice = layers
        .iter()
        .find_map(|layer| layer.choice.clone())
        .map(|_| crate::settings::layer::Choice::Issuer(chosen.issuer.name.clone()));
    if let Some(secret) = &request.settings_secret {
        bare.file = of_secret(secret).file;
    }
    read_back(text, &at, bare).map_err(|error| OpError::because(&error))
}

/// The issuers besides the chosen one, and those at which changes to them are rehearsed: for a controller alone.
fn others(request: &Request, layers: &[Layer], chosen: &Chosen) -> Result<Vec<Chosen>, OpError> {
    if matches!(request.part, Part::Clock { .. }) {
        return Ok(Vec::new());
    }
    let preference = Preference::of(layers, chosen).map_err(|error| OpError::because(&error))?;
    let all = preference.others.into_iter();
    Ok(all
        .flat_map(|other| std::iter::once(other.chosen).chain(other.staging))
        .collect())
}

/// Whether a text can be the name of an object.
pub(super) fn named(name: &str, what: &str) -> Result<(), OpError> {
    if crate::k8s::possible(name) {
        return Ok(());
    }
    Err(OpError::usage(format!("{name:?} cannot be the name of a {what}")))
}

fn image(request: &Request) -> Result<String, OpError> {
    let named = request.image.clone().or_else(|| IMAGE.map(str::to_owned));
    named.ok_or_else(|| {
        OpError::usage("no image is named, and this build has none").hint(
            "build one with `plugin/image` and push it to a registry of yours, then: --image REGISTRY/kubectl-certs:TAG",
        )
    })
}

/// What the settings take of rights. In the cluster, the program itself answers unless they say otherwise.
fn needs(settings: &Settings) -> Needs {
    let solver = settings.http01.solver;
    Needs {
        pods: solver == Some(SolverKind::Pod) || settings.http01.self_check == SelfCheck::Cluster,
        config_maps: solver == Some(SolverKind::Service),
        restarts: settings.storing.restart != Restart::None,
        in_place: solver == Some(SolverKind::InPlace),
        domains: settings.domains.is_some(),
        listener_sets: settings
            .domains
            .as_ref()
            .is_some_and(|domains| domains.serve == ServeWord::ListenerSet),
        templates: settings
            .domains
            .as_ref()
            .is_some_and(|domains| domains.template.is_some()),
    }
}

fn pair_keys(settings: &Settings) -> Vec<String> {
    let keys = settings.storing.said.secret_keys.clone();
    keys.map_or_else(Vec::new, |keys| vec![keys.certificate, keys.key])
}

fn restarts(settings: &Settings) -> Vec<(&'static str, String)> {
    let Restart::These(workloads) = &settings.storing.restart else {
        return Vec::new();
    };
    let plural = |kind| match kind {
        WorkloadKind::Deployment => "deployments",
        WorkloadKind::StatefulSet => "statefulsets",
        WorkloadKind::DaemonSet => "daemonsets",
        WorkloadKind::ReplicationController => cronjob::REPLICATION_CONTROLLERS,
    };
    workloads
        .iter()
        .map(|one| (plural(one.kind), one.name.clone()))
        .collect()
}

/// The ports of the CAs' directories and of the Alertmanager, where they are none of the usual ones.
fn ports_of(settings: &Settings, others: &[Chosen], read: &Settings) -> impl Iterator<Item = u16> {
    let alertmanager = read.notify.alertmanager.as_deref();
    let directories = std::iter::once(&settings.chosen).chain(others);
    let urls = directories
        .map(|chosen| chosen.issuer.directory_url.as_str())
        .chain(alertmanager);
    let domains = read.domains.as_ref();
    let ask = domains.map(|domains| domains.ask.of("host", false));
    let webhook = domains.and_then(|domains| domains.said.webhook.clone());
    let told = ask.iter().chain(&webhook).map(String::as_str);
    let mut ports: Vec<u16> = urls.chain(told).filter_map(port_of).collect();
    // The usual one of PostgreSQL; --egress names another.
    ports.extend(domains.and_then(|domains| domains.database.as_ref()).map(|_| 5432));
    ports.into_iter()
}

fn port_of(url: &str) -> Option<u16> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (_, port) = authority.rsplit_once(':')?;
    port.parse().ok()
}

fn register_command(request: &Request, choice: &[String]) -> String {
    let choice = choice.first().map_or("--production", String::as_str);
    format!(
        "kubectl certs account register {} --account-secret {}",
        quote(choice),
        quote(&format!("{}/{ACCOUNT}", request.namespace))
    )
}

/// Shows what is missing or different, asks, and writes it. What is as it should be is left alone.
///
/// # Errors
///
/// Somebody else gives certificates to the same routes, an object is somebody's, a right is missing, the account cannot be
/// registered, or the server refuses something.
pub async fn run(request: &Request, context: &Context) -> Result<Report, OpError> {
    let front = &**context.front();
    let mut made = manifests(request, context).await?;
    let connection = context.cluster.connection().await?.clone();
    let reading = Api::new(connection.clone(), Permits::none());
    let waiting = front.wait_for_server(&connection);
    let mut install_id = None;
    if let Whole::Controller(install) = &mut made.part {
        rivals::none(&reading, install, front).await?;
        if let Part::Controller {
            service_monitor: None, ..
        } = request.part
        {
            install.service_monitor = rivals::is_served(&reading, crate::object::resource::SERVICEMONITOR).await;
            made.objects = install.objects();
        }
        if install.policy || install.tenants.is_some() {
            rivals::has_policies(&reading).await?;
        }
        let id = InstallId::of(&reading, &request.namespace).await?;
        install.id = Some(id.as_str().to_owned());
        made.objects = install.objects();
        install_id = Some(id);
    }
    let mut accounts = vec![AccountPlan::of(context, &made.settings.chosen).await?];
    for other in &made.others {
        accounts.push(AccountPlan::of(context, other).await?);
    }
    let planned = write::plan(&reading, &made.objects).await?;
    drop(waiting);
    let mut report = Report {
        kept: planned.iter().filter(|one| one.change == Change::Keep).count(),
        ..Report::default()
    };
    tell(request, &planned, &accounts, front)?;
    if request.is_dry {
        return Ok(report);
    }
    let is_noted = install_id.as_ref().is_none_or(InstallId::is_noted);
    let is_whole = accounts.iter().all(AccountPlan::is_there) && is_noted;
    let has_work = planned.iter().any(|one| one.change != Change::Keep) || !is_whole;
    if has_work {
        may_be_written(&reading, &planned, front).await?;
        front
            .confirm(Plan {
                place: context.place(),
                question: Some(question(request, &made.settings)),
                ..Plan::default()
            })
            .await?;
        let _waiting = front.wait_for_server(&connection);
        write::namespaces(&reading, &planned, &mut report).await?;
        for (number, account) in accounts.iter().enumerate() {
            match account.make(context).await {
                Err(error) if number > 0 => {
                    front.warn(&format!(
                        "there is no account with {}, so that no certificate changes to it: {}",
                        account.issuer(),
                        with_hint(&error.message, error.hint.as_deref())
                    ));
                }
                made => made?,
            }
        }
        if let Some(id) = &install_id {
            id.note(&reading, &request.namespace).await?;
        }
        write::rest(&reading, &planned, &mut report).await?;
        front.note(&format!("{} created, {} changed", report.created, report.changed));
    } else {
        front.note("everything is as it should be: nothing to change");
    }
    next(request, &made, front);
    Ok(report)
}

/// Prints what would be, and will be, done.
fn tell(
    request: &Request,
    planned: &[Planned],
    accounts: &[AccountPlan],
    front: &dyn super::Front,
) -> Result<(), OpError> {
    let would = if request.is_dry { "would " } else { "" };
    let mut lines: Vec<String> = Vec::new();
    for one in planned {
        let verb = match one.change {
            Change::Create => "create",
            Change::Update => "change",
            Change::Keep => continue,
        };
        lines.push(format!("{would}{verb} {}", one.made));
    }
    let steps = accounts.iter().filter_map(AccountPlan::step);
    lines.extend(steps.map(|step| format!("{would}{step}")));
    let kept = planned.iter().filter(|one| one.change == Change::Keep).count();
    if kept > 0 && !lines.is_empty() {
        lines.push(format!("keep {kept} that are as they should be"));
    }
    let text: String = lines.iter().map(|line| Clear(line).to_string() + "\n").collect();
    front.print(&text)
}

fn question(request: &Request, settings: &Settings) -> String {
    let issuer = &settings.chosen.issuer.name;
    match &request.part {
        Part::Controller { .. } if settings.chosen.rehearsal => {
            format!(
                "Install a controller that plans and prints in namespace {}?",
                request.namespace
            )
        }
        Part::Controller { .. } => format!("Install a controller for {issuer} in namespace {}?", request.namespace),
        Part::Clock { secret, .. } => {
            format!(
                "Install a CronJob that keeps Secret {}/{secret} with {issuer}?",
                request.namespace
            )
        }
    }
}

/// Asks for all rights before the first write.
async fn may_be_written(api: &Api, planned: &[Planned], front: &dyn super::Front) -> Result<(), OpError> {
    let permits = write::permits(planned);
    let _waiting = front.wait_for_server(api.connection());
    // A server that does not say what is allowed says it when something is written.
    let Ok(missing) = rights::missing(api, &permits).await else {
        return Ok(());
    };
    if missing.is_none() {
        return Ok(());
    }
    let error = OpError::because(&missing)
        .after("nothing was written")
        .blame(Blame::Cluster);
    Err(error.hint("whoever manages the cluster may apply it: --print prints the objects"))
}

/// What comes next, with the exact commands.
fn next(request: &Request, made: &Manifests, front: &dyn super::Front) {
    let namespace = quote(&request.namespace);
    match &made.part {
        Whole::Clock => {
            let Part::Clock { secret, .. } = &request.part else {
                return;
            };
            let name = cronjob::name(&Key::new(request.namespace.as_str(), secret.as_str()));
            front.note(&format!(
                "`kubectl create job -n {namespace} --from=cronjob/{name} {name}-first` runs it now; `kubectl logs -n {namespace} job/{name}-first` \
                 shows what it did"
            ));
        }
        Whole::Controller(_) => {
            front.note(&format!(
                "the controller orders nothing until it is told: `kubectl logs -n {namespace} deployment/{}` shows what it would order",
                crate::install::NAME
            ));
            if made.settings.chosen.rehearsal {
                front.note("no CA is chosen, so that it has no account: `kubectl certs install` with --staging or --production chooses one");
            } else {
                front.note(&format!("`kubectl certs resume -n {namespace}` tells it to order"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        apply::rollout::{self, Workload, WorkloadKind as Restarted},
        install::rights::{Rule, following, writing},
    };

    #[test]
    fn a_controller_that_restarts_workloads_has_the_rights_for_each_kind_and_none_of_them_otherwise() {
        let has = |rules: &[Rule], group: &str, resource: &str, verb: &str| {
            let is_in = |words: &[String], word: &str| words.iter().any(|one| one == word);
            rules.iter().any(|rule| {
                is_in(&rule.api_groups, group) && is_in(&rule.resources, resource) && is_in(&rule.verbs, verb)
            })
        };
        let restarts = Needs {
            restarts: true,
            ..Needs::default()
        };
        let read = following();
        let (with, without) = (writing(restarts), writing(Needs::default()));
        for kind in [
            Restarted::Deployment,
            Restarted::StatefulSet,
            Restarted::DaemonSet,
            Restarted::ReplicationController,
        ] {
            let key = Key::new("shop", "web");
            for right in rollout::permits(&[Workload { kind, key }]).rights() {
                let part = right.subresource.map(|part| format!("/{part}")).unwrap_or_default();
                let resource = format!("{}{part}", right.resource.plural);
                let asked = (right.resource.group, resource.as_str(), right.verb.as_str());
                let is_read = has(&read, asked.0, asked.1, asked.2);
                assert!(is_read || has(&with, asked.0, asked.1, asked.2), "{right}");
                assert!(!has(&without, asked.0, asked.1, asked.2), "{right}");
            }
        }
    }
}
