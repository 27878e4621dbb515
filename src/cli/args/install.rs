//! `install` and `uninstall`.

use std::path::PathBuf;

use clap::{Args, builder::NonEmptyStringValueParser};

use super::{
    ClusterArgs,
    issue::{CaArgs, Dns01Args, Http01Args, IssuanceArgs, NotifyArgs, OrderArgs, StoreArgs, words},
};
use crate::{
    apply::{KeyKind, RunId},
    cli::settings::issue_layer,
    clock::seconds,
    install::USUAL_NAMESPACE,
    ops::{Config, OpError, install, uninstall},
    settings::{
        layer::Layer,
        value::{ChallengeWord, Length, NameServer, RestartWord, SecretKeys, SelfCheck, SolverKind},
    },
};

/// `install`.
// Each is a flag of the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Args)]
pub struct InstallCommand {
    /// The namespace of the installation
    #[arg(short, long, value_name = "NAMESPACE", default_value = USUAL_NAMESPACE)]
    pub namespace: String,
    /// Print the objects as YAML.
    #[arg(
        help = "Print the objects as YAML and write nothing, for GitOps; no cluster is asked",
        long,
        conflicts_with_all = ["yes", "dry_run"]
    )]
    pub print: bool,
    /// Only list what would be created and changed
    #[arg(long)]
    pub dry_run: bool,
    /// Answer yes to every question
    #[arg(short, long)]
    pub yes: bool,
    /// What runs.
    #[command(flatten)]
    pub controller: ControllerPart,
    /// What runs by the clock instead.
    #[command(flatten)]
    pub clock: ClockPart,
    /// How it runs.
    #[command(flatten)]
    pub pods: PodPart,
    /// Its settings.
    #[command(flatten)]
    pub settings: SettingsPart,
    /// Who is told.
    #[command(flatten)]
    pub notify: NotifyArgs,
    /// Which CA and account.
    #[command(flatten)]
    pub ca: CaArgs,
    /// Which cluster.
    #[command(flatten)]
    pub connection: ClusterArgs,
}

/// The controller.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Controller")]
pub struct ControllerPart {
    /// Follow only these namespaces, with Roles in each; all of the cluster by default. With the installation's own namespace alone, nothing
    /// cluster-wide is made
    #[arg(
        long,
        value_name = "NAMESPACE,...",
        value_delimiter = ',',
        conflicts_with = "cronjob"
    )]
    pub namespaced: Vec<String>,
    /// How many Pods: one orders, the others wait
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=9))]
    pub replicas: u16,
    /// A port that it may connect to besides 53, 80, 443 and 6443: that of a DNS provider's API; may be given more than once
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..), conflicts_with = "cronjob")]
    pub egress: Vec<u16>,
    /// Tell the Prometheus operator of the metrics: true or false; by default where the cluster has its kinds
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", conflicts_with = "cronjob")]
    pub service_monitor: Option<bool>,
    /// Do without the admission policy.
    #[arg(
        help = "Do without the ValidatingAdmissionPolicy, which limits what the controller may write",
        long,
        conflicts_with = "cronjob"
    )]
    pub no_admission_policy: bool,
    /// Keep namespaces to their names.
    #[arg(
        help = "Also have the API server keep namespaces to the names that policy.names of the settings permits them, by another ValidatingAdmissionPolicy",
        long,
        conflicts_with = "cronjob"
    )]
    pub fence_tenants: bool,
    /// The id of the installation.
    #[arg(
        help = "With --print: the id of the installation, for the admission policy; it is the annotation kubectl-certs.io/install of Secret account",
        long,
        value_name = "ID",
        requires = "print"
    )]
    pub install_id: Option<String>,
}

/// A `CronJob`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "CronJob")]
pub struct ClockPart {
    /// A `CronJob`.
    #[arg(
        help = "Instead of the controller: a CronJob that keeps one Secret, with rights for that Secret alone",
        long,
        requires = "secret",
        requires = "domains"
    )]
    pub cronjob: bool,
    /// The Secret that it keeps
    #[arg(long, value_name = "NAME", requires = "cronjob")]
    pub secret: Option<String>,
    /// A host of its certificate; may be given more than once
    #[arg(short = 'd', long = "domain", value_name = "HOST", requires = "cronjob")]
    pub domains: Vec<String>,
    /// How long its certificate lives, which says how often it looks: 24h, 6d; by default what the profile says
    #[arg(long, value_name = "DURATION", requires = "cronjob")]
    pub lifetime: Option<Length>,
}

/// The Pods.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Pods")]
pub struct PodPart {
    /// The image, which has this program
    #[arg(long, value_name = "IMAGE", value_parser = NonEmptyStringValueParser::new())]
    pub image: Option<String>,
    /// A Secret to pull the image with; may be given more than once
    #[arg(long, value_name = "NAME")]
    pub pull_secret: Vec<String>,
    /// A Secret of the namespace whose config.yaml has settings with credentials, such as DNS providers
    #[arg(long, value_name = "NAME")]
    pub settings_secret: Option<String>,
}

/// Settings that may be in a `ConfigMap`.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Settings of the installation")]
pub struct SettingsPart {
    /// A file for the `ConfigMap`.
    #[arg(
        help = "A settings file for the ConfigMap, without credentials; flags take precedence",
        long,
        value_name = "FILE"
    )]
    pub settings: Option<PathBuf>,
    /// A profile of the CA: classic, tlsserver, shortlived, ...
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The chain whose root or issuer has this common name, if the CA offers several
    #[arg(long, value_name = "NAME")]
    pub preferred_chain: Option<String>,
    /// ecdsa-p256, ecdsa-p384, rsa-2048, rsa-3072 or rsa-4096; the current kind by default, and ecdsa-p256 for a new Secret
    #[arg(long, value_name = "TYPE", value_parser = words::<KeyKind>(KeyKind::ALL.map(KeyKind::as_str)), hide_possible_values = true)]
    pub key_type: Option<KeyKind>,
    /// How many certificates at once [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: Option<u16>,
    /// How HTTP-01 is answered: endpoint, pod, service or in-place
    #[arg(long, value_name = "SOLVER", value_parser = words::<SolverKind>(SolverKind::WORDS.iter().copied()), hide_possible_values = true)]
    pub solver: Option<SolverKind>,
    /// How the answer is checked before the CA is asked: auto, direct, cluster, wait=30s or off [default: auto]
    #[arg(long, value_name = "HOW")]
    pub self_check: Option<SelfCheck>,
    /// How long to wait for a host that does not resolve yet, before anything is ordered; 0 does not wait [default: 2m]
    #[arg(long, value_name = "DURATION")]
    pub resolve_timeout: Option<Length>,
    /// dns-persist-01: validate every name by a TXT record that is set once and stays
    #[arg(long, value_name = "CHALLENGE", value_parser = words::<ChallengeWord>(ChallengeWord::WORDS.iter().copied()), hide_possible_values = true)]
    pub challenge: Option<ChallengeWord>,
    /// The name server that is asked for hosts, zones and CAA records, IP or IP:PORT; may be given more than once; else the system's
    #[arg(long, value_name = "ADDRESS")]
    pub resolver: Vec<NameServer>,
    /// The Secrets' keys for chain and private key, if they are not tls.crt and tls.key: certificate=KEY,key=KEY
    #[arg(long, value_name = "KEYS")]
    pub secret_keys: Option<SecretKeys>,
    /// Then restart none, auto (workloads that would not notice the change) or KIND/NAME,... [default: none]
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub restart: Vec<RestartWord>,
    /// How long the new certificate may take to be served; 0 does not check [default: 60s]
    #[arg(long, value_name = "DURATION")]
    pub wait: Option<Length>,
}

impl InstallCommand {
    /// Where a use case finds settings.
    pub fn config(&self) -> Config {
        self.ca.settings.config()
    }

    /// What a use case is asked.
    ///
    /// # Errors
    ///
    /// The flags do not go together.
    pub fn request(&self) -> Result<install::Request, OpError> {
        let part = match &self.clock.secret {
            Some(secret) => install::Part::Clock {
                secret: secret.clone(),
                hosts: self.clock.domains.clone(),
                lifetime: self.clock.lifetime.map(|length| seconds(length.0)),
            },
            None => install::Part::Controller {
                namespaces: self.controller.namespaced.clone(),
                replicas: self.controller.replicas,
                egress: self.controller.egress.clone(),
                service_monitor: self.controller.service_monitor,
                policy: !self.controller.no_admission_policy,
                tenants: self.controller.fence_tenants,
                id: self.install_id()?,
            },
        };
        Ok(install::Request {
            namespace: self.namespace.clone(),
            flags: self.layer()?,
            settings: self.settings.settings.clone(),
            image: self.pods.image.clone(),
            pull_secrets: self.pods.pull_secret.clone(),
            settings_secret: self.pods.settings_secret.clone(),
            part,
            is_dry: self.dry_run,
        })
    }

    fn install_id(&self) -> Result<Option<String>, OpError> {
        let Some(id) = &self.controller.install_id else {
            return Ok(None);
        };
        // It becomes a part of an expression.
        match RunId::parse(id) {
            Some(id) => Ok(Some(id.to_string())),
            None => Err(OpError::usage(format!("{id:?} is not the id of an installation")).hint(
                "`kubectl get secret account -n NAMESPACE -o jsonpath='{.metadata.annotations.kubectl-certs\\.io/install}'` prints it",
            )),
        }
    }

    /// What the flags say of settings.
    fn layer(&self) -> Result<Layer, OpError> {
        let said = self.settings.clone();
        let mut layer = issue_layer(&IssuanceArgs {
            ca: self.ca.clone(),
            order: OrderArgs {
                profile: said.profile,
                preferred_chain: said.preferred_chain,
                key_type: said.key_type,
                concurrency: said.concurrency,
                ..OrderArgs::default()
            },
            http01: Http01Args {
                solver: said.solver,
                self_check: said.self_check,
                resolve_timeout: said.resolve_timeout,
                ..Http01Args::default()
            },
            dns01: Dns01Args {
                challenge: said.challenge,
                resolver: said.resolver,
                ..Dns01Args::default()
            },
            store: StoreArgs {
                secret_keys: said.secret_keys,
                restart: said.restart,
                wait: said.wait,
                ..StoreArgs::default()
            },
        })?;
        self.notify.add_to(&mut layer)?;
        Ok(layer)
    }
}

/// `uninstall`.
// Each is a flag of the command line.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Args)]
pub struct UninstallCommand {
    /// The namespace of the installation
    #[arg(short, long, value_name = "NAMESPACE", default_value = USUAL_NAMESPACE)]
    pub namespace: String,
    /// A `CronJob`.
    #[arg(
        help = "Remove the CronJob of a Secret instead of the controller",
        long,
        requires = "secret"
    )]
    pub cronjob: bool,
    /// The Secret that the `CronJob` keeps
    #[arg(
        help = "The Secret that the CronJob keeps",
        long,
        value_name = "NAME",
        requires = "cronjob"
    )]
    pub secret: Option<String>,
    /// Also remove the account's Secret, with the account's key in it
    #[arg(long, conflicts_with = "cronjob")]
    pub account: bool,
    /// Only list what would be removed
    #[arg(long)]
    pub dry_run: bool,
    /// Answer yes to every question
    #[arg(short, long)]
    pub yes: bool,
    /// Which cluster.
    #[command(flatten)]
    pub connection: ClusterArgs,
}

impl UninstallCommand {
    /// What a use case is asked.
    pub fn request(&self) -> uninstall::Request {
        uninstall::Request {
            namespace: self.namespace.clone(),
            secret: self.secret.clone(),
            account: self.account,
            is_dry: self.dry_run,
        }
    }
}
